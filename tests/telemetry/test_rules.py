"""Stops entered and left, progress along a route: properties and the cases that go wrong elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.geo import Polyline
from zaitu.telemetry.rules.fences import Fences, Stop, Trace, Visit, advance
from zaitu.telemetry.rules.progress import progress

M = 1 / 111_195.08
"""Degrees of latitude in a metre."""


def stop(seq=1, north_m=0.0, *, radius_m=300.0, along_m=0.0, fence=None):
    return Stop(seq=seq, lat=north_m * M, lon=0.0, radius_m=radius_m, along_m=along_m, fence=fence)


def trace(*points, along_m=None, joined=False):
    """(seconds, metres north, metres east) …"""
    at_s, north, east = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    along = np.full(len(at_s), np.nan) if along_m is None else np.array(along_m, dtype=float)
    return Trace(at_s=at_s, lat=north * M, lon=east * M, along_m=along, joined=joined)


def told(*stops_and_trace, visits=()):
    *stops, points = stops_and_trace
    _visits, crossings = advance(Fences(stops), visits, points)
    return [(crossing.seq, "in" if crossing.entered else "out", crossing.at_s) for crossing in crossings]


def test_driving_through_a_stop_enters_at_the_first_fix_inside_and_leaves_at_the_first_outside():
    points = [(10 * step, -1000 + 100 * step, 0) for step in range(21)]
    # Radius 300, margin 60: inside from -300 to 300, outside from 361.
    assert told(stop(), trace(*points)) == [(1, "in", 70.0), (1, "out", 140.0)]


def test_drift_between_fence_and_margin_neither_leaves_nor_enters():
    inside = [(0, 0, 0), (10, 310, 0), (20, 290, 0), (30, 355, 0), (40, -350, 0), (50, 0, 0)]
    assert told(stop(), trace(*inside)) == [(1, "in", 0.0)]
    outside = [(0, 340, 0), (10, 310, 0), (20, 350, 0)]
    assert told(stop(), trace(*outside)) == []


def test_one_fix_outside_is_drift_and_two_are_a_departure():
    one = [(0, 0, 0), (10, 500, 0), (20, 0, 0), (30, 0, 0)]
    assert told(stop(), trace(*one)) == [(1, "in", 0.0)]
    two = [(0, 0, 0), (10, 500, 0), (20, 600, 0)]
    assert told(stop(), trace(*two)) == [(1, "in", 0.0), (1, "out", 10.0)]


def test_one_fix_outside_is_a_departure_when_the_last_one_inside_is_a_minute_old():
    assert told(stop(), trace((0, 0, 0), (60, 900, 0))) == [(1, "in", 0.0), (1, "out", 60.0)]


def test_a_stop_passed_between_two_fixes_is_found_at_the_time_of_the_crossing():
    points = trace((0, -1500, 0), (60, 1500, 0), (120, 4500, 0))
    assert told(stop(), points) == [(1, "in", pytest.approx(24.0)), (1, "out", pytest.approx(36.0))]


def test_a_line_that_passes_beside_a_stop_does_not_enter_it():
    assert told(stop(), trace((0, -1500, 400), (60, 1500, 400), (120, 4500, 400))) == []


def test_no_line_is_drawn_over_a_long_silence():
    assert told(stop(), trace((0, -1500, 0), (301, 1500, 0), (360, 4500, 0))) == []


def test_a_crossing_between_the_last_fix_of_a_tick_and_the_first_of_the_next_is_found():
    points = trace((0, -1500, 0), (60, 1500, 0), (120, 4500, 0), joined=True)
    assert [fact[:2] for fact in told(stop(), points)] == [(1, "in"), (1, "out")]
    # The first point of a joined trace was looked at before.
    assert told(stop(), trace((0, 0, 0), (10, 0, 0), joined=True)) == [(1, "in", 10.0)]


SQUARE = tuple((north * M, east * M) for north, east in [(-200, -200), (-200, 200), (200, 200), (200, -200)])
L_SHAPE = tuple(
    (north * M, east * M)
    for north, east in [(-200, -200), (-200, 200), (0, 200), (0, 0), (200, 0), (200, -200)]
)


def test_a_polygon_is_a_fence_with_its_own_shape():
    yard = stop(fence=L_SHAPE, radius_m=2_000.0)
    assert told(yard, trace((0, 100, 100), (10, 100, 120))) == []
    assert told(yard, trace((0, 100, -100))) == [(1, "in", 0.0)]
    through = trace((0, -100, -900), (60, -100, 900), (120, -100, 2000))
    assert told(yard, through) == [
        (1, "in", pytest.approx(60 * 700 / 1800)),
        (1, "out", pytest.approx(60 * 1100 / 1800)),
    ]


def test_on_a_round_trip_the_same_place_is_the_start_first_and_the_end_last():
    stops = stop(0, along_m=0), stop(1, 5_000, along_m=5_000), stop(2, along_m=10_000)
    north = [0, 1000, 3000, 5000, 5000, 3000, 1000, 0, 0]
    points = [(100 * index, metres, 0) for index, metres in enumerate(north)]
    facts = [fact[:2] for fact in told(*stops, trace(*points))]
    assert facts == [(0, "in"), (0, "out"), (1, "in"), (1, "out"), (2, "in")]
    along = [0, 1000, 3000, 5000, 5000, 7000, 9000, 10_000, 10_000]
    assert [fact[:2] for fact in told(*stops, trace(*points, along_m=along))] == facts


def test_overlapping_neighbours_are_each_left_before_the_next_is_told():
    stops = stop(1, 0, radius_m=300), stop(2, 500, radius_m=300)
    points = [(60 * index, metres, 0) for index, metres in enumerate(range(-600, 1300, 100))]
    facts = told(*stops, trace(*points))
    assert [fact[:2] for fact in facts] == [(1, "in"), (2, "in"), (1, "out"), (2, "out")]
    assert [fact[2] for fact in facts] == sorted(fact[2] for fact in facts)


def test_memory_of_visits_is_bounded():
    visits = [Visit(seq=1, entered_s=float(number), left_s=number + 0.5) for number in range(1000)]
    after, _ = advance(Fences([stop()]), visits, trace((2000, 5000, 0)))
    assert len(after) == 400


steps = st.lists(
    st.tuples(st.integers(1, 120), st.floats(-2_000, 2_000), st.floats(-2_000, 2_000)),
    min_size=1,
    max_size=40,
)


@given(steps)
@settings(deadline=None, max_examples=150)
def test_facts_alternate_and_follow_time_whatever_is_driven(moves):
    seconds = np.cumsum([step[0] for step in moves])
    points = [(float(at), north, east) for at, (_, north, east) in zip(seconds, moves, strict=True)]
    facts = told(stop(1), stop(2, 900), trace(*points))
    assert [fact[2] for fact in facts] == sorted(fact[2] for fact in facts)
    for seq in (1, 2):
        kinds = [kind for number, kind, _ in facts if number == seq]
        assert kinds == ["in", "out"] * (len(kinds) // 2) + ["in"] * (len(kinds) % 2)
    for seq, kind, at in facts:
        centre = 0 if seq == 1 else 900
        for point_at, north, east in points:
            if kind == "in" and point_at == at:
                assert math.hypot(north - centre, east) <= 301


@given(steps, st.integers(0, 40))
@settings(deadline=None, max_examples=150)
def test_it_does_not_matter_how_a_trace_is_cut_into_ticks(moves, cut):
    seconds = np.cumsum([step[0] for step in moves])
    points = [(float(at), north, east) for at, (_, north, east) in zip(seconds, moves, strict=True)]
    fences = Fences([stop(1), stop(2, 900, fence=tuple((lat + 900 * M, lon) for lat, lon in SQUARE))])
    _, whole = advance(fences, (), trace(*points))
    cut = 1 + cut % max(1, len(points) - 1)
    visits, first = advance(fences, (), trace(*points[:cut]))
    _, second = advance(fences, visits, trace(*points[cut - 1 :], joined=True))
    assert sorted(first + second, key=lambda fact: (fact.at_s, fact.seq)) == sorted(
        whole, key=lambda fact: (fact.at_s, fact.seq)
    )


EIGHT = Polyline([(0, 0), (10_000 * M, 10_000 * M), (10_000 * M, 0), (0, 10_000 * M)])
"""Crosses itself at (5 km, 5 km), after 7 km and after 31 km."""
BACK = Polyline([(0, 0), (10_000 * M, 0), (0, 0)])
"""The same road out and home."""


def followed(route, speed_mps, step_s, drift=None):
    along = np.arange(0, route.length_m, speed_mps * step_s)
    places = np.array([route.at(at) for at in along])
    if drift is not None:
        places = places + drift[: len(places)] * M
    at_s = np.arange(len(along)) * float(step_s)
    found, off = progress(route, None, at_s, places[:, 0], places[:, 1])
    return along, found, off


@pytest.mark.parametrize("route", [EIGHT, BACK], ids=["crosses itself", "out and home"])
@given(speed=st.floats(3, 33), step_m=st.floats(30, 1000), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_progress_never_jumps_on_a_road_that_meets_itself(route, speed, step_m, seed):
    step_s = step_m / speed
    drift = np.random.default_rng(seed).normal(0, 8, (20_000, 2))
    along, found, off = followed(route, speed, step_s, drift)
    # Where the road turns back on itself the place cannot be told closer than the way driven since the last fix.
    assert np.abs(found - along).max() < 400 + 2 * step_m
    assert off.max() < 100


def test_far_off_the_route_the_distance_is_told_and_progress_waits():
    route = Polyline([(0, 0), (20_000 * M, 0)])
    east = np.array([0, 3_000, 6_000]) * M
    north = np.array([1_000, 1_500, 2_000]) * M
    along, off = progress(route, None, np.array([0.0, 120.0, 240.0]), north, east)
    assert off == pytest.approx([0, 3_000, 6_000], rel=0.01)
    assert along == pytest.approx([1_000, 1_500, 2_000], rel=0.01)


def test_after_a_detour_progress_goes_on_where_the_route_is_met_again():
    route = Polyline([(0, 0), (50_000 * M, 0)])
    along, _ = progress(route, 1_000.0, np.array([0.0, 60.0]), np.array([30_000 * M]), np.array([0.0]))
    assert along == pytest.approx([30_000], rel=0.001)
