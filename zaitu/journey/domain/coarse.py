"""How much of a vehicle's place a stranger may know (docs/adr/0060): within a kilometre, a whole kilometre of the route.

A point on the route at a whole kilometre tells nothing finer than that, however often it is asked; rounded coordinates would tell the
instant a grid line is crossed. The caller takes a sample at most once a minute.
"""

from typing import Final

from zaitu.journey.domain.document import Position
from zaitu.kernel.geo import Polyline

PRECISION_M: Final = 1_000
"""Promised to everybody: a shown position is never further than this from the true one."""
STEP_M: Final = 1_000
_NEAR_ROUTE_M: Final = 450.0
"""Rounding along the route moves the point by at most half a step; together with this it stays under a kilometre."""
_GRID_DEGREES: Final = 0.01
"""1.1 km from north to south: the middle of a cell is at most 0.79 km from any point in it (on the equator, less north of it)."""


def coarse(exact: Position, route: Polyline | None) -> Position:
    """The position a stranger is shown for an exact one.

    It is found again on the route as it is drawn, which is simpler than the route that `along_m` was measured on: scaling one to the
    other would be kilometres off. Off the route, or without one, the middle of a 0.01° cell takes the route's place.
    """
    along_m = None if exact.along_m is None else max(0.0, round(exact.along_m / STEP_M) * float(STEP_M))
    if route is not None:
        drawn_m, off_m = route.locate(exact.lat, exact.lon)
        if off_m <= _NEAR_ROUTE_M:
            lat, lon = route.at(round(drawn_m / STEP_M) * STEP_M)
            return Position(lat=lat, lon=lon, precision_m=PRECISION_M, at=exact.at, along_m=along_m)
    lat, lon = _middle(exact.lat), _middle(exact.lon)
    return Position(lat=lat, lon=lon, precision_m=PRECISION_M, at=exact.at, along_m=along_m)


def _middle(degrees: float) -> float:
    return (degrees // _GRID_DEGREES + 0.5) * _GRID_DEGREES
