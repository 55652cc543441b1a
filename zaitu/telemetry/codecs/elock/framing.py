"""Frames of a lock's socket: `$` binary, `(…)` text and 7e frames in one stream, with line ends or garbage in between."""

import re
from dataclasses import dataclass, field
from typing import Final

from zaitu.telemetry.codecs.elock.binary import FRAME_MAX, HEAD, first_record, frame_length
from zaitu.telemetry.codecs.elock.text import TEXT_MAX
from zaitu.telemetry.codecs.jt808.framing import CONTENT_MAX, FrameError, unwrap
from zaitu.telemetry.codecs.jt808.values import is_bcd

HELD_MAX: Final = max(FRAME_MAX, TEXT_MAX, CONTENT_MAX + 2)
_SUBLOCK: Final = re.compile(rb"\(\d{1,20},\d,\d{1,10},WLNET,5,")
_WAIT: Final = -1
_NONE: Final = 0


@dataclass(slots=True)
class Deframer:
    """Cuts a stream into frames, whatever pieces it arrives in.

    What begins no frame is passed over byte by byte, so that garbage costs no more than itself. Holds at most HELD_MAX bytes.
    """

    junk_bytes: int = 0
    """Passed over; line ends are not counted."""
    _held: bytearray = field(default_factory=bytearray)

    @property
    def half(self) -> bool:
        """A frame is begun and not ended."""
        return bool(self._held)

    @property
    def held(self) -> bytes:
        """Of the frame that is begun."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames completed by `data`, with what they begin and end with."""
        self._held += data
        held, at, frames = bytes(self._held), 0, []
        while at < len(held):
            length = _length(held, at)
            if length == _WAIT:
                break
            if length == _NONE:
                self.junk_bytes += held[at] not in b"\r\n"
                at += 1
            else:
                frames.append(held[at : at + length])
                at += length
        self._held = bytearray(held[at:])
        return frames


def _length(held: bytes, at: int) -> int:
    """Of the frame at `at`; _WAIT: more is to come; _NONE: no frame begins here."""
    first = held[at : at + 1]
    if first == b"$":
        return _binary(held, at)
    if first == b"(":
        return _text(held, at)
    return _wire(held, at) if first == b"\x7e" else _NONE


def _binary(held: bytes, at: int) -> int:
    """Digits of the number, a length that can be, digits of a place: the first that fails tells garbage."""
    head = held[at : at + HEAD]
    if len(head) < HEAD:
        digits = head[1:6]
        return _WAIT if not digits or is_bcd(digits) else _NONE
    length = frame_length(head)
    if length is None:
        return _NONE
    place = held[at + first_record(head) + 6 :][:8]
    if place and not is_bcd(place):
        return _NONE
    return length if at + length <= len(held) else _WAIT


def _text(held: bytes, at: int) -> int:
    """The lock's number follows the bracket; nothing inside looks like one, but among the bytes that WLNET carries."""
    number = held[at + 1 : at + 25].split(b",", 1)[0]
    if (number and not number.isdigit()) or len(number) > 20:
        return _NONE
    end = held.find(b")", at, at + TEXT_MAX)
    begun = at + 1 if _SUBLOCK.match(held, at) is None else at + TEXT_MAX
    again = held.find(b"(", begun, end if end > 0 else at + TEXT_MAX)
    if again > 0 or (end < 0 and len(held) - at >= TEXT_MAX):
        return _NONE
    return end + 1 - at if end > 0 else _WAIT


def _wire(held: bytes, at: int) -> int:
    """Up to the next 7e, if that makes a frame; a closing 7e may begin the next one."""
    end = held.find(b"\x7e", at + 1, at + CONTENT_MAX + 2)
    if end < 0:
        return _WAIT if len(held) - at < CONTENT_MAX + 2 else _NONE
    try:
        unwrap(held[at + 1 : end])
    except FrameError:
        return _NONE
    return end + 1 - at
