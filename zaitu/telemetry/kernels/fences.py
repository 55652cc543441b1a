"""Stops entered and left, by the rules of rules/fences.py, which the tests compare it with.

Told apart in time order of rows; within a row in the order of the stops.
"""

import math
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Floats
from zaitu.telemetry.kernels.compiled import inlined
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.kernels.telling import tell
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.fences import CROSSING_GAP_S, LEAVE_AFTER_S, LEAVE_FIXES

_M_PER_DEGREE: Final = 111_195.08
_CROSSING_GAP_US: Final = int(CROSSING_GAP_S * 1e6)
_LEAVE_AFTER_US: Final = int(LEAVE_AFTER_S * 1e6)
_LEAVE_FIXES: Final = LEAVE_FIXES
_ENTERED: Final = int(Kind.STOP_ENTERED)
_LEFT: Final = int(Kind.STOP_LEFT)


@inlined
def _outside_m(stop: Any, corners: Floats, first: int, lat: float, lon: float) -> float:
    """Metres outside a fence; negative inside."""
    north = (lat - stop.lat) * _M_PER_DEGREE
    east = (lon - stop.lon) * stop.m_per_degree_lon
    count = stop.corner_count
    if count == 0:
        return float(math.sqrt(north * north + east * east) - stop.radius_m)
    first += stop.corner
    nearest2 = np.inf
    inside = False
    for corner in range(count):
        a = first + corner
        b = first + (corner + 1 if corner + 1 < count else 0)
        side_east, side_north = corners[b, 0] - corners[a, 0], corners[b, 1] - corners[a, 1]
        length2 = max(side_east * side_east + side_north * side_north, 1e-9)
        to_east, to_north = east - corners[a, 0], north - corners[a, 1]
        share = min(max((to_east * side_east + to_north * side_north) / length2, 0.0), 1.0)
        off_east, off_north = to_east - share * side_east, to_north - share * side_north
        nearest2 = min(nearest2, off_east * off_east + off_north * off_north)
        # Even-odd rule: how many sides a ray to the east crosses.
        if (corners[a, 1] > north) != (corners[b, 1] > north) and east < corners[a, 0] + (
            north - corners[a, 1]
        ) * side_east / side_north:
            inside = not inside
    return -math.sqrt(nearest2) if inside else math.sqrt(nearest2)


@inlined
def _passage(
    stop: Any, corners: Floats, first: int, lat1: float, lon1: float, lat2: float, lon2: float
) -> tuple[float, float]:
    """Shares (0..1) of the line between two fixes at which it enters and leaves a fence; NaN: it passes by."""
    east, north = (lon1 - stop.lon) * stop.m_per_degree_lon, (lat1 - stop.lat) * _M_PER_DEGREE
    step_east = (lon2 - stop.lon) * stop.m_per_degree_lon - east
    step_north = (lat2 - stop.lat) * _M_PER_DEGREE - north
    count = stop.corner_count
    if count == 0:
        a = step_east * step_east + step_north * step_north
        b = 2 * (east * step_east + north * step_north)
        c = east * east + north * north - stop.radius_m * stop.radius_m
        root = b * b - 4 * a * c
        if a == 0 or root < 0:
            return np.nan, np.nan
        root = math.sqrt(root)
        enters, leaves = (-b - root) / (2 * a), (-b + root) / (2 * a)
        return (enters, leaves) if enters >= 0 and leaves <= 1 else (np.nan, np.nan)
    first += stop.corner
    enters, leaves = np.inf, -np.inf
    for corner in range(count):
        a_ = first + corner
        b_ = first + (corner + 1 if corner + 1 < count else 0)
        side_east, side_north = corners[b_, 0] - corners[a_, 0], corners[b_, 1] - corners[a_, 1]
        cross = step_east * side_north - step_north * side_east
        if abs(cross) < 1e-9:
            continue
        to_east, to_north = corners[a_, 0] - east, corners[a_, 1] - north
        on_line = (to_east * side_north - to_north * side_east) / cross
        on_side = (to_east * step_north - to_north * step_east) / cross
        if 0 <= on_line <= 1 and 0 <= on_side <= 1:
            enters, leaves = min(enters, on_line), max(leaves, on_line)
    return (enters, leaves) if leaves >= 0 else (np.nan, np.nan)


@inlined
def _due(stops: Records, stays: Records, first: int, count: int, index: int, along_m: float) -> bool:
    """Of the stops that share this one's place, it is the one that comes now."""
    mine = stops[first + index]
    if mine.alone:
        return True
    chosen, last, waiting, nearest_m = -1, -1, -1, np.inf
    for other in range(count):
        stop = stops[first + other]
        north = (stop.lat - mine.lat) * _M_PER_DEGREE
        east = (stop.lon - mine.lon) * mine.m_per_degree_lon
        if math.sqrt(north * north + east * east) >= max(stop.radius_m, mine.radius_m):
            continue
        last = other
        if waiting < 0 and not stays[first + other].left:
            waiting = other
        if abs(stop.along_m - along_m) < nearest_m:
            chosen, nearest_m = other, abs(stop.along_m - along_m)
    if np.isnan(along_m):
        chosen = waiting if waiting >= 0 else last
    return index == chosen


@inlined
def _go_out(vehicle: Any, stop: Any, stay: Any, facts: Records, told: int, at_us: int, out_us: int) -> int:
    """A fix at `at_us` beyond the margin; the vehicle went out at `out_us` if this is the first."""
    if stay.out_since_us == NONE:
        stay.out_since_us = out_us
    stay.out_fixes += 1
    if stay.out_fixes < _LEAVE_FIXES and at_us - stay.inside_us < _LEAVE_AFTER_US:
        return told
    told = tell(facts, told, _LEFT, stay.out_since_us, stop.seq, stay.entered_us)
    stay.left = 1
    stay.entered_us = stay.inside_us = stay.out_since_us = NONE
    stay.out_fixes = 0
    vehicle.open_stops -= 1
    return told


@inlined
def _go_in(vehicle: Any, stop: Any, stay: Any, facts: Records, told: int, at_us: int) -> int:
    stay.entered_us = stay.inside_us = at_us
    vehicle.open_stops += 1
    return tell(facts, told, _ENTERED, at_us, stop.seq, np.nan)


@inlined
def _widely(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """At least the distance, at any latitude."""
    north, east = (lat2 - lat1) * _M_PER_DEGREE, (lon2 - lon1) * _M_PER_DEGREE
    return math.sqrt(north * north + east * east)


@inlined
def fences_step(
    vehicle: Any,
    watch: Any,
    stops: Records,
    stays: Records,
    corners: Floats,
    joined: int,
    at_us: int,
    lat: float,
    lon: float,
    cosine: float,
    along_m: float,
    facts: Records,
    told: int,
) -> int:
    """One new fix of a watched vehicle, whose record still holds the fix before (`joined`: it belongs to the trip too).

    How many facts are told afterwards; room for two of each stop is needed.
    """
    first, count, corner = watch.stops, watch.stop_count, watch.corners
    drawn = joined and at_us - vehicle.at_us <= _CROSSING_GAP_US
    step_m = 0.0
    if drawn:
        north = (lat - vehicle.lat) * _M_PER_DEGREE
        east = (lon - vehicle.lon) * _M_PER_DEGREE * cosine
        step_m = math.sqrt(north * north + east * east)
    if (
        vehicle.open_stops == 0
        and _widely(vehicle.clear_lat, vehicle.clear_lon, lat, lon) + step_m < vehicle.clear_m
    ):
        return told
    clear_m = np.inf
    for index in range(count):
        stop = stops[first + index]
        north = (lat - stop.lat) * _M_PER_DEGREE
        east = (lon - stop.lon) * stop.m_per_degree_lon
        near_m = stop.margin_m + step_m
        box_m = max(stop.south_m - north, north - stop.north_m, stop.west_m - east, east - stop.east_m)
        clear_m = min(clear_m, box_m - stop.margin_m)
        boxed = box_m <= near_m
        if not boxed and vehicle.open_stops == 0:
            continue
        stay = stays[first + index]
        there = stay.entered_us != NONE
        if not boxed and not there:
            continue
        outside_m = _outside_m(stop, corners, corner, lat, lon)
        if there:
            if outside_m > stop.margin_m:
                told = _go_out(vehicle, stop, stay, facts, told, at_us, at_us)
            else:
                stay.inside_us = at_us
                stay.out_since_us = NONE
                stay.out_fixes = 0
            continue
        if outside_m > near_m or not _due(stops, stays, first, count, index, along_m):
            continue
        if outside_m <= 0:
            told = _go_in(vehicle, stop, stay, facts, told, at_us)
            continue
        if not drawn or _outside_m(stop, corners, corner, vehicle.lat, vehicle.lon) <= 0:
            continue
        enters, leaves = _passage(stop, corners, corner, vehicle.lat, vehicle.lon, lat, lon)
        if np.isnan(enters):
            continue
        passed_us = at_us - vehicle.at_us
        told = _go_in(vehicle, stop, stay, facts, told, vehicle.at_us + round(enters * passed_us))
        left_us = vehicle.at_us + round(leaves * passed_us)
        stay.inside_us = left_us
        if outside_m > stop.margin_m:
            told = _go_out(vehicle, stop, stay, facts, told, at_us, left_us)
    vehicle.clear_lat, vehicle.clear_lon, vehicle.clear_m = lat, lon, clear_m
    return told
