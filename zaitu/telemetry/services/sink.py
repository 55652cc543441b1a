"""Where ticks go: into this process's engine, to the one on this machine that has it, or into a stream that workers read."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, Protocol, TypeVar

from django.db import DataError, Error, IntegrityError, connection

from zaitu.kernel import clock, heartbeat, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.live import LiveFeed
from zaitu.telemetry.services.ticks import Outcome, Prepared, Tick

P = ParamSpec("P")
R = TypeVar("R")

_PAUSE_FIRST_S: Final = 0.1
_PAUSE_LONGEST_S: Final = 2.0
_CHORES_S: Final = 1.0
_BETWEEN_S: Final = 0.04
_STOP_S: Final = 5.0
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
        self._closing = threading.Event()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result. Repeats it while the database is away; raises its other errors."""
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs))

    def submit(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """`call`, from any thread. One thread takes one function after the other, and the next not before the repeated one has succeeded."""
        return self._threads.submit(lambda: self._patiently(function, *args, **kwargs))

    def _patiently(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        pause_s = _PAUSE_FIRST_S
        while True:
            try:
                result = _careful(function, *args, **kwargs)
            except (DataError, IntegrityError):
                raise
            except Error as error:
                # PostgreSQL restarting, a deadlock, a full disk: the same call may succeed in a moment.
                numbers.RETRIES.inc()
                log.warning("the database did not answer; repeating", error=type(error).__name__)
                if self._closing.wait(pause_s):
                    raise
                pause_s = min(pause_s * 2, _PAUSE_LONGEST_S)
            else:
                heartbeat.beat(self._part)
                return result

    def close(self) -> None:
        """What runs comes to its end, but is not repeated any more."""
        self._closing.set()
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
        # One thread for memory, two for the table: while a tick is worked out, the one before is copied and the one before
        # that committed. They are committed in their order.
        self._memory = Threads(1, part)
        self._tables = deque(Threads(1, part) for _ in range(2))
        self._storing: Future[list[Outcome]] | None = None
        """Of the newest tick worked out."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take the shard; waits for PostgreSQL if need be."""
        await self._memory.call(self._open)
        self._tasks = [asyncio.create_task(self._chores()), asyncio.create_task(self._feed.watching())]

    def _open(self) -> None:
        self.engine.open(clock.now())

    async def put(self, tick: Tick) -> Outcome:
        """Raises shards.Fenced: end."""
        (outcome,) = await self.put_all([(None, tick)])
        return outcome

    async def put_all(self, ticks: Sequence[tuple[int | None, Tick]]) -> list[Outcome]:
        """In one transaction; each with its number, where it has one. Raises shards.Fenced: end."""
        storing = await self._memory.call(self._begin, ticks, [])
        # Memory has moved on: whoever waits may be cancelled, the storing may not.
        outcomes = await asyncio.shield(asyncio.wrap_future(storing))
        for outcome in outcomes:
            numbers.POSITIONS.labels("stored").inc(outcome.stored)
            numbers.POSITIONS.labels("duplicate").inc(outcome.duplicates)
            numbers.POSITIONS.labels("quarantined").inc(outcome.quarantined)
            numbers.FACTS.inc(outcome.facts)
            await self._feed.moved(outcome.moved)
        return outcomes

    def _begin(
        self, ticks: Sequence[tuple[int | None, Tick]], prepared: list[Prepared]
    ) -> Future[list[Outcome]]:
        """Work the ticks out and have them stored. `prepared`: those of them that were worked out before it had to be repeated."""
        for sequence, tick in ticks[len(prepared) :]:
            prepared.append(self.engine.prepare(tick, sequence=sequence))
        self._tables.rotate()
        self._storing = self._tables[0].submit(self.engine.store_all, prepared, after=_end_of(self._storing))
        return self._storing

    async def _alone(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """While every tick that was worked out is stored: what is written then is never ahead of the table."""

        def after_storing() -> R:
            _end_of(self._storing)()
            return function(*args, **kwargs)

        return await self._memory.call(after_storing)

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
        for threads in (*self._tables, self._memory):
            threads.close()

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
            numbers.LATE_FAILED.inc(settled.failed)
            await self._feed.tell()
            await asyncio.sleep(max(_CHORES_S - (time.monotonic() - began_s), 0))


def _end_of(storing: Future[list[Outcome]] | None) -> Callable[[], object]:
    """Returns when that has ended; raises its error."""
    return bool if storing is None else storing.result
