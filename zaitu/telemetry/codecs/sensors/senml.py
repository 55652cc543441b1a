"""SenML (RFC 8428) as JSON: a list of records whose base fields hold for those that follow.

What a record measures follows from its unit, or from the last part of its name where it has none. The name before it is the
device: `urn:dev:mac:0024befffe804ff1:temp` or `ab12/temp/1` (probe 1).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from zaitu.telemetry.codecs.sensors.plain import NAMES
from zaitu.telemetry.codecs.sensors.readings import REPORTS_MAX, G, Reading, Sensed, SensorError, number_of

_VERSION: Final = 10
_RELATIVE_BELOW: Final = 2.0**28
"""Times below it count from now."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,199}")
_PARTS: Final = re.compile(r"[/:.]")
UNITS: Final[dict[str, tuple[str, Callable[[float], float]]]] = {
    "Cel": ("temps_c", lambda value: value),
    "K": ("temps_c", lambda value: value - 273.15),
    "%RH": ("humidity_pct", lambda value: value),
    "m/s2": ("shock_g", lambda value: abs(value) / G),
    "%EL": ("battery_pct", lambda value: value),
    "V": ("power_v", lambda value: value),
    "lat": ("lat", lambda value: value),
    "lon": ("lon", lambda value: value),
}
_ALSO: Final[dict[tuple[str, str], Callable[[float], float]]] = {
    ("%", "humidity_pct"): lambda value: value,
    ("%", "battery_pct"): lambda value: value,
    ("/", "humidity_pct"): lambda value: 100 * value,
    ("/", "battery_pct"): lambda value: 100 * value,
    ("V", "battery_pct"): lambda value: value,
}
"""Units that leave open what is measured, and what a name with them means. Volts of a battery are volts."""
_OTHER_UNITS: Final = frozenset(
    (
        "%",
        "/",
        "s",
        "count",
        "dB",
        "dBm",
        "dBW",
        "m",
        "m/s",
        "g",
        "kg",
        "Pa",
        "lx",
        "A",
        "W",
        "J",
        "Hz",
        "rad",
        "beat/min",
    )
)
"""Registered, and nothing we keep: alone they are passed over, with a name of ours they are a mistake (g is gram)."""


def is_senml(content: Any) -> bool:
    """A list of objects that have SenML's labels and nothing of plain readings."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and bool(
        first.keys() & {"bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vs", "vb", "vd"}
    )


@dataclass(slots=True)
class _Base:
    name: str = ""
    time: float = 0.0
    unit: str = ""
    value: float = 0.0

    def update(self, record: dict[str, Any]) -> None:
        self.name = _text(record, "bn", self.name)
        self.unit = _text(record, "bu", self.unit)
        self.time = number_of(record.get("bt"), "bt") or (0.0 if "bt" in record else self.time)
        self.value = number_of(record.get("bv"), "bv") or (0.0 if "bv" in record else self.value)


def senml_read(content: list[Any], *, now: datetime) -> tuple[Sensed, ...]:
    """Readings by device and time, in the order they appear. Raises SensorError."""
    base, readings = _Base(), dict[tuple[str | None, datetime], Reading]()
    if len(content) > REPORTS_MAX * 8:
        raise SensorError("too_many", f"{len(content)} records, at most {REPORTS_MAX * 8}")
    for record in content:
        _understood(record)
        base.update(record)
        if not record.keys() & {"v", "vs", "vb", "vd", "s"}:
            continue
        device, measure, scale = _meaning(base, record)
        if not measure:
            continue
        at = _instant(base.time + (number_of(record.get("t"), "t") or 0.0), now)
        reading = readings.setdefault((device, at), Reading(at))
        _put(reading, measure, scale(_value(base, record)))
        if len(readings) > REPORTS_MAX:
            raise SensorError("too_many", f"more than {REPORTS_MAX} times and devices")
    if not readings:
        raise SensorError("nothing_measured", "no record of temperature, humidity or shock")
    return tuple(reading.sensed(device) for (device, _), reading in readings.items())


def _understood(record: Any) -> None:
    """RFC 8428 forbids to guess: a label that ends in _ must be understood, and a higher version is another language."""
    if not isinstance(record, dict):
        raise SensorError("not_object", "a record is an object")
    unknown = [name for name in record if name.endswith("_")]
    if unknown:
        raise SensorError("must_understand", f"{unknown[0][:40]!r} has to be understood and is not")
    if (number_of(record.get("bver"), "bver") or _VERSION) > _VERSION:
        raise SensorError("unknown_version", f"version {record['bver']} is not known, {_VERSION} is")


def _meaning(base: _Base, record: dict[str, Any]) -> tuple[str | None, str, Callable[[float], float]]:
    """(device, measure, how it comes into our unit); the measure is empty where it is none of ours."""
    own, unit = _text(record, "n", ""), _text(record, "u", base.unit)
    name = base.name + own
    if not _NAME.fullmatch(name):
        raise SensorError("bad_name", f"{name[:60]!r} is no name")
    device, label = _named(name, base.name if own else "")
    if unit and unit not in UNITS and unit not in _OTHER_UNITS:
        raise SensorError("unknown_unit", f"{unit[:20]!r} is no unit of SenML")
    measure, scale = NAMES.get(label, ("", _same))
    if not unit:
        return device, measure, scale
    of_unit, scale = UNITS.get(unit, ("", _same))
    if (unit, measure) in _ALSO:
        return device, of_unit or measure, _ALSO[unit, measure]
    if measure and measure != of_unit:
        raise SensorError("unit_mismatch", f"{name[:60]!r} is told in {unit}")
    return device, of_unit, scale


def _named(name: str, base: str) -> tuple[str | None, str]:
    """`ab12/temp/1` and `ab12:temp1` are temp of ab12. A label that is none of ours leaves the base name, or the whole."""
    parts = [part.lower() for part in _PARTS.split(name) if part]
    label = parts[-2] if len(parts) > 1 and parts[-1].isdecimal() else parts[-1]
    label = label if label in NAMES else label.rstrip("0123456789").rstrip("_-")
    if label not in NAMES:
        return (base or name).rstrip("/:._-"), ""
    return name[: name.lower().rfind(label)].rstrip("/:._-") or None, label


def _same(value: float) -> float:
    return value


def _value(base: _Base, record: dict[str, Any]) -> float:
    value = number_of(record.get("v"), "v")
    if value is None:
        raise SensorError("no_value", "a measure is told as a number, in v")
    return base.value + value


def _put(reading: Reading, measure: str, value: float) -> None:
    if measure in {"lat", "lon"}:
        setattr(reading, measure, value)
    else:
        reading.put(measure, value)


def _instant(seconds: float, now: datetime) -> datetime:
    try:
        if seconds < _RELATIVE_BELOW:
            return now + timedelta(seconds=seconds)
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SensorError("bad_time", f"{seconds} is no time") from error


def _text(record: dict[str, Any], label: str, default: str) -> str:
    value = record.get(label, default)
    if not isinstance(value, str):
        raise SensorError("bad_name", f"{label} is a text")
    return value
