"""Plain JSON of sensors: an object, or a list of them, with the names below. Other names are passed over.

    {"device": "ab12", "time": 1764208800, "temp": [4.1, null, 3.9], "hum": 61.5, "shock": 0.3, "battery": 88}

A measure is a number, a list by probe, or an object by probe name. Readings of several times stand in `readings`, with what
is common to them around it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.instants import instant_parse
from zaitu.telemetry.codecs.sensors.readings import REPORTS_MAX, G, Reading, Sensed, SensorError, number_of

Scale = Callable[[float], float]


def _same(value: float) -> float:
    return value


def _fahrenheit(value: float) -> float:
    return (value - 32) * 5 / 9


NAMES: Final[dict[str, tuple[str, Scale]]] = {
    **dict.fromkeys(
        ("temp", "temps", "temperature", "temperatures", "temp_c", "temps_c", "tempc"), ("temps_c", _same)
    ),
    **dict.fromkeys(("temperature_c", "temperaturec"), ("temps_c", _same)),
    **dict.fromkeys(("temp_f", "tempf", "temperature_f", "temperaturef"), ("temps_c", _fahrenheit)),
    **dict.fromkeys(
        ("hum", "humidity", "humidities", "humidity_pct", "rh", "relative_humidity"), ("humidity_pct", _same)
    ),
    **dict.fromkeys(("shock", "shock_g", "impact", "impact_g", "acceleration_g"), ("shock_g", _same)),
    **dict.fromkeys(("shock_mg", "impact_mg"), ("shock_g", lambda value: value / 1000)),
    **dict.fromkeys(("shock_ms2", "acceleration"), ("shock_g", lambda value: value / G)),
    **dict.fromkeys(("battery", "battery_pct", "batt", "battery_level", "soc"), ("battery_pct", _same)),
    **dict.fromkeys(("power", "power_v", "voltage", "battery_v", "vbat"), ("power_v", _same)),
}
"""A name in small letters → what it measures, and how it comes into our unit. Shock of three axes is their resultant."""
_TIMES: Final = ("time", "timestamp", "ts", "at")
_DEVICES: Final = ("device", "device_id", "deviceid", "id", "imei", "mac")
_LATS: Final = ("lat", "latitude")
_LONS: Final = ("lon", "lng", "longitude")
_READINGS: Final = ("readings", "data", "records")


def plain_read(content: Any) -> tuple[Sensed, ...]:
    """Raises SensorError."""
    sensed: list[Sensed] = []
    for report in content if isinstance(content, list) else [content]:
        told = _object(report)
        inner: list[Any] = next(
            (told.pop(name) for name in _READINGS if isinstance(told.get(name), list)), [{}]
        )
        for one in inner:
            whole = {**told, **_object(one)}
            sensed.append(_reading(whole).sensed(_device(whole)))
            if len(sensed) > REPORTS_MAX:
                raise SensorError("too_many", f"more than {REPORTS_MAX} readings")
    if not sensed:
        raise SensorError("nothing_measured", "no reading in the list")
    return tuple(sensed)


def _object(report: Any) -> dict[str, Any]:
    if not isinstance(report, dict):
        raise SensorError("not_object", "a reading is an object")
    return {str(name).lower(): value for name, value in report.items()}


def _reading(told: Mapping[str, Any]) -> Reading:
    reading = Reading(_time(told))
    for name, value in told.items():
        if name in NAMES:
            _measure(reading, name, value)
    reading.lat = number_of(_first(told, _LATS), "the latitude")
    reading.lon = number_of(_first(told, _LONS), "the longitude")
    if reading.empty:
        raise SensorError("nothing_measured", f"none of {', '.join(sorted(told))[:200] or 'no name at all'}")
    return reading


def _measure(reading: Reading, name: str, value: Any) -> None:
    measure, scale = NAMES[name]
    values = (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    )
    numbers = [number_of(_bare(one), name) for one in values]
    if measure == "shock_g":
        # Axes, or one number: what counts is how hard it was.
        axes = [scale(one) for one in numbers if one is not None]
        numbers = [sum(axis * axis for axis in axes) ** 0.5] if axes else []
        scale = _same
    for one in numbers:
        reading.put(measure, None if one is None else scale(one))


def _bare(value: Any) -> Any:
    """`{"probe": 1, "value": 4.1}` is 4.1."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _time(told: Mapping[str, Any]) -> datetime | None:
    word = _first(told, _TIMES)
    if isinstance(word, bool):
        raise SensorError("bad_time", "true is no time")
    try:
        return instant_parse(word)
    except ValueError as error:
        raise SensorError("bad_time", f"{str(word)[:40]!r} is no time") from error


def _device(told: Mapping[str, Any]) -> str | None:
    word = _first(told, _DEVICES)
    if word is None:
        return None
    if isinstance(word, bool) or not isinstance(word, str | int) or not 1 <= len(str(word)) <= 200:
        raise SensorError("bad_device", "the device's name is a text of 1..200 characters")
    return str(word)
