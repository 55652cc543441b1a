"""Scans in the field: counted, judged, answered once per key."""

from datetime import timedelta

import pytest

from tests.access import make as access
from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, ScanReceipt
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def events_of(waybill, kind=None):
    found = JourneyEvent.objects.filter(shipment__waybill=waybill).exclude(kind="ordered")
    return found.filter(kind=kind) if kind else found


# Counting


def test_every_scan_says_how_far_it_is():
    order = make.order(pieces=3)
    first = make.scan("inbound", order.pieces[0])
    assert (first.counts.expected, first.counts.scanned, first.counts.short) == (3, 1, 2)
    assert first.message == "入库 1/3 件，还差 2 件"
    make.scan("inbound", order.pieces[1])
    assert make.scan("inbound", order.pieces[2]).message == "入库 3/3 件，齐了"


def test_a_scan_of_the_waybill_counts_all_pieces_or_those_said():
    order = make.order(pieces=30)
    assert make.scan("inbound", order.waybill).counts.scanned == 30
    other = make.order(pieces=30)
    assert make.scan("inbound", other.waybill, data={"pieces": 29}).counts.short == 1


def test_a_piece_scanned_twice_counts_once():
    order = make.order(pieces=3)
    make.scan("inbound", order.pieces[0])
    again = make.scan("inbound", order.pieces[0])
    assert (again.duplicate, again.counts.scanned) == (True, 1)
    assert events_of(order.waybill, "inbound").count() == 1


def test_the_trip_sheet_lists_what_is_loaded_and_what_is_short():
    whole, part = make.order(pieces=2), make.order(pieces=3)
    trip = make.on_trip(whole.waybill, part.waybill)
    make.scan("loaded", whole.waybill, trip=trip.ref)
    make.scan("loaded", part.pieces[0], trip=trip.ref)
    sheet = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.ORIGIN)
    assert (sheet.load.expected, sheet.load.scanned, sheet.load.short) == (5, 3, 2)
    assert {row.waybill: (row.ok, row.short) for row in sheet.rows} == {
        whole.waybill: (True, 0),
        part.waybill: (False, 2),
    }
    below = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.DESTINATION)
    assert (below.unload.expected, below.unload.scanned) == (3, 0)
    assert journey.trip_get(actor=make.TEST, trip=trip.ref).loaded == 3


# Thirty loaded, twenty-nine unloaded


def ride(order, trip):
    make.scan("departed", trip.ref)
    make.scan("arrived", trip.ref, make.DESTINATION)


def test_thirty_loaded_and_twenty_nine_unloaded_is_a_shortage_when_unloading_is_accepted():
    order = make.order(pieces=30)
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.waybill, trip=trip.ref)
    ride(order, trip)
    last = None
    for label in order.pieces[:29]:
        last = make.scan("unloaded", label, make.DESTINATION)
    assert (last.counts.expected, last.counts.scanned, last.counts.short) == (30, 29, 1)
    accepted = make.scan("inspected", trip.ref, make.DESTINATION)
    assert accepted.level == "warn"
    assert "短少 1 件" in accepted.message
    row = make.page(order.waybill).row
    assert (row.exception["code"], row.exception["level"]) == ("short", 1)
    assert row.exception["cause"] == "卸车应 30 件，实 29 件，短少 1 件"
    assert row.status == "arrived"


def test_the_missing_piece_turning_up_ends_the_shortage():
    order = make.order(pieces=2)
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.waybill, trip=trip.ref)
    ride(order, trip)
    make.scan("unloaded", order.pieces[0], make.DESTINATION)
    make.scan("inspected", order.waybill, make.DESTINATION)
    assert make.page(order.waybill).row.exception["code"] == "short"
    make.scan("unloaded", order.pieces[1], make.DESTINATION)
    assert make.page(order.waybill).row.exception is None


def test_a_truck_that_leaves_with_a_part_makes_it_short_and_without_it_left_behind():
    part, none, whole = make.order(pieces=3), make.order(), make.order(pieces=1)
    trip = make.on_trip(part.waybill, none.waybill, whole.waybill)
    make.scan("loaded", part.pieces[0], trip=trip.ref)
    make.scan("loaded", whole.waybill, trip=trip.ref)
    left = make.scan("departed", trip.ref)
    assert left.level == "warn"
    assert left.message == "已发车，共 2 票；1 票未装，短少 2 件，请核对"
    assert make.page(part.waybill).row.exception["code"] == "short"
    behind = make.page(none.waybill).row
    assert (behind.exception["code"], behind.status, behind.trip) == ("omitted", "ordered", "")
    assert make.status(whole.waybill) == ("in_transit", "departed")


def test_a_station_that_does_not_scan_loading_is_believed_to_have_loaded_the_plan():
    order = make.order()
    trip = make.on_trip(order.waybill)
    assert make.scan("departed", trip.ref).level == "ok"
    assert make.status(order.waybill) == ("in_transit", "departed")
    assert make.page(order.waybill).row.exception is None


# Wrong scans: nothing recorded, and told what to do


def wrong(result, words, waybill=None):
    assert result.level == "wrong"
    assert words in result.message
    assert result.event_id is None
    if waybill:
        assert not events_of(waybill, result.status).exists()


def test_loading_onto_the_wrong_truck_names_the_right_one():
    order = make.order()
    right = make.on_trip(order.waybill)
    network.vehicle("沪B54321")
    other = make.trip("沪B54321")
    wrong(make.scan("loaded", order.pieces[0], trip=other.ref), f"应装 沪A12345（{right.ref}）")
    assert not events_of(order.waybill).exists()


def test_a_piece_that_was_not_planned_is_taken_along_with_a_warning_if_the_truck_goes_there():
    order, trip = make.order(), make.trip()
    taken = make.scan("loaded", order.waybill, trip=trip.ref)
    assert (taken.level, taken.message) == ("warn", "此件未配载，已补配到本车")
    assert make.page(order.waybill).row.trip == trip.ref


def test_a_truck_that_does_not_go_there_does_not_take_it():
    order = make.order(from_station=make.DESTINATION, to_station=make.ORIGIN)
    trip = make.trip()
    wrong(make.scan("loaded", order.waybill, make.DESTINATION, trip=trip.ref), "本车不到 上海青浦仓")
    assert not events_of(order.waybill).exists()


def test_unloading_at_the_wrong_stop_says_where():
    order = make.order()
    trip = make.on_trip(order.waybill)
    make.scan("departed", trip.ref)
    wrong(make.scan("unloaded", order.pieces[0], make.HUB), "应在 成都青白江站 卸车")


def test_a_finished_shipment_is_not_scanned_again():
    order = make.collected()
    make.sign(order.waybill)
    for kind in ("loaded", "unloaded", "signed", "refused"):
        wrong(make.scan(kind, order.waybill, make.DESTINATION), "已签收")
    assert make.status(order.waybill) == ("signed", "consignee")


@pytest.mark.parametrize("code", ["", "ZT0000000000000", "ZT123", "hello", "T20260101-999x", "'; drop table"])
def test_an_unknown_label_is_told_and_writes_nothing(code):
    wrong(make.scan("inbound", code), "没有这个运单或标签")
    assert not JourneyEvent.objects.exists()


def test_an_unknown_trip_is_told():
    order = make.order()
    wrong(make.scan("loaded", order.waybill, trip="T20260101-999"), "没有车次")
    wrong(make.scan("departed", "T20260101-999"), "没有车次")


def test_a_trip_cannot_leave_its_last_stop_or_be_somewhere_else():
    trip = make.trip()
    network.station("XIAN", "西安站", (34.3, 108.9), city="西安")
    wrong(make.scan("departed", trip.ref, make.DESTINATION), "终点站")
    wrong(make.scan("arrived", trip.ref, make.ORIGIN), "始发站")
    wrong(make.scan("departed", trip.ref, "XIAN"), "不经过本站")


def test_goods_at_a_station_they_do_not_pass_are_recorded_as_misrouted():
    network.station("XIAN", "西安站", (34.3, 108.9), city="西安")
    order = make.order()
    make.on_trip(order.waybill)
    strayed = make.scan("inbound", order.waybill, "XIAN")
    assert strayed.level == "warn"
    assert make.page(order.waybill).row.exception["code"] == "misrouted"


def test_a_voided_scan_takes_along_what_it_had_told_besides():
    network.station("XIAN", "西安站", (34.3, 108.9), city="西安")
    order = make.order()
    make.on_trip(order.waybill)
    make.scan("inbound", order.waybill, "XIAN")
    (scanned,) = JourneyEvent.objects.filter(kind="inbound")
    journey.event_void(actor=make.TEST, event_id=scanned.pk, reason="扫错站点")
    assert make.page(order.waybill).row.exception is None
    assert JourneyEvent.objects.filter(kind="voided").count() == 2


# Signing


def arrived(**fields):
    order = make.order(**fields)
    make.scan("unloaded", order.waybill, make.DESTINATION)
    return order


def test_a_signature_keeps_who_how_where_and_no_name_in_the_event():
    order = arrived()
    make.sign(
        order.waybill, relation="on_behalf", signer="门卫张三", place={"lat": 30.6, "lon": 104.1, "acc_m": 12}
    )
    view = make.page(order.waybill)
    assert (view.row.status, view.row.detail) == ("signed", "on_behalf")
    proof = view.proofs[0]
    assert (proof.signer, proof.relation_text, proof.lat, proof.accuracy_m) == (
        "门卫张三",
        "他人代收",
        30.6,
        12,
    )
    event = events_of(order.waybill, "signed").get()
    assert "张三" not in str(event.data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"signer": ""}, "签收人姓名"),
        ({"signature": None}, "请签名，或拍一张照片"),
        ({"signature": None, "relation": "on_behalf"}, "请签名，或拍一张照片"),
        ({"relation": "neighbour"}, "签收方式"),
        ({"relation": "contactless", "signer": ""}, "拍一张照片"),
        ({"signature": "not-a-file"}, "重新拍摄"),
        ({"photos": ["6f1c2c0e-0000-4000-8000-000000000000"]}, "重新拍摄"),
        ({"pieces": 4}, "还有 3 件可签收"),
    ],
)
def test_a_signature_that_lacks_something_is_not_recorded(data, words):
    order = arrived(pieces=3)
    wrong(make.sign(order.waybill, **data), words)
    assert not events_of(order.waybill, "signed").exists()


def test_a_part_signature_leaves_the_rest_to_be_signed():
    order = arrived(pieces=3)
    part = make.sign(order.waybill, pieces=2)
    assert (part.level, part.message) == ("warn", "已签收 2 件，还有 1 件未签收")
    assert make.status(order.waybill) == ("signed", "part")
    assert make.sign(order.waybill).message == "已签收 1 件"
    assert make.page(order.waybill).row.final


def test_signing_what_never_arrived_is_recorded_with_a_warning():
    order = make.collected()
    early = make.sign(order.waybill)
    assert early.level == "warn"
    assert "还没有到达记录" in early.message


def test_refusing_is_an_overlay_with_the_reason():
    order = arrived()
    make.scan("refused", order.waybill, make.DESTINATION, data={"reason": "包装破了"})
    row = make.page(order.waybill).row
    assert (row.status, row.exception["code"], row.exception["cause"]) == ("arrived", "refused", "包装破了")


def test_a_problem_needs_a_code_of_the_list():
    order = arrived()
    wrong(make.scan("problem", order.waybill, make.DESTINATION, data={"reason": "alien"}), "请选择异常类型")
    told = make.scan("problem", order.waybill, make.DESTINATION, data={"reason": "damaged", "note": "角破"})
    assert told.message == "已登记：货物破损"
    assert make.page(order.waybill).row.exception["cause"] == "角破"


# The same scan once


def test_the_same_key_is_answered_the_same_and_recorded_once():
    order = make.order()
    draft = make.draft("inbound", order.pieces[0])
    first = journey.scan_record(actor=make.TEST, draft=draft)
    again = journey.scan_record(actor=make.TEST, draft=draft)
    assert again.duplicate
    assert (again.event_id, again.message, again.counts) == (first.event_id, first.message, first.counts)
    assert events_of(order.waybill).count() == 1


def test_one_key_for_two_scans_is_a_conflict():
    order = make.order()
    make.scan("inbound", order.pieces[0], key="once")
    with pytest.raises(Conflict):
        make.scan("inbound", order.pieces[1], key="once")


def test_a_phone_whose_clock_is_wrong_is_not_believed():
    order = make.order()
    for hours in (-24 * 365 * 19, 30):
        make.scan("inbound", order.waybill, at=clock.now() + timedelta(hours=hours), data={"pieces": 1})
    for event in events_of(order.waybill):
        assert abs(event.at - event.recorded_at) < timedelta(seconds=5)
        assert "claimed_at" in event.data


def test_a_scan_made_offline_keeps_its_time():
    order = make.order()
    at = clock.now() - timedelta(hours=5)
    make.scan("inbound", order.waybill, at=at)
    assert events_of(order.waybill).get().at == at


def test_a_scan_made_before_the_signature_and_sent_after_it_is_history():
    order = make.collected()
    before = clock.now()
    make.sign(order.waybill)
    late = make.scan("unloaded", order.waybill, make.DESTINATION, at=before)
    assert late.level != "wrong"
    assert events_of(order.waybill, "unloaded").count() == 1
    assert make.status(order.waybill) == ("signed", "consignee")


def test_goods_scanned_one_by_one_ride_and_get_off_as_a_scanned_truck_does():
    order = make.order()
    trip = make.on_trip(order.waybill)
    make.scan("departed", order.waybill)
    assert make.page(order.waybill).vehicle_id == trip.vehicle_id
    make.scan("unloaded", order.waybill, make.DESTINATION)
    view = make.page(order.waybill)
    assert (view.vehicle_id, view.legs[0].state) == (None, "done")


# Undo


def test_ones_own_scan_is_undone_within_ten_minutes(time_machine):
    order = make.order()
    make.scan("inbound", order.waybill, key="mine")
    undone = journey.scan_undo(actor=make.TEST, key="mine")
    assert (undone.message, undone.status) == ("已撤销", "ordered")
    assert journey.scan_undo(actor=make.TEST, key="mine").status == "ordered"
    assert events_of(order.waybill, "voided").count() == 1
    make.scan("inbound", order.waybill, key="later")
    time_machine.move_to(clock.now() + timedelta(minutes=11))
    with pytest.raises(RuleBroken, match="10 分钟"):
        journey.scan_undo(actor=make.TEST, key="later")


def test_a_piece_scanned_again_after_an_undo_counts():
    order = make.order(pieces=2)
    make.scan("inbound", order.pieces[0], key="wrong")
    journey.scan_undo(actor=make.TEST, key="wrong")
    again = make.scan("inbound", order.pieces[0])
    assert (again.duplicate, again.counts.scanned) == (False, 1)


def test_somebody_elses_scan_or_a_signature_is_not_undone():
    order = arrived()
    make.sign(order.waybill)
    signed = ScanReceipt.objects.order_by("-id").first().key
    with pytest.raises(RuleBroken, match="联系调度"):
        journey.scan_undo(actor=make.TEST, key=signed)
    with pytest.raises(NotFound):
        journey.scan_undo(actor=access.staff("warehouse"), key=signed)
    assert make.status(order.waybill) == ("signed", "consignee")


# Who may


@pytest.mark.parametrize(
    ("role", "kind", "may"),
    [
        ("warehouse", "inbound", True),
        ("driver", "inbound", False),
        ("driver", "collected", True),
        ("driver", "signed", True),
        ("driver", "loaded", True),
        ("service", "signed", False),
        ("service", "problem", True),
        ("finance", "problem", False),
        ("dispatch", "loaded", False),
        ("manager", "rechecked", True),
        ("administrator", "departed", True),
    ],
)
def test_each_role_scans_what_is_its_own(role, kind, may):
    order = make.order()
    actor = access.staff(role)
    if may:
        make.scan(kind, order.waybill, actor=actor, data={"signer": "甲", "reason": "damaged"})
        return
    with pytest.raises(Forbidden):
        make.scan(kind, order.waybill, actor=actor)
    assert not events_of(order.waybill).exists()
    assert not ScanReceipt.objects.exists()


def test_a_link_holder_or_key_cannot_scan_even_with_a_right_of_that_name():
    order = make.order()
    for actor in (
        access.link_to(order.waybill, Right.PROBLEM_REPORT),
        access.key_of("ACME", Right.SCAN_ROAD),
    ):
        with pytest.raises(Forbidden):
            make.scan("problem", order.waybill, actor=actor, data={"reason": "damaged"})
    assert not events_of(order.waybill).exists()


def test_an_unknown_station_or_kind_is_invalid():
    order = make.order()
    with pytest.raises(Invalid):
        make.scan("inbound", order.waybill, "NOWHERE")
    with pytest.raises(Invalid):
        make.scan("ordered", order.waybill)
