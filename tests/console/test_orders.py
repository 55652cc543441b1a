"""Placing orders at the desk: one by one with complaints at their fields, and from a file."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.console import make
from tests.customers import make as customers
from tests.journey import make as journey
from zaitu.journey.models import Shipment

pytestmark = pytest.mark.django_db


def typed(**fields):
    return {
        "product": "LTL",
        "from_station": "SHQP",
        "to_station": "CDQB",
        "consignor.name": "李发货",
        "consignor.phone": "139 0000 1111",
        "consignor.city": "上海",
        "consignor.address": "青浦区华新镇1号",
        "consignee.name": "王小明",
        "consignee.phone": "138 1234 5678",
        "consignee.city": "成都",
        "consignee.address": "锦江区红星路三段16号",
        "pieces": "3",
        "weight_kg": "120.5",
        "volume_m3": "1.2",
        "goods": "数控刀具",
    } | {name.replace("__", "."): value for name, value in fields.items()}


def test_an_order_gives_waybill_arrival_and_labels_at_once():
    journey.carrier()
    answer = make.signed_in("service").post("/console/orders/new", typed())
    text = answer.content.decode()
    waybill = Shipment.objects.get().waybill
    assert answer.status_code == 200
    for piece in (waybill, "下单成功", "预计送达", "共 3 件", f"/console/shipments/{waybill}/labels.pdf"):
        assert piece in text, piece


def test_everything_that_is_wrong_is_told_at_once_and_what_was_typed_stays():
    journey.carrier()
    wrong = {
        "consignor.phone": "123",
        "consignee.phone": "999",
        "pieces": "",
        "weight_kg": "heavy",
        "to_station": "NOWHERE",
        "customer_code": "NOBODY",
        "items": "只有一个词",
    }
    answer = make.signed_in("service").post("/console/orders/new", typed() | wrong)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert not Shipment.objects.exists()
    assert text.count("field-error") == len(wrong)
    for value in ("123", "999", "heavy", "NOWHERE", "NOBODY", "只有一个词"):
        assert value in text, value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("consignee.phone", "12345"),
        ("consignor.name", ""),
        ("from_station", "NOWHERE"),
        ("to_station", "SHQP"),
        ("pieces", "0"),
        ("pieces", "three"),
        ("weight_kg", "nan"),
        ("goods", ""),
        ("product", "NONE"),
        ("consignee.email", "not an address"),
        ("items", "只有一个词"),
    ],
)
def test_a_wrong_field_is_told_at_that_field_and_nothing_typed_is_lost(field, value):
    journey.carrier()
    answer = make.signed_in("service").post("/console/orders/new", typed() | {field: value})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert not Shipment.objects.exists()
    box = f'id="f-{field.replace(".", "-")}"'
    around = text[
        text.rindex('<div class="field', 0, text.index(box)) : text.index("</div>", text.index(box))
    ]
    assert "field-error" in around
    assert 'value="李发货"' in text or field == "consignor.name"


def test_the_same_customers_number_twice_is_one_order():
    journey.carrier()
    customers.customer()
    client = make.signed_in("service")
    order = typed(customer_code="ACME", client_ref="PO-1")
    client.post("/console/orders/new", order)
    assert "之前已经下过" in client.post("/console/orders/new", order).content.decode()
    other = client.post("/console/orders/new", order | {"goods": "茶叶"})
    assert other.status_code == 422
    assert Shipment.objects.count() == 1


def test_the_template_can_be_filled_and_taken_back_good_rows_kept():
    journey.carrier()
    client = make.signed_in("service")
    template = client.get("/console/orders/template.csv").content.decode("utf-8-sig")
    header = template.splitlines()[0]
    assert "收货人" in header


def test_a_file_that_is_no_table_is_refused_with_words():
    client = make.signed_in("service")
    for file in (None, SimpleUploadedFile("a.csv", b""), SimpleUploadedFile("a.png", b"\x89PNG\r\n")):
        answer = client.post("/console/orders/import", {"file": file} if file else {})
        assert answer.status_code == 422
        assert "field-error" in answer.content.decode() or "notice--danger" in answer.content.decode()


def test_a_nul_in_a_form_is_left_out_and_no_error_of_ours():
    client = make.signed_in("service")
    answer = client.post("/console/customers/new", {"code": "NUL1", "name": "顺\0达", "kind": "contract"})
    assert answer.status_code == 302
    assert "顺达" in client.get("/console/customers").content.decode()
