"""What customers ask most: `GET /api/v1/track/{waybill}` and the tracking page, on a running demo company with every check on."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks import shipments
from benchmarks.installation import Installation, free_ports, running
from benchmarks.page import transferred
from benchmarks.records import Measured, load_before
from benchmarks.tools import CONNECTIONS, SECONDS, load, nginx

RUNS: Final = 5
_COLD_SHIPMENTS: Final = 60_000
"""Asked in turn, so that each is asked again only after its cached answer (5 s) has died."""


def measure(folder: Path) -> Iterator[Measured]:
    """All in one run and in turn: generator, server, database, fleet and nginx share the cores, so only ratios travel."""
    with running(folder / "home") as installation:
        time.sleep(5)  # the fleet has connected
        yield from _rates(installation, folder)
        yield _page(installation)


def _rates(installation: Installation, folder: Path) -> Iterator[Measured]:
    path = f"/api/v1/track/{installation.facts['waybill']}"
    body = _fetched(f"{installation.url}{path}")
    cold = [
        f"/api/v1/track/{waybill}" for waybill in shipments.copies(installation.database_url, _COLD_SHIPMENTS)
    ]
    before = load_before()
    rates: dict[str, list[float]] = {"warm": [], "cold": [], "nginx": [], "empty": []}
    waits: dict[str, list[float]] = {name: [] for name in rates}
    web_cores: list[float] = []
    with _empty_server(installation) as empty_url, nginx(folder, free_ports(1)[0], body) as nginx_url:
        asked: dict[str, tuple[str, list[str]]] = {
            "warm": (installation.url + path, []),
            "empty": (empty_url, []),
            "nginx": (nginx_url, []),
            "cold": (installation.url, cold),
        }
        for url, paths in asked.values():
            load(url, seconds=1, paths=paths, folder=folder)
        for _ in range(RUNS):
            for name, (url, paths) in asked.items():
                with _counted_cores(installation, web_cores if name == "cold" else []):
                    said = load(url, paths=paths, folder=folder)
                rates[name].append(said.rate)
                waits[name].append(said.p99_ms)
    params = {
        "generator": f"wrk, 1 thread, {CONNECTIONS} connections, {SECONDS} s a run, on the same cores",
        "web_processes": 1,
        "body_bytes": len(body),
        "load_before": before,
    }
    told: dict[str, dict[str, Any]] = {
        "warm": {"asks": "one waybill again and again, as a stranger"},
        "cold": {
            "asks": f"{_COLD_SHIPMENTS} waybills in turn: every answer is read from the database",
            "web_cores_used": web_cores,
        },
        "nginx": {"asks": "a file of the same size"},
        "empty": {"asks": "an empty answer of the same server (benchmarks/empty.py)"},
    }
    for name, runs in rates.items():
        yield Measured(
            bench=f"tracking.{name}_rps",
            unit="requests/s",
            runs=runs,
            params={**told[name], "p99_ms": waits[name], **params},
        )


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


@contextmanager
def _counted_cores(installation: Installation, told: list[float]) -> Iterator[None]:
    """How many cores the web process used meanwhile: a rate per core is the rate divided by it."""
    web = _web_process(installation)
    began, used = time.monotonic(), _cpu_s(web)
    yield
    told.append(round((_cpu_s(web) - used) / (time.monotonic() - began), 2))


def _web_process(installation: Installation) -> psutil.Process:
    pids = [
        one.pid
        for one in psutil.net_connections("tcp4")
        if one.status == psutil.CONN_LISTEN and one.laddr[1:] == (installation.port,) and one.pid
    ]
    return psutil.Process(pids[0])


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
