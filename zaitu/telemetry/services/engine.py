"""Ticks → rows and facts: one engine a shard of the fleet, which keeps what it knows of terminals and vehicles in memory.

A tick is worked out in memory first (`prepare`) and then stored in one transaction (`store`), which may be repeated until the
database takes it. What memory holds of a vehicle is written to its row once a second (`flush`), or with the tick when a fact depends on
it; after a crash the rows received since are walked again (`open`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from threading import Lock
from typing import Final

import numpy as np
from django.db import DataError, Error, IntegrityError, transaction

from zaitu.kernel import logs, outbox
from zaitu.telemetry.adapters import doubts, positions, shards, states, watches
from zaitu.telemetry.adapters.behind import Behind
from zaitu.telemetry.adapters.newest import late_mark, newest_blank, newest_put, newest_write
from zaitu.telemetry.adapters.positions import Owners
from zaitu.telemetry.adapters.registry import Registry
from zaitu.telemetry.adapters.tail import Tail
from zaitu.telemetry.codecs.columns import NONE, Columns, Flag, Ints, microseconds
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.kernels import fleet as fleets
from zaitu.telemetry.kernels import once
from zaitu.telemetry.kernels.document import document_load, visit_packed
from zaitu.telemetry.kernels.fleet import Fleet
from zaitu.telemetry.kernels.layout import Records
from zaitu.telemetry.services import facts
from zaitu.telemetry.services.late import late_told
from zaitu.telemetry.services.prepared import Prepared, Settled, Written
from zaitu.telemetry.services.table import DOCUMENTED_WITHIN_S, OVERLAP, Table
from zaitu.telemetry.services.telling import events_of
from zaitu.telemetry.services.ticks import Outcome, Tick

_DOCUMENTS: Final = 100
_ROWS: Final = 1_000
"""Written in one transaction while ticks wait."""
_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REGISTERED: Final = timedelta(seconds=10)


log = logs.logger("telemetry.engine")


def at_once() -> None:
    """Nothing has to be waited for."""


class Engine:
    """For one thread at a time, but that the next tick may be prepared in one while another stores those before."""

    def __init__(self, shard: int = 0, shard_count: int = 1) -> None:
        """`shard_count`: how many there are; this engine has the vehicles whose `shard_of` is `shard`."""
        self.shard = shard
        self.shard_count = shard_count
        self.registry = Registry()
        self.fleet = Fleet()
        self.newest = newest_blank(0)
        """By the fleet's slots."""
        self._watched = watches.Followed()
        self._unwritten = Behind()
        """Newest reports."""
        self._undocumented = Behind()
        """Documents."""
        self._newest_held = Lock()
        """`newest` is put into by the thread that stores, made larger by the one that prepares, and read by who tells."""
        self._device_of: Ints = np.empty(0, dtype=np.int64)
        """The fleet's slot of a terminal, by the registry's; −1: not yet asked for."""
        self._rowless: set[int] = set()
        """Slots of vehicles that have no row yet."""
        self._slot_of: Ints = np.empty(0, dtype=np.int64)
        """By vehicle id; −1: not yet asked for."""
        self._table: Table | None = None
        self._sequence = 0
        self._tail = Tail(rounds=DOCUMENTED_WITHIN_S + 1)

    def newest_of(self, slots: Ints) -> Records:
        """The newest report of each of these, whole; from any thread."""
        with self._newest_held:
            reports: Records = self.newest[slots]
        return reports

    @property
    def sequence(self) -> int:
        """Of the last tick worked out."""
        return self._sequence

    # Beginning

    def open(self, now: datetime) -> None:
        """Take the shard and remember what is stored, forgetting all else. Raises django.db.Error: call it again then."""
        holding = shards.shard_take(self.shard)
        self.registry, self.fleet, self.newest = Registry(), Fleet(), newest_blank(0)
        self._watched, self._unwritten, self._rowless = watches.Followed(), Behind(), set()
        self._slot_of = self._device_of = np.empty(0, dtype=np.int64)
        self._undocumented, self._tail = Behind(), Tail(rounds=DOCUMENTED_WITHIN_S + 1)
        self._table, self._sequence = Table(holding, self.shard_count), holding.sequence
        self.registry.load()
        self.refresh(now)
        for state in states.states_of(self.shard, self.shard_count):
            self._restore(state)
        if holding.sequence:
            self._catch_up(holding.flushed_at - OVERLAP if holding.flushed_at else _ALL, now)
        # While nobody listened nobody could be heard.
        heard = self.fleet.vehicles["heard_us"]
        np.maximum(heard, microseconds(now), out=heard)

    def _restore(self, state: states.Stored) -> None:
        slot = self._slot(state.document.vehicle_id)
        self._rowless.discard(slot)
        self.newest[slot] = state.newest[0]
        document, vehicle = state.document, self.fleet.vehicles[slot]
        if document.rules:
            document_load(self.fleet, document.vehicle_id, document.rules)
        elif document.at_us != NONE:
            vehicle["at_us"], vehicle["lat"], vehicle["lon"] = document.at_us, document.lat, document.lon

    def _catch_up(self, since: datetime, now: datetime) -> None:
        """What was received since the states were written: its facts were told, what the rules remember was not yet written."""
        tail = positions.received_since(since)
        self.registry.remember(tail.terminal_id, tail.columns)
        if not len(tail.columns):
            return
        slot = self._own(tail.vehicle_id)
        terminal = self.registry.slots_of_ids(tail.terminal_id)
        rows = np.flatnonzero((slot >= 0) & (terminal >= 0))
        rows = rows[self.fleet.unheard(slot[rows], tail.received_us[rows])]
        order = fleets.order_again(slot, tail.columns.at_us, tail.received_us, rows)
        walked = self.fleet.walk(
            fleets.Tick(
                columns=tail.columns,
                received_us=tail.received_us,
                slots=slot,
                devices=self._devices(terminal),
                order=order,
            )
        )
        newest_put(self.newest, slot[walked.moved], tail.columns, walked.moved, now)
        self._unwritten.add(slot[walked.moved])

    def refresh(self, now: datetime) -> None:
        """Follow what others changed: stays and versions of terminals, watches. A few queries."""
        self.registry.refresh()
        for terminal in self.registry.registered(now - _REGISTERED):
            self._device(terminal)
        for vehicle_id, watch in self._watched.changed():
            if vehicle_id % self.shard_count != self.shard:
                continue
            if watch is None:
                self.fleet.watch_clear(vehicle_id)
            else:
                self.fleet.watch_set(vehicle_id, watch)
            self._slot(vehicle_id)

    # A tick

    def prepare(self, tick: Tick, *, sequence: int | None = None) -> Prepared:
        """Work a tick out; memory has moved on afterwards, so it must be stored, however often that takes.

        `sequence`: the tick's number where it has one; it is larger than those before.
        """
        columns = tick.columns
        terminal = self.registry.slots_of(columns.terminals)[columns.terminal]
        memory = self.registry.memory  # after slots_of, which may make it anew
        verdict, vehicle_id = np.empty(len(columns), dtype=np.int64), np.empty(len(columns), dtype=np.int64)
        if once.rows_judged(
            terminal, columns.at_us, columns.digest, columns.flags, memory, verdict, vehicle_id
        ):
            for row in np.flatnonzero(vehicle_id == once.ELSEWHERE).tolist():
                vehicle_id[row] = self.registry.vehicle_at(int(terminal[row]), int(columns.at_us[row]))
        known = terminal >= 0
        terminal_id = np.where(known, memory.terminal_id[np.where(known, terminal, 0)], NONE)
        self.registry.unwritten.add(terminal[known])
        slot = self._own(vehicle_id)
        late, order = self._sorted_out(columns, verdict, slot)
        received_us = microseconds(tick.received_at)
        walked = self.fleet.walk(
            fleets.Tick(
                columns=columns,
                received_us=np.full(len(columns), received_us),
                slots=slot,
                devices=self._devices(terminal),
                order=order,
            )
        )
        self._sequence = self._sequence + 1 if sequence is None else sequence
        return Prepared(
            tick=tick,
            sequence=self._sequence,
            owners=Owners(terminal_id=terminal_id, vehicle_id=vehicle_id),
            verdict=verdict,
            slot=slot,
            late=late,
            moved=walked.moved,
            events=events_of(self.fleet, walked.facts, received_us),
            told=facts.documents_of(self.fleet, walked.told.tolist()),
        )

    def _sorted_out(self, columns: Columns, verdict: Ints, slot: Ints) -> tuple[Ints, Ints]:
        """(rows that came late, rows for the rules in their order)."""
        new = verdict == once.NEW
        timed = (slot >= 0) & ((columns.flags & Flag.CLOCK) == 0)
        # Its terminal's newest, but behind another terminal of the vehicle: what needs no place the rules hear now.
        placed = (columns.flags & Flag.FIXED) != 0
        behind = columns.at_us <= self.fleet.vehicles["at_us"][np.where(slot >= 0, slot, 0)]
        late = timed & ((new & placed & behind) | np.isin(verdict, (once.DOUBTFUL, once.LATE)))
        return np.flatnonzero(late), fleets.order_of(slot, columns.at_us, np.flatnonzero(new & (slot >= 0)))

    def store(self, prepared: Prepared) -> Outcome:
        """`store_all` of one."""
        (outcome,) = self.store_all([prepared])
        return outcome

    def store_all(
        self, prepared: Sequence[Prepared], *, after: Callable[[], object] = at_once
    ) -> list[Outcome]:
        """`Table.store_all`, and what follows from it in memory."""
        written = self._opened().store_all(prepared, after)
        return [self._outcome(one, of_one) for one, of_one in zip(prepared, written, strict=True)]

    def _outcome(self, prepared: Prepared, written: Written) -> Outcome:
        self._remember(prepared, written.rows)
        quarantined = int((prepared.verdict >= once.TIMELESS).sum()) + len(written.refused)
        stored = int((~np.isin(written.rows, written.refused)).sum())
        return Outcome(
            stored=stored,
            duplicates=len(prepared.verdict) - stored - written.doubtful - quarantined,
            quarantined=quarantined,
            doubtful=written.doubtful,
            facts=len(prepared.events),
            unstorable=written.refused,
            moved=prepared.slot[prepared.moved],
        )

    def _remember(self, prepared: Prepared, rows: Ints) -> None:
        columns, received_at = prepared.tick.columns, prepared.tick.received_at
        self._tail.add(received_at)
        slots = prepared.slot[prepared.moved]
        with self._newest_held:
            newest_put(self.newest, slots, columns, prepared.moved, received_at)
            late = prepared.late[np.isin(prepared.late, rows)]
            for row in late.tolist():
                late_mark(
                    self.newest, int(prepared.slot[row]), int(columns.at_us[row]), microseconds(received_at)
                )
        self._unwritten.add(np.concatenate([slots, prepared.slot[late]]))
        self._undocumented.add(prepared.slot[prepared.slot >= 0])
        self._undocumented.done([self.fleet.slot(document.vehicle_id) for document in prepared.told])

    # Chores

    def flush(self, now: datetime, *, everything: bool = False) -> None:
        """Write what changed since the last time to the vehicles' and terminals' rows. Raises django.db.Error, shards.Fenced.

        Documents take turns, so that each is written within DOCUMENTED_WITHIN_S flushes; `everything`: all of them now.
        """
        for _ in self.flushing(now, everything=everything):
            pass

    def flushing(self, now: datetime, *, everything: bool = False) -> Iterator[None]:
        """`flush` in transactions of some milliseconds: between them ticks may be taken. Raises as `flush`; begin anew then."""
        turn = len(self._undocumented) if everything else -(-len(self._undocumented) // DOCUMENTED_WITHIN_S)
        for slots in _bunches(self._undocumented.longest(turn), _DOCUMENTS):
            self._documents_write(slots)
            yield
        for slots in _bunches(self._unwritten.longest(), _ROWS):
            self._newest_write(slots)
            yield
        for terminals in _bunches(self.registry.unwritten.longest(), _ROWS):
            with self._opened().writing():
                self.registry.seen_write(terminals, now)
            yield
        holding = self._opened().holding
        # What came since is found in the table by its time of receipt.
        shards.shard_flushed(holding.shard, holding.epoch, min(now, self._tail.earliest() + OVERLAP))
        self._tail.flushed()

    def _newest_write(self, slots: list[int]) -> None:
        with self._opened().writing():
            self._rows_ensure(slots)
            ids = [self.fleet.vehicle_ids[slot] for slot in slots]
            newest_write(ids, self.newest[slots], self.fleet.vehicles[slots])
        self._unwritten.done(slots)

    def _documents_write(self, slots: list[int]) -> None:
        with self._opened().writing():
            states.documents_write(facts.documents_of(self.fleet, slots))
        self._undocumented.done(slots)

    def _rows_ensure(self, slots: Sequence[int]) -> None:
        rowless = self._rowless.intersection(slots)
        if rowless:
            states.rows_ensure(self.fleet.vehicle_ids[slot] for slot in rowless)
            transaction.on_commit(lambda: self._rowless.difference_update(rowless))

    def timer(self, now: datetime) -> int:
        """Facts of time that passed without a report; how many there were."""
        found = self.fleet.timer(microseconds(now))
        if len(found):
            try:
                with self._opened().writing():
                    slots = np.unique(found["slot"]).tolist()
                    states.documents_write(facts.documents_of(self.fleet, slots))
                    outbox.put(*events_of(self.fleet, found, microseconds(now)))
            except BaseException:
                self.fleet.timer_undone(found)
                raise
        return len(found)

    def settle(self, now: datetime) -> Settled:
        """Look for facts in late fixes whose terminals have gone quiet. A transaction for each vehicle.

        One about which something raises is logged, tried again after LATE_RETRY, and holds up nobody. Raises what the
        database raises while it is away.
        """
        taken = self._doubts_settle(now)
        waiting = self.newest["late_from_us"] != NONE
        quiet = self.newest["late_seen_us"] <= microseconds(now - facts.LATE_SETTLE)
        found = failed = 0
        for slot in np.flatnonzero(waiting & quiet).tolist():
            try:
                found += self._settle(slot, now)
            except Exception as error:
                if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
                    raise
                log.exception(
                    "late fixes could not be judged; trying again later",
                    vehicle_id=self.fleet.vehicle_ids[slot],
                )
                self.newest["late_seen_us"][slot] = microseconds(now + facts.LATE_RETRY)
                failed += 1
        return Settled(facts=found, failed=failed, stored=taken.stored, duplicates=taken.rows - taken.stored)

    def _doubts_settle(self, now: datetime) -> doubts.Taken:
        taken = self._opened().doubts_settle()
        for vehicle_id, at_us in taken.late_from_us.items():
            slot = self._slot(vehicle_id)
            late_mark(self.newest, slot, at_us, microseconds(now))
            self._unwritten.add(np.array([slot]))
        return taken

    def _settle(self, slot: int, now: datetime) -> int:
        from_us, since_us = int(self.newest[slot]["late_from_us"]), int(self.newest[slot]["late_since_us"])
        stops, visits = facts.late_facts(self.fleet, slot, from_us, now)
        events = sorted([*stops, *late_told(self.fleet, slot, from_us, since_us, now)], key=attrgetter("at"))
        with self._opened().writing():
            (document,) = facts.documents_of(self.fleet, [slot])
            stays = {"visits": [visit_packed(visit) for visit in visits]}
            states.documents_write([replace(document, rules=document.rules | stays)])
            outbox.put(*events)
        self.fleet.visits_set(slot, visits)
        for name in ("late_from_us", "late_since_us", "late_seen_us"):
            self.newest[name][slot] = NONE
        self._unwritten.add(np.array([slot]))
        return len(events)

    def _opened(self) -> Table:
        if self._table is None:
            raise RuntimeError("the engine is not open")
        return self._table

    def _device(self, terminal: int) -> int:
        """The fleet's slot of a terminal (the registry's slot), which alarm bits are edges told by its version."""
        terminal_id = int(self.registry.memory.terminal_id[terminal])
        return self.fleet.device(terminal_id, edges=EDGES.get(self.registry.versions[terminal]))

    def _devices(self, terminal: Ints) -> Ints:
        """The fleet's slots of terminals (the registry's slots; −1: a stranger)."""
        known = len(self.registry.names)
        if known > len(self._device_of):
            fresh = [self._device(one) for one in range(len(self._device_of), known)]
            self._device_of = np.concatenate([self._device_of, np.array(fresh, dtype=np.int64)])
        return (
            np.where(terminal < 0, -1, self._device_of[np.where(terminal < 0, 0, terminal)])
            if known
            else terminal
        )

    def _slot(self, vehicle_id: int) -> int:
        slot = self.fleet.slot(vehicle_id)
        if slot >= len(self.newest):
            with self._newest_held:
                self.newest = np.concatenate([self.newest, newest_blank(max(1024, len(self.newest)))])
        if vehicle_id >= len(self._slot_of):
            grown = np.full(max(2 * len(self._slot_of), vehicle_id + 1024), -1, dtype=np.int64)
            grown[: len(self._slot_of)] = self._slot_of
            self._slot_of = grown
        if self._slot_of[vehicle_id] < 0:
            self._slot_of[vehicle_id] = slot
            self._rowless.add(slot)
        return slot

    def _own(self, vehicle_id: Ints) -> Ints:
        """Slots of the vehicles of rows; −1 where there is none, or where another engine has it: such a fix is stored, no more."""
        owned = (vehicle_id >= 0) & (shards.shard_of(vehicle_id, self.shard_count) == self.shard)
        ids = vehicle_id[owned]
        within = ids[ids < len(self._slot_of)]
        if len(within) < len(ids) or (self._slot_of[within] < 0).any():
            for one in set(ids.tolist()):
                self._slot(one)
        slots = np.full(len(vehicle_id), -1, dtype=np.int64)
        slots[owned] = self._slot_of[ids]
        return slots


def _bunches(slots: list[int], size: int) -> Iterator[list[int]]:
    return (slots[start : start + size] for start in range(0, len(slots), size))
