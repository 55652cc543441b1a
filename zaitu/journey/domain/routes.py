"""The route of a trip as it is shown: fewer points, nearly the same road."""

from collections.abc import Sequence
from typing import Final

from shapely import LineString

TOLERANCE_M: Final = 40.0
_M_PER_DEGREE: Final = 111_195.0

Point = tuple[float, float]
"""(lat, lon), WGS-84 degrees."""


def simplified(points: Sequence[Point]) -> list[list[float]]:
    """The points without those that lie within 40 m of the line through the others."""
    if len(points) < 3:
        return [[lat, lon] for lat, lon in points]
    # A degree of longitude is at most as long as one of latitude, so this tolerance is never exceeded.
    kept = LineString(points).simplify(TOLERANCE_M / _M_PER_DEGREE, preserve_topology=False)
    return [[round(lat, 6), round(lon, 6)] for lat, lon in kept.coords]
