"""The gateway process: sessions, their watchdog, and the chores of the position store."""

import asyncio
import contextlib
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from zaitu.kernel import clock, heartbeat, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.partitions import partitions_ensure
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.database import PART, Database
from zaitu.telemetry.gateway.intake import Intake
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.session import Session
from zaitu.telemetry.services.facts import late_settle
from zaitu.telemetry.services.terminals import terminals_heard

_WATCH_S: Final = 0.5
_SETTLE_S: Final = 1.0
_HEARD_S: Final = 10.0
_PARTITIONS_S: Final = timedelta(hours=1).total_seconds()
_READ_BUFFER: Final = 16 * 1024
"""Bytes of one connection held unread; then TCP makes the terminal wait."""
_SEND_BUFFER: Final = 32 * 1024
"""Bytes the kernel holds for a terminal that does not read; the default grows to megabytes."""
_STOP_S: Final = 5.0
_DATABASE_THREADS: Final = 4

log = logs.logger("telemetry.gateway")


class Gateway:
    def __init__(self, *, tick_s: float, bus_path: str | Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.database = Database(_DATABASE_THREADS)
        self.bus = BusClient(bus_path)
        self.intake = Intake(tick_s=tick_s, limits=self.limits, bus=self.bus)
        self.heard: set[str] = set()
        """Terminals that sent a heartbeat since it was last written down."""
        self._name = uuid.uuid4().hex
        self._sessions: dict[Session, asyncio.Task[None] | None] = {}
        self._of_terminal: dict[str, Session] = {}
        self._chores: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None
        self._storing: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self, host: str, port: int) -> None:
        """Listen once the store is ready; waits for PostgreSQL if need be."""
        await self.bus.start()
        await self.database.call(partitions_ensure, clock.now())
        self._storing = asyncio.create_task(self.intake.run())
        self._chores = [
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._listen_for_takeovers()),
            asyncio.create_task(self._every(_SETTLE_S, self._settle)),
            asyncio.create_task(self._every(_HEARD_S, self._write_heard)),
            asyncio.create_task(self._every(_PARTITIONS_S, self._partitions)),
        ]
        self._server = await asyncio.start_server(
            self._connected, host, port, limit=_READ_BUFFER, backlog=4_096
        )
        log.info("listening", port=self.port)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; what has been received is stored and acknowledged before the end.

        Raises whatever ended the storing, should it end by itself: a gateway that acknowledges nothing must be started anew.
        """
        await self._until(stop)
        if self._server is not None:
            self._server.close()
        tasks = [task for task in self._sessions.values() if task is not None]
        for task in [*self._chores, *tasks]:
            task.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self.intake.close()
        if self._storing is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._storing), _STOP_S)
        for session in list(self._sessions):
            session.close("shutdown")
        await self.bus.close()
        self.database.close()

    async def _until(self, stop: asyncio.Event) -> None:
        asked = asyncio.create_task(stop.wait())
        storing = {self._storing} if self._storing is not None else set()
        await asyncio.wait({asked, *storing}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        session = Session(self, reader, writer)
        if len(self._sessions) >= self.limits.connections:
            session.close("full")
            return
        self._sessions[session] = asyncio.current_task()
        numbers.SESSIONS.inc()
        try:
            await session.run()
        except (OSError, asyncio.CancelledError):
            # Cancelled at shutdown: the connection stays open for the last acknowledgements.
            pass
        except Exception:
            log.exception("a session failed")
        finally:
            self._ended(session, writer)

    def _ended(self, session: Session, writer: asyncio.StreamWriter) -> None:
        numbers.SESSIONS.dec()
        if self._of_terminal.get(session.terminal) is session:
            del self._of_terminal[session.terminal]
        numbers.AUTHENTICATED.set(len(self._of_terminal))
        if self._server is not None and self._server.is_serving():
            del self._sessions[session]
            writer.close()

    async def taken_over(self, session: Session) -> None:
        """A terminal has authenticated here: any other connection of it is dead, in this process and in others."""
        self._close_other(session.terminal, "taken_over", keep=session)
        self._of_terminal[session.terminal] = session
        numbers.AUTHENTICATED.set(len(self._of_terminal))
        await self.bus.publish(f"session.{session.terminal}", {"gateway": self._name})

    def _close_other(self, terminal: str, why: str, keep: Session | None = None) -> None:
        other = self._of_terminal.get(terminal)
        if other is not None and other is not keep:
            other.close(why)

    async def _listen_for_takeovers(self) -> None:
        async for topic, payload in self.bus.subscribe("session.*"):
            if payload.get("gateway") != self._name:
                self._close_other(topic.removeprefix("session."), "taken_over")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            now_s = time.monotonic()
            for session in list(self._sessions):
                if why := session.misbehaving(now_s):
                    session.close(why)

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except Exception:
                log.exception("a chore failed; trying again later")

    async def _settle(self) -> None:
        numbers.FACTS.inc(await self.database.call(late_settle, clock.now()))
        heartbeat.beat(PART)

    async def _write_heard(self) -> None:
        heard, self.heard = self.heard, set()
        if heard:
            await self.database.call(terminals_heard, heard, now=clock.now())

    async def _partitions(self) -> None:
        await self.database.call(partitions_ensure, clock.now())
