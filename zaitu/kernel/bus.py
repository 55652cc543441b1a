"""Live news between processes of one machine: publish and subscribe over a Unix socket.

For what may be lost (the newest fix, a session taken over, a cache hint): truth is rows. Messages are one JSON array
per line: `["pub", topic, payload]` and `["sub", pattern]` to the server, `[topic, payload]` from it. A subscriber that
reads too slowly loses its oldest messages, and they are counted. Topics: `fix.42`; patterns: `fix.*`.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Self

from prometheus_client import Counter

from zaitu.kernel import logs

_QUEUE: Final = 1_000
_BUNCH: Final = 50
_CLOSE_S: Final = 1.0
_TELL_S: Final = 0.5
_LONGEST_LINE: Final = 1 << 20
_RECONNECT_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0)

log = logs.logger("kernel.bus")

Message = tuple[str, dict[str, Any]]
_DROPPED: Final = Counter(
    "zaitu_bus_dropped", "Live messages lost because their reader was too slow or the bus away"
)
"""Made here: metrics.py needs Django, and the bus runs without."""


class _Outgoing:
    """What waits to be written to one connection: bounded, the oldest goes first."""

    __slots__ = ("_limit", "_lines", "_more", "dropped")

    def __init__(self, limit: int) -> None:
        self._lines: deque[bytes] = deque()
        self._limit = limit
        self._more = asyncio.Event()
        self.dropped = 0

    def put(self, line: bytes) -> None:
        if len(self._lines) >= self._limit:
            self._lines.popleft()
            self.dropped += 1
            _DROPPED.inc()
        self._lines.append(line)
        self._more.set()

    async def write_to(self, writer: asyncio.StreamWriter) -> None:
        """Write what comes, in bunches, until cancelled or the connection ends."""
        with contextlib.suppress(OSError):
            while True:
                await self._more.wait()
                self._more.clear()
                while self._lines:
                    bunch = [self._lines.popleft() for _ in range(min(_BUNCH, len(self._lines)))]
                    writer.writelines(bunch)
                    await writer.drain()


class _Subscriber:
    __slots__ = ("outgoing", "patterns")

    def __init__(self, queue: int) -> None:
        self.patterns: list[str] = []
        self.outgoing = _Outgoing(queue)

    def wants(self, topic: str) -> bool:
        return any(fnmatchcase(topic, pattern) for pattern in self.patterns)


def tell(path: str | Path, topic: str, payload: dict[str, Any]) -> bool:
    """Publish one message from code without an event loop, after its commit; whether the server took it.

    For what somebody would find in the rows a few seconds later. At most `_TELL_S` seconds when the server hangs.
    """
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(_TELL_S)
            one.connect(str(path))
            one.sendall(_line(["pub", topic, payload]))
    except OSError as error:
        log.info("the bus did not take a message", topic=topic, error=type(error).__name__)
        return False
    return True


class BusServer:
    """The exchange. One per installation; runs in any asyncio process."""

    def __init__(self, path: str | Path, *, queue: int = _QUEUE) -> None:
        """`queue`: messages kept for one slow subscriber."""
        self._path = Path(path)
        self._queue = queue
        self._subscribers: set[_Subscriber] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Messages that slow subscribers have lost since start."""
        return self._dropped + sum(one.outgoing.dropped for one in self._subscribers)

    async def start(self) -> None:
        """Listen (mode 0600). A socket file that a killed server left is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._connected, path=str(self._path), limit=_LONGEST_LINE
            )
        finally:
            os.umask(old)

    async def stop(self) -> None:
        """Close every connection; clients reconnect to the next server."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """From within the server's own process and event loop."""
        self._spread(topic, _line([topic, payload]))

    def _spread(self, topic: str, line: bytes) -> None:
        for one in self._subscribers:
            if one.wants(topic):
                one.outgoing.put(line)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio 3.11 reports one that it made itself as failed when it is cancelled.
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = _Subscriber(self._queue)
        sender = asyncio.create_task(one.outgoing.write_to(writer))
        self._subscribers.add(one)
        try:
            await self._read(reader, one)
        except (OSError, ValueError, RecursionError) as error:
            log.info("a client went", error=type(error).__name__)
        finally:
            self._subscribers.discard(one)
            self._dropped += one.outgoing.dropped
            sender.cancel()
            await _close(writer)

    async def _read(self, reader: asyncio.StreamReader, one: _Subscriber) -> None:
        while line := await reader.readline():
            match json.loads(line):
                case ["pub", str(topic), dict(payload)]:
                    self._spread(topic, _line([topic, payload]))
                case ["sub", str(pattern)]:
                    one.patterns.append(pattern)
                    one.outgoing.put(_line(["", {"subscribed": pattern}]))
                case _:
                    raise ValueError("not a bus message")


class BusClient:
    """One connection for publishing and one per subscription; each comes back by itself.

    Belongs to one event loop; only `publish_soon` may be called from other threads.
    """

    def __init__(self, path: str | Path, *, queue: int = _QUEUE) -> None:
        """`queue`: messages kept while the server is away; then the oldest are dropped."""
        self._path = str(path)
        self._queue = queue
        self._outgoing: _Outgoing | None = None
        self._publisher: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Bind to the running loop; `publish` does it too, `publish_soon` from a thread needs it done before."""
        if self._publisher is None:
            self._loop = asyncio.get_running_loop()
            self._outgoing = _Outgoing(self._queue)
            self._publisher = asyncio.create_task(self._publish_forever(self._outgoing))

    async def close(self) -> None:
        if self._publisher is not None:
            self._publisher.cancel()
            await asyncio.gather(self._publisher, return_exceptions=True)
            self._publisher = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def dropped(self) -> int:
        """Messages that found no room while the server was away."""
        return 0 if self._outgoing is None else self._outgoing.dropped

    async def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Hand a message over; returns at once, delivery is best effort."""
        await self.start()
        assert self._outgoing is not None  # noqa: S101  start() has just made it
        self._outgoing.put(_line(["pub", topic, payload]))

    def publish_soon(self, topic: str, payload: dict[str, Any]) -> None:
        """As `publish`, from any thread. Raises RuntimeError before `start`."""
        if self._loop is None or self._outgoing is None:
            raise RuntimeError("the bus client has not been started")
        self._loop.call_soon_threadsafe(self._outgoing.put, _line(["pub", topic, payload]))

    async def subscribe(self, pattern: str) -> AsyncIterator[Message]:
        """Messages whose topic matches (`*` any run of characters), from now on, until the iterator is closed.

        After a break it goes on with what is published then; what came between is lost.
        """
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE)
            except OSError:
                await asyncio.sleep(_RECONNECT_S[min(tries, len(_RECONNECT_S) - 1)])
                tries += 1
                continue
            tries = 0
            try:
                writer.write(_line(["sub", pattern]))
                while line := await reader.readline():
                    topic, payload = json.loads(line)
                    if topic:
                        yield topic, payload
            except (OSError, ValueError):
                log.info("the bus went; subscribing again", pattern=pattern)
            finally:
                await _close(writer)
            await asyncio.sleep(_RECONNECT_S[0])

    async def _publish_forever(self, outgoing: _Outgoing) -> None:
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE)
            except OSError:
                await asyncio.sleep(_RECONNECT_S[min(tries, len(_RECONNECT_S) - 1)])
                tries += 1
                continue
            tries = 0
            sender = asyncio.create_task(outgoing.write_to(writer))
            ended = asyncio.create_task(
                reader.read()
            )  # the server says nothing here: this ends with the connection
            try:
                await asyncio.wait({sender, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                sender.cancel()
                await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is buffered and close; a peer that does not read is cut off after a second."""
    writer.close()  # before the first await, which may be cancelled
    try:
        async with asyncio.timeout(_CLOSE_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()


def _line(message: list[Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
