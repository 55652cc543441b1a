"""Recorded traces as people have them: of spreadsheets, other programs, other encodings; read, and sent over real sockets."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.telemetry import make
from zaitu.telemetry.codecs.trace import TraceError, columns_parse, places_read, text_of, zone_parse
from zaitu.telemetry.models import Position

AT = datetime(2026, 11, 27, 0, 59, 8, tzinfo=UTC)
COLUMNS = 'lat=纬度,lon=经度,time="时间,北京",speed=速度,course=方向'
HEAD = '"时间,北京",纬度,经度,速度,方向'


def read(lines, columns="lat=a,lon=o,time=t", zone=None):
    return list(places_read(lines, columns_parse(columns), zone))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026/11/27 08:59:08", AT),
        ("2026/11/27 8:59:08", AT),
        ("2026-11-27 8:59", AT.replace(second=0)),
        ("2026/11/7 8:5:9", datetime(2026, 11, 7, 0, 5, 9, tzinfo=UTC)),
        ("2026-11-27  08:59:08.250", AT),
        ("2026年11月27日 8时59分8秒", AT),
        ("2026-11-27T08:59:08", AT),
        ("2026-11-27T08:59:08+08:00", AT),
        ("2026-11-27T00:59:08Z", AT),
        ("2026-11-26 19:59:08-05:00", AT),
        (str(int(AT.timestamp())), AT),
        (str(int(AT.timestamp() * 1000)), AT),
        ("1.795741148E12", AT),
    ],
)
def test_a_time_is_read_however_it_is_written(written, expected):
    (place,) = read(["t,a,o", f"{written},31,121"])
    assert place.time.replace(microsecond=0) == expected


@pytest.mark.parametrize(
    ("zone", "hour"), [("Asia/Shanghai", 0), ("UTC", 8), ("+08:00", 0), ("-05:00", 13), ("+5:30", 3)]
)
def test_a_time_that_tells_no_zone_is_of_the_zone_that_was_told(zone, hour):
    rows = ["t,a,o", "2026/11/27 08:59:08,1,2", "2026-11-27T08:59:08+08:00,1,2"]
    told, fixed = read(rows, zone=zone_parse(zone))
    assert (told.time.hour, fixed.time) == (hour, AT)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "+99:00", "../etc/passwd", "8"])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(TraceError, match="no time zone"):
        zone_parse(zone)


@pytest.mark.parametrize(
    "time", ["", "nan", "soon", "2026-13-01 00:00", "2026/11/27 25:00", "12:30", "1e300", "0", "-5", "inf"]
)
@pytest.mark.parametrize("unit", ["", ":s", ":ms", ":text"])
def test_a_time_that_is_none_names_its_row_and_costs_only_itself(time, unit):
    one, two = read(["t,a,o", f"{time},1,2", f"{_now(unit)},1,2"], f"lat=a,lon=o,time=t{unit}")
    assert one.startswith("line 2: ")
    assert "time" in one
    assert two.time == AT


def _now(unit):
    return {":s": "1795741148", ":ms": "1795741148000"}.get(unit, "2026-11-27 08:59:08")


@pytest.mark.parametrize("word", ["", "NaN", "nan", "-", "--", "NULL", "None", "N/A", "inf", "-1", "1e300"])
def test_what_is_not_known_beside_the_place_costs_only_itself(word):
    columns = "lat=a,lon=o,time=t,speed=v,course=c,odometer=d,temp=k,altitude=h"
    (place,) = read(["t,a,o,v,c,d,k,h", f"1795741148,1,2,{word},{word},{word},-99,{word}"], columns)
    assert (place.lat, place.speed_kmh, place.course_deg, place.odometer_m) == (1, None, None, None)
    assert place.temps_c == ()


def test_a_word_for_a_number_says_which_column_is_wrong():
    (said,) = read(["t,a,o,v", "1795741148,1,2,fast"], "lat=a,lon=o,time=t,speed=v")
    assert said == "line 2: speed is 'fast', not a number"


ALL = "lat=a,lon=o,time=t,speed=v,odometer=d:km"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_read_where_commas_do_not_separate(separator):
    rows = ["t;a;o;v;d", "1795741148;31,2304;-121,473;-;1.234,5", "1795741148,5;31.2304;121,4;54,25;0,5"]
    one, two = read([row.replace(";", separator) for row in rows], ALL)
    assert (one.lat, one.lon, one.odometer_m, one.time) == (31.2304, -121.473, 1_234_500, AT)
    assert (two.lat, two.speed_kmh, two.odometer_m) == (31.2304, 54.25, 500)
    assert two.time.replace(microsecond=0) == AT


@pytest.mark.parametrize(
    ("separator", "degrees"),
    [(";", ("31,230", "121,473")), ("\t", ("31,230", "121,473")), (";", ("31", "121"))],
)
def test_a_comma_before_three_digits_is_a_decimal_one_where_the_degrees_or_semicolons_say_so(
    separator, degrees
):
    row = ["1795741148", *degrees, "54,250", "12,345"]
    (place,) = read([separator.join("taovd"), separator.join(row)], ALL)
    assert (place.lat, place.lon) == tuple(float(word.replace(",", ".")) for word in degrees)
    assert (place.speed_kmh, place.odometer_m) == (54.25, 12_345)


@pytest.mark.parametrize(("separator", "lat"), [("\t", "31"), ("|", "31.2304"), (";", "31.2304")])
def test_a_comma_before_three_digits_that_may_be_of_thousands_is_refused(separator, lat):
    row = ["1795741148", lat, "121", "54", "12,345"]
    (said,) = read([separator.join("taovd"), separator.join(row)], ALL)
    assert said == "line 2: odometer is '12,345': thousands, or a decimal comma? Write it with a point"


def test_a_point_before_three_digits_beside_decimal_commas_is_refused():
    (said,) = read(["t;a;o;v;d", "1795741148;31,2304;121,4;54;12.345"], ALL)
    assert said == "line 2: odometer is '12.345' beside decimal commas: thousands, or a decimal point?"


@pytest.mark.parametrize("word", ["31,23,04", "31,", ",", "3 1,2", "1,2.3", "31,2304N"])
def test_what_is_no_number_with_a_comma_is_none(word):
    (said,) = read(["t;a;o", f"1795741148;{word};121,4"])
    assert said == f"line 2: lat is {word!r}, not a number"


def test_decimal_commas_between_commas_need_quotes_and_are_never_read_as_other_columns():
    quoted, bare, more = read(
        ["t,a,o,v", '1795741148,"31,2304","121,4737",5', "1795741148,31,23,121,47,5", "1795741148,1,2,3,,"],
        "lat=a,lon=o,time=t,speed=v",
    )
    assert (quoted.lat, quoted.lon) == (31.2304, 121.4737)
    assert bare == (
        "line 3: 6 values for 4 columns: numbers with decimal commas need quotes, or semicolons between the columns"
    )
    assert more.speed_kmh == 3


def test_a_time_in_text_keeps_its_comma():
    (place,) = read(["t;a;o", "2026-11-27T08:59:08,250;31,2;121,4"], "lat=a,lon=o,time=t:text")
    assert (place.time.replace(microsecond=0), place.lat) == (AT, 31.2)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_that_finds_the_columns(separator):
    lines = [separator.join(row) for row in (["t", "a", '"o,;x"'], ["1795741148", "1", "2"])]
    (place,) = read(lines, 'lat=a,lon="o,;x",time=t')
    assert (place.time, place.lat, place.lon) == (AT, 1, 2)


def test_a_quoted_name_may_hold_commas_colons_and_quotes():
    columns = columns_parse('lat="a,b", lon="say ""o"": here" ,time="t:s":ms,speed=v:mps')
    assert {meaning: (column.name, column.unit) for meaning, column in columns.items()} == {
        "lat": ("a,b", ""), "lon": ('say "o": here', ""), "time": ("t:s", "ms"), "speed": ("v", "mps"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ['lat="a,lon=o,time=t', "lat=a,lat=b,lon=o,time=t", "lat=a:km,lon=o,time=t", "lat=a;lon=o", ","]
)
def test_columns_that_are_told_wrongly_are_refused(text):
    with pytest.raises(TraceError):
        columns_parse(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_file_is_read_in_the_encodings_that_spreadsheets_save(encoding):
    assert text_of("经度,纬度\r\n1,2".encode(encoding)) == "经度,纬度\r\n1,2"


def test_a_file_that_is_no_text_is_refused():
    with pytest.raises(TraceError, match="neither UTF-8 nor GBK"):
        text_of(b"\x80\xff\xff\x00")


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH) as one:
        yield one


def replay(path: Path, number, *arguments, columns=COLUMNS):
    out, bad = io.StringIO(), io.StringIO()
    words = [str(path), "--columns", columns, "--terminal", number, *arguments]
    call_command("replay", *words, stdout=out, stderr=bad)
    return out.getvalue(), bad.getvalue()


ROWS = [
    "2026/11/26 08:59:08,31.1,121.1,50,90",
    "2026-11-26 8:59,31.2,121.2,NaN,",
    "1795654778000,31.3,121.3,,nan",
    ",31.4,121.4,50,90",
    "yesterday,31.5,121.5,50,90",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("encoding", "separator"), [("gbk", ";"), ("utf-8-sig", "\t"), ("utf-16", ","), ("gb18030", ",")]
)
def test_a_trace_of_a_spreadsheet_is_sent_and_what_cannot_be_read_is_listed(
    gateway, monkeypatch, tmp_path, encoding, separator
):
    monkeypatch.setattr(settings, "ZAITU_JT808_PORT", gateway.port)  # no --server: the installation's own
    head = HEAD if separator == "," else HEAD.replace('"', "").replace("时间,北京", "时间，北京")
    columns = COLUMNS if separator == "," else COLUMNS.replace("时间,北京", "时间，北京")
    rows = [row.replace(",", separator) for row in ROWS]
    text = "\r\n".join([head if separator == "," else separator.join(head.split(",")), *rows, ""])
    (tmp_path / "轨迹.csv").write_bytes(text.encode(encoding))
    number, _, _ = make.terminal()
    said, bad = replay(tmp_path / "轨迹.csv", number, columns=columns)
    assert said.startswith("3 fixes: 3 sent (0 of them again), 3 acknowledged")
    assert [line.split(":")[0] for line in bad.splitlines()[:2]] == ["line 5", "line 6"]
    assert "2 rows cannot be read and are left out; the other 3 are sent" in bad
    stored = list(Position.objects.order_by("at").values_list("lat", "speed_kmh", "course_deg"))
    assert stored == [(31.2, None, None), (31.1, 50.0, 90), (31.3, None, None)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "-3"], "0 or more, not -3"),
        (["--limit=1.5"], "0 or more, not 1.5"),
        (["--speed", "-3"], "0 or more, not -3"),
        (["--speed", "nan"], "0 or more, not nan"),
        (["--speed", "fast"], "0 or more, not fast"),
        (["--zone", "Mars"], "no time zone"),
        (["--gap=-5:10"], "START:SECONDS"),
        (["--server", "h:0"], "host:port"),
        (["--server", "h:99999"], "host:port"),
    ],
)
def test_arguments_that_cannot_be_are_refused_in_words(tmp_path, words, said):
    (tmp_path / "t.csv").write_text("\n".join([HEAD, ROWS[0]]), "utf-8")
    with pytest.raises(CommandError, match=said):
        replay(tmp_path / "t.csv", "1", *words)


def test_a_file_that_is_not_there_or_has_other_columns_is_said(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        replay(tmp_path / "none.csv", "1")
    (tmp_path / "t.csv").write_text("x,y\n1,2", "utf-8")
    with pytest.raises(CommandError, match=r"t\.csv: the file has no column 纬度.*its first line has x, y"):
        replay(tmp_path / "t.csv", "1")
    (tmp_path / "t.csv").write_text("", "utf-8")
    with pytest.raises(CommandError, match="the file has no column"):
        replay(tmp_path / "t.csv", "1")
