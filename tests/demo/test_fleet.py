"""A simulated truck, a real gateway: shipments move by themselves, whatever is killed on the way."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from tests.network import make as network_make
from tests.notify.make import until
from tests.running import free_port
from zaitu.config.demo.drive import drive
from zaitu.config.demo.schedule import run_key
from zaitu.config.demo.truck import Task, Trip
from zaitu.config.management.commands.fleet import PROCESSES
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = system("test")
SPEED = 100
SPEED_WITH_KILLS = 100
"""Slower: what is killed must be back before the truck is there."""
PATIENCE_S = 150
"""Starting a process takes a while on a busy machine."""
PLATE = "沪A12345"
TERMINAL = "19900180099"
STATIONS = (("AA01", 121.20), ("AA02", 121.38), ("AA03", 121.56))
LAT = 31.2


@pytest.fixture
def start():
    """Starts `zaitu …` as a process of its own on this test's database; all are killed afterwards."""
    port = free_port()
    environment = os.environ | {
        "ZAITU_DATABASE_URL": settings.ZAITU_DATABASE_URL,
        "ZAITU_JT808_HOST": "127.0.0.1",
        "ZAITU_JT808_PORT": str(port),
        "ZAITU_ELOCK_PORT": "0",
        "ZAITU_LOG_LEVEL": "WARNING",
    }
    started = []

    def run(*arguments: str, speed: int = 1) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "zaitu.config.cli", *arguments]
        its_own = environment | {"ZAITU_DEMO_SPEED": str(speed)}
        started.append(subprocess.Popen(command, env=its_own, stdin=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.stdin.close()
        process.wait()
    Path(settings.ZAITU_HOME, "demo", "yard-0.json").unlink(missing_ok=True)


@pytest.fixture
def trip():
    """Two shipments, one for the middle and one for the end, on a truck that leaves in a moment."""
    for code, lon in STATIONS:
        network_make.station(code, f"{code}站", (LAT, lon), radius_m=500)
    network_make.product()
    road = tuple((LAT, 121.20 + 0.36 * step / 60) for step in range(61))
    stops = (
        network_make.stop("AA01", 0),
        network_make.stop("AA02", 60, dwell_min=45, key_node=True),
        network_make.stop("AA03", 160),
    )
    network_make.line(code="AA-LINE", name="近郊线", stops=stops, points=road)
    network_make.vehicle(PLATE)
    telemetry.terminal_create(
        actor=ACTOR, terminal=TERMINAL, kind="jt808", plate=PLATE, from_at=clock.now() - timedelta(hours=1)
    )
    draft = journey.TripDraft(line="AA-LINE", plate=PLATE, departs_at=clock.now())
    planned = journey.trip_plan(actor=ACTOR, draft=draft)
    waybills = [_order("AA02"), _order("AA03")]
    journey.trip_assign(actor=ACTOR, trip=planned.ref, waybills=waybills)
    return planned, waybills


def _order(destination: str) -> str:
    party = {"name": "李华", "phone": "13812345678", "city": "上海", "address": "人民路1号"}
    draft = journey.OrderDraft(
        product="LTL", from_station="AA01", to_station=destination, pieces=1, weight_kg=5, volume_m3=0.1,
        goods="样品", consignor=journey.PartyDraft(**party), consignee=journey.PartyDraft(**party),
    )  # fmt: skip
    return journey.order_create(actor=ACTOR, draft=draft).waybill


def _task(planned: journey.TripView, *, starts_in_s: float) -> Task:
    return Task(
        terminal=TERMINAL,
        version="2019",
        plate=PLATE,
        cold=True,
        late=False,
        key=run_key(planned.plate, planned.departs_at),
        line=planned.line,
        starts_at=clock.now() + timedelta(seconds=starts_in_s),
        stops_m=tuple(stop.along_m for stop in planned.stops),
        points=planned.points,
    )


def _tell(truck: subprocess.Popen[str], task: Task) -> None:
    truck.stdin.write(task.dumped() + "\n")
    truck.stdin.flush()


def _leaves(start, planned: journey.TripView, speed: int) -> tuple[subprocess.Popen[str], Task]:
    """A truck that has been standing at its first station, and now leaves."""
    truck = start("fleet", "--yard", "0", speed=speed)
    _tell(truck, _task(planned, starts_in_s=3600))
    until(lambda: telemetry.latest(actor=ACTOR, vehicle_ids=[planned.vehicle_id]), within_s=PATIENCE_S)
    task = _task(planned, starts_in_s=2)
    _tell(truck, task)
    return truck, task


def _status(waybill: str) -> str:
    return journey.shipment_page(actor=ACTOR, waybill=waybill).row.status


def _kinds(waybill: str) -> list[str]:
    return [event.kind for event in reversed(journey.events_of(actor=ACTOR, waybill=waybill))]


def _done(planned: journey.TripView) -> bool:
    return journey.trip_get(actor=ACTOR, trip=planned.ref).state == "done"


def test_shipments_move_by_themselves_from_departure_to_arrival(start, trip):
    planned, (to_middle, to_end) = trip
    start("gateway")
    start("worker")
    _leaves(start, planned, SPEED)
    until(lambda: _status(to_end) == "in_transit", within_s=PATIENCE_S)
    until(lambda: _status(to_end) == "at_stop", within_s=PATIENCE_S)
    assert _status(to_middle) == "arrived"
    until(lambda: _done(planned), within_s=PATIENCE_S)
    assert _status(to_end) == "arrived"
    assert _kinds(to_end) == ["ordered", "stop_left", "stop_entered", "stop_left", "stop_entered"]
    fixes = telemetry.track(
        actor=ACTOR,
        vehicle_id=planned.vehicle_id,
        start=planned.departs_at,
        end=clock.now() + timedelta(minutes=1),
    )
    assert max(fix.speed_kmh for fix in fixes if fix.speed_kmh is not None) < 100


@pytest.mark.fault
def test_with_gateway_and_truck_killed_on_the_way_nothing_is_missing(start, trip):
    planned, (_, to_end) = trip
    gateway = start("gateway")
    start("worker")
    truck, task = _leaves(start, planned, SPEED_WITH_KILLS)
    until(lambda: _status(to_end) == "in_transit", within_s=PATIENCE_S)
    gateway.send_signal(signal.SIGKILL)
    gateway.wait()
    start("gateway")
    until(lambda: "stop_entered" in _kinds(to_end), within_s=PATIENCE_S)
    assert not _done(planned), "the truck is killed on the way"
    truck.send_signal(signal.SIGKILL)
    truck.wait()
    _tell(start("fleet", "--yard", "0", speed=SPEED_WITH_KILLS), task)
    until(lambda: _done(planned), within_s=PATIENCE_S)
    assert _kinds(to_end) == ["ordered", "stop_left", "stop_entered", "stop_left", "stop_entered"]


@pytest.mark.fault
def test_a_fleet_whose_trucks_were_killed_ends_with_the_others_and_can_be_started_again(start):
    fleet = start("fleet", "--no-staff")
    parent = psutil.Process(fleet.pid)
    until(lambda: len(parent.children()) == PROCESSES, within_s=PATIENCE_S)
    trucks = parent.children()
    trucks[0].kill()
    assert fleet.wait(PATIENCE_S) == 1
    _, alive = psutil.wait_procs(trucks, timeout=PATIENCE_S)
    assert not alive


def test_a_truck_is_where_its_drive_says_and_no_further_off_than_a_receiver_drifts():
    points = tuple((LAT, 121.20 + 0.36 * step / 60) for step in range(61))
    starts_at = clock.now().replace(microsecond=0)
    task = Task(
        terminal=TERMINAL, version="2013", plate=PLATE, cold=True, late=False, key="k", line="AA", starts_at=starts_at,
        stops_m=(0.0, 34_000.0), points=points,
    )  # fmt: skip
    assert Task.loaded(json.loads(task.dumped())) == task
    trip = Trip(task, speed=1.0)
    lasts = drive("k", (0.0, 34_000.0), late=False).lasts
    for minutes in range(int(lasts.total_seconds() // 60)):
        place = trip.place(starts_at + timedelta(minutes=minutes))
        assert place == trip.place(place.time), "the same instant is the same fix"
        assert abs(place.lat - LAT) * 111_195 < 400
        assert all(2.0 <= temp <= 8.0 for temp in place.temps_c)
    assert trip.place(starts_at + lasts).speed_kmh == 0
