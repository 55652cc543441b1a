"""Progress along a route, by the rule of rules/progress.py, which the tests compare it with.

A route is `points` rows (lat, lon, metres from the start, cosine of the mean latitude of the segment that starts here). Every CHUNK
segments have a box (south, north, west, east, smallest cosine), so that looking over a whole route passes by most of it.
"""

import math
from typing import Final

import numpy as np

from zaitu.kernel.geo import EARTH_RADIUS_M
from zaitu.telemetry.codecs.columns import Floats
from zaitu.telemetry.kernels.compiled import inlined
from zaitu.telemetry.rules.progress import AHEAD_M, AHEAD_MPS, ON_ROUTE_M, STILL_M, WINDING, WINDING_M

CHUNK: Final = 16
_M_PER_DEGREE: Final = math.radians(EARTH_RADIUS_M)

Place = tuple[float, float, int]
"""(metres along, metres off, segment)."""


def route_rows(points: Floats) -> Floats:
    """(points, 4) of (lat, lon) vertices, at least two."""
    lat, lon = points[:, 0], points[:, 1]
    half = np.radians(np.diff(points, axis=0)) / 2
    chord = (
        np.sin(half[:, 0]) ** 2
        + np.cos(np.radians(lat[:-1])) * np.cos(np.radians(lat[1:])) * np.sin(half[:, 1]) ** 2
    )
    lengths = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(chord)))
    cosine = np.cos(np.radians((lat[:-1] + lat[1:]) / 2))
    return np.column_stack([lat, lon, np.concatenate([[0.0], np.cumsum(lengths)]), np.append(cosine, 1.0)])


def route_boxes(rows: Floats) -> Floats:
    """One for every CHUNK segments."""
    boxes = []
    for first in range(0, len(rows) - 1, CHUNK):
        part = rows[first : first + CHUNK + 1]
        (south, west), (north, east) = part[:, :2].min(axis=0), part[:, :2].max(axis=0)
        boxes.append((south, north, west, east, rows[first : min(first + CHUNK, len(rows) - 1), 3].min()))
    return np.array(boxes)


@inlined
def _segment_at(points: Floats, start: int, count: int, along_m: float, hint: int) -> int:
    """The last segment that starts at or before a place; a near hint saves the search."""
    last = count - 2
    low, high = 0, last
    if 0 <= hint <= last:
        if points[start + hint, 2] <= along_m:
            low, step = hint, 1
            while low + step <= last and points[start + low + step, 2] <= along_m:
                low += step
                step *= 2
            high = min(last, low + step)
        else:
            high, step = hint, 1
            while high - step >= 0 and points[start + high - step, 2] > along_m:
                high -= step
                step *= 2
            low, high = max(0, high - step), high - 1
    while low < high:
        middle = (low + high + 1) // 2
        if points[start + middle, 2] <= along_m:
            low = middle
        else:
            high = middle - 1
    return max(0, low)


@inlined
def _box_far(boxes: Floats, box: int, lat: float, lon: float, off2: float) -> bool:
    """No place in the box is nearer than the square root of `off2`."""
    north = max(0.0, boxes[box, 0] - lat, lat - boxes[box, 1]) * _M_PER_DEGREE
    east = max(0.0, boxes[box, 2] - lon, lon - boxes[box, 3]) * _M_PER_DEGREE * boxes[box, 4]
    return bool(north * north + east * east > off2 * (1 + 1e-9) + 1e-6)


@inlined
def _locate(
    points: Floats,
    boxes: Floats,
    start: int,
    count: int,
    first_box: int,
    from_m: float,
    to_m: float,
    lat: float,
    lon: float,
    hint: int,
    within_m: float,
) -> Place:
    """Nearest place between `from_m` and `to_m`; a caller that knows one within `within_m` of the fix says so."""
    length_m = points[start + count - 1, 2]
    from_m = min(max(from_m, 0.0), length_m)
    to_m = min(max(to_m, from_m), length_m)
    segment = _segment_at(points, start, count, from_m, hint)
    first = segment
    best2, best_m, best = np.inf, from_m, segment
    bound2 = within_m * within_m
    while segment < count - 1:
        if segment % CHUNK == 0 and _box_far(boxes, first_box + segment // CHUNK, lat, lon, bound2):
            segment += CHUNK
            continue
        at = start + segment
        begins_m = points[at, 2]
        if segment > first and begins_m >= to_m:
            break
        cosine = points[at, 3]
        north = (lat - points[at, 0]) * _M_PER_DEGREE
        east = (lon - points[at, 1]) * _M_PER_DEGREE * cosine
        side_north = (points[at + 1, 0] - points[at, 0]) * _M_PER_DEGREE
        side_east = (points[at + 1, 1] - points[at, 1]) * _M_PER_DEGREE * cosine
        squared = side_north * side_north + side_east * side_east
        share = (north * side_north + east * side_east) / (squared if squared > 0 else 1.0)
        length = max(points[at + 1, 2] - begins_m, 1e-9)
        low = min(max((from_m - begins_m) / length, 0.0), 1.0)
        high = min(max((to_m - begins_m) / length, 0.0), 1.0)
        share = min(max(share, low), high)
        off_north, off_east = north - share * side_north, east - share * side_east
        off2 = off_north * off_north + off_east * off_east
        if off2 < best2:
            best2, best_m, best = off2, begins_m + share * length, segment
            bound2 = min(bound2, best2)
        segment += 1
    return best_m, math.sqrt(best2), best


@inlined
def _straight_m(
    points: Floats, start: int, along_m: float, segment: int, lat: float, lon: float, cosine: float
) -> float:
    """From a place on the route to a fix; `cosine`: of its latitude."""
    at = start + segment
    share = (along_m - points[at, 2]) / max(points[at + 1, 2] - points[at, 2], 1e-9)
    share = min(max(share, 0.0), 1.0)
    north = lat - (points[at, 0] + share * (points[at + 1, 0] - points[at, 0]))
    east = (lon - (points[at, 1] + share * (points[at + 1, 1] - points[at, 1]))) * cosine
    return math.sqrt(north * north + east * east) * _M_PER_DEGREE


@inlined
def progress_first(
    points: Floats, boxes: Floats, start: int, count: int, first_box: int, lat: float, lon: float
) -> Place:
    """Where nobody knows the place before: of several passes the first."""
    along_m, off_m, segment = _locate(
        points, boxes, start, count, first_box, 0.0, np.inf, lat, lon, -1, np.inf
    )
    while along_m > AHEAD_M:
        earlier_m, earlier_off_m, earlier = _locate(
            points, boxes, start, count, first_box, 0.0, along_m - AHEAD_M, lat, lon, -1, np.inf
        )
        if earlier_off_m > max(off_m, ON_ROUTE_M):
            break
        along_m, off_m, segment = earlier_m, earlier_off_m, earlier
    return along_m, off_m, segment


@inlined
def progress_next(
    points: Floats,
    boxes: Floats,
    start: int,
    count: int,
    first_box: int,
    where_m: float,
    hint: int,
    passed_s: float,
    lat: float,
    lon: float,
    cosine: float,
) -> Place:
    segment = _segment_at(points, start, count, where_m, hint)
    straight_m = _straight_m(points, start, where_m, segment, lat, lon, cosine)
    reach_m = min(AHEAD_M + AHEAD_MPS * passed_s, WINDING_M + WINDING * straight_m)
    ahead_m, off_m, ahead = _locate(
        points, boxes, start, count, first_box, where_m, where_m + reach_m, lat, lon, segment, np.inf
    )
    if off_m <= STILL_M:
        return ahead_m, off_m, ahead
    near_m, near_off_m, near = _locate(
        points,
        boxes,
        start,
        count,
        first_box,
        where_m - reach_m,
        where_m + reach_m,
        lat,
        lon,
        segment,
        np.inf,
    )
    if near_off_m <= ON_ROUTE_M:
        return near_m, near_off_m, near
    any_m, any_off_m, anywhere = _locate(
        points, boxes, start, count, first_box, 0.0, np.inf, lat, lon, -1, near_off_m
    )
    if any_off_m <= ON_ROUTE_M:
        return any_m, any_off_m, anywhere
    return near_m, any_off_m, near
