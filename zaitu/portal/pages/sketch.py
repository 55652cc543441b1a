"""A route drawn without a map: its shape on plain paper, and its stops along a straight line.

No border of anything is drawn, so no map review is needed; it is what customers see where the operator has set no tile layer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shapely import LineString

WIDTH: Final = 640
HEIGHT: Final = 320
_MARGIN_X: Final = 70
_MARGIN_Y: Final = 46
_POINTS: Final = 300
_METRES_PER_DEGREE: Final = 111_195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchStop:
    x: float
    y: float
    name: str
    state: str
    dx: int
    dy: int
    """Where the label stands from the dot."""
    anchor: str
    """SVG text-anchor that keeps the label on the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    path: str
    """SVG path data of the whole route."""
    stops: tuple[SketchStop, ...]
    projection: Mapping[str, float]
    """x = (lon − lon0) · kx + x0, y = (lat0 − lat) · ky + y0: for the truck, which comes later."""


def short_names(stops: Sequence[Mapping[str, Any]]) -> list[str]:
    """The city of each stop, which people know; the station's own name where two stops are in one city."""
    cities = [stop["city"] for stop in stops]
    return [
        stop["city"] if stop["city"] and cities.count(stop["city"]) == 1 else stop["name"] for stop in stops
    ]


def thinned(points: Sequence[Sequence[float]]) -> list[list[float]]:
    """At most 300 points of a route, the shape kept as well as that allows; five decimals are a metre."""
    if len(points) < 2:
        return []
    kept, tolerance = list(points), 0.0005
    while len(kept) > _POINTS:
        kept, tolerance = list(LineString(points).simplify(tolerance).coords), tolerance * 2
    return [[round(lat, 5), round(lon, 5)] for lat, lon in kept]


def sketch(points: Sequence[Sequence[float]], stops: Sequence[Mapping[str, Any]]) -> Sketch | None:
    """The drawing; None when there is nothing to draw."""
    placed = [stop for stop in stops if stop["lat"] is not None and stop["lon"] is not None]
    shown = [*points, *([stop["lat"], stop["lon"]] for stop in placed)]
    if len(shown) < 2:
        return None
    lats, lons = [point[0] for point in shown], [point[1] for point in shown]
    squeeze = math.cos(math.radians((min(lats) + max(lats)) / 2))
    span_x = max((max(lons) - min(lons)) * squeeze, 0.05)
    span_y = max(max(lats) - min(lats), 0.05)
    scale = min((WIDTH - 2 * _MARGIN_X) / span_x, (HEIGHT - 2 * _MARGIN_Y) / span_y)
    projection = {
        "lon0": min(lons),
        "lat0": max(lats),
        "kx": scale * squeeze,
        "ky": scale,
        "x0": (WIDTH - span_x * scale) / 2,
        "y0": (HEIGHT - span_y * scale) / 2,
    }
    xy = [_project(projection, *point) for point in points]
    path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(xy))
    return Sketch(path=path, stops=_labels(projection, placed), projection=projection)


def _project(projection: Mapping[str, float], lat: float, lon: float) -> tuple[float, float]:
    x = (lon - projection["lon0"]) * projection["kx"] + projection["x0"]
    y = (projection["lat0"] - lat) * projection["ky"] + projection["y0"]
    return x, y


def _labels(projection: Mapping[str, float], stops: Sequence[Mapping[str, Any]]) -> tuple[SketchStop, ...]:
    """Beside the dots, away from the next one, where the route runs up and down; else above and below in turn, so that neighbours do not meet."""
    placed = [(stop, *_project(projection, stop["lat"], stop["lon"])) for stop in stops]
    xs, ys = [x for _, x, _ in placed], [y for _, _, y in placed]
    names = short_names(stops)
    tall = max(ys) - min(ys) > max(xs) - min(xs)
    found = []
    for number, (stop, x, y) in enumerate(placed):
        if tall:
            neighbour_x = xs[number + 1] if number + 1 < len(xs) else xs[number - 1]
            right = neighbour_x <= x or x < 110
            dx, dy, anchor = (16, 8, "start") if right and x < WIDTH - 110 else (-16, 8, "end")
        else:
            dx, dy = 0, -16 if number % 2 == 0 else 32
            anchor = "end" if x > WIDTH - 110 else "start" if x < 110 else "middle"
        found.append(
            SketchStop(
                x=round(x, 1),
                y=round(y, 1),
                name=names[number],
                state=stop["state"],
                dx=dx,
                dy=dy,
                anchor=anchor,
            )
        )
    return tuple(found)


def dash(along_m: float, trip: Mapping[str, Any]) -> str:
    """stroke-dasharray that shows the route from where the goods board to `along_m`, on a path of length 100."""
    length_m = max(1.0, float(trip["length_m"]))
    start = 100 * trip["leg_from_m"] / length_m
    return f"0 {start:.1f} {max(0.0, 100 * along_m / length_m - start):.1f} 100"


def share_of_leg(along_m: float, trip: Mapping[str, Any]) -> float:
    """How far along its part of the route a place is, 0 to 1."""
    length_m = trip["leg_to_m"] - trip["leg_from_m"]
    return 0.0 if length_m <= 0 else min(1.0, max(0.0, (along_m - trip["leg_from_m"]) / length_m))
