"""What is done to one machine, and around it, while its terminals report."""

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.faults.box import GUESTS, TERMINALS, Box, Outcome, box
from tests.faults.fleet import Fleet, phone
from zaitu.config.homes import Home
from zaitu.telemetry.codecs.jt808 import Deframer, decode
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink

_HOLD_S = 8.0


def signalled(part: str, signum: signal.Signals) -> Callable[[Box], str]:
    """Sent to a part, which ends of it and is started again."""

    def harm(one: Box) -> str:
        process = one.running.child(part)
        process.send_signal(signum)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(30)
        one.running.wait_ready(120)
        return ""

    return harm


def stopped(part: str) -> Callable[[Box], str]:
    """With SIGSTOP, and with all processes that it has started."""

    def harm(one: Box) -> str:
        process = one.running.child(part)
        family = [process, *process.children(recursive=True)]
        for each in family:
            each.suspend()
        time.sleep(_HOLD_S)
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.resume()
        one.running.wait_ready(60)
        return f"for {_HOLD_S:.0f} s"

    return harm


# Networks that lose and delay


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


_RANDOM = 0xFFFFF000 + 56
_ONE_IN_TEN = (_Instruction * 5)(
    _Instruction(0x20, 0, 0, _RANDOM),  # a random number
    _Instruction(0x94, 0, 0, 10),  # modulo 10
    _Instruction(0x15, 0, 1, 0),  # not 0: skip one
    _Instruction(0x06, 0, 0, 0),  # lost
    _Instruction(0x06, 0, 0, 0xFFFFFFFF),  # kept
)
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
_PIDFD_GETFD = 438


def lossy(one: socket.socket) -> None:
    """The kernel loses one in ten of the packets that come for this socket, before TCP sees them; accepted sockets are like their listener."""
    program = bytes(_Program(len(_ONE_IN_TEN), _ONE_IN_TEN))
    socket.socket.setsockopt(one, socket.SOL_SOCKET, _ATTACH_FILTER, program)


def sockets_of(process: psutil.Process) -> list[socket.socket]:
    """That process's TCP sockets, shared with us."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(process.pid)
    found = []
    for one in process.net_connections("tcp"):
        ours = libc.syscall(_PIDFD_GETFD, pidfd, one.fd, 0)
        if ours < 0:
            raise OSError(
                ctypes.get_errno(), "the kernel does not share another process's sockets (pidfd_getfd)"
            )
        found.append(socket.socket(fileno=ours))
    os.close(pidfd)
    return found


def losing(one: Box) -> str:
    """One in ten packets, both ways."""
    theirs = sockets_of(one.running.child("gateway"))
    ours = [link._writer.get_extra_info("socket") for link in one.fleet.links if link._writer is not None]
    both = [*theirs, *(socket.socket(fileno=os.dup(each.fileno())) for each in ours)]
    for each in both:
        lossy(each)
    time.sleep(20)
    for each in both:
        each.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
        each.close()
    return "for 20 s, both ways"


def delayed(one: Box) -> str:
    """Further terminals behind a line of 150 ms each way."""
    relay = Delaying(one.gateway, 0.15)
    with Fleet([("127.0.0.1", relay.port)], GUESTS, pause_s=0.05, first=TERMINALS) as far:
        time.sleep(15)
    assert sum(far.sent) == far.acknowledged
    assert not one.stored.missing(far.times())
    waits = far.waits_s()
    return f"{far.acknowledged} reports of {GUESTS} terminals behind the delay, each acknowledged after {waits[len(waits) // 2] * 1000:.0f} ms (median)"


class Delaying:
    """A TCP relay that passes everything on later."""

    def __init__(self, to: tuple[str, int], delay_s: float):
        self._to, self._delay_s, self.port = to, delay_s, 0
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True).start()
        ready.wait(10)

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        await asyncio.gather(self._pour(reader, back), self._pour(there, writer))

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                loop.call_later(self._delay_s, writer.write, data)
        loop.call_later(self._delay_s, writer.close)


# Terminals that misbehave


def connected(one: Box, count: int) -> list[socket.socket]:
    return [socket.create_connection(one.gateway, timeout=10) for _ in range(count)]


def signed_in(one: Box, index: int) -> tuple[socket.socket, Uplink]:
    """A guest's connection."""
    uplink, wire = Uplink(phone(TERMINALS + index)), connected(one, 1)[0]
    answers = Deframer()

    def asked(told: tuple[int, bytes]) -> dict:
        wire.sendall(told[1])
        while True:
            for content in answers.feed(wire.recv(65536)):
                message = decode(content)
                if message.fields.get("reply_serial") == told[0]:
                    return message.fields

    code = asked(uplink.register(Registration()))["auth"]
    assert asked(uplink.authenticate(code))["result"] == 0
    return wire, uplink


def gone(wires: list[socket.socket], within_s: float) -> int:
    """How many the gateway has closed by then."""
    deadline, closed = time.monotonic() + within_s, set()
    while len(closed) < len(wires) and time.monotonic() < deadline:
        for index, wire in enumerate(wires):
            wire.settimeout(0.001)
            try:
                if not wire.recv(65536):
                    closed.add(index)
            except TimeoutError:
                continue
            except OSError:
                closed.add(index)
        time.sleep(0.1)
    return len(closed)


def slow(one: Box) -> str:
    """A byte of a frame now and then, never a whole one."""
    wires = connected(one, 200)
    for byte in b"\x7e\x00\x02\x00\x00\x01":
        for wire in wires:
            with contextlib.suppress(OSError):
                wire.send(bytes([byte]))
        time.sleep(2)
    closed = gone(wires, 60)
    for wire in wires:
        wire.close()
    return f"{closed} of 200 connections closed by the gateway"


def unreading(one: Box) -> str:
    """Asks without end and never reads an answer."""
    wire, uplink = signed_in(one, 0)
    beat, sent = uplink.heartbeat()[1] * 500, 0
    wire.settimeout(1)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                sent += wire.send(beat)
    except OSError:
        return f"closed by the gateway after {sent / 1e6:.1f} MB"
    raise AssertionError("one that never reads was not closed within 60 s")


def garbage(one: Box) -> str:
    """A million random bytes a connection."""
    wires, taken = connected(one, 20), 0
    for wire in wires:
        wire.settimeout(5)
        with contextlib.suppress(OSError):
            wire.sendall(os.urandom(1_000_000))
            taken += 1
    closed = gone(wires, 20)
    return f"{closed} of {len(wires)} connections closed by the gateway"


def flooding(one: Box) -> str:
    """A thousand times the usual rate of a terminal (one report a second)."""
    wire, uplink = signed_in(one, 1)
    began, start, sent = time.monotonic(), int(time.time()) - 60_000, 0
    wire.settimeout(30)
    draining = threading.Thread(target=_drained, args=(wire,), daemon=True)
    draining.start()
    while (passed_s := time.monotonic() - began) < 15:
        frames = []
        while sent < passed_s * 1000:
            at = _moment(start + sent)
            frames.append(uplink.position(Place(time=at, lat=31.2, lon=121.4))[1])
            sent += 1
        wire.sendall(b"".join(frames))
        time.sleep(0.05)
    time.sleep(2)
    wire.close()
    ((there,),) = one.stored.asked(
        f"""SELECT count(*) FROM telemetry_position JOIN telemetry_terminal AS one ON one.id = terminal_id
             WHERE terminal = '{phone(TERMINALS + 1)}' AND at >= to_timestamp({start})"""
    )
    return f"{sent / 15:.0f} reports a second by one device for 15 s, {there} of {sent} stored"


def _drained(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while wire.recv(1 << 16):
            pass


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def clocks(one: Box) -> str:
    """A device whose clock is years behind, then years ahead."""
    wire, uplink = signed_in(one, 2)
    now = int(time.time())
    for years in (-12, 8):
        for second in range(50):
            at = _moment(now + years * 31_557_600 + second)
            wire.sendall(uplink.position(Place(time=at, lat=31.2, lon=121.4 + second / 1000))[1])
    time.sleep(2)
    wire.close()
    ((flagged,),) = one.stored.asked("SELECT count(*) FROM telemetry_position WHERE extra ? 'clock'")
    assert flagged == 100, f"{flagged} of 100 were stored and flagged"
    return "100 reports, all stored at the time they came, with the claim kept"


def twins(one: Box) -> str:
    """The same number on a second connection: the first is closed, again and again."""
    wires = [signed_in(one, 0)[0] for _ in range(10)]
    closed = gone(wires[:-1], 20)
    assert closed == 9, f"{closed} of 9 older connections were closed"
    wires[-1].close()
    return "ten connections of one number, the nine older closed"


def storm(one: Box, count: int = 5_000) -> str:
    """That many terminals connect within five seconds and sign in."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    words = ("simulate", "--prepare", "--vehicles", str(count), "--registered")
    assert one.running.run(*words, timeout=300).returncode == 0
    began, first, last = time.monotonic(), 0.0, 0.0
    command = [
        *one.running.program, "simulate", "--vehicles", str(count), "--idle", "--seconds", "40", "--port",
        str(one.running.jt808_port), "--opening", str(count),
    ]  # fmt: skip
    with subprocess.Popen(
        command, env=one.running.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stdout:
            said = json.loads(line)
            if "summary" in said:
                break
            first = first or (time.monotonic() if said["connected"] else 0.0)
            if said["connected"] == count and not last:
                last = time.monotonic()
                process.terminate()
    assert last, f"not all of {count} were signed in within 40 s"
    return f"all {count} signed in {last - (first or began):.0f} to {last - (first or began) + 1:.0f} s after the first"


FAULTS: dict[str, Callable[[Box], str]] = {
    "gateway killed": signalled("gateway", signal.SIGKILL),
    "web door killed": signalled("web", signal.SIGKILL),
    "worker killed": signalled("worker", signal.SIGKILL),
    "jobs killed": signalled("jobs", signal.SIGKILL),
    "bus killed": signalled("bus", signal.SIGKILL),
    "PostgreSQL killed": signalled("postgres", signal.SIGKILL),
    "PostgreSQL restarted, fast": signalled("postgres", signal.SIGINT),
    "PostgreSQL restarted, immediate": signalled("postgres", signal.SIGQUIT),
    "gateway stopped": stopped("gateway"),
    "web door stopped": stopped("web"),
    "worker stopped": stopped("worker"),
    "jobs stopped": stopped("jobs"),
    "bus stopped": stopped("bus"),
    "PostgreSQL stopped": stopped("postgres"),
    "one packet in ten lost": losing,
    "300 ms there and back": delayed,
    "5,000 sign in within 5 s": storm,
    "200 connections, a byte each 2 s": slow,
    "a peer that never reads": unreading,
    "a million garbage bytes, 20 times": garbage,
    "one device at 1,000 times its rate": flooding,
    "a clock years off": clocks,
    "one number on ten connections": twins,
}


def full(one: Box) -> str:
    """No byte is left where PostgreSQL keeps its data."""
    inside = Path(f"/proc/{one.running.process.pid}/root{Home(one.running.home).postgres_data}")
    filler, server = inside / "filler", one.running.child("postgres").pid
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    quiet_s, acknowledged, deadline = time.monotonic(), -1, time.monotonic() + 60
    while time.monotonic() - quiet_s < 10 and time.monotonic() < deadline:
        if one.fleet.acknowledged != acknowledged:
            acknowledged, quiet_s = one.fleet.acknowledged, time.monotonic()
        time.sleep(0.1)
    assert time.monotonic() < deadline, "a full disk stopped nothing"
    filler.unlink()
    one.running.wait_ready(120)
    again = one.running.child("postgres").pid != server
    return f"full until nothing was taken for 10 s; PostgreSQL {'was started anew' if again else 'stayed up'}"


_MOUNTED = """mount -t tmpfs -o size=512m tmpfs "$1" || exit 3
shift
exec "$@"
"""


def on_a_small_disk(home: Path) -> tuple[str, ...]:
    """What comes before `zaitu up`: its database on a file system of 512 MB, which only it sees."""
    place = Home(home).postgres_data
    place.mkdir(parents=True)
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    # PostgreSQL refuses to be root, also one that is it in a namespace only.
    again = (
        []
        if os.geteuid() == 0
        else ["unshare", "-U", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    )
    return (*namespace, "sh", "-c", _MOUNTED, "sh", str(place), *again)


def faults(folder: Path, only: str = "") -> Iterator[Outcome]:
    """Those whose name holds `only`."""
    chosen = {name: harm for name, harm in FAULTS.items() if only in name}
    if chosen:
        with box(folder / "one") as one:
            yield one.trial("none, for comparison", lambda _: str(time.sleep(10) or ""))
            for name, harm in chosen.items():
                yield one.trial(name, harm)
        yield one.end
    if only in _DISK:
        with box(folder / "small", before=on_a_small_disk(folder / "small" / "home")) as one:
            yield one.trial(_DISK, full)
        yield one.end


_DISK = "the database's disk full"
