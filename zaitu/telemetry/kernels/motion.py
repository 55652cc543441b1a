"""What a vehicle's newer fixes say beside its stops: rules/off_route.py, standing.py, long_stop.py, must_stand.py, overspeed.py."""

import math
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.kernels.compiled import inlined
from zaitu.telemetry.kernels.held import held_begins, held_calm, held_step
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.kernels.telling import tell
from zaitu.telemetry.rules import off_route, overspeed, standing
from zaitu.telemetry.rules.facts import Kind

_M_PER_DEGREE: Final = 111_195.08
_OFF_GAP_US: Final = int(off_route.GAP_S * 1e6)
_SPEED_GAP_US: Final = int(overspeed.GAP_S * 1e6)
_SPEED_BACK_US: Final = int(overspeed.BACK_S * 1e6)
_MARGIN_KMH: Final = overspeed.MARGIN_KMH
_SENSIBLE_KMH: Final = overspeed.SENSIBLE_KMH
_MOVING_KMH: Final = standing.MOVING_KMH
_FAR: Final = standing.FAR
_LEAVE_FIXES: Final = standing.LEAVE_FIXES
_LEAVE_AFTER_US: Final = int(standing.LEAVE_AFTER_S * 1e6)
_OFF: Final = int(Kind.OFF_ROUTE)
_BACK: Final = int(Kind.BACK_ON_ROUTE)
_STOPPED: Final = int(Kind.STOPPED_TOO_LONG)
_MOVING: Final = int(Kind.MOVING_AGAIN)
_MOVED: Final = int(Kind.MOVED_WHILE_STANDING)
_FAST: Final = int(Kind.OVERSPEED)
_FAST_OVER: Final = int(Kind.OVERSPEED_OVER)
_LEFT: Final = int(Kind.STOP_LEFT)


@inlined
def distance_m(lat1: float, lon1: float, lat2: float, lon2: float, cosine: float) -> float:
    """Good for some tens of kilometres; `cosine`: of the second latitude."""
    north = (lat2 - lat1) * _M_PER_DEGREE
    east = (lon2 - lon1) * _M_PER_DEGREE * cosine
    return math.sqrt(north * north + east * east)


@inlined
def off_route_step(vehicle: Any, watch: Any, stays: Records, at_us: int, facts: Records, told: int) -> int:
    near = vehicle.off_m <= watch.back_m
    if near:
        vehicle.on_route_once = 1
        if held_calm(vehicle.off):
            return told
    excused = vehicle.open_stops > 0
    if not excused and watch.stop_count and stays[watch.stops + watch.stop_count - 1].left:
        excused = True
    over = vehicle.on_route_once != 0 and not excused and vehicle.off_m > watch.beyond_m
    since_us = held_step(
        vehicle.off, at_us, over, near or excused, watch.off_after_us, watch.off_back_us, _OFF_GAP_US
    )
    if held_begins(vehicle.off, at_us, since_us):
        vehicle.farthest_m = vehicle.off_m
    else:
        vehicle.farthest_m = max(vehicle.farthest_m, vehicle.off_m)
    if since_us == NONE:
        return told
    if vehicle.off.raised:
        return tell(facts, told, _OFF, since_us, vehicle.off_m, vehicle.along_m)
    return tell(facts, told, _BACK, since_us, vehicle.farthest_m, vehicle.along_m)


@inlined
def _spot_here(vehicle: Any, at_us: int, lat: float, lon: float, moves: int) -> None:
    vehicle.spot_us, vehicle.spot_lat, vehicle.spot_lon, vehicle.spot_moves = at_us, lat, lon, moves
    _stays(vehicle, at_us)


@inlined
def _stays(vehicle: Any, at_us: int) -> None:
    vehicle.there_us = at_us
    vehicle.out_us = NONE
    vehicle.out_fixes = 0


@inlined
def standing_step(
    vehicle: Any, still_m: float, at_us: int, lat: float, lon: float, cosine: float, speed_kmh: float
) -> tuple[int, int]:
    """When it left the place it stood at, if this fix shows that, and when it was last there; else NONE."""
    moves = int(speed_kmh >= _MOVING_KMH)
    # A speed that was not sent does not say that it stands.
    near_m = still_m * _FAR if speed_kmh < _MOVING_KMH else still_m
    if vehicle.spot_us == NONE:
        _spot_here(vehicle, at_us, lat, lon, moves)
        return NONE, NONE
    if distance_m(vehicle.spot_lat, vehicle.spot_lon, lat, lon, cosine) <= near_m:
        if vehicle.spot_moves:
            _spot_here(vehicle, at_us, lat, lon, moves)
        else:
            _stays(vehicle, at_us)
        return NONE, NONE
    if vehicle.out_us == NONE:
        vehicle.out_us, vehicle.out_lat, vehicle.out_lon, vehicle.out_moves = at_us, lat, lon, moves
    vehicle.out_fixes += 1
    if vehicle.out_fixes < _LEAVE_FIXES and not (moves and at_us - vehicle.there_us >= _LEAVE_AFTER_US):
        return NONE, NONE
    gone_us, there_us = int(vehicle.out_us), int(vehicle.there_us)
    _spot_here(vehicle, gone_us, vehicle.out_lat, vehicle.out_lon, vehicle.out_moves)
    if distance_m(vehicle.spot_lat, vehicle.spot_lon, lat, lon, cosine) > near_m:
        vehicle.out_us, vehicle.out_lat, vehicle.out_lon, vehicle.out_moves = at_us, lat, lon, moves
        vehicle.out_fixes = 1
    elif vehicle.spot_moves and at_us != gone_us:
        _spot_here(vehicle, at_us, lat, lon, moves)
    else:
        vehicle.there_us = at_us
    return gone_us, there_us


@inlined
def long_stop_step(vehicle: Any, watch: Any, at_us: int, gone_us: int, facts: Records, told: int) -> int:
    at_stop = vehicle.open_stops > 0
    if at_stop:
        vehicle.planned_us = at_us
    if vehicle.stopped_us != NONE and (at_stop or gone_us != NONE):
        over_us = at_us if gone_us == NONE else gone_us
        told = tell(facts, told, _MOVING, over_us, (over_us - vehicle.stopped_us) / 1e6, vehicle.along_m)
        vehicle.stopped_us = NONE
    if vehicle.out_us != NONE or at_stop or vehicle.stopped_us != NONE:
        return told
    since_us = max(vehicle.spot_us, vehicle.planned_us, watch.from_us)
    if at_us - since_us >= watch.stop_after_us:
        vehicle.stopped_us = since_us
        told = tell(facts, told, _STOPPED, since_us, (at_us - since_us) / 1e6, vehicle.along_m)
    return told


@inlined
def must_stand_step(
    vehicle: Any,
    watch: Any,
    stands: Records,
    stops: Records,
    gone_us: int,
    there_us: int,
    speed_kmh: float,
    facts: Records,
    first: int,
    told: int,
) -> int:
    """`first`: of this row's facts; stops left are among them."""
    heard = told
    for index in range(watch.stand_count):
        stand = stands[watch.stands + index]
        if vehicle.stands_told >> index & 1:
            continue
        if stand.stop < 0:
            if gone_us == NONE or there_us < stand.from_us or gone_us >= stand.to_us:
                continue
            told = tell(facts, told, _MOVED, gone_us, np.nan, speed_kmh)
            vehicle.stands_told |= 1 << index
            continue
        seq = stops[watch.stops + stand.stop].seq
        for number in range(first, heard):
            fact = facts[number]
            if fact.kind == _LEFT and fact.a == seq and stand.from_us <= fact.at_us < stand.to_us:
                told = tell(facts, told, _MOVED, fact.at_us, fact.a, speed_kmh)
                vehicle.stands_told |= 1 << index
                break
    return told


@inlined
def overspeed_step(vehicle: Any, watch: Any, at_us: int, speed_kmh: float, facts: Records, told: int) -> int:
    if not speed_kmh <= _SENSIBLE_KMH:
        return told
    over, under = speed_kmh > watch.over_kmh, speed_kmh <= watch.over_kmh - _MARGIN_KMH
    if not over and held_calm(vehicle.speed):
        return told
    since_us = held_step(
        vehicle.speed, at_us, over, under, watch.speed_after_us, _SPEED_BACK_US, _SPEED_GAP_US
    )
    if held_begins(vehicle.speed, at_us, since_us):
        vehicle.top_kmh = speed_kmh
    else:
        vehicle.top_kmh = max(vehicle.top_kmh, speed_kmh)
    if since_us == NONE:
        return told
    return tell(
        facts, told, _FAST if vehicle.speed.raised else _FAST_OVER, since_us, vehicle.top_kmh, watch.over_kmh
    )
