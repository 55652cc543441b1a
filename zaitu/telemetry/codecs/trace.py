"""Recorded traces in CSV → places to report.

Which column means what is told by a short text:

    lat=latitude,lon=longitude,time=eventGeneratedTime:ms,speed=speed,odometer="odometer reading":m

lat, lon and time are needed; speed, course, altitude, odometer and temp may be. Units stand behind a colon:
time s, ms or iso (with an offset, or UTC); speed kmh, mps, knots or mph; odometer km or m.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from zaitu.telemetry.codecs.jt808.encode import Place

_SPEED: Final = {"kmh": 1.0, "mps": 3.6, "knots": 1.852, "mph": 1.609344}
_LENGTH: Final = {"km": 1000.0, "m": 1.0}
_NEEDED: Final = ("lat", "lon", "time")
_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "time": ("iso", "s", "ms"),
    "speed": tuple(_SPEED),
    "odometer": tuple(_LENGTH),
    "lat": ("",),
    "lon": ("",),
    "course": ("",),
    "altitude": ("",),
    "temp": ("",),
}
"""The first is meant when none is told."""


class TraceError(Exception):
    """The columns are not told well, or the file has not got them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    """In the file's first line."""
    unit: str


def columns_parse(text: str) -> dict[str, Column]:
    """Raises TraceError."""
    columns = {}
    for part in text.replace('"', "").split(","):
        meaning, equals, told = part.strip().partition("=")
        name, _, unit = told.partition(":")
        if not equals or meaning not in _UNITS:
            raise TraceError(f"{part.strip()!r}: one of {', '.join(_UNITS)}, then = and the column's name")
        unit = unit or _UNITS[meaning][0]
        if unit not in _UNITS[meaning]:
            raise TraceError(f"{meaning}: the unit is one of {', '.join(_UNITS[meaning])}, not {unit}")
        columns[meaning] = Column(name=name.strip(), unit=unit)
    missing = [meaning for meaning in _NEEDED if meaning not in columns]
    if missing:
        raise TraceError(f"columns do not say which is {', '.join(missing)}")
    return columns


def places_read(lines: Iterable[str], columns: dict[str, Column]) -> Iterator[Place | str]:
    """A place for each row, or a sentence on what is wrong with it. Raises TraceError when a column is missing."""
    number = 0

    def counted() -> Iterator[str]:
        # DictReader counts too, but not a line it gave up at.
        nonlocal number
        for line in lines:
            number += 1
            yield line

    rows = csv.DictReader(counted())
    try:
        names = rows.fieldnames or []
    except csv.Error as error:
        raise TraceError(f"the first line: {error}") from error
    missing = [column.name for column in columns.values() if column.name not in names]
    if missing:
        raise TraceError(f"the file has no column {', '.join(missing)}")
    while True:
        try:
            row = next(rows)
            words = {meaning: (row[column.name] or "").strip() for meaning, column in columns.items()}
            yield _place(words, columns)
        except StopIteration:
            return
        except (ValueError, OverflowError, csv.Error) as error:
            yield f"line {number}: {error}"


def _place(words: dict[str, str], columns: dict[str, Column]) -> Place:
    def number(meaning: str, scale: Callable[[str], float] = lambda _unit: 1.0) -> float | None:
        if not words.get(meaning):
            return None
        value = float(words[meaning]) * scale(columns[meaning].unit)
        if not math.isfinite(value):
            raise ValueError(f"{meaning} is {words[meaning]}")
        return value

    lat, lon = number("lat"), number("lon")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        raise ValueError(f"not a place on Earth: {words['lat']}, {words['lon']}")
    odometer_m, temp_c = number("odometer", _LENGTH.__getitem__), number("temp")
    return Place(
        time=_time(words["time"], columns["time"].unit),
        lat=lat,
        lon=lon,
        speed_kmh=max(0.0, number("speed", _SPEED.__getitem__) or 0.0),
        course_deg=round(number("course") or 0.0) % 360,
        altitude_m=round(min(max(number("altitude") or 0.0, -1_000.0), 20_000.0)),
        odometer_m=None if odometer_m is None else round(odometer_m),
        temps_c=() if temp_c is None else (temp_c,),
    )


def _time(word: str, unit: str) -> datetime:
    if unit == "iso":
        at = datetime.fromisoformat(word)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    else:
        at = datetime.fromtimestamp(float(word) / (1000 if unit == "ms" else 1), UTC)
    if not 2000 <= at.year < 2099:
        raise ValueError(f"not a time of this century: {word}")
    return at
