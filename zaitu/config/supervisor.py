"""One parent for all processes of an installation: starts them, restarts what crashes, stops all in order.

Children are ordinary commands (`zaitu gateway`, `zaitu web` …), so that a larger installation can run each by other means.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zaitu.config.children import die_with_parent
from zaitu.config.postgres import PostgresServer
from zaitu.kernel.errors import Unavailable

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_LONGEST_S: Final = 30.0
_LIVED_S: Final = 30.0
"""A child that ran this long before it crashed is started again without a longer wait."""
_STOP_S: Final = 8.0
"""How long a child may take to end after SIGTERM before it is killed."""
_LINE_BYTES: Final = 64 * 1024
_ENDED_S: Final = 0.25

Say = Callable[[str, str], None]
"""Called with the name of the part and one line of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A child to keep running."""

    name: str
    arguments: tuple[str, ...]
    """Of the `zaitu` command."""
    stage: int
    """Stopped in descending order: what feeds others ends before what is fed."""


class Supervisor:
    def __init__(
        self,
        programs: Sequence[Program],
        *,
        server: PostgresServer | None,
        environment: Mapping[str, str],
        say: Say,
    ) -> None:
        """`server` is watched too when given; it must have been started already. `environment` is added to the children's."""
        self._programs = programs
        self._environment = {**os.environ, **environment}  # noqa: TID251  handed on, not read
        self._server = server
        self._say = say
        self._children: dict[str, Process] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` to end everything and return."""
        self._stopping.set()

    async def run(self, started: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keep the programs running until `stop`. `started` is awaited beside them and may end early."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self.stop)
        keepers = {program: asyncio.create_task(self._keep(program)) for program in self._programs}
        beside = [asyncio.create_task(started())]
        if self._server is not None:
            beside.append(asyncio.create_task(self._keep_server(self._server)))
        await self._stopping.wait()
        for task in beside:
            task.cancel()
        for stage in sorted({program.stage for program in keepers}, reverse=True):
            await self._end([program for program in keepers if program.stage == stage])
        await asyncio.gather(*keepers.values(), *beside, return_exceptions=True)

    async def _keep(self, program: Program) -> None:
        wait_s = _BACKOFF_FIRST_S
        while not self._stopping.is_set():
            began = time.monotonic()
            child = await self._spawn(program)
            lines = asyncio.create_task(self._relay(program.name, child))
            status = await child.wait()
            _signal(
                child, signal.SIGKILL
            )  # what it may have left behind must not hold ports, nor its output open
            await lines
            if self._stopping.is_set():
                return
            wait_s = _BACKOFF_FIRST_S if time.monotonic() - began > _LIVED_S else wait_s
            self._say(program.name, f"意外退出（{_ending(status)}），{wait_s:g} 秒后重启")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)
            wait_s = min(wait_s * 2, _BACKOFF_LONGEST_S)

    async def _spawn(self, program: Program) -> Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zaitu.config.cli", *program.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            limit=_LINE_BYTES,
            env=self._environment,
            start_new_session=True,  # Ctrl-C of the terminal reaches only us; we stop the others in order
            preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        self._children[program.name] = child
        return child

    async def _relay(self, name: str, child: Process) -> None:
        """Hand the child's lines on until it closes its output."""
        if child.stdout is None:
            return
        while True:
            try:
                line = await child.stdout.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    self._say(name, end.partial.decode(errors="replace").rstrip())
                return
            except asyncio.LimitOverrunError as long:
                line = await child.stdout.readexactly(long.consumed)
            self._say(name, line.decode(errors="replace").rstrip())

    async def _keep_server(self, server: PostgresServer) -> None:
        """Start PostgreSQL again whenever it is gone."""
        while True:
            await asyncio.sleep(_ENDED_S)
            if server.running():
                continue
            self._say("postgres", "数据库意外退出，正在重启")
            try:
                server.launch()  # in the main thread: the child is tied to the life of the thread that starts it
                await asyncio.to_thread(server.wait)
                self._say("postgres", "数据库已恢复")
            except Unavailable as error:
                self._say("postgres", error.message)
                await asyncio.sleep(_BACKOFF_FIRST_S * 4)

    async def _end(self, programs: Sequence[Program]) -> None:
        children = [self._children[program.name] for program in programs if program.name in self._children]
        for child in children:
            _signal(child, signal.SIGTERM)
        waiting = asyncio.gather(*(child.wait() for child in children))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting, _STOP_S)
        for child in children:
            _signal(child, signal.SIGKILL)  # also what a child has started and left behind


def _signal(child: Process, signum: signal.Signals) -> None:
    """To the child's whole session: it leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signum)


def _ending(status: int) -> str:
    return f"信号 {signal.Signals(-status).name}" if status < 0 else f"返回码 {status}"
