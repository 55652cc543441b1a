"""One tick's rows through the rules: one call, in time order of each vehicle."""

from typing import Any

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Floats, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel
from zaitu.telemetry.kernels.fences import fences_step
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.kernels.route import progress_first, progress_next

_FIXED = 1
ROOM = 64
"""Facts of one row beside two for each stop, at most."""


@inlined
def _progress(
    vehicle: Any, watch: Any, points: Floats, boxes: Floats, joined: int, at_us: int, lat: float, lon: float
) -> None:
    if not joined or np.isnan(vehicle.along_m):
        place = progress_first(points, boxes, watch.route, watch.points, watch.boxes, lat, lon)
    else:
        passed_s = (at_us - vehicle.at_us) / 1e6
        place = progress_next(
            points, boxes, watch.route, watch.points, watch.boxes, vehicle.along_m, vehicle.segment, passed_s, lat, lon
        )  # fmt: skip
    vehicle.along_m, vehicle.off_m, vehicle.segment = place


@kernel
def walk(
    order: Ints,
    begin: int,
    slots: Ints,
    at_us: Ints,
    flags: Ints,
    lat: Floats,
    lon: Floats,
    vehicles: Records,
    watches: Records,
    points: Floats,
    boxes: Floats,
    stops: Records,
    stays: Records,
    corners: Floats,
    facts: Records,
    moved: Ints,
) -> tuple[int, int]:
    """(how far in `order` it came, facts told): not to its end when `facts` had no room for what the next row may tell.

    `moved` has an element for each row: 1 on the newest fix of a vehicle that moved on.
    """
    told = 0
    before, before_slot = -1, -1
    for place in range(begin, len(order)):
        row = order[place]
        slot = slots[row]
        vehicle, watch = vehicles[slot], watches[slot]
        if told + 2 * watch.stop_count + ROOM > len(facts):
            return place, told
        row_at_us = at_us[row]
        if not flags[row] & _FIXED or row_at_us <= vehicle.at_us:
            continue
        first = told
        if watch.from_us != NONE and row_at_us >= watch.from_us:
            # The fix before is part of the trip: a line may be drawn from it, and progress goes on from its place.
            joined = int(vehicle.at_us >= watch.from_us)
            if watch.points:
                _progress(vehicle, watch, points, boxes, joined, row_at_us, lat[row], lon[row])
            told = fences_step(
                vehicle, watch, stops, stays, corners, joined, row_at_us, lat[row], lon[row], vehicle.along_m, facts, told
            )  # fmt: skip
        vehicle.at_us, vehicle.lat, vehicle.lon = row_at_us, lat[row], lon[row]
        for fact in range(first, told):
            facts[fact].slot = slot
            facts[fact].device = -1
            facts[fact].fix_us = row_at_us
            facts[fact].lat = lat[row]
            facts[fact].lon = lon[row]
        moved[row] = 1
        if slot == before_slot:
            moved[before] = 0
        before, before_slot = row, slot
    return len(order), told
