"""One tick's rows through all rules: one call, in time order of each vehicle."""

import math
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Flag, Floats, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel
from zaitu.telemetry.kernels.devices import (
    alarms_step,
    bands_step,
    clock_step,
    locks_step,
    opening_allowed,
    power_step,
    shock_step,
)
from zaitu.telemetry.kernels.fences import fences_step
from zaitu.telemetry.kernels.layout import ROOM, Records
from zaitu.telemetry.kernels.motion import (
    long_stop_step,
    must_stand_step,
    off_route_step,
    overspeed_step,
    standing_step,
)
from zaitu.telemetry.kernels.route import progress_first, progress_next
from zaitu.telemetry.kernels.telling import tell
from zaitu.telemetry.rules.facts import Kind

_FIXED: Final = int(Flag.FIXED)
_CLOCK: Final = int(Flag.CLOCK)
_RADIANS: Final = math.pi / 180
_SIGNAL_BACK: Final = int(Kind.SIGNAL_BACK)


@inlined
def _progress(
    vehicle: Any,
    watch: Any,
    points: Floats,
    boxes: Floats,
    joined: int,
    at_us: int,
    lat: float,
    lon: float,
    cosine: float,
) -> None:
    if not joined or np.isnan(vehicle.along_m):
        place = progress_first(points, boxes, watch.route, watch.points, watch.boxes, lat, lon)
    else:
        passed_s = (at_us - vehicle.at_us) / 1e6
        place = progress_next(
            points, boxes, watch.route, watch.points, watch.boxes, vehicle.along_m, vehicle.segment, passed_s, lat, lon, cosine
        )  # fmt: skip
    vehicle.along_m, vehicle.off_m, vehicle.segment = place


@inlined
def _moves(
    vehicle: Any,
    watch: Any,
    on_trip: int,
    timed: int,
    points: Floats,
    boxes: Floats,
    stops: Records,
    stays: Records,
    corners: Floats,
    stands: Records,
    at_us: int,
    lat: float,
    lon: float,
    speed_kmh: float,
    facts: Records,
    told: int,
) -> int:
    """A fix newer than the vehicle's newest."""
    first = told
    cosine = math.cos(lat * _RADIANS)
    if on_trip:
        # The fix before is part of the trip: a line may be drawn from it, and progress goes on from its place.
        joined = int(vehicle.at_us >= watch.from_us)
        if watch.points:
            _progress(vehicle, watch, points, boxes, joined, at_us, lat, lon, cosine)
        told = fences_step(
            vehicle,
            watch,
            stops,
            stays,
            corners,
            joined,
            at_us,
            lat,
            lon,
            cosine,
            vehicle.along_m,
            facts,
            told,
        )
    vehicle.at_us, vehicle.lat, vehicle.lon = at_us, lat, lon
    # What the terminal's clock cannot tell does not count in what lasts.
    if not timed:
        return told
    told = overspeed_step(vehicle, watch, at_us, speed_kmh, facts, told)
    gone_us, there_us = standing_step(vehicle, watch.still_m, at_us, lat, lon, cosine, speed_kmh)
    if on_trip:
        if watch.points:
            told = off_route_step(vehicle, watch, stays, at_us, facts, told)
        told = long_stop_step(vehicle, watch, at_us, gone_us, facts, told)
        if watch.stand_count:
            told = must_stand_step(
                vehicle, watch, stands, stops, gone_us, there_us, speed_kmh, facts, first, told
            )
    return told


@kernel
def walk(
    order: Ints,
    begin: int,
    slots: Ints,
    terminals: Ints,
    received_us: Ints,
    at_us: Ints,
    flags: Ints,
    lat: Floats,
    lon: Floats,
    speed_kmh: Floats,
    alarm: Ints,
    temps_c: Floats,
    probes: Ints,
    humidity_pct: Floats,
    battery_pct: Floats,
    shock_g: Floats,
    lock_events: Ints,
    lock_closed: Ints,
    vehicles: Records,
    devices: Records,
    watches: Records,
    points: Floats,
    boxes: Floats,
    stops: Records,
    stays: Records,
    corners: Floats,
    bands: Records,
    stands: Records,
    openings: Records,
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
        first = told
        row_us = at_us[row]
        timed = flags[row] & _CLOCK == 0
        fixed = flags[row] & _FIXED != 0
        on_trip = watch.from_us != NONE and row_us >= watch.from_us
        if vehicle.silent:
            vehicle.silent = 0
            silent_s = (received_us[row] - max(vehicle.heard_us, watch.from_us)) / 1e6
            told = tell(facts, told, _SIGNAL_BACK, received_us[row], silent_s, np.nan)
            facts[told - 1].fix_us = received_us[row]
        vehicle.heard_us = max(vehicle.heard_us, received_us[row])

        if fixed and row_us > vehicle.at_us:
            told = _moves(
                vehicle, watch, on_trip, timed, points, boxes, stops, stays, corners, stands,
                row_us, lat[row], lon[row], speed_kmh[row], facts, told,
            )  # fmt: skip
            moved[row] = 1
            if slot == before_slot:
                moved[before] = 0
            before, before_slot = row, slot

        of_vehicle = told
        terminal = terminals[row]
        device = devices[terminal]
        if device.slot == slot and row_us >= device.seen_us:
            if timed:
                device.seen_us = row_us
                if watch.power:
                    told = power_step(
                        device, watch, row_us, alarm[row], battery_pct[row], lock_events[row], facts, told
                    )
                if on_trip and watch.band_count and (probes[row] or not np.isnan(humidity_pct[row])):
                    told = bands_step(
                        device, watch, bands, row_us, temps_c[row], humidity_pct[row], facts, told
                    )
            told = alarms_step(device, watch.alarms, row_us, alarm[row], facts, told)
            told = shock_step(device, watch.over_g, row_us, shock_g[row], facts, told)
            if lock_events[row] or lock_closed[row] != NONE:
                allowed = (
                    not on_trip
                    or watch.locks == 0
                    or opening_allowed(vehicle, watch, openings, stays, row_us)
                )
                told = locks_step(
                    device, watch.left_open_us, row_us, lock_events[row], lock_closed[row], allowed, timed, facts, told
                )  # fmt: skip
            told = clock_step(device, watch.clock_reports, row_us, 0 if timed else 1, facts, told)
        for number in range(first, told):
            fact = facts[number]
            fact.slot = slot
            if number >= of_vehicle:
                fact.device = terminal
            if fact.fix_us == NONE:
                fact.fix_us = row_us
            fact.lat = lat[row] if fixed else vehicle.lat
            fact.lon = lon[row] if fixed else vehicle.lon
    return len(order), told
