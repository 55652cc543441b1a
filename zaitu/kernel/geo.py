"""Places on the Earth: WGS-84 inside, GCJ-02 for Chinese map tiles only; distances and routes in metres.

Coordinates are degrees, latitude first. GCJ-02 applies to mainland China (docs/adr/0011): Hong Kong, Macao, Taiwan
and everything abroad stay unshifted.
"""

import bisect
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from zaitu.kernel.borders import in_china

__all__ = ["Point", "Polyline", "distance_m", "gcj02_to_wgs84", "in_china", "wgs84_to_gcj02"]

Point = tuple[float, float]
"""(latitude, longitude) in degrees."""

EARTH_RADIUS_M: Final = 6_371_008.8
_M_PER_DEGREE: Final = math.radians(EARTH_RADIUS_M)

# Krasovsky 1940, on which the published form of the shift is built.
_AXIS_M: Final = 6_378_245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_INVERSE_STEPS: Final = 4


def _wave(a: float, b: float, c: float, d: float) -> float:
    """20 sin 6a + 20 sin 2a + 40/3 … : the sums of sines that both axes of the shift share."""
    sin, pi = math.sin, math.pi
    return (
        (20 * sin(6 * a * pi) + 20 * sin(2 * a * pi)) * 2 / 3
        + (20 * sin(b * pi) + 40 * sin(b / 3 * pi)) * 2 / 3
        + (c * sin(b / 12 * pi) + d * sin(b / 30 * pi)) * 2 / 3
    )


def _shift(lat: float, lon: float) -> Point:
    """Degrees by which GCJ-02 moves a WGS-84 point: at most about 0.006° (600 m)."""
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + _wave(x, y, 160, 320)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + _wave(x, x, 150, 300)
    sine = math.sin(math.radians(lat))
    bend = 1 - _ECCENTRICITY_SQUARED * sine * sine
    meridian_m = _AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (bend * math.sqrt(bend))
    parallel_m = _AXIS_M / math.sqrt(bend) * math.cos(math.radians(lat))
    return math.degrees(north / meridian_m), math.degrees(east / parallel_m)


def wgs84_to_gcj02(lat: float, lon: float) -> Point:
    """Where to draw a WGS-84 point on tiles in GCJ-02."""
    if not in_china(lat, lon):
        return lat, lon
    north, east = _shift(lat, lon)
    return lat + north, lon + east


def gcj02_to_wgs84(lat: float, lon: float) -> Point:
    """The WGS-84 point behind a GCJ-02 one, to less than 1 mm (four steps, each about a hundred times closer).

    Within 600 m of the border a GCJ-02 point can have two origins; the one inside China wins.
    """
    true_lat, true_lon = lat, lon
    for _ in range(_INVERSE_STEPS):
        north, east = _shift(true_lat, true_lon)
        true_lat, true_lon = lat - north, lon - east
    return (true_lat, true_lon) if in_china(true_lat, true_lon) else (lat, lon)


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance on the mean sphere; within 0.5 % of the ellipsoid's."""
    half_lat = math.radians(lat2 - lat1) / 2
    half_lon = math.radians(lon2 - lon1) / 2
    chord = (
        math.sin(half_lat) ** 2
        + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * math.sin(half_lon) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


class Polyline:
    """A route with a metre scale along it. Segments are short enough (< 100 km) to be straight lines."""

    __slots__ = (
        "_along",
        "_cos",
        "_east",
        "_lat",
        "_length",
        "_lon",
        "_north",
        "_squared",
        "_start",
        "length_m",
        "points",
    )

    def __init__(self, points: Sequence[Point]) -> None:
        """Raises ValueError for fewer than two points or a coordinate outside the Earth."""
        self.points: tuple[Point, ...] = tuple((float(lat), float(lon)) for lat, lon in points)
        if len(self.points) < 2:
            raise ValueError(f"a route has at least two points, not {len(self.points)}")
        if not all(abs(lat) <= 90 and abs(lon) <= 180 for lat, lon in self.points):
            raise ValueError("a point of the route is not on the Earth")
        self._along = [0.0]
        for (lat1, lon1), (lat2, lon2) in zip(self.points, self.points[1:], strict=False):
            self._along.append(self._along[-1] + distance_m(lat1, lon1, lat2, lon2))
        self.length_m = self._along[-1]
        lat, lon = np.array(self.points).T
        self._lat, self._lon = lat[:-1], lon[:-1]
        self._cos = np.cos(np.radians((lat[:-1] + lat[1:]) / 2))
        self._north = np.diff(lat) * _M_PER_DEGREE
        self._east = np.diff(lon) * _M_PER_DEGREE * self._cos
        # A repeated point is a segment of no length: divide by one instead, its share is then 0.
        squared = self._north**2 + self._east**2
        self._squared = np.where(squared > 0, squared, 1.0)
        along = np.array(self._along)
        self._start, self._length = along[:-1], np.maximum(np.diff(along), 1e-9)

    def locate(
        self, lat: float, lon: float, *, from_m: float = 0.0, to_m: float = math.inf
    ) -> tuple[float, float]:
        """(metres along the route, metres off it) of the nearest place on the route between `from_m` and `to_m`.

        On a line that crosses itself or comes back the same road the two bounds keep progress from jumping.
        """
        from_m = min(max(from_m, 0.0), self.length_m)
        to_m = min(max(to_m, from_m), self.length_m)
        first = min(max(0, bisect.bisect_right(self._along, from_m) - 1), len(self._lat) - 1)
        part = slice(first, max(first + 1, bisect.bisect_left(self._along, to_m)))
        north = (lat - self._lat[part]) * _M_PER_DEGREE
        east = (lon - self._lon[part]) * _M_PER_DEGREE * self._cos[part]
        share = (north * self._north[part] + east * self._east[part]) / self._squared[part]
        start, length = self._start[part], self._length[part]
        low, high = np.clip((from_m - start) / length, 0.0, 1.0), np.clip((to_m - start) / length, 0.0, 1.0)
        share = np.minimum(np.maximum(share, low), high)
        off = np.hypot(north - share * self._north[part], east - share * self._east[part])
        best = int(off.argmin())
        return float(start[best] + share[best] * length[best]), float(off[best])

    def at(self, along_m: float) -> Point:
        """The point so many metres along; before the start the start, beyond the end the end."""
        if along_m <= 0:
            return self.points[0]
        if along_m >= self.length_m:
            return self.points[-1]
        after = bisect.bisect_right(self._along, along_m)
        start, end = self._along[after - 1], self._along[after]
        share = (along_m - start) / (end - start)
        (lat1, lon1), (lat2, lon2) = self.points[after - 1], self.points[after]
        return lat1 + share * (lat2 - lat1), lon1 + share * (lon2 - lon1)

    def slice(self, a_m: float, b_m: float) -> tuple[Point, ...]:
        """The part between two places on the route, both ends included. Raises ValueError when a_m > b_m."""
        if a_m > b_m:
            raise ValueError(f"a part of a route starts before it ends: {a_m} > {b_m}")
        a_m, b_m = max(0.0, a_m), min(self.length_m, b_m)
        inside = self.points[bisect.bisect_right(self._along, a_m) : bisect.bisect_left(self._along, b_m)]
        return (self.at(a_m), *inside, self.at(b_m))
