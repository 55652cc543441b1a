"""A company moves in: its past is taken over once, whole or not at all, and goes on from there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.access import make as access_make
from tests.field.make import picture
from tests.network import make as network_make
from zaitu.access import public as access
from zaitu.access.models import AuditEntry
from zaitu.journey import public as journey
from zaitu.journey.models import Shipment, Trip
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid
from zaitu.kernel.principal import Right, system
from zaitu.notify.models import Message
from zaitu.telemetry.events import StopEntered, StopLeft

pytestmark = pytest.mark.django_db

ACTOR = system("test")
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    network_make.line()
    network_make.product()
    network_make.vehicle()
    return clock.now().replace(microsecond=0)


def party(name="李华"):
    return journey.PartyDraft(
        name=name, phone="13812345678", city="上海", address="人民路1号", email="li@example.cn"
    )


def order(now, ref="A-1", *, hours_ago=30, trip="T1", events=(), **fields):
    draft = journey.OrderDraft(
        **{
            "product": "LTL",
            "from_station": "SHQP",
            "to_station": "CDQB",
            "pieces": 2,
            "weight_kg": 10,
            "volume_m3": 0.1,
            "goods": "样品",
            "consignor": party("王强"),
            "consignee": party(),
            "client_ref": ref,
            **fields,
        }
    )
    return journey.PastOrder(draft=draft, at=now - hours_ago * HOUR, trip=trip, events=tuple(events))


def trip(now, *, left_h_ago=12, arrived=False):
    """On its way since 12 h, through 武汉 2 h ago; with `arrived` at its end since an hour."""
    stops = [
        (None, now - left_h_ago * HOUR),
        (now - 2 * HOUR, now - HOUR),
        (now - HOUR / 2 if arrived else None, None),
    ]
    return journey.PastTrip(
        key="T1",
        draft=journey.TripDraft(line="SH-CD", plate="沪A12345", departs_at=now - left_h_ago * HOUR),
        planned_at=now - 24 * HOUR,
        stops=tuple(stops),
    )


def take(*orders, trips=()):
    return journey.history_import(
        actor=ACTOR, history=journey.History(trips=tuple(trips), orders=tuple(orders))
    )


def page(waybill):
    return journey.shipment_page(actor=ACTOR, waybill=waybill)


def test_goods_on_the_road_are_where_their_truck_is_and_nobody_is_told(now):
    taken = take(order(now), trips=[trip(now)])
    view = page(taken.waybills["A-1"])
    assert (view.row.status, view.row.detail) == ("in_transit", "left_stop")
    assert view.trip.ref == taken.trips["T1"]
    assert view.trip.state == "running"
    assert view.row.ordered_at == now - 30 * HOUR
    assert all(event.recorded_at == event.at for event in view.events), "told there when it happened"
    assert len(view.eta_history) == 1
    assert not Message.objects.exists()


def test_the_links_of_goods_on_their_way_are_one_entry_in_the_record(now):
    signed = journey.PastEvent(kind="signed", at=now - HOUR / 4, station="CDQB", data={"signer": "赵敏"})
    done = order(now, "A-9", events=[signed], trip="")
    taken = take(order(now, "A-1", trip=""), order(now, "A-2", trip=""), done)
    rows = Shipment.objects.filter(waybill__in=[taken.waybills["A-1"], taken.waybills["A-2"]])
    for row in rows:
        assert access.principal_of_link(row.notice_link).waybill == row.waybill
    assert Shipment.objects.get(waybill=taken.waybills["A-9"]).notice_link == ""
    entries = AuditEntry.objects.filter(action__contains="link")
    assert [(entry.action, entry.detail["links"]) for entry in entries] == [("links.issue", 2)]


def test_the_record_says_what_was_new_and_nothing_when_nothing_was(now):
    def recorded():
        return {
            entry.action: entry.detail
            for entry in AuditEntry.objects.filter(
                action__in=("contact.put", "contacts.put", "history.import", "links.issue")
            )
        }

    take(order(now), trips=[trip(now)])
    first = recorded()
    assert first["history.import"] == {"orders": 1, "trips": 1}
    assert first["contacts.put"]["contacts"] == 2
    assert "contact.put" not in first
    entries = AuditEntry.objects.count()
    take(order(now), trips=[trip(now)])
    assert AuditEntry.objects.count() == entries
    take(order(now), order(now, "A-2"), trips=[trip(now)])
    newest = AuditEntry.objects.filter(action="history.import").latest("id")
    assert newest.detail == {"orders": 1, "trips": 0}


def test_signed_goods_keep_who_signed(now):
    signed = journey.PastEvent(
        kind="signed", at=now - HOUR / 4, station="CDQB", data={"signer": "赵敏", "relation": "on_behalf"}
    )
    taken = take(order(now, events=[signed]), trips=[trip(now, arrived=True)])
    view = page(taken.waybills["A-1"])
    assert (view.row.status, view.row.detail, view.row.final) == ("signed", "on_behalf", True)
    assert view.proofs[0].signer == "赵敏"
    assert "赵敏" not in str([event.data for event in view.events])


def test_the_image_that_was_signed_comes_along_once_and_an_image_that_is_none_stops_all(now):
    signed = journey.PastEvent(kind="signed", at=now - HOUR / 4, station="CDQB", data={"signer": "赵敏"})
    asked = []

    def image(past, event):
        asked.append((past.draft.client_ref, event.data["signer"]))
        return picture(encoding="PNG") if past.draft.client_ref == "A-1" else b"<svg onload=alert(1)>"

    def moved(*orders):
        history = journey.History(trips=(trip(now, arrived=True),), orders=orders, signature=image)
        return journey.history_import(actor=ACTOR, history=history)

    for _ in range(2):
        waybill = moved(order(now, events=[signed])).waybills["A-1"]
    assert asked == [("A-1", "赵敏")]
    (proof,) = page(waybill).proofs
    content, mime = journey.file_read(actor=ACTOR, file_id=proof.signature)
    assert (mime, content[:4]) == ("image/png", b"\x89PNG")
    assert page(waybill).document["proofs"][0]["signature"] == proof.signature
    with pytest.raises(Invalid, match="图片"):
        moved(order(now, "A-2", events=[signed]))
    assert Shipment.objects.count() == 1


def test_taking_the_same_over_again_adds_only_what_is_new(now):
    first = take(order(now), trips=[trip(now)])
    again = take(order(now), order(now, "A-2"), trips=[trip(now)])
    assert again.orders == 1
    assert again.trips == first.trips
    assert again.waybills["A-1"] == first.waybills["A-1"]
    assert Shipment.objects.count() == 2
    assert Trip.objects.count() == 1


def test_a_terminal_that_reports_a_stop_again_doubles_nothing(now):
    taken = take(order(now), trips=[trip(now)])
    waybill = taken.waybills["A-1"]
    told, vehicle = len(page(waybill).events), page(waybill).trip.vehicle_id
    common = {"vehicle_id": vehicle, "trip": taken.trips["T1"], "late": True}
    journey.on_stop_left(StopLeft(seq=0, at=now - 12 * HOUR + timedelta(seconds=20), **common))
    journey.on_stop_entered(StopEntered(seq=1, at=now - 2 * HOUR - timedelta(seconds=20), **common))
    assert len(page(waybill).events) == told


def test_the_journey_goes_on_as_any_other(now):
    taken = take(order(now), trips=[trip(now)])
    waybill = taken.waybills["A-1"]
    entered = StopEntered(
        vehicle_id=page(waybill).trip.vehicle_id, trip=taken.trips["T1"], seq=2, at=now, late=False
    )
    journey.on_stop_entered(entered)
    assert page(waybill).row.status == "arrived"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_ref": ""},
        {"pieces": 0},
        {"to_station": "SHQP"},
        {"product": "NONE", "trip": ""},
        {"from_station": "CDQB", "to_station": "WHDX"},
        {"events": [journey.PastEvent(kind="voided", at=clock.now())]},
        {"consignee": party("")},
    ],
    ids=[
        "no number",
        "no pieces",
        "nowhere to go",
        "no product",
        "against the line",
        "no past event",
        "no name",
    ],
)
def test_one_wrong_order_and_nothing_is_taken(now, wrong):
    with pytest.raises(Invalid):
        take(order(now, "GOOD"), order(now, **({"ref": "BAD"} | wrong)), trips=[trip(now)])
    assert not Shipment.objects.exists()
    assert not Trip.objects.exists()


def test_a_trip_with_other_stops_than_its_line_is_refused(now):
    short = trip(now)
    with pytest.raises(Invalid):
        take(order(now), trips=[replace(short, stops=short.stops[:2])])
    assert not Trip.objects.exists()


@pytest.mark.parametrize("role", ["service", "warehouse", "driver", "finance"])
def test_only_those_who_may_correct_shipments_take_history_over(now, role):
    with pytest.raises(Forbidden):
        journey.history_import(
            actor=access_make.staff(role), history=journey.History(trips=(), orders=(order(now, trip=""),))
        )
    with pytest.raises(Forbidden):
        journey.history_import(
            actor=access_make.key_of("C001", *Right), history=journey.History(trips=(), orders=())
        )
    assert not Shipment.objects.exists()


def test_a_hundred_finished_orders_take_as_many_queries_as_a_few(now, django_assert_max_num_queries):
    """Open ones each get a link of their own."""
    signed = journey.PastEvent(kind="signed", at=now - HOUR / 4, station="CDQB", data={"signer": "赵敏"})
    orders = [order(now, f"A-{number}", events=[signed]) for number in range(100)]
    with django_assert_max_num_queries(75):
        taken = take(*orders, trips=[trip(now, arrived=True)])
    assert taken.orders == 100
