"""A forwarding taken back: the goods ride as they were planned where they still can, and else it is said why not; nothing is lost."""

from datetime import timedelta

import pytest

from tests.journey import make
from tests.network import make as network
from zaitu.access.models import AuditEntry
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, Leg, NumberLink, Trip
from zaitu.kernel import clock
from zaitu.kernel.errors import RuleBroken
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db
OTHER = "沪B54321"


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


@pytest.fixture
def planned():
    """Goods planned on a truck, then handed to a partner by mistake."""
    order = make.collected()
    trip = make.on_trip(order.waybill, departs_in=timedelta(hours=2))
    before = make.page(order.waybill)
    forward(order.waybill)
    assert not Leg.objects.exists()
    return order, trip, before


def forward(waybill, number="SF777777"):
    journey.shipment_forward(
        actor=make.TEST, waybill=waybill, number=number, carrier="顺丰", station_code=make.ORIGIN
    )


def void(waybill, number=-1):
    events = list(JourneyEvent.objects.filter(shipment__waybill=waybill, kind="forwarded").order_by("id"))
    return journey.event_void(actor=make.TEST, event_id=events[number].pk, reason="转错了")


def left(trip, seq=0):
    told = StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=clock.now(), late=False)
    journey.on_stop_left(told)


def waits_without_a_truck(waybill):
    page = make.page(waybill)
    assert (page.row.trip, page.vehicle_id, page.document["trip"]) == ("", None, None)
    assert (page.row.status, page.row.detail) == ("awaiting_departure", "collected")
    assert page.row.eta > clock.now()
    assert page.eta_from <= page.row.eta <= page.eta_to
    return page


def test_the_goods_are_on_the_truck_they_were_planned_on_again(planned):
    order, trip, before = planned
    said = void(order.waybill).said
    assert said == (f"已恢复配载到车次 {trip.ref}",)
    page = make.page(order.waybill)
    assert (page.row.trip, page.row.status) == (trip.ref, "awaiting_departure")
    assert page.document["trip"] == before.document["trip"]
    assert page.row.eta == before.row.eta
    assert page.numbers == ()
    assert [node["kind"] for node in page.document["nodes"]] == ["collected", "ordered"]
    entry = AuditEntry.objects.get(action="event.void")
    assert entry.detail["rides"] == [[order.waybill, trip.ref, "restored"]]
    make.scan("departed", trip.ref)
    assert make.status(order.waybill) == ("in_transit", "departed")


def test_voided_again_it_changes_nothing(planned):
    order, trip, _ = planned
    void(order.waybill)
    journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="车坏")
    assert void(order.waybill).said == ()
    waits_without_a_truck(order.waybill)


def test_a_trip_that_has_left_meanwhile_names_the_goods_as_left_behind_and_the_next_one_is_their_eta(planned):
    order, trip, before = planned
    left(trip)
    network.vehicle(OTHER)
    later = make.trip(OTHER, departs_in=timedelta(hours=30))
    assert void(order.waybill).said == (f"原车次 {trip.ref} 已发出，请改配其他车次",)
    page = waits_without_a_truck(order.waybill)
    assert page.row.exception["code"] == "omitted"
    assert page.row.exception["cause"] == "转单撤销时原车次已发出"
    assert page.row.eta > later.stops[-1].planned_arrival > before.row.eta
    assert page.eta_history[-1].reason == "trip_lost"
    sheet = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.ORIGIN)
    assert [row.waybill for row in sheet.behind] == [order.waybill]
    journey.trip_assign(actor=make.TEST, trip=later.ref, waybills=[order.waybill])
    left(later)
    assert make.status(order.waybill) == ("in_transit", "departed")
    assert make.page(order.waybill).row.exception is None


def test_a_trip_whose_departure_only_the_next_stop_told_has_left_too(planned):
    order, trip, _ = planned
    told = StopEntered(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=1, at=clock.now(), late=False)
    journey.on_stop_entered(told)
    assert void(order.waybill).said == (f"原车次 {trip.ref} 已发出，请改配其他车次",)
    waits_without_a_truck(order.waybill)


def test_a_trip_that_is_over_is_as_one_that_has_left(planned):
    order, trip, _ = planned
    left(trip)
    journey.trip_finish(actor=make.TEST, trip=trip.ref, reason="抛锚")
    assert void(order.waybill).said == (f"原车次 {trip.ref} 已发出，请改配其他车次",)
    waits_without_a_truck(order.waybill)


def test_a_trip_that_was_cancelled_meanwhile_takes_nothing_back(planned):
    order, trip, _ = planned
    journey.trip_cancel(actor=make.TEST, trip=trip.ref, reason="车坏")
    assert void(order.waybill).said == (f"原车次 {trip.ref} 已取消，请改配其他车次",)
    assert waits_without_a_truck(order.waybill).row.exception is None
    assert not Leg.objects.exists()


def test_a_trip_that_nobody_saw_leave_is_the_goods_overlay_and_runs_with_them_after_all(planned):
    order, trip, _ = planned
    Trip.objects.update(state="missed")
    assert void(order.waybill).said == (f"原车次 {trip.ref} 到时未发车，请改配其他车次",)
    assert waits_without_a_truck(order.waybill).row.exception["code"] == "not_departed"
    left(trip)
    assert make.status(order.waybill) == ("in_transit", "departed")
    assert make.page(order.waybill).row.exception is None


@pytest.mark.parametrize("limit", [{"capacity_kg": 200}, {"capacity_m3": 2}])
def test_a_truck_whose_space_others_have_meanwhile_is_full(limit):
    order, other = make.collected(), make.collected()
    network.vehicle(OTHER, **limit)
    trip = make.on_trip(order.waybill, plate=OTHER)
    forward(order.waybill)
    journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[other.waybill])
    assert void(order.waybill).said == (f"原车次 {trip.ref} 已装满，请改配其他车次",)
    waits_without_a_truck(order.waybill)
    journey.trip_assign(actor=make.TEST, trip=trip.ref, waybills=[order.waybill])
    assert make.page(order.waybill).row.trip == trip.ref, "a person may know better"


def test_space_that_is_free_on_their_part_of_the_way_is_theirs():
    order, other = make.collected(to_station=make.HUB), make.order(from_station=make.HUB)
    network.vehicle(OTHER, capacity_kg=200)
    trip = make.on_trip(order.waybill, other.waybill, plate=OTHER)
    forward(order.waybill)
    assert void(order.waybill).said == (f"已恢复配载到车次 {trip.ref}",)


def test_goods_that_were_planned_anew_stay_on_the_new_trip(planned):
    order, trip, _ = planned
    network.vehicle(OTHER)
    later = make.on_trip(order.waybill, plate=OTHER, departs_in=timedelta(hours=30))
    assert void(order.waybill).said == (f"已另有车次，原车次 {trip.ref} 不再恢复",)
    assert make.page(order.waybill).row.trip == later.ref
    assert Leg.objects.count() == 1


def test_while_another_forwarding_stands_nothing_rides_and_with_the_last_one_voided_it_does(planned):
    order, trip, _ = planned
    forward(order.waybill, "SF888888")
    assert void(order.waybill, 0).said == (f"货物不在本公司待运，原车次 {trip.ref} 不恢复",)
    assert make.status(order.waybill) == ("in_transit", "handed_to_partner")
    assert not Leg.objects.exists()
    assert void(order.waybill).said == (f"已恢复配载到车次 {trip.ref}",)
    assert make.page(order.waybill).row.trip == trip.ref
    assert not NumberLink.objects.exists()


def test_goods_that_the_partner_has_moved_are_not_put_on_our_truck(planned):
    order, trip, _ = planned
    event = journey.PartnerEvent(waybill=order.waybill, code="1002", text="运输中", at=clock.now())
    journey.partner_events(actor=make.TEST, partner="顺丰", events=[event])
    assert void(order.waybill).said == (f"货物不在本公司待运，原车次 {trip.ref} 不恢复",)
    assert make.status(order.waybill) == ("in_transit", "moving")
    assert not Leg.objects.exists()


def test_finished_goods_are_not_planned_again(planned):
    order, _, _ = planned
    make.sign(order.waybill)
    void(order.waybill)
    assert make.status(order.waybill)[0] == "signed"
    assert not Leg.objects.exists()


def test_a_second_ride_from_the_hub_is_restored_from_the_hub():
    order = make.collected()
    first = make.on_trip(order.waybill, departs_in=-timedelta(hours=12))
    Leg.objects.update(to_seq=1)
    for event, seq in ((StopLeft, 0), (StopEntered, 1)):
        told = event(vehicle_id=first.vehicle_id, trip=first.ref, seq=seq, at=clock.now(), late=False)
        (journey.on_stop_left if event is StopLeft else journey.on_stop_entered)(told)
    network.vehicle(OTHER)
    second = make.on_trip(order.waybill, plate=OTHER, departs_in=-timedelta(hours=9))
    journey.shipment_forward(
        actor=make.TEST, waybill=order.waybill, number="SF777777", carrier="顺丰", station_code=make.HUB
    )
    assert void(order.waybill).said == (f"已恢复配载到车次 {second.ref}",)
    assert Leg.objects.get(trip__ref=second.ref).from_seq == 1
    left(second, 1)
    assert make.status(order.waybill) == ("in_transit", "left_stop")


def test_a_part_split_off_after_the_forwarding_rides_again_with_the_rest(planned):
    order, trip, _ = planned
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    assert make.status(part.waybill) == ("in_transit", "handed_to_partner")
    assert void(order.waybill).said == (f"已恢复配载到车次 {trip.ref}",) * 2
    for waybill in (order.waybill, part.waybill):
        assert make.page(waybill).row.trip == trip.ref
        assert make.status(waybill) == ("awaiting_departure", "collected")


def test_a_part_that_was_forwarded_itself_stays_with_its_partner(planned):
    order, trip, _ = planned
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    forward(part.waybill)
    void(order.waybill)
    assert make.page(order.waybill).row.trip == trip.ref
    assert make.status(part.waybill) == ("in_transit", "handed_to_partner")
    assert make.page(part.waybill).numbers == (("SF777777", "顺丰"),)
    void(part.waybill)
    assert make.page(part.waybill).row.trip == trip.ref


def test_a_split_is_not_voided_and_says_what_to_do_instead():
    order = make.collected()
    trip = make.on_trip(order.waybill)
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    for waybill in (order.waybill, part.waybill):
        split = JourneyEvent.objects.get(shipment__waybill=waybill, kind="split")
        with pytest.raises(RuleBroken, match=r"拆单不能撤销.*配到同一车次"):
            journey.event_void(actor=make.TEST, event_id=split.pk, reason="拆错")
        assert make.page(waybill).row.trip == trip.ref
    assert not JourneyEvent.objects.filter(kind="voided").exists()
