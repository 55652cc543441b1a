"""Predictions: pure rules over progress, pace and errors."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.journey.domain import eta as etas

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stop(seq, km, after_h, **fields):
    values = {
        "seq": seq,
        "along_m": km * 1000.0,
        "dwell": HOUR,
        "planned_arrival": NOW + after_h * HOUR,
        "planned_departure": NOW + (after_h + (1 if seq else 0)) * HOUR,
    }
    return etas.RunStop(**values | fields)


def run(along_km=None, fix_at=NOW, **first):
    """600 km in 10 h, an hour's stop, 600 km in 10 h."""
    stops = (stop(0, 0, 0, **first), stop(1, 600, 10), stop(2, 1200, 21))
    return etas.Run(stops=stops, along_m=None if along_km is None else along_km * 1000.0, fix_at=fix_at)


def hours(predicted):
    return {seq: round((at - NOW) / HOUR, 2) for seq, at in predicted.items()}


def test_before_departure_the_schedule_is_the_prediction():
    assert hours(etas.arrivals(run(), {}, NOW - HOUR)) == {1: 10.0, 2: 21.0}


def test_on_the_road_the_distance_left_counts_and_planned_dwell_is_added():
    assert hours(etas.arrivals(run(300, departed_at=NOW - 2 * HOUR), {}, NOW)) == {1: 5.0, 2: 16.0}


def test_a_learned_pace_weighs_more_with_every_run():
    started = NOW - 2 * HOUR
    pace = {(0, etas.hour_of(started)): (30.0, 3)}
    blended = hours(etas.arrivals(run(300, departed_at=started), pace, NOW))[1]
    assert blended == pytest.approx(300 * (60 * 3 + 30 * 3) / 6 / 3600, abs=0.01)
    many = {(0, etas.hour_of(started)): (30.0, 300)}
    assert hours(etas.arrivals(run(300, departed_at=started), many, NOW))[1] < 2.6


def test_the_pace_of_another_hour_is_not_used():
    started = NOW - 2 * HOUR
    other = {(0, (etas.hour_of(started) + 5) % 24): (30.0, 300)}
    assert hours(etas.arrivals(run(300, departed_at=started), other, NOW))[1] == 5.0


def test_hours_are_chinese():
    assert etas.hour_of(datetime(2026, 11, 22, 18, 30, tzinfo=UTC)) == 2


def test_a_truck_at_a_stop_leaves_after_its_dwell_or_now_when_it_stays_longer():
    def at_hub(arrived_at):
        stops = (
            stop(0, 0, 0, departed_at=NOW - 12 * HOUR),
            stop(1, 600, 10, arrived_at=arrived_at),
            stop(2, 1200, 21),
        )
        return hours(etas.arrivals(etas.Run(stops=stops, along_m=600_000.0, fix_at=NOW), {}, NOW))

    assert at_hub(NOW - HOUR / 2) == {2: 10.5}
    assert at_hub(NOW - 5 * HOUR) == {2: 10.0}


def test_a_missed_departure_is_made_good_by_progress():
    stops = (stop(0, 0, 0), stop(1, 600, 10, arrived_at=NOW - 2 * HOUR), stop(2, 1200, 21))
    moving = etas.Run(stops=stops, along_m=660_000.0, fix_at=NOW)
    assert hours(etas.arrivals(moving, {}, NOW))[2] == pytest.approx(9.0)


def test_a_stop_passed_without_a_word_costs_no_dwell():
    assert hours(etas.arrivals(run(900, departed_at=NOW - 12 * HOUR), {}, NOW)) == {2: 5.0}


def test_an_overdue_departure_moves_on_with_growing_steps():
    late = [etas.arrivals(run(), {}, NOW + minutes * timedelta(minutes=1))[1] for minutes in (1, 60, 240)]
    assert [round((at - NOW) / HOUR, 1) for at in late] == [10.3, 11.2, 15.0]


def test_a_silent_truck_is_taken_to_drive_on_for_half_an_hour_and_no_longer():
    started = NOW - 3 * HOUR
    fresh = etas.arrivals(run(300, fix_at=NOW, departed_at=started), {}, NOW)[1]
    short = etas.arrivals(run(300, fix_at=NOW - HOUR / 4, departed_at=started), {}, NOW)[1]
    long = etas.arrivals(run(300, fix_at=NOW - 2 * HOUR, departed_at=started), {}, NOW)[1]
    assert fresh - short == HOUR / 4
    assert fresh - long == HOUR / 2


@settings(deadline=None, max_examples=150)
@given(
    along_km=st.one_of(st.none(), st.floats(-50, 1300)),
    fix_ago_h=st.floats(0, 200),
    departed_ago_h=st.one_of(st.none(), st.floats(0, 200)),
    now_h=st.floats(-100, 300),
)
def test_predictions_are_never_past_and_in_the_order_of_the_stops(along_km, fix_ago_h, departed_ago_h, now_h):
    now = NOW + now_h * HOUR
    departed = None if departed_ago_h is None else now - departed_ago_h * HOUR
    predicted = etas.arrivals(run(along_km, fix_at=now - fix_ago_h * HOUR, departed_at=departed), {}, now)
    times = [predicted[seq] for seq in sorted(predicted)]
    assert times == sorted(times)
    assert all(at >= now for at in times)


@settings(deadline=None, max_examples=200)
@given(
    ahead_h=st.floats(-10, 100),
    errors=st.lists(st.floats(-50_000, 50_000), max_size=60),
)
def test_a_window_holds_its_eta_and_nothing_past(ahead_h, errors):
    window = etas.window(NOW + ahead_h * HOUR, NOW, errors)
    assert NOW <= window.eta_from <= window.eta <= window.eta_to
    assert window.eta_to - window.eta >= timedelta(minutes=9)


def test_a_window_widens_with_the_time_left():
    near, far = etas.window(NOW + HOUR, NOW), etas.window(NOW + 20 * HOUR, NOW)
    assert far.eta_to - far.eta_from > near.eta_to - near.eta_from


def test_past_errors_shape_the_window_once_there_are_enough():
    late = [3600.0] * 20
    assert etas.window(NOW + 5 * HOUR, NOW, late).eta_to == NOW + 6 * HOUR
    assert etas.window(NOW + 5 * HOUR, NOW, late[:19]).eta_to == NOW + timedelta(minutes=345)


@pytest.mark.parametrize(
    ("left_h", "moved_min", "told"),
    [
        (10, 59, False),
        (10, 60, True),
        (3, 17, False),
        (3, 18, True),
        (0.5, 9, False),
        (0.5, 10, True),
        (40, 61, True),
    ],
)
def test_a_change_is_told_when_it_is_more_than_a_tenth_of_the_time_left(left_h, moved_min, told):
    before = NOW + left_h * HOUR
    for sign in (1, -1):
        assert etas.matters(before, before + sign * timedelta(minutes=moved_min), NOW) is told


def test_an_eta_that_has_passed_or_never_was_is_always_told_anew():
    assert etas.matters(None, NOW, NOW)
    assert etas.matters(NOW - HOUR, NOW - HOUR, NOW)


@pytest.mark.parametrize(
    ("km", "took", "learned"),
    [(100, HOUR, (36.0, 1)), (0, HOUR, None), (100, HOUR / 4, None), (10, 5 * HOUR, None)],
)
def test_what_a_run_teaches(km, took, learned):
    assert etas.pace_learned(None, km=km, took=took) == learned


def test_the_newest_run_weighs_a_fifth():
    assert etas.pace_learned((60.0, 4), km=100, took=timedelta(seconds=3600)) == (pytest.approx(55.2), 5)


def test_the_next_departure():
    assert etas.next_departure([NOW + HOUR / 4, NOW + 2 * HOUR], None, NOW) == NOW + 2 * HOUR
    assert etas.next_departure([], NOW - 49 * HOUR, NOW) == NOW + 23 * HOUR
    assert etas.next_departure([], NOW - 24 * HOUR, NOW) == NOW + 24 * HOUR
    assert etas.next_departure([], None, NOW) is None


@pytest.mark.parametrize(("ahead_h", "edge"), [(0, 0), (0.9, 0), (1, 1), (5.9, 3), (30, 24), (-1, 0)])
def test_horizons(ahead_h, edge):
    assert etas.horizon_of(ahead_h * HOUR) == edge


def test_a_truck_that_is_only_scanned_is_believed_to_drive_as_planned():
    started = NOW - 5 * HOUR
    at_departure = etas.arrivals(run(departed_at=started), {}, started)
    assert etas.arrivals(run(departed_at=started), {}, NOW) == at_departure
