"""A false arrival or departure in the middle of a trip: what people see of it, and what is left when it is taken back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, Trip, TripStop
from zaitu.kernel import clock
from zaitu.kernel.errors import RuleBroken
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def tell(event, trip, seq, at):
    told = event(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at, late=False)
    (journey.on_stop_entered if event is StopEntered else journey.on_stop_left)(told)


def stop(trip, seq):
    return TripStop.objects.get(trip__ref=trip.ref, seq=seq)


def shown(waybill):
    """The stop in the middle as the tracking page has it: state, arrival, departure, expected."""
    one = make.page(waybill).document["trip"]["stops"][1]
    return one["state"], one["arrived_at"], one["departed_at"], one["eta"]


def void(waybill, kind, number=0, reason="误报"):
    events = JourneyEvent.objects.filter(shipment__waybill=waybill, kind=kind).order_by("id")
    return journey.event_void(actor=make.TEST, event_id=events[number].pk, reason=reason)


def nodes(waybill):
    return [node["kind"] for node in make.page(waybill).document["nodes"]]


@pytest.fixture
def road():
    """One shipment an hour on the road, ten hours from the stop in the middle; told to be there all the same."""
    order = make.collected()
    start = clock.now() - timedelta(hours=1)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=1))
    tell(StopLeft, trip, 0, start)
    journey.eta_refresh(actor=make.TEST)
    before = make.page(order.waybill)
    tell(StopEntered, trip, 1, start + timedelta(minutes=30))
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    return order, trip, start, before


def near(one, other, within=timedelta(minutes=10)):
    return abs(one - other) <= within


def test_after_a_false_arrival_was_taken_back_the_stop_lies_ahead_with_its_expected_time_at_once(road):
    order, trip, start, before = road
    journey.eta_refresh(actor=make.TEST)
    assert not near(make.page(order.waybill).row.eta, before.row.eta)
    void(order.waybill, "stop_entered")
    row = stop(trip, 1)
    assert (row.arrived_at, row.departed_at) == (None, None)
    assert near(row.eta, start + timedelta(hours=10))
    state, arrived, left, eta = shown(order.waybill)
    assert (state, arrived, left) == ("ahead", None, None)
    assert eta is not None
    page = make.page(order.waybill)
    assert make.status(order.waybill) == ("in_transit", "departed")
    assert "stop_entered" not in nodes(order.waybill)
    assert near(page.row.eta, before.row.eta)
    assert page.eta_from <= page.row.eta <= page.eta_to
    assert page.vehicle_id == trip.vehicle_id
    assert journey.trip_get(actor=make.TEST, trip=trip.ref).stops[1].arrived_at is None


def test_the_true_arrival_that_was_told_before_the_false_one_was_voided_is_the_stop_s_time_afterwards(road):
    order, trip, _start, _ = road
    true = clock.now()
    make.scan("arrived", trip.ref, make.HUB, at=true)
    assert stop(trip, 1).arrived_at < true, "while nobody says which is wrong the earlier word counts"
    void(order.waybill, "stop_entered")
    assert stop(trip, 1).arrived_at == true
    assert shown(order.waybill)[0] == "here"
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    assert [kind for kind in nodes(order.waybill) if kind != "ordered"] == ["arrived", "stop_left"]


@pytest.mark.parametrize("false_first", [True, False])
def test_words_and_voidings_in_any_order_leave_the_same_stop(false_first):
    order = make.collected()
    start = clock.now() - timedelta(hours=11)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=11))
    tell(StopLeft, trip, 0, start)
    false, true = start + timedelta(hours=2), start + timedelta(hours=10)
    words = [
        lambda: tell(StopEntered, trip, 1, false),
        lambda: make.scan("arrived", trip.ref, make.HUB, at=true),
    ]
    for word in words if false_first else reversed(words):
        word()
        word()
    assert stop(trip, 1).arrived_at == false
    for _ in range(2):
        void(order.waybill, "stop_entered")
        tell(StopEntered, trip, 1, false)
    assert stop(trip, 1).arrived_at == true
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    assert JourneyEvent.objects.filter(kind="voided").count() == 1


def test_while_other_goods_say_that_the_truck_was_there_the_stop_keeps_its_time():
    orders = [make.collected(), make.collected()]
    trip = make.on_trip(*(one.waybill for one in orders), departs_in=-timedelta(hours=1))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=1))
    false = clock.now() - timedelta(minutes=20)
    tell(StopEntered, trip, 1, false)
    void(orders[0].waybill, "stop_entered")
    assert stop(trip, 1).arrived_at == false
    assert make.status(orders[0].waybill) == ("in_transit", "departed")
    void(orders[1].waybill, "stop_entered")
    assert stop(trip, 1).arrived_at is None
    assert {shown(one.waybill)[0] for one in orders} == {"ahead"}


def test_a_false_departure_from_a_stop_takes_the_arrival_it_told_with_it(road):
    order, trip, start, _ = road
    tell(StopLeft, trip, 1, start + timedelta(minutes=50))
    void(order.waybill, "stop_entered")
    assert stop(trip, 1).arrived_at == stop(trip, 1).departed_at == start + timedelta(minutes=50)
    void(order.waybill, "stop_left", 1)
    assert (stop(trip, 1).arrived_at, stop(trip, 1).departed_at) == (None, None)
    assert make.status(order.waybill) == ("in_transit", "departed")


def test_goods_taken_off_at_the_stop_say_that_the_truck_was_there():
    order, through = make.collected(to_station=make.HUB), make.collected()
    trip = make.on_trip(order.waybill, through.waybill, departs_in=-timedelta(hours=12))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=12))
    tell(StopEntered, trip, 1, clock.now() - timedelta(hours=8))
    off = clock.now()
    assert make.scan("unloaded", order.waybill, make.HUB, trip=trip.ref, at=off).level == "ok"
    for one in (order, through):
        void(one.waybill, "stop_entered")
    assert stop(trip, 1).arrived_at == off
    ride = Leg.objects.filter(shipment__waybill=order.waybill)
    assert (ride.get().state, make.status(order.waybill)) == ("done", ("arrived", "unloaded"))
    void(order.waybill, "unloaded")
    assert stop(trip, 1).arrived_at is None
    assert ride.get().state == "on_board"
    assert make.page(order.waybill).vehicle_id == trip.vehicle_id
    assert shown(through.waybill)[0] == "ahead"


def test_goods_unloaded_at_the_end_stay_off_the_truck_though_its_arrival_is_taken_back():
    order = make.collected()
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=30))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=30))
    tell(StopEntered, trip, 2, clock.now() - timedelta(hours=1))
    make.scan("unloaded", order.waybill, make.DESTINATION)
    void(order.waybill, "stop_entered")
    assert (Leg.objects.get().state, make.page(order.waybill).vehicle_id) == ("done", None)
    assert make.status(order.waybill) == ("arrived", "unloaded")


def test_a_false_arrival_of_a_truck_that_has_not_left_leaves_trip_and_goods_where_they_wait():
    order = make.collected()
    trip = make.on_trip(order.waybill, departs_in=timedelta(hours=3))
    before = make.page(order.waybill).row.eta
    tell(StopEntered, trip, 1, clock.now())
    assert Trip.objects.get().state == "running"
    void(order.waybill, "stop_entered")
    row = Trip.objects.get()
    assert (row.state, row.started_at) == ("planned", None)
    assert Leg.objects.get().state == "planned"
    page = make.page(order.waybill)
    assert (page.row.status, page.row.trip, page.vehicle_id) == ("awaiting_departure", trip.ref, None)
    assert near(page.row.eta, before)
    assert near(stop(trip, 1).eta, row.departs_at + timedelta(hours=10))
    tell(StopLeft, trip, 0, clock.now())
    assert Trip.objects.get().state == "running"
    assert make.status(order.waybill) == ("in_transit", "departed")


def test_a_voided_departure_takes_the_trip_s_beginning_back():
    order = make.collected()
    trip = make.on_trip(order.waybill)
    tell(StopLeft, trip, 0, clock.now())
    void(order.waybill, "stop_left")
    assert (Trip.objects.get().state, stop(trip, 0).departed_at, stop(trip, 0).arrived_at) == (
        "planned",
        None,
        None,
    )
    journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="车坏")
    assert make.page(order.waybill).row.trip == ""


def test_arriving_soon_that_a_false_arrival_brought_is_taken_back_and_told_again_when_it_is_true():
    order = make.collected(to_station=make.HUB)
    start = clock.now() - timedelta(hours=1)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=1))
    Leg.objects.update(to_seq=2)
    TripStop.objects.filter(seq=2).update(station_code=make.HUB)
    TripStop.objects.filter(seq=1).update(station_code=make.DESTINATION)
    last, middle = stop(trip, 2), stop(trip, 1)
    TripStop.objects.filter(seq=2).update(
        along_m=middle.along_m + 60_000, planned_arrival=middle.planned_departure + timedelta(hours=1)
    )
    assert last.along_m > middle.along_m + 60_000
    tell(StopLeft, trip, 0, start)
    tell(StopEntered, trip, 1, clock.now() - timedelta(minutes=50))
    journey.eta_refresh(actor=make.TEST)
    assert make.status(order.waybill) == ("arriving_soon", "predicted")
    void(order.waybill, "stop_entered")
    assert make.status(order.waybill) == ("in_transit", "departed")
    assert make.page(order.waybill).row.eta > clock.now() + timedelta(hours=5)
    assert "arriving_soon" not in nodes(order.waybill)
    journey.eta_refresh(actor=make.TEST)
    assert make.status(order.waybill) == ("in_transit", "departed")
    tell(StopEntered, trip, 1, clock.now())
    TripStop.objects.filter(seq=1).update(dwell_min=0)
    journey.eta_refresh(actor=make.TEST)
    assert make.status(order.waybill) == ("arriving_soon", "predicted")


def test_a_part_split_off_since_is_on_the_road_again_with_the_rest(road):
    order, trip, _, _ = road
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    assert make.status(part.waybill) == ("at_stop", "at_stop")
    void(order.waybill, "stop_entered")
    assert stop(trip, 1).arrived_at is None
    for waybill in (order.waybill, part.waybill):
        assert make.status(waybill) == ("in_transit", "departed")
        assert shown(waybill)[0] == "ahead"
        assert make.page(waybill).vehicle_id == trip.vehicle_id


def test_a_part_split_off_after_loading_leaves_with_the_truck_it_was_loaded_on():
    order, other = make.collected(), make.collected()
    trip = make.on_trip(order.waybill, other.waybill)
    for one in (order, other):
        make.scan("loaded", one.waybill, trip=trip.ref)
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    make.scan("departed", trip.ref)
    assert make.status(part.waybill) == ("in_transit", "departed")
    assert make.page(part.waybill).row.exception is None


# What the fence tells after its first word


def test_the_true_arrival_the_fence_told_before_the_false_one_was_voided_is_not_lost():
    order = make.collected()
    start = clock.now() - timedelta(hours=11)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=11))
    tell(StopLeft, trip, 0, start)
    drift, true = start + timedelta(hours=2), start + timedelta(hours=10)
    tell(StopEntered, trip, 1, drift)
    tell(StopLeft, trip, 1, drift + timedelta(minutes=3))
    for _ in range(2):
        tell(StopEntered, trip, 1, true)
    assert JourneyEvent.objects.filter(kind="stop_entered").count() == 1
    void(order.waybill, "stop_entered")
    void(order.waybill, "stop_left", 1)
    assert (stop(trip, 1).arrived_at, stop(trip, 1).departed_at) == (true, None)
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    assert shown(order.waybill)[0] == "here"
    tell(StopLeft, trip, 1, true + timedelta(minutes=40))
    assert stop(trip, 1).departed_at == true + timedelta(minutes=40)
    assert make.status(order.waybill) == ("in_transit", "left_stop")


def test_each_word_of_the_fence_that_is_false_gives_way_to_the_next():
    order = make.collected()
    start = clock.now() - timedelta(hours=11)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=11))
    tell(StopLeft, trip, 0, start)
    times = [start + timedelta(hours=hours) for hours in (2, 3, 10)]
    for at in (times[0], times[2], times[1], times[2]):
        tell(StopEntered, trip, 1, at)
    for number, at in enumerate(times):
        assert stop(trip, 1).arrived_at == at
        void(order.waybill, "stop_entered", number)
    assert stop(trip, 1).arrived_at is None
    assert make.status(order.waybill) == ("in_transit", "departed")


# The whole truck at once


def test_one_correction_takes_a_stop_on_the_way_back_for_all_goods_with_its_departure():
    orders = [make.collected(), make.collected()]
    trip = make.on_trip(*(one.waybill for one in orders), departs_in=-timedelta(hours=2))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=2))
    tell(StopEntered, trip, 1, clock.now() - timedelta(hours=1))
    tell(StopLeft, trip, 1, clock.now() - timedelta(minutes=50))
    view = journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="定位漂移", station_code=make.HUB)
    assert (view.state, view.stops[1].arrived_at, view.stops[1].departed_at) == ("running", None, None)
    for one in orders:
        assert make.status(one.waybill) == ("in_transit", "departed")
        assert shown(one.waybill)[0] == "ahead"
    with pytest.raises(RuleBroken, match="无需撤销"):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="再来", station_code=make.HUB)


def test_a_stop_where_goods_were_handled_is_not_taken_back_at_once():
    order, boarding = make.collected(), make.order(from_station=make.HUB)
    make.scan("collected", boarding.waybill, make.HUB)
    trip = make.on_trip(order.waybill, boarding.waybill, departs_in=-timedelta(hours=2))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=2))
    tell(StopEntered, trip, 1, clock.now() - timedelta(hours=1))
    assert make.scan("loaded", boarding.waybill, make.HUB, trip=trip.ref).level == "ok"
    with pytest.raises(RuleBroken, match="装卸或验收记录"):
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="看错", station_code=make.HUB)
    for station in (make.ORIGIN, "NOWHERE"):
        with pytest.raises(RuleBroken, match="无需撤销"):
            journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="看错", station_code=station)
    assert not JourneyEvent.objects.filter(kind="voided").exists()


def test_an_empty_truck_s_stop_on_the_way_is_taken_back_too():
    trip = make.trip(departs_in=-timedelta(hours=1))
    tell(StopLeft, trip, 0, clock.now() - timedelta(hours=1))
    tell(StopEntered, trip, 1, clock.now())
    journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="误报", station_code=make.HUB)
    assert stop(trip, 1).arrived_at is None
    journey.eta_refresh(actor=make.TEST)
    assert stop(trip, 1).eta is not None


def queries_of_a_correction(count, plate):
    network.vehicle(plate)
    orders = [make.order(goods=f"货{n}").waybill for n in range(count)]
    trip = make.on_trip(*orders, plate=plate)
    tell(StopEntered, trip, 1, clock.now())
    with CaptureQueriesContext(connection) as captured:
        journey.trip_arrival_void(actor=make.TEST, trip=trip.ref, reason="误报", station_code=make.HUB)
    assert set(Leg.objects.filter(trip__ref=trip.ref).values_list("state", flat=True)) == {"planned"}
    return len(captured)


def test_a_correction_for_a_truck_with_80_shipments_takes_as_many_queries_as_with_two():
    assert queries_of_a_correction(80, "沪A00080") == queries_of_a_correction(2, "沪A00002")
