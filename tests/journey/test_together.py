"""Two of the same at the same moment, in real transactions on real threads."""

import threading

import pytest
from django.db import connection

from tests.journey import make
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, Order, Piece, Shipment, Trip
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopLeft

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def carrier(transactional_db):
    make.carrier()


def at_once(*calls):
    """Start them together; results or errors in order."""
    barrier, outcomes = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        barrier.wait(timeout=20)
        try:
            outcomes[number] = call()
        except Exception as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def test_one_order_sent_twice_at_once_is_one_order():
    draft = make.order_draft(client_ref="PO-1")
    first, second = at_once(*[lambda: journey.order_create(actor=make.TEST, draft=draft)] * 2)
    assert first.waybill == second.waybill
    assert sorted([first.existing, second.existing]) == [False, True]
    assert (Order.objects.count(), Shipment.objects.count(), Piece.objects.count()) == (1, 1, 3)
    assert Message.objects.filter(purpose="accepted").count() == 1


def test_one_scan_sent_twice_at_once_is_one_scan():
    order = make.order()
    draft = make.draft("inbound", order.pieces[0])
    first, second = at_once(*[lambda: journey.scan_record(actor=make.TEST, draft=draft)] * 2)
    assert first.event_id == second.event_id
    assert sorted([first.duplicate, second.duplicate]) == [False, True]
    assert JourneyEvent.objects.filter(kind="inbound").count() == 1


def test_all_pieces_scanned_at_once_are_all_counted():
    order = make.order(pieces=6)
    drafts = [make.draft("inbound", label) for label in order.pieces]
    results = at_once(*[lambda one=one: journey.scan_record(actor=make.TEST, draft=one) for one in drafts])
    assert sorted(result.counts.scanned for result in results) == [1, 2, 3, 4, 5, 6]
    assert JourneyEvent.objects.filter(kind="inbound").count() == 6


def test_fence_and_scan_of_one_departure_at_once_tell_people_once():
    waybills = [make.order().waybill for _ in range(5)]
    trip = make.on_trip(*waybills)
    fact = StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=clock.now(), late=False)
    outcomes = at_once(
        lambda: make.scan("departed", trip.ref),
        lambda: journey.on_stop_left(fact),
        lambda: journey.eta_refresh(actor=make.TEST),
        lambda: make.scan("inbound", waybills[0]),
    )
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert Message.objects.filter(purpose="departed").count() == 5
    assert JourneyEvent.objects.filter(kind__in=("departed", "stop_left")).count() == 10
    assert set(Leg.objects.values_list("state", flat=True)) == {"on_board"}
    for waybill in waybills:
        assert make.status(waybill)[0] == "in_transit"


def test_two_dispatchers_cannot_take_one_truck():
    draft = journey.TripDraft(line=make.LINE, plate=make.PLATE, departs_at=clock.now())
    outcomes = at_once(*[lambda: journey.trip_plan(actor=make.TEST, draft=draft)] * 2)
    assert sorted(type(one) is Conflict for one in outcomes) == [False, True]
    assert Trip.objects.count() == 1


def test_a_scan_that_fails_half_way_leaves_nothing(monkeypatch):
    """What a kill -9 leaves behind is what a failure before the commit leaves behind: nothing."""
    from zaitu.journey.services import notices

    order = make.order()

    def break_down(**_):
        raise RuntimeError("killed")

    monkeypatch.setattr(notices, "tell_nodes", break_down)
    draft = make.draft("inbound", order.pieces[0])
    with pytest.raises(RuntimeError, match="killed"):
        journey.scan_record(actor=make.TEST, draft=draft)
    monkeypatch.undo()
    assert make.status(order.waybill) == ("ordered", "accepted")
    assert not JourneyEvent.objects.filter(kind="inbound").exists()
    assert not journey.scan_record(actor=make.TEST, draft=draft).duplicate
    assert make.status(order.waybill) == ("awaiting_departure", "inbound")
