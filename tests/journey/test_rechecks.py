"""复核: pieces and items against the order, and the way onto the truck that opens only when they match."""

import pytest

from tests.journey import make
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent
from zaitu.kernel.errors import Invalid

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
