"""Columns → rows and facts: the one way in for every device language.

One transaction a tick: terminals locked (so that no two writers store one fix twice), positions by one COPY, states of the
watched vehicles locked, moved and written back, facts put beside them. Nothing is kept in process between ticks, so
several processes may take in at once, and a caller may repeat a tick whose commit it never heard of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import transaction

from zaitu.kernel import outbox
from zaitu.kernel.events import Event
from zaitu.network import public as network
from zaitu.telemetry.adapters import positions, states, watches
from zaitu.telemetry.adapters.positions import Owners, instant
from zaitu.telemetry.adapters.states import State
from zaitu.telemetry.adapters.terminals import Locked, terminals_lock, terminals_seen
from zaitu.telemetry.codecs.columns import NONE, Columns, Flag, microseconds
from zaitu.telemetry.models import Quarantine
from zaitu.telemetry.services import facts, quarantine

_FOREVER_US: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    received_at: datetime
    """Aware, UTC."""
    columns: Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a tick's rows; all of it is committed."""

    stored: int
    duplicates: int
    quarantined: int
    facts: int
    live: tuple[dict[str, Any], ...]
    """The newest fix of each vehicle that moved on, as the bus tells it (`fix.<vehicle_id>`)."""


def ingest(tick: Tick) -> Outcome:
    """Store a tick and find its facts. Raises django.db.Error when the database does not answer: repeat the tick then."""
    with transaction.atomic():
        return _ingest(tick)


def _ingest(tick: Tick) -> Outcome:
    columns = tick.columns
    locked = terminals_lock(columns.terminals)
    owners = _owners(columns, locked)
    known = [row for row in range(len(columns)) if owners.terminal_id[row] != NONE]
    # A live fix without a time is worth having, at the time it came; an old one without a time says nothing.
    lost = Flag.CLOCK | Flag.BACKFILL
    timed = [row for row in known if columns.flags[row] & lost != lost]
    fresh = _fresh(tick, owners, locked, timed)
    positions.positions_copy(columns, owners, fresh, tick.received_at)
    aside = len(columns) - len(timed)
    if aside:
        _set_aside(tick, set(known), set(timed))
    moved, events = _vehicles(tick, owners, fresh)
    terminals_seen(_newest(columns, locked, fresh), tick.received_at)
    outbox.put(*events)
    return Outcome(
        stored=len(fresh),
        duplicates=len(timed) - len(fresh),
        quarantined=aside,
        facts=len(events),
        live=tuple(_live(state) for state in moved),
    )


def _owners(columns: Columns, locked: Mapping[str, Locked]) -> Owners:
    """Each row's terminal, and the vehicle it was in at the fix time."""
    stays: dict[str, list[tuple[int, int, int]]] = {}
    for binding in network.bindings_of(columns.terminals):
        until_us = microseconds(binding.to_at) if binding.to_at else _FOREVER_US
        stay = (microseconds(binding.from_at), until_us, binding.vehicle_id)
        stays.setdefault(binding.terminal, []).append(stay)
    terminal_id = np.full(len(columns), NONE, dtype=np.int64)
    vehicle_id = np.full(len(columns), NONE, dtype=np.int64)
    for index, name in enumerate(columns.terminals):
        mine = columns.terminal == index
        if name in locked:
            terminal_id[mine] = locked[name].id
        for from_us, until_us, vehicle in stays.get(name, ()):
            vehicle_id[mine & (columns.at_us >= from_us) & (columns.at_us < until_us)] = vehicle
    return Owners(terminal_id=terminal_id, vehicle_id=vehicle_id)


def _fresh(tick: Tick, owners: Owners, locked: Mapping[str, Locked], rows: Sequence[int]) -> list[int]:
    """Those not seen before, neither earlier in this tick nor in the table."""
    columns = tick.columns
    newest_us = {one.id: microseconds(one.last_fix_at) for one in locked.values() if one.last_fix_at}
    seen: set[tuple[int, int, int]] = set()
    once, doubtful = [], []
    for row in rows:
        terminal_id, at_us = int(owners.terminal_id[row]), int(columns.at_us[row])
        clock = bool(columns.flags[row] & Flag.CLOCK)
        # Fixes whose time was replaced are the same when their bytes are.
        key = (terminal_id, NONE if clock else at_us, int(columns.digest[row]))
        if key in seen:
            continue
        seen.add(key)
        once.append(row)
        if clock or at_us <= newest_us.get(terminal_id, NONE):
            doubtful.append(row)
    stored = positions.stored_already(columns, owners, doubtful, tick.received_at)
    return [row for row in once if row not in stored]


def _set_aside(tick: Tick, known: set[int], timed: set[int]) -> None:
    columns = tick.columns
    Quarantine.objects.bulk_create(
        [
            Quarantine(
                terminal=columns.terminals[columns.terminal[row]],
                received_at=tick.received_at,
                reason=quarantine.CLOCK if row in known else quarantine.STRANGER,
                content=columns.piece(columns.core, row),
            )
            for row in range(len(columns))
            if row not in timed
        ]
    )


def _newest(
    columns: Columns, locked: Mapping[str, Locked], fresh: Sequence[int]
) -> dict[int, datetime | None]:
    """By terminal id, the newest fix time among the stored rows whose time is their own."""
    newest: dict[int, datetime | None] = {one.id: None for one in locked.values()}
    for row in sorted(fresh, key=columns.at_us.item):
        if not columns.flags[row] & Flag.CLOCK:
            newest[locked[columns.terminals[columns.terminal[row]]].id] = instant(columns.at_us[row])
    return newest


def _vehicles(tick: Tick, owners: Owners, fresh: Sequence[int]) -> tuple[list[State], list[Event]]:
    """Move the vehicles whose fixes these are; (those that moved on, facts)."""
    columns = tick.columns
    rows_of: dict[int, list[int]] = {}
    for row in fresh:
        # A vehicle is where a fix says; one whose time was lost still says where it is now.
        if owners.vehicle_id[row] != NONE and columns.flags[row] & Flag.FIXED:
            rows_of.setdefault(int(owners.vehicle_id[row]), []).append(row)
    if not rows_of:
        return [], []
    locked = states.states_lock(rows_of)
    watched = watches.watches_of(rows_of)
    moved: list[State] = []
    events: list[Event] = []
    for vehicle_id, rows in sorted(rows_of.items()):
        state = locked[vehicle_id]
        before = state.at
        events += facts.vehicle_advance(
            state, watched.get(vehicle_id), columns, sorted(rows, key=columns.at_us.item), tick.received_at
        )
        if state.at > before:
            moved.append(state)
    states.states_write(locked.values())
    return moved, events


def _live(state: State) -> dict[str, Any]:
    return {
        "vehicle_id": state.vehicle_id,
        "at": state.at.isoformat(),
        "lat": state.lat,
        "lon": state.lon,
        "speed_kmh": state.speed_kmh,
        "course_deg": state.course_deg,
        "along_m": state.along_m,
        "trip": state.trip,
    }
