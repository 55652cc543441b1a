"""`zaitu decode`, `zaitu replay` and `zaitu terminals` as an operator calls them."""

import io
import json
import os
import resource
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.columns import Flag
from zaitu.telemetry.codecs.trace import TraceError, columns_parse, places_read
from zaitu.telemetry.management.commands.gateway import files_raised
from zaitu.telemetry.models import Position, Terminal

DATA = Path(__file__).parent / "data"
SLICE = DATA / "trace_slice.csv"
COLUMNS = 'lat=latitude,lon=longitude,time=eventGeneratedTime:ms,speed=speed,odometer="odometer reading":m'


def test_decode_needs_no_database_and_no_home_and_prints_one_object_a_line():
    rows = json.loads((DATA / "jt808.json").read_text("utf-8"))["vectors"]
    lines = ["# frames", "", *[row["hex"].upper() for row in rows], "not hex", "7e", "\xff"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ZAITU_", "DJANGO_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "zaitu.config.cli", "decode", "jt808"],
        input="\n".join(lines).encode("latin-1"),
        capture_output=True,
        env=environment
        | {
            "ZAITU_HOME": "/proc/nowhere",
            "ZAITU_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        },
        check=True,
        timeout=120,
    )
    assert done.stderr == b""
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(printed) == len(rows) + 3
    assert sum(claims["ok"] for claims in printed) == 224
    assert [claims["error"] for claims in printed[-3:]] == ["not_hex", "empty", "not_hex"]


def test_decode_reads_locks_and_phones_as_well(tmp_path):
    rows = json.loads((DATA / "elock.json").read_text("utf-8"))["vectors"]
    frames = [row["hex"] for row in rows if row["hex"]]
    (tmp_path / "locks.txt").write_text("\n".join([*frames, "(8000620011,P22,2)", "(bad", "zz"]))
    printed = decoded("elock", tmp_path / "locks.txt")
    assert sum(claims["ok"] for claims in printed) == len(printed) - 2
    assert [claims["error"] for claims in printed[-2:]] == ["bad_text", "not_hex"]
    (tmp_path / "phones.txt").write_text('id=1&lat=2&lon=3\n{"device_id":\nid=1\n')
    printed = decoded("osmand", tmp_path / "phones.txt")
    assert [claims["error"] for claims in printed] == [None, "not_json", "no_coordinates"]


def test_decode_reads_a_makers_items_when_told_whose_they_are(tmp_path):
    place = make.place(make.moment(), items=bytes.fromhex("0b0706363839363037"))
    (tmp_path / "frames.txt").write_text(make.Uplink("13912345678").position(place)[1].hex())
    told = [
        decoded("jt808", tmp_path / "frames.txt", *options)[0]["fixes"][0]
        for options in ((), ("--profile", "jointech"))
    ]
    assert [(fix["lock_events"], fix["lock_closed"]) for fix in told] == [
        ([], None),
        (["wrong_password"], True),
    ]
    assert [fix["lock"] for fix in told] == [{"0x0b": "06363839363037"}] * 2


def decoded(kind, path, *options):
    out = io.StringIO()
    call_command("decode", kind, str(path), *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_decode_reads_a_file_and_says_when_there_is_none(tmp_path, capsys):
    (tmp_path / "frames.txt").write_text(make.Uplink("13912345678").heartbeat()[1].hex())
    out = io.StringIO()
    call_command("decode", "jt808", str(tmp_path / "frames.txt"), stdout=out)
    assert json.loads(out.getvalue())["msg_id"] == "0x0002"
    with pytest.raises(CommandError, match="No such file"):
        call_command("decode", "jt808", str(tmp_path / "none.txt"))


def test_a_trace_is_read_with_its_units():
    with SLICE.open(newline="") as lines:
        places = list(places_read(lines, columns_parse(COLUMNS)))
    assert len(places) == 60
    assert (places[0].lat, places[0].lon, places[0].odometer_m) == (12.9294916, 74.9173533, 750_424)
    assert places[0].time == make.moment("2024-05-20T18:30:15")
    lines = ["t,a,o,v,d", "2026-11-22T08:00:00+08:00,1,2,10,3"]
    columns = columns_parse("lat=a,lon=o,time=t,speed=v:mps,odometer=d:km")
    (place,) = places_read(lines, columns)
    assert (place.time, place.speed_kmh, place.odometer_m) == (make.moment("2026-11-22T00:00:00"), 36.0, 3000)


def test_a_row_that_cannot_be_read_is_named_and_costs_only_itself():
    lines = ["t,a,o", "1716229815,1,2", "soon,1,2", "1716229815,91,2", "1716229815,,2", "1716229816,3,4"]
    read = list(places_read(lines, columns_parse("lat=a,lon=o,time=t:s")))
    assert [one.lat for one in read if not isinstance(one, str)] == [1, 3]
    assert [one.split(":")[0] for one in read if isinstance(one, str)] == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize("bad", ["17\r16,1,2", "1716229815,1," + "2" * 200_000], ids=["line end", "endless"])
def test_a_row_that_is_no_csv_costs_only_itself(bad):
    lines = ["t,a,o", bad, "1716229816,3,4"]
    read = list(places_read(lines, columns_parse("lat=a,lon=o,time=t:s")))
    assert [one.split(":")[0] if isinstance(one, str) else one.lat for one in read] == ["line 2", 3]


def test_a_file_whose_first_line_is_no_csv_is_refused():
    with pytest.raises(TraceError, match="the first line"):
        list(places_read(["t\rx,a,o"], columns_parse("lat=a,lon=o,time=t:s")))


@pytest.mark.parametrize(
    "text", ["", "lat=a", "lat=a,lon=o,time=t:years", "north=a,lon=o,time=t", "lat=a,lon=o,time=none"]
)
def test_columns_that_say_too_little_are_refused(text):
    with pytest.raises(TraceError):
        list(places_read(["t,a,o", "1,2,3"], columns_parse(text)))


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH) as one:
        yield one


def replay(gateway, number, *arguments, file=SLICE):
    out = io.StringIO()
    server = f"127.0.0.1:{gateway.port}"
    call_command(
        "replay",
        str(file),
        "--columns",
        COLUMNS,
        "--terminal",
        number,
        "--server",
        server,
        *arguments,
        stdout=out,
    )
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_real_trace_is_replayed_and_all_of_it_acknowledged(gateway, version):
    number, _, _ = make.terminal()
    said = replay(gateway, number, "--protocol", version)
    assert said.startswith(
        "60 fixes: 60 sent (0 of them again), 60 acknowledged, 0 refused, 0 without an answer"
    )
    stored = Position.objects.order_by("at")
    assert stored.count() == 60
    assert stored[0].at == make.moment("2024-05-20T18:30:15")
    assert (stored[0].lat, stored[0].odometer_m) == (pytest.approx(12.929492), 750_400)
    assert Terminal.objects.get().version == version
    # Again: every fix is acknowledged, none stored twice.
    assert "60 acknowledged" in replay(gateway, number)
    assert stored.count() == 60


@pytest.mark.django_db(transaction=True)
def test_a_gap_is_sent_afterwards_from_memory_and_times_can_be_moved_to_now(gateway):
    number, _, _ = make.terminal()
    replay(gateway, number, "--gap", "30000:3000", "--to-now")
    backfilled = [row for row in Position.objects.all() if row.flags & Flag.BACKFILL]
    assert 0 < len(backfilled) < 60
    assert Position.objects.count() == 60
    assert clock.now() - Position.objects.latest("at").at < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_a_trace_keeps_its_pace_times_the_speed(gateway):
    number, _, _ = make.terminal()
    began = time.monotonic()
    said = replay(gateway, number, "--limit", "3", "--speed", "16200")
    assert time.monotonic() - began > (1716262166 - 1716229815) / 16200
    assert said.splitlines()[-1].startswith("3 fixes: 3 sent")


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_on_the_way_loses_nothing(gateway):
    number, _, _ = make.terminal()
    breaking = threading.Thread(target=break_connections, args=[gateway, 4])
    breaking.start()
    said = replay(gateway, number, "--speed", "8000")
    breaking.join()
    assert "60 acknowledged, 0 refused, 0 without an answer" in said
    assert Position.objects.count() == 60


def break_connections(gateway, times):
    for _ in range(times):
        time.sleep(1)
        for slot in list(gateway.connections.open_now):
            gateway.loop.call_soon_threadsafe(gateway.close, slot, "test")


@pytest.mark.django_db(transaction=True)
def test_a_terminal_that_is_not_let_in_is_told_so(gateway):
    with pytest.raises(CommandError, match="no such terminal"):
        replay(gateway, "13800001111")
    with pytest.raises(CommandError, match="no such terminal"):
        replay(gateway, "13800001111", "--auth-code", "x")
    assert Position.objects.count() == 0


def test_wrong_arguments_are_explained():
    for wrong in (["--terminal", "12a"], ["--server", "nowhere"], ["--gap", "soon"], ["--columns", "lat=x"]):
        arguments = {"--columns": COLUMNS, "--terminal": "1", "--server": "h:1"} | dict([wrong])
        words = [word for pair in arguments.items() for word in pair]
        with pytest.raises(CommandError):
            call_command("replay", str(SLICE), *words)


@pytest.mark.django_db
def test_terminals_are_listed_let_in_and_reset():
    car = make.vehicle()
    out = io.StringIO()
    call_command("terminals", "add", "013912340000", "--plate", car.plate, stdout=out)
    call_command("terminals", "add", "99", "--plate", car.plate, "--kind", "osmand", stdout=out)
    assert "token (shown once): " in out.getvalue()
    out = io.StringIO()
    call_command("terminals", "list", "--text", "1391", stdout=out)
    assert out.getvalue() == f"13912340000\tjt808\t{car.plate}\t-\tnever seen\n"
    call_command("terminals", "unknown", stdout=out)
    call_command("terminals", "reset", "13912340000", stdout=out)
    with pytest.raises(CommandError, match="没有终端"):
        call_command("terminals", "reset", "5")
    with pytest.raises(CommandError, match="已经接入"):
        call_command("terminals", "add", "13912340000", "--plate", car.plate)
    assert len(telemetry.terminals_list(actor=make.ACTOR).rows) == 2


@pytest.mark.django_db
def test_a_sensor_is_let_in_by_its_name_and_shown():
    car, out = make.vehicle(), io.StringIO()
    call_command("terminals", "add", "Cold-Box.7", "--plate", car.plate, "--kind", "mqtt")
    call_command("terminals", "show", "cold-box.7", stdout=out)
    assert f"plate\t{car.plate}\n" in out.getvalue()
    assert "kind\tmqtt\n" in out.getvalue()


def test_the_gateway_may_hold_as_many_terminals_as_the_system_allows_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        files_raised()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
