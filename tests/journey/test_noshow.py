"""A planned trip that nobody saw leave: missed, its vehicle let go, its goods told to wait; run after all when it leaves."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.access import make as access
from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.domain.noshow import Waiting, missed
from zaitu.journey.models import EtaPoint, JourneyEvent, Shipment, Trip
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, RuleBroken
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.models import VehicleState, Watch

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


# The rule


@pytest.mark.parametrize(
    ("overdue_h", "to_next_stop_h", "vehicle_due_in_h", "listening_h", "expected"),
    [
        (5.9, 1, None, None, False),
        (6, 1, None, None, True),
        (11.9, 10, None, None, False),
        (12, 10, None, None, True),
        (23.9, 40, None, None, False),
        (24, 40, None, None, True),
        (1.9, 1, -1, None, False),
        (2, 1, 0, None, True),
        (5, 1, 0.1, None, False),
        (48, 1, -1, 1.9, False),
        (48, 1, None, 2, True),
    ],
)
def test_a_trip_is_missed_when_it_should_have_been_seen(
    overdue_h, to_next_stop_h, vehicle_due_in_h, listening_h, expected
):
    departs_at = NOW - overdue_h * HOUR
    waiting = Waiting(
        departs_at=departs_at,
        next_stop_at=departs_at + to_next_stop_h * HOUR,
        vehicle_due_at=None if vehicle_due_in_h is None else NOW + vehicle_due_in_h * HOUR,
        listening_since=None if listening_h is None else NOW - listening_h * HOUR,
    )
    assert missed(waiting, NOW) is expected


# What follows from it: the line's first segment takes 10 h, so a trip is missed 12 h after its departure


@pytest.fixture
def carrier(db):
    make.carrier()


def timer(**since):
    return journey.trips_missed(actor=make.TEST, **since)


def state_of(trip):
    return Trip.objects.get(ref=trip.ref).state


def watched():
    return list(Watch.objects.values_list("trip", flat=True))


def tell(event, trip, seq, at=None):
    told = event(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at or clock.now(), late=False)
    (journey.on_stop_entered if event is StopEntered else journey.on_stop_left)(told)


@pytest.fixture
def missed_trip(carrier):
    """(waybill, the trip, another waybill that boards at the hub), half a day after the departure that did not happen."""
    waybill, boarding_later = make.order().waybill, make.order(from_station=make.HUB).waybill
    trip = make.on_trip(waybill, boarding_later, departs_in=-12 * HOUR)
    assert timer() == 1
    return waybill, trip, boarding_later


def test_a_trip_that_never_left_lets_its_vehicle_go_and_is_predicted_no_more(missed_trip):
    _, trip, _ = missed_trip
    assert state_of(trip) == "missed"
    assert watched() == []
    assert journey.eta_refresh(actor=make.TEST).trips == 0
    assert timer() == 0
    assert make.trip(departs_in=HOUR).state == "planned"


def test_the_vehicle_is_watched_for_its_next_trip_in_time(carrier, time_machine):
    first = make.trip(departs_in=HOUR)
    second = make.trip(departs_in=30 * HOUR)
    assert watched() == [first.ref]
    time_machine.move_to(clock.now() + 12 * HOUR)
    assert (timer(), watched()) == (0, [first.ref])
    time_machine.move_to(clock.now() + 2 * HOUR)
    assert (timer(), watched()) == (1, [second.ref])


def test_its_goods_wait_for_the_next_departure_and_say_so(carrier):
    network.vehicle("沪A54321")
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=-12 * HOUR)
    coming = make.trip("沪A54321", departs_in=6 * HOUR)
    timer()
    page = make.page(waybill)
    assert (page.row.exception["code"], page.row.trip, page.vehicle_id) == ("not_departed", "", None)
    assert make.status(waybill) == ("ordered", "accepted")
    document = page.document
    assert document["exception"]["text"] == {"zh": "车次未发车", "en": "The truck did not leave"}
    assert document["trip"] is None
    row = Shipment.objects.get(waybill=waybill)
    assert row.eta_reason == "trip_lost"
    assert abs(row.eta - coming.stops[2].planned_arrival - 2 * HOUR) <= timedelta(minutes=1)
    assert EtaPoint.objects.filter(shipment=row, reason="trip_lost").count() == 1
    moved = journey.trip_assign(actor=make.TEST, trip=coming.ref, waybills=[waybill])
    assert moved.shipments == 1
    with pytest.raises(RuleBroken, match="未发车"):
        journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[waybill])


def test_without_another_trip_the_line_is_taken_to_leave_at_its_time_again(missed_trip):
    waybill, trip, _ = missed_trip
    row = Shipment.objects.get(waybill=waybill)
    assert row.eta_reason == "trip_lost"
    assert abs(row.eta - trip.stops[2].planned_arrival - 26 * HOUR) <= timedelta(minutes=1)


def test_a_departure_heard_of_later_makes_it_run(missed_trip):
    waybill, trip, boarding_later = missed_trip
    tell(StopLeft, trip, 0)
    assert state_of(trip) == "running"
    assert watched() == [trip.ref]
    assert make.status(waybill) == ("in_transit", "departed")
    for one in (waybill, boarding_later):
        page = make.page(one)
        assert (page.row.exception, page.row.trip) == (None, trip.ref)
    assert make.page(waybill).vehicle_id == trip.vehicle_id
    assert Message.objects.filter(purpose="departed").count() == 1
    assert journey.eta_refresh(actor=make.TEST).trips == 1
    assert Shipment.objects.get(waybill=waybill).eta_reason == "progress"


def test_a_departure_that_was_before_and_is_told_late_makes_it_run_as_well(carrier, time_machine):
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=0 * HOUR)
    left_at = clock.now() + HOUR
    time_machine.move_to(left_at + 12 * HOUR)
    assert timer() == 1
    make.scan("departed", trip.ref, at=left_at)
    assert state_of(trip) == "running"
    page = make.page(waybill)
    assert page.row.exception is None
    assert page.document["nodes"][0]["kind"] == "problem_solved"
    assert Message.objects.filter(purpose="departed").count() == 1


def test_a_truck_that_only_comes_to_its_first_stop_has_not_left(missed_trip):
    _, trip, _ = missed_trip
    tell(StopEntered, trip, 0)
    assert state_of(trip) == "missed"


def test_a_scan_of_its_goods_leaving_makes_it_run_too(missed_trip):
    waybill, trip, _ = missed_trip
    make.scan("departed", waybill, trip=trip.ref)
    assert state_of(trip) == "planned"
    assert watched() == [trip.ref]
    assert make.page(waybill).row.trip == trip.ref
    assert timer() == 0


def test_a_truck_already_on_its_next_trip_stays_watched_for_that_one(carrier):
    waybill = make.order().waybill
    first = make.on_trip(waybill, departs_in=-40 * HOUR)
    second = make.trip(departs_in=-3 * HOUR)
    timer()
    tell(StopLeft, second, 0)
    make.scan("departed", first.ref, at=clock.now() - 39 * HOUR)
    assert state_of(first) == "running"
    assert watched() == [second.ref]


def test_its_goods_may_be_loaded_onto_another_truck(missed_trip):
    waybill, _, _ = missed_trip
    network.vehicle("沪A54321")
    other = make.trip("沪A54321")
    result = make.scan("loaded", waybill, trip=other.ref)
    assert (result.level, result.message) == ("warn", "此件未配载，已补配到本车")
    assert [(leg.trip, leg.state) for leg in make.page(waybill).legs] == [(other.ref, "planned")]


def test_a_missed_trip_may_be_cancelled_and_its_shipments_stay_told(missed_trip):
    waybill, trip, _ = missed_trip
    assert journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="没有货").state == "cancelled"
    assert make.page(waybill).row.exception["code"] == "not_departed"


# What is no no-show


def test_a_trip_whose_goods_were_seen_leaving_is_under_way(carrier):
    waybill = make.order().waybill
    trip = make.on_trip(waybill, departs_in=-13 * HOUR)
    make.scan("departed", waybill, trip=trip.ref)
    assert timer() == 0


def test_a_truck_well_along_its_road_has_left_whatever_the_fences_saw(carrier):
    trip = make.trip(departs_in=-13 * HOUR)
    now = clock.now()
    VehicleState.objects.create(
        vehicle_id=trip.vehicle_id, at=now, received_at=now, lat=31, lon=120, trip=trip.ref, along_m=5_001
    )
    assert timer() == 0
    VehicleState.objects.update(along_m=4_999)
    assert timer() == 1


def test_after_a_start_we_were_deaf_and_nobody_absent(carrier):
    trip = make.trip(departs_in=-30 * HOUR)
    assert timer(listening_since=clock.now() - HOUR) == 0
    assert state_of(trip) == "planned"
    assert timer(listening_since=clock.now() - 2 * HOUR) == 1


def test_what_has_ended_otherwise_is_left_alone(carrier):
    signed, waiting = make.collected().waybill, make.order().waybill
    make.on_trip(signed, waiting, departs_in=-13 * HOUR)
    make.sign(signed)
    timer()
    assert make.page(signed).row.exception is None
    assert JourneyEvent.objects.filter(kind="problem").count() == 1


def test_the_no_show_timer_is_for_the_house(carrier):
    with pytest.raises(Forbidden):
        journey.trips_missed(actor=access.staff("driver"))
