"""A vehicle's fixes → its state and the facts in them; late fixes are kept for `late_settle`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import transaction

from zaitu.kernel import outbox
from zaitu.kernel.events import Event
from zaitu.telemetry.adapters import positions, states, watches
from zaitu.telemetry.adapters.positions import instant
from zaitu.telemetry.adapters.states import State
from zaitu.telemetry.adapters.watches import Compiled
from zaitu.telemetry.codecs.columns import NONE, Columns, Flag, microseconds
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.rules.fences import Crossing, Trace, Visit, advance
from zaitu.telemetry.rules.progress import progress

Floats = npt.NDArray[np.float64]

LATE_AFTER: Final = timedelta(minutes=5)
"""A fact heard of so long afterwards is history, not news."""
LATE_SETTLE: Final = timedelta(seconds=5)
"""Terminals empty their memory in many messages, seconds apart: late fixes are judged together when no more come."""
LATE_FIXES_MAX: Final = 20_000
_LATE_STATES_MAX: Final = 50
_SAME_VISIT_S: Final = 60.0


def vehicle_advance(
    state: State, watch: Compiled | None, columns: Columns, rows: Sequence[int], received_at: datetime
) -> list[Event]:
    """Move a locked state through its new fixes (rows in time order); the facts found. Older fixes are noted as late."""
    known_us = microseconds(state.at)
    newer = [row for row in rows if columns.at_us[row] > known_us]
    # A replaced time is good for "now" only: it must not wait as late.
    older = [row for row in rows if columns.at_us[row] <= known_us and not columns.flags[row] & Flag.CLOCK]
    _watch_begins(state, watch)
    if older and state.known:
        earliest = instant(columns.at_us[older[0]])
        state.late_from = min(earliest, state.late_from) if state.late_from else earliest
        state.late_seen_at = received_at
    if not newer:
        return []
    events = _rules(state, watch, columns, newer, received_at) if watch else []
    _move(state, columns, newer[-1], received_at)
    return events


def _watch_begins(state: State, watch: Compiled | None) -> None:
    trip = watch.trip if watch else ""
    if state.trip != trip:
        state.trip, state.along_m, state.off_m, state.visits = trip, None, None, ()


def _rules(
    state: State, watch: Compiled, columns: Columns, newer: Sequence[int], received_at: datetime
) -> list[Event]:
    rows = np.array(newer)
    at_s = columns.at_us[rows] / 1e6
    of_trip = at_s >= watch.from_s
    if not of_trip.any():
        return []
    rows, at_s = rows[of_trip], at_s[of_trip]
    joined = state.known and state.at.timestamp() >= watch.from_s
    trace = _trace(watch, at_s, columns.lat[rows], columns.lon[rows], state if joined else None)
    state.along_m, state.off_m = _last_place(trace)
    state.visits, crossings = advance(watch.fences, state.visits, trace.trace)
    return [_event(state, crossing, received_at=received_at) for crossing in crossings]


class _Placed:
    """A trace with its distances beside the route."""

    __slots__ = ("off_m", "trace")

    def __init__(self, trace: Trace, off_m: Floats) -> None:
        self.trace = trace
        self.off_m = off_m


def _trace(watch: Compiled, at_s: Floats, lat: Floats, lon: Floats, before: State | None) -> _Placed:
    """The fixes with their places on the route, the one before them first."""
    start_m = before.along_m if before else None
    times = at_s if before is None else np.concatenate([[before.at.timestamp()], at_s])
    if watch.route is None:
        along_m = off_m = np.full(len(at_s), np.nan)
    else:
        along_m, off_m = progress(watch.route, start_m, times if start_m is not None else at_s, lat, lon)
    if before is not None:
        lat, lon = np.concatenate([[before.lat], lat]), np.concatenate([[before.lon], lon])
        along_m = np.concatenate([[np.nan if start_m is None else start_m], along_m])
    trace = Trace(at_s=times, lat=lat, lon=lon, along_m=along_m, joined=before is not None)
    return _Placed(trace, off_m)


def _last_place(placed: _Placed) -> tuple[float | None, float | None]:
    along_m, off_m = float(placed.trace.along_m[-1]), float(placed.off_m[-1])
    return (None, None) if np.isnan(along_m) else (along_m, off_m)


def _event(state: State, crossing: Crossing, *, received_at: datetime, late: bool = False) -> Event:
    at = datetime.fromtimestamp(crossing.at_s, UTC)
    fact = StopEntered if crossing.entered else StopLeft
    return fact(
        vehicle_id=state.vehicle_id,
        trip=state.trip,
        seq=crossing.seq,
        at=at,
        late=late or received_at - at > LATE_AFTER,
    )


def _move(state: State, columns: Columns, row: int, received_at: datetime) -> None:
    """The state's "now" becomes this fix."""
    state.at = instant(columns.at_us[row])
    state.received_at = received_at
    state.lat, state.lon = float(columns.lat[row]), float(columns.lon[row])
    speed, course, odometer = columns.speed_kmh[row], columns.course_deg[row], columns.odometer_m[row]
    state.speed_kmh = None if np.isnan(speed) else float(speed)
    state.course_deg = None if course == NONE else int(course)
    state.acc = bool(columns.flags[row] & Flag.ACC)
    if odometer != NONE:
        state.odometer_m = int(odometer)
    if columns.probes[row]:
        sent = columns.temps_c[row, : columns.probes[row]]
        state.temps_c = [None if np.isnan(temp) else float(temp) for temp in sent]


def late_settle(now: datetime) -> int:
    """Look for stops in late fixes whose terminals have gone quiet; how many facts were found.

    The stretch is walked again with all that is stored by now. A stay that overlaps a known one is known; others are
    told with `late`, in order. The vehicle's newest fix is not touched.
    """
    with transaction.atomic():
        waiting = states.states_lock_late(now - LATE_SETTLE, _LATE_STATES_MAX)
        watched = watches.watches_of(state.vehicle_id for state in waiting)
        events: list[Event] = []
        for state in waiting:
            watch = watched.get(state.vehicle_id)
            if watch is not None and watch.trip == state.trip:
                events += _late(state, watch, now)
            state.late_from = state.late_seen_at = None
        states.states_write(waiting)
        outbox.put(*events)
    return len(events)


def _late(state: State, watch: Compiled, now: datetime) -> list[Event]:
    if state.late_from is None:
        return []
    found = positions.trace_read(state.vehicle_id, state.late_from, state.at, LATE_FIXES_MAX)
    of_trip = found.at_s >= watch.from_s
    if not of_trip.any():
        return []
    at_s = found.at_s[of_trip]
    placed = _trace(watch, at_s, found.lat[of_trip], found.lon[of_trip], None)
    start_s = float(at_s[0])
    # The first fix was walked through when it came, unless it is itself late.
    told_s = start_s if start_s < state.late_from.timestamp() else start_s - 1
    before = [_as_of(visit, start_s) for visit in state.visits if visit.entered_s <= told_s]
    walked, _crossings = advance(watch.fences, before, placed.trace)
    new = [
        visit
        for visit in walked
        if visit.entered_s > told_s and not any(_same(visit, known) for known in state.visits)
    ]
    state.visits = (*state.visits, *new)
    crossings = [Crossing(seq=visit.seq, entered=True, at_s=visit.entered_s) for visit in new]
    crossings += [Crossing(seq=v.seq, entered=False, at_s=v.left_s) for v in new if v.left_s is not None]
    crossings.sort(key=lambda crossing: crossing.at_s)
    return [_event(state, crossing, received_at=now, late=True) for crossing in crossings]


def _as_of(visit: Visit, at_s: float) -> Visit:
    """A visit as it was known then: one left later was still going on."""
    if visit.left_s is None or visit.left_s <= at_s:
        return visit
    return Visit(seq=visit.seq, entered_s=visit.entered_s, inside_s=at_s)


def _same(visit: Visit, known: Visit) -> bool:
    """Two accounts of one stay: they overlap, give or take a minute."""
    end = np.inf if visit.left_s is None else visit.left_s
    known_end = np.inf if known.left_s is None else known.left_s
    return (
        visit.seq == known.seq
        and visit.entered_s <= known_end + _SAME_VISIT_S
        and known.entered_s <= end + _SAME_VISIT_S
    )
