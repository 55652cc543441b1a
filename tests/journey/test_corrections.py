"""Corrections, partners' words and other numbers: nothing is changed or lost, everything is recorded."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from tests.access import make as access
from tests.journey import make
from zaitu.access.models import AuditEntry
from zaitu.journey import public as journey
from zaitu.journey.domain import mappings
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import DETAILS
from zaitu.journey.models import JourneyEvent, Leg, NumberLink, Shipment, TripStop
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def event_of(waybill, kind):
    return JourneyEvent.objects.filter(shipment__waybill=waybill, kind=kind).latest("id")


def void(event, reason="扫错"):
    return journey.event_void(actor=make.TEST, event_id=event.pk, reason=reason).row


def record(waybill, kind, actor=make.TEST, **fields):
    draft = journey.ManualEvent(**{"kind": kind, "note": "客户来电", **fields})
    return journey.event_record(actor=actor, waybill=waybill, draft=draft)


# The log is append-only


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_itself_refuses_to_change_or_remove_an_event(change):
    order = make.order()
    rows = JourneyEvent.objects.filter(shipment__waybill=order.waybill)
    attempt = {"update": lambda: rows.update(kind="signed"), "delete": rows.delete}[change]
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        attempt()
    assert event_of(order.waybill, "ordered").kind == "ordered"


# Voided, reopened


def test_a_voided_event_drops_out_and_who_and_why_stays():
    order = make.order()
    make.scan("inbound", order.waybill)
    row = void(event_of(order.waybill, "inbound"))
    assert (row.status, row.detail) == ("ordered", "accepted")
    assert event_of(order.waybill, "voided").data == {"reason": "扫错"}
    assert void(event_of(order.waybill, "inbound")).status == "ordered"
    assert JourneyEvent.objects.filter(kind="voided").count() == 1


def test_the_order_and_a_voiding_cannot_be_voided_and_a_reason_is_needed():
    order = make.order()
    make.scan("inbound", order.waybill)
    with pytest.raises(Invalid):
        void(event_of(order.waybill, "inbound"), " ")
    void(event_of(order.waybill, "inbound"))
    for kind in ("ordered", "voided"):
        with pytest.raises(RuleBroken):
            void(event_of(order.waybill, kind))
    with pytest.raises(NotFound):
        journey.event_void(actor=make.TEST, event_id=10**9, reason="没有")


def test_a_voided_departure_puts_the_goods_off_the_truck_again():
    order = make.order()
    trip = make.on_trip(order.waybill)
    journey.on_stop_left(
        StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=clock.now(), late=False)
    )
    assert make.page(order.waybill).vehicle_id
    void(event_of(order.waybill, "stop_left"))
    assert make.page(order.waybill).vehicle_id is None
    assert Leg.objects.get().state == "planned"
    assert make.status(order.waybill) == ("ordered", "accepted")


def test_after_a_false_fence_event_was_voided_the_true_one_counts_and_the_false_one_told_again_does_not():
    order = make.order()
    start = clock.now() - timedelta(hours=12)
    trip = make.on_trip(order.waybill, departs_in=-timedelta(hours=12))

    def told(kind, seq, at):
        return kind(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=seq, at=at, late=False)

    journey.on_stop_left(told(StopLeft, 0, start))
    false = told(StopEntered, 1, start + timedelta(hours=2))
    journey.on_stop_entered(false)
    void(event_of(order.waybill, "stop_entered"), "定位漂移")
    journey.on_stop_entered(false)
    assert make.status(order.waybill) == ("in_transit", "departed")
    arrived_at = start + timedelta(hours=10)
    for _ in range(2):
        journey.on_stop_entered(told(StopEntered, 1, arrived_at))
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    assert JourneyEvent.objects.filter(kind="stop_entered").count() == 2
    assert TripStop.objects.get(trip__ref=trip.ref, seq=1).arrived_at == arrived_at


def test_a_voided_departure_that_is_told_again_does_not_put_the_goods_on_board():
    order = make.order()
    trip = make.on_trip(order.waybill)
    fact = StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=clock.now(), late=False)
    journey.on_stop_left(fact)
    void(event_of(order.waybill, "stop_left"))
    journey.on_stop_left(fact)
    assert Leg.objects.get().state == "planned"
    assert make.page(order.waybill).vehicle_id is None


def test_while_scan_and_fence_both_say_so_voiding_one_changes_nothing():
    order = make.order()
    trip = make.on_trip(order.waybill)
    make.scan("departed", trip.ref)
    for event in (StopLeft, StopEntered):
        told = event(
            vehicle_id=trip.vehicle_id, trip=trip.ref, seq=event is StopEntered, at=clock.now(), late=False
        )
        (journey.on_stop_left if event is StopLeft else journey.on_stop_entered)(told)
    void(event_of(order.waybill, "departed"))
    assert make.status(order.waybill) == ("at_stop", "at_stop")
    assert make.page(order.waybill).vehicle_id


def test_only_a_recorded_correction_reopens_and_the_proof_is_shown_no_more():
    order = make.order()
    make.scan("unloaded", order.waybill, make.DESTINATION)
    make.sign(order.waybill)
    row = journey.shipment_reopen(actor=make.TEST, waybill=order.waybill, reason="签错票")
    assert (row.status, row.detail, row.final) == ("arrived", "unloaded", False)
    assert make.page(order.waybill).document["proofs"] == []
    with pytest.raises(RuleBroken):
        journey.shipment_reopen(actor=make.TEST, waybill=order.waybill, reason="再来")
    make.sign(order.waybill, signer="李四", relation="代收")
    assert make.status(order.waybill) == ("signed", "on_behalf")
    assert len(make.page(order.waybill).document["proofs"]) == 1


@pytest.mark.parametrize("role", ["service", "warehouse", "driver", "finance"])
def test_correcting_takes_its_right_and_a_refusal_writes_nothing(role):
    order = make.collected()
    make.sign(order.waybill)
    actor, before = access.staff(role), JourneyEvent.objects.count()
    calls = (
        lambda: journey.event_void(actor=actor, event_id=event_of(order.waybill, "signed").pk, reason="x"),
        lambda: journey.shipment_reopen(actor=actor, waybill=order.waybill, reason="x"),
        lambda: record(order.waybill, "lost", actor=actor),
        lambda: record(order.waybill, "collected", actor=actor),
        lambda: journey.partner_events(actor=actor, partner="zto", events=[]),
        lambda: journey.shipment_forward(actor=actor, waybill=order.waybill, number="SF123", carrier="顺丰"),
        lambda: journey.shipment_split(actor=actor, waybill=order.waybill, labels=[order.pieces[0]]),
    )
    for call in calls:
        with pytest.raises(Forbidden):
            call()
    assert JourneyEvent.objects.count() == before
    assert make.status(order.waybill) == ("signed", "consignee")


# A desk


def test_a_desk_records_what_happened_outside_the_field():
    order = make.order()
    assert record(order.waybill, "pickup_booked").detail == "pickup_booked"
    assert record(order.waybill, "problem", code="delay_weather").exception["code"] == "delay_weather"
    assert record(order.waybill, "problem_solved", code="delay_weather").exception is None
    assert record(order.waybill, "cancelled").status == "closed"
    assert AuditEntry.objects.filter(subject=order.waybill, action="event.cancelled").count() == 1


def test_a_missed_collection_recorded_at_the_desk_with_its_reason_lets_the_goods_be_signed():
    order = make.order()
    assert make.sign(order.waybill).level == "wrong"
    with pytest.raises(Invalid, match="原因"):
        record(order.waybill, "collected", note=" ")
    row = record(order.waybill, "collected", note="司机漏扫，电话核实")
    assert (row.status, row.detail) == ("awaiting_departure", "collected")
    event = event_of(order.waybill, "collected")
    assert (event.source, event.station_code) == ("manual", make.ORIGIN)
    assert event.data["cause"] == "司机漏扫，电话核实"
    signed = make.sign(order.waybill)
    assert (signed.level, signed.status) == ("warn", "signed")


def test_the_same_key_is_recorded_once():
    order = make.order()
    for _ in range(2):
        record(order.waybill, "problem", code="damaged", key="call-7")
    assert JourneyEvent.objects.filter(kind="problem").count() == 1


def test_what_the_state_forbids_is_refused_and_not_recorded():
    order = make.order()
    make.scan("collected", order.waybill)
    with pytest.raises(RuleBroken, match="拦截"):
        record(order.waybill, "cancelled")
    make.sign(order.waybill)
    with pytest.raises(RuleBroken):
        record(order.waybill, "returning")
    with pytest.raises(Invalid):
        record(order.waybill, "signed")
    with pytest.raises(Invalid):
        record(order.waybill, "problem", code="alien")
    assert not JourneyEvent.objects.filter(kind__in=("cancelled", "returning", "problem")).exists()


# Partners


def told(waybill, code, hours=0, dialect="kuaidi100", **fields):
    event = journey.PartnerEvent(
        waybill=waybill,
        code=code,
        text=f"原文 {code}",
        at=clock.now() - timedelta(hours=10 - hours),
        dialect=dialect,
        **fields,
    )
    return journey.partner_events(actor=make.TEST, partner="zto", events=[event])


def test_a_partners_codes_move_the_shipment_and_its_words_are_kept():
    order = make.order()
    for hours, (code, expected) in enumerate(
        [
            ("103", ("awaiting_departure", "collected")),
            ("1002", ("in_transit", "moving")),
            ("1001", ("arrived", "destination")),
            ("5", ("in_transit", "out_for_delivery")),
            ("303", ("signed", "on_behalf")),
        ]
    ):
        told(order.waybill, code, hours)
        assert make.status(order.waybill) == expected
    event = event_of(order.waybill, "signed")
    assert (event.source, event.raw_code, event.raw_text) == ("partner:zto", "303", "原文 303")


def test_an_unknown_code_is_in_transit_with_its_own_words_and_never_dropped():
    order = make.order()
    make.scan("collected", order.waybill, at=clock.now() - timedelta(hours=11))
    assert told(order.waybill, "98765").recorded == 1
    assert make.status(order.waybill) == ("in_transit", "moving")
    assert event_of(order.waybill, "moving").raw_code == "98765"


def test_an_unknown_code_does_not_take_an_arrival_back():
    order = make.order()
    make.scan("unloaded", order.waybill, make.DESTINATION)
    told(order.waybill, "98765", hours=10)
    assert make.status(order.waybill) == ("arrived", "unloaded")


def test_repeats_are_recognised_and_unknown_numbers_reported():
    order = make.order()
    at = clock.now()
    event = journey.PartnerEvent(waybill=order.waybill, code="103", text="揽收", at=at)
    other = journey.PartnerEvent(waybill="ZT0000000000000", code="103", text="揽收", at=at)
    first = journey.partner_events(actor=make.TEST, partner="zto", events=[event, event, other])
    assert (first.recorded, first.repeated, first.unknown) == (1, 1, ("ZT0000000000000",))
    again = journey.partner_events(actor=make.TEST, partner="zto", events=[event])
    assert (again.recorded, again.repeated) == (0, 1)


def test_a_second_other_ending_told_by_a_partner_has_no_effect():
    order = make.collected()
    make.sign(order.waybill)
    told(order.waybill, "4", hours=1)
    assert make.status(order.waybill) == ("signed", "consignee")
    assert event_of(order.waybill, "returned").idle


@pytest.mark.parametrize("dialect", sorted(mappings.DIALECTS.keys() - {mappings.OWN, "epcis"}))
def test_every_code_we_say_in_others_words_is_one_we_understand(dialect):
    """In EPCIS events are said, not states: tests/epcis/test_domain.py."""
    field = {"kuaidi100": "kuaidi100", "aftership": "aftership", "17track": "seventeen_track"}[dialect]
    known = mappings.DIALECTS[dialect]
    for status, details in DETAILS.items():
        for detail in details:
            assert getattr(mappings.words_for(status, detail), field) in known
    assert set(mappings.PROBLEM_WORDS) == set(Problem)
    assert all(getattr(words, field) in known for words in mappings.PROBLEM_WORDS.values())


# Other numbers


def test_a_forwarded_number_is_followed_both_ways():
    order = make.order(customer_code=None)
    for _ in range(2):
        journey.shipment_forward(
            actor=make.TEST, waybill=order.waybill, number="sf1234567890", carrier="顺丰"
        )
    assert make.status(order.waybill) == ("in_transit", "handed_to_partner")
    assert NumberLink.objects.count() == 1
    assert journey.track(actor=make.TEST, waybill="SF1234567890").waybill == order.waybill
    assert make.page(order.waybill).numbers == (("SF1234567890", "顺丰"),)
    found = journey.shipments_search(actor=make.TEST, query=journey.ShipmentQuery(text="SF1234567890"))
    assert [row.waybill for row in found.rows] == [order.waybill]
    report = journey.partner_events(
        actor=make.TEST,
        partner="sf",
        events=[journey.PartnerEvent(waybill="SF1234567890", code="5", text="派件", at=clock.now())],
    )
    assert report.recorded == 1
    assert make.status(order.waybill) == ("in_transit", "out_for_delivery")


def test_a_voided_forwarding_takes_back_the_handing_over_unlinks_the_number_and_can_be_made_again():
    order = make.collected()

    def forward():
        journey.shipment_forward(actor=make.TEST, waybill=order.waybill, number="SF777777", carrier="顺丰")

    forward()
    void(event_of(order.waybill, "forwarded"), "转错了")
    assert make.status(order.waybill) == ("awaiting_departure", "collected")
    assert make.page(order.waybill).numbers == ()
    with pytest.raises(NotFound):
        journey.track(actor=make.TEST, waybill="SF777777")
    forward()
    assert make.status(order.waybill) == ("in_transit", "handed_to_partner")
    assert journey.track(actor=make.TEST, waybill="SF777777").waybill == order.waybill


def test_goods_handed_to_a_partner_do_not_leave_with_the_truck_they_were_planned_on():
    order, other = make.collected(), make.collected()
    trip = make.on_trip(order.waybill, other.waybill)
    journey.shipment_forward(actor=make.TEST, waybill=order.waybill, number="SF777777", carrier="顺丰")
    assert make.page(order.waybill).row.trip == ""
    make.scan("departed", trip.ref)
    assert make.status(order.waybill) == ("in_transit", "handed_to_partner")
    assert make.status(other.waybill) == ("in_transit", "departed")


def test_a_partner_s_number_is_kept_as_strangers_may_type_it_unless_it_is_too_short():
    order = make.order()
    for number in ("sf-1234 5678", "A-12"):
        journey.shipment_forward(actor=make.TEST, waybill=order.waybill, number=number, carrier="顺丰")
    assert list(NumberLink.objects.order_by("id").values_list("number", "plain")) == [
        ("SF-1234 5678", "SF12345678"),
        ("A-12", ""),
    ]


def test_another_customers_key_does_not_follow_a_partners_number():
    make.customer("ACME")
    make.customer("BETA")
    order = make.order(customer_code="ACME")
    journey.shipment_forward(actor=make.TEST, waybill=order.waybill, number="SF777777", carrier="顺丰")
    with pytest.raises(NotFound):
        journey.track(actor=access.key_of("BETA", Right.SHIPMENTS_READ), waybill="SF777777")


def test_a_split_part_travels_on_with_the_history_and_both_name_each_other():
    order = make.order(pieces=3)
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.waybill, trip=trip.ref)
    make.scan("departed", trip.ref)
    part = journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[order.pieces[2]])
    child, parent = make.page(part.waybill), make.page(order.waybill)
    assert (child.row.status, child.row.pieces, parent.row.pieces) == ("in_transit", 1, 2)
    assert child.parent == order.waybill
    assert parent.children == (part.waybill,)
    assert child.document["parent"] == order.waybill
    assert parent.document["children"] == [part.waybill]
    assert [piece.label for piece in child.pieces] == [order.pieces[2]]
    assert make.scan("unloaded", order.pieces[2], make.DESTINATION).waybill == part.waybill
    make.sign(order.waybill)
    assert make.status(order.waybill) == ("signed", "consignee")
    assert make.status(part.waybill)[0] == "arrived"


@pytest.mark.parametrize("chosen", [(), (0, 1, 2)])
def test_a_split_leaves_something_and_takes_something(chosen):
    order = make.order(pieces=3)
    with pytest.raises(Invalid):
        journey.shipment_split(
            actor=make.TEST, waybill=order.waybill, labels=[order.pieces[number] for number in chosen]
        )
    assert Shipment.objects.count() == 1


def test_pieces_of_another_shipment_or_signed_ones_are_not_split_off():
    order, other = make.collected(pieces=3), make.order(pieces=3)
    make.sign(order.pieces[0])
    for label in (other.pieces[0], order.pieces[0]):
        with pytest.raises(Invalid):
            journey.shipment_split(actor=make.TEST, waybill=order.waybill, labels=[label])
    assert Shipment.objects.count() == 2


def test_a_partner_s_key_speaks_for_itself_only_and_needs_the_right():
    order = make.order()
    journey.shipment_forward(actor=make.TEST, waybill=order.waybill, number="SF777777", carrier="顺丰")
    event = journey.PartnerEvent(waybill="SF777777", code="5", text="", at=clock.now())
    fields = {"kind": Who.PARTNER_KEY, "name": "k1"}
    right = frozenset({Right.PARTNER_EVENTS})
    for actor, partner in (
        (Principal(**fields, partner="顺丰", rights=right), "中通"),
        (Principal(**fields, partner="顺丰"), "顺丰"),
        (Principal(**fields, rights=right), ""),
        (access.key_of("ACME", *Right), "顺丰"),
    ):
        with pytest.raises(Forbidden):
            journey.partner_events(actor=actor, partner=partner, events=[event])
    assert not JourneyEvent.objects.filter(source__startswith="partner:").exists()
    actor = Principal(**fields, partner="顺丰", rights=right)
    assert journey.partner_events(actor=actor, partner="顺丰", events=[event]).recorded == 1
    with pytest.raises(Forbidden):
        journey.shipment_page(actor=actor, waybill=order.waybill)
