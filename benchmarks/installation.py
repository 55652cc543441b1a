"""A whole installation with the demo company, started by `zaitu up` in a home of its own on free ports."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from zaitu.config.homes import Home

_READY_S: Final = 900


class Installation:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self._jt808_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes: nothing of the caller's own installation."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ZAITU_")}
        return {
            **kept,
            "ZAITU_HOME": str(self.home),
            "ZAITU_HTTP_HOST": "127.0.0.1",
            "ZAITU_HTTP_PORT": str(self.port),
            "ZAITU_JT808_HOST": "127.0.0.1",
            "ZAITU_JT808_PORT": str(self._jt808_port),
            "ZAITU_ELOCK_PORT": "0",
            # With a tile layer the page carries its map (Leaflet), which weighs more than the schematic.
            "ZAITU_MAP_TILES_URL": "https://tiles.invalid/{z}/{x}/{y}.png",
        }

    @property
    def database_url(self) -> str:
        return Home(self.home).database_url()

    @property
    def facts(self) -> dict[str, Any]:
        """What `zaitu up --demo` says to open (waybill, phone_tail …)."""
        told: dict[str, Any] = json.loads((self.home / "demo.json").read_text("utf-8"))
        return told

    def start(self, *, demo: bool = True) -> float:
        """Seconds from the command to `GET /healthz/ready` answering 200. Without `demo` nobody drives its trucks."""
        began = time.monotonic()
        log = (self.home.parent / f"{self.home.name}.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zaitu.config.cli", "up", *(["--demo"] if demo else [])],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        while time.monotonic() < began + _READY_S:
            if self._process.poll() is not None:
                raise RuntimeError(f"zaitu up ended with {self._process.returncode}:\n{_tail(log.name)}")
            if self._ready():
                return time.monotonic() - began
            time.sleep(0.02)
        raise RuntimeError(f"not ready after {_READY_S} s:\n{_tail(log.name)}")

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz/ready", timeout=2) as answer:  # noqa: S310  our own address
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False


def _tail(log: str) -> str:
    return "\n".join(Path(log).read_text("utf-8").splitlines()[-15:])


@contextmanager
def running(home: Path) -> Iterator[Installation]:
    installation = Installation(home)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
