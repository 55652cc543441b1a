"""The gateway's heart: once a tick, what came is read, stored, and only then acknowledged."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.columns import Ints, Report, columns_of, microseconds
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808 import Result
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.gateway.fronts.front import Front
from zaitu.telemetry.gateway.reading import Read, answers_of, read
from zaitu.telemetry.kernels import jt808, stream
from zaitu.telemetry.services.sink import Sink
from zaitu.telemetry.services.ticks import Tick

_UNDER_WAY: Final = 3
"""Ticks read and not yet stored (one is worked out, one written, one read); then nothing more is read, and TCP makes the terminals wait."""

log = logs.logger("telemetry.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Positions that a session read itself: those the kernels leave to it."""

    reports: Sequence[Report]
    done: Callable[[int], None]
    """They are committed (Result.OK), or the database refuses one of them (Result.MALFORMED): answer."""


def reports_of(terminal: str, fixes: Iterable[Fix], *, backfill: bool) -> list[Report]:
    return [Report(terminal=terminal, fix=fix, backfill=backfill) for fix in fixes]


class Desk(Protocol):
    """Who takes the frames that are no positions of a known terminal."""

    def frame(self, slot: int, content: bytes) -> None: ...

    def alive(self, slots: Ints) -> None:
        """These connections sent a heartbeat."""


class Intake:
    def __init__(
        self, *, front: Front, connections: Connections, desk: Desk, sink: Sink, tick_s: float
    ) -> None:
        self._front = front
        self._connections = connections
        self._desk = desk
        self._sink = sink
        self._tick_s = tick_s
        self._entries: deque[Entry] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def put(self, entry: Entry) -> None:
        """To be stored with the next tick."""
        self._entries.append(entry)

    async def run(self) -> None:
        """Tick until `close`, then store what is left. Raises what made storing impossible."""
        while not self._closing.is_set():
            began = time.monotonic()
            while len(self._under_way) >= _UNDER_WAY:
                await self._one_stored()
            self._gather()
            left_s = self._tick_s - (time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), max(left_s, 0.001))
            self._done()
        self._gather()
        while self._under_way:
            await self._one_stored()

    def close(self) -> None:
        self._closing.set()

    async def _one_stored(self) -> None:
        await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        self._done()

    def _done(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.remove(task)
            task.result()

    def _gather(self) -> None:
        received, pieces = self._front.gather()
        entries = [self._entries.popleft() for _ in range(len(self._entries))]
        if entries:
            self._start(self._store_entries(entries))
        if not len(pieces):
            return
        now = clock.now()
        bad = self._connections.wires.bad[pieces[:, 0]].sum(axis=0)
        one = read(received, pieces, self._connections, microseconds(now))
        self._count(one, self._connections.wires.bad[pieces[:, 0]].sum(axis=0) - bad)
        self._connections.heard(pieces, one.frames, time.monotonic())
        alive = one.of_kind(jt808.ALIVE)
        if len(alive):
            self._desk.alive(one.frames[alive, 0])
            self._front.send(*answers_of(one, alive, np.zeros(len(alive), dtype=np.int64), self._connections))
        if len(one.columns):
            self._start(self._store(one, Tick(received_at=now, columns=one.columns)))
        for frame in one.of_kind(jt808.OTHER).tolist():
            self._desk.frame(int(one.frames[frame, 0]), one.content(frame))

    def _count(self, one: Read, bad: Ints) -> None:
        understood = np.flatnonzero(one.claims.kind != jt808.OTHER)
        self._connections.wires.bad_in_a_row[one.frames[understood, 0]] = 0
        for msg_id, count in zip(*np.unique(one.claims.msg_id[understood], return_counts=True), strict=True):
            numbers.FRAMES.labels(f"0x{msg_id:04x}").inc(count)
        for code, count in zip(stream.BAD_CODES, bad.tolist(), strict=True):
            if count:
                numbers.BAD_FRAMES.labels(code).inc(count)

    def _start(self, storing: Coroutine[Any, Any, None]) -> None:
        self._under_way.add(asyncio.create_task(storing))

    async def _store(self, one: Read, tick: Tick) -> None:
        began = time.monotonic()
        outcome = await self._sink.put(tick)
        placed = one.of_kind(jt808.PLACED)
        results = np.zeros(len(placed), dtype=np.int64)
        if len(outcome.unstorable):
            results[np.isin(placed, one.frame_of[outcome.unstorable])] = Result.MALFORMED
        self._front.send(*answers_of(one, placed, results, self._connections))
        numbers.ACK_S.observe(time.monotonic() - began)

    async def _store_entries(self, entries: list[Entry]) -> None:
        now = clock.now()
        reports = [report for entry in entries for report in entry.reports]
        tick = Tick(received_at=now, columns=columns_of(reports, received_at=now))
        outcome = await self._sink.put(tick)
        refused = set(outcome.unstorable.tolist())
        row = 0
        for entry in entries:
            rows = range(row, row + len(entry.reports))
            row = rows.stop
            entry.done(Result.MALFORMED if refused & set(rows) else Result.OK)
