"""What the walk found → events for the outbox."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import isnan
from typing import Any, Final

import numpy as np

from zaitu.kernel.events import Event
from zaitu.telemetry import events
from zaitu.telemetry.adapters.positions import instant
from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.codecs.jt808.names import alarm_names
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.kernels.fleet import Fleet
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.power import Cause
from zaitu.telemetry.services.facts import LATE_AFTER

_LATE_US: Final = LATE_AFTER // timedelta(microseconds=1)
_STOPS: Final = (Kind.STOP_ENTERED, Kind.STOP_LEFT)

Fields = dict[str, Any]


def events_of(fleet: Fleet, facts: Records, now_us: int) -> list[Event]:
    """Each vehicle's in the order they happened. `now_us`: when the rows were received; of a timer, its now."""
    order = np.lexsort((facts["at_us"], facts["slot"]))
    return [_event(fleet, fact, now_us) for fact in facts[order]]


def _event(fleet: Fleet, fact: Any, now_us: int) -> Event:
    slot, kind = int(fact["slot"]), Kind(fact["kind"])
    told, values = _EVENTS[kind]
    # The line between two fixes is crossed before the later one shows it; all else is as new as its row.
    shown_us = int(fact["at_us"] if kind in _STOPS else fact["fix_us"])
    from_us = int(fleet.watches.records[slot]["from_us"])
    of_trip = from_us != NONE and int(fact["fix_us"]) >= from_us
    fields: Fields = {
        "vehicle_id": fleet.vehicle_ids[slot],
        "trip": fleet.trips[slot] if of_trip else "",
        "at": instant(int(fact["at_us"])),
        "late": now_us - shown_us > _LATE_US,
    }
    if kind not in _STOPS:
        fields |= {"lat": _number(fact["lat"]), "lon": _number(fact["lon"])}
    if fact["device"] >= 0:
        fields["terminal_id"] = fleet.terminal_ids[fact["device"]]
    return told(**fields, **values(fleet, fact))


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _moved(fleet: Fleet, fact: Any) -> Fields:
    seq = _number(fact["a"])
    return {"seq": None if seq is None else int(seq), "speed_kmh": _number(fact["b"])}


def _band(fleet: Fleet, fact: Any) -> Fields:
    band = fleet.limits(int(fact["slot"])).bands[int(fact["a"])]
    value = "value" if fact["kind"] == Kind.BAND_LEFT else "worst"
    return {
        "what": band.what,
        "probe": band.probe,
        "low": band.low,
        "high": band.high,
        value: float(fact["b"]),
    }


def _alarm(fleet: Fleet, fact: Any) -> str:
    edges = int(fleet.devices["edges"][fact["device"]])
    return alarm_names(1 << int(fact["a"]), is_2019=edges == EDGES["2019"])[0]


def _power(fleet: Fleet, fact: Any) -> Fields:
    return {"causes": tuple(Cause(int(fact["a"])).names), "battery_pct": _number(fact["b"])}


def _lock(fleet: Fleet, fact: Any) -> Fields:
    return {"event": LockEvent(int(fact["a"])).names[0], "alarm": bool(fact["b"])}


def _named(a: str, b: str = "") -> Callable[[Fleet, Any], Fields]:
    def values(fleet: Fleet, fact: Any) -> Fields:
        fields: Fields = {a: _number(fact["a"])}
        return fields | {b: _number(fact["b"])} if b else fields

    return values


_stood, _fast = _named("stood_s", "along_m"), _named("top_kmh", "limit_kmh")
_EVENTS: Final[Mapping[Kind, tuple[type[Event], Callable[[Fleet, Any], Fields]]]] = {
    Kind.STOP_ENTERED: (events.StopEntered, _named("seq")),
    Kind.STOP_LEFT: (events.StopLeft, _named("seq")),
    Kind.OFF_ROUTE: (events.OffRoute, _named("off_m", "along_m")),
    Kind.BACK_ON_ROUTE: (events.BackOnRoute, _named("farthest_m", "along_m")),
    Kind.STOPPED_TOO_LONG: (events.StoppedTooLong, _stood),
    Kind.MOVING_AGAIN: (events.MovingAgain, _stood),
    Kind.MOVED_WHILE_STANDING: (events.MovedWhileStanding, _moved),
    Kind.OVERSPEED: (events.Overspeed, _fast),
    Kind.OVERSPEED_OVER: (events.OverspeedOver, _fast),
    Kind.SIGNAL_LOST: (events.SignalLost, _named("silent_s")),
    Kind.SIGNAL_BACK: (events.SignalBack, _named("silent_s")),
    Kind.LOCK: (events.LockReported, _lock),
    Kind.LOCK_LEFT_OPEN: (events.LockLeftOpen, _named("open_s")),
    Kind.BAND_LEFT: (events.BandLeft, _band),
    Kind.BAND_BACK: (events.BandBack, _band),
    Kind.SHOCK: (events.ShockFelt, _named("shock_g", "limit_g")),
    Kind.POWER_LOW: (events.PowerLow, _power),
    Kind.POWER_BACK: (events.PowerBack, _power),
    Kind.CLOCK_WRONG: (events.ClockWrong, _named("reports")),
    Kind.CLOCK_RIGHT: (events.ClockRight, _named("reports")),
    Kind.ALARM_RAISED: (
        events.DeviceAlarmRaised,
        lambda fleet, fact: {"alarm": _alarm(fleet, fact), "edge": bool(fact["b"])},
    ),
    Kind.ALARM_CLEARED: (events.DeviceAlarmCleared, lambda fleet, fact: {"alarm": _alarm(fleet, fact)}),
}
