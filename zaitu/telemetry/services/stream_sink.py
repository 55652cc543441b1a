"""Several machines: gateways put ticks into a stream (and workers take them out: streams)."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Final

import numpy as np

from zaitu.telemetry.adapters.registry import Registry
from zaitu.telemetry.adapters.shards import shard_of
from zaitu.telemetry.adapters.stream import Stream
from zaitu.telemetry.codecs.columns import NONE, Ints, columns_take, microseconds
from zaitu.telemetry.codecs.packed import columns_pack
from zaitu.telemetry.domain.stream import Setup
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Outcome, Tick

ROWS_MAX: Final = 2_000
"""In one message; a server takes a megabyte."""
_SESSIONS: Final = "zaitu.sessions"
_REFRESH_S: Final = 1.0


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


def _bunches(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), ROWS_MAX):
        yield rows[start : start + ROWS_MAX]
