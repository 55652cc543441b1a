"""What vehicles are watched for, as arrays the walk reads; one vehicle's watch is put or taken without touching the others."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import Floats, Ints, microseconds
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.kernels.arena import Arena, Rows
from zaitu.telemetry.kernels.layout import STAY, STOP, WATCH, Records, blank
from zaitu.telemetry.kernels.route import CHUNK, route_boxes, route_rows
from zaitu.telemetry.rules.fences import MARGIN_MIN_M, MARGIN_SHARE

_M_PER_DEGREE: Final = 111_195.08


@dataclass(slots=True)
class _Route:
    """A planned road; vehicles of one line share it."""

    point: int
    box: int
    points: int
    vehicles: int = 0

    @property
    def boxes(self) -> int:
        return -(-(self.points - 1) // CHUNK)


class Watches:
    """Records by vehicle slot, and the arenas they point into."""

    def __init__(self, slots: int) -> None:
        self.records: Records = blank(WATCH, slots)
        self.points = Arena(np.zeros((0, 4)))
        self.boxes = Arena(np.zeros((0, 5)))
        self.stops = Arena(blank(STOP, 0))
        self.stays = Arena(blank(STAY, 0))
        """Beside `stops`, piece by piece."""
        self.corners = Arena(np.zeros((0, 2)))
        self._routes: dict[bytes, _Route] = {}
        self._route_of: dict[int, bytes] = {}

    def grow(self, slots: int) -> None:
        self.records = np.concatenate([self.records, blank(WATCH, slots - len(self.records))])

    def put(self, slot: int, watch: Watch) -> None:
        """Replace a vehicle's watch; stays at stops that both have (by number) are kept."""
        kept = self.stays_of(slot)
        self.take(slot)
        record = self.records[slot]
        record["from_us"] = microseconds(watch.from_at)
        self._route_put(slot, watch)
        stops = sorted(watch.stops, key=lambda stop: stop.seq)
        rows, corners = _stops(stops)
        stays = blank(STAY, len(stops))
        for index, stop in enumerate(stops):
            if stop.seq in kept:
                stays[index] = kept[stop.seq]
        record["stops"], record["stop_count"] = self.stops.put(rows), len(rows)
        self.stays.put(stays)
        record["corners"], record["corner_count"] = self.corners.put(corners), len(corners)

    def take(self, slot: int) -> None:
        record = self.records[slot]
        for arena, count in (
            (self.stops, "stop_count"),
            (self.stays, "stop_count"),
            (self.corners, "corner_count"),
        ):
            arena.drop(int(record[count]))
        self._route_take(slot)
        self.records[slot] = blank(WATCH, 1)[0]
        self._tidy()

    def stays_of(self, slot: int) -> dict[int, Rows]:
        """The stay at each stop, by the stop's number; a copy."""
        record = self.records[slot]
        first, count = int(record["stops"]), int(record["stop_count"])
        seqs = self.stops.rows["seq"][first : first + count]
        stays = self.stays.rows[first : first + count].copy()
        return {int(seq): stay for seq, stay in zip(seqs, stays, strict=True)}

    def stay(self, slot: int, seq: int) -> Rows | None:
        """The record of a stay, to be written to; None: the watch has no such stop."""
        record = self.records[slot]
        first, count = int(record["stops"]), int(record["stop_count"])
        found = np.flatnonzero(self.stops.rows["seq"][first : first + count] == seq)
        return self.stays.rows[first + int(found[0]) :][:1] if len(found) else None

    def _route_put(self, slot: int, watch: Watch) -> None:
        if not watch.route:
            return
        points = np.array(watch.route, dtype=np.float64)
        key = hashlib.blake2b(points.tobytes(), digest_size=16).digest()
        if key not in self._routes:
            rows = route_rows(points)
            self._routes[key] = _Route(
                point=self.points.put(rows), box=self.boxes.put(route_boxes(rows)), points=len(rows)
            )
        route = self._routes[key]
        route.vehicles += 1
        self._route_of[slot] = key
        record = self.records[slot]
        record["route"], record["boxes"], record["points"] = route.point, route.box, route.points

    def _route_take(self, slot: int) -> None:
        key = self._route_of.pop(slot, None)
        if key is None:
            return
        route = self._routes[key]
        route.vehicles -= 1
        if not route.vehicles:
            del self._routes[key]
            self.points.drop(route.points)
            self.boxes.drop(route.boxes)

    def _tidy(self) -> None:
        if self.points.wasteful:
            self._routes_compact()
        if self.stops.wasteful:
            starts = self._owned("stops", "stop_count", self.stops)
            self.stays.compact(starts, self._lengths("stop_count"))
        if self.corners.wasteful:
            self._owned("corners", "corner_count", self.corners)

    def _routes_compact(self) -> None:
        routes = list(self._routes.values())
        points = self.points.compact(
            np.array([route.point for route in routes], dtype=np.int64),
            np.array([route.points for route in routes], dtype=np.int64),
        )
        boxes = self.boxes.compact(
            np.array([route.box for route in routes], dtype=np.int64),
            np.array([route.boxes for route in routes], dtype=np.int64),
        )
        for route, point, box in zip(routes, points, boxes, strict=True):
            route.point, route.box = int(point), int(box)
        for slot, key in self._route_of.items():
            self.records[slot]["route"], self.records[slot]["boxes"] = (
                self._routes[key].point, self._routes[key].box,
            )  # fmt: skip

    def _lengths(self, count: str) -> Ints:
        lengths = self.records[count]
        return lengths[lengths > 0].astype(np.int64)

    def _owned(self, start: str, count: str, arena: Arena) -> Ints:
        """Compact one arena whose pieces the records own; where the pieces started before."""
        owners = np.flatnonzero(self.records[count] > 0)
        before = self.records[start][owners].copy()
        self.records[start][owners] = arena.compact(before, self.records[count][owners])
        return before


def _stops(stops: list[WatchStop]) -> tuple[Records, Floats]:
    """(STOP records, the corners of all in metres east and north of their stop)."""
    rows = blank(STOP, len(stops))
    corners: list[Floats] = []
    used = 0
    for row, stop in zip(rows, stops, strict=True):
        m_per_degree_lon = _M_PER_DEGREE * np.cos(np.radians(stop.lat))
        row["lat"], row["lon"], row["m_per_degree_lon"] = stop.lat, stop.lon, m_per_degree_lon
        row["radius_m"], row["along_m"], row["seq"] = stop.radius_m, stop.along_m, stop.seq
        row["corner"] = used
        if stop.fence is None:
            row["margin_m"] = max(MARGIN_MIN_M, MARGIN_SHARE * stop.radius_m)
            row["north_m"] = row["east_m"] = stop.radius_m
            row["south_m"] = row["west_m"] = -stop.radius_m
            continue
        fence = np.array(stop.fence)
        east = (fence[:, 1] - stop.lon) * m_per_degree_lon
        north = (fence[:, 0] - stop.lat) * _M_PER_DEGREE
        corners.append(np.column_stack([east, north]))
        row["margin_m"], row["corner_count"] = MARGIN_MIN_M, len(fence)
        row["south_m"], row["north_m"], row["west_m"], row["east_m"] = (
            north.min(), north.max(), east.min(), east.max(),
        )  # fmt: skip
        used += len(fence)
    for row in rows:
        north = (rows["lat"] - row["lat"]) * _M_PER_DEGREE
        east = (rows["lon"] - row["lon"]) * row["m_per_degree_lon"]
        near = np.hypot(east, north) < np.maximum(rows["radius_m"], row["radius_m"])
        row["alone"] = int(near.sum() == 1)
    return rows, np.concatenate(corners) if corners else np.zeros((0, 2))
