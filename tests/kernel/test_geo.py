import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.borders import HONG_KONG, MACAO, MAINLAND, XISHA
from zaitu.kernel.geo import Polyline, distance_m, gcj02_to_wgs84, in_china, wgs84_to_gcj02

SHIFTED = {
    "长白县": (41.4195, 128.2003),
    "三沙永兴岛": (16.8340, 112.3390),
    "连江黄岐": (26.3310, 119.8850),
    "斯姆哈纳": (39.7330, 73.9670),
    "北京": (39.9042, 116.4074),
    "上海": (31.2304, 121.4737),
    "成都": (30.5728, 104.0668),
    "武汉": (30.5928, 114.3055),
    "深圳罗湖": (22.5480, 114.1200),
    "深圳福田口岸": (22.5210, 114.0620),
    "深圳蛇口": (22.4850, 113.9130),
    "盐田港": (22.5740, 114.2750),
    "大鹏": (22.5950, 114.4770),
    "珠海拱北": (22.2210, 113.5480),
    "横琴": (22.1300, 113.5150),
    "厦门岛": (24.4798, 118.0894),
    "平潭": (25.5000, 119.7900),
    "三亚": (18.2528, 109.5119),
    "文昌": (19.5430, 110.7970),
    "东兴": (21.5480, 107.9720),
    "凭祥": (22.0940, 106.7660),
    "河口": (22.5290, 103.9390),
    "瑞丽": (24.0130, 97.8510),
    "景洪": (22.0070, 100.7970),
    "亚东": (27.4850, 88.9070),
    "拉萨": (29.6500, 91.1000),
    "喀什": (39.4700, 75.9900),
    "塔什库尔干": (37.7720, 75.2270),
    "霍尔果斯": (44.2100, 80.4100),
    "阿拉山口": (45.1720, 82.5690),
    "塔城": (46.7450, 82.9790),
    "阿勒泰": (47.8480, 88.1390),
    "二连浩特": (43.6530, 111.9780),
    "满洲里": (49.5980, 117.3790),
    "漠河": (52.9720, 122.5380),
    "黑河": (50.2450, 127.5000),
    "抚远": (48.3640, 134.3080),
    "饶河": (46.7980, 134.0130),
    "绥芬河": (44.4120, 131.1520),
    "珲春": (42.8620, 130.3660),
    "图们": (42.9680, 129.8430),
    "集安": (41.1260, 126.1940),
    "丹东": (40.1290, 124.3830),
    "大连": (38.9140, 121.6150),
    "舟山": (29.9850, 122.2070),
}
UNSHIFTED = {
    "马祖南竿": (26.1550, 119.9350),
    "马祖北竿": (26.2230, 119.9930),
    "马祖东引": (26.3670, 120.4900),
    "马祖莒光": (25.9700, 119.9350),
    "伊尔克什坦（吉尔吉斯斯坦）": (39.6800, 73.9090),
    "惠山": (41.4010, 128.1790),
    "Seoul": (37.5665, 126.9780),
    "Pyongyang": (39.0392, 125.7625),
    "Sinuiju": (40.0950, 124.4080),
    "Hanoi": (21.0285, 105.8542),
    "Mong Cai": (21.5240, 107.9660),
    "Lao Cai": (22.4850, 103.9700),
    "Vientiane": (17.9757, 102.6331),
    "Myitkyina": (25.3830, 97.3960),
    "Kathmandu": (27.7172, 85.3240),
    "Thimphu": (27.4728, 89.6390),
    "Leh": (34.1526, 77.5771),
    "Osh": (40.5140, 72.8160),
    "Bishkek": (42.8746, 74.5698),
    "Almaty": (43.2380, 76.8890),
    "Ulaanbaatar": (47.8864, 106.9057),
    "Zamyn-Üüd": (43.7150, 111.9030),
    "Zabaykalsk": (49.6510, 117.3270),
    "Blagoveshchensk": (50.2900, 127.5270),
    "Khabarovsk": (48.4800, 135.0720),
    "Vladivostok": (43.1155, 131.8855),
    "Hong Kong": (22.3193, 114.1694),
    "Sheung Shui": (22.5010, 114.1270),
    "Yuen Long": (22.4450, 114.0220),
    "Hong Kong airport": (22.3080, 113.9185),
    "Macao": (22.1987, 113.5439),
    "Coloane": (22.1180, 113.5690),
    "Taipei": (25.0330, 121.5654),
    "Kaohsiung": (22.6273, 120.3014),
    "Kinmen": (24.4320, 118.3170),
    "Tokyo": (35.6762, 139.6503),
    "Manila": (14.5995, 120.9842),
    "Null Island": (0.0, 0.0),
}


@pytest.mark.parametrize("place", SHIFTED)
def test_the_mainland_is_shifted_up_to_its_border_towns(place):
    lat, lon = SHIFTED[place]
    assert in_china(lat, lon)
    assert 50 < distance_m(lat, lon, *wgs84_to_gcj02(lat, lon)) < 1_000


@pytest.mark.parametrize("place", UNSHIFTED)
def test_hong_kong_macao_taiwan_and_everything_abroad_stay_where_they_are(place):
    assert wgs84_to_gcj02(*UNSHIFTED[place]) == UNSHIFTED[place]
    assert gcj02_to_wgs84(*UNSHIFTED[place]) == UNSHIFTED[place]


def test_a_place_on_the_hong_kong_bank_of_the_shenzhen_river_is_not_shifted():
    """One way only: a shifted map has a place of the other bank under the same coordinates."""
    lok_ma_chau_station = (22.5143, 114.0657)
    assert wgs84_to_gcj02(*lok_ma_chau_station) == lok_ma_chau_station


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        # Published pairs of the reference implementations (eviltransform, coordtransform), 1e-5 degrees ≈ 1 m.
        ((39.915, 116.404), (39.916404, 116.410244)),
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ],
)
def test_known_points_shift_as_published(wgs84, gcj02):
    assert wgs84_to_gcj02(*wgs84) == pytest.approx(gcj02, abs=1e-5)


def test_there_and_back_again_is_within_a_millimetre_anywhere_in_china():
    dice = random.Random(808)
    tried = 0
    while tried < 3_000:
        lat, lon = dice.uniform(18, 53.5), dice.uniform(73.7, 134.7)
        if in_china(lat, lon):
            tried += 1
            assert distance_m(lat, lon, *gcj02_to_wgs84(*wgs84_to_gcj02(lat, lon))) <= 0.001, (lat, lon)


def test_the_border_is_drawn_once_around_without_crossing_itself():
    from shapely import Polygon

    for ring in (MAINLAND, HONG_KONG, MACAO, XISHA):
        assert Polygon([(lon, lat) for lat, lon in ring]).is_valid


def test_distance_is_that_of_the_mean_earth():
    assert distance_m(31.2304, 121.4737, 30.5728, 104.0668) == pytest.approx(1_660_000, rel=0.01)
    assert distance_m(0, 0, 0, 1) == pytest.approx(111_195, abs=1)
    assert distance_m(30, 120, 30, 120) == 0


LINE = Polyline([(31.0, 121.0), (31.0, 120.0), (30.0, 120.0), (30.0, 119.0)])


def test_a_point_on_the_route_is_found_where_it_is():
    for along in range(0, int(LINE.length_m), 7_000):
        found, off = LINE.locate(*LINE.at(along))
        assert found == pytest.approx(along, abs=0.02 * 1_000)
        assert off < 20


def test_a_point_beside_the_route_is_as_far_off_as_it_is():
    along, off = LINE.locate(30.5, 120.01)
    assert off == pytest.approx(distance_m(30.5, 120.0, 30.5, 120.01), rel=0.005)
    assert along == pytest.approx(distance_m(31, 121, 31, 120) + distance_m(31, 120, 30.5, 120), rel=0.001)


def test_places_beyond_the_ends_are_the_ends():
    assert LINE.at(-5) == (31.0, 121.0)
    assert LINE.at(LINE.length_m + 5) == (30.0, 119.0)
    assert LINE.locate(31.0, 122.0)[0] == 0
    assert LINE.locate(30.0, 118.0)[0] == pytest.approx(LINE.length_m)


def test_a_part_of_the_route_has_its_ends_and_the_corners_between():
    a_m, b_m = 50_000, LINE.length_m - 40_000
    part = LINE.slice(a_m, b_m)
    assert part[0] == LINE.at(a_m)
    assert part[-1] == LINE.at(b_m)
    assert part[1:-1] == ((31.0, 120.0), (30.0, 120.0))
    assert Polyline(part).length_m == pytest.approx(b_m - a_m, rel=0.001)
    with pytest.raises(ValueError, match="before"):
        LINE.slice(2, 1)


def test_on_the_way_back_along_the_same_road_progress_goes_on():
    there_and_back = Polyline([(30.0, 120.0), (30.0, 121.0), (30.0, 120.0)])
    half = there_and_back.length_m / 2
    assert there_and_back.locate(30.0, 120.4)[0] < half
    assert there_and_back.locate(30.0, 120.4, from_m=half + 1_000)[0] > half


def test_a_stop_given_twice_does_no_harm():
    line = Polyline([(30.0, 120.0), (30.0, 120.0), (30.0, 121.0)])
    assert line.locate(30.0, 120.5)[0] == pytest.approx(line.length_m / 2, rel=0.001)
    assert line.at(0) == (30.0, 120.0)


@pytest.mark.parametrize("points", [[], [(30, 120)], [(30, 120), (95, 120)], [(30, 120), (30, math.nan)]])
def test_what_is_no_route_is_refused(points):
    with pytest.raises(ValueError, match="route"):
        Polyline(points)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(20, 50), st.floats(80, 130)), min_size=2, max_size=30),
    st.tuples(st.floats(20, 50), st.floats(80, 130)),
)
def test_locate_stays_on_the_scale_and_at_follows_it(points, point):
    line = Polyline(points)
    along, off = line.locate(*point)
    assert 0 <= along <= line.length_m
    assert off >= 0
    lat, lon = line.at(along)
    assert 20 <= lat <= 50
    assert 80 <= lon <= 130
