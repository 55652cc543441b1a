"""Sensors over MQTT, with a real broker: taken, acknowledged after commit, and nothing lost while either side is away."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.kernel.topics import Topic
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.gateway.sensors import Listener, Setup
from zaitu.telemetry.gateway.warm import kernels_warm
from zaitu.telemetry.models import Position, UnknownTerminal, VehicleState
from zaitu.telemetry.services.host import EngineHost

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
PASSWD = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
TOPICS = [Topic.parse("cold/{device}/up"), Topic.parse("gate/#")]


class Broker:
    """A mosquitto that asks for a password and keeps sessions on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        passwords = folder / "passwords"
        subprocess.run([PASSWD, "-b", "-c", str(passwords), "zaitu", "a b@c"], check=True)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
        )
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)  # it gives up root's rights
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://zaitu:a%20b%40c@127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")], stderr=subprocess.DEVNULL
        )
        assert make.eventually(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def publish(self, topic: str, *payloads: object) -> None:
        """As a sensor does, with quality of service 1; returns when the broker has them."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.username_pw_set("zaitu", "a b@c")
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        for payload in payloads:
            told = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            client.publish(topic, told, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broker")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    one = Broker(folder)
    yield one
    one.stop()
    assert not (folder / "core").exists()


@contextlib.contextmanager
def listening(broker, tmp_path, *, sink=None):
    """A listener with an engine, in a thread with its own event loop."""
    kernels_warm(clock.now(), engine=True)
    started, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    failed: list[BaseException] = []
    running: list[Listener] = []

    async def serve() -> None:
        from zaitu.kernel.bus import BusClient

        bus = BusClient(tmp_path / "bus.sock")
        listener = Listener(
            Setup(url=broker.url, topics=TOPICS, name="zaitu-test"),
            sink=sink or EngineHost(bus, part="sensors"),
        )
        running.append(listener)
        started.set()
        try:
            await listener.run(stop)
        except BaseException as error:
            failed.append(error)
        await bus.close()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    assert started.wait(20)
    assert running[0].subscribed.wait(20)
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    assert not thread.is_alive()
    loop.close()
    assert failed == []


def sensor(name: str) -> int:
    """Let in, for a month; its vehicle's id."""
    car = make.vehicle()
    telemetry.terminal_create(
        actor=make.ACTOR,
        terminal=name,
        kind="mqtt",
        plate=car.plate,
        from_at=clock.now() - timedelta(days=30),
    )
    return car.id


def stored() -> int:
    return Position.objects.count()


pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cold_box_reports_by_json_and_senml_and_moves_no_vehicle(broker, tmp_path):
    vehicle_id = sensor("Box-7:a")
    now = int(clock.now().timestamp())
    with listening(broker, tmp_path):
        broker.publish(
            "cold/BOX-7:A/up",
            {"time": now - 20, "temp": [4.1, -18.5], "hum": 61.5, "shock": 0.3, "battery": 88},
        )
        senml = [{"bn": "box-7:a/", "bt": now - 10, "n": "temp1", "u": "Cel", "v": 5.5}]
        broker.publish("gate/north/room", senml)
        assert make.eventually(lambda: stored() == 2)
    first, second = Position.objects.order_by("at")
    assert (first.vehicle_id, first.temps_c, first.humidity_pct, first.shock_g, first.battery_pct) == (
        vehicle_id,
        [4.1, -18.5],
        61.5,
        0.3,
        88.0,
    )
    assert (first.lat, second.temps_c) == (None, [5.5])
    assert not VehicleState.objects.filter(vehicle_id=vehicle_id, lat__gt=0).exists()


def test_what_is_published_while_we_are_away_waits_and_comes_once(broker, tmp_path):
    sensor("box")
    now = int(clock.now().timestamp())
    with listening(broker, tmp_path):
        broker.publish("cold/box/up", {"time": now - 60, "temp": 4.0})
        assert make.eventually(lambda: stored() == 1)
    broker.publish("cold/box/up", *({"time": now - 50 + step, "temp": 4.0 + step / 10} for step in range(20)))
    broker.stop()
    broker.start()
    with listening(broker, tmp_path):
        assert make.eventually(lambda: stored() == 21, 15)
        time.sleep(0.5)
    assert stored() == 21


def test_nothing_is_acknowledged_to_the_broker_before_it_is_committed(broker, tmp_path):
    sensor("box")
    now = int(clock.now().timestamp())

    class Stuck:
        """A store that never answers."""

        taken = 0

        async def start(self): ...
        async def stop(self): ...
        async def run(self):
            await asyncio.Event().wait()

        async def put(self, tick):
            self.taken += len(tick.columns)
            await asyncio.Event().wait()

    stuck = Stuck()
    with listening(broker, tmp_path, sink=stuck):
        broker.publish("cold/box/up", {"time": now - 5, "temp": 4.0})
        assert make.eventually(lambda: stuck.taken == 1)
    with listening(broker, tmp_path):
        assert make.eventually(lambda: stored() == 1), "the broker sends it again"


def test_the_broker_may_come_and_go(broker, tmp_path):
    sensor("box")
    now = int(clock.now().timestamp())
    with listening(broker, tmp_path):
        broker.publish("cold/box/up", {"time": now - 20, "temp": 4.0})
        assert make.eventually(lambda: stored() == 1)
        broker.stop()
        time.sleep(0.5)
        broker.start()
        broker.publish("cold/box/up", {"time": now - 10, "temp": 4.5})
        assert make.eventually(lambda: stored() == 2, 20)


def test_strangers_and_vehicles_terminals_cannot_report_as_sensors_and_nonsense_costs_only_itself(
    broker, tmp_path
):
    sensor("box")
    number, _, _ = make.terminal()
    now = int(clock.now().timestamp())
    with listening(broker, tmp_path):
        broker.publish("cold/stranger/up", {"time": now, "temp": 4.0})
        broker.publish(f"cold/{number}/up", {"time": now, "temp": 4.0})
        broker.publish("gate/nobody", {"time": now, "temp": 4.0})
        broker.publish(
            "cold/box/up", b"\xff\x00 no json", {"time": now, "colour": "red"}, {"time": now - 3, "temp": 4.0}
        )
        assert make.eventually(lambda: stored() == 1)
    assert [(row.terminal, row.kind) for row in UnknownTerminal.objects.all()] == [("stranger", "mqtt")]


def test_a_sensor_s_name_is_checked_when_it_is_let_in():
    car = make.vehicle()
    for name in ("", "box 7", "箱", "b" * 21, "-box"):
        with pytest.raises(Invalid):
            telemetry.terminal_create(actor=make.ACTOR, terminal=name, kind="mqtt", plate=car.plate)


@pytest.mark.parametrize(
    ("written", "filter_", "topic", "device"),
    [
        ("sensors/{device}", "sensors/+", "sensors/ab12", "ab12"),
        ("sensors/{device}", "sensors/+", "sensors/ab12/up", ""),
        ("a/+/{device}/#", "a/+/+/#", "a/x/ab12/t/1", "ab12"),
        ("a/+/{device}/#", "a/+/+/#", "b/x/ab12/t", ""),
        ("gate/#", "gate/#", "gate/1", ""),
    ],
)
def test_a_topic_names_the_device_where_it_says_so(written, filter_, topic, device):
    one = Topic.parse(written)
    assert (one.filter, one.device(topic)) == (filter_, device)


@pytest.mark.parametrize("written", ["", " ", "a/#/b", "{device}/{device}", "a/b+", "a/{dev}", "x#"])
def test_a_topic_that_cannot_be_is_refused(written):
    with pytest.raises(ValueError, match=r"."):
        Topic.parse(written)
