"""Whether a text says something personal: names and numbers anywhere, four digits only where they stand alone."""

import re


def readable(text: str, *pieces: str) -> list[str]:
    """Those of `pieces` that a reader finds in `text`. Four digits also happen by chance inside a digest, a waybill or
    a microsecond, where they tell nobody a phone's tail."""
    return [piece for piece in pieces if _found(text, piece)]


def _found(text: str, piece: str) -> bool:
    if len(piece) != 4 or not piece.isdigit():
        return piece in text
    return re.search(rf"(?<![\w+/=.:-]){piece}(?![\w+/=:-])", text, re.ASCII) is not None
