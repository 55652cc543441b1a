"""The 17 bytes that begin every binary record: when, where, how fast. Times are UTC, days come first."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from zaitu.telemetry.codecs.elock.report import ElockError
from zaitu.telemetry.codecs.fix import TimeFlag

SIZE: Final = 17
KMH_PER_KNOT: Final = 1.852
_VALID, _NORTH, _EAST = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    time: datetime | None
    time_flag: TimeFlag | None
    lat: float | None
    lon: float | None
    fixed: bool
    speed_kmh: float
    course_deg: int | None


def time_read(digits: str) -> tuple[datetime | None, TimeFlag | None]:
    """DDMMYYhhmmss → UTC, or why not."""
    if not digits.strip("0"):
        return None, TimeFlag.UNKNOWN
    if not digits.isdecimal():
        return None, TimeFlag.INVALID
    day, month, year, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC), None
    except ValueError:
        return None, TimeFlag.INVALID


def where_read(record: bytes) -> Where:
    """Time DDMMYYhhmmss, latitude DDMMmmmm, longitude DDDMMmmmm and a flag nibble, BYTE knots, BYTE course / 2.

    Raises ElockError `bad_length`, `bad_digits`: coordinates are BCD always, so other nibbles are another record.
    """
    if len(record) < SIZE:
        raise ElockError("bad_length", f"a record has {SIZE} bytes or more, not {len(record)}")
    time, time_flag = time_read(record[:6].hex())
    lat_digits, lon_digits, flags = record[6:10].hex(), record[10:15].hex()[:9], record[14] & 0x0F
    if not (lat_digits + lon_digits).isdecimal():
        raise ElockError("bad_digits", f"coordinates {lat_digits} {lon_digits} are no decimal digits")
    lat = degrees_of(lat_digits, 90, negative=not flags & _NORTH)
    lon = degrees_of(lon_digits, 180, negative=not flags & _EAST)
    placed = lat is not None and lon is not None and bool(lat or lon)
    course = record[16] * 2
    return Where(
        time=time,
        time_flag=time_flag,
        lat=lat,
        lon=lon,
        fixed=bool(flags & _VALID) and placed,
        speed_kmh=round(record[15] * KMH_PER_KNOT, 2),
        course_deg=course % 360 if course <= 360 else None,
    )


def degrees_of(digits: str, limit: int, *, negative: bool) -> float | None:
    """D…DMMmmmm: the last six digits are minutes with four decimals; None beyond the limit."""
    degrees = round(int(digits[:-6]) + int(digits[-6:]) / 600_000, 7)
    if degrees > limit:
        return None
    return -degrees if negative and degrees else degrees


def where_write(
    at: datetime, lat: float, lon: float, *, speed_kmh: float, course_deg: int, fixed: bool
) -> bytes:
    """The other way, for simulators and tests. `at` is aware, of this century."""
    flags = (_VALID if fixed else 0) | (_NORTH if lat >= 0 else 0) | (_EAST if lon >= 0 else 0)
    digits = f"{_minutes(lat, 2)}{_minutes(lon, 3)}{flags:x}"
    time = at.astimezone(UTC).strftime("%d%m%y%H%M%S")
    knots = min(round(speed_kmh / KMH_PER_KNOT), 255)
    return bytes.fromhex(time + digits) + bytes([knots, course_deg % 360 // 2])


def _minutes(degrees: float, width: int) -> str:
    whole, tenthousandths = divmod(round(abs(degrees) * 600_000), 600_000)
    return f"{whole:0{width}d}{tenthousandths:06d}"
