"""Placing orders: what is refused, what is the same order, who may."""

from datetime import timedelta

import pytest

from tests.access import make as access
from tests.journey import make
from tests.network import make as network
from tests.personal import readable
from zaitu.access.models import AuditEntry
from zaitu.customers.models import Contact
from zaitu.journey import public as journey
from zaitu.journey.models import EtaPoint, JourneyEvent, Order, Piece, Shipment
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Forbidden, Invalid
from zaitu.kernel.principal import Right
from zaitu.kernel.waybills import waybill_normal
from zaitu.notify.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def nothing_written():
    counts = [model.objects.count() for model in (Order, Shipment, Piece, JourneyEvent, Message, Contact)]
    return not any(counts)


def test_an_order_gets_a_waybill_labels_an_eta_and_its_history():
    order = make.order(pieces=2)
    assert waybill_normal(order.waybill) == order.waybill
    assert order.pieces == (f"{order.waybill}-001", f"{order.waybill}-002")
    assert clock.now() < order.eta_from < order.eta < order.eta_to
    history = make.page(order.waybill).eta_history
    assert [(point.eta, point.reason) for point in history] == [(order.eta, "promise")]


def test_the_eta_at_acceptance_follows_the_next_planned_departure():
    planned = make.trip(departs_in=timedelta(hours=3))
    order = make.order()
    arrival = planned.stops[2].planned_arrival + timedelta(hours=2)
    assert abs(order.eta - arrival) < timedelta(minutes=2)
    assert make.page(order.waybill).eta_history[0].reason == "schedule"


def test_goods_too_late_for_a_departure_go_with_the_same_one_a_day_later():
    planned = make.trip(departs_in=timedelta(minutes=10))
    order = make.order()
    arrival = planned.stops[2].planned_arrival + timedelta(days=1, hours=2)
    assert abs(order.eta - arrival) < timedelta(minutes=2)


def test_a_trip_in_the_other_direction_promises_nothing():
    make.trip(departs_in=timedelta(hours=3))
    order = make.order(from_station=make.DESTINATION, to_station=make.ORIGIN)
    assert make.page(order.waybill).eta_history[0].reason == "promise"


def test_the_same_client_ref_is_the_same_order():
    first = make.order(client_ref="PO-7")
    again = make.order(client_ref="PO-7")
    assert (again.waybill, again.existing) == (first.waybill, True)
    assert Shipment.objects.count() == 1
    assert Message.objects.filter(purpose="accepted").count() == 1


def test_one_client_ref_with_another_content_is_a_conflict():
    make.order(client_ref="PO-7")
    with pytest.raises(Conflict, match="PO-7"):
        make.order(client_ref="PO-7", pieces=9)
    assert Shipment.objects.count() == 1


def test_two_customers_may_use_one_client_ref():
    make.customer("ACME")
    make.customer("BETA")
    first = make.order(client_ref="PO-7", customer_code="ACME")
    second = make.order(client_ref="PO-7", customer_code="BETA")
    assert first.waybill != second.waybill


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pieces": 0}, "pieces"),
        ({"pieces": 1000}, "pieces"),
        ({"weight_kg": 0}, "weight_kg"),
        ({"weight_kg": float("nan")}, "weight_kg"),
        ({"volume_m3": -1}, "volume_m3"),
        ({"goods": "  "}, "goods"),
        ({"goods": "刀" * 101}, "goods"),
        ({"goods": "刀\x00具"}, "goods"),
        ({"goods": "刀\u202e具"}, "goods"),
        ({"client_ref": "PO\u200b1"}, "client_ref"),
        ({"customer_code": "NOBODY"}, "customer_code"),
        ({"to_station": make.ORIGIN}, "to_station"),
        ({"to_station": "NOWHERE"}, "to_station"),
        ({"product": "NONE"}, "product"),
        ({"cold_min_c": 8, "cold_max_c": 2}, "cold_max_c"),
        ({"items": (("", "刀", 1),)}, "items"),
        ({"consignee": make.party(phone="12")}, "consignee.phone"),
        ({"consignor": make.party(name="")}, "consignor.name"),
    ],
)
def test_a_wrong_order_says_where_and_leaves_nothing(fields, field):
    with pytest.raises(Invalid) as caught:
        make.order(**fields)
    assert field in caught.value.fields
    assert nothing_written()


def test_a_key_orders_for_its_own_customer():
    make.customer("ACME")
    key = access.key_of("ACME", Right.ORDERS_CREATE, Right.SHIPMENTS_READ)
    order = journey.order_create(actor=key, draft=make.order_draft())
    assert order.customer_code == "ACME"
    with pytest.raises(Forbidden):
        journey.order_create(actor=key, draft=make.order_draft(customer_code="BETA"))


@pytest.mark.parametrize("role", ["warehouse", "driver", "finance"])
def test_who_may_not_order_writes_nothing(role):
    with pytest.raises(Forbidden):
        journey.order_create(actor=access.staff(role), draft=make.order_draft())
    assert nothing_written()


def test_an_order_is_in_the_audit_without_names_or_phones():
    order = make.order()
    entry = AuditEntry.objects.get(action="order.create", subject=order.waybill)
    assert "王小明" not in str(entry.detail)


def test_no_event_document_or_search_word_holds_a_name_phone_or_address():
    order = make.order()
    shipment = Shipment.objects.get(waybill=order.waybill)
    event = JourneyEvent.objects.get(shipment=shipment)
    texts = f"{shipment.document} {shipment.grams} {shipment.people} {event.data} {event.raw_text}"
    assert readable(texts, "王小明", "13812345678", "5678", "红星路", "李发货") == []


def test_a_cold_order_keeps_its_band():
    network.product("COLD", "冷链", cold=True)
    order = make.order(product="COLD", cold_min_c=2, cold_max_c=8)
    view = make.page(order.waybill)
    assert (view.cold_min_c, view.cold_max_c) == (2, 8)
    assert view.document["cold_band_c"] == [2, 8]


def test_each_order_has_one_eta_point():
    make.order()
    assert EtaPoint.objects.count() == 1
