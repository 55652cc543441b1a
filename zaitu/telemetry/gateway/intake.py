"""Frames with positions, gathered for a tick, stored together, and only then acknowledged."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from zaitu.kernel import clock, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.jt808 import Header, Message
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.database import Database
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.services import quarantine
from zaitu.telemetry.services.ingest import Outcome, Tick, ingest

STORED: Final = 0
MALFORMED: Final = 2

log = logs.logger("telemetry.gateway")


class Sender(Protocol):
    """The connection a frame came by."""

    def stored(self, header: Header, result: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    sender: Sender
    message: Message
    content: bytes
    """The frame as received, for the quarantine."""
    read_at_s: float
    """Monotonic."""

    @property
    def reports(self) -> list[Report]:
        terminal = self.message.header.phone
        return [
            Report(terminal=terminal, fix=fix, backfill=self.message.backfill) for fix in self.message.fixes
        ]


class Intake:
    def __init__(self, *, tick_s: float, limits: Limits, bus: BusClient) -> None:
        self._tick_s = tick_s
        self._limits = limits
        self._bus = bus
        # One writer: ticks are stored in the order received.
        self._writer = Database(1)
        self._waiting: deque[Entry] = deque()
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False

    async def put(self, entry: Entry) -> None:
        """Take a frame; waits while too many are not yet stored, so that its connection is not read meanwhile."""
        while len(self._waiting) >= self._limits.outstanding_all:
            self._room.clear()
            await self._room.wait()
        self._waiting.append(entry)
        self._some.set()

    async def run(self) -> None:
        """Store ticks until `close`, then what is left."""
        while not (self._closing and not self._waiting):
            await self._some.wait()
            if not self._closing:
                await asyncio.sleep(self._tick_s)
            count = min(len(self._waiting), self._limits.tick_frames)
            entries = [self._waiting.popleft() for _ in range(count)]
            if not self._waiting and not self._closing:
                self._some.clear()
            self._room.set()
            if entries:
                await self._store(entries)
        self._writer.close()

    def close(self) -> None:
        self._closing = True
        self._some.set()

    async def _store(self, entries: Sequence[Entry]) -> None:
        now = clock.now()
        reports = [report for entry in entries for report in entry.reports]
        try:
            tick = Tick(received_at=now, columns=columns_of(reports, received_at=now))
            outcome = await self._writer.call(ingest, tick)
        except Exception:
            # One frame that cannot be stored must cost only itself: halve until it stands alone.
            log.exception("a tick could not be stored", frames=len(entries))
            if len(entries) == 1:
                await self._set_aside(entries[0])
                return
            middle = len(entries) // 2
            await self._store(entries[:middle])
            await self._store(entries[middle:])
            return
        for entry in entries:
            self._acknowledge(entry, STORED)
        await self._tell(outcome)

    async def _set_aside(self, entry: Entry) -> None:
        await self._writer.call(
            quarantine.frame_set_aside,
            terminal=entry.message.header.phone,
            content=entry.content,
            reason=quarantine.UNSTORABLE,
            now=clock.now(),
        )
        self._acknowledge(entry, MALFORMED)

    def _acknowledge(self, entry: Entry, result: int) -> None:
        entry.sender.stored(entry.message.header, result)
        numbers.ACK_S.observe(time.monotonic() - entry.read_at_s)

    async def _tell(self, outcome: Outcome) -> None:
        numbers.POSITIONS.labels("stored").inc(outcome.stored)
        numbers.POSITIONS.labels("duplicate").inc(outcome.duplicates)
        numbers.POSITIONS.labels("quarantined").inc(outcome.quarantined)
        numbers.FACTS.inc(outcome.facts)
        for fix in outcome.live:
            await self._bus.publish(f"fix.{fix['vehicle_id']}", fix)
