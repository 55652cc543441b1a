"""Under load, the gateway and PostgreSQL are killed: what was acknowledged is stored, and nothing twice."""

import asyncio
import itertools
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import psycopg
import pytest

from tests.running import Installation, copy_of, until
from zaitu.config.homes import Home
from zaitu.telemetry.adapters.terminal_link import TerminalLink
from zaitu.telemetry.codecs.jt808.encode import Place, Uplink

pytestmark = pytest.mark.fault

_TERMINALS = 8
_MAKE = """
import json
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
    stops = tuple(telemetry.WatchStop(seq=s, lat=31 + s / 100, lon=121.4, radius_m=300, along_m=0) for s in range(50))
    watch = telemetry.Watch(trip=f"T{{index}}", route=((31.0, 121.4), (32.0, 121.4)), stops=stops, from_at=clock.now() - timedelta(days=1))
    telemetry.watch_set(actor=actor, vehicle_id=vehicle.id, watch=watch)
"""


class Recording(TerminalLink):
    """Remembers which fix times were acknowledged."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.acknowledged = []

    def _answered(self, message):
        places = self._pending.get(message.fields.get("reply_serial"), ())
        super()._answered(message)
        if message.fields.get("result") == 0:
            self.acknowledged += [place.time for place in places]


class Fleet:
    """Terminals that report as fast as they are acknowledged, one fix for each second of yesterday and today."""

    def __init__(self, port):
        self.port = port
        self.links = [
            Recording("127.0.0.1", port, Uplink(f"1350000{index:04d}")) for index in range(_TERMINALS)
        ]
        self.sent = [0] * _TERMINALS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._drive()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(120)
        assert not self._thread.is_alive()

    @property
    def acknowledged(self):
        return sum(len(link.acknowledged) for link in self.links)

    async def _drive(self):
        await asyncio.gather(*(self._one(index, link) for index, link in enumerate(self.links)))

    async def _one(self, index, link):
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
        memory, connected = [], False
        for second in itertools.count():
            if self._stopping.is_set() and not memory:
                break
            if not self._stopping.is_set():
                # Up and down a road of 100 km, 30 m a second.
                metres = 100_000 - abs((second * 30) % 200_000 - 100_000)
                memory.append(
                    Place(time=start + timedelta(seconds=second), lat=31 + metres / 111_195, lon=121.4)
                )
                self.sent[index] += 1
            try:
                if not connected:
                    memory[:0] = await link.open()
                    connected = True
                await link.report_stored(memory)
                await asyncio.sleep(0.002)
                if self._stopping.is_set():
                    await link.settle()
            except (OSError, TimeoutError):
                connected = False
                await asyncio.sleep(0.3)
                memory[:0] = list(itertools.chain(*link._pending.values()))
                link._pending.clear()
        await link.close()


@pytest.fixture(scope="module")
def running(started_before):
    place = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    place.chmod(0o711)
    one = Installation(copy_of(started_before, place / "home")).up()
    done = one.run("shell", "-c", _MAKE.format(count=_TERMINALS))
    assert done.returncode == 0, done.stderr
    yield one
    one.ensure_stopped()
    rmtree(place, ignore_errors=True)


def asked(running, sql):
    """Rows from the installation's database, as soon as it answers again."""
    for _ in range(120):
        try:
            with psycopg.connect(Home(running.home).database_url()) as connection:
                return connection.execute(sql).fetchall()
        except psycopg.OperationalError:
            time.sleep(0.5)
    raise AssertionError("the database did not come back")


def stored(running):
    """{terminal: times}; raises AssertionError for a fix that is stored twice."""
    rows = asked(
        running,
        """SELECT terminal.terminal, position.at FROM telemetry_position AS position
             JOIN telemetry_terminal AS terminal ON terminal.id = position.terminal_id""",
    )
    assert len(rows) == len(set(rows)), "a fix is stored twice"
    times = {}
    for terminal, at in rows:
        times.setdefault(terminal, set()).add(at)
    return times


def lost(running, fleet):
    """Fixes acknowledged and not stored."""
    acknowledged = {link.uplink.phone: list(link.acknowledged) for link in fleet.links}
    there = stored(running)
    return {
        phone: missing
        for phone, times in acknowledged.items()
        if (missing := set(times) - there.get(phone, set()))
    }


@pytest.mark.parametrize("part", ["gateway", "postgres"])
def test_killed_under_load_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(running, part):
    with psycopg.connect(Home(running.home).database_url()) as connection:
        connection.execute("TRUNCATE telemetry_position, telemetry_vehiclestate")
        connection.execute(
            "UPDATE telemetry_terminal SET last_fix_at = NULL, auth_code_hash = '', device_id = ''"
        )
    with Fleet(running.jt808_port) as fleet:
        until(lambda: fleet.acknowledged > 500, 60)
        for _ in range(3):
            before = fleet.acknowledged
            process = running.child(part)
            process.kill()
            process.wait(10)
            assert lost(running, fleet) == {}
            until(lambda before=before: fleet.acknowledged > before + 500, 90)
    assert lost(running, fleet) == {}
    there = stored(running)
    # Everything sent was acknowledged in the end, once it was stored.
    for link, sent in zip(fleet.links, fleet.sent, strict=True):
        assert len(link.acknowledged) == sent
        assert len(there[link.uplink.phone]) == sent
    for (visits,) in asked(running, "SELECT rules->'visits' FROM telemetry_vehiclestate"):
        assert len(visits) > 2
        assert len({(seq, entered_s) for seq, entered_s, *_ in visits}) == len(visits)
