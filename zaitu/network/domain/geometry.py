"""Where along a line's road its stops lie."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.geo import Polyline, distance_m
from zaitu.network.domain.views import Point

STOP_OFF_MAX_M: Final = 3_000
"""A stop lies at most this far from the road driven: yards lie beside motorways, not in the next town."""
POINTS_MAX: Final = 20_000
STOPS: Final = (2, 60)
_SAME_PLACE_M: Final = 1.0
"""Two passes closer than this along the road are one."""
_DEGREE_M: Final = 111_320.0
"""Metres of one degree of latitude."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One time the road comes by a stop."""

    along_m: float
    off_m: float


def stops_along(points: Sequence[Point], stops: Sequence[tuple[str, Point]]) -> tuple[float, ...]:
    """Metres along `points` at which each (name, place) of `stops` is passed, strictly increasing.

    A road may come by a place more than once (a round trip ends where it began), so every passage within
    STOP_OFF_MAX_M is a candidate and the increasing choice with the least distance off the road is taken.
    Raises Invalid when a stop is too far from the road, or the road does not pass the stops in this order.
    """
    if not STOPS[0] <= len(stops) <= STOPS[1]:
        raise _invalid(f"线路须有 {STOPS[0]} 到 {STOPS[1]} 个站点")
    if not 2 <= len(points) <= POINTS_MAX:
        raise _invalid(f"线路轨迹须有 2 到 {POINTS_MAX} 个点")
    choices = [_passages(points, place, name) for name, place in stops]
    best = _increasing(choices)
    if best is None:
        raise _invalid("轨迹经过站点的先后与站序不一致，请检查站序或轨迹方向")
    return best


def _passages(points: Sequence[Point], place: Point, name: str) -> list[Passage]:
    """The nearest point of every stretch of road within reach of the place; it ends where the road leaves the reach."""
    reach_deg = STOP_OFF_MAX_M / _DEGREE_M
    found: list[Passage] = []
    stretch: Passage | None = None
    start_m = 0.0
    for first, second in pairwise(points):
        length_m = distance_m(*first, *second)
        if length_m > 0 and _box_reaches(first, second, place, reach_deg):
            along_m, off_m = Polyline((first, second)).locate(*place)
            if off_m <= STOP_OFF_MAX_M and (stretch is None or off_m < stretch.off_m):
                stretch = Passage(start_m + along_m, off_m)
        start_m += length_m
        if stretch is not None and distance_m(*second, *place) > STOP_OFF_MAX_M:
            found.append(stretch)
            stretch = None
    if stretch is not None:
        found.append(stretch)
    if not found:
        raise _invalid(f"站点 {name} 离线路轨迹超过 {STOP_OFF_MAX_M // 1000} 公里")
    return found


def _box_reaches(first: Point, second: Point, place: Point, reach_deg: float) -> bool:
    """A cheap no for the many segments that are nowhere near."""
    lat, lon = place
    lon_reach = reach_deg / max(0.1, math.cos(math.radians(lat)))
    return (
        min(first[0], second[0]) - reach_deg <= lat <= max(first[0], second[0]) + reach_deg
        and min(first[1], second[1]) - lon_reach <= lon <= max(first[1], second[1]) + lon_reach
    )


def _increasing(choices: Sequence[Sequence[Passage]]) -> tuple[float, ...] | None:
    """One passage per stop, each further along than the one before, with the least total distance off the road."""
    best: list[tuple[float, tuple[float, ...]]] = [(0.0, ())]
    for passages in choices:
        nearer: list[tuple[float, tuple[float, ...]]] = []
        for passage in passages:
            reachable = [
                (off + passage.off_m, (*alongs, passage.along_m))
                for off, alongs in best
                if not alongs or passage.along_m > alongs[-1] + _SAME_PLACE_M
            ]
            if reachable:
                nearer.append(min(reachable))
        best = nearer
    return min(best)[1] if best else None


def _invalid(message: str) -> Invalid:
    return Invalid(message, fields={"points": message})
