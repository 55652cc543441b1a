"""Stations, lines, vehicles, drivers, products: listed, edited, imported, exported, picked."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.console import make
from tests.network import make as network
from zaitu.access.models import AuditEntry
from zaitu.network.models import Driver, Line, LineStop, ServiceProduct, Station, Vehicle

pytestmark = pytest.mark.django_db
STATION = {
    "code": "NJJN",
    "name": "南京江宁站",
    "kind": "branch",
    "city": "南京",
    "lat": "31.95",
    "lon": "118.84",
    "radius_m": "400",
}


@pytest.fixture
def client():
    return make.signed_in("dispatch")


def test_each_list_finds_by_a_chinese_word_or_says_there_is_none(client):
    network.line()
    network.vehicle()
    network.driver()
    network.product()
    for kind, q, found in (
        ("stations", "青浦", "上海青浦仓"),
        ("lines", "武汉", "上海–武汉–成都"),
        ("vehicles", "A12345", "沪A12345"),
        ("drivers", "王师", "王师傅"),
        ("products", "零担", "零担快运"),
    ):
        assert found in client.get(f"/console/network/{kind}?q={q}").content.decode(), kind
        assert "没有找到" in client.get(f"/console/network/{kind}?q=火星火星").content.decode(), kind


def test_an_empty_list_offers_the_import(client):
    assert "用 Excel 一次导入" in client.get("/console/network/stations").content.decode()


def test_a_station_is_made_and_changed_keeping_its_fence(client):
    network.station(fence=((31.2, 121.4), (31.3, 121.4), (31.3, 121.5)))
    assert client.post("/console/network/stations/new", STATION).status_code == 302
    assert Station.objects.get(code="NJJN").radius_m == 400
    client.post("/console/network/stations/SHQP/edit", STATION | {"name": "青浦新仓", "active": "1"})
    changed = Station.objects.get(code="SHQP")
    assert (changed.name, len(changed.fence)) == ("青浦新仓", 3)


def test_the_delivery_hours_of_a_station_are_shown_and_changed(client):
    client.post("/console/network/stations/new", STATION)
    assert "08:00–20:00" in client.get("/console/network/stations").content.decode()
    hours = {"active": "1", "delivery_hours": "22:00-06:00"}
    client.post("/console/network/stations/NJJN/edit", STATION | hours)
    changed = Station.objects.get()
    assert (changed.delivery_opens_min, changed.delivery_closes_min) == (1320, 360)
    assert 'value="22:00-06:00"' in client.get("/console/network/stations/NJJN/edit").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"lat": "north"},
        {"lat": "95"},
        {"code": ""},
        {"name": ""},
        {"radius_m": "1"},
        {"lon": ""},
        {"delivery_hours": "all day"},
    ],
)
def test_a_wrong_station_is_refused_at_the_field(client, wrong):
    answer = client.post("/console/network/stations/new", STATION | wrong)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not Station.objects.exists()


def stops(*rows):
    """Rows of (station, after, dwell, key) as the form sends them."""
    names = ("station", "after", "dwell", "key")
    return {
        f"stops.{number}.{name}": value
        for number, row in enumerate(rows)
        for name, value in zip(names, row, strict=False)
    }


def test_a_line_is_typed_stop_by_stop(client):
    network.three_stations()
    network.product()
    typed = {"code": "SH-CD", "name": "上海–成都", "product": "LTL"}
    rows = stops(("SHQP", "0"), ("WHDX", "10:00", "60", "1"), ("", "", ""), ("CDQB", "1500"))
    assert client.post("/console/network/lines/new", typed | rows).status_code == 302
    assert list(
        LineStop.objects.order_by("seq").values_list("arrive_after_min", "dwell_min", "key_node")
    ) == [
        (0, 0, False),
        (600, 60, True),
        (1500, 0, False),
    ]
    text = client.get("/console/network/lines/SH-CD/edit").content.decode()
    for value in (
        'name="stops.1.station" value="WHDX"',
        'name="stops.1.after" value="10:00"',
        'value="25:00"',
    ):
        assert value in text, value


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (("SHQP", "0"),),
        (("SHQP", "zero"), ("CDQB", "5")),
        (("NONE", "0"), ("CDQB", "5")),
        (("SHQP", "0"), ("CDQB", "8:75")),
        (("SHQP", "0"), ("", "5:00")),
        (("SHQP", "0", "long"), ("CDQB", "5:00")),
    ],
)
def test_wrong_stops_are_refused_beside_what_was_typed(client, rows):
    network.three_stations()
    answer = client.post("/console/network/lines/new", {"code": "X1", "name": "x"} | stops(*rows))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert not Line.objects.exists()
    assert 'role="alert"' in text
    for row in rows:
        assert f'value="{row[1]}"' in text


def test_vehicles_drivers_and_products_are_made(client):
    client.post(
        "/console/network/vehicles/new",
        {"plate": "沪B22222", "kind": "truck", "temp_controlled": "1", "capacity_kg": "18000"},
    )
    client.post("/console/network/drivers/new", {"code": "D9", "name": "李师傅", "phone": "13900002222"})
    client.post(
        "/console/network/products/new", {"code": "COLD", "name": "冷链", "promise_hours": "36", "cold": "1"}
    )
    assert Vehicle.objects.get().temp_controlled
    assert Driver.objects.get().phone == "13900002222"
    assert ServiceProduct.objects.get().cold


def test_a_driver_keeps_the_phone_when_none_is_typed_and_it_is_shown_on_record(client):
    network.driver()
    client.post("/console/network/drivers/D001/edit", {"name": "王大师", "phone": "", "active": "1"})
    assert Driver.objects.get().phone == "13812345678"
    assert "13812345678" not in client.get("/console/network/drivers").content.decode()
    refused = client.post("/console/network/drivers/D001/phone")
    assert refused.status_code == 422
    assert "13812345678" not in refused.content.decode()
    shown = client.post("/console/network/drivers/D001/phone", {"reason": "联系司机"})
    assert "13812345678" in shown.content.decode()
    assert (
        AuditEntry.objects.filter(action="personal.read", subject="driver:D001").get().detail["reason"]
        == "联系司机"
    )


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_exported_can_be_imported_again(client, form):
    network.three_stations()
    exported = client.get(f"/console/network/stations/export.{form}")
    assert "attachment" in exported["Content-Disposition"]
    file = SimpleUploadedFile(f"stations.{form}", exported.content)
    text = client.post("/console/network/stations/import", {"file": file}).content.decode()
    assert "新增 0 行，更新 0 行，未变 3 行" in text


def test_bad_rows_are_listed_by_row_and_column_and_good_ones_kept(client):
    rows = "站点编码,站点名称,城市,纬度,经度\nNJJN,南京江宁站,南京,31.95,118.84\nBAD,<b>坏站</b>,南京,north,118\n"
    text = client.post(
        "/console/network/stations/import", {"file": SimpleUploadedFile("s.csv", rows.encode())}
    ).content.decode()
    assert "新增 1 行" in text
    assert "1 行有误" in text
    table = text.split('id="errors"')[1]
    assert "纬度" in table
    assert "north" in table
    assert "<b>" not in table
    assert Station.objects.get().code == "NJJN"


@pytest.mark.parametrize("path", ["vehicles/export.exe", "planets/export.csv"])
def test_exports_that_do_not_exist_are_errors_in_words(client, path):
    assert client.get(f"/console/network/{path}").status_code in {404, 422}


def test_pick_lists_find_by_word_and_give_no_personal_data(client):
    network.line()
    network.driver()
    found = json.loads(client.get("/console/pick/stations?q=青浦").content)
    assert found == [{"value": "SHQP", "text": "上海青浦仓", "more": "SHQP · 上海"}]
    assert "138" not in client.get("/console/pick/drivers?q=王").content.decode()
    assert client.get("/console/pick/secrets").status_code == 404


def test_a_warehouse_person_reads_but_does_not_edit():
    network.three_stations()
    client = make.signed_in("warehouse")
    text = client.get("/console/network/stations").content.decode()
    assert "上海青浦仓" in text
    assert "/new" not in text
    assert client.post("/console/network/stations/new", STATION).status_code == 403


def test_a_list_is_narrowed_by_chips_and_exported_as_it_is_shown(client):
    network.vehicle("沪A11111", kind="van")
    network.vehicle("沪A22222", kind="truck")
    network.vehicle("粤B33333", kind="van", active=False)
    for query, found in (
        ("kind=van", ["沪A11111", "粤B33333"]),
        ("used=1", ["沪A11111", "沪A22222"]),
        ("used=0&kind=van", ["粤B33333"]),
        ("q=沪A&kind=truck", ["沪A22222"]),
        ("kind=spaceship&used=x", ["沪A11111", "沪A22222", "粤B33333"]),
    ):
        text = client.get(f"/console/network/vehicles?{query}").content.decode()
        shown = [plate for plate in ("沪A11111", "沪A22222", "粤B33333") if f">{plate}</a></td>" in text]
        rows = client.get(f"/console/network/vehicles/export.csv?{query}").content.decode("utf-8-sig")
        assert shown == [row.split(",")[0] for row in rows.splitlines()[1:]] == found, query


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        ("stations", {"kind": "branch"}, ["站点编码须为", "站点名称不能为空", "城市不能为空", "纬度须在", "经度须在"]),
        ("lines", {}, ["请填写线路编码", "请填写线路名称", "请填写 2–30 个站点"]),
        ("vehicles", {"kind": "truck", "capacity_kg": "x", "capacity_m3": "y"}, ["车牌号不正确", "载重须在", "容积须在"]),
        ("drivers", {"phone": "12"}, ["司机编码须为", "司机姓名不能为空", "电话须为"]),
        ("products", {}, ["产品编码须为", "产品名称不能为空", "承诺时效须在"]),
    ],
)  # fmt: skip
def test_every_complaint_about_a_form_comes_at_once_and_at_its_field(client, kind, form, said):
    answer = client.post(f"/console/network/{kind}/new", form)
    assert answer.status_code == 422
    complaints = answer.content.decode().split('class="field-error"')[1:]
    for one in said:
        assert sum(one in complaint.split("</")[0] for complaint in complaints) == 1, one


def test_the_stops_of_a_line_are_complained_of_below_them(client):
    network.three_stations()
    form = {"code": "X-1", "name": "甲–乙", "stops.0.station": "SHQP", "stops.0.after": "0", "stops.1.station": "NOWHERE", "stops.1.after": "60"}  # fmt: skip
    text = client.post("/console/network/lines/new", form).content.decode()
    assert "没有编码为 NOWHERE 的站点" in text.split("data-rows")[1]


def test_names_in_lists_are_links_for_the_keyboard(client):
    network.line()
    network.driver()
    network.vehicle("沪A11111")
    for kind, name in (("stations", "上海青浦仓"), ("drivers", "王"), ("vehicles", "沪A11111")):
        body = client.get(f"/console/network/{kind}").content.decode().split("<tbody>")[1]
        assert re.search(rf'<a href="/console/network/{kind}/[^"]+/edit">{name}', body), kind
