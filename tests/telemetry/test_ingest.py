"""Fixes become rows once, move "now" forward only, and tell stops entered and left."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.models import OutboxRow
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters import positions
from zaitu.telemetry.adapters.partitions import partitions_ensure
from zaitu.telemetry.codecs.columns import Flag, Report, columns_of, microseconds
from zaitu.telemetry.models import Position, Quarantine, Terminal, VehicleState
from zaitu.telemetry.services.ticks import Tick

pytestmark = pytest.mark.django_db


def facts() -> list[tuple[str, int, bool]]:
    return [
        (row.name.removeprefix("telemetry.stop_"), row.body["seq"], row.body["late"])
        for row in OutboxRow.objects.filter(name__startswith="telemetry.stop").order_by("id")
    ]


def test_a_fix_is_stored_with_its_vehicle_and_moves_it():
    number, vehicle_id, _ = make.terminal()
    at = clock.now().replace(microsecond=0)
    outcome = make.take_in(number, make.fix(at, 31.5, 121.5, odometer_m=12_300, temps_c=(-18.5, None)))
    assert (outcome.stored, outcome.duplicates, outcome.quarantined) == (1, 0, 0)
    row = Position.objects.get()
    assert (row.vehicle_id, row.at, row.lat, row.lon) == (vehicle_id, at, 31.5, 121.5)
    assert (row.speed_kmh, row.odometer_m, row.temps_c) == (60.0, 12_300, [-18.5, None])
    assert row.flags == Flag.FIXED | Flag.ACC
    latest = telemetry.latest(actor=make.ACTOR, vehicle_ids=[vehicle_id])[vehicle_id]
    assert (latest.at, latest.lat, latest.moving, latest.temps_c) == (at, 31.5, True, (-18.5, None))
    assert make.live(outcome)[0]["vehicle_id"] == vehicle_id
    assert Terminal.objects.get().last_fix_at == at


def test_the_same_fix_again_is_not_stored_twice_in_one_tick_or_later():
    number, _, _ = make.terminal()
    at = clock.now()
    fixes = [make.fix(at), make.fix(at), make.fix(at - timedelta(hours=1))]
    first = make.take_in(number, *fixes)
    assert (first.stored, first.duplicates) == (2, 1)
    again = make.take_in(number, *fixes, backfill=True)
    assert (again.stored, again.duplicates) == (0, 3)
    assert Position.objects.count() == 2


def test_two_reports_of_one_second_that_differ_are_both_kept():
    number, _, _ = make.terminal()
    at = clock.now()
    assert make.take_in(number, make.fix(at), make.fix(at, alarm=1)).stored == 2


def test_old_fixes_are_stored_and_never_move_now_back():
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    make.take_in(number, make.fix(now, 31.9))
    outcome = make.take_in(number, make.fix(now - timedelta(hours=2), 31.0), backfill=True)
    assert (outcome.stored, make.live(outcome)) == (1, [])
    state = VehicleState.objects.get(vehicle_id=vehicle_id)
    assert (state.at, state.lat) == (now, 31.9)


def test_a_position_belongs_to_the_vehicle_the_terminal_was_in_at_the_fix_time():
    number, first_id, _ = make.terminal()
    second = make.vehicle()
    moved_at = clock.now() - timedelta(hours=1)
    network.terminal_bind(actor=make.ACTOR, terminal=number, plate=second.plate, from_at=moved_at)
    make.take_in(number, make.fix(moved_at - timedelta(minutes=1)), make.fix(moved_at + timedelta(minutes=1)))
    assert list(Position.objects.order_by("at").values_list("vehicle_id", flat=True)) == [first_id, second.id]


@pytest.mark.parametrize("claimed", ["2007-01-13T10:00:00", "2031-01-01T00:00:00"])
def test_a_live_fix_with_a_clock_that_means_nothing_counts_at_the_time_it_came(claimed):
    number, vehicle_id, _ = make.terminal()
    outcome = make.take_in(number, make.fix(make.moment(claimed), 31.7))
    assert outcome.stored == 1
    row = Position.objects.get()
    assert abs(row.at - clock.now()) < timedelta(seconds=30)
    assert row.flags & Flag.CLOCK
    assert row.extra["clock"]["claimed"].startswith(claimed[:10])
    assert VehicleState.objects.get(vehicle_id=vehicle_id).lat == 31.7
    assert make.take_in(number, make.fix(make.moment(claimed), 31.7)).duplicates == 1


def test_an_old_fix_without_a_time_goes_to_quarantine_and_costs_only_itself():
    number, _, _ = make.terminal()
    good, bad = make.fix(clock.now()), make.fix(make.moment("2007-01-13T10:00:00"))
    outcome = make.take_in(number, bad, good, backfill=True)
    assert (outcome.stored, outcome.quarantined) == (1, 1)
    assert (Quarantine.objects.get().reason, bytes(Quarantine.objects.get().content)) == ("clock", bad.core)


def test_without_a_fix_the_report_is_stored_and_the_vehicle_stays():
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    make.take_in(number, make.fix(now - timedelta(minutes=1), 31.3))
    make.take_in(number, make.fix(now, 0.0, 0.0, status=0b01, temps_c=(4.0,)))
    newest = Position.objects.latest("at")
    assert (newest.lat, newest.temps_c) == (None, [4.0])
    assert VehicleState.objects.get(vehicle_id=vehicle_id).lat == 31.3


def test_rows_of_a_day_lie_in_its_partition_and_others_in_the_default():
    partitions_ensure(clock.now())
    number, _, _ = make.terminal()
    make.take_in(number, make.fix(clock.now()), make.fix(clock.now() - timedelta(days=400)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM telemetry_position ORDER BY at")
        tables = [name for (name,) in cursor.fetchall()]
    assert tables == ["telemetry_position_default", f"telemetry_position_{clock.now():%Y%m%d}"]
    assert partitions_ensure(clock.now()) == []


def test_a_stranger_s_rows_are_set_aside():
    outcome = make.take_in("13800000000", make.fix(clock.now()))
    assert (outcome.stored, outcome.quarantined) == (0, 1)
    assert Position.objects.count() == 0


def test_a_tick_and_a_flush_cost_the_same_queries_whatever_they_hold(django_assert_max_num_queries):
    cars = [make.terminal() for _ in range(5)]
    now = clock.now()
    for _, vehicle_id, _ in cars:
        watch = make.watch(now, make.stop(1, 31.2))
        telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=watch)
    engine = make.engine()
    reports = [
        Report(terminal=number, fix=make.fix(now + timedelta(seconds=second)))
        for second in range(10)
        for number, _, _ in cars
    ]
    prepared = engine.prepare(Tick(received_at=now, columns=columns_of(reports, received_at=now)))
    with django_assert_max_num_queries(8):  # two savepoints among them
        assert engine.store(prepared).facts == 5
    with django_assert_max_num_queries(14):  # three transactions, savepoints here
        engine.flush(now)
    with django_assert_max_num_queries(5):
        engine.refresh(now)


def drive(number, start, *lats, step_s=10, **kwargs):
    return make.take_in(
        number,
        *[make.fix(start + timedelta(seconds=step_s * index), lat) for index, lat in enumerate(lats)],
        **kwargs,
    )


def test_stops_entered_and_left_become_facts_in_order():
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(microsecond=0) - timedelta(minutes=4)
    telemetry.watch_set(
        actor=make.ACTOR,
        vehicle_id=vehicle_id,
        watch=make.watch(start, make.stop(0, 31.20), make.stop(1, 31.25)),
    )
    drive(number, start, 31.20, 31.2005, 31.21, 31.22, 31.23, 31.2495)
    assert facts() == [("entered", 0, False), ("left", 0, False), ("entered", 1, False)]
    row = OutboxRow.objects.filter(name="telemetry.stop_left").get()
    assert row.body["vehicle_id"] == vehicle_id
    assert row.body["trip"] == "T1"
    assert row.subject == f"vehicle:{vehicle_id}"


def test_a_repeated_tick_tells_nothing_twice():
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(microsecond=0) - timedelta(minutes=4)
    watch = make.watch(start, make.stop(0, 31.20))
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=watch)
    for _ in range(2):
        drive(number, start, 31.20, 31.21, 31.22)
    assert facts() == [("entered", 0, False), ("left", 0, False)]


def test_progress_along_the_route_is_kept_with_the_state():
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(microsecond=0) - timedelta(minutes=4)
    route = [(31.2, 121.4), (31.3, 121.4)]
    watch = make.watch(start, make.stop(0, 31.20), route=route)
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=watch)
    drive(number, start, 31.20, 31.21)
    latest = telemetry.latest(actor=make.ACTOR, vehicle_ids=[vehicle_id])[vehicle_id]
    assert latest.along_m == pytest.approx(1112, abs=1)
    assert latest.off_m == pytest.approx(0, abs=1)
    assert latest.trip == "T1"


def test_a_watch_replaced_by_another_trip_starts_anew_and_a_cleared_one_is_silent():
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(microsecond=0) - timedelta(minutes=4)
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(start, make.stop(0, 31.20)))
    drive(number, start, 31.20)
    telemetry.watch_set(
        actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(start, make.stop(7, 31.20), trip="T2")
    )
    drive(number, start + timedelta(seconds=20), 31.20)
    telemetry.watch_clear(actor=make.ACTOR, vehicle_id=vehicle_id, trip="T1")
    telemetry.watch_clear(actor=make.ACTOR, vehicle_id=vehicle_id, trip="T2")
    drive(number, start + timedelta(seconds=40), 31.3, 31.31, 31.32)
    assert facts() == [("entered", 0, False), ("entered", 7, False)]


def test_what_was_received_lately_is_read_back_as_it_was_decoded():
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    fixes = [
        make.fix(now - timedelta(seconds=20), 31.2, speed_kmh=71.5, temps_c=(-18.3, 4.0)),
        make.fix(now - timedelta(seconds=10), 0.0, 0.0, status=0b01),
        make.fix(now, 31.3, altitude_m=-12, odometer_m=12_300),
    ]
    told = columns_of([Report(terminal=number, fix=fix) for fix in fixes], received_at=now)
    make.take_in(number, *fixes)
    tail = positions.received_since(now - timedelta(minutes=1))
    assert tail.vehicle_id.tolist() == [vehicle_id] * 3
    for name in ("at_us", "digest", *positions._SAME):
        np.testing.assert_array_equal(getattr(tail.columns, name), getattr(told, name), err_msg=name)
    for row, probes in enumerate(told.probes.tolist()):
        np.testing.assert_array_equal(tail.columns.temps_c[row, :probes], told.temps_c[row, :probes])
    assert len(positions.received_since(now + timedelta(days=1)).columns) == 0


def test_ticks_between_the_steps_of_a_flush_lose_nothing(monkeypatch):
    monkeypatch.setattr("zaitu.telemetry.services.engine._DOCUMENTS", 1)
    monkeypatch.setattr("zaitu.telemetry.services.engine._ROWS", 1)
    cars = [make.terminal() for _ in range(3)]
    now = clock.now().replace(microsecond=0) - timedelta(minutes=2)
    for _, vehicle_id, _ in cars:
        telemetry.watch_set(
            actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(now, make.stop(0, 31.2))
        )
    engine = make.engine()
    engine.refresh(now)

    def tick(second, lat):
        told = [
            Report(terminal=number, fix=make.fix(now + timedelta(seconds=second), lat))
            for number, _, _ in cars
        ]
        engine.store(
            engine.prepare(Tick(received_at=clock.now(), columns=columns_of(told, received_at=clock.now())))
        )

    tick(0, 31.25)
    for step, _ in enumerate(engine.flushing(clock.now(), everything=True), 1):
        tick(step, 31.2 if step % 2 else 31.25)
    engine.flush(clock.now(), everything=True)
    states = VehicleState.objects.all()
    assert {state.at for state in states} == {now + timedelta(seconds=step)}
    told = facts()
    make.engine(anew=True).refresh(clock.now())
    assert facts() == told
    assert {vehicle["at_us"] for vehicle in make.engine().fleet.vehicles[:3]} == {
        microseconds(now + timedelta(seconds=step))
    }
