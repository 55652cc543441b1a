"""The temperature of a cold shipment's ride as a drawing: one line per probe, the agreed band behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry

WIDTH: Final = 600
HEIGHT: Final = 120
_MARGIN_C: Final = 2.0
"""Air above and below the extremes, °C."""

Reading = tuple[datetime, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    lines: tuple[str, ...]
    """SVG `points`, one string per probe."""
    band_y: float
    band_height: float
    low_c: float
    high_c: float
    """Coldest and warmest that was measured."""
    latest_c: float
    start: datetime
    end: datetime


def curve(page: "journey.TrackedPage") -> Curve | None:
    """None without a band or readings. One query."""
    band = page.document["cold_band_c"]
    if band is None or page.ride is None:
        return None
    vehicle_id, start, end = page.ride
    readings = telemetry.temps(
        actor=system("portal.curve"), vehicle_id=vehicle_id, start=start, end=end or clock.now()
    )
    return drawn(readings, band)


def drawn(readings: Sequence[Reading], band: Sequence[float | None]) -> Curve | None:
    """The drawing of readings, oldest first; None when no probe said anything."""
    values = [value for _at, probes in readings for value in probes if value is not None]
    if not values:
        return None
    low, high = (
        edge if edge is not None else found
        for edge, found in zip(band, (min(values), max(values)), strict=True)
    )
    bottom, top = min(low, *values) - _MARGIN_C, max(high, *values) + _MARGIN_C
    start, end = readings[0][0], readings[-1][0]
    span_s = max(1.0, (end - start).total_seconds())

    def y(value: float) -> float:
        return round((top - value) / (top - bottom) * HEIGHT, 1)

    probes = max(len(found) for _at, found in readings)
    lines = []
    for probe in range(probes):
        points = [
            f"{(at - start).total_seconds() / span_s * WIDTH:.1f},{y(value)}"
            for at, found in readings
            if probe < len(found) and (value := found[probe]) is not None
        ]
        lines.append(" ".join(points))
    return Curve(
        lines=tuple(lines),
        band_y=y(high),
        band_height=round(y(low) - y(high), 1),
        low_c=min(values),
        high_c=max(values),
        latest_c=values[-1],
        start=start,
        end=end,
    )
