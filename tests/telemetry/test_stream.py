"""Several processes over a real JetStream: nothing acknowledged is lost, nothing is stored twice, order is kept."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.models import OutboxRow
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters.stream import Stream
from zaitu.telemetry.domain.stream import Setup, Unusable
from zaitu.telemetry.models import Position, Shard, VehicleState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


def free_port():
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


class Nats:
    def __init__(self, folder: Path, *, sync: str = "always"):
        self.port, self.monitor = free_port(), free_port()
        self.config = folder / "nats.conf"
        self.config.write_text(
            f'host: 127.0.0.1\nport: {self.port}\nhttp: "127.0.0.1:{self.monitor}"\n'
            f'jetstream {{ store_dir: "{folder}/js", sync_interval: {sync}, max_file_store: 512MB }}\n'
        )
        self.process = None

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        program = Path(sys.executable).with_name("nats-server")
        self.process = subprocess.Popen(
            [program, "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.monitor)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError("nats-server does not answer")

    def stop(self, signum=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.wait(10)
            self.process = None


@pytest.fixture
def nats(tmp_path, settings):
    one = Nats(tmp_path).start()
    settings.ZAITU_NATS_URL = one.url
    settings.ZAITU_NATS_MONITOR_URL = f"http://127.0.0.1:{one.monitor}"
    settings.ZAITU_NATS_SHARDS = 3
    settings.ZAITU_NATS_STREAM_MB = 256
    settings.ZAITU_NATS_REPLICAS = 1
    yield one
    one.stop()


class Worker:
    """A `zaitu ingest` process."""

    def __init__(self, nats: Nats, log: Path, database: str = ""):
        self.log = log
        environment = {
            **os.environ,
            "ZAITU_DATABASE_URL": database or django_settings.ZAITU_DATABASE_URL,
            "ZAITU_NATS_URL": nats.url,
            "ZAITU_NATS_MONITOR_URL": f"http://127.0.0.1:{nats.monitor}",
            "ZAITU_NATS_SHARDS": "3",
            "ZAITU_NATS_STREAM_MB": "256",
            "NUMBA_CACHE_DIR": "",  # beside the source: nobody waits for the compiler again
        }
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zaitu.config.cli", "ingest"],
                env=environment,
                stdout=sink,
                stderr=sink,
            )

    def signal(self, signum):
        self.process.send_signal(signum)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)


@pytest.fixture
def worker(nats, tmp_path):
    made = []

    def make_one(database=""):
        made.append(Worker(nats, tmp_path / f"worker{len(made)}.log", database))
        return made[-1]

    yield make_one
    for one in made:
        one.end()


def eventually(question, seconds=60.0):
    until = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < until:
        time.sleep(0.1)
    return answer


def test_a_terminal_that_comes_to_a_gateway_of_another_machine_is_hung_up_at_the_first(nats, tmp_path):
    number, _, _ = make.terminal()
    # Another bus each: they reach each other by the stream's servers only.
    with (
        make.gateway(tmp_path / "one" / "bus.sock") as one,
        make.gateway(tmp_path / "two" / "bus.sock") as two,
    ):
        first = make.Wire(one.port, number)
        first.sign_in()
        assert first.result(first.uplink.heartbeat()) == 0
        second = make.Wire(two.port, number)
        second.sign_in()
        assert first.closed_within(5)
        assert second.result(second.uplink.heartbeat()) == 0


class Driving:
    """Terminals that report second by second and count what was acknowledged."""

    def __init__(self, port, count):
        self.cars = [make.terminal() for _ in range(count)]
        self.start = clock.now().replace(microsecond=0) - timedelta(seconds=250)
        self.wires = []
        for number, vehicle_id, _ in self.cars:
            stops = [make.stop(seq, 31.0 + seq / 100, radius_m=200.0) for seq in range(1, 4)]
            watch = make.watch(self.start, *stops, trip=f"T{vehicle_id}")
            telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=watch)
            wire = make.Wire(port, number)
            wire.sign_in()
            self.wires.append(wire)
        self.step = 0
        self.acknowledged = 0

    def drive(self, steps):
        for _ in range(steps):
            self.step += 1
            at = self.start + timedelta(seconds=self.step)
            for wire in self.wires:
                assert wire.result(wire.uplink.position(make.place(at, 31.0 + self.step / 1000))) == 0
                self.acknowledged += 1


def stored():
    return Position.objects.count()


def facts():
    found = {}
    for row in OutboxRow.objects.filter(name__startswith="telemetry.stop").order_by("id"):
        kind = row.name.removeprefix("telemetry.stop_")
        found.setdefault(row.body["vehicle_id"], []).append((kind, row.body["seq"]))
    return found


def test_what_gateways_put_into_the_stream_is_stored_by_workers_and_its_facts_are_told_once(nats, worker):
    worker()
    with make.gateway(django_settings.ZAITU_BUS_PATH) as gateway:
        driving = Driving(gateway.port, 4)
        driving.drive(40)
        assert eventually(lambda: stored() == driving.acknowledged)
        told = [("entered", 1), ("left", 1), ("entered", 2), ("left", 2), ("entered", 3), ("left", 3)]
        assert facts() == {vehicle_id: told for _, vehicle_id, _ in driving.cars}
        vehicles = {vehicle_id for _, vehicle_id, _ in driving.cars}
        assert eventually(lambda: VehicleState.objects.filter(pk__in=vehicles, lat__gt=31.0).count() == 4)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_stalls_is_replaced_and_nothing_is_lost_or_stored_twice(nats, worker, how):
    first = worker()
    with make.gateway(django_settings.ZAITU_BUS_PATH) as gateway:
        driving = Driving(gateway.port, 4)
        driving.drive(5)
        assert eventually(lambda: stored() == driving.acknowledged)
        first.signal(how)
        driving.drive(5)
        worker()
        driving.drive(5)
        assert eventually(lambda: stored() == driving.acknowledged, 60)
        if how is signal.SIGSTOP:
            first.signal(signal.SIGCONT)
            driving.drive(5)
            assert eventually(lambda: stored() == driving.acknowledged, 60)
            time.sleep(2)
        assert stored() == driving.acknowledged == 4 * driving.step
        assert {row.epoch for row in Shard.objects.all()} != {1}


def test_a_server_that_is_killed_loses_nothing_it_confirmed(nats, worker):
    with make.gateway(django_settings.ZAITU_BUS_PATH) as gateway:
        driving = Driving(gateway.port, 2)
        driving.drive(5)
        nats.stop(signal.SIGKILL)
        nats.start()
        driving.drive(5)
        worker()
        assert eventually(lambda: stored() == driving.acknowledged == 20)


def test_workers_share_the_shards_and_pass_them_on(nats, worker):
    one = worker()
    assert eventually(lambda: Shard.objects.exclude(holder="").values("holder").distinct().count() == 1)
    assert eventually(lambda: Shard.objects.exclude(holder="").count() == 3)
    other = worker()
    assert eventually(lambda: Shard.objects.exclude(holder="").values("holder").distinct().count() == 2)
    one.signal(signal.SIGTERM)
    assert one.process.wait(20) == 0
    assert eventually(
        lambda: (
            Shard.objects.exclude(holder="").count() == 3
            and Shard.objects.values("holder").distinct().count() == 1
        )
    )
    other.signal(signal.SIGTERM)
    assert other.process.wait(20) == 0
    assert Shard.objects.exclude(holder="").count() == 0


def test_a_stream_made_anew_is_stored_though_engines_counted_further_before(nats, worker):
    for number in range(3):
        Shard.objects.create(number=number, epoch=4, sequence=10**9)
    worker()
    with make.gateway(django_settings.ZAITU_BUS_PATH) as gateway:
        driving = Driving(gateway.port, 2)
        driving.drive(5)
        assert eventually(lambda: stored() == driving.acknowledged == 10)


async def _waiting(nats, count):
    """A stream with so many messages of shard 0, and who takes them."""
    stream = Stream(Setup(url=nats.url, unsynced_allowed=True, bytes_max=64 * 1024**2))
    await stream.open()
    for number in range(count):
        await stream.put(0, b"%d" % number, name=str(number))
    return stream, await stream.take(0)


async def _all(taking, count):
    found = []
    while len(found) < count:
        for one in await taking.next(0.5):
            found.append(int(one.content))
            await one.stored()
    return found


def test_a_message_lost_on_its_way_is_noticed_and_read_again_before_those_after_it(nats):
    async def scenario():
        stream, taking = await _waiting(nats, 5)
        (lost,) = await taking._subscription.fetch(1)
        assert lost.data == b"0"
        assert await taking.next(0.5) == []
        assert await _all(taking, 5) == [0, 1, 2, 3, 4]
        await stream.close()

    asyncio.run(scenario())


def test_the_next_holder_begins_with_the_first_that_is_not_confirmed_and_does_not_wait(nats):
    async def scenario():
        stream, first = await _waiting(nats, 5)
        given = await first.next(0.5)
        await given[0].stored()
        began = time.monotonic()
        second = await stream.take(0)
        assert await _all(second, 4) == [1, 2, 3, 4]
        assert time.monotonic() - began < 5
        # The first one goes on, and finds its consumer gone.
        await stream.put(0, b"5", name="5")
        assert await _all(first, 1) == [5]
        await stream.close()

    asyncio.run(scenario())


def test_a_cluster_is_asked_whether_it_syncs_though_one_server_is_away(nats):
    async def opened(monitors):
        stream = Stream(Setup(url=nats.url, monitor_url=monitors, bytes_max=64 * 1024**2))
        await stream.open()
        await stream.close()

    asyncio.run(opened(f"http://127.0.0.1:{free_port()},http://127.0.0.1:{nats.monitor}"))


def test_a_worker_asked_to_stop_does_so_while_the_database_is_away(nats, worker):
    one = worker(f"postgresql://zaitu@127.0.0.1:{free_port()}/zaitu")
    assert eventually(lambda: "the database did not answer" in one.log.read_text(), 120)
    one.signal(signal.SIGTERM)
    assert one.process.wait(30) == 0


def test_a_server_that_acknowledges_before_it_syncs_is_refused(tmp_path):
    server = Nats(tmp_path, sync="2m").start()
    try:
        refused = Setup(url=server.url, monitor_url=f"http://127.0.0.1:{server.monitor}")
        with pytest.raises(Unusable, match="sync_interval"):
            asyncio.run(Stream(refused).open())
        with pytest.raises(Unusable, match="ZAITU_NATS_MONITOR_URL"):
            asyncio.run(Stream(Setup(url=server.url)).open())

        async def allowed():
            one = Stream(Setup(url=server.url, unsynced_allowed=True, bytes_max=64 * 1024**2))
            await one.open()
            await one.close()

        asyncio.run(allowed())
    finally:
        server.stop()
