"""From a fix sent to the same fix on a customer's verified live feed, through the whole running product, while the gateway is under load.

Trucks of the demo company are on the road; their demo drivers are not. A second terminal in each truck, one of ours, reports once a
second, and a customer who knows the tail follows each truck's shipment (`/api/v1/track/{waybill}/live`).
"""

import json
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


def followed(installation: Installation, first: int) -> list[Follower]:
    """Put a terminal of ours (index `first` and following) into each truck on the road, and say whom its customer follows."""
    told = _zaitu(installation, "shell", "-v", "0", "-c", _TRUCKS.format(count=STREAMS, first=first))
    return [
        Follower(
            terminal,
            f"{installation.url}/api/v1/track/{waybill}/live?{urllib.parse.urlencode({'phone_tail': tail})}",
        )
        for terminal, waybill, tail in json.loads(told.splitlines()[-1])
    ]


def begin(followers: list[Follower]) -> None:
    """Open every feed; each is read by a thread of its own until the product stops."""
    for one in followers:
        ready = threading.Event()
        threading.Thread(target=one.follow, args=[ready], daemon=True).start()
        if not ready.wait(30):
            raise RuntimeError(f"no live feed: {one.address}")


def waits_ms(followers: list[Follower], log: Path) -> list[float]:
    """For each fix in the log of `zaitu simulate`, milliseconds until its feed showed it or a newer one; inf: never."""
    seen = {one.terminal: sorted(one.seen, key=lambda shown: shown[1]) for one in followers}
    waits = []
    for line in log.read_text("ascii").splitlines():
        terminal, at_s, sent_ns = line.split("\t")
        shown_ns = next((ns for at, ns in seen[terminal] if at >= int(at_s)), None)
        waits.append(float("inf") if shown_ns is None else (shown_ns - int(sent_ns)) / 1e6)
    return waits


def _zaitu(installation: Installation, *words: str) -> str:
    done = subprocess.run(
        [*_CLI, *words], env=installation.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"zaitu {words[0]}: {done.stderr[-2000:]}")
    return done.stdout


def simulating(installation: Installation, *words: Any) -> "subprocess.Popen[str]":
    """`zaitu simulate` against the product's gateway."""
    return subprocess.Popen(
        [*_CLI, "simulate", *map(str, words)],
        env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def done(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Its last line. Raises RuntimeError when it failed."""
    last: dict[str, Any] = {}
    for line in process.stdout or ():
        last = json.loads(line)
    if process.wait():
        raise RuntimeError(f"zaitu simulate ended with {process.returncode}")
    return last


def wait_sending(process: "subprocess.Popen[str]") -> None:
    """Until it says that something was acknowledged. Raises RuntimeError when it ends before."""
    for line in process.stdout or ():
        if json.loads(line)["acked"]:
            return
    raise RuntimeError("zaitu simulate ended before anything was acknowledged")
