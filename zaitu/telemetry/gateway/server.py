"""The gateway process: connections, their watchdog, and the ticks that read and answer them."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from zaitu.kernel import clock, heartbeat, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.codecs.columns import Ints
from zaitu.telemetry.codecs.jt808.parts import PartLimits
from zaitu.telemetry.codecs.jt808.profiles import STANDARD
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.commands import CommandDesk
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.gateway.fronts.front import Front
from zaitu.telemetry.gateway.fronts.protocols import ProtocolFront
from zaitu.telemetry.gateway.fronts.sweep import SweepFront
from zaitu.telemetry.gateway.intake import Entry, Intake
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.lock_port import LockPort
from zaitu.telemetry.gateway.locks import LockDesk
from zaitu.telemetry.gateway.parts import PartDesk
from zaitu.telemetry.gateway.session import Session
from zaitu.telemetry.gateway.signin import SignIns
from zaitu.telemetry.gateway.warm import kernels_warm
from zaitu.telemetry.services.door import Door, door_path
from zaitu.telemetry.services.partitions import LOOK_S, SUMMARISE_S, Keeper
from zaitu.telemetry.services.sink import Far
from zaitu.telemetry.services.sinks import engine_made, has_engine, sink_made
from zaitu.telemetry.services.terminals import terminals_heard
from zaitu.telemetry.services.threads import Threads

PART: Final = "gateway"
_WATCH_S: Final = 0.5
_BEAT_S: Final = 1.0
_PARTS_S: Final = 1.0
_HEARD_S: Final = 10.0
_STOP_S: Final = 5.0
_HANG_UP_S: Final = 1.0
_DATABASE_THREADS: Final = 4

log = logs.logger("telemetry.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a gateway works; from the settings."""

    tick_s: float
    bus_path: str | Path
    front: str = "sweep"
    """`sweep` or `uvloop`."""
    elock_port: int | None = None
    """Of locks with languages of their own; 0: any that is free, None: they are not served."""
    tls: ssl.SSLContext | None = None
    """With `uvloop` only."""
    number: int = 1
    """Of the gateways on this machine: the first has the engine, or tells the stream; the others reach it by its door."""
    limits: Limits = field(default_factory=Limits)
    parts: PartLimits = field(default_factory=PartLimits)


class Gateway:
    def __init__(self, setup: Setup) -> None:
        self.limits = setup.limits
        self._first = setup.number == 1
        self._elock_port = setup.elock_port
        self._part = PART if self._first else f"{PART}-{setup.number}"
        self.database = Threads(_DATABASE_THREADS, self._part)
        self.sign_ins = SignIns(self.database)
        self.bus = BusClient(setup.bus_path)
        self.commands = CommandDesk(send=self.send, database=self.database, limits=setup.limits)
        self.heard: set[str] = set()
        """Terminals that sent a heartbeat since it was last written down."""
        self.connections = Connections(setup.limits)
        self._front: Front = (
            SweepFront(self, setup.limits.connections)
            if setup.front == "sweep"
            else ProtocolFront(self, tls=setup.tls)
        )
        self._sink = (
            engine_made(self.bus, part=self._part)
            if has_engine(first=self._first)
            else sink_made(part=self._part, patient=True)
        )
        self._far = self._sink if isinstance(self._sink, Far) else None
        """What reaches the gateways of other machines."""
        self._door = Door(door_path(setup.bus_path), self._sink)
        self._intake = Intake(
            front=self._front, connections=self.connections, desk=self, sink=self._sink, tick_s=setup.tick_s
        )
        self.locks = LockDesk(self.database, self.put)
        self.lock_port = LockPort(self.locks, database=self.database, limits=setup.limits, hear=self.hear)
        self._keeper = Keeper()
        self._name = uuid.uuid4().hex
        self._sessions: dict[int, Session] = {}
        """By slot; made when a connection says something that is no position."""
        self._of_terminal: dict[str, Session] = {}
        self.parts = PartDesk(self._of_terminal.get, setup.parts)
        self._chores: list[asyncio.Task[None]] = []
        self._storing: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return self._front.port

    async def start(self, host: str, port: int) -> None:
        """Listen once the store is ready; waits for PostgreSQL if need be. Raises OSError."""
        await self.bus.start()
        kernels_warm(clock.now(), engine=has_engine(first=self._first))
        await self._partitions()
        await self._sink.start()
        if self._first:
            await self._door.open()
        await self._front.start(host, port)
        if self._elock_port is not None:
            await self.lock_port.start(host, self._elock_port)
        self._storing = asyncio.create_task(self._intake.run())
        self._chores = [
            asyncio.create_task(self._listen_for_takeovers()),
            asyncio.create_task(self._listen_far()),
            asyncio.create_task(self.commands.listen(self.bus)),
            asyncio.create_task(self.commands.run()),
            asyncio.create_task(self._every(_WATCH_S, self._watch)),
            asyncio.create_task(self._every(_BEAT_S, self._beat)),
            asyncio.create_task(self._every(_HEARD_S, self._write_heard)),
            asyncio.create_task(self._every(_PARTS_S, self.parts.look)),
            asyncio.create_task(self._every(LOOK_S, self._partitions)),
            asyncio.create_task(self._every(SUMMARISE_S, self._summarise)),
        ]
        log.info("listening", port=self.port)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; what has been received is stored and acknowledged before the end.

        Raises whatever ended the storing, should it end by itself: a gateway that acknowledges nothing must be started anew.
        """
        ended = await self._until(stop)
        self._front.stop_listening()
        self.lock_port.stop_listening()
        for task in self._chores:
            task.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._intake.close()
        if self._storing is not None:
            await asyncio.wait({self._storing}, timeout=_STOP_S)
        await self.locks.drain()
        await self._disconnect()
        await self._door.close()
        await self._sink.stop()
        await self.commands.close()
        await self.bus.close()
        self.database.close()
        if ended is not None:
            ended.result()

    async def _disconnect(self) -> None:
        """Let the last answers go out, then hang up."""
        self.lock_port.close()
        for slot in list(self.connections.open_now):
            self.close(slot, "shutdown", softly=True)
        until_s = time.monotonic() + _HANG_UP_S
        while self.connections.open_now and time.monotonic() < until_s:
            self._front.gather()  # which sends what waits
            await asyncio.sleep(0.02)
        for slot in list(self.connections.open_now):
            self._front.close(slot)
        await asyncio.sleep(0)

    async def _until(self, stop: asyncio.Event) -> "asyncio.Task[None] | None":
        """Wait; the task that should not have ended, if one did."""
        asked = asyncio.create_task(stop.wait())
        hosting = asyncio.create_task(self._sink.run())
        needed = {hosting, *({self._storing} if self._storing is not None else set())}
        done, _ = await asyncio.wait({asked, *needed}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        hosting.cancel()
        return next((task for task in needed if task in done), None)

    # What the front tells

    def opened(self) -> int:
        slot = self.connections.open()
        if slot < 0:
            numbers.CLOSED.labels("full").inc()
        else:
            numbers.SESSIONS.inc()
        return slot

    def ended(self, slot: int) -> None:
        numbers.SESSIONS.dec()
        self.connections.close(slot)
        session = self._sessions.pop(slot, None)
        if session is not None:
            session.end()
            self.commands.left(session)
            if self._of_terminal.get(session.terminal) is session:
                del self._of_terminal[session.terminal]
                numbers.AUTHENTICATED.set(len(self._of_terminal))

    # What the intake tells

    def frame(self, slot: int, content: bytes) -> None:
        if slot in self.connections.open_now:
            self._sessions.setdefault(slot, Session(self, slot)).feed(content)

    def alive(self, slots: Ints) -> None:
        self.heard.update(self.connections.terminal[slot] for slot in slots.tolist())

    # What sessions ask

    async def authenticated(self, session: Session) -> None:
        """A terminal has authenticated here: any other connection of it is dead, in this process and in others."""
        self._close_other(session.terminal, keep=session)
        self._of_terminal[session.terminal] = session
        numbers.AUTHENTICATED.set(len(self._of_terminal))
        self.commands.arrived(session)
        await self.bus.publish(f"session.{session.terminal}", {"gateway": self._name})
        if self._far is not None:
            await self._far.session_told(session.terminal, self._name)

    def settled(self, session: Session) -> None:
        self.connections.authenticated(
            session.slot, session.terminal, columnar=session.profile.name == STANDARD.name
        )

    def put(self, entry: Entry) -> None:
        self._intake.put(entry)

    def send(self, slot: int, frame: Callable[[int], bytes]) -> None:
        serial = int(self.connections.serial[slot])
        self.connections.serial[slot] = serial + 1 & 0xFFFF
        content = np.frombuffer(bytearray(frame(serial)), dtype=np.uint8)
        self._front.send(content, np.array([[slot, 0, len(content)]]), 1)

    def hear(self, terminal: str) -> None:
        self.heard.add(terminal)

    def admitted(self, slot: int, terminal: str) -> None:
        """A lock is let in by its number; its frames stay with its session."""
        self.connections.authenticated(slot, terminal, columnar=False)

    def good(self, slot: int) -> None:
        self.connections.wires.bad_in_a_row[slot] = 0

    def bad(self, slot: int) -> None:
        self.connections.wires.bad_in_a_row[slot] += 1

    def close(self, slot: int, why: str, *, softly: bool = False) -> None:
        numbers.CLOSED.labels(why).inc()
        log.info("connection closed", why=why, terminal=self.connections.terminal[slot])
        self._front.close(slot, softly=softly)

    # Chores

    def _close_other(self, terminal: str, keep: Session | None = None) -> None:
        other = self._of_terminal.get(terminal)
        if other is not None and other is not keep:
            self.close(other.slot, "taken_over")

    async def _listen_for_takeovers(self) -> None:
        async for topic, payload in self.bus.subscribe("session.*"):
            if payload.get("gateway") != self._name:
                self._close_other(topic.removeprefix("session."))

    async def _listen_far(self) -> None:
        """The same of gateways on other machines."""
        if self._far is not None:
            async for terminal, gateway in self._far.sessions():
                if gateway != self._name:
                    self._close_other(terminal)

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except Exception:
                log.exception("a chore failed; trying again later")

    async def _watch(self) -> None:
        now_s = time.monotonic()
        connections = self.connections
        unsent = self._front.unsent()
        for slot in np.flatnonzero(np.isfinite(connections.unsent_s)).tolist():
            if slot not in unsent:
                connections.unsent_s[slot] = np.inf
        for slot, size in unsent.items():
            connections.unsent_s[slot] = min(float(connections.unsent_s[slot]), now_s)
            if size > self.limits.unread_bytes:
                connections.unsent_s[slot] = -np.inf
        for slot, why in connections.misbehaving(now_s).items():
            self.close(slot, why)

    async def _beat(self) -> None:
        heartbeat.beat(self._part)

    async def _write_heard(self) -> None:
        heard, self.heard = self.heard, set()
        if heard:
            await self.database.call(terminals_heard, heard, now=clock.now())

    async def _partitions(self) -> None:
        await self.database.call(self._keeper.look, clock.now())

    async def _summarise(self) -> None:
        await self.database.call(self._keeper.summarise, clock.now())
