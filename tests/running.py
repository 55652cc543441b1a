"""The whole product in processes of its own, on free ports and in a home of its own, as an operator runs it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree, ignore_patterns

import httpx
import psutil

START_S = 240


def free_port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


class Installation:
    def __init__(
        self, home: Path, *, program: tuple[str, ...] = (), user: str | None = None, **settings: object
    ):
        """`program`: how `zaitu` is called; `settings`: ZAITU_* without the prefix, in lower case."""
        self.home = home
        self.program = program or (sys.executable, "-m", "zaitu.config.cli")
        self.user = user
        self.http_port = int(settings.pop("http_port", 0) or free_port())
        self.jt808_port = int(settings.pop("jt808_port", 0) or free_port())
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ZAITU_", "DJANGO_", "PYTEST_"))
        }
        self.environment = clean | {
            "ZAITU_HOME": str(home),
            "ZAITU_HTTP_HOST": "127.0.0.1",
            "ZAITU_HTTP_PORT": str(self.http_port),
            "ZAITU_JT808_HOST": "127.0.0.1",
            "ZAITU_JT808_PORT": str(self.jt808_port),
            "ZAITU_ELOCK_PORT": "0",
            **{f"ZAITU_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.process: subprocess.Popen | None = None
        self.output = home.with_name(f"{home.name}.out")
        self.scheme = "https" if "tls_certificate" in settings else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.http_port}"

    def run(self, *arguments: str, typed: str = "", timeout: float = 120) -> subprocess.CompletedProcess:
        """One command to its end."""
        return subprocess.run(
            [*self.program, *arguments],
            env=self.environment,
            user=self.user,
            group=self.user,
            cwd="/",
            input=typed,
            check=False,
            text=True,
            capture_output=True,
            timeout=timeout,
        )

    def up(self, *arguments: str) -> "Installation":
        """Start and wait until ready."""
        self.launch(*arguments)
        self.wait_ready()
        return self

    def launch(self, *arguments: str) -> None:
        with self.output.open("ab") as sink:
            self.process = subprocess.Popen(
                [*self.program, "up", *arguments],
                env=self.environment,
                user=self.user,
                group=self.user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )

    def wait_ready(self, within_s: float = START_S) -> None:
        deadline = time.monotonic() + within_s
        while self.ready() != 200:
            assert self.process is None or self.process.poll() is None, f"zaitu up ended:\n{self.said()}"
            assert time.monotonic() < deadline, f"not ready: {self.ready_body()}\n{self.said()}"
            time.sleep(0.1)

    def ready(self) -> int:
        """Status of /healthz/ready; 0 when nobody answers."""
        try:
            return self.get("/healthz/ready").status_code
        except httpx.TransportError:
            return 0

    def ready_body(self) -> dict:
        try:
            return self.get("/healthz/ready").json()
        except httpx.TransportError as error:
            return {"status": str(error)}

    def get(self, path: str, **options) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", verify=False, timeout=10, trust_env=False, **options)  # noqa: S501  self-made certificate

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")[-8000:]

    def child(self, name: str) -> psutil.Process:
        """The process of one part (`web`, `worker` …, `postgres`)."""
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                is_server = name == "postgres" and "-D" in process.cmdline()
                if is_server or process.name() == f"zaitu-{name}"[:15]:
                    return process
        raise LookupError(f"no {name} among {self.family()}")

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything it started."""
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """End it as an operator does; the exit status."""
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(60)

    def ensure_stopped(self) -> None:
        if self.process is not None and self.process.poll() is None:
            left = self.family()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


def copy_of(home: Path, target: Path) -> Path:
    """A home like a stopped one."""
    copytree(home, target, ignore=ignore_patterns("run"))
    return target


def gone(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Those still alive after that time."""
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    return alive


def until(condition, within_s: float = 40.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
