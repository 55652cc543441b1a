"""Recorded traces in CSV → places to report.

Which column means what is told by a short text:

    lat=latitude,lon=longitude,time=eventGeneratedTime:ms,speed=speed,odometer="odometer reading":m

lat, lon and time are needed; speed, course, altitude, odometer and temp may be. A name with commas, colons or spaces around it stands in
quotes. Units stand behind a colon: time s, ms or text (none told: whatever it looks like); speed kmh, mps, knots or mph; odometer km or m.
Commas, semicolons, tabs or bars separate the columns: whichever finds their names in the first line.

Numbers may have decimal commas (31,2304; 1.234,5) where these cannot be anything else: between semicolons, tabs or bars, and in quotes.
12,345 may be twelve thousand as well, but for degrees, of which there are no thousands: they tell which sign of their row is the decimal
one. Where they tell nothing it is read between semicolons, which programs write where the comma is decimal, and refused elsewhere.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zaitu.telemetry.codecs.jt808.encode import Place

ZONE: Final = "Asia/Shanghai"
"""Of times that tell none."""
_SPEED: Final = {"kmh": 1.0, "mps": 3.6, "knots": 1.852, "mph": 1.609344}
_LENGTH: Final = {"km": 1000.0, "m": 1.0}
_NEEDED: Final = ("lat", "lon", "time")
_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "time": ("any", "s", "ms", "text", "iso"),
    "speed": tuple(_SPEED),
    "odometer": tuple(_LENGTH),
    "lat": ("",),
    "lon": ("",),
    "course": ("",),
    "altitude": ("",),
    "temp": ("",),
}
"""The first is meant when none is told; iso is an older word for text."""
_WITHIN: Final = {
    "speed": (0.0, 6_553.4),
    "course": (0.0, 360.0),
    "altitude": (-1_000.0, 20_000.0),
    "odometer": (0.0, 429_496_729_500.0),
    "temp": (-60.0, 120.0),
}
"""What a position can tell, in km/h, degrees, metres and °C; anything else is sent as not known."""
_BLANK: Final = frozenset({"", "-", "--", "nan", "null", "none", "n/a", "na", "inf", "-inf"})
"""How programs write that they do not know."""
_MILLISECONDS_FROM: Final = 100_000_000_000
"""A number from here on is milliseconds: as seconds it would lie beyond the year 5000."""
_SEPARATORS: Final = ",;\t|"
_COLUMN: Final = re.compile(
    r"""\s*(?P<meaning>\w+)\s*=\s*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^",:]*))\s*(?::\s*(?P<unit>\w*)\s*)?(?:,|$)"""
)
_WRITTEN: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?)?[分秒]?)?"
)
"""As spreadsheets write times; a fraction of a second is left out, for terminals do not send any."""
_OFFSET: Final = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


_COMMA: Final = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_POINTS_AND_COMMA: Final = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_GROUPS: Final = re.compile(r"[+-]?\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3})+)")
"""May be thousands, by commas or by points."""


class TraceError(Exception):
    """The columns are not told well, or the file has not got them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    """In the file's first line."""
    unit: str


def columns_parse(text: str) -> dict[str, Column]:
    """Raises TraceError."""
    columns: dict[str, Column] = {}
    at = 0
    while at < len(text):
        told = _COLUMN.match(text, at)
        if told is None or told["meaning"] not in _UNITS:
            part = text[at:].split(",", maxsplit=1)[0].strip()
            raise TraceError(f"{part!r}: one of {', '.join(_UNITS)}, then = and the column's name")
        meaning, unit = told["meaning"], told["unit"] or _UNITS[told["meaning"]][0]
        if unit not in _UNITS[meaning]:
            units = ", ".join(_UNITS[meaning])
            raise TraceError(
                f"{meaning}: the unit is one of {units}, not {unit}"
                if units
                else f"{meaning} has no units, not {unit}"
            )
        if meaning in columns:
            raise TraceError(f"{meaning} is told twice")
        name = told["bare"] if told["quoted"] is None else told["quoted"].replace('""', '"')
        columns[meaning] = Column(name=name.strip(), unit=unit)
        at = told.end()
    missing = [meaning for meaning in _NEEDED if meaning not in columns]
    if missing:
        raise TraceError(f"columns do not say which is {', '.join(missing)}")
    return columns


def zone_parse(text: str) -> tzinfo:
    """`Asia/Shanghai`, `UTC` or `+08:00`. Raises TraceError."""
    offset = _OFFSET.fullmatch(text.strip())
    try:
        if offset:
            ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
            return timezone(-ahead if offset[1] == "-" else ahead)
        return ZoneInfo(text.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TraceError(f"{text!r} is no time zone: write one as {ZONE}, UTC or +08:00") from None


def text_of(content: bytes) -> str:
    """A file's text: UTF-8 (with or without a mark), UTF-16 with a mark, or GBK. Raises TraceError."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TraceError("neither UTF-8 nor GBK: save it as CSV in one of them")


def places_read(
    lines: Iterable[str], columns: dict[str, Column], zone: tzinfo | None = None
) -> Iterator[Place | str]:
    """A place for each row, or a sentence on what is wrong with it. Raises TraceError when a column is missing.

    `zone`: of times that tell none; None: ZONE.
    """
    zone = zone or zone_parse(ZONE)
    number = 0

    def counted() -> Iterator[str]:
        # DictReader counts too, but not a line it gave up at.
        nonlocal number
        for line in lines:
            number += 1
            yield line

    numbered = counted()
    first = next(numbered, "")
    separator = _separator(first, columns)
    rows = csv.reader(chain([first], numbered), delimiter=separator)
    names = next(rows, [])
    where = _where(names, columns)
    while True:
        try:
            row = next(rows)
            if any(row):
                _must_fit(row, names, separator)
                words = {meaning: row[at].strip() if at < len(row) else "" for meaning, at in where.items()}
                yield _place(_pointed(words, columns, separator), columns, zone)
        except StopIteration:
            return
        except (ValueError, OverflowError, csv.Error) as error:
            yield f"line {number}: {error}"


def _separator(first: str, columns: dict[str, Column]) -> str:
    """The one that finds the columns in the first line. Raises TraceError when none can read it."""
    found: dict[str, int] = {}
    for separator in _SEPARATORS:
        try:
            names = {name.strip() for name in next(csv.reader([first], delimiter=separator), [])}
        except csv.Error as error:
            raise TraceError(f"the first line: {error}") from error
        found[separator] = sum(column.name in names for column in columns.values())
    return max(found, key=lambda separator: found[separator])


def _where(names: list[str], columns: dict[str, Column]) -> dict[str, int]:
    names = [name.strip() for name in names]
    missing = [column.name for column in columns.values() if column.name not in names]
    if missing:
        raise TraceError(
            f"the file has no column {', '.join(missing)}; its first line has {', '.join(names)[:300]}"
        )
    return {meaning: names.index(column.name) for meaning, column in columns.items()}


def _must_fit(row: list[str], names: list[str], separator: str) -> None:
    """Decimal commas between commas would shift every value behind them, unnoticed. Raises ValueError."""
    if separator == "," and any(word.strip() for word in row[len(names) :]):
        raise ValueError(
            f"{len(row)} values for {len(names)} columns: numbers with decimal commas need quotes, "
            "or semicolons between the columns"
        )


def _pointed(words: dict[str, str], columns: dict[str, Column], separator: str) -> dict[str, str]:
    """The numbers with decimal points, where they were written with commas. Raises ValueError for what can be two numbers."""
    degrees = ("lat", "lon")
    by_comma = any("," in words[meaning] for meaning in degrees)
    by_point = any("." in words[meaning] for meaning in degrees)
    pointed = {}
    for meaning, word in words.items():
        # A fraction of seconds since 1970; dates have nothing of this form.
        plain = meaning == "time" and columns["time"].unit in {"text", "iso"}
        if meaning not in degrees and not plain and _GROUPS.fullmatch(word):
            comma = "," in word
            if comma and not by_comma and (by_point or separator != ";"):
                raise ValueError(
                    f"{meaning} is {word!r}: thousands, or a decimal comma? Write it with a point"
                )
            if not comma and by_comma:
                raise ValueError(
                    f"{meaning} is {word!r} beside decimal commas: thousands, or a decimal point?"
                )
        bare = word.replace(".", "") if _POINTS_AND_COMMA.fullmatch(word) else word
        pointed[meaning] = bare.replace(",", ".") if not plain and _COMMA.fullmatch(bare) else word
    return pointed


def _place(words: dict[str, str], columns: dict[str, Column], zone: tzinfo) -> Place:
    lat, lon = _number("lat", words), _number("lon", words)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        raise ValueError(f"not a place on Earth: {words['lat']}, {words['lon']}")

    def known(meaning: str, scale: float = 1.0) -> float | None:
        value = _number(meaning, words)
        least, most = _WITHIN[meaning]
        return None if value is None or not least <= value * scale <= most else value * scale

    def scale(meaning: str, factors: dict[str, float]) -> float:
        return factors[columns[meaning].unit] if meaning in columns else 1.0

    course, altitude_m, temp_c = known("course"), known("altitude"), known("temp")
    odometer_m = known("odometer", scale("odometer", _LENGTH))
    return Place(
        time=_time(words["time"], columns["time"].unit, zone),
        lat=lat,
        lon=lon,
        speed_kmh=known("speed", scale("speed", _SPEED)),
        course_deg=None if course is None else round(course) % 360,
        altitude_m=round(altitude_m or 0.0),
        odometer_m=None if odometer_m is None else round(odometer_m),
        temps_c=() if temp_c is None else (temp_c,),
    )


def _number(meaning: str, words: dict[str, str]) -> float | None:
    """None: not told. Raises ValueError."""
    word = words.get(meaning, "")
    if word.lower() in _BLANK:
        return None
    try:
        value = float(word)
    except ValueError:
        raise ValueError(f"{meaning} is {word!r}, not a number") from None
    return value if math.isfinite(value) else None


def _time(word: str, unit: str, zone: tzinfo) -> datetime:
    if word.lower() in _BLANK:
        raise ValueError("no time")
    at = None if unit in {"text", "iso"} else _counted(word, unit)
    if at is None and unit in {"any", "text", "iso"}:
        at = _written(word, zone)
    if at is None:
        raise ValueError(f"{word!r} is no time")
    if not 2000 <= at.year < 2099:
        raise ValueError(f"not a time of this century: {word}")
    return at


def _counted(word: str, unit: str) -> datetime | None:
    """Seconds or milliseconds since 1970; None when it is no number."""
    try:
        number = float(word)
    except ValueError:
        return None
    milliseconds = unit == "ms" or (unit == "any" and number >= _MILLISECONDS_FROM)
    try:
        return datetime.fromtimestamp(number / 1000 if milliseconds else number, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"not a time of this century: {word}") from None


def _written(word: str, zone: tzinfo) -> datetime | None:
    """ISO 8601, or as a spreadsheet writes it; None when it is neither."""
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        parts = _WRITTEN.fullmatch(word)
        if parts is None:
            return None
        try:
            year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups())
            at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  the zone follows
        except ValueError:
            return None
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
