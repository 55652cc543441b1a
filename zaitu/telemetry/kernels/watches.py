"""What vehicles are watched for, as arrays the walk reads; one vehicle's watch is put or taken without touching the others."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import Ints, microseconds
from zaitu.telemetry.domain.limits import Limits
from zaitu.telemetry.domain.watch import Watch
from zaitu.telemetry.kernels.arena import Arena, Rows
from zaitu.telemetry.kernels.layout import BAND, OPENING, STAND, STAY, STOP, WATCH, Records, blank
from zaitu.telemetry.kernels.pieces import bands_of, limits_into, openings_of, stands_of, stops_of
from zaitu.telemetry.kernels.route import CHUNK, route_boxes, route_rows

_COUNTS: Final = {
    "stops": "stop_count",
    "corners": "corner_count",
    "bands": "band_count",
    "stands": "stand_count",
    "openings": "opening_count",
}
"""Arenas of which each vehicle owns one piece: the field of its length in WATCH (that of its start is the arena's name)."""
_DEFAULTS: Final = Limits()


@dataclass(slots=True, kw_only=True)
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
        self._unwatched = blank(WATCH, 1)
        limits_into(self._unwatched[0], _DEFAULTS)
        self.records: Records = np.repeat(self._unwatched, slots)
        self.points = Arena(np.zeros((0, 4)))
        self.boxes = Arena(np.zeros((0, 5)))
        self.stops = Arena(blank(STOP, 0))
        self.stays = Arena(blank(STAY, 0))
        """Beside `stops`, piece by piece."""
        self.corners = Arena(np.zeros((0, 2)))
        self.bands = Arena(blank(BAND, 0))
        self.stands = Arena(blank(STAND, 0))
        self.openings = Arena(blank(OPENING, 0))
        self._owned = {name: getattr(self, name) for name in _COUNTS}
        self._limits: dict[int, Limits] = {}
        self._routes: dict[bytes, _Route] = {}
        self._route_of: dict[int, bytes] = {}

    def grow(self, slots: int) -> None:
        self.records = np.concatenate([self.records, np.repeat(self._unwatched, slots - len(self.records))])

    def limits(self, slot: int) -> Limits:
        return self._limits.get(slot, _DEFAULTS)

    def put(self, slot: int, watch: Watch) -> None:
        """Replace a vehicle's watch; stays at stops that both have (by number) are kept."""
        kept = self.stays_of(slot)
        self.take(slot)
        record = self.records[slot]
        record["from_us"] = microseconds(watch.from_at)
        limits = watch.limits or _DEFAULTS
        if watch.limits is not None:
            self._limits[slot] = watch.limits
        limits_into(record, limits)
        self._route_put(slot, watch)
        stops = sorted(watch.stops, key=lambda stop: stop.seq)
        seqs = [stop.seq for stop in stops]
        rows, corners = stops_of(stops)
        stays = blank(STAY, len(stops))
        for index, seq in enumerate(seqs):
            if seq in kept:
                stays[index] = kept[seq]
        self.stays.put(stays)
        self._piece_put(slot, "stops", rows)
        self._piece_put(slot, "corners", corners)
        self._piece_put(slot, "bands", bands_of(limits.bands))
        self._piece_put(slot, "stands", stands_of(limits.stands, seqs))
        self._piece_put(slot, "openings", openings_of(limits.lock.openings if limits.lock else (), seqs))

    def take(self, slot: int) -> None:
        record = self.records[slot]
        for name, count in _COUNTS.items():
            self._owned[name].drop(int(record[count]))
        self._route_take(slot)
        self._limits.pop(slot, None)
        self.records[slot] = self._unwatched[0]
        self._tidy()

    def stays_of(self, slot: int) -> dict[int, Rows]:
        """The stay at each stop, by the stop's number; records that may be written to."""
        record = self.records[slot]
        first, count = int(record["stops"]), int(record["stop_count"])
        seqs = self.stops.rows["seq"][first : first + count]
        return {int(seq): self.stays.rows[first + index] for index, seq in enumerate(seqs)}

    def _piece_put(self, slot: int, name: str, rows: Rows) -> None:
        record = self.records[slot]
        record[name], record[_COUNTS[name]] = self._owned[name].put(rows), len(rows)

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
        for name, count in _COUNTS.items():
            if self._owned[name].wasteful:
                self._compact(name, count)

    def _compact(self, name: str, count: str) -> None:
        owners = np.flatnonzero(self.records[count] > 0)
        starts, lengths = self.records[name][owners].copy(), self.records[count][owners].copy()
        self.records[name][owners] = self._owned[name].compact(starts, lengths)
        if name == "stops":
            self.stays.compact(starts, lengths)

    def _routes_compact(self) -> None:
        routes = list(self._routes.values())
        points = self.points.compact(
            _ints([one.point for one in routes]), _ints([one.points for one in routes])
        )
        boxes = self.boxes.compact(_ints([one.box for one in routes]), _ints([one.boxes for one in routes]))
        for route, point, box in zip(routes, points, boxes, strict=True):
            route.point, route.box = int(point), int(box)
        for slot, key in self._route_of.items():
            record = self.records[slot]
            record["route"], record["boxes"] = self._routes[key].point, self._routes[key].box


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
