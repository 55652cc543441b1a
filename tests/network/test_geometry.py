"""Where along a road its stops lie: pure rules."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zaitu.kernel.errors import Invalid
from zaitu.kernel.geo import Polyline
from zaitu.network.domain.geometry import stops_along

KM = 1 / 111.195
"""Degrees of latitude per kilometre."""


def road(*kilometres_north):
    return [(30 + km * KM, 120.0) for km in kilometres_north]


def test_stops_lie_at_their_distance_along_the_road():
    along = stops_along(
        road(0, 50, 100),
        [("甲", (30.0, 120.0)), ("乙", (30 + 30 * KM, 120.01)), ("丙", (30 + 100 * KM, 120.0))],
    )
    assert along == pytest.approx((0, 30_000, 100_000), abs=5)


def test_a_round_trip_ends_where_it_began():
    home = ("甲", (30.0, 120.0))
    along = stops_along(road(0, 40, 0), [home, ("乙", (30 + 40 * KM, 120.0)), home])
    assert along == pytest.approx((0, 40_000, 80_000), abs=5)


def test_a_stop_on_the_way_back_is_found_on_the_way_back():
    along = stops_along(
        road(0, 40, 0), [("甲", (30.0, 120.0)), ("丙", (30 + 40 * KM, 120.0)), ("乙", (30 + 10 * KM, 120.0))]
    )
    assert along == pytest.approx((0, 40_000, 70_000), abs=5)


def test_a_stop_far_from_the_road_is_named():
    with pytest.raises(Invalid, match="站点 乙 离线路轨迹超过 3 公里"):
        stops_along(road(0, 100), [("甲", (30.0, 120.0)), ("乙", (30 + 50 * KM, 120.05))])


def test_stops_against_the_direction_of_the_road_are_refused():
    with pytest.raises(Invalid, match="先后与站序不一致"):
        stops_along(road(0, 100), [("乙", (30 + 90 * KM, 120.0)), ("甲", (30 + 10 * KM, 120.0))])


@pytest.mark.parametrize("points", [road(0), road(), road(*range(20_001))])
def test_a_road_has_a_sensible_number_of_points(points):
    with pytest.raises(Invalid, match="2 到 20000 个点"):
        stops_along(points, [("甲", (30.0, 120.0)), ("乙", (30.1, 120.0))])


def test_repeated_points_of_a_standing_vehicle_do_no_harm():
    along = stops_along(road(0, 0, 0, 60, 60), [("甲", (30.0, 120.0)), ("乙", (30 + 60 * KM, 120.0))])
    assert along == pytest.approx((0, 60_000), abs=5)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=30, unique=True), st.data()
)
def test_stops_taken_from_a_road_are_found_again_in_order_and_on_it(offsets, data):
    points = [(30 + lat, 120 + lon) for lat, lon in offsets]
    line = Polyline(points)
    shares = sorted(data.draw(st.lists(st.floats(0, 1), min_size=2, max_size=5)))
    wanted = [share * line.length_m for share in shares]
    assume(all(second - first >= 2 for first, second in pairwise(wanted)))  # no two stops at one place
    found = stops_along(points, [("站", line.at(along_m)) for along_m in wanted])
    assert list(found) == sorted(found)
    for along_m, place in zip(found, map(line.at, wanted), strict=True):
        assert Polyline([line.at(along_m), place]).length_m < 3_000
