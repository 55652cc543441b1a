"""One machine with everything on it, as `zaitu up` runs it: what goes wrong around it and within, under real traffic."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from tests.faults.fleet import Fleet, Pauses, Stored, make_words
from tests.running import Installation
from zaitu.config.homes import Home

TERMINALS = 8
GUESTS = 3
"""Further terminals let in, for those who misbehave."""
_PHONES = """
from datetime import timedelta
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
network.vehicle_put(actor=system("test"), draft=network.VehicleDraft(plate="沪C00001"))
print(telemetry.terminal_create(actor=system("test"), terminal="13600000001", kind="osmand", plate="沪C00001", from_at=clock.now() - timedelta(days=2)))
"""


@dataclass(kw_only=True)
class Outcome:
    fault: str
    acked: int
    stored: int
    lost: int
    duplicates: int
    pause_s: float
    """The longest that nobody was acknowledged."""
    p99_ms: float
    """From a report to its acknowledgement, of the 99th of 100."""
    note: str = ""
    wrong: str = ""

    @property
    def fine(self) -> bool:
        return not (self.lost or self.duplicates or self.wrong)


class Phone:
    """Reports over HTTP, one fix for each second, the same again until it is answered 200."""

    def __init__(self, url: str, token: str):
        self._url, self._token = url, token
        self.acknowledged = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._report)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _report(self) -> None:
        start = int(time.time()) - 50_000
        while not self._stopping.wait(0.05):
            words = {"id": self._token, "timestamp": start + self.acknowledged, "lat": 31.2, "lon": 121.4}
            with contextlib.suppress(httpx.TransportError):
                answer = httpx.get(f"{self._url}/osmand", params=words, timeout=5, trust_env=False)
                self.acknowledged += answer.status_code == 200


@dataclass
class Box:
    running: Installation
    stored: Stored
    fleet: Fleet
    phone: Phone
    end: "Outcome | None" = None
    """When everything has ended."""

    def trial(self, fault: str, harm: Callable[["Box"], str]) -> Outcome:
        """Do harm and see what became of it."""
        before, waits = self.fleet.acknowledged, [len(link.waits_s) for link in self.fleet.links]
        pauses, note, wrong = Pauses(self.fleet), "", ""
        with pauses:
            try:
                note = harm(self)
            except AssertionError as error:  # told in the table; the next fault has its turn
                wrong = str(error)
            going_on = self.fleet.each()
            deadline = time.monotonic() + 120
            while not all(now > then + 5 for now, then in zip(self.fleet.each(), going_on, strict=True)):
                if time.monotonic() > deadline:
                    wrong = "not every terminal was acknowledged again within 120 s"
                    break
                time.sleep(0.1)
        snapshot, phoned = self.fleet.times(), self.phone.acknowledged
        lost = sum(map(len, self.stored.missing(snapshot).values()))
        ((by_phone,),) = self.stored.asked(
            "SELECT count(*) FROM telemetry_position JOIN telemetry_terminal AS one ON one.id = terminal_id WHERE terminal = '13600000001'"
        )
        rows, twice = self.stored.counted()
        waited = sorted(
            wait for link, seen in zip(self.fleet.links, waits, strict=True) for wait in link.waits_s[seen:]
        )
        return Outcome(
            fault=fault,
            acked=self.fleet.acknowledged - before,
            stored=rows,
            lost=lost + max(0, phoned - by_phone),
            duplicates=twice,
            pause_s=round(pauses.longest_s, 1),
            p99_ms=round(waited[int(len(waited) * 0.99)] * 1000, 1) if waited else float("nan"),
            note=note,
            wrong=wrong,
        )

    def ended(self) -> Outcome:
        """After the terminals have ended: everything they sent is there, and no more."""
        there = self.stored.times()
        wrong = [
            f"{link.uplink.phone} sent {sent}, {len(link.acknowledged)} acknowledged, {len(there[link.uplink.phone])} stored"
            for link, sent in zip(self.fleet.links, self.fleet.sent, strict=True)
            if not sent == len(link.acknowledged) == len(there[link.uplink.phone])
        ]
        rows, twice = self.stored.counted()
        return Outcome(
            fault="all of them",
            acked=self.fleet.acknowledged,
            stored=rows,
            lost=sum(map(len, self.stored.missing(self.fleet.times()).values())),
            duplicates=twice,
            pause_s=0.0,
            p99_ms=round(self.fleet.waits_s()[int(len(self.fleet.waits_s()) * 0.99)] * 1000, 1),
            note="every terminal: sent = acknowledged = stored",
            wrong="; ".join(wrong),
        )

    @property
    def gateway(self) -> tuple[str, int]:
        return "127.0.0.1", self.running.jt808_port


@contextlib.contextmanager
def box(folder: Path, *, before: tuple[str, ...] = (), pause_s: float = 0.05) -> Iterator[Box]:
    """An installation of its own, its terminals reporting. `before`: what comes before `zaitu up`."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    running = Installation(folder / "home")
    running.environment["NUMBA_CACHE_DIR"] = ""
    try:
        usual, running.program = running.program, (*before, *running.program)
        running.up()
        running.program = usual
        for words in (make_words(TERMINALS + GUESTS), _PHONES):
            done = running.run("shell", "-v", "0", "-c", words)
            assert done.returncode == 0, done.stderr
        token = done.stdout.split()[-1]
        stored = Stored(Home(running.home).database_url())
        with (
            Fleet([("127.0.0.1", running.jt808_port)], TERMINALS, pause_s=pause_s) as fleet,
            Phone(running.url, token) as phone_,
        ):
            while not all(count > 5 for count in fleet.each()):
                time.sleep(0.1)
            one = Box(running, stored, fleet, phone_)
            yield one
        one.end = one.ended()
    finally:
        running.ensure_stopped()
