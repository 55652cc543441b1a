"""From a few dozen places to a road: a smooth curve through them with the small bends every road has."""

import math
from functools import cache
from typing import Final

from zaitu.config.demo.dice import dice
from zaitu.config.demo.geography import ROADS, STATIONS, Road
from zaitu.kernel.geo import distance_m
from zaitu.network.public import Point

STEP_M: Final = 6_000
BEND_M: Final = 700
"""How far a bend leads off the smooth curve, at most."""
_M_PER_DEGREE: Final = 111_195

BY_CODE: Final = {place.code: place for place in STATIONS}
BY_LINE: Final = {code: road for road in ROADS for code in (road.code, f"{road.code}-R")}


def stops(line: str) -> tuple[str, ...]:
    """Station codes of a line, `…-R` the way back."""
    codes = BY_LINE[line].stations
    return codes[::-1] if line.endswith("-R") else codes


@cache
def points(line: str) -> tuple[Point, ...]:
    """The road of a line; it passes its stations exactly."""
    there = _curve(BY_LINE[line])
    return there[::-1] if line.endswith("-R") else there


def _curve(road: Road) -> tuple[Point, ...]:
    places = [(BY_CODE[at].lat, BY_CODE[at].lon) if isinstance(at, str) else at for at in road.way]
    found: list[Point] = []
    for number in range(len(places) - 1):
        before, after = places[max(number - 1, 0)], places[min(number + 2, len(places) - 1)]
        found += _piece(
            before, places[number], places[number + 1], after, dice("bend", road.code, number).uniform(-1, 1)
        )
    return (*found, places[-1])


def _piece(before: Point, a: Point, b: Point, after: Point, bend: float) -> list[Point]:
    """Catmull-Rom from a to b (b left out), swung to one side and the other by `bend` (−1..1)."""
    length_m = distance_m(*a, *b)
    steps = max(2, round(length_m / STEP_M))
    piece = []
    for step in range(steps):
        s = step / steps
        lat, lon = (_catmull(before[axis], a[axis], b[axis], after[axis], s) for axis in (0, 1))
        off_m = bend * min(BEND_M, length_m / 20) * math.sin(math.pi * s) * math.cos(3 * math.pi * s)
        east, north = b[1] - a[1], b[0] - a[0]
        size = math.hypot(east, north) or 1.0
        piece.append(
            (
                round(lat + off_m * east / size / _M_PER_DEGREE, 6),
                round(lon - off_m * north / size / (_M_PER_DEGREE * math.cos(math.radians(lat))), 6),
            )
        )
    return piece


def _catmull(p: float, a: float, b: float, q: float, s: float) -> float:
    # Half the usual tension: places lie tens of kilometres apart, and a road does not swing out that far.
    m, n = (b - p) * 0.3, (q - a) * 0.3
    return (
        (2 * s**3 - 3 * s**2 + 1) * a
        + (s**3 - 2 * s**2 + s) * m
        + (3 * s**2 - 2 * s**3) * b
        + (s**3 - s**2) * n
    )
