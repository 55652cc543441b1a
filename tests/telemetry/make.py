"""Makers: vehicles, terminals, fixes, watches, and a terminal that speaks over TCP."""

import asyncio
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808 import Deframer, Message, decode
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink, position_body
from zaitu.telemetry.codecs.jt808.location import location_parse
from zaitu.telemetry.codecs.jt808.parts import PartLimits
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.server import Gateway, Setup
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.live import live_fixes
from zaitu.telemetry.services.ticks import Outcome, Tick

T = TypeVar("T")
ACTOR = system("test")
METRE = 1 / 111_195.08
"""Degrees of latitude."""
_numbers = count(1)
_wires: list["Wire"] = []
"""Closed with the gateway."""


def vehicle(plate: str = "") -> network.VehicleView:
    plate = plate or f"沪A{next(_numbers):05d}"
    return network.vehicle_put(actor=ACTOR, draft=network.VehicleDraft(plate=plate))


def terminal(plate: str = "", *, kind: str = "jt808") -> tuple[str, int, str]:
    """(terminal number, vehicle id, phone's token)."""
    car = vehicle(plate)
    number = f"139{next(_numbers):08d}"
    # It has been in the vehicle for a month: fixes of the past belong to it.
    token = telemetry.terminal_create(
        actor=ACTOR, terminal=number, kind=kind, plate=car.plate, from_at=clock.now() - timedelta(days=30)
    )
    return number, car.id, token or ""


def place(at: datetime, lat: float = 31.2, lon: float = 121.4, **fields: object) -> Place:
    return Place(time=at.replace(microsecond=0), lat=lat, lon=lon, **{"speed_kmh": 60.0, **fields})


def fix(at: datetime, lat: float = 31.2, lon: float = 121.4, **fields: object) -> Fix:
    """As decoded from what a terminal would send."""
    return location_parse(position_body(place(at, lat, lon, **fields)))


def take_in(number: str, *fixes: Fix, backfill: bool = False, received_at: datetime | None = None) -> Outcome:
    return take_in_all(*((number, one) for one in fixes), backfill=backfill, received_at=received_at)


def take_in_all(
    *reports: tuple[str, Fix], backfill: bool = False, received_at: datetime | None = None
) -> Outcome:
    """One tick through this test's engine, and what memory holds written to rows."""
    now = received_at or clock.now()
    one = engine()
    one.refresh(now)
    told = [Report(terminal=number, fix=fix, backfill=backfill) for number, fix in reports]
    outcome = one.store(one.prepare(Tick(received_at=now, columns=columns_of(told, received_at=now))))
    one.flush(now)
    return outcome


_engines: list[Engine] = []


def engine(*, anew: bool = False) -> Engine:
    """The engine of this test; `anew`: as after a restart."""
    if anew:
        _engines.clear()
    if not _engines:
        _engines.append(Engine())
        _engines[0].open(clock.now())
    return _engines[0]


def live(outcome: Outcome) -> list[dict]:
    """What the bus is told of the vehicles that moved on."""
    return live_fixes(engine(), outcome.moved)


def engine_forget() -> None:
    _engines.clear()


def watch(from_at: datetime, *stops: telemetry.WatchStop, trip: str = "T1", route=()) -> telemetry.Watch:
    return telemetry.Watch(trip=trip, route=tuple(route), stops=stops, from_at=from_at)


def stop(
    seq: int, lat: float, lon: float = 121.4, *, radius_m: float = 300.0, along_m: float = 0.0, fence=None
):
    return telemetry.WatchStop(seq=seq, lat=lat, lon=lon, radius_m=radius_m, along_m=along_m, fence=fence)


def moment(text: str = "2026-11-20T08:00:00") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Wire:
    """A terminal's socket."""

    def __init__(
        self,
        port: int,
        phone: str,
        version: str = "2013",
        *,
        read_buffer: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.uplink = Uplink(phone, version)
        self.socket = socket.socket()
        self.socket.settimeout(10)
        if read_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        self.socket.connect(("127.0.0.1", port))
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket)
        _wires.append(self)
        self._deframer = Deframer()
        self._messages: list[Message] = []

    def send(self, frame: bytes) -> None:
        self.socket.sendall(frame)

    def receive(self, timeout_s: float = 10.0) -> Message:
        """The next answer. Raises TimeoutError, ConnectionError when the gateway has closed."""
        until = time.monotonic() + timeout_s
        while not self._messages:
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed by the gateway")
            self._messages += [decode(content) for content in self._deframer.feed(data)]
        return self._messages.pop(0)

    def ask(self, told: tuple[int, bytes]) -> Message:
        """Send a frame and wait for its answer."""
        serial, frame = told
        self.send(frame)
        answer = self.receive()
        assert answer.fields["reply_serial"] == serial
        return answer

    def result(self, told: tuple[int, bytes]) -> int:
        return self.ask(told).fields["result"]

    def sign_in(self, who: Registration | None = None) -> str:
        """Register and authenticate; the code."""
        answer = self.ask(self.uplink.register(who or Registration()))
        assert answer.fields["result"] == 0, answer.fields
        code = answer.fields["auth"]
        assert self.result(self.uplink.authenticate(code)) == 0
        return code

    def closed_within(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        self.socket.close()


@contextmanager
def gateway(
    bus_path: Path,
    *,
    tick_s: float = 0.02,
    front: str = "sweep",
    tls: ssl.SSLContext | None = None,
    number: int = 1,
    parts: PartLimits | None = None,
    elock_port: int | None = None,
    **limits: float,
) -> Iterator[Gateway]:
    """A gateway on a free port, in a thread with its own event loop."""
    loop, wires = asyncio.new_event_loop(), len(_wires)
    made: queue.Queue[tuple[Gateway, asyncio.Event] | BaseException] = queue.Queue()

    async def serve() -> None:
        setup = Setup(
            tick_s=tick_s,
            bus_path=bus_path,
            front=front,
            tls=tls,
            number=number,
            limits=Limits(**limits),
            parts=parts or PartLimits(),
            elock_port=elock_port,
        )
        one, stop = Gateway(setup), asyncio.Event()
        try:
            await one.start("127.0.0.1", 0)
        except BaseException as error:
            made.put(error)
            raise
        made.put((one, stop))
        await one.run(stop)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    one = made.get(timeout=60)
    if isinstance(one, BaseException):
        raise one
    running, stop = one
    running.loop = loop  # for tests that interfere
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()
        while len(_wires) > wires:
            _wires.pop().close()


def outlives_the_gateway(wire: Wire) -> None:
    _wires.remove(wire)


def eventually(question: Callable[[], T], seconds: float = 5.0) -> T:
    """The last answer: the first that is true, or what it was when the time was over."""
    until = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < until:
        time.sleep(0.05)
    return answer
