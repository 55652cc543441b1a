"""`zaitu simulate`: its frames, and what it counts against a real gateway."""

import io
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from benchmarks import telemetry_replay
from tests.running import free_port, until
from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.geo import Polyline, distance_m
from zaitu.network.models import TerminalBinding, Vehicle
from zaitu.telemetry.adapters.simulator import drive, processes
from zaitu.telemetry.adapters.simulator.fleet import begin, fleet_make
from zaitu.telemetry.adapters.simulator.plan import CYCLE, Plan, PlanError
from zaitu.telemetry.codecs.columns import Flag
from zaitu.telemetry.codecs.jt808 import Deframer, decode
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.kernels.simulated_frames import frame_write
from zaitu.telemetry.models import Position, Terminal, VehicleState, Watch
from zaitu.telemetry.services.simulated import simulated_prepare

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "zaitu" / "telemetry" / "kernels"


def frames(plan, row, blocks, serial=0):
    """What a terminal sends, as the readable codec reads it."""
    fleet = fleet_make(plan, {})
    begin(fleet, plan, {}, clock.now().timestamp())
    wire = b""
    for block in blocks:
        length = frame_write(fleet, row, serial + block & 0xFFFF, block)
        wire += fleet.out[:length].tobytes()
    contents = Deframer().feed(wire)
    assert len(contents) == len(blocks)
    return [decode(content) for content in contents]


@pytest.mark.parametrize("protocol", ["2011", "2013", "2019"])
@pytest.mark.parametrize("fixes", [1, 5, 21])
@hypothesis_settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_frames_are_what_a_terminal_on_its_road_would_send(protocol, fixes, data):
    plan = Plan(
        vehicles=40,
        first=data.draw(st.integers(1, simulated.INDEX_MAX - 40)),
        protocol=protocol,
        fixes_per_frame=fixes,
        rate=data.draw(st.sampled_from([0, 10, 1000])),
        backfill=data.draw(st.sampled_from([0, 0.2])),
        behind_s=90_000.0,
    )
    row, start = data.draw(st.integers(0, 39)), data.draw(st.integers(0, 50_000))
    index = plan.first + row
    road = Polyline([(lat / 1e6, lon / 1e6) for lat, lon in simulated.roads(index, 1)[0]])
    speed_mps = simulated.speeds_mps(index, 1)[0]
    there_and_back_m = 2 * simulated.SPACING_M * (simulated.VERTICES - 1)
    blocks = range(start, start + CYCLE)
    for block, message in zip(blocks, frames(plan, row, blocks), strict=True):
        assert message.header.phone == simulated.number(index)
        assert message.header.serial == block & 0xFFFF
        assert len(message.fixes) == fixes
        fix = message.fixes[-1]
        assert fix.fixed
        assert fix.speed_kmh == pytest.approx(speed_mps * 3.6, abs=0.1)
        driven_m = speed_mps * fix.time.timestamp() % there_and_back_m
        lat, lon = road.at(min(driven_m, there_and_back_m - driven_m) * road.length_m / there_and_back_m * 2)
        assert distance_m(fix.lat, fix.lon, lat, lon) < 300
        assert road.locate(fix.lat, fix.lon)[1] < 1


@pytest.mark.parametrize("rate", [0, 7, 40, 1000])
@pytest.mark.parametrize("fixes", [1, 3])
@pytest.mark.parametrize("backfill", [0, 0.25])
def test_every_second_is_told_once_and_what_comes_from_memory_comes_after(rate, fixes, backfill):
    plan = Plan(vehicles=40, rate=rate, fixes_per_frame=fixes, backfill=backfill)
    begin_at = clock.now()
    messages = frames(plan, 3, range(10 * CYCLE))
    times = [fix.time for message in messages for fix in message.fixes]
    assert len(set(times)) == len(times) == 10 * CYCLE * fixes
    steps = np.diff(sorted(time.timestamp() for time in times))
    assert steps.min() >= 1
    assert steps.max() <= np.ceil(plan.step_s) + 1
    its_turn = begin_at + timedelta(seconds=3 / 40 * plan.between_turns_s + 1)
    assert all(fix.time < its_turn for fix in messages[0].fixes)
    memory = [message for message in messages if message.backfill]
    assert len(memory) == 10 * CYCLE * backfill
    for number, message in enumerate(messages):
        if message.backfill:
            newest = max(fix.time for before in messages[:number] for fix in before.fixes)
            assert message.fixes[-1].time < newest


def test_numbers_and_plates_are_no_real_ones_and_differ():
    indices = [1, 99_999, 100_000, 1_234_567, simulated.INDEX_MAX]
    assert [simulated.plate(index) for index in indices] == [
        "测A00001", "测A99999", "测B00000", "测N34567", "测Z99999",
    ]  # fmt: skip
    assert len({simulated.number(index) for index in indices}) == len(indices)
    assert all(len(simulated.number(index)) == 12 for index in indices)
    for wrong in (0, simulated.INDEX_MAX + 1):
        with pytest.raises(ValueError, match="numbered 1"):
            simulated.plate(wrong)


def test_a_road_is_four_hundred_kilometres_and_the_same_whoever_asks():
    roads = simulated.roads(5, 20)
    assert roads.shape == (20, simulated.VERTICES, 2)
    assert (simulated.roads(24, 1)[0] == roads[19]).all()
    assert len(np.unique(roads[:, 0], axis=0)) == 20
    for road in roads:
        legs = np.diff(Polyline([(lat / 1e6, lon / 1e6) for lat, lon in road])._along)
        assert legs.min() > simulated.SPACING_M - 1
        assert legs.max() < simulated.SPACING_M + 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"vehicles": 0}, "numbered"),
        ({"first": simulated.INDEX_MAX, "vehicles": 2}, "numbered"),
        ({"ports": (0,)}, "port"),
        ({"rate": -1}, "rate"),
        ({"rate": 0.1}, "heard"),
        ({"seconds": 0}, "time"),
        ({"fixes_per_frame": 22}, "fixes"),
        ({"window": 48}, "power of two"),
        ({"burst": 65}, "burst"),
        ({"backfill": 0.6}, "memory"),
        ({"opening": 0}, "opened"),
        ({"protocol": "2020"}, "version"),
        ({"idle": True, "heartbeat_s": 600}, "heard"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong, sentence):
    with pytest.raises(PlanError, match=sentence):
        Plan(**{"vehicles": 100} | wrong)


def test_too_many_terminals_for_one_process_are_shared_out():
    plan = Plan(vehicles=100_000, first=7, rate=1000, opening=600, logged=20_000)
    parts = processes.split(plan, 19_800)
    assert sum(part.vehicles for part in parts) == 100_000
    assert max(part.vehicles for part in parts) <= 19_800
    assert [part.first for part in parts][:2] == [7, 7 + parts[0].vehicles]
    assert sum(part.rate for part in parts) == pytest.approx(1000)
    assert [part.logged for part in parts] == [0, 0, 0, 0, 20_000 - parts[-1].vehicles, parts[-1].vehicles]
    assert processes.split(plan, 100_000) == [plan]


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH) as one:
        yield one


@pytest.fixture
def simulate(tmp_path):
    """Call the command; the objects it prints."""

    def call(*arguments):
        out = io.StringIO()
        call_command("simulate", "--memory", str(tmp_path / "memory.tsv"), *map(str, arguments), stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return call


def counted(summary):
    """Every fix sent was acknowledged, and every acknowledged one is there, once."""
    assert summary["unanswered"] == summary["refused"] == summary["bad"] == 0
    assert summary["acked"] == summary["sent"] == Position.objects.count()
    assert Position.objects.exclude(vehicle_id=None).count() == summary["acked"]


@pytest.mark.django_db(transaction=True)
def test_fixes_at_a_rate_are_all_acknowledged_and_counted(gateway, simulate):
    simulate("--prepare", "--vehicles", 40, "--watched", 40)
    *progress, summary = simulate(
        "--vehicles", 40, "--port", gateway.port, "--rate", 120, "--seconds", 3, "--warm", 1
    )
    counted(summary)
    assert 300 < summary["sent"] < 3 * 120 + 20
    # How fast it is acknowledged is the machine's affair: what was late before the measured time may come in it.
    assert summary["rate"] > 0
    assert 0 < summary["p50_ms"] <= summary["p95_ms"] <= summary["p99_ms"]
    assert summary["connected"] == summary["registrations"] == 40
    assert progress[-1]["acked"] == summary["acked"]
    assert Terminal.objects.exclude(auth_code_hash="").count() == 40
    until(lambda: VehicleState.objects.exclude(along_m=None).count() == 40)
    # Those on the way back are up to 100 m behind where they were: progress takes that for drift.
    assert all(state.off_m < 101 for state in VehicleState.objects.all())


@pytest.mark.django_db(transaction=True)
def test_as_fast_as_acknowledged_with_several_fixes_a_frame_and_some_from_memory(gateway, simulate):
    simulate("--prepare", "--vehicles", 20)
    summary = simulate(
        "--vehicles", 20, "--port", gateway.port, "--seconds", 2, "--protocol", "2019",
        "--fixes-per-frame", 5, "--burst", 2, "--window", 4, "--backfill", 0.2,
    )[-1]  # fmt: skip
    counted(summary)
    assert summary["sent"] == 5 * summary["frames"]
    late = [flags for (flags,) in Position.objects.values_list("flags") if flags & Flag.BACKFILL]
    assert 0.1 * summary["acked"] < len(late) < 0.25 * summary["acked"]


@pytest.mark.django_db(transaction=True)
def test_after_a_storm_everybody_is_back_and_every_fix_is_there_once(gateway, simulate):
    simulate("--prepare", "--vehicles", 150)
    summary = simulate(
        "--vehicles", 150, "--port", gateway.port, "--rate", 1500, "--seconds", 4, "--storm", 1.5
    )[-1]
    counted(summary)
    assert summary["reconnects"] == summary["connected"] == 150
    assert summary["registrations"] == 150, "they came back with the codes they had"


@pytest.mark.django_db(transaction=True)
def test_connections_that_the_gateway_breaks_lose_nothing(gateway, simulate):
    simulate("--prepare", "--vehicles", 30)
    done = threading.Event()

    def break_them():
        while not done.wait(0.7):
            gateway.loop.call_soon_threadsafe(close_authenticated)

    def close_authenticated():
        for slot in [slot for slot in gateway.connections.open_now if gateway.connections.terminal[slot]]:
            gateway.close(slot, "test")

    breaking = threading.Thread(target=break_them)
    breaking.start()
    threading.Timer(20, done.set).start()
    summary = simulate("--vehicles", 30, "--port", gateway.port, "--seconds", 5, "--drain", 60)[-1]
    done.set()
    breaking.join()
    counted(summary)
    assert summary["reconnects"] > 0
    assert summary["resent"] > 0


@pytest.mark.django_db(transaction=True)
def test_a_second_run_remembers_the_codes_and_tells_no_second_twice(gateway, simulate, tmp_path):
    made = simulate("--prepare", "--vehicles", 10, "--registered")[-1]
    assert made["prepared"] == 10
    arguments = ("--vehicles", 10, "--port", gateway.port, "--seconds", 1, "--behind", 4000, "--window", 4)
    first = simulate(*arguments)[-1]
    counted(first)
    assert first["registrations"] == 0
    second = simulate(*arguments)[-1]
    assert second["acked"] == second["sent"] > 0
    assert Position.objects.count() == first["acked"] + second["acked"]
    # A code that is void sends the terminal back to the beginning.
    Terminal.objects.filter(terminal=simulated.number(3)).update(auth_code_hash="", device_id="")
    third = simulate(*arguments, "--rate", 20)[-1]
    assert (third["registrations"], third["connected"]) == (1, 10)
    assert (tmp_path / "memory.tsv").stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_when_each_fix_was_sent_is_written_down_for_the_last_vehicles(gateway, simulate, tmp_path):
    simulate("--prepare", "--vehicles", 12)
    before_ns = time.monotonic_ns()
    summary = simulate(
        "--vehicles", 12, "--port", gateway.port, "--rate", 12, "--seconds", 3,
        "--logged", 2, "--log", tmp_path / "log.tsv",
    )[-1]  # fmt: skip
    counted(summary)
    rows = [line.split("\t") for line in (tmp_path / "log.tsv").read_text().splitlines()]
    ids = {row.terminal: row.pk for row in Terminal.objects.all()}
    told = {(ids[terminal], int(at_s)) for terminal, at_s, _ in rows}
    mine = [ids[simulated.number(index)] for index in (11, 12)]
    stored = Position.objects.filter(terminal_id__in=mine).values_list("terminal_id", "at")
    assert told == {(terminal_id, int(at.timestamp())) for terminal_id, at in stored}
    assert all(before_ns < int(sent_ns) < time.monotonic_ns() for _, _, sent_ns in rows)
    # One fix a second: these are of now, not of the past.
    assert all(abs(at.timestamp() - clock.now().timestamp()) < 60 for _, at in stored)


@pytest.mark.django_db(transaction=True)
def test_idle_terminals_only_beat_and_are_answered(gateway, simulate):
    simulate("--prepare", "--vehicles", 20, "--registered")
    summary = simulate(
        "--vehicles", 20, "--port", gateway.port, "--idle", "--heartbeat", 0.5, "--seconds", 2
    )[-1]
    assert summary["connected"] == 20
    assert summary["acked"] == summary["sent"] > 60
    assert summary["p99_ms"] is not None
    assert Position.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_several_processes_are_counted_together(gateway, simulate, monkeypatch):
    monkeypatch.setattr(processes, "connections_max", lambda: 8)
    simulate("--prepare", "--vehicles", 20)
    *progress, summary = simulate("--vehicles", 20, "--port", gateway.port, "--rate", 100, "--seconds", 3)
    counted(summary)
    assert 200 < summary["sent"] < 320
    assert summary["connected"] == summary["registrations"] == 20
    assert max(one["connected"] for one in progress) == 20
    assert summary["p99_ms"] > 0


@pytest.mark.django_db(transaction=True)
def test_nobody_who_answers_is_waited_for_without_end(simulate, monkeypatch):
    monkeypatch.setattr(drive, "_PATIENCE_NS", 1_000_000_000)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], free_port()):
            with pytest.raises(CommandError, match="only 0 of 5 terminals"):
                simulate("--vehicles", 5, "--port", port, "--seconds", 1)


@pytest.mark.django_db(transaction=True)
def test_the_server_that_is_compared_with_stores_each_message_before_it_acknowledges(simulate):
    port, address = free_port(), settings.ZAITU_DATABASE_URL
    peer = subprocess.Popen([sys.executable, "-m", "benchmarks.telemetry_peer", str(port), address], cwd=ROOT)
    try:
        summary = simulate("--vehicles", 20, "--port", port, "--seconds", 2, "--window", 8)[-1]
    finally:
        peer.terminate()
        peer.wait(10)
    assert summary["unanswered"] == summary["bad"] == 0
    assert Position.objects.count() == summary["acked"] == summary["sent"] > 100
    newest = Position.objects.filter(terminal_id=int(simulated.number(7))).latest("at")
    fix = frames(Plan(vehicles=20), 6, [0])[0].fixes[0]
    assert (newest.speed_kmh, newest.altitude_m > 0, newest.odometer_m > 0) == (fix.speed_kmh, True, True)


@pytest.mark.django_db(transaction=True)
def test_frames_fed_from_memory_are_stored_without_a_socket():
    simulated_prepare(actor=make.ACTOR, first=1, count=7, from_at=clock.now() - timedelta(days=9), watched=7)
    source = telemetry_replay.Source(7, 10, (clock.now() - timedelta(hours=1)).timestamp(), piece=50)
    feed = telemetry_replay.Feed([simulated.number(index) for index in range(1, 8)])
    stored = sum(feed.feed(ticks) for ticks in source.piece()) + feed.stored()
    feed.close()
    assert Position.objects.exclude(vehicle_id=None).count() == stored == 50
    assert VehicleState.objects.exclude(along_m=None).count() == 7


@pytest.mark.django_db(transaction=True)
def test_terminals_that_are_not_let_in_are_refused_and_the_command_says_so(gateway, simulate):
    with pytest.raises(CommandError, match="--prepare"):
        simulate("--vehicles", 5, "--port", gateway.port, "--seconds", 1)
    assert Position.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_wrong_arguments_and_hosts_are_explained(simulate):
    with pytest.raises(CommandError, match="power of two"):
        simulate("--window", 3)
    with pytest.raises(CommandError, match=r"nowhere\.invalid"):
        simulate("--host", "nowhere.invalid")


@pytest.mark.django_db
def test_test_vehicles_are_made_in_bulk_once_and_forgotten_with_all_they_sent(simulate):
    real, real_id, _ = make.terminal("沪A12345")
    simulate("--prepare", "--vehicles", 30, "--watched", 5)
    simulate("--prepare", "--vehicles", 20, "--first", 21, "--registered")
    assert Vehicle.objects.filter(plate__startswith="测").count() == 40
    assert TerminalBinding.objects.filter(to_at=None).count() == 41
    assert Terminal.objects.filter(plate__startswith="测").count() == 40
    assert Watch.objects.count() == 5
    document = Watch.objects.order_by("vehicle__plate").first().document
    assert (len(document["route"]), len(document["stops"])) == (500, 6)
    for number in (simulated.number(7), real):
        make.take_in(number, make.fix(clock.now() - timedelta(minutes=1)))
    assert Position.objects.count() == 2
    assert VehicleState.objects.count() == 2, "those with a fix"
    assert simulate("--forget")[-1]["forgotten"] == 40
    assert [row.terminal for row in Terminal.objects.all()] == [real]
    assert [row.pk for row in Vehicle.objects.all()] == [real_id]
    assert TerminalBinding.objects.count() == Position.objects.count() == VehicleState.objects.count() == 1
    assert Watch.objects.count() == 0
    assert simulate("--forget")[-1]["forgotten"] == 0


@pytest.mark.django_db
def test_a_watch_made_anew_is_another_version():
    for _ in range(2):
        simulated_prepare(
            actor=make.ACTOR, first=1, count=2, from_at=clock.now() - timedelta(days=1), watched=2
        )
    assert Watch.objects.count() == 2
    assert {watch.trip for watch in Watch.objects.all()} == {"simulated-1", "simulated-2"}


def test_a_kernel_is_compiled_anew_when_a_function_of_another_file_changed(tmp_path):
    for name in ("__init__.py", "compiled.py", "kept.py"):
        shutil.copy(KERNELS / name, tmp_path / name)
    (tmp_path / "outer.py").write_text(
        "from kernels.compiled import kernel\nfrom kernels.inner import number\n"
        "@kernel\ndef answer(x):\n    return number() + x\n"
    )
    package = tmp_path.with_name("kernels")
    tmp_path.rename(package)
    source = package / "compiled.py"
    source.write_text(source.read_text().replace("zaitu.telemetry.kernels", "kernels"))
    answers = []
    for value in (1, 2):
        (package / "inner.py").write_text(
            f"from kernels.compiled import inlined\n@inlined\ndef number():\n    return {value}\n"
        )
        # -B: Python itself takes a file written again within the second, of the same size, for the old one.
        done = subprocess.run(
            [sys.executable, "-B", "-c", "from kernels.outer import answer; print(answer(40))"],
            cwd=package.parent, capture_output=True, text=True, check=True, env={"PATH": ""},
        )  # fmt: skip
        answers.append(int(done.stdout))
    assert answers == [41, 42]
