"""One parent for all processes of an installation: starts them, restarts what crashes, stops all in order.

Children are forked from the parent once it has loaded everything, so that eight processes cost one start-up (docs/adr/0003).
No asyncio and no threads here: a child continues in the middle of our code, and must find nothing half-way.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, NoReturn

from zaitu.config.children import Beside, call_oneself, die_with_parent
from zaitu.config.postgres import PostgresServer
from zaitu.kernel.errors import Unavailable

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_LONGEST_S: Final = 30.0
_LIVED_S: Final = 30.0
"""A child that ran this long before it crashed is started again without a longer wait."""
_STOP_S: Final = 8.0
"""How long a child may take to end after SIGTERM before it is killed."""
_TURN_S: Final = 0.5
_READ_BYTES: Final = 64 * 1024
_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str, str], None]
"""Called with the name of the part and one line of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A child to keep running."""

    name: str
    body: Callable[[], object]
    """What the child does; it may return, raise or exit."""
    stage: int
    """Stopped in descending order: what feeds others ends before what is fed."""
    once: bool = False
    """Not started again when it ends."""


@dataclass(slots=True, kw_only=True)
class _Child:
    program: Program
    pid: int = 0
    """0: not running."""
    output: int = -1
    began: float = 0.0
    wait_s: float = _BACKOFF_FIRST_S
    again_at: float = 0.0
    unfinished: bytes = b""


@dataclass(slots=True)
class Supervisor:
    programs: Sequence[Program]
    server: PostgresServer | None
    """Watched too when given; started already."""
    say: Say
    beside: Sequence[Beside] = ()
    """Begun before; may still be at work."""
    _stopping: bool = False
    _children: list[_Child] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _server_again_at: float = 0.0

    def run(self) -> None:
        """Keep the programs running until SIGINT, SIGTERM or SIGHUP, then end them all. Call it in the main thread."""
        self._children = [_Child(program=program) for program in self.programs]
        gc.collect()
        gc.freeze()  # a child that looked for garbage in what we loaded would get its own copy of the pages
        with self._hearing_signals():
            for child in self._children:
                self._start(child)
            while not self._stopping:
                self._turn(_TURN_S)
                self._keep()
            for stage in sorted({program.stage for program in self.programs}, reverse=True):
                self._end([child for child in self._children if child.program.stage == stage])

    @contextlib.contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        """Signals wake the selector: both those that stop us and the end of a child."""
        heard, told = socket.socketpair()
        heard.settimeout(0)
        told.settimeout(0)
        self._selector.register(heard, selectors.EVENT_READ)
        before = {signum: signal.signal(signum, self._heard) for signum in (*_STOPS, signal.SIGCHLD)}
        wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for signum, handler in before.items():
                signal.signal(signum, handler)
            self._selector.close()
            heard.close()
            told.close()

    def _heard(self, signum: int, _frame: FrameType | None) -> None:
        if signum in _STOPS:
            self._stopping = True

    def _turn(self, timeout_s: float) -> None:
        """Wait for something to happen; hand lines on and notice ended children."""
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, _Child):
                self._read(key.data)
            else:
                with contextlib.suppress(BlockingIOError):
                    key.fileobj.recv(4096)  # type: ignore[union-attr]  # the only other one is our socket
        for child in self._children:
            if child.pid:
                self._reap(child)

    def _keep(self) -> None:
        """Start what is due, and take note of what was to end."""
        for one in self.beside:
            one.done()
        now = time.monotonic()
        for child in self._children:
            if not child.pid and not child.program.once and now >= child.again_at:
                self._start(child)
        if self.server is not None and not self.server.running() and now >= self._server_again_at:
            self._server_again_at = now + _BACKOFF_FIRST_S * 4
            self.say("postgres", "数据库意外退出，正在重启")
            try:
                self.server.launch()
            except Unavailable as error:
                self.say("postgres", error.message)

    def _start(self, child: _Child) -> None:
        reading, writing = os.pipe()
        tie = die_with_parent(signal.SIGKILL)
        sys.stdout.flush()
        sys.stderr.flush()
        # Blocked over the fork: a signal for the child must not meet the handlers it inherits from us.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        pid = os.fork()
        if pid == 0:
            _become(child.program, writing, tie)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        child.pid, child.output, child.began = pid, reading, time.monotonic()
        self._selector.register(reading, selectors.EVENT_READ, child)

    def _read(self, child: _Child) -> None:
        """Hand the child's whole lines on; at its end also the rest."""
        data = os.read(child.output, _READ_BYTES)
        *lines, child.unfinished = (child.unfinished + data).split(b"\n")
        if not data or len(child.unfinished) > _READ_BYTES:
            lines.append(child.unfinished)
            child.unfinished = b""
        for line in filter(None, lines):
            self.say(child.program.name, line.decode(errors="replace").rstrip())
        if not data:
            self._selector.unregister(child.output)
            os.close(child.output)
            child.output = -1

    def _reap(self, child: _Child) -> None:
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
        _signal(
            child, signal.SIGKILL
        )  # what it may have left behind must not hold ports, nor its output open
        _, status = os.waitpid(child.pid, 0)
        while child.output >= 0:
            self._read(child)
        lived = time.monotonic() - child.began > _LIVED_S
        child.pid, child.wait_s = 0, _BACKOFF_FIRST_S if lived else child.wait_s
        child.again_at = time.monotonic() + child.wait_s
        if not self._stopping and not child.program.once:
            ending = _ending(os.waitstatus_to_exitcode(status))
            self.say(child.program.name, f"意外退出（{ending}），{child.wait_s:g} 秒后重启")
            child.wait_s = min(child.wait_s * 2, _BACKOFF_LONGEST_S)

    def _end(self, children: list[_Child]) -> None:
        deadline = time.monotonic() + _STOP_S
        for child in children:
            _signal(child, signal.SIGTERM)
        while any(child.pid for child in children):
            if time.monotonic() > deadline:
                for child in children:
                    _signal(child, signal.SIGKILL)
            self._turn(0.1)


def _become(program: Program, output: int, tie: Callable[[], None]) -> NoReturn:
    """The child's life. Leaves by `_exit`: the parent's own clean-up is not ours to run."""
    status = 1
    try:
        tie()
        os.setsid()  # Ctrl-C of the terminal reaches only the parent, which stops the others in order
        call_oneself(f"zaitu-{program.name}")
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        program.body()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _signal(child: _Child, signum: signal.Signals) -> None:
    """To the child's whole session: it leads a process group of its own."""
    if child.pid:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signum)


def _ending(status: int) -> str:
    return f"信号 {signal.Signals(-status).name}" if status < 0 else f"返回码 {status}"
