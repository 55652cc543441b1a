"""复核: pieces and items against the order, and the way onto the truck that opens only when they match."""

from datetime import timedelta

import pytest

from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def recheck(code, station=make.ORIGIN, **data):
    return make.scan("rechecked", code, station, data=data)


def blocked(order, trip):
    answer = make.scan("loaded", order.waybill, trip=trip.ref)
    assert (answer.level, answer.event_id) == ("wrong", None)
    assert "复核数量不符，禁止装车" in answer.message
    assert make.page(order.waybill).row.exception["code"] == "recheck_mismatch"


@pytest.fixture
def mismatched():
    """A×2 and B×1 ordered, A×2 counted; planned on a truck."""
    order = make.order(pieces=1, items=(("A", "刀片", 2), ("B", "刀柄", 1)))
    trip = make.on_trip(order.waybill)
    assert recheck(order.waybill, pieces=1, items={"A": 2}).level == "warn"
    blocked(order, trip)
    return order, trip


def test_a_recheck_that_does_not_match_blocks_loading_until_one_matches():
    order = make.order(pieces=3)
    trip = make.on_trip(order.waybill)
    assert recheck(order.waybill, pieces=2).level == "warn"
    blocked(order, trip)
    assert recheck(order.waybill, pieces=3).level == "ok"
    assert make.scan("loaded", order.pieces[0], trip=trip.ref).level == "ok"
    assert make.page(order.waybill).row.exception is None


def test_items_are_rechecked_against_the_order():
    order = make.order(pieces=3, items=(("A-1", "刀片", 10), ("B-2", "刀柄", 2)))
    bad = recheck(order.waybill, pieces=3, items={"A-1": 9, "B-2": 2})
    assert "A-1 应 10、实 9" in bad.message
    assert recheck(order.waybill, pieces=3, items={"A-1": 10, "B-2": 2}).level == "ok"


def test_an_item_that_stands_in_two_rows_of_the_order_is_counted_as_one():
    order = make.order(pieces=3, items=(("A-1", "刀片", 10), ("A-1", "刀片", 5)))
    assert recheck(order.waybill, pieces=3, items={"A-1": 10}).level == "warn"
    assert recheck(order.waybill, pieces=3, items={"A-1": 15}).level == "ok"


def test_an_item_that_was_not_ordered_is_a_mismatch():
    order = make.order(pieces=3)
    assert "X 应 0、实 1" in recheck(order.waybill, pieces=3, items={"X": 1}).message


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ({"pieces": 1}, "逐项清点"),
        ({"pieces": 1, "items": None}, "逐项清点"),
        ({"pieces": 1, "items": {}}, "逐项清点"),
        ({"items": {"A": 2, "B": 1}}, "清点件数"),
        ({}, "清点件数"),
    ],
)
def test_what_was_not_counted_opens_nothing(mismatched, counted, words):
    order, trip = mismatched
    answer = recheck(order.waybill, **counted)
    assert (answer.level, answer.event_id) == ("wrong", None)
    assert words in answer.message
    blocked(order, trip)


@pytest.mark.parametrize(
    "items",
    [
        [["A", 0]],
        [{"sku": "A", "quantity": 2}],
        "A=2",
        7,
        True,
        {"A": "2"},
        {"A": 2.0},
        {"A": True},
        {"A": None},
        {"A": -1},
        {"A": [2]},
    ],
)
def test_items_in_another_shape_are_invalid_and_open_nothing(mismatched, items):
    order, trip = mismatched
    with pytest.raises(Invalid) as caught:
        recheck(order.waybill, pieces=1, items=items)
    assert "items" in caught.value.fields
    blocked(order, trip)


def test_a_recheck_of_one_label_does_not_open_what_a_count_has_closed(mismatched):
    order, trip = mismatched
    recheck(order.pieces[0])
    blocked(order, trip)


@pytest.mark.parametrize("station", [make.HUB, make.DESTINATION])
def test_a_recheck_at_a_station_the_goods_have_not_reached_opens_nothing(mismatched, station):
    order, trip = mismatched
    answer = recheck(order.waybill, station, pieces=1, items={"A": 2, "B": 1})
    assert (answer.level, answer.event_id) == ("wrong", None)
    assert "此件还在 上海青浦仓，不能在这里复核" in answer.message
    assert make.status(order.waybill) == ("ordered", "accepted")
    blocked(order, trip)


def test_goods_that_do_not_match_do_not_leave_by_a_scan_of_their_own(mismatched):
    order, trip = mismatched
    answer = make.scan("departed", order.waybill, trip=trip.ref)
    assert (answer.level, "禁止发车" in answer.message) == ("wrong", True)
    assert not JourneyEvent.objects.filter(kind="departed").exists()


def test_part_of_a_split_shipment_is_rechecked_by_its_pieces():
    order = make.order(pieces=3, items=(("A", "刀片", 30),))
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[2]])
    for waybill, pieces in ((part.waybill, 1), (order.waybill, 2)):
        assert recheck(waybill, pieces=pieces, items={"A": 7}).level == "ok"
        assert recheck(waybill, pieces=pieces + 1).level == "warn"


# A truck leaves without what a recheck holds back


def left(trip, seq=0):
    journey.on_stop_left(
        StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=clock.now(), late=False)
    )


def entered(trip, seq):
    journey.on_stop_entered(
        StopEntered(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=clock.now(), late=False)
    )


def stayed(waybill, trip):
    """At its station, off the trip, and told as a problem that names why."""
    one = make.page(waybill)
    assert (one.row.status, one.row.trip, one.vehicle_id) == ("awaiting_departure", "", None)
    assert Leg.objects.get(shipment__waybill=waybill).state == "left_behind"
    assert JourneyEvent.objects.get(shipment__waybill=waybill, data__code="omitted").data == {
        "code": "omitted",
        "cause": "复核不符，未装车",
        "trip": trip.ref,
    }
    assert one.row.exception["code"] in ("omitted", "recheck_mismatch")
    assert "departed" not in {node["kind"] for node in one.document["nodes"]}


@pytest.fixture
def loading():
    """Two shipments on a truck that nobody scans onto it, one of them with an open mismatch."""
    good, bad = make.collected(pieces=2), make.collected(pieces=2)
    trip = make.on_trip(good.waybill, bad.waybill)
    assert recheck(bad.waybill, pieces=1).level == "warn"
    return good, bad, trip


def test_a_truck_scanned_off_leaves_without_goods_whose_recheck_is_open_and_says_which(loading):
    good, bad, trip = loading
    answer = make.scan("departed", trip.ref)
    assert (answer.level, answer.shipments) == ("warn", 1)
    assert f"复核不符、留在本站：{bad.waybill}" in answer.message
    assert make.status(good.waybill) == ("in_transit", "departed")
    stayed(bad.waybill, trip)
    sheet = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.ORIGIN)
    assert [(row.waybill, row.held) for row in sheet.behind] == [(bad.waybill, True)]


def test_the_sheet_says_before_the_departure_what_will_not_ride_along(loading):
    good, bad, trip = loading
    sheet = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.ORIGIN)
    assert {row.waybill: row.held for row in sheet.rows} == {good.waybill: False, bad.waybill: True}
    assert sheet.behind == ()


def test_a_fence_takes_goods_whose_recheck_is_open_along_no_more_than_a_scan(loading):
    good, bad, trip = loading
    left(trip)
    assert make.status(good.waybill) == ("in_transit", "departed")
    stayed(bad.waybill, trip)
    entered(trip, 1)
    assert make.status(good.waybill) == ("at_stop", "at_stop")
    stayed(bad.waybill, trip)


def test_where_only_the_next_stop_tells_of_the_ride_held_goods_are_not_on_it(loading):
    good, bad, trip = loading
    entered(trip, 1)
    assert make.status(good.waybill) == ("at_stop", "at_stop")
    stayed(bad.waybill, trip)


def test_a_recheck_that_matches_or_a_voided_mismatch_lets_the_goods_ride(loading):
    good, bad, trip = loading
    assert recheck(good.waybill, pieces=1).level == "warn"
    mismatch = JourneyEvent.objects.get(shipment__waybill=good.waybill, data__code="recheck_mismatch")
    journey.event_void(actor=make.TEST, event_id=mismatch.pk, reason="数错了")
    assert recheck(bad.waybill, pieces=2).level == "ok"
    left(trip)
    for one in (good, bad):
        assert make.status(one.waybill)[0] == "in_transit"
    assert not JourneyEvent.objects.filter(data__code="omitted").exists()


def test_a_departure_told_after_the_recheck_was_settled_does_not_put_the_goods_on_the_truck(loading):
    _good, bad, trip = loading
    gone = clock.now()
    assert recheck(bad.waybill, pieces=2).level == "ok"
    journey.on_stop_left(StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=gone, late=True))
    assert Leg.objects.get(shipment__waybill=bad.waybill).state == "left_behind"


def test_goods_that_were_scanned_on_board_ride_though_a_recheck_found_them_wrong_afterwards():
    order = make.collected(pieces=2)
    trip = make.on_trip(order.waybill)
    assert make.scan("loaded", order.waybill, trip=trip.ref).level == "ok"
    assert recheck(order.waybill, pieces=1).level == "warn"
    left(trip)
    assert make.page(order.waybill).vehicle_id == trip.vehicle_id


def test_goods_left_behind_by_a_recheck_go_with_the_next_truck_once_it_matches(loading):
    _good, bad, trip = loading
    left(trip)
    network.vehicle("沪B00002")
    later = make.trip(plate="沪B00002", departs_in=timedelta(hours=3))
    journey.trip_assign(actor=make.TEST, trip=later.ref, waybills=[bad.waybill])
    assert recheck(bad.waybill, pieces=2).level == "ok"
    assert make.scan("loaded", bad.waybill, trip=later.ref).level == "ok"
    assert make.page(bad.waybill).row.exception is None
    left(later)
    assert make.page(bad.waybill).row.trip == later.ref
