"""BCD times and GBK strings."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from zaitu.telemetry.codecs.fix import TimeFlag

_GMT8: Final = timezone(timedelta(hours=8))


def text(content: bytes) -> str:
    """GBK without its padding, which stands behind (2011, 2013) or before (2019).

    What is no text (some terminals send their number in BCD) comes as hexadecimal digits.
    """
    stripped = content.strip(b"\x00 ")
    words = stripped.decode("gbk", "replace")
    # Python does not call the full-width space printable; people in China type it.
    printable = words.replace("\u3000", " ").isprintable()
    return words if printable and "\ufffd" not in words else stripped.hex()


def is_bcd(content: bytes) -> bool:
    """Decimal digits only, and some."""
    return content.hex().isdecimal()


def time_parse(bcd: bytes) -> tuple[datetime | None, TimeFlag | None]:
    """BCD YYMMDDhhmmss at GMT+8 → UTC, or why not."""
    if not any(bcd):
        return None, TimeFlag.UNKNOWN
    digits = bcd.hex()
    if not digits.isdecimal():
        return None, TimeFlag.INVALID
    year, month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=_GMT8).astimezone(UTC), None
    except ValueError:
        return None, TimeFlag.INVALID


def time_bcd(at: datetime) -> bytes:
    """As terminals send it: BCD YYMMDDhhmmss at GMT+8. `at` is aware, of this century."""
    return bytes.fromhex(at.astimezone(_GMT8).strftime("%y%m%d%H%M%S"))
