"""Stops in late fixes, which are walked again with all that is stored; and what must be remembered of a vehicle."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.adapters import positions, watches
from zaitu.telemetry.adapters.positions import instant
from zaitu.telemetry.adapters.states import Document
from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.kernels.document import documents
from zaitu.telemetry.kernels.fleet import Fleet
from zaitu.telemetry.rules.fences import Crossing, Trace, Visit, advance
from zaitu.telemetry.rules.progress import progress

LATE_AFTER: Final = timedelta(minutes=5)
"""A fact heard of so long afterwards is history, not news."""
LATE_SETTLE: Final = timedelta(seconds=5)
"""Terminals empty their memory in many messages, seconds apart: late fixes are judged together when no more come."""
LATE_RETRY: Final = timedelta(minutes=1)
"""Late fixes that could not be judged wait so long."""
LATE_FIXES_MAX: Final = 20_000
_SAME_VISIT_S: Final = 60.0


def _event(
    fleet: Fleet, slot: int, crossing: Crossing, *, received_at: datetime, late: bool = False
) -> StopEntered | StopLeft:
    at = datetime.fromtimestamp(crossing.at_s, UTC)
    return (StopEntered if crossing.entered else StopLeft)(
        vehicle_id=fleet.vehicle_ids[slot],
        trip=fleet.trips[slot],
        seq=crossing.seq,
        at=at,
        late=late or received_at - at > LATE_AFTER,
    )


def documents_of(fleet: Fleet, slots: Sequence[int]) -> list[Document]:
    """What must survive a restart of the vehicles in these slots."""
    vehicles = fleet.vehicles[slots]
    return [
        Document(
            vehicle_id=fleet.vehicle_ids[slot],
            trip=fleet.trips[slot],
            at_us=at_us,
            lat=lat,
            lon=lon,
            along_m=along_m,
            off_m=off_m,
            rules=rules,
        )
        for slot, at_us, lat, lon, along_m, off_m, rules in zip(
            slots, *(vehicles[name].tolist() for name in ("at_us", "lat", "lon", "along_m", "off_m")),
            documents(fleet, slots), strict=True,
        )
    ]  # fmt: skip


def late_facts(
    fleet: Fleet, slot: int, late_from_us: int, now: datetime
) -> tuple[list[StopEntered | StopLeft], tuple[Visit, ...]]:
    """Stops in late fixes of a vehicle whose terminals have gone quiet, from the earliest of them on; and all visits then known.

    The stretch is walked again with all that is stored by now. A stay that overlaps a known one is known; others are
    told with `late`, in order. The vehicle's newest fix is not touched.
    """
    watch = watches.compiled_watch(fleet.vehicle_ids[slot])
    known = fleet.visits(slot)
    newest_us = int(fleet.vehicles[slot]["at_us"])
    if watch is None or watch.trip != fleet.trips[slot] or newest_us == NONE:
        return [], known
    late_from = instant(late_from_us)
    found = positions.trace_read(fleet.vehicle_ids[slot], late_from, instant(newest_us), LATE_FIXES_MAX)
    of_trip = found.at_s >= watch.from_s
    if not of_trip.any():
        return [], known
    trace = _trace(watch, found, of_trip)
    start_s = float(trace.at_s[0])
    # The first fix was walked through when it came, unless it is itself late.
    told_s = start_s if start_s < late_from.timestamp() else start_s - 1
    before = [_as_of(visit, start_s) for visit in known if visit.entered_s <= told_s]
    walked, _crossings = advance(watch.fences, before, trace)
    new = [
        visit for visit in walked if visit.entered_s > told_s and not any(_same(visit, one) for one in known)
    ]
    events = [_event(fleet, slot, one, received_at=now, late=True) for one in _crossings_of(new)]
    return events, (*known, *new)


def _trace(watch: watches.Compiled, found: positions.StoredTrace, which: npt.NDArray[np.bool_]) -> Trace:
    at_s, lat, lon = found.at_s[which], found.lat[which], found.lon[which]
    along_m = np.full(len(at_s), np.nan)
    if watch.route is not None:
        along_m, _off_m = progress(watch.route, None, at_s, lat, lon)
    return Trace(at_s=at_s, lat=lat, lon=lon, along_m=along_m)


def _crossings_of(visits: Sequence[Visit]) -> list[Crossing]:
    crossings = [Crossing(seq=visit.seq, entered=True, at_s=visit.entered_s) for visit in visits]
    crossings += [
        Crossing(seq=visit.seq, entered=False, at_s=visit.left_s)
        for visit in visits
        if visit.left_s is not None
    ]
    return sorted(crossings, key=lambda crossing: crossing.at_s)


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
