"""Several machines: workers take ticks out of the stream (stream_sink) and store them, each shard in one of them at a time."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from zaitu.kernel import logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.shards import Fenced, shards_leave, shards_share
from zaitu.telemetry.adapters.stream import Stream, Taken, Taking
from zaitu.telemetry.codecs.packed import Unreadable, columns_unpack
from zaitu.telemetry.domain.stream import Setup
from zaitu.telemetry.services.host import EngineHost
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Tick

_SHARE_S: Final = 1.0
_WAIT_S: Final = 0.5
_LEAVE_S: Final = 5.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = logs.logger("telemetry.streams")


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
