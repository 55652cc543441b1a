"""Phones: the OsmAnd query form and the JSON form of the Traccar Client."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from zaitu.telemetry.codecs.fix import Fix, TimeFlag
from zaitu.telemetry.codecs.instants import instant_parse

LOCATIONS_MAX: Final = 500
"""In one JSON request."""
_KMH_PER_KNOT: Final = 1.852
_KMH_PER_MPS: Final = 3.6
_SPEED_KMH: Final = (0.0, 1_000.0)
_COURSE_DEG: Final = (0.0, 360.0)
_ALTITUDE_M: Final = (-1_000.0, 20_000.0)
_ODOMETER_M: Final = (0.0, 1e10)
_ACCURACY_M: Final = (0.0, 1e6)
_BATTERY_PCT: Final = (0.0, 100.0)
_HDOP: Final = (0.0, 1_000.0)
"""What can be; anything else beside the place is not known, as -1 means to the client."""


class OsmandError(Exception):
    """The request is no position; the message says what is wrong with it. `code` is stable.

    too_many_fields, not_json, not_object, too_many_locations, no_coordinates, off_earth, no_id, not_a_number, bad_time
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    token: str
    fixes: tuple[Fix, ...]


def query_parse(query: str) -> Told:
    """`id=…&lat=…&lon=…&timestamp=…&speed=…` (speed in knots). Raises OsmandError."""
    try:
        words = {
            name: values[-1]
            for name, values in parse_qs(query, max_num_fields=50, strict_parsing=False).items()
        }
    except ValueError as error:
        raise OsmandError("too_many_fields", "too many fields") from error
    if "location" in words and "," in words["location"]:
        words["lat"], words["lon"] = words["location"].split(",")[:2]
    fix = _fix(
        time=words.get("timestamp"),
        lat=words.get("lat"),
        lon=words.get("lon"),
        speed_kmh=_within(words.get("speed"), _SPEED_KMH, _KMH_PER_KNOT),
        course=words.get("bearing", words.get("heading")),
        altitude=words.get("altitude"),
        valid=words.get("valid", "true").lower() in {"true", "1"},
        extra={
            "accuracy_m": _within(words.get("accuracy"), _ACCURACY_M),
            "battery_pct": _within(words.get("batt"), _BATTERY_PCT),
            "hdop": _within(words.get("hdop"), _HDOP),
        },
    )
    return Told(token=_token(words.get("id", words.get("deviceid"))), fixes=(fix,))


def json_parse(body: bytes) -> Told:
    """`{"device_id": …, "location": {"timestamp": …, "coords": {…}}}`, one or a list (speed in m/s). Raises OsmandError."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OsmandError("not_json", "not JSON") from error
    if not isinstance(content, dict):
        raise OsmandError("not_object", "not a JSON object")
    locations = content.get("location", content.get("locations"))
    locations = locations if isinstance(locations, list) else [locations]
    if not 0 < len(locations) <= LOCATIONS_MAX:
        raise OsmandError("too_many_locations", f"{len(locations)} locations, 1..{LOCATIONS_MAX} allowed")
    token = content.get("device_id", content.get("id"))
    return Told(token=_token(token), fixes=tuple(_location(one) for one in locations))


def _location(location: Any) -> Fix:
    coords = location.get("coords") if isinstance(location, dict) else None
    if not isinstance(coords, dict):
        raise OsmandError("no_coordinates", "location.coords is missing")
    battery = location.get("battery")
    level = battery.get("level") if isinstance(battery, dict) else None
    return _fix(
        time=location.get("timestamp"),
        lat=coords.get("latitude"),
        lon=coords.get("longitude"),
        speed_kmh=_within(coords.get("speed"), _SPEED_KMH, _KMH_PER_MPS),
        course=coords.get("heading"),
        altitude=coords.get("altitude"),
        valid=True,
        extra={
            "accuracy_m": _within(coords.get("accuracy"), _ACCURACY_M),
            "battery_pct": _within(level, _BATTERY_PCT, 100),
        },
        odometer=location.get("odometer"),
    )


def _fix(  # noqa: PLR0913  one keyword for each thing a phone tells
    *,
    time: Any,
    lat: Any,
    lon: Any,
    speed_kmh: float | None,
    course: Any,
    altitude: Any,
    valid: bool,
    extra: Mapping[str, float | None],
    odometer: Any = None,
) -> Fix:
    lat_deg, lon_deg = _number(lat), _number(lon)
    if lat_deg is None or lon_deg is None:
        raise OsmandError("no_coordinates", "lat or lon is missing")
    if abs(lat_deg) > 90 or abs(lon_deg) > 180:
        raise OsmandError("off_earth", "lat or lon is not on Earth")
    course_deg, altitude_m = _within(course, _COURSE_DEG), _within(altitude, _ALTITUDE_M)
    odometer_m = _within(odometer, _ODOMETER_M)
    at = _time(time)
    return Fix(
        time=at,
        time_flag=TimeFlag.UNKNOWN if at is None else None,
        lat=lat_deg,
        lon=lon_deg,
        fixed=valid and bool(lat_deg or lon_deg),
        speed_kmh=speed_kmh,
        course_deg=None if course_deg is None else round(course_deg) % 360,
        altitude_m=None if altitude_m is None else round(altitude_m),
        odometer_m=None if odometer_m is None else round(odometer_m),
        extra={name: value for name, value in extra.items() if value is not None},
    )


def _token(word: Any) -> str:
    if not isinstance(word, str | int) or not 1 <= len(str(word)) <= 200:
        raise OsmandError("no_id", "id is missing")
    if any("\ud800" <= letter <= "\udfff" for letter in str(word)):
        raise OsmandError(
            "no_id", "id is no text"
        )  # half a letter, which JSON can write and nothing can store
    return str(word)


def _number(word: Any) -> float | None:
    if word is None or word == "" or isinstance(word, bool):
        return None
    try:
        value = float(word)
    except (TypeError, ValueError, OverflowError) as error:
        raise OsmandError("not_a_number", "not a number where one belongs") from error
    if not math.isfinite(value):
        raise OsmandError("not_a_number", "not a number where one belongs")
    return value


def _within(word: Any, limits: tuple[float, float], factor: float = 1.0) -> float | None:
    """Times `factor`; None: not told, or outside `limits`. Raises OsmandError for a word that is no number."""
    value = _number(word)
    return None if value is None or not limits[0] <= value * factor <= limits[1] else value * factor


def _time(word: Any) -> datetime | None:
    try:
        return instant_parse(word)
    except ValueError as error:
        raise OsmandError("bad_time", "timestamp is not a time") from error
