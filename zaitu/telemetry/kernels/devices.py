"""What a terminal's newer reports say: rules/alarms.py, bands.py, clock.py, locks.py, power.py, shock.py."""

import math
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Floats
from zaitu.telemetry.kernels.compiled import inlined
from zaitu.telemetry.kernels.held import held_begins, held_calm, held_step
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.kernels.motion import distance_m
from zaitu.telemetry.kernels.telling import tell
from zaitu.telemetry.rules import alarms, bands, locks, power, shock
from zaitu.telemetry.rules.facts import Kind

_RADIANS: Final = math.pi / 180
_BITS: Final = alarms.BITS
_ALARM_OVER_US: Final = int(alarms.OVER_S * 1e6)
_RAISED: Final = int(Kind.ALARM_RAISED)
_CLEARED: Final = int(Kind.ALARM_CLEARED)

_BAND_GAP_US: Final = int(bands.GAP_S * 1e6)
_BAND_LEFT: Final = int(Kind.BAND_LEFT)
_BAND_BACK: Final = int(Kind.BAND_BACK)

_SHOCK_QUIET_US: Final = int(shock.QUIET_S * 1e6)
_SHOCK: Final = int(Kind.SHOCK)

_OPENED: Final = locks.OPENED
_CLOSED: Final = locks.CLOSED
_STATES: Final = locks.STATES
_LOCK_ALARMS: Final = locks.ALARMS
_LOCK_EVENTS: Final = locks.EVENTS
_LOW_BATTERY: Final = locks.LOW_BATTERY
_REPEAT_US: Final = int(locks.REPEAT_S * 1e6)
_AWAY_GAP_US: Final = int(locks.GAP_S * 1e6)
_LOCK: Final = int(Kind.LOCK)
_LEFT_OPEN: Final = int(Kind.LOCK_LEFT_OPEN)

_MARGIN_PCT: Final = power.MARGIN_PCT
_POWER_BACK_US: Final = int(power.BACK_S * 1e6)
_POWER_GAP_US: Final = int(power.GAP_S * 1e6)
_LOCK_LOW_US: Final = int(power.LOCK_LOW_S * 1e6)
_MAIN_LOW_BIT: Final = power.MAIN_LOW_BIT
_MAIN_LOST_BIT: Final = power.MAIN_LOST_BIT
_MAIN_LOW: Final = int(power.Cause.MAIN_LOW)
_MAIN_LOST: Final = int(power.Cause.MAIN_LOST)
_BATTERY: Final = int(power.Cause.BATTERY)
_LOCK_BATTERY: Final = int(power.Cause.LOCK_BATTERY)
_POWER_LOW: Final = int(Kind.POWER_LOW)
_POWER_BACK: Final = int(Kind.POWER_BACK)

_CLOCK_WRONG: Final = int(Kind.CLOCK_WRONG)
_CLOCK_RIGHT: Final = int(Kind.CLOCK_RIGHT)


@inlined
def alarms_step(device: Any, told_bits: int, at_us: int, alarm: int, facts: Records, told: int) -> int:
    alarm &= told_bits
    if alarm == 0 and device.raised == 0:
        return told
    for bit in range(_BITS):
        is_set = alarm >> bit & 1
        was_raised = device.raised >> bit & 1
        if not is_set and not was_raised:
            continue
        over = device.set_us[bit] == NONE or at_us - device.set_us[bit] >= _ALARM_OVER_US
        if device.edges >> bit & 1:
            if is_set and over:
                told = tell(facts, told, _RAISED, at_us, bit, 1.0)
        elif is_set and not was_raised:
            device.raised |= 1 << bit
            told = tell(facts, told, _RAISED, at_us, bit, 0.0)
        elif was_raised and not is_set and over:
            device.raised &= ~(1 << bit)
            told = tell(facts, told, _CLEARED, at_us, bit, np.nan)
        if is_set:
            device.set_us[bit] = at_us
    return told


@inlined
def bands_step(
    device: Any,
    watch: Any,
    bands: Records,
    at_us: int,
    temps: Floats,
    humidity_pct: float,
    facts: Records,
    told: int,
) -> int:
    for number in range(watch.band_count):
        band = bands[watch.bands + number]
        farthest, value = -np.inf, np.nan
        if band.humidity:
            value = humidity_pct
            farthest = max(value - band.high, band.low - value)
        else:
            for probe in range(band.first, band.last + 1):
                outside = max(temps[probe] - band.high, band.low - temps[probe])
                if not np.isnan(temps[probe]) and outside > farthest:
                    farthest, value = outside, temps[probe]
        if np.isnan(value):
            continue
        held = device.bands[number]
        since_us = held_step(
            held, at_us, farthest > 0, farthest <= 0, band.band_after_us, band.band_back_us, _BAND_GAP_US
        )
        worst = device.worst[number]
        if held_begins(held, at_us, since_us) or farthest > max(worst - band.high, band.low - worst):
            device.worst[number] = value
        if since_us == NONE:
            continue
        if held.raised:
            told = tell(facts, told, _BAND_LEFT, since_us, number, value)
        else:
            told = tell(facts, told, _BAND_BACK, since_us, number, device.worst[number])
    return told


@inlined
def shock_step(device: Any, over_g: float, at_us: int, shock_g: float, facts: Records, told: int) -> int:
    if not shock_g >= over_g or (device.shock_us != NONE and at_us - device.shock_us < _SHOCK_QUIET_US):
        return told
    device.shock_us = at_us
    return tell(facts, told, _SHOCK, at_us, shock_g, over_g)


@inlined
def opening_allowed(vehicle: Any, watch: Any, openings: Records, stays: Records, at_us: int) -> bool:
    for index in range(watch.opening_count):
        opening = openings[watch.openings + index]
        if not opening.from_us <= at_us < opening.to_us:
            continue
        if opening.stop == -1:
            if vehicle.open_stops > 0:
                return True
        elif opening.stop >= 0:
            if stays[watch.stops + opening.stop].entered_us != NONE:
                return True
        elif (
            distance_m(opening.lat, opening.lon, vehicle.lat, vehicle.lon, math.cos(vehicle.lat * _RADIANS))
            <= opening.radius_m
        ):
            return True
    return False


@inlined
def _lock_changes(device: Any, at_us: int, opening: int) -> bool:
    told_us = device.opened_us if opening else device.closed_us
    if told_us != NONE and at_us - told_us < _REPEAT_US:
        return False
    device.opened_us = at_us if opening else NONE
    device.closed_us = NONE if opening else at_us
    return True


@inlined
def locks_step(
    device: Any,
    left_open_us: int,
    at_us: int,
    events: int,
    closed: int,
    allowed: int,
    timed: int,
    facts: Records,
    told: int,
) -> int:
    """A report with something about the lock; `closed`: 1, 0 or NONE. `timed`: its time is the lock's own."""
    opens = events & _OPENED != 0 or (closed == 0 and device.lock_known == 1 and device.lock_closed == 1)
    closes = events & _CLOSED != 0 or (closed == 1 and device.lock_known == 1 and device.lock_closed == 0)
    new = events & ~(_OPENED | _CLOSED) & ~(device.lock_states & _STATES)
    device.lock_states = events & _STATES
    for turn in range(2):
        # Of the two in one report the later one is what the lock is now.
        opening = int((turn == 0) == (closed == 1))
        if not (opens if opening else closes) or not _lock_changes(device, at_us, opening):
            continue
        alarm = opening == 1 and not allowed
        if alarm:
            # Told already: it need not be told again that it is open.
            device.away.raised = 1
            device.away.since_us = NONE
        told = tell(facts, told, _LOCK, at_us, _OPENED if opening else _CLOSED, 1.0 if alarm else 0.0)
    if closed != NONE or opens or closes:
        device.lock_known = 1
        device.lock_closed = closed if closed != NONE else (0 if opens else 1)
    for bit in range(_LOCK_EVENTS):
        if new >> bit & 1:
            told = tell(facts, told, _LOCK, at_us, 1 << bit, 1.0 if _LOCK_ALARMS >> bit & 1 else 0.0)
    if not timed or not device.lock_known:
        return told
    away = device.lock_closed == 0 and not allowed
    since_us = held_step(device.away, at_us, away, not away, left_open_us, 0, _AWAY_GAP_US)
    if since_us == NONE or not device.away.raised:
        return told
    return tell(facts, told, _LEFT_OPEN, since_us, (at_us - since_us) / 1e6, np.nan)


@inlined
def power_step(
    device: Any,
    watch: Any,
    at_us: int,
    alarm: int,
    battery_pct: float,
    events: int,
    facts: Records,
    told: int,
) -> int:
    if battery_pct >= 0:
        device.battery_pct = battery_pct
    if events & _LOW_BATTERY:
        device.lock_low_us = at_us
    elif battery_pct >= watch.low_pct + _MARGIN_PCT:
        device.lock_low_us = NONE
    cause = 0
    if alarm >> _MAIN_LOW_BIT & 1:
        cause |= _MAIN_LOW
    if alarm >> _MAIN_LOST_BIT & 1:
        cause |= _MAIN_LOST
    if device.battery_pct <= watch.low_pct:
        cause |= _BATTERY
    if device.lock_low_us != NONE and at_us - device.lock_low_us < _LOCK_LOW_US:
        cause |= _LOCK_BATTERY
    if cause == 0 and held_calm(device.power):
        return told
    after_us = 0 if cause & (_BATTERY | _LOCK_BATTERY) else watch.power_after_us
    charged = not device.battery_pct < watch.low_pct + _MARGIN_PCT
    since_us = held_step(
        device.power, at_us, cause != 0, cause == 0 and charged, after_us, _POWER_BACK_US, _POWER_GAP_US
    )
    if since_us == NONE:
        return told
    if device.power.raised:
        device.power_cause = cause
        return tell(facts, told, _POWER_LOW, since_us, cause, device.battery_pct)
    return tell(facts, told, _POWER_BACK, since_us, device.power_cause, device.battery_pct)


@inlined
def clock_step(device: Any, reports: int, at_us: int, bad: int, facts: Records, told: int) -> int:
    if bad == device.clock_wrong:
        if device.clock_run:
            device.clock_run = 0
        return told
    device.clock_run += 1
    if device.clock_run < reports:
        return told
    run = device.clock_run
    device.clock_wrong, device.clock_run = bad, 0
    return tell(facts, told, _CLOCK_WRONG if bad else _CLOCK_RIGHT, at_us, run, np.nan)
