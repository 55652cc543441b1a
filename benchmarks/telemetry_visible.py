"""From a fix sent to the same fix on a customer's verified live feed, through the whole running product, while the gateway is under load.

Trucks of the demo company are on the road; their demo drivers are not. A second terminal in each truck, one of ours, reports once a
second, and a customer who knows the tail follows each truck's shipment (`/api/v1/track/{waybill}/live`).
"""

import json
import math
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.installation import Installation

STREAMS: Final = 30
"""One address may follow 40 shipments."""
_BETWEEN_S: Final = 60.0
"""That starting the simulator takes, at most."""
_SHOWN_S: Final = 2.0
"""The last fix is shown within so long, or never."""
_CLI: Final = (sys.executable, "-m", "zaitu.config.cli")
_TRUCKS: Final = """
import json
from datetime import timedelta
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.domain import simulated
actor, found = system("bench"), {{}}
for status in ("in_transit", "at_stop"):
    for page in (1, 2, 3):
        query = journey.ShipmentQuery(status=status)
        for row in journey.shipments_search(actor=actor, query=query, page=page, size=100).rows:
            trip = journey.trip_get(actor=actor, trip=row.trip) if row.trip else None
            if trip is not None and trip.plate not in found and len(found) < {count}:
                people = journey.people_read(actor=actor, waybill=row.waybill, reason="bench")
                tail = next(person.phone[-4:] for person in people if person.role == "consignee")
                found[trip.plate] = (row.waybill, tail)
told = []
for index, (plate, (waybill, tail)) in enumerate(found.items(), {first}):
    number = simulated.number(index)
    telemetry.terminal_create(actor=actor, terminal=number, kind="jt808", plate=plate, from_at=clock.now() - timedelta(days=1))
    told.append((number, waybill, tail))
print(json.dumps(told))
"""


@dataclass(slots=True)
class Follower:
    """A customer's live feed of one shipment."""

    terminal: str
    address: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    """(fix time, monotonic nanoseconds) of each position shown."""

    def follow(self, ready: threading.Event) -> None:
        """Until the server closes."""
        with urllib.request.urlopen(self.address) as answer:  # noqa: S310  our own address
            ready.set()
            event = ""
            for raw in answer:
                line = raw.decode().strip()
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "position":
                    now_ns, place = time.monotonic_ns(), json.loads(line.removeprefix("data: "))
                    if place is not None and place["precision_m"] < 1000:
                        self.seen.append((datetime.fromisoformat(place["at"]).timestamp(), now_ns))


@contextmanager
def running(folder: Path) -> Iterator[Installation]:
    """A demo company on the road without its demo drivers."""
    installation = Installation(folder / "visible")
    installation.home.mkdir(mode=0o711)
    for words in (["migrate"], ["demo", "load"]):
        _zaitu(installation, *words)
    try:
        installation.start(demo=False)
        yield installation
    finally:
        installation.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    waits_ms: list[list[float]]
    """Per run, of each fix."""
    feeds: int
    rate: float
    """That the gateway acknowledged meanwhile, rows a second."""


def measure(installation: Installation, *, vehicles: int, rate: int, seconds: float, runs: int) -> Seen:
    """Follow trucks while so many vehicles send so many rows a second."""
    longest_s = runs * (seconds + _BETWEEN_S) + _BETWEEN_S
    # As old as they must be for no fix to be of the future.
    behind_s = round((rate / vehicles + 1) * longest_s)
    _simulated(installation, "--prepare", "--vehicles", vehicles, "--watched", vehicles, "--registered")
    followers = _followers(installation, vehicles + 1)
    log, count = installation.home / "sent.tsv", len(followers)
    load = _simulating(
        installation, "--vehicles", vehicles, "--rate", rate, "--seconds", longest_s, "--behind", behind_s
    )
    try:
        _wait_acknowledged(load)
        waits = []
        for _ in range(runs):
            _simulated(
                installation, "--first", vehicles + 1, "--vehicles", count, "--rate", count, "--seconds", seconds,
                "--logged", count, "--log", log, "--memory", installation.home / "trucks.tsv",
            )  # fmt: skip
            time.sleep(_SHOWN_S)
            waits.append(_waits_ms(followers, log))
            if math.inf in waits[-1]:
                raise RuntimeError(f"{waits[-1].count(math.inf)} of {len(waits[-1])} fixes were never shown")
    finally:
        load.send_signal(signal.SIGINT)  # it waits for the last acknowledgements and sums up
        said = _last_line(load)
    return Seen(waits_ms=waits, feeds=count, rate=said["rate"])


def _followers(installation: Installation, first: int) -> list[Follower]:
    """A terminal of ours (index `first` and following) in each truck on the road, and its customer's open feed."""
    told = _zaitu(installation, "shell", "-v", "0", "-c", _TRUCKS.format(count=STREAMS, first=first))
    followers = []
    for terminal, waybill, tail in json.loads(told.splitlines()[-1]):
        asked = urllib.parse.urlencode({"phone_tail": tail})
        one = Follower(terminal, f"{installation.url}/api/v1/track/{waybill}/live?{asked}")
        ready = threading.Event()
        threading.Thread(target=one.follow, args=[ready], daemon=True).start()
        if not ready.wait(30):
            raise RuntimeError(f"no live feed: {one.address}")
        followers.append(one)
    return followers


def _waits_ms(followers: list[Follower], log: Path) -> list[float]:
    """For each fix in the log of `zaitu simulate`, milliseconds until its feed showed it or a newer one; inf: never."""
    seen = {one.terminal: list(one.seen) for one in followers}
    waits = []
    for line in log.read_text("ascii").splitlines():
        terminal, at_s, sent_ns = line.split("\t")
        shown_ns = next((ns for at, ns in seen[terminal] if at >= int(at_s)), None)
        waits.append(math.inf if shown_ns is None else (shown_ns - int(sent_ns)) / 1e6)
    return waits


def _zaitu(installation: Installation, *words: str) -> str:
    done = subprocess.run(
        [*_CLI, *words], env=installation.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"zaitu {words[0]}: {done.stderr[-2000:]}")
    return done.stdout


def _simulated(installation: Installation, *words: object) -> None:
    _zaitu(installation, "simulate", *map(str, words))


def _simulating(installation: Installation, *words: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*_CLI, "simulate", *map(str, words)],
        env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _wait_acknowledged(process: "subprocess.Popen[str]") -> None:
    """Until `zaitu simulate` says that something was. Raises RuntimeError when it ends before."""
    for line in process.stdout or ():
        if json.loads(line)["acked"]:
            return
    raise RuntimeError("zaitu simulate ended before anything was acknowledged")


def _last_line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Raises RuntimeError when `zaitu simulate` failed."""
    last: dict[str, Any] = {}
    for line in process.stdout or ():
        last = json.loads(line)
    if process.wait():
        raise RuntimeError(f"zaitu simulate ended with {process.returncode}")
    return last
