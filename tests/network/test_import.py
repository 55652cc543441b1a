"""Files in and out: good rows are stored, bad rows are told by row, column and reason."""

import csv
import io
import zipfile
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook, load_workbook

from tests.access import make as people
from tests.network import make
from zaitu.access.public import audit_list
from zaitu.kernel import sheets as reading
from zaitu.kernel.errors import Invalid, TooLarge
from zaitu.network import public as network
from zaitu.network.models import Driver, Line, Station, TerminalBinding, Vehicle

pytestmark = pytest.mark.django_db

STATIONS = "站点编码,站点名称,城市,纬度,经度"
SHQP = "SHQP,上海青浦仓,上海,31.2304,121.4737"
WHDX = "WHDX,武汉东西湖,武汉,30.5928,114.3055"
CDQB = "CDQB,成都青白江,成都,30.5728,104.0668"


def loaded(kind, content, filename="file.csv"):
    if isinstance(content, str):
        content = content.encode()
    return network.import_rows(actor=make.TEST, kind=kind, filename=filename, content=content)


def lines(*rows):
    return "\r\n".join(rows)


def sheet(*rows, formats=None):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for place, shown_as in (formats or {}).items():
        book.active[place].number_format = shown_as
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def told(report):
    return [(error.row, error.column, error.value, error.message) for error in report.errors]


def counts(report):
    return (report.created, report.updated, report.unchanged, report.failed)


def test_good_rows_are_stored_and_bad_rows_are_told_exactly():
    report = loaded(
        "stations",
        lines(
            STATIONS,
            SHQP,
            "WHDX,,武汉,九十,114.3",
            "",
            "CDQB,成都站,成都,30.5728,204.0668",
            "青浦,仓,上海,31,121",
            WHDX,
        ),
    )
    assert counts(report) == (2, 0, 0, 3)
    assert told(report) == [
        (3, "站点名称", "", "不能为空"),
        (3, "纬度", "九十", "须为数字"),
        (5, "经度", "204.0668", "经度须在 -180 到 180 之间"),
        (6, "站点编码", "青浦", "编码须为 2–20 位字母、数字、- 或 _"),
    ]
    assert sorted(Station.objects.values_list("code", flat=True)) == ["SHQP", "WHDX"]


def test_the_same_file_again_changes_nothing_and_a_changed_row_updates_by_code():
    content = lines(STATIONS, SHQP, WHDX)
    assert counts(loaded("stations", content)) == (2, 0, 0, 0)
    assert counts(loaded("stations", content)) == (0, 0, 2, 0)
    assert counts(loaded("stations", content.replace("武汉东西湖", "武汉东西湖新站"))) == (0, 1, 1, 0)


def test_a_key_that_stands_twice_is_a_fault_of_the_second_row():
    report = loaded("stations", lines(STATIONS, SHQP, WHDX, SHQP.lower()))
    assert counts(report) == (2, 0, 0, 1)
    assert told(report) == [(4, "站点编码", "SHQP", "与第 2 行重复")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_csv_in_any_encoding_of_chinese_excel_is_read(encoding):
    loaded("stations", lines(STATIONS, SHQP).encode(encoding))
    assert Station.objects.get().name == "上海青浦仓"


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_seen_in_the_header(delimiter):
    loaded("stations", lines(STATIONS, SHQP).replace(",", delimiter))
    assert Station.objects.get().city == "上海"


def test_row_numbers_count_rows_as_excel_does_even_when_a_cell_holds_a_line_break():
    report = loaded("stations", lines(STATIONS, 'SHQP,上海仓,"上\n海",31.2,121.4', "??,仓,上海,31,121"))
    assert [row for row, *_ in told(report)] == [2, 3]


def test_a_number_that_excel_made_scientific_is_refused_with_the_remedy():
    report = loaded("drivers", lines("司机编码,姓名,手机号", "D001,王师傅,1.38E+10"))
    assert told(report) == [
        (2, "手机号", "1.38E+10", "已被 Excel 变成科学计数法，原数字已丢失；请把这一列设为“文本”后重新填写")
    ]
    assert not Driver.objects.exists()


def test_a_phone_kept_as_a_number_in_excel_is_whole():
    loaded("drivers", sheet(["司机编码", "姓名", "手机号"], ["D001", "王师傅", 13812345678]))
    assert network.driver_phone(actor=make.TEST, code="D001", reason="联系司机") == "13812345678"


def test_a_landline_that_lost_its_zero_is_named():
    report = loaded("drivers", sheet(["司机编码", "姓名", "手机号"], ["D001", "王师傅", 2161234567]))
    assert "丢了开头的 0" in report.errors[0].message


def test_a_code_that_lost_its_zero_makes_no_twin():
    make.station("0021")
    report = loaded("stations", sheet(STATIONS.split(","), [21, "上海青浦仓", "上海", 31.2304, 121.4737]))
    assert told(report) == [
        (2, "站点编码", "21", "可能丢了开头的 0：已有 0021；请把这一列设为“文本”后重新填写")
    ]
    assert Station.objects.count() == 1


def test_a_number_shown_with_leading_zeros_in_excel_is_read_as_shown():
    make.station("0021", name="旧名")
    content = sheet(STATIONS.split(","), [21, "新名", "上海", 31.2, 121.4], formats={"A2": "0000"})
    assert counts(loaded("stations", content)) == (0, 1, 0, 0)


def test_a_number_beyond_excels_15_digits_is_refused():
    make.vehicle("沪A12345")
    content = sheet(["终端号", "车牌号", "装上时间"], [12345678901234567890, "沪A12345", "2026-11-22"])
    assert "超过 15 位" in loaded("bindings", content).errors[0].message


def test_formulas_and_error_values_are_faults_of_their_cells():
    content = sheet(STATIONS.split(","), ["SHQP", "=A1&A2", "上海", 31.2, "#N/A"])
    assert [(column, message[:9]) for _, column, _, message in told(loaded("stations", content))] == [
        ("站点名称", "单元格是公式，请复"),
        ("经度", "单元格是 Exce"),
    ]


def test_headers_may_carry_stars_and_stand_in_any_order_and_strange_ones_are_told():
    report = loaded(
        "stations", lines("城市,* 站点编码(必填),站点名称,经度,纬度,老板", "上海,SHQP,仓,121.4,31.2,张")
    )
    assert counts(report) == (1, 0, 0, 0)
    assert [(row, column) for row, column, *_ in told(report)] == [(1, "老板")]


def test_without_a_needed_column_nothing_is_stored():
    report = loaded("stations", lines("站点编码,站点名称,城市,纬度", "SHQP,仓,上海,31"))
    assert told(report) == [(1, "经度", "", "缺少这一列")]
    assert not Station.objects.exists()


def test_a_column_that_stands_twice_stores_nothing():
    report = loaded("stations", lines(STATIONS + ",城市", SHQP + ",北京"))
    assert told(report) == [(1, "城市", "", "这一列出现了两次")]
    assert not Station.objects.exists()


def test_coordinates_picked_on_a_chinese_map_are_shifted_back():
    loaded("stations", lines(STATIONS + ",坐标系", "SHQP,仓,上海,31.228453,121.478231,GCJ-02"))
    station = Station.objects.get()
    assert (station.lat, station.lon) == pytest.approx((31.2304, 121.4737), abs=1e-5)


def test_a_file_cut_in_the_middle_keeps_the_rows_before_the_cut():
    report = loaded("stations", lines(STATIONS, SHQP, 'WHDX,"武汉,武汉,30,114'))
    assert counts(report) == (1, 0, 0, 1)
    assert told(report) == [(3, "", "", "引号不成对或单元格过长，从这一行起没有读取")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "文件是空的"),
        (b"\n\n,,,\n", "文件是空的"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "无法识别|不是 CSV"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "旧版 .xls 或带密码"),
        (b"PK\x03\x04 not a zip at all", "已损坏或不是表格"),
        (b"\xff\xfe\x00", "无法识别"),
    ],
    ids=["empty", "blank rows", "picture", "old xls", "broken zip", "half utf-16"],
)
def test_what_is_no_table_is_refused(content, message):
    with pytest.raises(Invalid, match=message):
        loaded("stations", content)


def test_a_word_document_is_no_table():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr("word/document.xml", "<w/>")
    with pytest.raises(Invalid, match="已损坏或不是表格"):
        loaded("stations", out.getvalue())


def test_an_excel_bomb_is_refused_before_it_is_unpacked():
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts,
        parts.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(201):
            part.write(b"\0" * 1024 * 1024)
    with pytest.raises(TooLarge, match="解压后过大"):
        loaded("stations", out.getvalue())


def test_files_and_tables_over_the_limit_are_refused(monkeypatch):
    with pytest.raises(TooLarge, match="超过 10 MB"):
        loaded("stations", b"a" * (10 * 1024 * 1024 + 1))
    monkeypatch.setattr(reading, "ROWS_MAX", 1)
    with pytest.raises(TooLarge, match="超过 1 行"):
        loaded("stations", lines(STATIONS, SHQP, WHDX))
    assert not Station.objects.exists()


def test_an_unknown_kind_is_refused():
    with pytest.raises(Invalid):
        loaded("secrets", "a,b")


def test_a_long_import_asks_the_database_by_the_batch_not_by_the_row():
    rows = [f"V{number:05},仓{number},上海,31.2,121.4" for number in range(2_000)]
    with CaptureQueriesContext(connection) as queries:
        assert loaded("stations", lines(STATIONS, *rows)).created == 2_000
    assert len(queries) <= 4 * 4 + 4, "four batches of a few queries each"


def test_more_than_a_thousand_faults_are_counted_but_not_all_told():
    report = loaded("stations", lines(STATIONS, *["!,仓,上海,31,121"] * 1_200))
    assert (len(report.errors), report.failed) == (1_000, 1_200)


def test_an_import_is_in_the_audit_with_its_counts():
    loaded("stations", lines(STATIONS, SHQP, "!,,,,"), filename="站点.csv")
    (entry,) = audit_list(actor=make.TEST, subject="stations", page=1).rows
    assert entry.detail == {"file": "站点.csv", "created": 1, "updated": 0, "failed": 1}


# Lines: many rows are one thing.

LINES = "线路编码,线路名称,站序,站点编码,到达用时(分),停留(分),重点站,到下一站的轨迹"


def line_file(*rows):
    loaded("stations", lines(STATIONS, SHQP, WHDX, CDQB))
    return loaded("lines", lines(LINES, *rows))


def test_a_line_is_built_from_its_rows_in_order_of_their_sequence():
    report = line_file(
        "SHCD,沪蓉线,3,CDQB,1500,,,", "SHCD,沪蓉线,1,SHQP,0,,,", "SHCD,沪蓉线,2,WHDX,600,60,是,"
    )
    assert counts(report) == (1, 0, 0, 0)
    line = network.line_get(actor=make.TEST, code="SHCD")
    assert [(stop.station.code, stop.dwell_min, stop.key_node) for stop in line.stops] == [
        ("SHQP", 0, False),
        ("WHDX", 60, True),
        ("CDQB", 0, False),
    ]


def test_a_line_with_one_bad_row_is_not_stored_at_all_and_other_lines_are():
    report = line_file(
        "SHCD,沪蓉线,1,SHQP,0,,,",
        "SHCD,沪蓉线,2,CDQB,很久,,,",
        "SHWH,沪汉线,1,SHQP,0,,,",
        "SHWH,沪汉线,2,WHDX,600,,,",
    )
    assert counts(report) == (1, 0, 0, 2)
    assert told(report) == [
        (2, "线路编码", "SHCD", "这条线路另有错误行，整条没有导入"),
        (3, "到达用时(分)", "很久", "须为数字"),
    ]
    assert list(Line.objects.values_list("code", flat=True)) == ["SHWH"]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        ("SHCD,沪蓉线,2,XXXX,600,,,", (3, "站点编码", "XXXX", "没有编码为 XXXX 的站点")),
        ("SHCD,沪蓉线,1,CDQB,600,,,", (3, "站序", "1", "与第 2 行的站序重复")),
        (
            "SHCD,蓉沪线,2,CDQB,600,,,",
            (3, "线路名称", "蓉沪线", "同一条线路的名称、产品和启用须与第 2 行一致"),
        ),
        (
            'SHCD,沪蓉线,2,CDQB,600,,,"31.2,121.5;91,3"',
            (3, "到下一站的轨迹", "31.2,121.5;91,3", "纬度须在 -90 到 90 之间"),
        ),
    ],
)
def test_faults_of_a_lines_rows_are_told_at_the_row(second, fault):
    report = line_file("SHCD,沪蓉线,1,SHQP,0,,,", second)
    assert fault in told(report)
    assert not Line.objects.exists()


# Bindings: history in the order of the file.

BINDINGS = "终端号,车牌号,装上时间,拆下时间"


def test_bindings_come_in_with_times_as_people_and_excel_write_them():
    make.vehicle("沪A11111")
    make.vehicle("沪B22222")
    content = sheet(
        BINDINGS.split(","),
        ["013800001111", "沪A11111", datetime.fromisoformat("2026-11-01T08:00"), "2026/11/5 18:30"],
        [13800001111, "沪B·22222", "2026年11月6日 7:00", None],
    )
    assert counts(loaded("bindings", content)) == (2, 0, 0, 0)
    assert [
        (one.plate, one.from_at.isoformat(), one.to_at and one.to_at.isoformat())
        for one in network.bindings_of(["13800001111"])
    ] == [
        ("沪A11111", "2026-11-01T00:00:00+00:00", "2026-11-05T10:30:00+00:00"),
        ("沪B22222", "2026-11-05T23:00:00+00:00", None),
    ]
    assert counts(loaded("bindings", content)) == (0, 0, 2, 0)


def test_bindings_that_overlap_or_name_no_vehicle_are_told_and_the_others_stored():
    make.vehicle("沪A11111")
    report = loaded(
        "bindings",
        lines(
            BINDINGS,
            "111,沪A11111,2026-11-01 08:00,2026-11-05",
            "111,沪A11111,2026-11-03,2026-11-04",
            "222,沪C33333,2026-11-01,",
            "333,沪A11111,2026-11-02,2026-11-01",
            "444,沪A11111,2026-13-02,",
        ),
    )
    assert counts(report) == (1, 0, 0, 4)
    assert told(report) == [
        (3, "终端号", "111", "该终端 2026-11-01 08:00 到 2026-11-05 00:00已装在 沪A11111，时间不能重叠"),
        (4, "车牌号", "沪C33333", "没有车牌号为 沪C33333 的车辆"),
        (5, "拆下时间", "", "拆下时间须晚于装上时间"),
        (6, "装上时间", "2026-13-02", "时间须如 2026-11-22 08:00（北京时间）"),
    ]
    assert TerminalBinding.objects.count() == 1


# Export.


def exported(kind, file_format="csv", actor=make.TEST):
    content = network.export_rows(actor=actor, kind=kind, format=file_format)
    if file_format == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return [[cell.value for cell in row] for row in load_workbook(io.BytesIO(content)).active.iter_rows()]


def filled():
    make.line(points=((31.2304, 121.4737), (30.9, 118.123457), (30.5928, 114.3055), (30.5728, 104.0668)))
    make.vehicle("沪A11111", capacity_m3=40.5, temp_controlled=True)
    make.driver()
    make.product()
    make.bind("013800001111", "沪A11111")


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", ["stations", "lines", "vehicles", "drivers", "products", "bindings"])
def test_what_is_exported_comes_back_unchanged(kind, file_format):
    filled()
    content = network.export_rows(actor=make.TEST, kind=kind, format=file_format)
    report = loaded(kind, content)
    assert not report.errors
    assert (report.created, report.updated) == (0, 0)
    assert report.unchanged > 0


@pytest.mark.parametrize("kind", ["stations", "lines", "vehicles", "drivers", "products", "bindings"])
def test_an_empty_export_is_a_template_that_import_takes(kind):
    content = network.export_rows(actor=make.TEST, kind=kind, format="xlsx")
    assert counts(loaded(kind, content)) == (0, 0, 0, 0)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x","领奖")', "+1+1", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0", "'=1"]
)
def test_no_text_becomes_a_formula_on_export_and_it_comes_back_as_it_was(file_format, name):
    make.station(name=name)
    assert exported("stations", file_format)[1][1] == "'" + name
    loaded("stations", network.export_rows(actor=make.TEST, kind="stations", format=file_format))
    assert Station.objects.get().name == name


def test_numbers_are_numbers_in_excel_and_codes_are_text_that_keeps_its_zeros():
    make.station("0021", place=(-33.86, 151.2))
    book = load_workbook(io.BytesIO(network.export_rows(actor=make.TEST, kind="stations", format="xlsx")))
    row = book.active[2]
    assert (row[0].value, row[0].data_type, row[0].number_format) == ("0021", "s", "@")
    assert (row[6].value, row[6].data_type) == (-33.86, "n")


def test_phones_leave_the_house_only_for_those_who_may_read_them_and_recorded():
    make.driver()
    for role in ("finance", "driver", "service"):
        assert exported("drivers", actor=people.staff(role))[1][2] == ""
    assert audit_list(actor=make.TEST, subject="drivers", page=1).rows[0].action != "personal.read"
    assert exported("drivers", actor=people.staff("dispatch"))[1][2] == "13812345678"
    assert "personal.read" in [
        entry.action for entry in audit_list(actor=make.TEST, subject="drivers", page=1).rows
    ]


def test_a_drivers_file_without_phones_keeps_phones_and_sign_ins():
    user = people.user("driver")
    make.driver(user_id=user.pk)
    loaded("drivers", lines("司机编码,姓名", "D001,王建国"))
    driver = network.driver_of_user(user.pk)
    assert (driver.name, network.driver_phone(actor=make.TEST, code="D001", reason="联系司机")) == (
        "王建国",
        "13812345678",
    )


def test_a_road_too_long_for_an_excel_cell_is_said_and_csv_still_carries_it():
    make.station()
    make.station("WHDX", "武汉", make.WUHAN)
    (lat1, lon1), (lat2, lon2) = make.SHANGHAI, make.WUHAN
    road = tuple(
        (lat1 + (lat2 - lat1) * step / 3_000, lon1 + (lon2 - lon1) * step / 3_000) for step in range(3_001)
    )
    network.line_put(
        actor=make.TEST,
        draft=make.line_draft(points=road, stops=(make.stop("SHQP", 0), make.stop("WHDX", 600))),
    )
    with pytest.raises(TooLarge, match="请导出 CSV"):
        network.export_rows(actor=make.TEST, kind="lines", format="xlsx")
    assert counts(loaded("lines", network.export_rows(actor=make.TEST, kind="lines", format="csv"))) == (
        0,
        0,
        1,
        0,
    )


def test_vehicles_come_in_with_words_for_kinds_and_yes_and_no():
    loaded(
        "vehicles",
        lines("车牌号,车型,温控,载重(公斤),容积(立方米)", "沪A11111,牵引车,是,32000,85.5", "沪B22222,,,,"),
    )
    first, second = Vehicle.objects.order_by("plate")
    assert (first.kind, first.temp_controlled, first.capacity_kg, first.capacity_m3) == (
        "tractor",
        True,
        32_000,
        85.5,
    )
    assert (second.kind, second.temp_controlled, second.capacity_kg) == ("truck", False, 0)
