"""A route drawn without a map."""

import math
import random

import pytest

from zaitu.portal.pages.sketch import HEIGHT, WIDTH, dash, share_of_leg, short_names, sketch, thinned


def stop(name, lat, lon, state="ahead"):
    return {"name": name, "city": name, "lat": lat, "lon": lon, "state": state}


@pytest.mark.parametrize(
    "ends",
    [((31.2, 121.5), (30.6, 104.1)), ((41.8, 123.4), (32.0, 118.8)), ((31.2, 121.5), (31.2, 121.5))],
    ids=["west", "south", "same place"],
)
def test_everything_is_on_the_paper(ends):
    drawn = sketch([list(ends[0]), list(ends[1])], [stop("甲", *ends[0]), stop("乙", *ends[1])])
    assert len(drawn.stops) == 2
    for one in drawn.stops:
        assert 0 < one.x < WIDTH
        assert 0 < one.y < HEIGHT
    p = drawn.projection
    x = (ends[1][1] - p["lon0"]) * p["kx"] + p["x0"]
    y = (p["lat0"] - ends[1][0]) * p["ky"] + p["y0"]
    assert (x, y) == pytest.approx((drawn.stops[1].x, drawn.stops[1].y), abs=0.1), "the truck is drawn alike"


def test_there_is_no_drawing_of_one_place():
    assert sketch([], [stop("甲", 31.2, 121.5)]) is None
    assert sketch([], [stop("甲", None, None), stop("乙", None, None)]) is None


def test_a_long_route_is_thinned_and_keeps_its_ends():
    chance = random.Random(3)
    points = [[30 + math.sin(n / 400) + chance.gauss(0, 0.01), 104 + n / 400] for n in range(6_000)]
    kept = thinned(points)
    assert len(kept) <= 300
    assert kept[0] == pytest.approx(points[0], abs=1e-5)
    assert kept[-1] == pytest.approx(points[-1], abs=1e-5)
    assert thinned([[30, 104]]) == []


def test_the_way_done_is_measured_from_where_the_goods_board():
    trip = {"length_m": 1_000_000, "leg_from_m": 200_000, "leg_to_m": 700_000}
    assert dash(450_000, trip) == "0 20.0 25.0 100"
    assert dash(0, trip) == "0 20.0 0.0 100"
    assert [share_of_leg(along, trip) for along in (0, 450_000, 900_000)] == [0.0, 0.5, 1.0]
    assert share_of_leg(5, {"leg_from_m": 5, "leg_to_m": 5}) == 0.0


def test_two_stops_in_one_city_are_told_apart_by_their_names():
    stops = [
        stop("上海", 31.2, 121.5),
        stop("昆山站", 31.4, 121.0) | {"city": "苏州"},
        stop("苏州网点", 31.3, 120.6) | {"city": "苏州"},
    ]
    assert short_names(stops) == ["上海", "昆山站", "苏州网点"]
    assert short_names([{"name": "合作站", "city": ""}]) == ["合作站"]
