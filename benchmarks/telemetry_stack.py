"""What a gateway is measured with: the PostgreSQL we ship, the bus, gateways and `zaitu simulate`, processes of one home on the same cores."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import psutil
import psycopg

from benchmarks.installation import Installation, free_ports
from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer
from zaitu.telemetry.adapters.simulator.memory import Remembered, memory_read, memory_write

_LISTENS_WITHIN_S: Final = 120
_CLI: Final = (sys.executable, "-m", "zaitu.config.cli")
Sample = Callable[[dict[str, Any]], None]
"""Called with each line of progress."""


class Stack:
    """One home with its database; `gateways` come and go."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "telemetry"
        self.home.mkdir(mode=0o711)
        self.environment = Installation(self.home).environment
        self.database_url = Home(self.home).database_url()
        self._server = PostgresServer(Home(self.home))
        self._log = (folder / "telemetry.log").open("ab")
        self._vehicles = self._watched = 0
        self.processes: list[psutil.Process] = []
        """The gateways."""

    def __enter__(self) -> Self:
        self._server.start()
        self.zaitu("migrate")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._log.close()

    def zaitu(self, *words: object) -> list[str]:
        """A command to its end; what it said. Raises RuntimeError with its last words when it failed."""
        done = subprocess.run(
            [*_CLI, *map(str, words)], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"zaitu {' '.join(map(str, words))}: {done.stderr[-2000:] or done.stdout[-2000:]}"
            )
        return done.stdout.splitlines()

    def prepare(self, vehicles: int, *, watched: int = 0) -> None:
        """Let at least so many test vehicles in, their terminals registered; at least so many with a watch of 500 vertices."""
        if vehicles > self._vehicles or watched > self._watched:
            vehicles, watched = max(vehicles, self._vehicles), max(watched, self._watched)
            self.zaitu("simulate", "--prepare", "--vehicles", vehicles, "--watched", watched, "--registered")
            self._vehicles, self._watched = vehicles, watched

    @contextmanager
    def gateways(self, count: int = 1) -> Iterator[list[int]]:
        """Real `zaitu gateway` processes; their ports."""
        ports = free_ports(count)
        commands = [
            ["bus"],
            *(
                ["gateway", "--port", str(port), "--elock-port", "0", "--number", str(number)]
                for number, port in enumerate(ports, 1)
            ),
        ]
        with self.running([[*_CLI, *command] for command in commands]) as processes:
            self.processes = processes[1:]
            for port in ports:
                listening(port, processes)
            yield ports

    @contextmanager
    def running(self, commands: Sequence[Sequence[str]]) -> Iterator[list[psutil.Process]]:
        """These programs, ended with SIGTERM afterwards."""
        with ExitStack() as stack:
            processes = []
            for command in commands:
                one = subprocess.Popen(command, env=self.environment, stdout=self._log, stderr=self._log)
                stack.callback(_end, one)
                processes.append(psutil.Process(one.pid))
            yield processes

    def simulate(self, ports: Sequence[int], *words: object, sample: Sample | None = None) -> dict[str, Any]:
        """`zaitu simulate` to its end; its summary. Raises RuntimeError when it failed."""
        named = [word for port in ports for word in ("--port", port)]
        with subprocess.Popen(
            [*_CLI, "simulate", *map(str, [*named, *words])],
            env=self.environment, stdout=subprocess.PIPE, stderr=self._log, text=True,
        ) as process:  # fmt: skip
            said: dict[str, Any] = {}
            for line in process.stdout or ():
                said = json.loads(line)
                if sample is not None and "summary" not in said:
                    sample(said)
        if process.returncode or "summary" not in said:
            raise RuntimeError(f"zaitu simulate ended with {process.returncode}; see {self._log.name}")
        return said

    def count(self) -> int:
        """Positions in the table."""
        with psycopg.connect(self.database_url) as database:
            row = database.execute("SELECT count(*) FROM telemetry_position").fetchone()
        return int(row[0]) if row else 0

    def empty(self) -> None:
        """No position, no state, and nothing that terminals remember of them; while no gateway runs."""
        with psycopg.connect(self.database_url, autocommit=True) as database:
            database.execute("TRUNCATE telemetry_position, telemetry_vehiclestate")
            database.execute("UPDATE telemetry_terminal SET last_fix_at = NULL")
            database.execute("CHECKPOINT")
        path = self.home / "simulated.tsv"
        memory_write(path, {index: Remembered(one.code) for index, one in memory_read(path).items()})

    def cpu_s(self) -> dict[str, float]:
        """Processor time so far, by who used it."""
        postmaster = psutil.Process(self._server.pid)
        return {
            "gateway": sum(map(_cpu_s, self.processes)),
            "postgres": sum(map(_cpu_s, [postmaster, *postmaster.children(recursive=True)])),
        }


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # a backend that ended meanwhile
        return 0.0
    return float(times.user + times.system)


def listening(port: int, processes: Sequence[psutil.Process]) -> None:
    """Return when somebody listens there. Raises RuntimeError when one of the processes has ended, or after two minutes."""
    deadline = time.monotonic() + _LISTENS_WITHIN_S
    while time.monotonic() < deadline:
        if any(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in processes):
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nobody listens on {port}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
