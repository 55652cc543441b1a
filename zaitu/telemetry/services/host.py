"""An engine in this process, as a place where ticks go."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec, TypeVar

from zaitu.kernel import clock, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.line import TickLine
from zaitu.telemetry.services.live import LiveFeed
from zaitu.telemetry.services.ticks import Outcome, Tick

P = ParamSpec("P")
R = TypeVar("R")

_CHORES_S: Final = 1.0
_BETWEEN_S: Final = 0.04
_STOP_S: Final = 5.0
_WRITTEN: Final = object()

log = logs.logger("telemetry.sink")


class EngineHost:
    """An engine in this process: its ticks, its chores, and the telling of live fixes. Belongs to one event loop."""

    def __init__(self, bus: BusClient, *, part: str, shard: int = 0, shard_count: int = 1) -> None:
        self.engine = Engine(shard, shard_count)
        self._feed = LiveFeed(bus, self.engine)
        self._line = TickLine(self.engine, part)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take the shard; waits for PostgreSQL if need be."""
        await self._alone(self._open)
        self._tasks = [asyncio.create_task(self._chores()), asyncio.create_task(self._feed.watching())]

    def _open(self) -> None:
        self.engine.open(clock.now())

    async def put(self, tick: Tick) -> Outcome:
        """Raises shards.Fenced: end."""
        (outcome,) = await self.put_all([(None, tick)])
        return outcome

    async def put_all(self, ticks: Sequence[tuple[int | None, Tick]]) -> list[Outcome]:
        """In one transaction; each with its number, where it has one. Raises shards.Fenced: end."""
        storing = await asyncio.wrap_future(self._line.put(ticks))
        # Memory has moved on: whoever waits may be cancelled, the storing may not.
        outcomes = await asyncio.shield(asyncio.wrap_future(storing))
        for outcome in outcomes:
            numbers.POSITIONS.labels("stored").inc(outcome.stored)
            numbers.POSITIONS.labels("duplicate").inc(outcome.duplicates)
            numbers.POSITIONS.labels("quarantined").inc(outcome.quarantined)
            numbers.POSITIONS.labels("doubtful").inc(outcome.doubtful)
            numbers.FACTS.inc(outcome.facts)
            await self._feed.moved(outcome.moved)
        return outcomes

    async def _alone(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.wrap_future(self._line.alone(function, *args, **kwargs))

    async def run(self) -> None:
        """Until cancelled; raises what ended the chores (another engine has taken the shard)."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Write what memory holds and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            try:
                await asyncio.wait_for(self._alone(self.engine.flush, clock.now(), everything=True), _STOP_S)
            except Exception:
                log.warning("the newest places were not written; they will be found again at start")
        self._line.close()

    async def _chores(self) -> None:
        while True:
            began_s = time.monotonic()
            now = clock.now()
            await self._alone(self.engine.refresh, now)
            flushing = self.engine.flushing(now)
            while True:  # ticks come in between
                if await self._alone(next, flushing, _WRITTEN) is _WRITTEN:
                    break
                # Spread over the second: one after the other they would make every other tick late.
                await asyncio.sleep(_BETWEEN_S if time.monotonic() - began_s < _CHORES_S else 0)
            settled = await self._alone(self.engine.settle, now)
            silent = await self._alone(self.engine.timer, now)
            numbers.FACTS.inc(settled.facts + silent)
            numbers.POSITIONS.labels("stored").inc(settled.stored)
            numbers.POSITIONS.labels("duplicate").inc(settled.duplicates)
            numbers.LATE_FAILED.inc(settled.failed)
            await self._feed.tell()
            await asyncio.sleep(max(_CHORES_S - (time.monotonic() - began_s), 0))
