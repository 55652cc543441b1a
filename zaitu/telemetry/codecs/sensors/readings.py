"""What sensors measure, in the units kept: °C, % relative humidity, g."""

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.fix import Fix, TimeFlag

PAYLOAD_MAX: Final = 64 * 1024
"""Bytes."""
REPORTS_MAX: Final = 500
"""In one message."""
PROBES_MAX: Final = 64
_RANGES: Final = {
    "temps_c": (-60.0, 120.0),
    "humidity_pct": (0.0, 100.0),
    "shock_g": (0.0, 1000.0),
    "battery_pct": (0.0, 100.0),
    "power_v": (0.0, 1000.0),
}
G: Final = 9.80665


class SensorError(Exception):
    """A payload cannot be read. `code` is stable: it is counted by what receives.

    too_long, not_json, not_object, too_many, nothing_measured, not_a_number, bad_time, bad_device, unknown_version,
    must_understand, bad_name, unknown_unit, unit_mismatch, no_value
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensed:
    """One device at one time; `fix` has no place unless the sensor told one."""

    device: str | None
    """As the payload names it; None: the topic has to tell."""
    fix: Fix


@dataclass(slots=True)
class Reading:
    """One time of one device, while it is gathered. Each is a list by probe."""

    time: datetime | None
    temps_c: list[float | None] = field(default_factory=list)
    humidity_pct: list[float | None] = field(default_factory=list)
    shock_g: list[float | None] = field(default_factory=list)
    battery_pct: list[float | None] = field(default_factory=list)
    power_v: list[float | None] = field(default_factory=list)
    lat: float | None = None
    lon: float | None = None
    refused: dict[str, list[float]] = field(default_factory=dict)
    """Numbers outside what can be, as told."""

    def put(self, measure: str, value: float | None) -> None:
        """Raises SensorError `too_many`. A value outside its range is kept apart and counts as absent."""
        values: list[float | None] = getattr(self, measure)
        if len(values) >= PROBES_MAX:
            raise SensorError("too_many", f"more than {PROBES_MAX} probes")
        low, high = _RANGES[measure]
        if value is not None and not low <= value <= high:
            self.refused.setdefault(measure, []).append(value)
            value = None
        values.append(value)

    @property
    def empty(self) -> bool:
        return not any(getattr(self, measure) for measure in _RANGES) and self.lat is None

    def sensed(self, device: str | None) -> Sensed:
        return Sensed(device=device, fix=self._fix())

    def _fix(self) -> Fix:
        extra: dict[str, Any] = {"humidity_pct": self.humidity_pct} if self.humidity_pct else {}
        shocks = [value for value in self.shock_g if value is not None]
        if shocks:
            extra["shock_g"] = max(shocks)
        for measure in ("battery_pct", "power_v"):
            known = [value for value in getattr(self, measure) if value is not None]
            extra.update({measure: known[0]} if known else {})
        if self.refused:
            extra["refused"] = self.refused
        told = {measure: getattr(self, measure) for measure in _RANGES} | {"refused": self.refused}
        # Two messages of one time that measure different things are two reports; the same one again is the same.
        core = json.dumps({**told, "lat": self.lat, "lon": self.lon}).encode()
        placed = self.lat is not None and self.lon is not None
        on_earth = placed and abs(self.lat or 0) <= 90 and abs(self.lon or 0) <= 180
        return Fix(
            time=self.time,
            time_flag=TimeFlag.UNKNOWN if self.time is None else None,
            lat=self.lat if on_earth else None,
            lon=self.lon if on_earth else None,
            fixed=on_earth and bool(self.lat or self.lon),
            temps_c=tuple(self.temps_c),
            extra=extra,
            core=core,
            area=core,
        )


def number_of(value: Any, what: str) -> float | None:
    """A finite number, also written as text; None for null. Raises SensorError `not_a_number`."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise SensorError("not_a_number", f"{what} is {str(value)[:40]!r}")
    return number
