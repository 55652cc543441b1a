"""How a truck drives a line: when it is where, from its departure to its arrival, the same way every time it is asked.

A drive is a list of knots (seconds since departure, metres along the road); between two knots the speed is even. Nothing is
remembered anywhere, so a fleet that was stopped goes on where its trucks would be by now.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import Final

from zaitu.config.demo.dice import dice
from zaitu.config.demo.roads import BY_CODE, points, stops
from zaitu.kernel.geo import Polyline

YARD_M: Final = 6_000
"""So far around a station a truck drives slowly."""
YARD_KMH: Final = (36.0, 48.0)
ROAD_KMH: Final = (74.0, 86.0)
JAM_KMH: Final = (28.0, 45.0)
JAM_SHARE: Final = 0.04
REST_AFTER_S: Final = 4 * 3600
"""Chinese law: at most four hours at the wheel, then 20 minutes of rest."""
REST_S: Final = (21 * 60, 32 * 60)
DWELL_S: Final = (38 * 60, 55 * 60)
PLAN_DWELL_MIN: Final = 45
PLAN_KMH: Final = 68.5
"""Pace of the timetable, rests included."""
LATE_SHARE: Final = 0.86
"""Of the usual speed: the truck that is late."""
LATE_START: Final = timedelta(minutes=70)
BLIND_PER_LINE: Final = 4
BLIND_M: Final = (4_000, 11_000)


@dataclass(frozen=True, slots=True)
class Moment:
    along_m: float
    speed_kmh: float
    over: bool
    """The truck stands at the last station."""


@dataclass(frozen=True, slots=True)
class Drive:
    at_s: tuple[float, ...]
    along_m: tuple[float, ...]

    @property
    def lasts(self) -> timedelta:
        return timedelta(seconds=self.at_s[-1])

    def at(self, since: timedelta) -> Moment:
        """Where the truck is so long after departure; before it, at the start."""
        elapsed_s = since.total_seconds()
        if elapsed_s <= 0:
            return Moment(0.0, 0.0, over=False)
        if elapsed_s >= self.at_s[-1]:
            return Moment(self.along_m[-1], 0.0, over=True)
        knot = bisect_right(self.at_s, elapsed_s)
        span_s = self.at_s[knot] - self.at_s[knot - 1]
        length_m = self.along_m[knot] - self.along_m[knot - 1]
        done = (elapsed_s - self.at_s[knot - 1]) / span_s
        return Moment(self.along_m[knot - 1] + done * length_m, length_m / span_s * 3.6, over=False)

    def passes(self, along_m: float) -> timedelta:
        """When the truck first comes to this place, counted from departure."""
        for knot in range(1, len(self.along_m)):
            if self.along_m[knot] >= along_m - 1:
                length_m = self.along_m[knot] - self.along_m[knot - 1]
                done = (along_m - self.along_m[knot - 1]) / length_m if length_m else 0.0
                return timedelta(seconds=self.at_s[knot - 1] + done * (self.at_s[knot] - self.at_s[knot - 1]))
        return self.lasts

    def leaves(self, along_m: float) -> timedelta:
        """When it goes on from this place."""
        knot = max(number for number, metres in enumerate(self.along_m) if metres <= along_m + 1)
        return timedelta(seconds=self.at_s[knot])


@cache
def route(line: str) -> Polyline:
    return Polyline(points(line))


@cache
def stops_along_m(line: str) -> tuple[float, ...]:
    """Where the stations lie, metres from the start; the road passes each once, in order."""
    road = route(line)
    found = [road.locate(BY_CODE[code].lat, BY_CODE[code].lon)[0] for code in stops(line)]
    return (0.0, *found[1:-1], road.length_m)


def planned_min(line: str) -> tuple[int, ...]:
    """Minutes from departure to each station by the timetable."""
    return tuple(
        round(along_m / 1000 / PLAN_KMH * 60 + max(0, number - 1) * PLAN_DWELL_MIN)
        for number, along_m in enumerate(stops_along_m(line))
    )


@cache
def drive(run: str, stops_m: tuple[float, ...], *, late: bool) -> Drive:
    """The drive of one run (`schedule.run_key`) past stations that lie so many metres along the road, the first at 0."""
    chance = dice("drive", run)
    at_s, along_m, wheel_s = [0.0], [0.0], 0.0
    for start_m, end_m in pairwise(stops_m):
        if start_m:
            at_s.append(at_s[-1] + round(chance.uniform(*DWELL_S)))
            along_m.append(start_m)
            wheel_s = 0.0
        while along_m[-1] < end_m:
            step_m, speed_kmh = _step(chance, along_m[-1], start_m, end_m)
            took_s = math.ceil(step_m / (speed_kmh * (LATE_SHARE if late else 1.0)) * 3.6)
            at_s.append(at_s[-1] + took_s)
            along_m.append(min(along_m[-1] + step_m, end_m))
            wheel_s += took_s
            if wheel_s > REST_AFTER_S and end_m - along_m[-1] > 4 * YARD_M:
                at_s.append(at_s[-1] + round(chance.uniform(*REST_S)))
                along_m.append(along_m[-1])
                wheel_s = 0.0
    return Drive(tuple(at_s), tuple(along_m))


def _step(chance: Random, here_m: float, start_m: float, end_m: float) -> tuple[float, float]:
    """The next piece of road with one speed: (metres, km/h)."""
    if here_m - start_m < YARD_M:
        return min(YARD_M, end_m - here_m), chance.uniform(*YARD_KMH)
    if end_m - here_m <= YARD_M:
        return end_m - here_m, chance.uniform(*YARD_KMH)
    step_m = min(chance.uniform(7_000, 18_000), end_m - YARD_M - here_m)
    jam = chance.random() < JAM_SHARE
    return max(step_m, 1.0), chance.uniform(*(JAM_KMH if jam else ROAD_KMH))


@cache
def blind_m(line: str, length_m: float) -> tuple[tuple[float, float], ...]:
    """Tunnels and gorges without a mobile network: from and to, metres along the road; the same ones on the way back."""
    way = line.removesuffix("-R")
    chance = dice("blind", way)
    there = []
    for number in range(BLIND_PER_LINE):
        start_m = length_m * (0.12 + 0.76 * (number + chance.random() * 0.6) / BLIND_PER_LINE)
        there.append((start_m, start_m + chance.uniform(*BLIND_M)))
    if line == way:
        return tuple(there)
    return tuple((length_m - end_m, length_m - start_m) for start_m, end_m in reversed(there))


def start_delay(run: str, *, late: bool) -> timedelta:
    """How long after its planned departure a truck leaves the yard."""
    return LATE_START if late else timedelta(seconds=dice("start", run).uniform(60, 11 * 60))
