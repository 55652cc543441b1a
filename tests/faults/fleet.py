"""Terminals that know what was acknowledged, and what the database says of it."""

import asyncio
import itertools
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from zaitu.telemetry.adapters.terminal_link import Refused, TerminalLink
from zaitu.telemetry.codecs.jt808.encode import Place, Uplink

ROAD_M = 200_000
"""Vehicles drive up and down a road of this length, 30 m a second."""
STOPS = 170
MAKE = """
from datetime import timedelta
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
actor = system("test")
for index in range({count}):
    plate = f"沪B{{index:05d}}"
    network.vehicle_put(actor=actor, draft=network.VehicleDraft(plate=plate))
    number = f"1350000{{index:04d}}"
    telemetry.terminal_create(actor=actor, terminal=number, kind="jt808", plate=plate, from_at=clock.now() - timedelta(days=2))
    vehicle = network.vehicle_get(actor=actor, plate=plate)
    stops = tuple(telemetry.WatchStop(seq=s, lat=31 + s / 100, lon=121.4, radius_m=300, along_m=0) for s in range({stops}))
    watch = telemetry.Watch(trip=f"T{{index}}", route=((31.0, 121.4), (33.0, 121.4)), stops=stops, from_at=clock.now() - timedelta(days=1))
    telemetry.watch_set(actor=actor, vehicle_id=vehicle.id, watch=watch)
"""
"""For `zaitu shell`: the vehicles, their terminals, and watches with a stop every 1.1 km."""


def make_words(count: int) -> str:
    return MAKE.format(count=count, stops=STOPS)


def phone(index: int) -> str:
    return f"1350000{index:04d}"


class Recording(TerminalLink):
    """Remembers which fix times were acknowledged."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.acknowledged = []
        self.waits_s = []
        """From sending to the acknowledgement."""
        self._sent_s = {}

    async def _report(self, places, told):
        self._sent_s[told[0]] = time.monotonic()
        await super()._report(places, told)

    def _answered(self, message):
        serial = message.fields.get("reply_serial")
        places = self._pending.get(serial, ())
        super()._answered(message)
        if message.fields.get("result") == 0 and places:
            self.acknowledged += [place.time for place in places]
            self.waits_s.append(time.monotonic() - self._sent_s.get(serial, time.monotonic()))


class Fleet:
    """Terminals that report one fix for each second of yesterday and today; those that lose a connection try the next address."""

    def __init__(
        self, addresses: Sequence[tuple[str, int]], count: int, *, pause_s: float = 0.002, first: int = 0
    ):
        """`pause_s`: between a terminal's reports; `first`: index of the first of `count` terminals."""
        self.addresses = addresses
        self.pause_s = pause_s
        self.links = [
            Recording(*addresses[index % len(addresses)], Uplink(phone(first + index)))
            for index in range(count)
        ]
        self.sent = [0] * count
        self.reconnects = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._drive()))
        self.failed = []
        """What ended a terminal."""

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(180)
        assert not self._thread.is_alive(), "the terminals were not answered to the end"
        assert not self.failed, self.failed

    @property
    def acknowledged(self):
        return sum(len(link.acknowledged) for link in self.links)

    def each(self):
        """How many fixes of each terminal are acknowledged."""
        return [len(link.acknowledged) for link in self.links]

    def times(self):
        """{terminal: fix times acknowledged so far}."""
        return {link.uplink.phone: set(link.acknowledged) for link in self.links}

    def waits_s(self):
        return sorted(wait for link in self.links for wait in link.waits_s)

    async def _drive(self):
        await asyncio.gather(*(self._watched(index, link) for index, link in enumerate(self.links)))

    async def _watched(self, index, link):
        try:
            await self._one(index, link)
        except Exception as error:  # told by __exit__
            self.failed.append(repr(error))

    async def _one(self, index, link):
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
        memory, connected, tries = [], False, 0
        while memory or not self._stopping.is_set():
            if not self._stopping.is_set() and len(memory) < 2_000:
                memory.append(_place(start, self.sent[index]))
                self.sent[index] += 1
            try:
                if not connected:
                    link.host, link.port = self.addresses[(index + tries) % len(self.addresses)]
                    tries += 1
                    async with asyncio.timeout(8):
                        memory[:0] = await link.open()
                    connected = True
                await link.report_stored(memory)
                await asyncio.sleep(self.pause_s)
                if self._stopping.is_set():
                    await link.settle()
            except (OSError, TimeoutError, Refused):
                connected = False
                self.reconnects += 1
                await asyncio.sleep(0.3)
                memory[:0] = list(itertools.chain(*link._pending.values()))
                link._pending.clear()
        await link.close()


def _place(start: datetime, second: int) -> Place:
    metres = ROAD_M - abs((second * 30) % (2 * ROAD_M) - ROAD_M)
    return Place(time=start + timedelta(seconds=second), lat=31 + metres / 111_195, lon=121.4)


class Pauses:
    """How long nothing at all was acknowledged."""

    def __init__(self, fleet: Fleet):
        self._fleet = fleet
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.longest_s = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        seen, since_s = self._fleet.acknowledged, time.monotonic()
        while not self._ending.wait(0.05):
            if (now := self._fleet.acknowledged) != seen:
                seen, since_s = now, time.monotonic()
            self.longest_s = max(self.longest_s, time.monotonic() - since_s)


class Stored:
    """The positions in a database that may be away."""

    def __init__(self, url: str):
        self.url = url

    def asked(self, sql: str) -> list[tuple]:
        """Rows, as soon as the database answers."""
        for _ in range(120):
            try:
                with psycopg.connect(self.url) as connection:
                    return connection.execute(sql).fetchall()
            except psycopg.OperationalError:
                time.sleep(0.5)
        raise AssertionError("the database did not come back")

    def times(self) -> dict[str, set[datetime]]:
        """{terminal: fix times}; raises AssertionError for a fix that is stored twice."""
        rows = self.asked(
            """SELECT terminal.terminal, position.at, position.digest FROM telemetry_position AS position
                 JOIN telemetry_terminal AS terminal ON terminal.id = position.terminal_id"""
        )
        assert len(rows) == len(set(rows)), "a fix is stored twice"
        times = {}
        for terminal, at, _digest in rows:
            times.setdefault(terminal, set()).add(at)
        return times

    def missing(self, acknowledged: dict[str, set[datetime]]) -> dict[str, set[datetime]]:
        """Of what was acknowledged; empty: nothing is lost."""
        there = self.times()
        return {
            one: missing for one, times in acknowledged.items() if (missing := times - there.get(one, set()))
        }

    def counted(self) -> tuple[int, int]:
        """(rows, rows that stand there again: same terminal, time and digest)."""
        ((rows, twice),) = self.asked(
            """SELECT count(*), count(*) - count(DISTINCT (terminal_id, at, digest)) FROM telemetry_position"""
        )
        return rows, twice

    def forget(self) -> None:
        """No position, no state, no registration."""
        with psycopg.connect(self.url) as connection:
            connection.execute("TRUNCATE telemetry_position, telemetry_vehiclestate")
            connection.execute(
                "UPDATE telemetry_terminal SET last_fix_at = NULL, auth_code_hash = '', device_id = ''"
            )


def facts_in_order(told: list[tuple[int, str, int]]) -> str:
    """What is wrong with (vehicle, name, stop) in the order told: each must be entered and left once, one after the other."""
    of_vehicle: dict[int, list[tuple[str, int]]] = {}
    for vehicle, name, seq in told:
        of_vehicle.setdefault(vehicle, []).append((name.rpartition("_")[2], seq))
    for vehicle, facts in of_vehicle.items():
        first = facts[0][1]
        expected = [(kind, seq) for seq in range(first, first + len(facts)) for kind in ("entered", "left")][
            : len(facts)
        ]
        if facts != expected:
            at = next(
                index for index, (one, other) in enumerate(zip(facts, expected, strict=True)) if one != other
            )
            return f"vehicle {vehicle}: {facts[at]} where {expected[at]} should come"
    return ""
