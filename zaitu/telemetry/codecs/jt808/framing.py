"""Frames in a byte stream: `7e | header | body | xor | 7e`, with 7e and 7d escaped in between."""

from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Final

DELIMITER: Final = 0x7E
ESCAPE: Final = 0x7D
BODY_MAX: Final = 1023
HEADER_MAX: Final = 21
CONTENT_MAX: Final = 2 * (HEADER_MAX + BODY_MAX + 1)
"""Bytes between two delimiters when every one is escaped."""
CONTENT_MIN: Final = 13
"""The shortest header and the checksum."""


class FrameError(Exception):
    """A frame cannot be read. `code` is stable: it is printed by `zaitu decode` and counted by the gateway.

    empty, too_short, too_long, delimiter_inside, bad_escape, bad_checksum, bad_length, rsa_encrypted,
    unknown_encryption, short_body
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


def checksum(content: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, content, 0)


def escape(content: bytes) -> bytes:
    """As it travels; 7d first, or the escapes themselves would be escaped."""
    return content.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")


def unescape(content: bytes) -> bytes:
    """Raises FrameError `bad_escape`. A bare 7d at the very end is a checksum that the terminal forgot to escape."""
    parts = content.split(b"\x7d")
    out = bytearray(parts[0])
    for number, part in enumerate(parts[1:], start=2):
        if part[:1] == b"\x01":
            out.append(0x7D)
        elif part[:1] == b"\x02":
            out.append(0x7E)
        elif not part and number == len(parts):
            out.append(0x7D)
            return bytes(out)
        else:
            raise FrameError("bad_escape", f"7d is followed by {part[:1].hex() or 'another 7d'}")
        out += part[1:]
    return bytes(out)


def wrap(content: bytes) -> bytes:
    """Header and body → a frame for the wire."""
    return b"\x7e" + escape(content + bytes([checksum(content)])) + b"\x7e"


def unwrap(content: bytes) -> bytes:
    """What stood between two delimiters → header and body, unescaped, checksum verified and taken off.

    Raises FrameError: empty, too_short, too_long, delimiter_inside, bad_escape, bad_checksum.
    """
    if not content:
        raise FrameError("empty", "no byte between the delimiters")
    if len(content) > CONTENT_MAX:
        raise FrameError("too_long", f"{len(content)} bytes, at most {CONTENT_MAX}")
    if DELIMITER in content:
        raise FrameError("delimiter_inside", "7e stands unescaped in the frame")
    plain = unescape(content)
    if len(plain) < CONTENT_MIN:
        raise FrameError("too_short", f"{len(plain)} bytes, at least {CONTENT_MIN}")
    if checksum(plain):
        raise FrameError("bad_checksum", f"is {plain[-1]:02x}, computed {checksum(plain[:-1]):02x}")
    return plain[:-1]


@dataclass(slots=True)
class Deframer:
    """Cuts a stream at its delimiters, whatever pieces it arrives in.

    Each 7e ends one frame and may start the next, so a shared or doubled delimiter, or junk between frames,
    never shifts the frames after it. Holds at most CONTENT_MAX bytes.
    """

    junk_bytes: int = 0
    """Bytes before the first delimiter."""
    too_long: int = 0
    """Frames dropped because they passed CONTENT_MAX."""
    _content: bytearray = field(default_factory=bytearray)
    _started: bool = False
    _dropping: bool = False

    @property
    def half(self) -> bool:
        """A frame is begun and not ended."""
        return self._dropping or bool(self._content)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames completed by `data`, still escaped, without delimiters and empty ones."""
        frames = []
        pieces = data.split(b"\x7e")
        for piece in pieces[:-1]:
            self._take(piece)
            if self._content:
                frames.append(bytes(self._content))
                self._content.clear()
            self._started, self._dropping = True, False
        self._take(pieces[-1])
        return frames

    def _take(self, piece: bytes) -> None:
        if not self._started:
            self.junk_bytes += len(piece)
        elif not self._dropping:
            self._content += piece
            if len(self._content) > CONTENT_MAX:
                self.too_long += 1
                self._dropping = True
                self._content.clear()
