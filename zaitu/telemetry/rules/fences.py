"""Stops entered and left.

Entered: a fix inside the fence (circle or polygon), or the straight line between two fixes at most CROSSING_GAP_S apart
passes through it. Left: a fix further outside than the margin, confirmed by a second one or by LEAVE_AFTER_S since the
last fix that was not; it counts from the first fix outside. Between fence and margin nothing changes, so a receiver that
drifts in a yard neither leaves nor enters. Of stops that share a place (a round trip) only the one due is entered: the
nearest along the route, or without a route the first not yet left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MARGIN_MIN_M: Final = 50.0
MARGIN_SHARE: Final = 0.2
"""Of a circle's radius."""
LEAVE_FIXES: Final = 2
LEAVE_AFTER_S: Final = 60.0
CROSSING_GAP_S: Final = 300.0
"""Over a longer gap the road between two fixes is not a straight line."""
VISITS_MAX: Final = 400
"""Remembered per trip; the oldest finished ones go first."""
_M_PER_DEGREE: Final = 111_195.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    seq: int
    lat: float
    lon: float
    radius_m: float
    along_m: float
    fence: tuple[tuple[float, float], ...] | None = None
    """(lat, lon) corners; None: the circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A stay at a stop. Seconds since 1970 UTC."""

    seq: int
    entered_s: float
    left_s: float | None = None
    """None: there, as far as is known."""
    out_since_s: float | None = None
    """First fix outside, not yet confirmed."""
    out_fixes: int = 0
    inside_s: float = 0.0
    """Last fix that was not outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    seq: int
    entered: bool
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Fixes of one vehicle in time order."""

    at_s: Floats
    lat: Floats
    lon: Floats
    along_m: Floats
    """NaN: no route."""
    joined: bool = False
    """The first row is the last fix of the trace before: it only starts a line."""


class Fences:
    """The stops of one trip, ready for many fixes."""

    def __init__(self, stops: Iterable[Stop]) -> None:
        self.stops: tuple[Stop, ...] = tuple(sorted(stops, key=lambda stop: stop.seq))
        self._lat = np.array([stop.lat for stop in self.stops])
        self._lon = np.array([stop.lon for stop in self.stops])
        self._radius = np.array([stop.radius_m for stop in self.stops])
        self._m_per_degree_lon = _M_PER_DEGREE * np.cos(np.radians(self._lat))
        self._corners = {
            index: self._local(np.array(stop.fence), index)
            for index, stop in enumerate(self.stops)
            if stop.fence is not None
        }
        round_ = np.array([stop.fence is None for stop in self.stops], dtype=bool)
        self.margin_m = np.where(round_, np.maximum(MARGIN_MIN_M, MARGIN_SHARE * self._radius), MARGIN_MIN_M)
        self._twins = [self._sharing(index) for index in range(len(self.stops))]

    def _local(self, points: npt.NDArray[np.float64], index: int) -> npt.NDArray[np.float64]:
        """(east, north) metres from a stop's centre; good for the tens of kilometres around it."""
        north = (points[:, 0] - self._lat[index]) * _M_PER_DEGREE
        east = (points[:, 1] - self._lon[index]) * self._m_per_degree_lon[index]
        return np.column_stack([east, north])

    def _sharing(self, index: int) -> tuple[int, ...]:
        north = (self._lat - self._lat[index]) * _M_PER_DEGREE
        east = (self._lon - self._lon[index]) * self._m_per_degree_lon[index]
        near = np.hypot(east, north) < np.maximum(self._radius, self._radius[index])
        return tuple(int(other) for other in np.flatnonzero(near))

    def outside_m(self, lat: Floats, lon: Floats) -> npt.NDArray[np.float64]:
        """Metres outside each fence, fixes by stops; negative inside."""
        north = (lat[:, None] - self._lat[None, :]) * _M_PER_DEGREE
        east = (lon[:, None] - self._lon[None, :]) * self._m_per_degree_lon[None, :]
        outside: npt.NDArray[np.float64] = np.hypot(east, north) - self._radius[None, :]
        for index, corners in self._corners.items():
            outside[:, index] = _outside_polygon_m(east[:, index], north[:, index], corners)
        return outside

    def passage(self, index: int, lat: Floats, lon: Floats) -> tuple[float, float] | None:
        """Shares (0..1) of the line between two fixes at which it enters and leaves a fence; None: it passes by."""
        start, end = self._local(np.column_stack([lat, lon]), index)
        if index in self._corners:
            return _line_polygon(start, end, self._corners[index])
        return _line_circle(start, end, float(self._radius[index]))

    def due(self, index: int, along_m: float, left: frozenset[int]) -> bool:
        """Of the stops that share this one's place, it is the one that comes now."""
        twins = self._twins[index]
        if len(twins) == 1:
            return True
        if not np.isnan(along_m):
            return index == min(twins, key=lambda other: abs(self.stops[other].along_m - along_m))
        waiting = [other for other in twins if self.stops[other].seq not in left]
        return index == (waiting[0] if waiting else twins[-1])


def _outside_polygon_m(east: Floats, north: Floats, corners: Floats) -> Floats:
    a, b = corners, np.roll(corners, -1, axis=0)
    side = b - a
    length2 = np.maximum((side**2).sum(axis=1), 1e-9)
    to_east, to_north = east[:, None] - a[None, :, 0], north[:, None] - a[None, :, 1]
    share = np.clip((to_east * side[:, 0] + to_north * side[:, 1]) / length2, 0.0, 1.0)
    distance = np.hypot(to_east - share * side[:, 0], to_north - share * side[:, 1]).min(axis=1)
    # Even-odd rule: how many sides a ray to the east crosses.
    straddles = (a[None, :, 1] > north[:, None]) != (b[None, :, 1] > north[:, None])
    rise = np.where(side[:, 1] == 0, 1.0, side[:, 1])
    crossing_east = a[None, :, 0] + (north[:, None] - a[None, :, 1]) * side[:, 0] / rise
    inside = (straddles & (east[:, None] < crossing_east)).sum(axis=1) % 2 == 1
    signed: Floats = np.where(inside, -distance, distance)
    return signed


def _line_circle(start: Floats, end: Floats, radius_m: float) -> tuple[float, float] | None:
    step = end - start
    a, b, c = float(step @ step), 2 * float(start @ step), float(start @ start) - radius_m**2
    root = b * b - 4 * a * c
    if a == 0 or root < 0:
        return None
    enters, leaves = (-b - root**0.5) / (2 * a), (-b + root**0.5) / (2 * a)
    return (enters, leaves) if enters >= 0 and leaves <= 1 else None


def _line_polygon(start: Floats, end: Floats, corners: Floats) -> tuple[float, float] | None:
    step = end - start
    a, side = corners, np.roll(corners, -1, axis=0) - corners
    cross = step[0] * side[:, 1] - step[1] * side[:, 0]
    parallel = np.abs(cross) < 1e-9
    cross = np.where(parallel, 1.0, cross)
    to_a = a - start
    on_line = (to_a[:, 0] * side[:, 1] - to_a[:, 1] * side[:, 0]) / cross
    on_side = (to_a[:, 0] * step[1] - to_a[:, 1] * step[0]) / cross
    hits = on_line[~parallel & (on_line >= 0) & (on_line <= 1) & (on_side >= 0) & (on_side <= 1)]
    return (float(hits.min()), float(hits.max())) if len(hits) else None


class _Stay:
    """Visits while a trace is walked through."""

    def __init__(self, fences: Fences, visits: Sequence[Visit]) -> None:
        index_of = {stop.seq: index for index, stop in enumerate(fences.stops)}
        self.fences = fences
        self.open = {index_of[v.seq]: v for v in visits if v.left_s is None and v.seq in index_of}
        self.closed = [v for v in visits if v.left_s is not None]
        self.left = frozenset(v.seq for v in self.closed)
        self.crossings: list[Crossing] = []

    def enter(self, index: int, at_s: float) -> None:
        seq = self.fences.stops[index].seq
        self.open[index] = Visit(seq=seq, entered_s=at_s, inside_s=at_s)
        self.crossings.append(Crossing(seq=seq, entered=True, at_s=at_s))

    def inside(self, index: int, at_s: float) -> None:
        self.open[index] = replace(self.open[index], inside_s=at_s, out_since_s=None, out_fixes=0)

    def outside(self, index: int, at_s: float, out_s: float) -> None:
        """A fix at `at_s` beyond the margin; the vehicle went out at `out_s` if this is the first."""
        visit = self.open[index]
        visit = replace(visit, out_since_s=visit.out_since_s or out_s, out_fixes=visit.out_fixes + 1)
        self.open[index] = visit
        if visit.out_fixes < LEAVE_FIXES and at_s - visit.inside_s < LEAVE_AFTER_S:
            return
        del self.open[index]
        left_s = visit.out_since_s or out_s
        self.closed.append(replace(visit, left_s=left_s, out_since_s=None, out_fixes=0))
        self.left |= {visit.seq}
        self.crossings.append(Crossing(seq=visit.seq, entered=False, at_s=left_s))

    def visits(self) -> tuple[Visit, ...]:
        return (*self.closed[-VISITS_MAX:], *self.open.values())


def advance(
    fences: Fences, visits: Sequence[Visit], trace: Trace
) -> tuple[tuple[Visit, ...], list[Crossing]]:
    """Walk a trace: (visits afterwards, what happened in time order)."""
    stay = _Stay(fences, visits)
    if not fences.stops or not len(trace.at_s):
        return tuple(visits), []
    outside_m = fences.outside_m(trace.lat, trace.lon)
    steps_m = _steps_m(trace)
    for row in range(1 if trace.joined else 0, len(trace.at_s)):
        near = set(np.flatnonzero(outside_m[row] <= fences.margin_m + steps_m[row])) | set(stay.open)
        for index in sorted(int(number) for number in near):
            if index in stay.open:
                _there(stay, index, float(trace.at_s[row]), float(outside_m[row, index]))
            elif fences.due(index, float(trace.along_m[row]), stay.left):
                _elsewhere(stay, index, trace, row, outside_m)
    return stay.visits(), sorted(stay.crossings, key=lambda crossing: crossing.at_s)


def _steps_m(trace: Trace) -> Floats:
    """Length of the line that leads to each fix; 0 where the gap is too long to draw one."""
    north = np.diff(trace.lat) * _M_PER_DEGREE
    east = np.diff(trace.lon) * _M_PER_DEGREE * np.cos(np.radians(trace.lat[1:]))
    steps: Floats = np.where(np.diff(trace.at_s) <= CROSSING_GAP_S, np.hypot(east, north), 0.0)
    return np.concatenate([[0.0], steps])


def _there(stay: _Stay, index: int, at_s: float, outside_m: float) -> None:
    if outside_m > stay.fences.margin_m[index]:
        stay.outside(index, at_s, at_s)
    else:
        stay.inside(index, at_s)


def _elsewhere(stay: _Stay, index: int, trace: Trace, row: int, outside_m: npt.NDArray[np.float64]) -> None:
    at_s = float(trace.at_s[row])
    if outside_m[row, index] <= 0:
        stay.enter(index, at_s)
        return
    if row == 0 or outside_m[row - 1, index] <= 0 or at_s - trace.at_s[row - 1] > CROSSING_GAP_S:
        return
    passage = stay.fences.passage(index, trace.lat[row - 1 : row + 1], trace.lon[row - 1 : row + 1])
    if passage is None:
        return
    before_s = float(trace.at_s[row - 1])
    entered_s, left_s = (before_s + share * (at_s - before_s) for share in passage)
    stay.enter(index, entered_s)
    stay.inside(index, left_s)
    if outside_m[row, index] > stay.fences.margin_m[index]:
        stay.outside(index, at_s, left_s)
