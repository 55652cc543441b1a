"""The port of locks that speak Jointech's languages: `$` frames, sentences in brackets, 7e frames, mixed in one stream.

Nothing in them proves who speaks: a lock is let in by its number (ADR 78), and a connection stays with the first one let in on it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.elock import Deframer, ElockError, Report, answer_of, decode
from zaitu.telemetry.codecs.jt808 import Result
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.fronts.front import READ_BYTES, listening
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.locks import Lock, LockDesk
from zaitu.telemetry.services import quarantine
from zaitu.telemetry.services.threads import Threads

log = logs.logger("telemetry.gateway")
_BACKLOG: Final = 256


class LockPort:
    def __init__(
        self, desk: LockDesk, *, database: Threads, limits: Limits, hear: Callable[[str], None]
    ) -> None:
        self.desk = desk
        self.limits = limits
        self.hear = hear
        """A lock has given a sign of life."""
        self._database = database
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, str] = {}
        """Connections, and the lock let in on each."""

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else 0

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_server(
            self._serve, sock=listening(host, port), limit=READ_BYTES, backlog=_BACKLOG
        )

    def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        for writer in list(self._open):
            writer.close()

    async def admit(self, device: str, writer: asyncio.StreamWriter) -> Lock | None:
        """A lock that is let in; any other connection of it is dead."""
        lock = await self.desk.open(device)
        if lock is not None:
            for other in [one for one, name in self._open.items() if name == device]:
                other.close()
            self._open[writer] = device
        return lock

    async def set_aside(self, device: str, frame: bytes) -> None:
        """What a stranger said, for an administrator to look at."""
        await self._database.call(
            quarantine.frame_set_aside,
            terminal=device,
            content=frame,
            reason=quarantine.STRANGER,
            now=clock.now(),
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self.limits.locks:
            numbers.CLOSED.labels("full").inc()
            writer.close()
            return
        self._open[writer] = ""
        talk = _Talk(self, reader, writer)
        try:
            why = await talk.run()
            numbers.CLOSED.labels(why).inc()
            log.info("connection of a lock closed", why=why, terminal=self._open[writer])
        except (OSError, ConnectionError):
            pass
        except Exception:
            log.exception("a lock's connection failed")
        finally:
            del self._open[writer]
            writer.transport.abort()


class _Talk:
    """One connection."""

    def __init__(self, port: LockPort, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._port = port
        self._reader = reader
        self._writer = writer
        self._deframer = Deframer()
        self._lock: Lock | None = None
        self._bad_in_a_row = 0
        self._refused = 0

    async def run(self) -> str:
        """Until the connection is to be closed; why."""
        limits = self._port.limits
        opened_s = asyncio.get_running_loop().time()
        while True:
            since_s = asyncio.get_running_loop().time() - opened_s
            wait_s = limits.lock_idle_s if self._lock else limits.authenticate_s - since_s
            try:
                data = await asyncio.wait_for(self._reader.read(READ_BYTES), max(wait_s, 0.001))
            except TimeoutError:
                return "idle" if self._lock else "unauthenticated"
            if not data:
                return "gone"
            await self._take(self._deframer.feed(data))
            try:
                await asyncio.wait_for(self._writer.drain(), limits.unread_s)
            except TimeoutError:
                return "unread"
            for name, too_much in {
                "junk": self._deframer.junk_bytes > limits.junk_bytes,
                "bad_frames": self._bad_in_a_row > limits.bad_frames,
                "refused": self._refused >= limits.refusals,
            }.items():
                if too_much:
                    return name

    async def _take(self, frames: list[bytes]) -> None:
        """Frames of one reading: put together into the store, answered in their order. Nothing more is read before."""
        waiting: list[tuple[Report, asyncio.Future[int]]] = []
        for frame in frames:
            try:
                report = decode(frame)
            except ElockError as error:
                numbers.BAD_FRAMES.labels(error.code).inc()
                self._bad_in_a_row += 1
                continue
            self._bad_in_a_row = 0
            numbers.LOCK_REPORTS.labels(report.form, report.kind).inc()
            if await self._is_in(report, frame):
                waiting.append((report, self._put(report)))
        for report, stored in waiting:
            result = await stored
            answer = answer_of(report, clock.now())
            # Also what the database refuses: it is in the quarantine, and would never be taken.
            if answer is not None and result != Result.FAILED:
                self._writer.write(answer)

    async def _is_in(self, report: Report, frame: bytes) -> bool:
        if self._lock is None:
            self._lock = await self._port.admit(report.device, self._writer)
        if self._lock is not None and report.device == self._lock.terminal:
            return True
        self._refused += 1
        await self._port.set_aside(report.device, frame)
        return False

    def _put(self, report: Report) -> asyncio.Future[int]:
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self._lock is None or not report.fixes:
            self._port.hear(report.device)
            stored.set_result(Result.OK)
            return stored

        def done(result: int) -> None:
            if not stored.done():
                stored.set_result(result)

        self._port.desk.put(self._lock, report.fixes, backfill=report.backfill, done=done)
        return stored
