"""Trips at the console: planned, loaded, cancelled."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string

from tests.console import make
from tests.journey import make as journey
from tests.network import make as network
from zaitu.journey.models import Trip
from zaitu.kernel import clock

pytestmark = pytest.mark.django_db


def typed(**fields):
    at = clock.local(clock.now() + timedelta(hours=2))
    return {
        "line": "SH-CD",
        "plate": journey.PLATE,
        "driver_code": "D001",
        "departs_at": f"{at:%Y-%m-%dT%H:%M}",
    } | fields


def test_a_trip_is_planned_and_offers_the_goods_that_go_its_way():
    journey.carrier()
    network.driver()
    fits = journey.order().waybill
    against = journey.order(from_station="CDQB", to_station="SHQP").waybill
    client = make.signed_in("dispatch")
    planned = client.post("/console/trips/new", typed())
    ref = Trip.objects.get().ref
    assert planned["Location"] == f"/console/trips/{ref}"
    text = client.get(planned["Location"]).content.decode()
    assert f'value="{fits}"' in text
    assert f'value="{against}"' not in text
    assert client.post(f"/console/trips/{ref}/assign", {"waybill": [fits]}).status_code == 302
    text = client.get(f"/console/trips/{ref}").content.decode()
    assert "待装" in text  # the truck has not come: nothing is missing yet
    assert "差 3 件" not in text
    assert "装 0/3" in text


def test_what_is_typed_as_departure_is_beijing_time():
    journey.carrier()
    network.driver()
    make.signed_in("dispatch").post("/console/trips/new", typed(departs_at="2030-01-02T08:00"))
    assert Trip.objects.get().departs_at.isoformat() == "2030-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"line": "NONE"},
        {"plate": "沪A99999"},
        {"plate": "?"},
        {"departs_at": ""},
        {"departs_at": "soon"},
        {"driver_code": "D999"},
    ],
)
def test_a_wrong_plan_is_refused_with_what_was_typed(wrong):
    journey.carrier()
    network.driver()
    answer = make.signed_in("dispatch").post("/console/trips/new", typed(**wrong))
    assert answer.status_code == 422
    assert "notice--danger" in answer.content.decode()
    assert not Trip.objects.exists()


def test_unknown_waybills_are_refused_and_none_is_loaded():
    journey.carrier()
    waybill, trip = journey.order().waybill, journey.trip()
    client = make.signed_in("dispatch")
    for posted in ({"typed": f"{waybill} ZT0000000000000"}, {}):
        answer = client.post(f"/console/trips/{trip.ref}/assign", posted)
        assert answer.status_code == 422
    assert journey.journey.trip_get(actor=journey.TEST, trip=trip.ref).shipments == 0


def test_a_planned_trip_is_cancelled_with_a_reason():
    journey.carrier()
    trip = journey.trip()
    client = make.signed_in("dispatch")
    client.post(f"/console/trips/{trip.ref}/cancel", {"reason": "车辆检修"})
    assert Trip.objects.get().state == "cancelled"
    assert "已取消" in client.get("/console/trips?state=cancelled").content.decode()


def test_trips_are_found_by_plate_and_state():
    journey.carrier()
    trip = journey.trip()
    client = make.signed_in("warehouse")
    assert trip.ref in client.get("/console/trips?state=planned&q=A12345").content.decode()
    assert trip.ref not in client.get("/console/trips?state=running").content.decode()


def test_a_running_trip_that_nobody_saw_arrive_is_ended_with_a_reason():
    journey.carrier()
    trip = journey.on_trip(journey.order().waybill)
    journey.scan("departed", trip.ref)
    client = make.signed_in("dispatch")
    assert client.post(f"/console/trips/{trip.ref}/finish", {"reason": ""}).status_code == 422
    assert (
        client.post(f"/console/trips/{trip.ref}/finish", {"reason": "终端故障，电话确认已到"}).status_code
        == 302
    )
    assert Trip.objects.get().state == "done"


# What did not go along, and an arrival that was none


def test_the_page_says_what_a_recheck_keeps_off_the_truck_before_and_after_it_leaves():
    journey.carrier()
    good, bad = journey.collected(pieces=2), journey.collected(pieces=2)
    trip, client = journey.on_trip(good.waybill, bad.waybill), make.signed_in("dispatch")
    journey.scan("rechecked", bad.waybill, data={"pieces": 1})
    address = f"/console/trips/{trip.ref}"
    assert "复核不符，不随车" in client.get(address).content.decode()
    journey.scan("departed", trip.ref)
    text = client.get(address).content.decode()
    assert "1 票没有随车发出" in text
    assert "复核不符，重新复核后才能装车" in text
    assert "未随车发出" in client.get(f"/console/shipments/{bad.waybill}").content.decode()


def arrived():
    journey.carrier()
    order = journey.collected()
    trip = journey.on_trip(order.waybill)
    journey.scan("departed", trip.ref)
    journey.scan("arrived", trip.ref, journey.DESTINATION)
    return order, f"/console/trips/{trip.ref}"


def test_a_false_arrival_is_taken_back_on_the_page_of_the_trip():
    order, address = arrived()
    client = make.signed_in("dispatch")
    assert 'id="arrival-void"' in client.get(address).content.decode()
    assert client.post(f"{address}/arrival/void", {"reason": ""}).status_code == 422
    answer = client.post(f"{address}/arrival/void", {"reason": "扫错车次"}, follow=True)
    text = answer.content.decode()
    assert "已撤销到达，车次继续运行" in text
    assert 'id="arrival-void"' not in text
    assert journey.status(order.waybill) == ("in_transit", "departed")


def test_a_false_arrival_on_the_way_is_taken_back_on_the_page_of_the_trip():
    journey.carrier()
    order = journey.collected()
    trip = journey.on_trip(order.waybill)
    client, address = make.signed_in("dispatch"), f"/console/trips/{trip.ref}"
    journey.scan("departed", trip.ref)
    assert 'id="arrival-void"' not in client.get(address).content.decode()
    journey.scan("arrived", trip.ref, journey.HUB)
    assert "车其实没到 武汉东西湖中转站？" in client.get(address).content.decode()
    client.post(f"{address}/arrival/void", {"reason": "扫错", "station": journey.HUB})
    assert 'id="arrival-void"' not in client.get(address).content.decode()
    assert journey.status(order.waybill) == ("in_transit", "departed")


def test_an_arrival_is_not_taken_back_by_who_may_not_correct():
    order, address = arrived()
    client = make.signed_in("service")
    assert 'id="arrival-void"' not in client.get(address).content.decode()
    assert client.post(f"{address}/arrival/void", {"reason": "扫错"}).status_code == 403
    assert journey.status(order.waybill) == ("arrived", "destination")


def test_a_plan_without_line_and_vehicle_says_so_at_both_fields():
    client = make.signed_in("dispatch")
    text = client.post("/console/trips/new", {"departs_at": "2026-11-22T08:00"}).content.decode()
    assert "请选择线路" in text
    assert "请选择车辆" in text
    wrong = {"departs_at": "2026-11-22T08:00", "line": "NOWHERE", "plate": "沪A99999"}
    text = client.post("/console/trips/new", wrong).content.decode()
    assert "没有这条线路，请从列表中选择" in text
    assert "没有这辆车，请从列表中选择" in text


@pytest.mark.parametrize(
    ("ahead", "scanned", "said"),
    [(True, 0, "待卸"), (True, 2, "差 1 件"), (False, 0, "差 3 件"), (False, 3, "相符")],
)
def test_goods_are_missing_only_once_the_truck_has_been_there(ahead, scanned, said):
    row = SimpleNamespace(held=False, short=3 - scanned, over=0, task="unload", pieces_scanned=scanned)
    shown = render_to_string("console/journey/difference.html", {"row": row, "ahead": ahead})
    assert said in shown
    assert ("差" in shown) == said.startswith("差")
