"""Stations, lines, vehicles, drivers and products through the room's door."""

import pytest
from django.db import connection

from tests.access import make as people
from tests.network import make
from tests.personal import readable
from zaitu.access.domain.rights import RIGHTS, STAFF_ROLES
from zaitu.access.public import audit_list
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Right, anyone
from zaitu.network import public as network
from zaitu.network.models import Driver, Station

pytestmark = pytest.mark.django_db


def actions(subject):
    return [entry.action for entry in audit_list(actor=make.TEST, subject=subject, page=1).rows]


def test_a_station_is_kept_in_one_spelling_of_its_code():
    make.station("ｓｈ qp")
    assert network.station_get(actor=make.TEST, code="shqp").code == "SHQP"


def test_putting_a_station_again_changes_it_and_keeps_its_identity():
    before = make.station(name="上海仓")
    after = make.station(name="上海青浦新仓", radius_m=500)
    assert (after.id, after.name, after.radius_m) == (before.id, "上海青浦新仓", 500)
    assert actions("station:SHQP") == ["network.update", "network.create"]


def test_putting_the_same_station_again_is_no_change():
    make.station()
    make.station()
    assert actions("station:SHQP") == ["network.create"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"code": "青浦"}, "站点编码须为"),
        ({"code": ""}, "站点编码须为"),
        ({"name": "  "}, "站点名称不能为空"),
        ({"name": "仓" * 61}, "站点名称最多 60 个字"),
        ({"name": "仓\x00库"}, "控制字符"),
        ({"city": ""}, "城市不能为空"),
        ({"kind": "airport"}, "站点类型须为 中转场、网点、客户仓"),
        ({"place": (131.2, 21.4)}, "纬度须在"),
        ({"place": (31.2, 321.4)}, "经度须在"),
        ({"place": (float("nan"), 121.4)}, "纬度须在"),
        ({"place": (0, 0)}, "经纬度未填写"),
        ({"radius_m": 49}, "围栏半径须在 50 到 5000 米"),
        ({"radius_m": 5001}, "围栏半径须在 50 到 5000 米"),
        ({"fence": ((31, 121), (31, 122))}, "电子围栏须有 3 到 500 个点"),
    ],
)
def test_what_is_no_station_is_refused_and_not_stored(fields, message):
    with pytest.raises(Invalid, match=message):
        make.station(**fields)
    assert not Station.objects.exists()


@pytest.mark.parametrize("text", ["青浦", "SHQ", "上海", "shqp", "青浦仓"])
def test_a_station_is_found_by_a_part_of_its_name_city_or_code(text):
    make.three_stations()
    assert [row.code for row in network.stations_list(actor=make.TEST, text=text).rows] == ["SHQP"]


def test_a_word_that_stands_nowhere_finds_nothing():
    make.three_stations()
    assert network.stations_list(actor=make.TEST, text="北京").total == 0


def test_a_line_knows_how_far_along_each_stop_lies():
    line = make.line()
    assert [stop.station.code for stop in line.stops] == ["SHQP", "WHDX", "CDQB"]
    assert line.stops[0].along_m == 0
    assert line.stops[1].along_m == pytest.approx(688_000, rel=0.01)
    assert line.stops[2].along_m == pytest.approx(line.length_m)
    assert [stop.key_node for stop in line.stops] == [False, True, False]


def test_a_line_that_is_put_again_has_the_new_stops_only():
    make.line()
    line = network.line_put(
        actor=make.TEST, draft=make.line_draft(stops=(make.stop("SHQP", 0), make.stop("CDQB", 1400)))
    )
    assert [(stop.seq, stop.station.code) for stop in line.stops] == [(0, "SHQP"), (1, "CDQB")]
    assert network.line_get(actor=make.TEST, code="sh-cd") == line


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stops": ()}, "线路须有 2 到 60 个站点"),
        ({"stops": (make.stop("SHQP", 0), make.stop("NONE", 10))}, "没有编码为 NONE 的站点"),
        ({"stops": (make.stop("SHQP", 0), make.stop("WHDX", -5))}, "0 到 14 天"),
        (
            {"stops": (make.stop("SHQP", 0, dwell_min=30), make.stop("WHDX", 20))},
            "WHDX 的计划到达早于 SHQP 的计划离开",
        ),
        ({"product": "NONE"}, "没有编码为 NONE 的产品"),
        ({"points": (make.CHENGDU, make.WUHAN, make.SHANGHAI)}, "先后与站序不一致"),
        ({"points": ((39.9, 116.4), (38.0, 115.0))}, "离线路轨迹超过 3 公里"),
        ({"points": ((99.0, 116.4), (38.0, 115.0))}, "纬度须在"),
    ],
)
def test_what_is_no_line_is_refused_and_not_stored(fields, message):
    make.three_stations()
    with pytest.raises(Invalid, match=message):
        network.line_put(actor=make.TEST, draft=make.line_draft(**fields))
    assert network.lines_list(actor=make.TEST).total == 0


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("沪A·12345", "沪A12345"),
        ("沪ad12345", "沪AD12345"),
        (" 粤B 1234挂 ", "粤B1234挂"),
        ("京A1234领", None),
        ("沪A1234", None),
        ("沪I12345", None),
        ("A12345", None),
    ],
)
def test_plates_are_kept_in_one_spelling_and_checked(typed, plate):
    if plate is None:
        with pytest.raises(Invalid, match="车牌号不正确"):
            make.vehicle(typed)
    else:
        assert make.vehicle(typed).plate == plate
        assert network.vehicle_get(actor=make.TEST, plate=typed).plate == plate


@pytest.mark.parametrize("part", ["12345", "234", "沪A12345", "沪"])
def test_a_vehicle_is_found_by_a_part_of_its_plate(part):
    make.vehicle("沪A12345")
    make.vehicle("粤B66778")
    assert [row.plate for row in network.vehicles_list(actor=make.TEST, text=part).rows] == ["沪A12345"]


def test_a_drivers_phone_is_ciphertext_at_rest_masked_in_lists_and_its_reading_recorded():
    make.driver(phone="138 1234 5678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM network_driver")
        assert readable(cursor.fetchone()[0], "12345678", "5678") == []
    (driver,) = network.drivers_list(actor=make.TEST, text="王").rows
    assert driver.phone == "138********"
    assert network.driver_phone(actor=make.TEST, code="D001", reason="联系司机") == "13812345678"
    assert "personal.read" in actions("driver:D001")


def test_a_draft_without_a_phone_keeps_the_stored_one():
    make.driver()
    make.driver(name="王建国", phone="")
    assert network.driver_phone(actor=make.TEST, code="D001", reason="联系司机") == "13812345678"


def test_a_user_is_one_driver_only():
    user = people.user("driver")
    make.driver("D001", user_id=user.pk)
    with pytest.raises(Conflict, match="已属于司机 D001"):
        make.driver("D002", user_id=user.pk)
    assert network.driver_of_user(user.pk).code == "D001"
    assert Driver.objects.count() == 1


@pytest.mark.parametrize("hours", [0, 721])
def test_a_product_promises_1_to_720_hours(hours):
    with pytest.raises(Invalid, match="1 到 720 小时"):
        make.product(promise_hours=hours)


READS = {
    "stations": lambda actor: network.stations_list(actor=actor),
    "lines": lambda actor: network.lines_list(actor=actor),
    "vehicles": lambda actor: network.vehicles_list(actor=actor),
    "drivers": lambda actor: network.drivers_list(actor=actor),
    "export": lambda actor: network.export_rows(actor=actor, kind="stations", format="csv"),
}
EDITS = {
    "station": lambda actor: network.station_put(
        actor=actor, draft=network.StationDraft(code="AB", name="仓", city="上海", lat=31.0, lon=121.0)
    ),
    "vehicle": lambda actor: network.vehicle_put(actor=actor, draft=network.VehicleDraft(plate="沪A12345")),
    "driver": lambda actor: network.driver_put(actor=actor, draft=network.DriverDraft(code="D1", name="王")),
    "product": lambda actor: network.product_put(
        actor=actor, draft=network.ProductDraft(code="P1", name="快运", promise_hours=24)
    ),
    "import": lambda actor: network.import_rows(
        actor=actor,
        kind="products",
        filename="a.csv",
        content="产品编码,产品名称,承诺时效(小时)\nP1,快运,24".encode(),
    ),
}
MANAGES = {
    "bindings": lambda actor: network.import_rows(
        actor=actor, kind="bindings", filename="a.csv", content="终端号,车牌号,装上时间\n".encode()
    ),
}


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
@pytest.mark.parametrize(
    ("right", "act"),
    [
        (right, act)
        for right, acts in (
            (Right.NETWORK_READ, READS),
            (Right.NETWORK_EDIT, EDITS),
            (Right.TERMINALS_MANAGE, MANAGES),
        )
        for act in acts.values()
    ],
    ids=[*READS, *EDITS, *MANAGES],
)
def test_every_role_may_do_what_the_rights_table_says_and_no_more(role, right, act):
    actor = people.staff(role)
    if right in RIGHTS[role]:
        act(actor)
    else:
        with pytest.raises(Forbidden):
            act(actor)
        assert not Station.objects.exists()


@pytest.mark.parametrize(
    "act", [*READS.values(), *EDITS.values(), *MANAGES.values()], ids=[*READS, *EDITS, *MANAGES]
)
@pytest.mark.parametrize(
    "actor",
    [anyone(), people.key_of("ACME", Right.ORDERS_CREATE), people.link_to("ZT1", Right.TRACK_EXACT)],
    ids=["anyone", "key", "link"],
)
def test_strangers_keys_and_links_have_no_business_here(actor, act):
    with pytest.raises(Forbidden):
        act(actor)


def test_an_unknown_code_is_not_found():
    with pytest.raises(NotFound, match="没有编码为 XX 的站点"):
        network.station_get(actor=make.TEST, code="XX")


def test_lists_cost_the_same_few_queries_however_long(django_assert_num_queries):
    make.line()
    for number in range(12):
        draft = make.line_draft(code=f"L{number:02}")
        network.line_put(actor=make.TEST, draft=draft)
    with django_assert_num_queries(3):  # rows, their stops, how many there are
        assert network.lines_list(actor=make.TEST).total == 13
    with django_assert_num_queries(2):
        network.stations_list(actor=make.TEST, text="上海")


def test_codes_that_do_not_exist_are_left_out():
    make.three_stations()
    assert set(network.stations_by_codes(["SHQP", "NONE"])) == {"SHQP"}


def test_every_version_of_a_station_is_kept_by_the_database():
    make.station(name="上海仓")
    make.station(name="上海新仓")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM network_stationversion ORDER BY pgh_id")
        assert [name for (name,) in cursor.fetchall()] == ["上海仓", "上海新仓"]
