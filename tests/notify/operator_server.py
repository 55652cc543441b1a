"""What both operators' simulators share: connections, and how a submitted message is treated."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reaction:
    """What the gateway does with one message."""

    code: int = 0
    delay_s: float = 0.0
    silent: bool = False
    """Take it and never answer."""
    hang_up: str = ""
    """`before` or `after` the answer."""
    receipt: str = "DELIVRD"
    """Empty: none."""
    receipt_first: bool = False
    """Before the answer."""
    receipts: int = 1
    """How often it is told."""
    receipt_delay_s: float = 0.0


@dataclass
class Got:
    """One submitted message, checked."""

    line: int
    """The connection's number, from 1."""
    seq: int
    to: str
    content: bytes
    udhi: bool
    coding: int
    number: int
    total: int
    fields: dict[str, Any] = field(default_factory=dict)
    ref: str = ""
    """What it was called, if it was taken."""

    @property
    def text(self) -> str:
        content = self.content[6:] if self.udhi else self.content
        return content.decode("utf-16-be" if self.coding == 8 else "ascii")


class Line:
    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self.number, self.writer = number, writer
        self.bound = False
        self.unanswered = 0
        self.seq = 0

    def say(self, octets: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(octets)


class OperatorServer(ABC):
    """A gateway on loopback; its fields may be changed from the test's thread at any time."""

    header = 12

    def __init__(self) -> None:
        self.react: Callable[[Got], Reaction] = lambda _got: Reaction()
        self.got: list[Got] = []
        self.problems: list[str] = []
        """What was against the protocol; empty at the end of every test."""
        self.acks: list[tuple[str, int]] = []
        """(message or sequence, result) of every receipt or text that was acknowledged."""
        self.binds: list[str] = []
        self.bind_code = 0
        self.pings = self.pongs = self.byes = 0
        self.answers_pings = True
        self.widest = 0
        """Most messages without an answer at one time on one line."""
        self.receipts_held = False
        """Receipts wait in `held`."""
        self.held: list[tuple[Got, Reaction]] = []
        self.lines: list[Line] = []
        self.port = 0
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.tls: Any = None

    # What a protocol adds

    @abstractmethod
    def hear(self, line: Line, frame: bytes) -> None: ...

    @abstractmethod
    def answer(self, got: Got, code: int) -> bytes: ...

    @abstractmethod
    def receipt(self, line: Line, got: Got, stat: str) -> bytes: ...

    @abstractmethod
    def ping(self, line: Line) -> bytes: ...

    # From the test's thread

    def start(self) -> None:
        """On the same port as before, if there was one."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10), "the simulator did not start"

    def stop(self) -> None:
        """Go, and cut every line."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
            assert not self._thread.is_alive()
        self._loop = None

    def cut(self) -> None:
        """Hang up on everybody, without a word."""
        self.soon(lambda: [line.writer.transport.abort() for line in self.lines])

    def say(self, octets: bytes) -> None:
        """Over the line that was opened last."""
        self.soon(lambda: self.lines[-1].say(octets))

    def receipts_let_go(self) -> None:
        """Send what is in `held`, over the line that is open now."""

        def send() -> None:
            held, self.held = self.held, []
            for got, reaction in held:
                for _ in range(reaction.receipts):
                    self.lines[-1].say(self.receipt(self.lines[-1], got, reaction.receipt))

        self.receipts_held = False
        self.soon(send)

    def soon(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    @property
    def open_lines(self) -> int:
        return sum(line.bound and not line.writer.is_closing() for line in self.lines)

    # In its own loop

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._line, "127.0.0.1", self.port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopping.wait()
        server.close()
        for line in self.lines:
            line.writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(len(self.lines) + 1, writer)
        self.lines.append(line)
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while True:
                length = int.from_bytes(head := await reader.readexactly(4), "big")
                self.hear(line, head + await reader.readexactly(length - 4))
        line.bound = False
        writer.close()

    def treat(self, line: Line, got: Got) -> None:
        """A message that was read and checked."""
        self.got.append(got)
        line.unanswered += 1
        self.widest = max(self.widest, line.unanswered)
        reaction = self.react(got)
        if reaction.code == 0 and not reaction.silent:
            self._count += 1
            got.ref = self.name(self._count)
        task = asyncio.ensure_future(self._treated(line, got, reaction))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def name(self, number: int) -> str:
        return str(0x1234_5678_0000_0000 + number)

    async def _treated(self, line: Line, got: Got, reaction: Reaction) -> None:
        if reaction.delay_s:
            await asyncio.sleep(reaction.delay_s)
        if reaction.hang_up == "before":
            line.writer.transport.abort()
            return
        if reaction.silent:
            return
        if reaction.receipt_first:
            self._receipts(line, got, reaction)
        line.unanswered -= 1
        line.say(self.answer(got, reaction.code))
        if reaction.hang_up == "after":
            await asyncio.sleep(0.05)
            line.writer.transport.abort()
            return
        if reaction.code == 0 and not reaction.receipt_first:
            await asyncio.sleep(reaction.receipt_delay_s)
            self._receipts(line, got, reaction)

    def _receipts(self, line: Line, got: Got, reaction: Reaction) -> None:
        if not reaction.receipt:
            return
        if self.receipts_held:
            self.held.append((got, reaction))
            return
        for _ in range(reaction.receipts):
            line.say(self.receipt(line, got, reaction.receipt))


@contextmanager
def running(server: OperatorServer) -> Iterator[OperatorServer]:
    server.start()
    yield server
    server.stop()
    assert server.problems == []
