"""Waybill numbers: company prefix (2–4 letters) + 12 random digits + check digit, e.g. `ZT 0412 8837 5512 4`.

Random, so that knowing one number tells nothing about another; digits, so that a number can be keyed on a phone;
the check digit (Damm, over the 12 digits) tells a mistyped number from an unknown one before any look-up.
"""

import re
import secrets
import unicodedata
from typing import Final

from django.conf import settings

from zaitu.kernel.errors import Invalid

RANDOM_DIGITS: Final = 12
DIGITS: Final = RANDOM_DIGITS + 1
PREFIX: Final = re.compile(r"[A-Z]{2,4}")
_STORED: Final = re.compile(rf"[A-Z]{{2,4}}[0-9]{{{DIGITS}}}")

# The totally anti-symmetric quasigroup of order 10 from H. Michael Damm's thesis (2004): its check digit catches
# every single wrong digit and every swap of two neighbours (ISO 7064 mod 11 would need the letter X).
_DAMM: Final = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
# Letters that people write or read for a digit, and the other way round in the prefix.
_LOOKS_LIKE_DIGIT: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_LOOKS_LIKE_LETTER: Final = str.maketrans({"0": "O", "1": "I"})
# Space of every kind, and the dashes that keyboards, spreadsheets and messages put between groups of digits.
_BETWEEN: Final = re.compile(r"[\s\-‐‑‒–—―−_.·]+")
_LONGEST_INPUT: Final = 64
# What a piece label prints under its bar code: the waybill, and the piece's three digits.
_LABEL: Final = re.compile(rf"([A-Z]{{2,4}}[0-9OIL]{{{DIGITS}}}|[0-9OIL]{{{DIGITS}}})[0-9OIL]{{3}}")


class Mistyped(Invalid):
    """The text cannot be a waybill number: wrong length, letters among the digits, or the check digit does not fit."""

    code = "waybill_mistyped"

    def __init__(self) -> None:
        super().__init__("运单号有误，请核对后重新输入")


def _damm(digits: str) -> int:
    state = 0
    for digit in digits:
        state = _DAMM[state][ord(digit) - 48]
    return state


def waybill_new(prefix: str, digits: str) -> str:
    """The waybill number of twelve given digits. Raises ValueError for another prefix or count."""
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"prefix is not 2–4 capital letters: {prefix!r}")
    if not re.fullmatch(r"[0-9]{12}", digits):
        raise ValueError(f"not {RANDOM_DIGITS} digits: {digits!r}")
    return f"{prefix}{digits}{_damm(digits)}"


def waybill_make(prefix: str) -> str:
    """A new random number. Collisions are for the unique index to find: 1 in 10¹² per existing shipment."""
    return waybill_new(prefix, f"{secrets.randbelow(10**RANDOM_DIGITS):0{RANDOM_DIGITS}d}")


def number_plain(text: str) -> str:
    """Any number without what people put around it: full-width characters, lower case, spaces and dashes are put right.

    Empty for a text that is longer than any number is written.
    """
    if len(text) > _LONGEST_INPUT:
        return ""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()


def waybill_normal(text: str, *, prefix: str = "", label: bool = True) -> str:
    """The number as it is stored, from what a person typed, read out, pasted or scanned.

    Full-width characters, lower case, spaces and dashes are put right; O, I and L among the digits are 0, 1 and 1.
    Digits alone (keyed on a phone) get `prefix`, by default this installation's. A piece label (`ZT…-001`) stands for its waybill,
    unless `label` is false: who handles pieces must not take one for all of them. Raises Mistyped for anything else.
    """
    if _STORED.fullmatch(text) and not _damm(text[-DIGITS:]):
        return text  # links and programs send it so: no need to put anything right
    plain = number_plain(text)
    of_piece = _LABEL.fullmatch(plain) if label else None
    number = _whole(plain, prefix) or (_whole(of_piece[1], prefix) if of_piece else "")
    if not number:
        raise Mistyped
    return number


def _whole(plain: str, prefix: str) -> str:
    """The number, or nothing when the check digit or anything else does not fit."""
    letters = plain[:-DIGITS].translate(_LOOKS_LIKE_LETTER) or prefix or settings.ZAITU_WAYBILL_PREFIX
    digits = plain[-DIGITS:].translate(_LOOKS_LIKE_DIGIT)
    if not PREFIX.fullmatch(letters) or not re.fullmatch(r"[0-9]{13}", digits) or _damm(digits):
        return ""
    return letters + digits
