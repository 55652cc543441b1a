"""Money is whole fen (分, 1/100 yuan): no rounding happens by itself."""

from typing import NewType

Fen = NewType("Fen", int)
"""Chinese money in fen; negative for what we owe."""


def yuan_text(fen: Fen) -> str:
    """`¥1,234.50` for 123450 fen; a negative amount has its minus before the sign."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}¥{yuan:,}.{rest:02d}"


def fen_of(yuan: str) -> Fen:
    """Fen of an amount people wrote in yuan (`12`, `1,234.5`); raises ValueError for more than two decimals."""
    whole, _, part = yuan.strip().lstrip("¥￥").replace(",", "").partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = whole.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(part) > 2 or (part and not part.isdecimal()):
        raise ValueError(f"not an amount in yuan: {yuan!r}")
    return Fen(sign * (int(digits) * 100 + int(part.ljust(2, "0") or "0")))
