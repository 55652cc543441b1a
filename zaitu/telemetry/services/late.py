"""What late fixes tell besides stops: a lock opened in a tunnel, a cold box that grew warm where there was no network.

The stretch is walked once more with all that is stored by now, in a fleet of its own; what the rows that came late show is told,
marked late. What lasts is told only when it began and ended in such rows: otherwise the fixes that came in time have told it.
"""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from zaitu.kernel.events import Event
from zaitu.telemetry.adapters import positions, watches
from zaitu.telemetry.adapters.positions import instant
from zaitu.telemetry.codecs.columns import Ints, microseconds
from zaitu.telemetry.kernels import fleet as fleets
from zaitu.telemetry.kernels.fleet import Fleet
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.services.facts import LATE_FIXES_MAX
from zaitu.telemetry.services.telling import events_of

_LEAD: Final = timedelta(hours=1)
"""Walked before the first late fix, so that what lasted then is not new."""
_AT_ONCE: Final = frozenset({Kind.LOCK, Kind.LOCK_LEFT_OPEN, Kind.SHOCK, Kind.MOVED_WHILE_STANDING})
_ENDED_BY: Final = {
    Kind.OFF_ROUTE: Kind.BACK_ON_ROUTE,
    Kind.STOPPED_TOO_LONG: Kind.MOVING_AGAIN,
    Kind.OVERSPEED: Kind.OVERSPEED_OVER,
    Kind.BAND_LEFT: Kind.BAND_BACK,
    Kind.POWER_LOW: Kind.POWER_BACK,
    Kind.ALARM_RAISED: Kind.ALARM_CLEARED,
}
_ENDS: Final = {end: begin for begin, end in _ENDED_BY.items()}
_NUMBERED: Final = frozenset({Kind.BAND_LEFT, Kind.BAND_BACK, Kind.ALARM_RAISED, Kind.ALARM_CLEARED})
"""Of these `a` says which one."""


def late_told(fleet: Fleet, slot: int, late_from_us: int, since_us: int, now: datetime) -> list[Event]:
    """Events of the late fixes of a vehicle: those from `late_from_us` on that were received at `since_us` or later, in order."""
    vehicle_id = fleet.vehicle_ids[slot]
    # Until now, not until the newest fix: what came in time behind it may have no position.
    tail = positions.stretch_read(vehicle_id, instant(late_from_us) - _LEAD, now, LATE_FIXES_MAX)
    late = late_rows(tail.columns.at_us, tail.received_us, since_us)
    if not late.any():
        return []
    again = _fleet_like(fleet, slot, vehicle_id)
    count = len(tail.columns)
    walked = again.walk(
        fleets.Tick(
            columns=tail.columns,
            received_us=tail.received_us,
            slots=np.zeros(count, dtype=np.int64),
            devices=np.array(
                [_device(fleet, again, one) for one in tail.terminal_id.tolist()], dtype=np.int64
            ),
            order=np.arange(count),
        )
    )
    shown = np.isin(walked.facts["fix_us"], tail.columns.at_us[late])
    chosen = walked.facts[np.array(_of_late_rows(walked.facts, shown), dtype=np.int64)]
    return [event.model_copy(update={"late": True}) for event in events_of(again, chosen, microseconds(now))]


def late_rows(at_us: Ints, received_us: Ints, since_us: int) -> npt.NDArray[np.bool_]:
    """By row, in order of time: received at `since_us` or later, and after a fix that is newer."""
    earliest_behind = np.minimum.accumulate(received_us[::-1])[::-1]
    behind = np.append(earliest_behind[1:], np.iinfo(np.int64).max)
    late: npt.NDArray[np.bool_] = (received_us >= since_us) & (behind[: len(at_us)] < received_us)
    return late


def _fleet_like(fleet: Fleet, slot: int, vehicle_id: int) -> Fleet:
    """One vehicle that knows nothing yet, watched as that one is."""
    again = Fleet()
    again.slot(vehicle_id)
    watch = watches.watch_of(vehicle_id)
    if watch is not None and watch.trip == fleet.trips[slot]:
        again.watch_set(vehicle_id, watch)
    return again


def _device(fleet: Fleet, again: Fleet, terminal_id: int) -> int:
    return again.device(terminal_id, edges=int(fleet.devices[fleet.device(terminal_id)]["edges"]))


def _of_late_rows(facts: Records, shown: npt.NDArray[np.bool_]) -> list[int]:
    """Numbers of the facts to be told, `shown` by late rows; in order."""
    begun: dict[tuple[Kind, int, float], int] = {}
    chosen: list[int] = []
    for number, fact in enumerate(facts):
        kind, device = Kind(fact["kind"]), int(fact["device"])
        key = float(fact["a"]) if kind in _NUMBERED else 0.0
        if kind in _AT_ONCE or (kind is Kind.ALARM_RAISED and fact["b"] == 1):
            if shown[number]:
                chosen.append(number)
        elif kind in _ENDED_BY:
            begun[kind, device, key] = number
        elif kind in _ENDS:
            begin = begun.pop((_ENDS[kind], device, key), None)
            if begin is not None and shown[begin] and shown[number]:
                chosen += [begin, number]
    return sorted(chosen)
