"""The kernels find the stops and the progress that the readable rules find, on whatever is driven."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.walks import VEHICLE, M, fleet, rows, seconds, stop, walked, watch
from zaitu.kernel.geo import Polyline
from zaitu.telemetry.kernels.fleet import Tick
from zaitu.telemetry.kernels.route import route_boxes, route_rows
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.fences import Fences, Stop, Trace, advance
from zaitu.telemetry.rules.progress import progress

L_SHAPE = tuple(
    (north * M, east * M)
    for north, east in [(-200, -200), (-200, 200), (0, 200), (0, 0), (200, 0), (200, -200)]
)
ROUTE = tuple((north * M, east * M) for north, east in [(-2000, 0), (-700, 300), (600, -200), (2500, 0)])
HOME = tuple((north * M, 0.0) for north in (0, 800, 1600, 2200, 1600, 800, 0))
"""Out and home on one road."""


def moved_fence(fence, north_m):
    return tuple((lat + north_m * M, lon) for lat, lon in fence)


STOPS = {
    "circles": (stop(1), stop(2, 900, radius_m=200)),
    "a polygon": (stop(1, fence=L_SHAPE), stop(2, 900)),
    "neighbours": (stop(1), stop(2, 500), stop(5, -450, fence=moved_fence(L_SHAPE, -450))),
    "a round trip": (stop(0), stop(1, 1600, along_m=1600), stop(2, along_m=4400)),
}
moves = st.lists(
    st.tuples(st.integers(1, 400), st.integers(-2_000, 2_500), st.integers(-1_500, 1_500)),
    min_size=1,
    max_size=40,
)
drives = st.lists(
    st.tuples(st.integers(1, 90), st.integers(-400, 400), st.integers(-300, 300)), min_size=1, max_size=60
)


def jumps(steps):
    # Off the whole metre: on a fence's very edge rounding decides, and it may do so differently.
    at_s = np.cumsum([step[0] for step in steps]).astype(float)
    return at_s, np.array([step[1] for step in steps]) + 0.37, np.array([step[2] for step in steps]) + 0.29


def walks(steps):
    """The same, each step from where the one before led."""
    at_s, north, east = jumps(steps)
    return at_s, np.cumsum(north - 0.37) + 0.37, np.cumsum(east - 0.29) + 0.29


def oracle(stops, route, at_s, lat, lon):
    """(visits, crossings, along_m, off_m) by the readable rules."""
    along = off = np.full(len(at_s), np.nan)
    if route:
        along, off = progress(Polyline(route), None, at_s, lat, lon)
    fences = Fences(
        Stop(
            seq=one.seq, lat=one.lat, lon=one.lon, radius_m=one.radius_m, along_m=one.along_m, fence=one.fence
        )
        for one in stops
    )
    visits, crossings = advance(fences, (), Trace(at_s=at_s, lat=lat, lon=lon, along_m=along))
    return visits, crossings, along, off


def crossings_of(facts):
    """(stop, when, whether it was entered)."""
    stops = facts[facts["kind"] <= Kind.STOP_LEFT]
    return sorted(
        (int(fact["a"]), seconds(fact["at_us"]), fact["kind"] == Kind.STOP_ENTERED) for fact in stops
    )


def by_time(visit):
    return (visit.seq, visit.entered_s)


def agree(stops, route, at_s, north, east):
    lat, lon = north * M, east * M
    visits, crossings, along, off = oracle(stops, route, at_s, lat, lon)
    one = fleet(watch(stops, route))
    facts = walked(one, rows(at_s, lat=lat, lon=lon)).facts
    mine, theirs = crossings_of(facts), sorted((c.seq, c.at_s, c.entered) for c in crossings)
    assert [(seq, entered) for seq, _, entered in mine] == [(seq, entered) for seq, _, entered in theirs]
    assert [at for _, at, _ in mine] == pytest.approx([at for _, at, _ in theirs], abs=2e-6)
    vehicle = one.vehicles[one.slot(VEHICLE)]
    assert (vehicle["lat"], vehicle["lon"]) == (lat[-1], lon[-1])
    assert vehicle["along_m"] == pytest.approx(along[-1], abs=0.01, nan_ok=True)
    assert vehicle["off_m"] == pytest.approx(off[-1], abs=0.01, nan_ok=True)
    kept = one.visits(one.slot(VEHICLE))
    assert [(v.seq, v.left_s is None, v.out_fixes) for v in sorted(kept, key=by_time)] == [
        (v.seq, v.left_s is None, v.out_fixes) for v in sorted(visits, key=by_time)
    ]


@pytest.mark.parametrize("route", [(), ROUTE], ids=["no route", "a route"])
@pytest.mark.parametrize("stops", STOPS.values(), ids=STOPS)
@given(moves)
@settings(deadline=None, max_examples=60)
def test_jumping_about_is_told_as_the_readable_rules_tell_it(stops, route, steps):
    agree(stops, route, *jumps(steps))


@pytest.mark.parametrize("route", [(), ROUTE], ids=["no route", "a route"])
@pytest.mark.parametrize("stops", STOPS.values(), ids=STOPS)
@given(drives)
@settings(deadline=None, max_examples=60)
def test_driving_about_is_told_as_the_readable_rules_tell_it(stops, route, steps):
    agree(stops, route, *walks(steps))


@given(drives, st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_it_does_not_matter_how_rows_are_cut_into_ticks(steps, cut):
    at_s, north, east = walks(steps)
    stops = STOPS["neighbours"]
    whole = walked(fleet(watch(stops, ROUTE)), rows(at_s, lat=north * M, lon=east * M)).facts
    one = fleet(watch(stops, ROUTE))
    cut %= len(at_s)
    facts = [
        walked(one, rows(at_s[part], lat=north[part] * M, lon=east[part] * M)).facts
        for part in (slice(0, cut), slice(cut, None))
    ]
    assert np.concatenate(facts).tobytes() == whole.tobytes()


# A crooked road of so many points that boxes of segments matter, with a repeated point.
_bends = np.cumsum(np.random.default_rng(4).normal(0, 0.35, 300))
CROOKED = np.cumsum(np.column_stack([np.cos(_bends), np.sin(_bends)]), axis=0) * 700 * M
CROOKED[100] = CROOKED[99]


def stepwise(route, at_s, lat, lon):
    """Each of the kernel's steps is one the readable rule could take from the same place."""
    line = Polyline([tuple(point) for point in route])
    one = fleet(watch((), [tuple(point) for point in route]))
    vehicle = one.vehicles
    along_m, slot = None, one.slot(VEHICLE)
    for row in range(len(at_s)):
        walked(one, rows(at_s[row : row + 1], lat=lat[row], lon=lon[row]))
        times = at_s[row : row + 1] if along_m is None else at_s[row - 1 : row + 1]
        along, off = progress(line, along_m, times, lat[row : row + 1], lon[row : row + 1])
        mine_m, mine_off_m = vehicle[slot]["along_m"], vehicle[slot]["off_m"]
        assert mine_off_m == pytest.approx(off[0], abs=0.01)
        if mine_m != pytest.approx(along[0], abs=0.01):
            # Two places equally near: rounding decides which is first.
            place, other = line.at(mine_m), line.at(along[0])
            assert math.hypot(place[0] - lat[row], place[1] - lon[row]) == pytest.approx(
                math.hypot(other[0] - lat[row], other[1] - lon[row]), rel=1e-3, abs=1e-7
            )
        along_m = float(mine_m)


@pytest.mark.parametrize("route", [CROOKED, np.array(HOME)], ids=["crooked", "out and home"])
@given(st.integers(0, 10_000), st.sampled_from([5.0, 60.0, 2_000.0, 30_000.0]))
@settings(deadline=None, max_examples=40)
def test_progress_takes_the_steps_of_the_readable_rule(route, seed, noise_m):
    rng = np.random.default_rng(seed)
    count = 40
    line = Polyline([tuple(point) for point in route])
    along = np.sort(rng.uniform(0, line.length_m, count))
    places = np.array([line.at(at) for at in along]) + rng.normal(0, noise_m, (count, 2)) * M
    stepwise(route, np.cumsum(rng.integers(1, 200, count)).astype(float), places[:, 0], places[:, 1])


def test_a_route_has_a_box_around_every_sixteen_segments():
    points = route_rows(CROOKED)
    boxes = route_boxes(points)
    assert len(boxes) == math.ceil(299 / 16)
    assert points[-1, 2] == pytest.approx(Polyline([tuple(p) for p in CROOKED]).length_m, rel=1e-12)
    for box, (south, north, west, east, _cosine) in enumerate(boxes):
        inside = CROOKED[16 * box : 16 * box + 17]
        assert (inside >= (south, west)).all()
        assert (inside <= (north, east)).all()


def test_a_fix_that_is_not_newer_changes_nothing():
    one = fleet(watch((stop(1),)))
    walked(one, rows([100.0], lat=2_000 * M, lon=0.0))
    before = one.vehicles.tobytes()
    late = walked(one, rows([50.0, 100.0], lat=0.0, lon=0.0))
    assert not len(late.facts)
    assert not len(late.moved)
    assert one.vehicles.tobytes() == before


def test_what_a_vehicle_did_before_its_trip_begins_is_nobodys_stop():
    one = fleet(watch((stop(1),)))
    assert not len(walked(one, rows([-60.0, -10.0], lat=0.0, lon=0.0)).facts)
    facts = walked(one, rows([20.0], lat=0.0, lon=0.0)).facts
    assert crossings_of(facts) == [(1, 20.0, True)]


def test_replacing_a_watch_of_the_same_trip_keeps_the_stays_and_another_trip_does_not():
    one = fleet(watch((stop(1), stop(2, 5_000))))
    walked(one, rows([0.0], lat=0.0, lon=0.0))
    one.watch_set(VEHICLE, watch((stop(1), stop(3, 9_000))))
    assert [visit.seq for visit in one.visits(one.slot(VEHICLE))] == [1]
    assert crossings_of(walked(one, rows([10.0, 20.0], lat=[900 * M, 950 * M], lon=0.0)).facts) == [
        (1, 10.0, False)
    ]
    one.watch_set(VEHICLE, watch((stop(1), stop(3, 9_000)), trip="T2"))
    assert one.visits(one.slot(VEHICLE)) == ()
    assert crossings_of(walked(one, rows([30.0], lat=0.0, lon=0.0)).facts) == [(1, 30.0, True)]


def test_many_vehicles_watched_anew_again_and_again_keep_their_stays_and_no_memory_is_lost():
    one = fleet()
    rng = np.random.default_rng(1)
    for vehicle in range(40):
        one.watch_set(vehicle, watch((stop(1), stop(2, 900, fence=moved_fence(L_SHAPE, 900))), HOME))
        walked(one, rows([0.0], lat=0.0, lon=0.0), vehicle)
    for turn in range(3_000):
        vehicle = int(rng.integers(40))
        route = [(turn * 1e-6, 0.0), *((0.001 * k, 0.0) for k in range(1, 30))]
        one.watch_set(vehicle, watch((stop(1), stop(2, 900, fence=moved_fence(L_SHAPE, 900))), route))
    assert one.watches.points.used < 3 * 40 * 30 + 2 * 4_096
    assert one.watches.stops.used < 3 * 80 + 2 * 4_096
    for vehicle in range(40):
        assert [visit.seq for visit in one.visits(one.slot(vehicle))] == [1]
        facts = walked(one, rows([60.0], lat=900 * M, lon=-100 * M), vehicle).facts
        assert crossings_of(facts) == [(1, 60.0, False), (2, 60.0, True)]


def test_a_tick_with_more_facts_than_there_is_room_for_loses_none():
    one = fleet()
    stops = tuple(stop(seq) for seq in range(1))
    for vehicle in range(6_000):
        one.watch_set(vehicle, watch(stops))
    columns = rows(np.zeros(6_000), lat=0.0, lon=0.0)
    each = np.arange(6_000, dtype=np.int64)
    for terminal in each:
        one.device(terminal)
    tick = Tick(columns=columns, received_us=columns.at_us, slots=each, devices=each, order=each)
    assert sorted(one.walk(tick).facts["slot"]) == each.tolist()
