"""Stored fixes that come after a tunnel: history is completed, "now" stays, facts are marked late."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import DataError, OperationalError

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.models import OutboxRow
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters import positions
from zaitu.telemetry.models import VehicleState
from zaitu.telemetry.services.late import late_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def car():
    """A watched vehicle with stops every 0.1° (11 km); its trip began an hour ago."""
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(microsecond=0) - timedelta(hours=1)
    stops = [make.stop(seq, 31.0 + seq / 10) for seq in range(4)]
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(start, *stops))
    return number, vehicle_id, start


def at(start, minutes, lat):
    return make.fix(start + timedelta(minutes=minutes), lat)


def facts():
    return [
        (row.name.removeprefix("telemetry.stop_"), row.body["seq"], row.body["late"])
        for row in OutboxRow.objects.filter(name__startswith="telemetry.stop").order_by("id")
    ]


def settle(now):
    done = make.engine().settle(now)
    make.engine().flush(now)
    return done


def settled():
    return settle(clock.now() + timedelta(seconds=6)).facts


def test_a_stop_entered_and_left_in_a_tunnel_is_told_late_and_in_order(car):
    number, vehicle_id, start = car
    make.take_in(number, at(start, 1, 31.05), received_at=start + timedelta(minutes=1))
    # Dark from minute 2; light again behind stop 2.
    make.take_in(number, at(start, 30, 31.25), received_at=start + timedelta(minutes=30))
    dark = [at(start, 2 + minute, 31.05 + minute * 0.01) for minute in range(1, 19)]
    # The terminal empties its memory in three messages, in whatever order.
    for part in (dark[12:], dark[:6], dark[6:12]):
        make.take_in(number, *part, backfill=True)
    assert facts() == []
    assert settled() == 4
    assert facts() == [("entered", 1, True), ("left", 1, True), ("entered", 2, True), ("left", 2, True)]
    times = [row.body["at"] for row in OutboxRow.objects.filter(name__startswith="telemetry.stop")]
    assert times == sorted(times)
    entered = datetime.fromisoformat(times[0])
    assert abs(entered - (start + timedelta(minutes=7))) < timedelta(minutes=1)
    state = VehicleState.objects.get(vehicle_id=vehicle_id)
    assert (state.at, state.lat, state.late_from) == (start + timedelta(minutes=30), 31.25, None)


def test_late_fixes_wait_until_the_terminal_has_gone_quiet(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05))
    make.take_in(number, at(start, 30, 31.25))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)
    assert settle(clock.now()).facts == 0
    assert settled() == 2
    assert settled() == 0


def test_a_visit_that_is_known_is_not_told_again_by_late_fixes(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05), at(start, 10, 31.1), at(start, 20, 31.15), at(start, 21, 31.16))
    known = facts()
    assert [fact[:2] for fact in known] == [("entered", 1), ("left", 1)]
    make.take_in(number, at(start, 11, 31.1), at(start, 12, 31.1005), at(start, 15, 31.1), backfill=True)
    settled()
    assert facts() == known


def test_a_late_stay_that_overlaps_a_running_one_does_not_enter_again(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05), at(start, 50, 31.1), received_at=start + timedelta(minutes=50))
    assert facts() == [("entered", 1, False)]
    make.take_in(number, at(start, 30, 31.1), at(start, 40, 31.1), backfill=True)
    settled()
    assert facts() == [("entered", 1, False)]


def test_the_way_goes_on_after_late_facts(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05))
    make.take_in(number, at(start, 30, 31.25))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)
    settled()
    now = start + timedelta(minutes=40)
    make.take_in(number, at(start, 40, 31.3), received_at=now)
    assert facts()[-1] == ("entered", 3, False)


def test_stored_fixes_that_come_before_the_first_live_one_tell_their_facts_as_late(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)
    assert facts() == [("entered", 1, True), ("left", 1, True)]


def test_late_fixes_of_an_earlier_trip_tell_nothing(car):
    number, vehicle_id, start = car
    make.take_in(number, at(start, 30, 31.25))
    telemetry.watch_clear(actor=make.ACTOR, vehicle_id=vehicle_id, trip="T1")
    make.take_in(number, at(start, 31, 31.25))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)
    assert settled() == 0
    assert VehicleState.objects.get().late_from is None


def test_two_processes_do_not_settle_one_vehicle_twice(car):
    number, _, start = car
    make.take_in(number, at(start, 30, 31.25))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)
    assert settled() == 2
    make.take_in(number, at(start, 8, 31.1), backfill=True)
    assert settled() == 0


def late_on(number, vehicle_id, start, trip):
    stops = [make.stop(seq, 31.0 + seq / 10) for seq in range(4)]
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(start, *stops, trip=trip))
    make.take_in(number, at(start, 1, 31.05))
    make.take_in(number, at(start, 30, 31.25))
    make.take_in(number, at(start, 8, 31.1), at(start, 10, 31.13), at(start, 11, 31.14), backfill=True)


@pytest.mark.parametrize("error", [ValueError("a fix that cannot be"), DataError("a time that cannot be")])
def test_a_vehicle_whose_late_fixes_cannot_be_judged_holds_up_no_other_and_is_tried_again(
    monkeypatch, caplog, error
):
    start = clock.now().replace(microsecond=0) - timedelta(hours=1)
    (broken, broken_id, _), (good, good_id, _) = make.terminal(), make.terminal()
    late_on(broken, broken_id, start, "T1")
    late_on(good, good_id, start, "T2")
    read = positions.trace_read

    def failing(vehicle_id, *stretch):
        if vehicle_id == broken_id:
            raise error
        return read(vehicle_id, *stretch)

    monkeypatch.setattr(positions, "trace_read", failing)
    done = settle(clock.now() + timedelta(seconds=6))
    assert (done.facts, done.failed) == (2, 1)
    assert "could not be judged" in caplog.text
    monkeypatch.undo()
    assert settled() == 0
    assert settle(clock.now() + timedelta(minutes=2)).facts == 2


def test_while_the_database_is_away_late_fixes_wait_for_it(car, monkeypatch):
    number, vehicle_id, start = car
    late_on(number, vehicle_id, start, "T1")

    def away(*_):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(positions, "trace_read", away)
    with pytest.raises(OperationalError):
        settled()
    monkeypatch.undo()
    assert settled() == 2


def alarmed(start, minutes, lat, bit=None):
    alarm = 0 if bit is None else 1 << bit
    return make.fix(start + timedelta(minutes=minutes), lat, alarm=alarm)


def alarms():
    return [
        (row.name.removeprefix("telemetry.device_alarm_"), row.body["alarm"], row.body["late"])
        for row in OutboxRow.objects.filter(name__startswith="telemetry.device_alarm").order_by("id")
    ]


def test_an_alarm_that_was_raised_without_network_is_told_late_and_once(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05), received_at=start + timedelta(minutes=1))
    make.take_in(number, at(start, 30, 31.25), received_at=start + timedelta(minutes=30))
    dark = [alarmed(start, 10, 31.1), alarmed(start, 11, 31.105, 0), alarmed(start, 12, 31.106)]
    make.take_in(number, *dark, backfill=True)
    settled()
    assert alarms() == [("raised", "sos", True)]
    make.take_in(number, alarmed(start, 13, 31.107), backfill=True)
    settled()
    assert len(alarms()) == 1, "what was judged is not told again with the next late fix"


def unplaced(start, minutes, bit=None):
    """In a tunnel: a time, and no position."""
    alarm = 0 if bit is None else 1 << bit
    return make.fix(start + timedelta(minutes=minutes), 0.0, 0.0, status=0b01, alarm=alarm)


@pytest.mark.parametrize("light_again", [True, False])
def test_an_alarm_raised_where_there_was_neither_network_nor_position_is_told_late_and_once(car, light_again):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05), received_at=start + timedelta(minutes=1))
    newest = at(start, 30, 31.25) if light_again else unplaced(start, 30)
    make.take_in(number, newest, received_at=start + timedelta(minutes=30))
    make.take_in(number, *[unplaced(start, 10), unplaced(start, 11, 0), unplaced(start, 12)], backfill=True)
    assert alarms() == []
    settled()
    assert alarms() == [("raised", "sos", True)]
    assert settled() == 0


def test_late_rows_of_a_vehicle_that_never_had_a_position_are_judged_too(car):
    number, _, start = car
    make.take_in(number, unplaced(start, 30), received_at=start + timedelta(minutes=30))
    make.take_in(number, *[unplaced(start, 10), unplaced(start, 11, 0), unplaced(start, 12)], backfill=True)
    settled()
    assert alarms() == [("raised", "sos", True)]


def test_what_lasts_is_told_late_only_when_it_began_and_ended_there(car):
    number, _, start = car
    make.take_in(number, at(start, 1, 31.05), received_at=start + timedelta(minutes=1))
    make.take_in(number, alarmed(start, 30, 31.25, 2), received_at=start + timedelta(minutes=30))
    before = alarms()
    assert [one[0] for one in before] == ["raised"]
    dark = [
        alarmed(start, 10, 31.1, 4),
        alarmed(start, 12, 31.11, 4),
        alarmed(start, 14, 31.12),
        alarmed(start, 20, 31.13, 2),
    ]
    make.take_in(number, *dark, backfill=True)
    settled()
    fresh = alarms()[len(before) :]
    assert [(kind, late) for kind, _, late in fresh] == [("raised", True), ("cleared", True)]
    assert fresh[0][1] == fresh[1][1] != before[0][1]


def test_a_late_fix_beside_a_told_alarm_does_not_tell_it_again(car):
    number, _, start = car
    make.take_in(
        number, at(start, 1, 31.05), alarmed(start, 10, 31.1, 0), at(start, 11, 31.1), at(start, 30, 31.25)
    )
    told = alarms()
    assert len(told) == 1
    make.take_in(number, at(start, 9, 31.09), at(start, 12, 31.12), backfill=True)
    settled()
    assert alarms() == told


def test_late_rows_are_those_received_after_a_newer_one():
    at_us, received_us = np.array([10, 20, 30, 40]), np.array([100, 300, 200, 200])
    assert late_rows(at_us, received_us, 0).tolist() == [False, True, False, False]
    assert late_rows(at_us, received_us, 301).tolist() == [False] * 4
    assert late_rows(np.empty(0, np.int64), np.empty(0, np.int64), 0).tolist() == []
