"""Shipments at the console: found, exported, opened, revealed for a reason, corrected, linked."""

import csv
import io
import re

import pytest
from openpyxl import load_workbook

from tests.access import make as people
from tests.console import make
from tests.journey import make as journey
from zaitu.access.models import AuditEntry, SignedLink
from zaitu.access.public import principal_of_link, principal_of_user
from zaitu.kernel import clock
from zaitu.telemetry.events import StopLeft

pytestmark = pytest.mark.django_db


def page(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_chinese_words_numbers_and_phone_tails_find_shipments():
    journey.carrier()
    knives = journey.order(goods="数控刀具").waybill
    toys = journey.order(goods="儿童玩具", consignee=journey.party(phone="13700009876")).waybill
    client = make.signed_in("service")
    for q, found, other in (
        ("刀具", knives, toys),
        (toys, toys, knives),
        ("9876", toys, knives),
        (knives[2:9], knives, toys),
    ):
        text = page(client, f"/console/shipments?q={q}")
        assert found in text
        assert other not in text


def test_htmx_gets_the_rows_alone():
    journey.carrier()
    waybill = journey.order().waybill
    text = (
        make.signed_in("service").get("/console/shipments", headers={"HX-Request": "true"}).content.decode()
    )
    assert waybill in text
    assert "<html" not in text
    assert 'id="filters"' not in text


def test_filters_narrow_and_nonsense_in_them_is_no_error():
    journey.carrier()
    waybill = journey.order().waybill
    client = make.signed_in("service")
    assert waybill in page(client, "/console/shipments?status=ordered&open=1&station=SHQP&from=2020-01-01")
    assert waybill not in page(client, "/console/shipments?status=signed")
    assert waybill not in page(client, "/console/shipments?exception=any")
    assert waybill in page(
        client, "/console/shipments?status=nonsense&from=yesterday&page=-1&sort=evil&page=x"
    )


def test_an_empty_list_says_what_to_do_next():
    client = make.signed_in("service")
    assert "下第一张单" in page(client, "/console/shipments")
    assert "没有符合条件的运单" in page(client, "/console/shipments?q=没有的货")


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(django_assert_max_num_queries):
    journey.carrier()
    for _ in range(12):
        journey.order()
    client = make.signed_in("service")
    with django_assert_max_num_queries(10):
        page(client, "/console/shipments")


def test_the_export_holds_the_filtered_rows_and_no_formulas():
    journey.carrier()
    first = journey.order(goods='=HYPERLINK("http://evil.example")').waybill
    journey.order(goods="茶叶")
    answer = make.signed_in("service").get("/console/shipments.csv?q=HYPERLINK")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["运单号", "状态", "明细"]
    assert [row[0] for row in rows[1:]] == [first]
    assert rows[1][5].startswith("'=HYPERLINK")
    assert "王小明" not in answer.content.decode()
    assert AuditEntry.objects.filter(action="shipments.export").count() == 1


def test_the_page_shows_everything_known_with_people_masked():
    world = make.world()
    text = page(make.signed_in("manager"), f"/console/shipments/{world.waybill}")
    for piece in (
        world.waybill,
        "已下单",
        "预计送达",
        "数控刀具",
        f"{world.waybill}-003",
        world.plate,
        "王**",
        "138********",
        "下单通知",
    ):
        assert piece in text, piece
    for secret in ("王小明", "13812345678", "红星路三段16号"):
        assert secret not in text, secret


def test_the_drawer_is_the_page_without_its_frame():
    world = make.world()
    client = make.signed_in("service")
    text = client.get(
        f"/console/shipments/{world.waybill}?drawer", headers={"HX-Request": "true"}
    ).content.decode()
    assert world.waybill in text
    assert "<html" not in text


def test_names_and_phones_are_shown_for_a_reason_that_goes_on_record():
    world = make.world()
    client = make.signed_in("service")
    address = f"/console/shipments/{world.waybill}/people"
    assert client.post(address, {"reason": " "}).status_code == 422
    assert not AuditEntry.objects.filter(action="personal.read").exclude(actor="test").exists()
    text = client.post(address, {"reason": "客户来电核对"}).content.decode()
    assert "王小明" in text
    assert "13812345678" in text
    entry = AuditEntry.objects.filter(action="personal.read").exclude(actor="test").get()
    assert entry.detail["reason"] == "客户来电核对"


def test_a_link_is_shown_once_opens_the_shipment_and_can_be_taken_back():
    world = make.world()
    SignedLink.objects.all().delete()
    client = make.signed_in("service")
    address = f"/console/shipments/{world.waybill}"
    text = client.post(f"{address}/links", {"days": "7", "act": "1"}).content.decode()
    token = text.split(f"/t/{world.waybill}?k=")[1].split("<")[0]
    assert principal_of_link(token).scopes == {"view", "act"}
    assert token not in page(client, address)
    link = SignedLink.objects.get()
    client.post(f"{address}/links/{link.pk}/revoke")
    link.refresh_from_db()
    assert link.revoked_at is not None
    assert client.post(f"{address}/links", {"days": "9999"}).status_code == 422


def test_a_problem_is_recorded_shown_and_its_record_taken_back():
    world = make.world()
    client = make.signed_in("dispatch")
    address = f"/console/shipments/{world.waybill}"
    assert (
        client.post(
            f"{address}/events", {"kind": "problem", "code": "damaged", "note": "外箱破损"}
        ).status_code
        == 302
    )
    text = page(client, address)
    assert "货物破损" in text
    assert "外箱破损" in text
    event = text.split('id="event-')[1].split('"')[0]
    assert client.post(f"{address}/events/{event}/void", {"reason": ""}).status_code == 422
    assert client.post(f"{address}/events/{event}/void", {"reason": "登记错运单"}).status_code == 302
    text = page(client, address)
    assert "已撤销" in text
    assert "登记错运单" in text
    assert "pill--danger" not in text


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "inbound", "note": "x1"}, {"kind": "problem", "note": "x1"}, {"kind": "cancelled", "note": ""}],
)
def test_a_wrong_record_is_refused_on_the_page(wrong):
    world = make.world()
    client = make.signed_in("service")
    answer = client.post(f"/console/shipments/{world.waybill}/events", wrong)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()


def test_labels_are_a_pdf_with_a_page_per_piece():
    world = make.world()
    answer = make.signed_in("warehouse").get(f"/console/shipments/{world.waybill}/labels.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert (
        answer.content.count(b"/Type /Page\n") + answer.content.count(b"/Type/Page/") >= 3
        or b"/Count 3" in answer.content
    )


def test_a_driver_without_positions_sees_no_map():
    world = make.world()
    assert "trip-map" not in page(make.signed_in("driver"), f"/console/shipments/{world.waybill}")


def test_the_page_names_people_customer_and_product_and_never_handlers_or_codes():
    world = make.world()
    worker = principal_of_user(
        people.user("warehouse", username="zhao", name="赵师傅", station_code="SHQP", password=None)
    )
    journey.scan("inbound", world.waybill, actor=worker)
    trip = journey.journey.trip_get(actor=journey.TEST, trip=world.trip)
    journey.journey.on_stop_left(
        StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=clock.now(), late=False)
    )
    text = page(make.signed_in("manager"), f"/console/shipments/{world.waybill}")
    for said in ("赵师傅", "零担快运", "江南精密仪器", "车辆离站", "车辆定位"):
        assert said in text, said
    for inside in ("journey.", ">zhao<", ">LTL<", ">ACME<", ">test<"):
        assert inside not in text, inside


def test_what_has_happened_is_told_in_english_to_who_reads_english():
    world = make.world()
    journey.scan("inbound", world.waybill)
    journey.scan("problem", world.waybill, data={"reason": "damaged"})
    client = make.signed_in("manager")
    for address in (f"shipments/{world.waybill}", "shipments", f"trips/{world.trip}", "trips", ""):
        text = page(client, f"/console/{address}?lang=en")
        for chinese in (
            "入库",
            "下单通知",
            "邮件",
            "待发车",
            "货物破损",
            "扫描",
            "按班次时刻",
            "待装车",
            "未配置",
        ):
            assert chinese not in text, (address, chinese)


def test_filters_are_shown_as_chips_with_names_and_can_be_taken_off():
    world = make.world()
    client = make.signed_in("service")
    text = page(
        client, f"/console/shipments?station=SHQP&customer={world.customer}&from=2020-01-01&status=ordered"
    )
    for said in ("上海青浦仓", "江南精密仪器", "2020-01-01"):
        assert said in text, said
    assert 'href="?status=ordered&amp;customer=ACME&amp;from=2020-01-01"' in text
    assert "chip--off" not in page(client, "/console/shipments?status=ordered")


def test_the_export_for_excel_has_the_same_rows_and_the_customers_name():
    world = make.world()
    client = make.signed_in("service")
    answer = client.get("/console/shipments.xlsx?status=ordered")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert (rows[0][0], rows[0][8]) == ("运单号", "客户")
    assert [(row[0], row[8]) for row in rows[1:]] == [(world.waybill, "江南精密仪器")]
    assert client.get("/console/shipments.pdf").status_code == 404


def test_labels_of_several_shipments_come_in_one_file():
    world = make.world()
    other = journey.order(pieces=2).waybill
    client = make.signed_in("warehouse")
    answer = client.post("/console/labels.pdf", {"waybill": [world.waybill, other, world.waybill]})
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", answer.content)) == 5 or b"/Count 5" in answer.content
    assert client.post("/console/labels.pdf").status_code == 422


def test_an_address_that_is_none_is_said_inside_the_console():
    answer = make.signed_in("service").get("/console/nowhere/at/all")
    text = answer.content.decode()
    assert answer.status_code == 404
    assert "没有这个页面" in text
    assert 'id="palette"' in text
