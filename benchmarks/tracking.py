"""What customers ask most: `GET /api/v1/track/{waybill}` and the tracking page, on a running demo company with every check on."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from benchmarks import shipments
from benchmarks.installation import Installation, free_ports, running
from benchmarks.page import transferred
from benchmarks.records import Measured, load_before
from benchmarks.tools import CONNECTIONS, SECONDS, Load, load, nginx

RUNS: Final = 5
_COLD_SHIPMENTS: Final = 60_000
"""Asked in turn, so that each is asked again only after its cached answer (5 s) has died."""


def measure(folder: Path) -> Iterator[Measured]:
    """All in one run and in turn: generator, server, database, fleet and nginx share the cores, so only ratios travel."""
    with running(folder / "home") as installation:
        time.sleep(5)  # the fleet has connected
        yield from _rates(installation, folder)
        yield _page(installation)


@dataclass(frozen=True, slots=True)
class _Asked:
    url: str
    what: str
    server: psutil.Process
    paths: list[str]
    runs: list[tuple[Load, float]] = field(default_factory=list)
    """With the microseconds of a core that the server spent on each answer."""


def _rates(installation: Installation, folder: Path) -> Iterator[Measured]:
    path = f"/api/v1/track/{installation.facts['waybill']}"
    body = _fetched(f"{installation.url}{path}")
    copies = shipments.copies(installation.database_url, _COLD_SHIPMENTS)
    before = load_before()
    with _empty_server(installation) as empty, nginx(folder, free_ports(1)[0], body) as file:
        web = _server_of(installation.url)
        asked = {
            "warm": _Asked(installation.url + path, "one waybill again and again, as a stranger", web, []),
            "empty": _Asked(
                empty, "an empty answer of the same server (benchmarks/empty.py)", _server_of(empty), []
            ),
            "nginx": _Asked(file, "a file of the same size", _server_of(file), []),
            "cold": _Asked(
                installation.url,
                f"{_COLD_SHIPMENTS} waybills in turn: every answer is read from the database",
                web,
                [f"/api/v1/track/{waybill}" for waybill in copies],
            ),
        }
        for run in range(RUNS + 1):
            for one in asked.values():
                measured = _one_run(one, folder)
                if run:  # the first warms up
                    one.runs.append(measured)
    for name, one in asked.items():
        yield Measured(
            bench=f"tracking.{name}_rps",
            unit="requests/s",
            runs=[said.rate for said, _ in one.runs],
            params={
                "asks": one.what,
                "server_us": [round(us, 1) for _, us in one.runs],
                "p99_ms": [said.p99_ms for said, _ in one.runs],
                "generator": f"wrk, 1 thread, {CONNECTIONS} connections, {SECONDS} s a run, on the same cores",
                "web_processes": 1,
                "body_bytes": len(body),
                "load_before": before,
            },
        )


def _one_run(one: _Asked, folder: Path) -> tuple[Load, float]:
    began = _cpu_s(one.server)
    said = load(one.url, paths=one.paths, folder=folder)
    return said, (_cpu_s(one.server) - began) / said.answers * 1e6


def _page(installation: Installation) -> Measured:
    """First view in a phone's browser with an empty cache: bytes as they crossed the wire, compressed as the server does."""
    address = f"{installation.url}/t/{installation.facts['waybill']}"
    views = [transferred(address) for _ in range(3)]
    return Measured(
        bench="tracking.page_kb_gz",
        unit="kB (1000 bytes)",
        runs=[sum(view.values()) / 1000 for view in views],
        params={
            "browser": "headless Chromium, 390×844, empty cache; heads and bodies of all answers until 3 s after load; with the map, without its tiles",
            "bytes": views[-1],
        },
    )


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # noqa: S310  our own address
        body = bytes(answer.read())
    json.loads(body)
    return body


@contextmanager
def _empty_server(installation: Installation) -> Iterator[str]:
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.empty"],
        env={**installation.environment, "ZAITU_HTTP_PORT": str(port)},
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _server_of(url: str) -> psutil.Process:
    """The process that answers there: the one that listens, or nginx's worker under it."""
    port = urlsplit(url).port
    listening = next(
        one.pid
        for one in psutil.net_connections("tcp4")
        if one.status == psutil.CONN_LISTEN and one.laddr[1:] == (port,) and one.pid
    )
    process = psutil.Process(listening)
    if process.name() == "nginx":
        return next(iter(process.children()), process)
    return process


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
