"""How far along its planned road a vehicle is.

Definition: `along_m` is the place on the route nearest to the fix among those the vehicle can have driven on to since the
fix before; `off_m` the distance to it. Forward is preferred, so that on a road driven out and home, or one that crosses
itself, progress goes on. A vehicle that is near none of these places and near another part of the route has taken
another road there, or has turned back.
"""

from math import cos, hypot, radians
from typing import Final

import numpy as np
import numpy.typing as npt

from zaitu.kernel.geo import Polyline

Floats = npt.NDArray[np.float64]

AHEAD_M: Final = 1_000.0
AHEAD_MPS: Final = 40.0
"""144 km/h: faster than trucks go."""
WINDING: Final = 3.0
WINDING_M: Final = 300.0
"""The road between two places is at most so many times longer than the straight line, and so many metres."""
_M_PER_DEGREE: Final = 111_195.08
STILL_M: Final = 100.0
"""Drift and turning in a yard look like driving back so far."""
ON_ROUTE_M: Final = 200.0
"""Dual carriageways and map error."""


def progress(
    route: Polyline, along_m: float | None, at_s: Floats, lat: Floats, lon: Floats
) -> tuple[Floats, Floats]:
    """(along_m, off_m) per fix, in time order. `along_m`: where the vehicle was at at_s[0], None when nobody knows.

    With a known place, `at_s` has one element more than `lat` and `lon`: the instant of that place first.
    """
    along = np.empty(len(lat))
    off = np.empty(len(lat))
    known = along_m is not None
    where = along_m
    for row in range(len(lat)):
        if where is None:
            where, off[row] = _first(route, lat[row], lon[row])
        else:
            passed_s = at_s[row + known] - at_s[row + known - 1]
            where, off[row] = _next(route, where, passed_s, lat[row], lon[row])
        along[row] = where
    return along, off


def _first(route: Polyline, lat: float, lon: float) -> tuple[float, float]:
    """Where the route passes here several times (a round trip), the first time."""
    along_m, off_m = route.locate(lat, lon)
    while along_m > AHEAD_M:
        earlier_m, earlier_off_m = route.locate(lat, lon, to_m=along_m - AHEAD_M)
        if earlier_off_m > max(off_m, ON_ROUTE_M):
            break
        along_m, off_m = earlier_m, earlier_off_m
    return along_m, off_m


def _next(route: Polyline, where: float, passed_s: float, lat: float, lon: float) -> tuple[float, float]:
    from_lat, from_lon = route.at(where)
    straight_m = hypot(lat - from_lat, (lon - from_lon) * cos(radians(lat))) * _M_PER_DEGREE
    reach_m = min(AHEAD_M + AHEAD_MPS * passed_s, WINDING_M + WINDING * straight_m)
    ahead_m, off_m = route.locate(lat, lon, from_m=where, to_m=where + reach_m)
    if off_m <= STILL_M:
        return ahead_m, off_m
    near_m, near_off_m = route.locate(lat, lon, from_m=where - reach_m, to_m=where + reach_m)
    if near_off_m <= ON_ROUTE_M:
        return near_m, near_off_m
    any_m, any_off_m = route.locate(lat, lon)
    if any_off_m <= ON_ROUTE_M:
        return any_m, any_off_m
    return near_m, any_off_m
