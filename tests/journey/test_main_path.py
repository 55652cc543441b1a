"""One shipment from order to signature, through the room's door, against PostgreSQL."""

import pytest

from tests.journey import make
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def left(trip, seq, **fields):
    event = StopLeft(
        **{"vehicle_id": trip.vehicle_id, "trip": trip.ref, "seq": seq, "at": clock.now(), "late": False}
        | fields
    )
    journey.on_stop_left(event)


def entered(trip, seq, **fields):
    event = StopEntered(
        **{"vehicle_id": trip.vehicle_id, "trip": trip.ref, "seq": seq, "at": clock.now(), "late": False}
        | fields
    )
    journey.on_stop_entered(event)


def test_a_shipment_goes_from_order_to_signature():
    order = make.order()
    trip = make.on_trip(order.waybill)
    for label in order.pieces:
        assert make.scan("collected", label).level == "ok"
        assert make.scan("loaded", label, trip=trip.ref).level == "ok"
    assert make.status(order.waybill) == ("awaiting_departure", "loaded")
    left(trip, 0)
    assert make.status(order.waybill) == ("in_transit", "departed")
    entered(trip, 1)
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    left(trip, 1)
    assert make.status(order.waybill) == ("in_transit", "left_stop")
    entered(trip, 2)
    assert make.status(order.waybill) == ("arrived", "destination")
    for label in order.pieces:
        assert make.scan("unloaded", label, make.DESTINATION).level == "ok"
    assert make.status(order.waybill) == ("arrived", "unloaded")
    assert make.scan("out_for_delivery", order.waybill, make.DESTINATION).level == "ok"
    signed = make.sign(order.waybill)
    assert (signed.level, signed.message) == ("ok", "已签收 3 件")
    view = make.page(order.waybill)
    assert (view.row.status, view.row.detail, view.row.final) == ("signed", "consignee", True)
    assert [node["status"] for node in reversed(view.document["nodes"])] == [
        "ordered",
        "awaiting_departure",
        "awaiting_departure",
        "in_transit",
        "at_stop",
        "in_transit",
        "arrived",
        "arrived",
        "in_transit",
        "signed",
    ]
    told = Message.objects.filter(waybill=order.waybill, channel="email").order_by("created_at")
    assert [message.purpose for message in told] == ["accepted", "departed", "stop", "correction", "signed"]
