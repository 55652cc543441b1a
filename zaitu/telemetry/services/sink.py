"""Where ticks go: into this process's engine, to the one on this machine that has it, or into a stream that workers read."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, Protocol, TypeVar

from django.db import DataError, Error, IntegrityError, connection

from zaitu.kernel import clock, heartbeat, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.engine import Engine, Outcome, Tick
from zaitu.telemetry.services.live import LiveFeed

P = ParamSpec("P")
R = TypeVar("R")

_PAUSE_FIRST_S: Final = 0.1
_PAUSE_LONGEST_S: Final = 2.0
_CHORES_S: Final = 1.0
_BETWEEN_S: Final = 0.04
_WRITTEN: Final = object()

log = logs.logger("telemetry.sink")


class Sink(Protocol):
    async def start(self) -> None:
        """Ready to take ticks; waits for what it needs."""

    async def put(self, tick: Tick) -> Outcome:
        """Returns when the tick is safe; ticks are taken in the order of the calls."""

    async def run(self) -> None:
        """Until cancelled; raises what made going on impossible."""

    async def stop(self) -> None: ...


class Threads:
    """Blocking database work beside an event loop; what fails because PostgreSQL is away is repeated until it is back."""

    def __init__(self, count: int, part: str) -> None:
        """`part`: whose heartbeat it is when the database has answered."""
        self._part = part
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"{part}-db")

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result. Repeats it while the database is away; raises its other errors."""
        loop = asyncio.get_running_loop()
        pause_s = _PAUSE_FIRST_S
        while True:
            try:
                result = await loop.run_in_executor(
                    self._threads, lambda: _careful(function, *args, **kwargs)
                )
            except (DataError, IntegrityError):
                raise
            except Error as error:
                # PostgreSQL restarting, a deadlock, a full disk: the same call may succeed in a moment.
                numbers.RETRIES.inc()
                log.warning("the database did not answer; repeating", error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_LONGEST_S)
            else:
                heartbeat.beat(self._part)
                return result

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _careful(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        # Back to the pool, which asks each connection whether it lives before it hands it out again.
        connection.close()


class EngineHost:
    """An engine in this process: its ticks, its chores, and the telling of live fixes. Belongs to one event loop."""

    def __init__(self, bus: BusClient, *, part: str, shard: int = 0, shard_count: int = 1) -> None:
        self.engine = Engine(shard, shard_count)
        self._feed = LiveFeed(bus, self.engine)
        # One thread: the engine is not for several, and ticks are stored in their order.
        self._threads = Threads(1, part)
        self._turn = asyncio.Lock()
        """Between a tick's preparing and its storing nothing else may be written."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take the shard; waits for PostgreSQL if need be."""
        await self._threads.call(self._open)
        self._tasks = [asyncio.create_task(self._chores()), asyncio.create_task(self._feed.watching())]

    def _open(self) -> None:
        self.engine.open(clock.now())

    async def put(self, tick: Tick) -> Outcome:
        """Raises shards.Fenced: end."""
        (outcome,) = await self.put_all([(None, tick)])
        return outcome

    async def put_all(self, ticks: Sequence[tuple[int | None, Tick]]) -> list[Outcome]:
        """In one transaction; each with its number, where it has one. Raises shards.Fenced: end."""
        async with self._turn:
            prepared = [
                await self._threads.call(self.engine.prepare, tick, sequence=sequence)
                for sequence, tick in ticks
            ]
            outcomes = await self._threads.call(self.engine.store_all, prepared)
        for outcome in outcomes:
            numbers.POSITIONS.labels("stored").inc(outcome.stored)
            numbers.POSITIONS.labels("duplicate").inc(outcome.duplicates)
            numbers.POSITIONS.labels("quarantined").inc(outcome.quarantined)
            numbers.FACTS.inc(outcome.facts)
            await self._feed.moved(outcome.moved)
        return outcomes

    async def run(self) -> None:
        """Until cancelled; raises what ended the chores (another engine has taken the shard)."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Write what memory holds and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._tasks:
            self._threads.close()
            return
        async with self._turn:
            try:
                await asyncio.wait_for(self._threads.call(self.engine.flush, clock.now(), everything=True), 5)
            except Exception:
                log.warning("the newest places were not written; they will be found again at start")
        self._threads.close()

    async def _chores(self) -> None:
        while True:
            began_s = time.monotonic()
            now = clock.now()
            async with self._turn:
                await self._threads.call(self.engine.refresh, now)
            flushing = self.engine.flushing(now)
            while True:  # ticks come in between
                async with self._turn:
                    if await self._threads.call(next, flushing, _WRITTEN) is _WRITTEN:
                        break
                # Spread over the second: one after the other they would make every other tick late.
                await asyncio.sleep(_BETWEEN_S if time.monotonic() - began_s < _CHORES_S else 0)
            async with self._turn:
                settled = await self._threads.call(self.engine.settle, now)
                silent = await self._threads.call(self.engine.timer, now)
            numbers.FACTS.inc(settled.facts + silent)
            numbers.LATE_FAILED.inc(settled.failed)
            await self._feed.tell()
            await asyncio.sleep(max(_CHORES_S - (time.monotonic() - began_s), 0))
