"""A false arrival at the last stop taken back: the trip runs again, its vehicle is watched, its goods have an ETA again."""

from datetime import timedelta

import pytest

from tests.access import make as access
from tests.journey import make
from zaitu.access.models import AuditEntry
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, Trip, TripStop
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, RuleBroken
from zaitu.kernel.models import OutboxRow
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.models import Watch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def told(kind, trip, seq, at):
    event = kind(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at, late=False)
    (journey.on_stop_left if kind is StopLeft else journey.on_stop_entered)(event)


@pytest.fixture
def arrived():
    """Two shipments on a trip that a fence told to be at its end, long before it can be there."""
    orders = [make.collected(), make.collected()]
    trip = make.on_trip(*(one.waybill for one in orders), departs_in=-timedelta(hours=2))
    told(StopLeft, trip, 0, clock.now() - timedelta(hours=2))
    told(StopEntered, trip, 2, clock.now() - timedelta(minutes=10))
    assert Trip.objects.get().state == "done"
    assert not Watch.objects.exclude(document={}).filter(document__trip=trip.ref).exists()
    return orders, trip


def arrivals(waybill):
    return JourneyEvent.objects.get(shipment__waybill=waybill, kind="stop_entered")


def void(waybill):
    return journey.event_void(actor=make.TEST, event_id=arrivals(waybill).pk, reason="定位漂移")


def runs_again(orders, trip):
    row, last = Trip.objects.get(ref=trip.ref), TripStop.objects.get(trip__ref=trip.ref, seq=2)
    assert (row.state, row.done_at, last.arrived_at, last.counted_at) == ("running", None, None, None)
    assert Watch.objects.get(vehicle_id=trip.vehicle_id).document["trip"] == trip.ref
    assert set(Leg.objects.values_list("state", flat=True)) == {"on_board"}
    for one in orders:
        assert make.status(one.waybill) == ("in_transit", "departed")
        page = make.page(one.waybill)
        assert page.vehicle_id == trip.vehicle_id
        assert page.document["trip"]["stops"][-1]["arrived_at"] is None


def test_the_trip_runs_again_once_the_false_arrival_is_taken_back_for_all_it_carries(arrived):
    orders, trip = arrived
    void(orders[0].waybill)
    assert Trip.objects.get().state == "done"
    void(orders[1].waybill)
    runs_again(orders, trip)
    entry = AuditEntry.objects.get(action="trip.reopen")
    assert (entry.subject, entry.detail) == (trip.ref, {"station": make.DESTINATION, "reason": "定位漂移"})


def test_one_correction_on_the_trip_takes_the_arrival_back_for_all_its_goods(arrived):
    orders, trip = arrived
    view = journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    assert view.state == "running"
    runs_again(orders, trip)
    assert JourneyEvent.objects.filter(kind="voided").count() == 2


def test_the_goods_have_an_expected_time_by_the_road_again_and_the_true_arrival_counts(arrived):
    orders, trip = arrived
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    assert journey.eta_refresh(actor=make.TEST).trips == 1
    last = TripStop.objects.get(trip__ref=trip.ref, seq=2)
    assert last.eta > clock.now() + timedelta(hours=10)
    for one in orders:
        assert make.page(one.waybill).row.eta >= last.eta
    at = clock.now()
    told(StopEntered, trip, 2, at)
    assert TripStop.objects.get(trip__ref=trip.ref, seq=2).arrived_at == at
    assert Trip.objects.get().state == "done"
    assert make.status(orders[0].waybill) == ("arrived", "destination")


def test_the_false_arrival_told_again_does_not_end_the_trip_again(arrived):
    orders, trip = arrived
    at = arrivals(orders[0].waybill).at
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    told(StopEntered, trip, 2, at)
    runs_again(orders, trip)


def test_while_a_scan_stands_by_the_arrival_the_trip_stays_ended(arrived):
    orders, trip = arrived
    make.scan("arrived", trip.ref, make.DESTINATION)
    for one in orders:
        void(one.waybill)
    assert Trip.objects.get().state == "done"
    assert make.status(orders[0].waybill) == ("arrived", "destination")


def test_a_truck_that_was_unloaded_there_was_there(arrived):
    orders, trip = arrived
    make.scan("unloaded", orders[0].waybill, make.DESTINATION)
    with pytest.raises(RuleBroken, match="卸车或验收记录"):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="看错")
    for one in orders:
        void(one.waybill)
    assert Trip.objects.get().state == "done"


def test_a_truck_that_has_begun_another_trip_does_not_run_the_first_again(arrived):
    orders, trip = arrived
    later = make.trip(departs_in=timedelta(hours=1))
    told(StopLeft, later, 0, clock.now())
    with pytest.raises(RuleBroken, match=f"已跑车次 {later.ref}"):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="看错")
    for one in orders:
        void(one.waybill)
    assert Trip.objects.get(ref=trip.ref).state == "done"
    assert Watch.objects.get(vehicle_id=trip.vehicle_id).document["trip"] == later.ref


def test_a_planned_next_trip_gives_its_watch_back_to_the_one_that_runs_again(arrived):
    orders, trip = arrived
    later = make.trip(departs_in=timedelta(days=3))
    assert Watch.objects.get(vehicle_id=trip.vehicle_id).document["trip"] == later.ref
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    runs_again(orders, trip)


def test_a_trip_that_a_person_ended_is_not_opened_by_voiding(arrived):
    _orders, trip = arrived
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    journey.trip_finish(actor=make.TEST, trip=trip.ref, reason="半路换车")
    with pytest.raises(RuleBroken, match="没有终点到达记录"):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="再来")
    assert Trip.objects.get().state == "done"


def test_an_empty_truck_s_false_arrival_is_taken_back_too():
    trip = make.trip()
    told(StopLeft, trip, 0, clock.now() - timedelta(hours=1))
    told(StopEntered, trip, 2, clock.now())
    assert journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="误报").state == "running"
    assert Watch.objects.get().document["trip"] == trip.ref


def test_higher_rooms_hear_that_the_trip_runs_again(arrived):
    _orders, trip = arrived
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移")
    said = [row.body["state"] for row in OutboxRow.objects.filter(name="journey.trip_changed").order_by("id")]
    assert said[-2:] == ["done", "running"]


@pytest.mark.parametrize("role", ["service", "warehouse", "driver", "finance"])
def test_taking_an_arrival_back_takes_the_right_to_correct_and_a_refusal_writes_nothing(arrived, role):
    _orders, trip = arrived
    actor = access.staff(role)
    with pytest.raises(Forbidden):
        journey.trip_arrival_void(actor=actor, trip=trip.ref, reason="看错")
    with pytest.raises(Invalid):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason=" ")
    with pytest.raises(NotFound):
        journey.trip_arrival_void(actor=make.TEST, trip="T20200101-001", reason="看错")
    assert Trip.objects.get().state == "done"
    assert not JourneyEvent.objects.filter(kind="voided").exists()
