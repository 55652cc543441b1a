"""The demo company: a believable week, the same at every load."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.db import transaction

from zaitu.access import public as access
from zaitu.config.demo import drive, load, schedule
from zaitu.config.demo.geography import ROADS, STATIONS
from zaitu.config.demo.orders import orders_of
from zaitu.config.demo.past import drive_of, life
from zaitu.config.demo.roads import BY_CODE, points, stops
from zaitu.config.demo.setup import ACTOR, KEY_CUSTOMER
from zaitu.config.demo.staff import _scan_data
from zaitu.desk import public as desk
from zaitu.desk.models import Rating
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.geo import Polyline, distance_m, in_china
from zaitu.network import public as network
from zaitu.notify.models import Message

pytestmark = pytest.mark.django_db

LINES = [code for road in ROADS for code in (road.code, f"{road.code}-R")]


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker):
    """Loaded once for all tests here, and taken back afterwards."""
    at = clock.now()
    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(at, tick=False):
            taken = load.load()
        yield SimpleNamespace(at=at, taken=taken)
        transaction.set_rollback(True)


def found(**query) -> list[journey.ShipmentRow]:
    page = journey.shipments_search(actor=ACTOR, query=journey.ShipmentQuery(**query), size=50)
    rows = list(page.rows)
    for number in range(2, page.pages + 1):
        rows += journey.shipments_search(
            actor=ACTOR, query=journey.ShipmentQuery(**query), page=number, size=50
        ).rows
    return rows


def test_there_is_a_week_of_shipments_past_running_and_to_come(company):
    rows = found()
    assert 600 <= len(rows) <= 700
    statuses = Counter(row.status for row in rows)
    assert {"ordered", "awaiting_departure", "in_transit", "signed", "closed"} <= set(statuses)
    assert statuses["signed"] > 300
    assert statuses["in_transit"] + statuses["at_stop"] > 40
    assert sum(row.exception is not None for row in rows) >= 5
    assert len({row.waybill for row in rows}) == len(rows)


def test_it_has_six_roads_forty_vehicles_and_two_dozen_stations(company):
    assert len(ROADS) == 6
    assert network.lines_list(actor=ACTOR).total == 12, "there and back"
    assert network.vehicles_list(actor=ACTOR, text="").total == 40
    assert network.stations_list(actor=ACTOR).total == len(STATIONS) == 24


def test_cold_goods_ride_in_cold_trucks_within_a_band(company):
    rows = [row for row in found(status="signed") if row.from_station in ("QDJZ", "SHJD")]
    assert rows
    view = journey.shipment_page(actor=ACTOR, waybill=rows[0].waybill)
    assert (view.cold_min_c, view.cold_max_c) == (2.0, 8.0)
    plates = {row.plate for row in rows if row.plate}
    assert all(network.vehicle_get(actor=ACTOR, plate=plate).temp_controlled for plate in plates)


def test_a_second_load_takes_nothing_twice(company):
    before = journey.trips_list(actor=ACTOR).total
    with time_machine.travel(company.at, tick=False):  # orders come in by the minute
        again = load.load()
    assert again.orders == 0
    assert again.waybills == company.taken.waybills
    assert journey.trips_list(actor=ACTOR).total == before


def test_what_people_are_told_to_open_is_theirs_and_lasts_two_hours(company):
    told = load.facts()
    view = journey.shipment_page(actor=ACTOR, waybill=told["waybill"])
    assert view.row.status in ("in_transit", "at_stop")
    arrives = next(stop for stop in view.trip.stops if stop.station_code == view.row.to_station)
    assert (arrives.eta or arrives.planned_arrival) - clock.now() >= timedelta(hours=2)
    consignee = next(
        person
        for person in journey.people_read(actor=ACTOR, waybill=told["waybill"], reason="test")
        if person.role == "consignee"
    )
    assert consignee.phone.endswith(told["phone_tail"])
    key = access.principal_of_key(told["api_key"])
    assert key.customer_code == KEY_CUSTOMER
    assert journey.shipment_page(actor=key, waybill=told["waybill"]).row.waybill == told["waybill"]
    assert load.facts()["api_key"] == told["api_key"]


def test_the_password_opens_the_console(company, rf):
    told = load.facts()
    assert authenticate(rf.post("/"), username=told["console_user"], password=told["console_password"])


def test_every_past_signature_has_its_image_and_its_scans_say_where_they_come_from(company):
    rows = found(status="signed")
    for row in rows[:: len(rows) // 8]:
        view = journey.shipment_page(actor=ACTOR, waybill=row.waybill)
        (proof,) = view.proofs
        content, mime = journey.file_read(actor=ACTOR, file_id=proof.signature)
        assert (mime, content[:4]) == ("image/png", b"\x89PNG")
        assert {piece.kind for piece in view.pieces} == {"signed"}
        assert {event.source_text for event in view.events} == {"下单", "历史导入", "车辆定位"}


def test_the_staff_signs_with_an_image_that_is_kept_once_however_often_it_tries(company):
    open_ones = {row.waybill for row in found(status="in_transit")}
    order, waybill, signed = next(
        (order, company.taken.waybills[order.ref], event)
        for back in (1, 2)
        for order in orders_of(clock.local(clock.now()).date() - timedelta(days=back))
        for event in life(order)
        if event.kind == "signed" and company.taken.waybills[order.ref] in open_ones
    )
    first, again = (_scan_data(order, signed, waybill) for _ in range(2))
    assert first == again
    draft = journey.ScanDraft(
        kind="signed", code=waybill, station_code=signed.station, at=clock.now(), key="t", data=first
    )
    assert journey.scan_record(actor=ACTOR, draft=draft).status == "signed"
    assert journey.shipment_page(actor=ACTOR, waybill=waybill).proofs[0].signature == first["signature"]


def test_history_tells_nobody(company):
    from zaitu.notify import public as notify

    signed = found(status="signed")[0].waybill
    assert notify.messages_of(actor=ACTOR, waybill=signed) == []


@pytest.mark.parametrize("line", LINES)
def test_roads_lie_in_china_and_pass_their_stations_in_order(line):
    road = Polyline(points(line))
    assert 40 <= len(points(line)) <= 1000
    assert all(in_china(lat, lon) for lat, lon in points(line))
    along = [road.locate(BY_CODE[code].lat, BY_CODE[code].lon) for code in stops(line)]
    assert all(off_m < 50 for _, off_m in along)
    assert all(a < b for (a, _), (b, _) in pairwise(along))
    assert all(distance_m(*a, *b) < 30_000 for a, b in pairwise(points(line)))


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("late", [False, True])
def test_a_drive_is_one_a_truck_can_drive(line, late):
    driven = drive.drive(f"test {line}", drive.stops_along_m(line), late=late)
    assert all(a < b for a, b in pairwise(driven.at_s))
    wheel_s = 0.0
    for knot in range(1, len(driven.at_s)):
        took_s = driven.at_s[knot] - driven.at_s[knot - 1]
        speed_kmh = (driven.along_m[knot] - driven.along_m[knot - 1]) / took_s * 3.6
        assert 0 <= speed_kmh <= 90
        wheel_s = 0.0 if speed_kmh == 0 else wheel_s + took_s
        assert wheel_s <= 5.2 * 3600, "four hours at the wheel, and the way to the next rest"
    assert driven.at(timedelta(0)).along_m == 0
    assert driven.at(driven.lasts).over
    assert driven.at(driven.lasts).along_m == pytest.approx(drive.stops_along_m(line)[-1])


def test_every_truck_is_back_before_it_leaves_again():
    now = clock.now()
    for truck in schedule.trucks():
        turns = [run for run in schedule.runs(now, now + timedelta(days=30)) if run.plate == truck.plate]
        assert len(turns) >= 9
        for run, following in pairwise(turns):
            starts_at, driven = drive_of(run)
            assert starts_at + driven.lasts < following.departs_at
            assert stops(run.line)[-1] == stops(following.line)[0], "it leaves where it has arrived"


def test_there_is_always_a_truck_with_hours_to_go():
    now = clock.now()
    for hours in range(0, 24 * 8, 3):
        at = now + timedelta(hours=hours)
        running = [run for run in schedule.runs(at - timedelta(hours=40), at) if run.line.startswith("SH-CD")]
        left = [
            starts_at + driven.lasts - at for starts_at, driven in map(drive_of, running) if starts_at < at
        ]
        assert max(left) > timedelta(hours=6)


def test_at_every_half_hour_of_a_day_some_orders_wait_to_be_collected():
    day = date(2026, 11, 26)
    orders = [*orders_of(day - timedelta(days=1)), *orders_of(day)]
    for half_hours in range(48):
        now = datetime.combine(day, time(), clock.CHINA) + timedelta(minutes=30 * half_hours)
        assert any(order.at <= now < schedule.collected_at(order.at) for order in orders), now


def test_some_customers_have_asked_something_and_some_still_wait(company):
    page = desk.conversations(actor=ACTOR, query=desk.ConversationQuery())
    assert page.total == 7
    assert sum(row.waiting_since is not None for row in page.rows) == 3
    assert all(row.due_at > company.at for row in page.rows if row.due_at)
    assert all(row.last_at <= company.at for row in page.rows)
    for row in page.rows:
        signed_at = journey.parties(actor=ACTOR, waybill=row.waybill).signed_at
        first = desk.conversation_get(actor=ACTOR, conversation_id=row.id).entries[0]
        assert signed_at is None or first.at > signed_at
    assert Rating.objects.count() == 7
    assert not Message.objects.filter(purpose="reply").exists(), "what is past is told to nobody"
