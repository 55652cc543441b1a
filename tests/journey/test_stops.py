"""Trucks at stops: facts from fences fan out to everything on board, once, whoever tells them and how often."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.access import make as access
from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, SegmentPace, Shipment, Trip, TripStop
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound, RuleBroken
from zaitu.network.models import Vehicle
from zaitu.network.public import simulated_forget
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft
from zaitu.telemetry.models import Watch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def tell(event, trip, seq, at=None, *, late=False):
    told = event(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at or clock.now(), late=late)
    handler = journey.on_stop_entered if event is StopEntered else journey.on_stop_left
    handler(told)


def kinds(waybill):
    return list(
        JourneyEvent.objects.filter(shipment__waybill=waybill).order_by("id").values_list("kind", flat=True)
    )


def test_the_same_fact_told_again_changes_nothing():
    order = make.order()
    trip = make.on_trip(order.waybill)
    for _ in range(3):
        tell(StopLeft, trip, 0)
    assert kinds(order.waybill) == ["ordered", "stop_left"]
    assert Message.objects.filter(purpose="departed").count() == 1
    assert make.page(order.waybill).version == Shipment.objects.get(waybill=order.waybill).version


def test_scan_and_fence_are_both_kept_and_folded_once():
    order = make.order()
    trip = make.on_trip(order.waybill)
    make.scan("departed", trip.ref)
    tell(StopLeft, trip, 0)
    assert kinds(order.waybill) == ["ordered", "departed", "stop_left"]
    nodes = make.page(order.waybill).document["nodes"]
    assert [node["kind"] for node in nodes] == ["departed", "ordered"]
    assert Message.objects.filter(purpose="departed").count() == 1


def test_a_fact_of_an_unknown_or_cancelled_trip_is_ignored():
    trip = make.trip()
    journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="车坏")
    tell(StopLeft, trip, 0)
    journey.on_stop_left(
        StopLeft(vehicle_id=trip.vehicle_id, trip="T20200101-001", seq=0, at=clock.now(), late=False)
    )
    assert Trip.objects.get().state == "cancelled"


def test_a_backfilled_departure_after_the_arrival_is_history_and_not_news():
    order = make.order()
    trip = make.on_trip(order.waybill)
    now = clock.now()
    tell(StopEntered, trip, 2, now)
    assert make.status(order.waybill) == ("arrived", "destination")
    ordered_at = make.page(order.waybill).row.ordered_at
    tell(StopLeft, trip, 0, ordered_at + timedelta(milliseconds=1), late=True)
    assert make.status(order.waybill) == ("arrived", "destination")
    assert [node["kind"] for node in make.page(order.waybill).document["nodes"]][:2] == [
        "stop_entered",
        "stop_left",
    ]
    assert not Message.objects.filter(purpose="departed").exists()


def test_only_what_is_on_board_hears_of_a_stop():
    through, short, later = make.order(), make.order(to_station=make.HUB), make.order(from_station=make.HUB)
    trip = make.on_trip(through.waybill, short.waybill, later.waybill)
    tell(StopLeft, trip, 0)
    assert make.status(later.waybill) == ("ordered", "accepted")
    tell(StopEntered, trip, 1)
    assert make.status(through.waybill) == ("at_stop", "at_stop")
    assert make.status(short.waybill) == ("arrived", "destination")
    tell(StopLeft, trip, 1)
    assert make.status(through.waybill) == ("in_transit", "left_stop")
    assert make.status(short.waybill) == ("arrived", "destination")
    assert make.status(later.waybill) == ("in_transit", "departed")


def test_the_vehicle_is_the_shipments_only_while_it_is_on_board():
    order = make.order()
    trip = make.on_trip(order.waybill)
    assert make.page(order.waybill).vehicle_id is None
    tell(StopLeft, trip, 0)
    assert make.page(order.waybill).vehicle_id == trip.vehicle_id
    tell(StopEntered, trip, 2)
    assert make.page(order.waybill).vehicle_id is None


def test_the_last_stop_ends_the_trip_and_the_watch_goes_to_the_next_one():
    first = make.trip()
    assert Watch.objects.get().document["trip"] == first.ref
    second = make.trip(departs_in=timedelta(days=3))
    assert Watch.objects.get().document["trip"] == first.ref
    tell(StopLeft, first, 0)
    tell(StopEntered, first, 2)
    assert Trip.objects.get(ref=first.ref).state == "done"
    assert Watch.objects.get().document["trip"] == second.ref


def test_a_key_stop_is_told_when_passed_and_others_are_not():
    order = make.order()
    trip = make.on_trip(order.waybill)
    tell(StopLeft, trip, 0)
    tell(StopEntered, trip, 1)
    assert not Message.objects.filter(purpose="stop").exists()
    tell(StopLeft, trip, 1)
    assert Message.objects.filter(purpose="stop").count() == 1


def test_a_departure_with_a_piece_short_is_told_all_the_same():
    order = make.order()
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.pieces[0], trip=trip.ref)
    tell(StopLeft, trip, 0)
    assert make.page(order.waybill).row.exception["code"] == "short"
    assert Message.objects.filter(purpose="departed").count() == 1


def test_a_problem_or_a_split_on_the_road_is_not_told_as_another_departure():
    order = make.order()
    trip = make.on_trip(order.waybill)
    tell(StopLeft, trip, 0)
    draft = journey.ManualEvent(kind="problem", code="delay_traffic", note="堵车")
    journey.event_record(actor=make.TEST, waybill=order.waybill, draft=draft)
    journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    assert Message.objects.filter(purpose="departed").count() == 1


def test_a_fence_that_saw_the_departure_before_the_scan_and_tells_it_afterwards_is_no_second_departure():
    order = make.order()
    trip = make.on_trip(order.waybill)
    seen_at = clock.now()
    make.scan("departed", trip.ref)
    tell(StopLeft, trip, 0, seen_at)
    assert kinds(order.waybill) == ["ordered", "departed", "stop_left"]
    assert Message.objects.filter(purpose="departed").count() == 1


def test_two_legs_with_a_change_at_the_hub():
    order = make.order()
    first = make.trip()
    journey.trip_assign(actor=make.TEST, trip=first.ref, waybills=[order.waybill])
    Leg.objects.update(to_seq=1)
    tell(StopLeft, first, 0)
    tell(StopEntered, first, 1)
    make.scan("unloaded", order.waybill, make.HUB, trip=first.ref)
    network.vehicle("沪B54321")
    second = make.trip("沪B54321", departs_in=timedelta(hours=11))
    journey.trip_assign(actor=make.TEST, trip=second.ref, waybills=[order.waybill])
    make.scan("loaded", order.waybill, make.HUB, trip=second.ref)
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    tell(StopLeft, second, 1)
    assert make.status(order.waybill) == ("in_transit", "left_stop")
    tell(StopEntered, second, 2)
    assert make.status(order.waybill) == ("arrived", "destination")
    assert [leg.state for leg in make.page(order.waybill).legs] == ["done", "done"]


def test_unloading_sent_after_the_next_truck_has_left_does_not_take_the_goods_off_that_one():
    order = make.order()
    first = make.trip(departs_in=-timedelta(hours=12))
    journey.trip_assign(actor=make.TEST, trip=first.ref, waybills=[order.waybill])
    Leg.objects.update(to_seq=1)
    tell(StopLeft, first, 0, clock.now() - timedelta(hours=12))
    tell(StopEntered, first, 1, clock.now() - timedelta(hours=2))
    network.vehicle("沪B54321")
    second = make.trip("沪B54321", departs_in=-timedelta(hours=11))
    journey.trip_assign(actor=make.TEST, trip=second.ref, waybills=[order.waybill])
    tell(StopLeft, second, 1, clock.now() - timedelta(hours=1))
    offline = clock.now() - timedelta(minutes=90)
    assert make.scan("unloaded", order.pieces[0], make.HUB, trip=first.ref, at=offline).level == "ok"
    assert make.page(order.waybill).vehicle_id == second.vehicle_id


def test_a_finished_segment_teaches_its_pace():
    make.trip()
    trip = make.trip(departs_in=timedelta(days=5))
    start = clock.now() - timedelta(hours=11)
    tell(StopLeft, trip, 0, start)
    tell(StopEntered, trip, 1, start + timedelta(hours=9))
    tell(StopEntered, trip, 1, start + timedelta(hours=9))
    pace = SegmentPace.objects.get()
    stops = TripStop.objects.filter(trip__ref=trip.ref).order_by("seq")
    km = (stops[1].along_m - stops[0].along_m) / 1000
    assert pace.runs == 1
    assert pace.pace_s_per_km == pytest.approx(9 * 3600 / km)


# Two hundred shipments cost as much as two


def queries_of_a_departure(count, plate):
    network.vehicle(plate)
    orders = [make.order(goods=f"货{n}").waybill for n in range(count)]
    trip = make.on_trip(*orders, plate=plate)
    tell(StopEntered, trip, 0)
    with CaptureQueriesContext(connection) as departed:
        tell(StopLeft, trip, 0)
    with CaptureQueriesContext(connection) as arrived:
        tell(StopEntered, trip, 1)
    assert Shipment.objects.filter(trip__ref=trip.ref, status="at_stop").count() == count
    return len(departed), len(arrived)


def test_a_stop_of_a_truck_with_200_shipments_takes_as_many_queries_as_with_two():
    few = queries_of_a_departure(2, "沪A00002")
    many = queries_of_a_departure(200, "沪A00200")
    assert many == few
    assert max(many) <= 45


# Planning


def test_a_vehicle_is_on_one_trip_at_a_time():
    make.trip()
    with pytest.raises(Conflict, match="已有车次"):
        make.trip(departs_in=timedelta(hours=5))
    assert make.trip(departs_in=timedelta(hours=40)).ref.endswith(("-001", "-002"))


def test_refs_of_a_day_count_up():
    network.vehicle("沪B54321")
    at = timedelta(days=2)
    refs = [make.trip(departs_in=at).ref, make.trip("沪B54321", departs_in=at).ref]
    assert [ref[-3:] for ref in refs] == ["001", "002"]


def test_a_trip_that_does_not_pass_takes_nothing_at_all():
    good, bad = make.order(), make.order(from_station=make.DESTINATION, to_station=make.ORIGIN)
    trip = make.trip()
    with pytest.raises(RuleBroken, match=bad.waybill):
        journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[good.waybill, bad.waybill])
    assert not Leg.objects.exists()
    with pytest.raises(NotFound):
        journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[good.waybill, "ZT0000000000000"])
    assert not Leg.objects.exists()


def test_moving_to_another_trip_takes_the_first_plan_back():
    order = make.order()
    make.on_trip(order.waybill)
    network.vehicle("沪B54321")
    second = make.trip("沪B54321", departs_in=timedelta(hours=5))
    journey.trip_assign(actor=make.TEST, trip=second.ref, waybills=[order.waybill])
    assert Leg.objects.get().trip.ref == second.ref
    assert make.page(order.waybill).row.plate == "沪B54321"


def test_a_cancelled_trip_lets_its_shipments_go_and_a_running_one_is_not_cancelled():
    order = make.order()
    trip = make.on_trip(order.waybill)
    with pytest.raises(Invalid):
        journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason=" ")
    journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="车坏")
    assert make.page(order.waybill).row.trip == ""
    assert not Watch.objects.exclude(document={}).filter(document__trip=trip.ref).exists()
    again = make.on_trip(order.waybill)
    tell(StopLeft, again, 0)
    with pytest.raises(RuleBroken):
        journey.trip_cancel(actor=make.TEST, trip=again.ref, reason="车坏")


def test_a_trip_nobody_saw_arrive_is_ended_by_hand_and_frees_truck_and_goods():
    ridden, waiting = make.order(), make.order(from_station=make.HUB)
    trip = make.on_trip(ridden.waybill, waiting.waybill)
    tell(StopLeft, trip, 0)
    with pytest.raises(Invalid):
        journey.trip_finish(actor=make.TEST, trip=trip.ref, reason="")
    for _ in range(2):
        assert journey.trip_finish(actor=make.TEST, trip=trip.ref, reason="抛锚").state == "done"
    assert make.page(ridden.waybill).vehicle_id is None
    assert make.status(ridden.waybill) == ("in_transit", "departed")
    assert make.page(waiting.waybill).row.trip == ""
    assert make.trip().ref != trip.ref
    with pytest.raises(Forbidden):
        journey.trip_finish(actor=access.staff("driver"), trip=trip.ref, reason="抛锚")


def test_planning_is_for_dispatch():
    draft = journey.TripDraft(line=make.LINE, plate=make.PLATE, departs_at=clock.now())
    for role in ("service", "warehouse", "driver", "finance"):
        with pytest.raises(Forbidden):
            journey.trip_plan(actor=access.staff(role), draft=draft)
    assert not Trip.objects.exists()
    assert journey.trip_plan(actor=access.staff("dispatch"), draft=draft).state == "planned"


def test_trips_are_listed_in_as_many_queries_whatever_their_number(django_assert_max_num_queries):
    for number in range(4):
        network.vehicle(f"沪C0000{number}")
        order = make.order()
        make.on_trip(order.waybill, plate=f"沪C0000{number}")
    with django_assert_max_num_queries(7):
        assert journey.trips_list(actor=make.TEST).total == 4
    assert journey.trips_list(actor=make.TEST, text="C00002").rows[0].plate == "沪C00002"
    assert journey.trips_list(actor=make.TEST, state="running").rows == ()


def test_goods_nobody_scanned_count_as_loaded_once_they_are_under_way():
    unscanned, partly = make.order(pieces=3), make.order(pieces=5)
    trip = make.on_trip(unscanned.waybill, partly.waybill)

    def loaded():
        seen = journey.trip_get(actor=make.TEST, trip=trip.ref)
        return seen.loaded, seen.expected

    assert loaded() == (0, 8)
    tell(StopLeft, trip, 0)
    assert loaded() == (8, 8)
    make.scan("loaded", partly.pieces[0], trip=trip.ref)
    assert loaded() == (4, 8), "what was scanned is counted as scanned"


def test_customers_do_not_see_trips():
    trip = make.trip()
    with pytest.raises(Forbidden):
        journey.trip_get(actor=access.key_of("ACME", *access.Right), trip=trip.ref)


def test_a_test_vehicle_with_a_trip_is_not_forgotten():
    planned = make.trip()
    Vehicle.objects.update(plate="测A00001")
    with pytest.raises(Conflict, match="试验车辆"):
        simulated_forget(actor=make.TEST)
    assert Vehicle.objects.get().pk == planned.vehicle_id
