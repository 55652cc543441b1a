"""A text as one SMS or several: no character is ever cut in two. Pure."""

from collections.abc import Iterable
from typing import Final

_UCS2_ONE, _UCS2_EACH = 140, 134
_GSM7_ONE, _GSM7_EACH = 160, 153
"""Octets as sent to the operator: one a character (two with the escape), which it packs into seven bits each."""
PARTS_MOST: Final = 10
"""Operators refuse longer chains."""

_GSM7: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_CODES: Final = {char: bytes([code]) for code, char in enumerate(_GSM7) if char != "\x1b"} | {
    char: bytes([0x1B, code]) for char, code in _ESCAPED.items()
}
_CHARS: Final = {code: char for char, code in _CODES.items()}


def ucs2(text: str, reference: int) -> list[bytes]:
    """UCS-2: 70 characters, or 67 a part after the part's header; characters outside the basic plane count twice."""
    return _parts((char.encode("utf-16-be", "replace") for char in text), _UCS2_ONE, _UCS2_EACH, reference)


def gsm7(text: str, reference: int) -> list[bytes] | None:
    """GSM 03.38: 160 characters, or 153 a part; None: the text has others."""
    codes = [_CODES.get(char) for char in text]
    known = [code for code in codes if code is not None]
    return _parts(known, _GSM7_ONE, _GSM7_EACH, reference) if len(known) == len(codes) else None


def gsm7_text(octets: bytes) -> str:
    """What was sent in GSM 03.38; unknown codes as a replacement character."""
    found, at = [], 0
    while at < len(octets):
        size = 2 if octets[at] == 0x1B else 1
        found.append(_CHARS.get(octets[at : at + size], "\ufffd"))
        at += size
    return "".join(found)


def without_header(content: bytes) -> bytes:
    """A part's text without the user data header before it; as it is where the header is longer than all of it."""
    return content[content[0] + 1 :] if content and content[0] < len(content) else content


def _parts(chars: Iterable[bytes], one: int, each: int, reference: int) -> list[bytes]:
    chars = list(chars)
    if sum(map(len, chars)) <= one:
        return [b"".join(chars)]
    parts = [b""]
    for char in chars:
        if len(parts[-1]) + len(char) > each:
            parts.append(b"")
        parts[-1] += char
    total = len(parts)
    # 05 00 03: a header of five octets, element 0 (concatenated, eight-bit reference) of three.
    return [
        bytes([5, 0, 3, reference, min(total, 255), min(number, 255)]) + part
        for number, part in enumerate(parts, start=1)
    ]
