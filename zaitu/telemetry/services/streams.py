"""Several machines: gateways put ticks into a stream, workers take them out and store them, each shard in one of them at a time."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from zaitu.kernel import logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.registry import Registry
from zaitu.telemetry.adapters.shards import Fenced, shard_of, shards_leave, shards_share
from zaitu.telemetry.adapters.stream import Setup, Stream, Taken, Taking
from zaitu.telemetry.codecs.columns import NONE, Ints, columns_take, microseconds
from zaitu.telemetry.codecs.packed import Unreadable, columns_pack, columns_unpack
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.sink import EngineHost
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Outcome, Tick

ROWS_MAX: Final = 2_000
"""In one message; a server takes a megabyte."""
_SESSIONS: Final = "zaitu.sessions"
_REFRESH_S: Final = 1.0
_SHARE_S: Final = 1.0
_WAIT_S: Final = 0.5
_LEAVE_S: Final = 5.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = logs.logger("telemetry.streams")


class StreamSink:
    """Where a gateway's ticks go: safe means that the stream has confirmed them. Belongs to one event loop."""

    def __init__(self, setup: Setup, *, shards: int, part: str) -> None:
        self._stream = Stream(setup)
        self._shards = shards
        self._registry = Registry()
        self._threads = Threads(1, part)
        self._following: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        """Ticks go into the stream in the order they were given."""

    async def start(self) -> None:
        await self._threads.call(self._load)
        await self._stream.open()
        self._following = asyncio.create_task(self._follow())

    def _load(self) -> None:
        self._registry = Registry()
        self._registry.load()

    async def put(self, tick: Tick) -> Outcome:
        columns = tick.columns
        terminal = await self._threads.call(self._registry.slots_of, columns.terminals)
        shard = self._shard_of(terminal, microseconds(tick.received_at))[columns.terminal]
        async with self._turn:
            await asyncio.gather(
                *(self._put(int(one), tick, np.flatnonzero(shard == one)) for one in np.unique(shard))
            )
        numbers.POSITIONS.labels("streamed").inc(len(columns))
        nothing = np.empty(0, dtype=np.int64)
        return Outcome(
            stored=len(columns),
            duplicates=0,
            quarantined=0,
            doubtful=0,
            facts=0,
            unstorable=nothing,
            moved=nothing,
        )

    async def _put(self, shard: int, tick: Tick, rows: Ints) -> None:
        for some in _bunches(rows):
            content = columns_pack(columns_take(tick.columns, some), microseconds(tick.received_at))
            await self._stream.put(shard, content, name=uuid.uuid4().hex)

    def _shard_of(self, terminal: Ints, now_us: int) -> Ints:
        """By terminals: that of the vehicle each is in now, so that a vehicle's terminals meet in one engine."""
        keys = np.zeros(len(terminal), dtype=np.int64)
        for index, slot in enumerate(terminal.tolist()):
            if slot < 0:
                continue
            vehicle_id = self._registry.vehicle_at(slot, now_us)
            keys[index] = self._registry.memory.terminal_id[slot] if vehicle_id == NONE else vehicle_id
        return shard_of(keys, self._shards)

    async def session_told(self, terminal: str, gateway: str) -> None:
        """To the gateways of other machines: the terminal has authenticated at this one."""
        await self._stream.tell(_SESSIONS, {"terminal": terminal, "gateway": gateway})

    async def sessions(self) -> AsyncIterator[tuple[str, str]]:
        """(terminal, gateway) of what gateways tell, our own among them."""
        async for said in self._stream.hear(_SESSIONS):
            yield str(said.get("terminal")), str(said.get("gateway"))

    async def run(self) -> None:
        if self._following is not None:
            await self._following

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._stream.close()
        self._threads.close()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            await self._threads.call(self._registry.refresh)


class Ingest:
    """A worker: its share of the shards, each read and stored in order. Belongs to one event loop."""

    def __init__(self, setup: Setup, *, shards: int, bus: BusClient, part: str) -> None:
        self._stream = Stream(setup)
        self._shards = shards
        self._bus = bus
        self._part = part
        self._name = uuid.uuid4().hex
        self._threads = Threads(1, part)
        self._readers: dict[int, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises what made going on impossible."""
        await self._bus.start()
        await self._stream.open()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                # Asked to stop, it does so also while the database does not answer.
                sharing = asyncio.create_task(self._share())
                await asyncio.wait({stopping, sharing}, return_when=asyncio.FIRST_COMPLETED)
                if not sharing.done():
                    sharing.cancel()
                    break
                sharing.result()
                await asyncio.wait(
                    {stopping, *self._readers.values()},
                    timeout=_SHARE_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            stopping.cancel()
            await self._leave()

    async def _leave(self) -> None:
        # Side by side: each writes what its engine remembers.
        ended = await asyncio.gather(*map(self._end, list(self._readers)), return_exceptions=True)
        try:
            await asyncio.wait_for(self._threads.call(shards_leave, self._name), _LEAVE_S)
        except TimeoutError:
            log.warning("the database does not answer; others take the shards when the lease is over")
        await self._stream.close()
        self._threads.close()
        for one in ended:
            if isinstance(one, BaseException):
                raise one

    async def _share(self) -> None:
        for shard, task in list(self._readers.items()):
            if task.done():
                await self._end(shard)
        held = await self._threads.call(shards_share, self._name, self._shards, frozenset(self._readers))
        for shard in self._readers.keys() - held:
            await self._end(shard)
        for shard in held - self._readers.keys():
            log.info("reading", shard=shard)
            self._readers[shard] = asyncio.create_task(self._read(shard))

    async def _end(self, shard: int) -> None:
        task = self._readers.pop(shard)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        log.info("reading no more", shard=shard, why=type(ended).__name__)
        if isinstance(ended, Exception) and not isinstance(ended, Fenced):
            raise ended

    async def _read(self, shard: int) -> None:
        """Raises Fenced when another worker has taken the shard."""
        host = EngineHost(self._bus, part=self._part, shard=shard, shard_count=self._shards)
        try:
            await host.start()
            taking = await self._stream.take(shard)
            try:
                await self._pass_on(taking, host)
            finally:
                await taking.close()
        finally:
            # Also when the shard goes to another worker before we have begun.
            await host.stop()

    async def _pass_on(self, taking: Taking, host: EngineHost) -> None:
        chores = asyncio.create_task(host.run())
        while not chores.done():
            taken = await taking.next(_WAIT_S)
            if taken:
                # Not to be cut between storing and saying so: the next engine would be given it again, and wait for it.
                await asyncio.shield(_stored(host, taken))
        chores.result()


async def _stored(host: EngineHost, taken: Sequence[Taken]) -> None:
    """Store what is not stored yet, in one transaction, and say so."""
    ticks = []
    for one in taken:
        if one.sequence <= host.engine.sequence:
            continue
        try:
            columns, received_us = columns_unpack(one.content)
        except Unreadable:
            log.exception("a message of the stream is no tick; it is left out", sequence=one.sequence)
        else:
            at = _EPOCH + timedelta(microseconds=received_us)
            ticks.append((one.sequence, Tick(received_at=at, columns=columns)))
    if ticks:
        await host.put_all(ticks)
    for one in taken:
        await one.stored()


def _bunches(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), ROWS_MAX):
        yield rows[start : start + ROWS_MAX]
