"""Orders from a file: good rows are not lost, bad ones are told row by row."""

import csv
import io

import pytest
from openpyxl import Workbook

from tests.access import make as access
from tests.journey import make
from zaitu.journey import public as journey
from zaitu.journey.models import Shipment
from zaitu.kernel.errors import Forbidden, Invalid, TooLarge
from zaitu.kernel.principal import Right

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()


def table(*changes):
    """The template's headers, and its example row once for each change."""
    header, example = csv.reader(io.StringIO(journey.orders_template()))
    rows = [dict(zip(header, example, strict=True)) | change for change in changes]
    return header, [[row[name] for name in header] for row in rows]


def as_csv(header, rows, encoding="utf-8-sig"):
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode(encoding)


def as_xlsx(header, rows):
    book = Workbook()
    for row in [header, *rows]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def load(content, actor=make.TEST):
    return journey.orders_import(actor=actor, filename="orders.csv", content=content)


def test_the_template_itself_is_a_good_file():
    report = load(journey.orders_template().encode())
    assert (report.created, report.errors) == (1, ())
    assert make.page(report.waybills[0]).client_ref == "PO-20261122-01"


def test_good_rows_are_placed_and_bad_ones_listed_with_row_and_column():
    content = as_csv(
        *table(
            {"客户单号": "A1"},
            {"客户单号": "A2", "件数": "三"},
            {"客户单号": "A3", "目的站编码": "NOWHERE"},
            {"客户单号": "A4", "收货电话": "12"},
            {"客户单号": "A5", "收货人": ""},
            {"客户单号": "A6"},
            {"客户单号": "A7", "客户编码": "NOBODY"},
        )
    )
    report = load(content)
    assert (report.created, report.failed) == (2, 5)
    assert [(error.row, error.column) for error in report.errors] == [
        (3, "件数"),
        (4, "目的站编码"),
        (5, "收货电话"),
        (6, "收货人"),
        (8, "客户编码"),
    ]
    assert [error.value for error in report.errors] == ["三", "NOWHERE", "12", "", "NOBODY"]
    assert Shipment.objects.count() == 2


def test_what_the_orders_own_rules_refuse_is_told_with_what_stands_there():
    load(as_csv(*table({"客户单号": "B1"})))
    rows = table(
        {"客户单号": "B1", "件数": "7"},
        {"件数": "0"},
        {"最低温度": "8", "最高温度": "2"},
        {"货物名称": "刀\u202e具"},
    )
    report = load(as_csv(*rows))
    assert [(error.column, error.value) for error in report.errors] == [
        ("客户单号", "B1"),
        ("件数", "0"),
        ("最高温度", "2"),
        ("货物名称", "刀\u202e具"),
    ]


@pytest.mark.parametrize("name", ["件数", "pieces"])
def test_a_column_that_stands_twice_is_refused_whole_and_named(name):
    header, rows = table({})
    with pytest.raises(Invalid, match="“件数”出现了两列") as caught:
        load(as_csv([*header, name], [[*rows[0], "9"]]))
    assert set(caught.value.fields) == {"件数"}
    assert not Shipment.objects.exists()


def test_the_template_names_what_this_company_has():
    header, rows = table({})
    example = dict(zip(header, rows[0], strict=True))
    assert (example["产品编码"], example["始发站编码"], example["目的站编码"]) == ("LTL", "SHQP", "CDQB")
    assert (example["发货城市"], example["收货城市"]) == ("上海", "成都")


def test_the_same_file_again_places_nothing_even_without_customers_numbers():
    content = as_csv(*table({"客户单号": ""}, {"客户单号": "", "件数": "7"}))
    first, again = load(content), load(content)
    assert (first.created, again.created, again.existing) == (2, 0, 2)
    assert Shipment.objects.count() == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_encoding_that_chinese_excel_writes_is_read(encoding):
    assert load(as_csv(*table({}), encoding=encoding)).created == 1


def test_a_workbook_is_read_as_well():
    assert load(as_xlsx(*table({}, {"客户单号": "B2"}))).created == 2


def test_columns_may_stand_in_any_order_under_their_other_names():
    header, rows = table({})
    header, rows = header[::-1], [row[::-1] for row in rows]
    header[header.index("货物名称")] = "品名"
    assert load(as_csv(header, rows)).created == 1


def test_a_phone_that_excel_made_scientific_is_told_and_not_guessed():
    report = load(as_csv(*table({"收货电话": "1.38E+10"})))
    assert "科学计数法" in report.errors[0].message


def test_a_formula_is_told_and_not_run():
    report = load(as_xlsx(*table({"备注": "=1+1"})))
    assert report.failed == 1
    assert report.errors[0].column == "备注"


def test_what_is_no_table_or_lacks_columns_is_refused_whole():
    for content in (b"", b"\x00\x01\x02", "客户单号,件数\nA,1\n".encode(), b"PK\x03\x04broken"):
        with pytest.raises(Invalid):
            load(content)
    assert not Shipment.objects.exists()


def test_too_many_rows_are_refused_whole():
    header, rows = table({})
    with pytest.raises(TooLarge):
        load(as_csv(header, rows * 2001))
    assert not Shipment.objects.exists()


def test_a_key_imports_for_its_own_customer_and_others_rows_are_refused():
    make.customer("ACME")
    key = access.key_of("ACME", Right.ORDERS_CREATE, Right.SHIPMENTS_READ)
    report = load(as_csv(*table({"客户单号": "1"}, {"客户单号": "2", "客户编码": "BETA"})), actor=key)
    assert (report.created, report.failed) == (1, 1)
    assert [(error.column, error.value) for error in report.errors] == [("客户编码", "BETA")]
    assert Shipment.objects.get().customer_code == "ACME"


def test_who_may_not_order_may_not_import():
    with pytest.raises(Forbidden):
        load(journey.orders_template().encode(), actor=access.staff("driver"))
