"""Scans that cannot be are refused and leave nothing; doubtful ones are recorded and say so. And everybody at their own station."""

import pytest

from tests.access import make as people
from tests.journey import make
from tests.network import make as network
from zaitu.access.models import Team
from zaitu.access.public import principal_of_user
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent

pytestmark = pytest.mark.django_db
OFF_ROUTE = "BJDX"


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()
    network.station(OFF_ROUTE, "北京大兴分拨中心", (39.7, 116.36), city="北京")


def scanned(waybill):
    return JourneyEvent.objects.filter(shipment__waybill=waybill, source="scan")


def refused(answer, words):
    assert (answer.level, answer.event_id) == ("wrong", None)
    assert words in answer.message


def doubted(answer, words):
    assert answer.level == "warn"
    assert words in answer.message
    assert answer.event_id


SEEN_FIRST = (
    "arrived",
    "handed_to_partner",
    "out_for_delivery",
    "ready_for_pickup",
    "refused",
    "attempt_failed",
    "returning",
    "returned",
    "signed",
)


@pytest.mark.parametrize("kind", SEEN_FIRST)
@pytest.mark.parametrize("station", [make.DESTINATION, OFF_ROUTE])
def test_what_was_never_taken_in_goes_nowhere(kind, station):
    order = make.order()
    data = {"signer": "王小明", "signature": make.signature(order.waybill), "note": "不要了"}
    answer = make.scan(kind, order.waybill, station, data=data)
    refused(answer, "没有揽收或入库记录")
    assert not scanned(order.waybill).exists()
    assert make.status(order.waybill) == ("ordered", "accepted")
    assert make.page(order.waybill).row.exception is None


@pytest.mark.parametrize("kind", ["departed", "arrived", "out_for_delivery", "ready_for_pickup", "rechecked"])
def test_goods_do_not_move_through_a_station_off_their_way(kind):
    order = make.collected()
    before = make.status(order.waybill)
    refused(make.scan(kind, order.waybill, OFF_ROUTE, data={"pieces": 3}), "此件不经过本站")
    assert make.status(order.waybill) == before
    assert not scanned(order.waybill).filter(kind=kind).exists()


def test_goods_do_not_leave_a_stop_before_anybody_took_them_in():
    order = make.order()
    make.on_trip(order.waybill)
    refused(make.scan("departed", order.waybill, make.HUB), "没有揽收或入库记录")
    doubted(make.scan("departed", order.waybill), "已登记发车；请核对运单号")
    assert make.status(order.waybill) == ("in_transit", "departed")


@pytest.mark.parametrize("kind", ["inbound", "sorted", "inspected", "unloaded"])
def test_goods_in_hand_where_they_should_go_prove_the_way_there_and_somebody_looks(kind):
    order = make.order()
    trip = make.on_trip(order.waybill)
    answer = make.scan(kind, order.waybill, make.DESTINATION, trip=trip.ref if kind == "unloaded" else "")
    doubted(answer, "没有从 上海青浦仓 发车的记录")
    assert make.status(order.waybill)[0] == "arrived"


def test_an_arrival_without_a_departure_is_doubtful():
    order = make.collected()
    doubted(make.scan("arrived", order.waybill, make.DESTINATION), "没有从 上海青浦仓 发车的记录")


@pytest.mark.parametrize(
    "kind", ["out_for_delivery", "ready_for_pickup", "refused", "attempt_failed", "signed"]
)
def test_delivering_what_has_not_arrived_is_doubtful(kind):
    order = make.collected()
    data = {"signer": "王小明", "signature": make.signature(order.waybill)}
    doubted(make.scan(kind, order.waybill, make.DESTINATION, data=data), "还没有到达记录")


@pytest.mark.parametrize(
    "kind", ["out_for_delivery", "ready_for_pickup", "refused", "attempt_failed", "signed"]
)
def test_delivering_from_another_station_than_the_last_is_doubtful(kind):
    order = make.collected()
    make.scan("inspected", order.waybill, make.DESTINATION)
    data = {"signer": "王小明", "signature": make.signature(order.waybill)}
    doubted(make.scan(kind, order.waybill, make.ORIGIN, data=data), "目的站是 成都青白江站")


def test_goods_inspected_off_their_way_are_misrouted():
    order = make.collected()
    doubted(make.scan("inspected", order.waybill, OFF_ROUTE), "登记为错发")
    assert make.page(order.waybill).row.exception["code"] == "misrouted"


def test_a_delivery_in_its_order_is_not_doubted():
    order = make.collected()
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.waybill, trip=trip.ref)
    make.scan("departed", trip.ref)
    make.scan("arrived", trip.ref, make.DESTINATION)
    for kind in ("unloaded", "inspected", "out_for_delivery"):
        assert make.scan(kind, order.waybill, make.DESTINATION).level == "ok"
    assert make.sign(order.waybill).level == "ok"


def test_a_scan_that_comes_late_is_not_held_against_where_the_goods_are_now():
    order = make.collected()
    make.on_trip(order.waybill)
    make.scan("inspected", order.waybill, make.DESTINATION)
    assert make.scan("departed", order.waybill, make.HUB).level == "ok"


# Whose station


def at(station, *roles, team=""):
    group = Team.objects.create(name="晚班", station_code=team) if team else None
    return principal_of_user(people.user(*roles, station_code=station, team=group, password=None))


def test_a_warehouse_person_scans_at_their_own_station_only():
    order = make.order()
    actor = at(make.HUB, "warehouse")
    answer = make.scan("collected", order.waybill, make.ORIGIN, actor=actor)
    refused(answer, "您的账号属于 武汉东西湖中转站，不能在其他站点扫描")
    assert not scanned(order.waybill).exists()
    doubted(make.scan("inbound", order.waybill, make.HUB, actor=actor), "不经过本站")


def test_a_truck_is_not_sent_off_from_a_station_that_is_not_ones_own():
    trip = make.trip()
    answer = make.scan("departed", trip.ref, make.ORIGIN, actor=at(make.HUB, "warehouse"))
    assert (answer.level, answer.shipments) == ("wrong", 0)
    assert journey.trip_get(actor=make.TEST, trip=trip.ref).state == "planned"


def test_the_teams_station_is_ones_own_as_well():
    order = make.order()
    actor = at(make.HUB, "warehouse", team=make.ORIGIN)
    assert make.scan("collected", order.waybill, make.ORIGIN, actor=actor).level == "ok"
    refused(make.scan("inbound", order.waybill, make.DESTINATION, actor=actor), "武汉东西湖中转站")


def test_a_warehouse_person_without_a_station_is_told_and_the_scan_counts():
    order = make.order()
    answer = make.scan("collected", order.waybill, make.ORIGIN, actor=at("", "warehouse"))
    doubted(answer, "您的账号没有设定站点")
    assert make.status(order.waybill) == ("awaiting_departure", "collected")


@pytest.mark.parametrize("roles", [("driver",), ("manager",), ("administrator",), ("warehouse", "driver")])
def test_who_moves_about_scans_anywhere(roles):
    order = make.order()
    assert make.scan("collected", order.waybill, make.ORIGIN, actor=at(make.HUB, *roles)).level == "ok"


def test_the_answer_about_the_station_is_kept_for_the_key():
    order = make.order()
    actor = at(make.HUB, "warehouse")
    draft = make.draft("collected", order.waybill, make.ORIGIN)
    first = journey.scan_record(actor=actor, draft=draft)
    again = journey.scan_record(actor=actor, draft=draft)
    assert (again.level, again.message, again.duplicate) == (first.level, first.message, True)
