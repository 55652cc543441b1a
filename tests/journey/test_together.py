"""Two of the same at the same moment, in real transactions on real threads."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, Order, Piece, Shipment, Trip, TripStop
from zaitu.journey.services.ledger import Ledger
from zaitu.journey.services.trips import trip_locked
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.models import Watch

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


@contextmanager
def beside(call):
    """Run it in a thread of its own as far as it gets while we hold our locks; it must end well once we are through."""
    outcome = []

    def run():
        try:
            call()
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)

    def start():
        thread.start()
        thread.join(timeout=1.5)

    yield start
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert not outcome


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


# Who waits for whom: every writer takes the trip, then the shipments in order of their ids, then the stop


def fact(kind, trip, seq, at=None):
    return kind(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at or clock.now(), late=False)


def test_the_timer_that_names_a_trip_does_not_wait_for_a_stop_that_waits_for_its_shipments():
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=-timedelta(hours=3))
    journey.on_stop_left(fact(StopLeft, trip, 0, clock.now() - timedelta(hours=3)))
    shipment = Shipment.objects.get(waybill=waybill)
    with beside(lambda: journey.eta_refresh(actor=make.TEST)) as timer, transaction.atomic():
        trip_locked(trip.ref)
        timer()
        Ledger(actor=make.TEST, ids=[shipment.pk])
    assert JourneyEvent.objects.filter(source="timer", trip__ref=trip.ref).count() == 1


def test_a_stop_and_a_scan_that_closes_its_unloading_take_turns():
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=-timedelta(hours=9))
    journey.on_stop_left(fact(StopLeft, trip, 0, clock.now() - timedelta(hours=9)))
    shipment = Shipment.objects.get(waybill=waybill)
    with beside(lambda: journey.on_stop_entered(fact(StopEntered, trip, 2))) as stop, transaction.atomic():
        Ledger(actor=make.TEST, ids=[shipment.pk])
        stop()
        TripStop.objects.filter(trip__ref=trip.ref, seq=2).update(counted_at=clock.now())
    assert make.status(waybill)[0] == "arrived"


def test_closing_quiet_stops_holds_the_shipments_of_one_stop_at_a_time(time_machine):
    early, late = make.order().waybill, make.order().waybill
    network.vehicle("沪A54321")
    for waybill, plate in ((late, make.PLATE), (early, "沪A54321")):
        trip = make.on_trip(waybill, plate=plate, departs_in=-timedelta(hours=1))
        journey.on_stop_left(fact(StopLeft, trip, 0))
        journey.on_stop_entered(fact(StopEntered, trip, 2))
        make.scan("unloaded", f"{waybill}-001", make.DESTINATION)
    time_machine.move_to(clock.now() + timedelta(hours=1))
    ids = dict(Shipment.objects.values_list("waybill", "id"))
    with beside(lambda: journey.unloading_close(actor=make.TEST)) as timer, transaction.atomic():
        Ledger(actor=make.TEST, ids=[ids[early]])
        timer()
        Ledger(actor=make.TEST, ids=[ids[late]])
    assert JourneyEvent.objects.filter(kind="problem", key__contains="short").count() == 2


def test_a_trip_planned_while_the_one_before_it_ends_is_watched():
    waybill = make.order().waybill
    first = make.on_trip(waybill, departs_in=-timedelta(hours=9))
    journey.on_stop_left(fact(StopLeft, first, 0, clock.now() - timedelta(hours=9)))
    with beside(lambda: make.trip(departs_in=timedelta(days=2))) as plan, transaction.atomic():
        journey.on_stop_entered(fact(StopEntered, first, 2))
        plan()
    second = Trip.objects.exclude(ref=first.ref).get()
    assert Watch.objects.get(vehicle_id=first.vehicle_id).trip == second.ref


def rides(waybill):
    return [(leg.trip, leg.state) for leg in make.page(waybill).legs]


def test_goods_taken_off_while_the_truck_s_departure_waits_for_them_are_not_put_on_board_again():
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=-timedelta(hours=9))
    left = fact(StopLeft, trip, 0, clock.now() - timedelta(hours=9))
    with beside(lambda: journey.on_stop_left(left)) as stop, transaction.atomic():
        make.scan("departed", waybill, trip=trip.ref, at=clock.now() - timedelta(hours=9))
        make.scan("unloaded", waybill, make.DESTINATION, trip=trip.ref)
        stop()
    assert rides(waybill) == [(trip.ref, "done")]
    assert make.page(waybill).vehicle_id is None


def test_goods_whose_loading_is_just_being_recorded_are_not_left_behind():
    here, coming = make.order().waybill, make.order().waybill
    trip = make.on_trip(here, coming)
    make.scan("loaded", here, trip=trip.ref)
    with beside(lambda: journey.on_stop_left(fact(StopLeft, trip, 0))) as stop, transaction.atomic():
        make.scan("loaded", coming)
        stop()
    assert rides(coming) == [(trip.ref, "on_board")]
    assert make.page(coming).row.exception is None


def test_goods_moved_to_another_trip_do_not_leave_with_the_first_one():
    waybill = make.order().waybill
    first = make.on_trip(waybill)
    network.vehicle("沪A54321")
    second = make.trip("沪A54321")
    with beside(lambda: journey.on_stop_left(fact(StopLeft, first, 0))) as stop, transaction.atomic():
        journey.trip_assign(actor=make.TEST, trip=second.ref, waybills=[waybill])
        stop()
    assert rides(waybill) == [(second.ref, "planned")]
    assert make.status(waybill) == ("ordered", "accepted")


def test_who_moves_goods_to_another_trip_waits_for_the_one_they_are_planned_for():
    waybill = make.order().waybill
    first = make.on_trip(waybill)
    network.vehicle("沪A54321")
    second = make.trip("沪A54321")
    moved = []

    def move():
        journey.trip_assign(actor=make.TEST, trip=second.ref, waybills=[waybill])
        moved.append(second.ref)

    with beside(move) as dispatch, transaction.atomic():
        trip_locked(first.ref)
        dispatch()
        assert not moved
    assert rides(waybill) == [(second.ref, "planned")]


def test_a_scan_that_puts_goods_on_a_trip_waits_for_it():
    waybill, trip = make.order().waybill, make.trip()
    with beside(lambda: make.scan("loaded", waybill, trip=trip.ref)) as scan, transaction.atomic():
        trip_locked(trip.ref)
        scan()
        assert not Leg.objects.exists()
    assert rides(waybill) == [(trip.ref, "planned")]


def test_a_part_split_off_while_the_truck_leaves_leaves_with_it():
    order = make.order()
    trip = make.on_trip(order.waybill)
    left = fact(StopLeft, trip, 0)
    with beside(lambda: journey.on_stop_left(left)) as stop, transaction.atomic():
        part = journey.shipment_split(
            actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]]
        ).waybill
        stop()
    assert make.status(order.waybill) == make.status(part) == ("in_transit", "departed")
