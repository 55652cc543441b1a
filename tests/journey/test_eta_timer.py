"""The timer: predictions from real positions, told when they matter, in a fixed number of queries."""

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.access import make as access
from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import EtaErrors, EtaPoint, JourneyEvent, SegmentPace, Shipment, TripStop
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden
from zaitu.notify import public as notify
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.models import VehicleState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def refresh():
    return journey.eta_refresh(actor=make.TEST)


def position(trip, share, at=None):
    """The truck at this share of its route, now or at `at`."""
    at = at or clock.now()
    stop = trip.stops[0]
    VehicleState.objects.update_or_create(
        vehicle_id=trip.vehicle_id,
        defaults={
            "at": at,
            "received_at": at,
            "lat": stop.lat,
            "lon": stop.lon,
            "trip": trip.ref,
            "along_m": trip.length_m * share,
        },
    )


def left(trip, seq, at):
    journey.on_stop_left(StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at, late=False))


def entered(trip, seq, at):
    journey.on_stop_entered(
        StopEntered(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at, late=False)
    )


def on_the_road(ago=timedelta(0)):
    order = make.order()
    trip = make.on_trip(order.waybill, departs_in=-ago)
    left(trip, 0, clock.now() - ago)
    return order.waybill, trip


def row_of(waybill):
    return Shipment.objects.get(waybill=waybill)


def test_a_truck_on_time_changes_nothing_that_people_were_told():
    waybill, trip = on_the_road(timedelta(hours=1))
    told = row_of(waybill).eta
    share = trip.stops[1].along_m / trip.length_m / 10
    position(trip, share)
    done = refresh()
    assert (done.trips, done.shipments) == (1, 0)
    assert row_of(waybill).eta == told


def test_a_truck_that_falls_behind_moves_the_eta_once_and_the_history_says_why():
    waybill, trip = on_the_road(timedelta(hours=5))
    told = row_of(waybill).eta
    position(trip, 0.0)
    left_at = clock.now()
    assert refresh().shipments == 1
    assert refresh().shipments == 0
    row = row_of(waybill)
    assert timedelta(hours=4) < row.eta - told < timedelta(hours=6)
    assert row.eta_from >= left_at
    history = make.page(waybill).eta_history
    assert [point.reason for point in history][-1] == "progress"
    assert make.page(waybill).document["eta_reason"]["zh"]


def shown(waybill):
    """The hub's arrival as the tracking document has it."""
    return datetime.fromisoformat(make.page(waybill).document["trip"]["stops"][1]["eta"])


def test_a_stop_s_arrival_in_the_tracking_document_follows_the_truck_when_it_matters(time_machine):
    waybill, trip = on_the_road()
    start, planned = clock.now(), trip.stops[1].planned_arrival
    hub = trip.stops[1].along_m / trip.length_m
    # The ride to the destination: what is told of it does not change, so nothing but the stop makes the document anew.
    Shipment.objects.update(to_station="XXXX")
    assert abs(shown(waybill) - planned) < timedelta(seconds=1)
    time_machine.move_to(start + timedelta(hours=5))
    position(
        trip, hub * 0.49
    )  # a quarter of an hour behind: less than a tenth of the time left, or 10 minutes at least
    version = row_of(waybill).version
    assert refresh().shipments == 0
    assert (row_of(waybill).version, shown(waybill)) == (version, planned.replace(microsecond=0))
    position(trip, hub * 0.4)
    refresh()
    predicted = TripStop.objects.get(trip__ref=trip.ref, seq=1).eta
    assert predicted - planned > timedelta(minutes=40)
    assert abs(shown(waybill) - predicted) < timedelta(seconds=1)
    assert row_of(waybill).version == version + 1
    refresh()
    assert row_of(waybill).version == version + 1


def test_a_stop_that_is_a_little_overdue_does_not_make_all_documents_anew_at_each_look(time_machine):
    waybill, trip = on_the_road()
    hub = trip.stops[1].along_m / trip.length_m
    start = trip.stops[1].planned_arrival - timedelta(minutes=1)
    time_machine.move_to(start)
    position(trip, hub * 0.999)
    refresh()
    version = row_of(waybill).version
    for minutes in range(1, 9):
        time_machine.move_to(start + timedelta(minutes=minutes))
        position(trip, hub * 0.999)
        refresh()
    assert row_of(waybill).version <= version + 1


def test_how_late_it_is_counts_from_the_first_promise():
    make.trip(departs_in=timedelta(hours=1))
    order = make.order()
    row = row_of(order.waybill)
    Shipment.objects.update(eta=row.eta_planned + timedelta(hours=3))
    assert make.page(order.waybill).row.late_min == 180


def test_an_overdue_departure_is_told_as_late():
    order = make.order()
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=4))
    refresh()
    assert row_of(order.waybill).eta_reason == "departed_late"
    assert TripStop.objects.get(trip__ref=trip.ref, seq=2).eta > trip.stops[2].planned_arrival


def test_two_hours_before_arrival_it_is_arriving_soon_and_told_once():
    waybill, trip = on_the_road(timedelta(hours=23))
    position(trip, 0.95)
    assert refresh().soon == 1
    assert make.status(waybill) == ("arriving_soon", "predicted")
    position(trip, 0.97)
    assert refresh().soon == 0
    assert Message.objects.filter(purpose="soon", channel="email").count() == 1
    entered(trip, 2, clock.now())
    assert make.status(waybill) == ("arrived", "destination")


def soon_before_the_hub():
    """Told `arriving_soon` while the hub, a key stop, is still ahead; the trip and when it was told."""
    waybill, trip = on_the_road(timedelta(hours=23))
    position(trip, 0.95)
    assert refresh().soon == 1
    return waybill, trip, clock.now()


def stops_told():
    return Message.objects.filter(purpose="stop", channel="email").count()


def test_a_key_stop_passed_after_arriving_soon_is_told_and_shown(time_machine):
    waybill, trip, told_at = soon_before_the_hub()
    time_machine.move_to(told_at + timedelta(minutes=20))
    entered(trip, 1, told_at + timedelta(minutes=10))
    left(trip, 1, told_at + timedelta(minutes=15))
    assert make.status(waybill) == ("arriving_soon", "predicted")
    assert [node["kind"] for node in make.page(waybill).document["nodes"]][:3] == [
        "stop_left",
        "stop_entered",
        "arriving_soon",
    ]
    assert stops_told() == 1
    make.scan("departed", trip.ref, make.HUB)
    assert stops_told() == 1


def test_a_key_stop_passed_before_arriving_soon_and_heard_of_afterwards_is_no_news():
    _, trip, told_at = soon_before_the_hub()
    left(trip, 1, told_at - timedelta(minutes=5))
    assert stops_told() == 0


def test_a_key_stop_heard_of_after_the_arrival_is_no_news():
    _, trip, told_at = soon_before_the_hub()
    entered(trip, 2, told_at + timedelta(minutes=30))
    left(trip, 1, told_at + timedelta(minutes=10))
    assert stops_told() == 0


def test_far_away_is_not_soon_and_neither_is_a_truck_that_has_not_left():
    waybill, trip = on_the_road(timedelta(hours=1))
    position(trip, 0.05)
    order = make.order(from_station=make.HUB)
    journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[order.waybill])
    assert refresh().soon == 0
    assert make.status(waybill) == ("in_transit", "departed")


def test_a_parcel_with_the_courier_is_soon_too():
    order = make.order()
    make.scan("unloaded", order.waybill, make.DESTINATION)
    make.scan("out_for_delivery", order.waybill, make.DESTINATION)
    row = row_of(order.waybill)
    assert (row.eta_reason, row.eta - clock.now() < timedelta(minutes=62)) == ("delivering", True)
    assert refresh().soon == 1
    assert make.status(order.waybill) == ("arriving_soon", "predicted")


def test_goods_that_were_not_taken_are_promised_for_no_time_until_somebody_decides(time_machine):
    order = make.collected()
    make.scan("out_for_delivery", order.waybill, make.DESTINATION)
    refresh()
    assert make.status(order.waybill) == ("arriving_soon", "predicted")
    make.scan("refused", order.waybill, make.DESTINATION)
    row = row_of(order.waybill)
    assert (row.status, row.detail) == ("in_transit", "out_for_delivery")
    assert (row.eta, row.eta_from, row.eta_to, row.eta_reason) == (None, None, None, "")
    assert row.exception["code"] == "refused"
    time_machine.move_to(clock.now() + timedelta(hours=3))
    done = refresh()
    assert (done.shipments, done.soon) == (0, 0)
    make.scan("attempt_failed", order.waybill, make.DESTINATION)
    assert row_of(order.waybill).eta is None


def test_the_next_attempt_is_promised_anew():
    order = make.collected()
    make.scan("out_for_delivery", order.waybill, make.DESTINATION)
    make.scan("attempt_failed", order.waybill, make.DESTINATION)
    assert row_of(order.waybill).eta is None
    make.scan("out_for_delivery", order.waybill, make.DESTINATION)
    row = row_of(order.waybill)
    assert timedelta(minutes=55) < row.eta - clock.now() <= timedelta(minutes=61)
    assert (row.exception, row.eta_reason) == (None, "delivering")


def test_at_the_destination_station_the_last_mile_is_an_allowance():
    waybill, trip = on_the_road(timedelta(hours=25))
    arrived_at = clock.now()
    entered(trip, 2, arrived_at)
    row = row_of(waybill)
    assert abs(row.eta - arrived_at - timedelta(hours=2)) < timedelta(minutes=15)


def test_a_shipment_whose_time_has_passed_is_estimated_anew_with_growing_steps(time_machine):
    order = make.order()
    at = order.eta + timedelta(minutes=1)
    for _ in range(400):
        time_machine.move_to(at, tick=False)
        refresh()
        assert row_of(order.waybill).eta >= clock.now()
        at += timedelta(hours=1)
    points = EtaPoint.objects.filter(shipment__waybill=order.waybill)
    assert set(points.values_list("reason", flat=True)) == {"promise", "overdue"}
    assert points.count() < 40


def test_what_is_finished_ready_or_on_its_way_back_is_left_alone(time_machine):
    signed, ready, back = make.collected(), make.collected(), make.collected()
    make.sign(signed.waybill)
    make.scan("ready_for_pickup", ready.waybill, make.DESTINATION)
    make.scan("returning", back.waybill, make.DESTINATION)
    time_machine.move_to(signed.eta + timedelta(days=30))
    assert refresh().shipments == 0


def test_silence_is_an_exception_and_ends_when_the_truck_is_heard(time_machine):
    waybill, trip = on_the_road(timedelta(hours=1))
    position(trip, 0.05)
    start = clock.now()
    time_machine.move_to(start + timedelta(minutes=119))
    assert refresh().silent == 0
    time_machine.move_to(start + timedelta(minutes=125))
    assert refresh().silent == 1
    assert refresh().silent == 0
    assert make.page(waybill).row.exception["code"] == "no_update"
    position(trip, 0.2)
    refresh()
    assert make.page(waybill).row.exception is None
    assert make.status(waybill) == ("in_transit", "departed")


def test_after_a_start_we_were_deaf_and_nobody_silent(time_machine):
    waybill, trip = on_the_road(timedelta(hours=1))
    position(trip, 0.05)
    start = clock.now() + timedelta(hours=8)
    time_machine.move_to(start)
    assert journey.eta_refresh(actor=make.TEST, listening_since=start).silent == 0
    time_machine.move_to(start + timedelta(minutes=121))
    assert journey.eta_refresh(actor=make.TEST, listening_since=start).silent == 1
    time_machine.move_to(start + timedelta(minutes=122))
    assert journey.eta_refresh(actor=make.TEST, listening_since=clock.now()).silent == 0
    assert make.page(waybill).row.exception["code"] == "no_update"


def test_an_arrival_teaches_the_error_of_what_was_predicted(time_machine):
    start = clock.now()
    order = make.order()
    trip = make.on_trip(order.waybill)
    left(trip, 0, start)
    position(trip, 0.0)
    refresh()
    predicted = TripStop.objects.get(trip__ref=trip.ref, seq=1)
    assert len(predicted.predictions) == 1
    arrived_at = predicted.eta + timedelta(minutes=30)
    time_machine.move_to(arrived_at)
    entered(trip, 1, arrived_at)
    errors = EtaErrors.objects.get()
    assert errors.errors_s == [pytest.approx(1800, abs=1)]
    assert SegmentPace.objects.get().runs == 1
    entered(trip, 1, arrived_at + timedelta(minutes=5))
    assert len(EtaErrors.objects.get().errors_s) == 1


def queries_of_a_refresh():
    with CaptureQueriesContext(connection) as counted:
        done = refresh()
    return len(counted), done


def test_many_running_trips_take_as_many_queries_as_one():
    for number in range(6):
        plate = f"沪C0000{number}"
        network.vehicle(plate)
        waybills = [make.order().waybill for _ in range(3)]
        trip = make.on_trip(*waybills, plate=plate, departs_in=-timedelta(hours=5))
        left(trip, 0, clock.now() - timedelta(hours=5))
        position(trip, 0.0)
        if number == 0:
            few, done = queries_of_a_refresh()
            assert done.shipments == 3
    EtaPoint.objects.filter(reason="progress").delete()
    many, done = queries_of_a_refresh()
    assert (done.trips, done.shipments) == (6, 15)
    assert many <= few
    assert few <= 40
    quiet, done = queries_of_a_refresh()
    assert done.shipments == 0
    assert quiet <= 16


def test_the_timer_is_for_the_house():
    with pytest.raises(Forbidden):
        journey.eta_refresh(actor=access.staff("driver"))
    assert not JourneyEvent.objects.exists()


def test_a_truck_of_which_nobody_tells_but_its_goods_does_not_stop_the_timer():
    order = make.order()
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=1))
    make.scan("departed", order.waybill, trip=trip.ref)
    assert refresh().trips == 1


def test_webhooks_tell_times_as_the_api_does():
    make.customer("ACME")
    draft = notify.EndpointDraft(customer_code="ACME", url="https://erp.example.cn/hook", kinds=frozenset())
    notify.endpoint_put(actor=make.TEST, draft=draft)
    order = make.order(customer_code="ACME")
    trip = make.on_trip(order.waybill)
    left(trip, 0, clock.now())
    departed = json.loads(Message.objects.get(channel="webhook", purpose="departed").words)
    document = make.page(order.waybill).document
    names = ("eta", "eta_from", "eta_to")
    assert all(departed[name].endswith("+08:00") for name in names)
    assert [datetime.fromisoformat(departed[name]) for name in names] == [
        datetime.fromisoformat(document[name]) for name in names
    ]
