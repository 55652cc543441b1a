"""The engine's door for other processes of this machine (phones' HTTP, further gateways): a Unix socket.

Asked: WORD32 length and a tick (codecs.packed). Answered in order, when it is stored: WORD32 length and the outcome as JSON.
"""

import asyncio
import contextlib
import json
import struct
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from zaitu.kernel import logs
from zaitu.kernel.errors import Unavailable
from zaitu.telemetry.codecs.columns import microseconds
from zaitu.telemetry.codecs.packed import Unreadable, columns_pack, columns_unpack
from zaitu.telemetry.services import numbers
from zaitu.telemetry.services.sink import Sink
from zaitu.telemetry.services.ticks import Outcome, Tick

_LENGTH: Final = struct.Struct("<I")
_LONGEST: Final = 64 * 1024 * 1024
_ANSWER_S: Final = 30.0
_AGAIN_S: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = logs.logger("telemetry.door")


def door_path(bus_path: str | Path) -> Path:
    return Path(bus_path).with_name("engine.sock")


class Door:
    """In the process that has the engine."""

    def __init__(self, path: Path, sink: Sink) -> None:
        self._path = path
        self._sink = sink
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._line, self._path)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                outcome = await self._sink.put(_tick(await _read(reader)))
                writer.write(_told(_outcome_json(outcome)))
                await writer.drain()
        writer.close()


class DoorSink:
    """In every other process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[Outcome]] = deque()
        self._connecting = asyncio.Lock()

    async def start(self) -> None:
        """Connects when the first tick is to be told."""

    async def put(self, tick: Tick) -> Outcome:
        """Raises Unavailable when the engine does not answer: whether the tick is stored is not known then; it may be sent again."""
        writer = await self._connected()
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        try:
            writer.write(_told(columns_pack(tick.columns, microseconds(tick.received_at))))
            return await asyncio.wait_for(answer, _ANSWER_S)
        except (OSError, TimeoutError) as error:
            self._lost()
            raise Unavailable("the position store does not answer") from error

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self._lost()

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                try:
                    reader, self._writer = await asyncio.open_unix_connection(self._path)
                except OSError as error:
                    raise Unavailable("the position store is not there") from error
                self._reading = asyncio.create_task(self._read_answers(reader))
            return self._writer

    async def _read_answers(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                outcome = _outcome(json.loads(await _read(reader)))
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(outcome)
        self._lost()

    def _lost(self) -> None:
        """The connection is gone, and with it the answers that were to come."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(ConnectionError("the engine's door closed"))


class Patient:
    """For processes beside the engine's (further gateways, sensors): devices wait while the engine is away, and a tick that may be stored is told again."""

    def __init__(self, sink: DoorSink) -> None:
        self._sink = sink
        self._turn = asyncio.Lock()
        """A tick told again comes before the next one."""

    async def start(self) -> None:
        await self._sink.start()

    async def put(self, tick: Tick) -> Outcome:
        async with self._turn:
            while True:
                try:
                    return await self._sink.put(tick)
                except Unavailable:
                    numbers.RETRIES.inc()
                    log.warning("the position store does not answer; telling it again")
                    await asyncio.sleep(_AGAIN_S)

    async def run(self) -> None:
        await self._sink.run()

    async def stop(self) -> None:
        await self._sink.stop()


def _tick(content: bytes) -> Tick:
    try:
        columns, received_us = columns_unpack(content)
    except Unreadable as error:
        raise OSError(str(error)) from error
    return Tick(received_at=_EPOCH + timedelta(microseconds=received_us), columns=columns)


async def _read(reader: asyncio.StreamReader) -> bytes:
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if size > _LONGEST:
        raise OSError(f"{size} bytes are too many")
    return await reader.readexactly(size)


def _told(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


_COUNTS: Final = ("stored", "duplicates", "quarantined", "doubtful", "facts")


def _outcome_json(outcome: Outcome) -> bytes:
    return json.dumps(
        {
            **{name: getattr(outcome, name) for name in _COUNTS},
            "unstorable": outcome.unstorable.tolist(),
        }
    ).encode()


def _outcome(told: dict[str, int | list[int]]) -> Outcome:
    unstorable = np.array(told["unstorable"], dtype=np.int64)
    counts = {name: int(told[name]) for name in _COUNTS}  # type: ignore[arg-type]
    return Outcome(**counts, unstorable=unstorable, moved=np.empty(0, dtype=np.int64))
