"""Bodies: registrations, authentications, positions with their items, batches."""

import struct
from datetime import UTC, datetime

import pytest

from tests.telemetry import make
from zaitu.telemetry.codecs.fix import TimeFlag, time_checked
from zaitu.telemetry.codecs.jt808 import encode, values
from zaitu.telemetry.codecs.jt808.claims import line_claims
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.codecs.jt808.items import items_decode, items_split
from zaitu.telemetry.codecs.jt808.location import batch_parse, location_parse
from zaitu.telemetry.codecs.jt808.messages import decode
from zaitu.telemetry.codecs.jt808.names import alarm_names, status_names

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)


def message(uplink_frame):
    return decode(uplink_frame[1][1:-1])


@pytest.mark.parametrize("version", ["2011", "2013", "2019"])
def test_a_registration_reads_as_it_was_written(version):
    who = Registration(
        province=42,
        city=100,
        maker="BSJ",
        model="GF-06",
        terminal_id="TEST123",
        plate_color=2,
        plate="鄂A12345",
    )
    got = message(Uplink("13912345678", version).register(who))
    assert got.version == version
    assert got.fields == {
        "province": 42,
        "city": 100,
        "maker": "BSJ",
        "model": "GF-06",
        "terminal_id": "TEST123",
        "plate_color": 2,
        "plate": "鄂A12345",
    }


def test_padding_stands_on_either_side():
    body = (
        struct.pack(">HH", 1, 2)
        + b"\0\0BSJ".rjust(11, b"\0")
        + b"M1".rjust(30, b"\0")
        + b"ID 7".ljust(30, b"\0")
    )
    got = message(Uplink("1", "2019").frame(0x0100, body + b"\x01" + "京A00001".encode("gbk")))
    assert (got.fields["maker"], got.fields["model"], got.fields["terminal_id"]) == ("BSJ", "M1", "ID 7")


def test_a_2013_body_under_a_2019_header_is_read_by_its_length():
    body = encode.register_body(Registration(terminal_id="7654321", plate="沪B23456"), "2013")
    got = message(Uplink("1", "2019").frame(0x0100, body))
    assert (got.fields["terminal_id"], got.fields["plate"]) == ("7654321", "沪B23456")


def test_a_long_2011_plate_is_told_from_2013_by_the_colour():
    body = encode.register_body(
        Registration(model="M", terminal_id="7654321", plate_color=1, plate="LSVAB2BR5EN123456"), "2011"
    )
    got = message(Uplink("1").frame(0x0100, body))
    assert (got.version, got.fields["plate"]) == ("2011", "LSVAB2BR5EN123456")


def test_authentication_reads_in_every_form():
    assert message(Uplink("1").authenticate("abc@123")).fields == {"auth": "abc@123"}
    long = encode.authenticate_body("abc@123", "2019", imei="860123456789012", software="V1.2")
    fields = {"auth": "abc@123", "imei": "860123456789012", "software": "V1.2"}
    assert message(Uplink("1", "2019").frame(0x0102, long)).fields == fields
    assert message(Uplink("1").frame(0x0102, long)).fields == fields
    assert message(Uplink("1", "2019").frame(0x0102, b"abc@123")).fields == {"auth": "abc@123"}


def block(
    *,
    alarm=0,
    status=3,
    lat=31_200_000,
    lon=121_400_000,
    altitude=0,
    speed=600,
    course=90,
    bcd="261122090203",
):
    return struct.pack(">IIIIhHH", alarm, status, lat, lon, altitude, speed, course) + bytes.fromhex(bcd)


def test_a_position_block_reads_by_the_standard():
    fix = location_parse(block(altitude=-12, speed=655, course=359))
    assert fix.time == AT
    assert (fix.lat, fix.lon, fix.fixed, fix.acc) == (31.2, 121.4, True, True)
    assert (fix.altitude_m, fix.speed_kmh, fix.course_deg) == (-12, 65.5, 359)


def test_south_and_west_come_from_the_status():
    fix = location_parse(block(status=0b1110))
    assert (fix.lat, fix.lon, fix.acc) == (-31.2, -121.4, False)


def test_without_a_fix_the_coordinates_are_kept_as_sent():
    fix = location_parse(block(status=1))
    assert (fix.fixed, fix.lat, fix.lon) == (False, 31.2, 121.4)


def test_zero_zero_is_no_fix_whatever_the_status_says():
    assert location_parse(block(lat=0, lon=0)).fixed is False


def test_coordinates_off_the_earth_are_none():
    fix = location_parse(block(lat=90_000_001, lon=180_000_001))
    assert (fix.lat, fix.lon, fix.fixed) == (None, None, False)


@pytest.mark.parametrize(
    ("bcd", "flag"),
    [
        ("000000000000", TimeFlag.UNKNOWN),
        ("2611220902ff", TimeFlag.INVALID),
        ("261322090203", TimeFlag.INVALID),
        ("070113100000", TimeFlag.TOO_OLD),
        ("300101000000", TimeFlag.FUTURE),
        ("261122090203", None),
    ],
)
def test_times_that_cannot_be_are_flagged(bcd, flag):
    fix = location_parse(block(bcd=bcd))
    assert time_checked(fix.time, fix.time_flag, now=NOW) == flag


def test_ten_minutes_ahead_is_a_clock_that_runs_fast_and_more_is_none():
    assert time_checked(datetime(2026, 11, 22, 2, 10, tzinfo=UTC), None, now=NOW) is None
    assert time_checked(datetime(2026, 11, 22, 2, 10, 1, tzinfo=UTC), None, now=NOW) is TimeFlag.FUTURE


@pytest.mark.parametrize(
    ("item", "values"),
    [
        ("0104000000c6", {"odometer_m": 19_800}),
        ("02020064", {"fuel_l": 10.0}),
        ("02028032", {"fuel_pct": 50}),
        ("0302028a", {"recorder_kmh": 65.0}),
        ("04020007", {"confirm_alarm_id": 7}),
        ("0503ff2030", {"tyre_pressure": [None, 32, 48]}),
        ("06020005", {"temps_c": [5.0]}),
        ("06028005", {"temps_c": [-5.0]}),
        ("110100", {"overspeed": {"kind": "none"}}),
        ("11050100000009", {"overspeed": {"kind": "circle", "id": 9}}),
        ("1206030000000901", {"area": {"kind": "polygon", "id": 9, "direction": "out"}}),
        ("130700000009003c01", {"leg": {"id": 9, "seconds": 60, "result": "too_long"}}),
        ("140400000003", {"video_alarm": 3}),
        ("170105", {"storage_fault": 5}),
        ("18020001", {"driver_behaviour": 1}),
        ("250400000003", {"signals": 3}),
        ("2a020002", {"deep_sleep": False, "sleep": True}),
        ("2b0400020001", {"analog": [1, 2]}),
        ("30011f", {"signal": 31}),
        ("31010d", {"satellites": 13}),
        ("5108001780178017ffe9", {"temps_c": [2.3, -2.3, -2.3, -2.3]}),
        ("5104ffff7d00", {"temps_c": [None, None]}),
        ("580402260fff", {"humidity_pct": [55.0, None]}),
        ("6102053a", {"power_v": 13.38}),
        ("d50100", {"lock": {"0xd5": "00"}}),
        ("2a00", {}),
        ("01020001", {}),
        ("fe03010203", {}),
    ],
)
def test_items_read_by_the_table_and_odd_lengths_are_left_raw(item, values):
    items, rest = items_split(bytes.fromhex(item))
    assert items_decode(items) == values
    assert rest == b""
    assert items == ((int(item[:2], 16), bytes.fromhex(item[4:])),)


def test_a_bad_item_costs_only_itself():
    fix = location_parse(block() + bytes.fromhex("0104000000c6" + "0201ff" + "31010d" + "30ff01"))
    assert (fix.odometer_m, fix.extra["satellites"], fix.lat) == (19_800, 13, 31.2)
    assert fix.rest == bytes.fromhex("30ff01")


def test_an_item_sent_twice_is_kept_twice_and_temperatures_are_gathered():
    fix = location_parse(block() + bytes.fromhex("06020005" + "51020017" + "31010d" + "31010e"))
    assert fix.temps_c == (5.0, 2.3)
    assert fix.extra["satellites"] == 14
    assert len(fix.items) == 4


def test_alarms_and_status_are_named_by_version():
    word = 1 << 0 | 1 << 3 | 1 << 15 | 1 << 29 | 1 << 31
    assert alarm_names(word, is_2019=False) == [
        "sos",
        "danger_warning",
        "reserved_15",
        "collision",
        "illegal_door",
    ]
    assert alarm_names(word, is_2019=True) == [
        "sos",
        "dangerous_driving",
        "illegal_driving",
        "collision_rollover",
        "reserved_31",
    ]
    status = status_names(0b11 | 3 << 8 | 1 << 12 | 1 << 22, is_2019=True)
    assert (status["load"], status["doors_locked"], status["moving"]) == ("full", True, True)
    assert "moving" not in status_names(1 << 22, is_2019=False)


def batch(*pieces, count=None, kind=1):
    return struct.pack(">HB", len(pieces) if count is None else count, kind) + b"".join(
        struct.pack(">H", length) + piece for length, piece in pieces
    )


def lats(parsed):
    return [fix.lat for fix in parsed.fixes]


def test_a_batch_keeps_order_and_says_that_it_is_old():
    pieces = [block(lat=31_000_000 + number) for number in range(3)]
    parsed = batch_parse(batch(*[(28, piece) for piece in pieces]))
    assert lats(parsed) == [31.0, 31.000001, 31.000002]
    assert (parsed.count, parsed.backfill, parsed.skipped) == (3, True, b"")
    assert batch_parse(batch((28, pieces[0]), kind=0)).backfill is False


@pytest.mark.parametrize("wrong", [0, 5, 27, 40, 500])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_wrong_length_in_a_batch_does_not_lose_the_good_items(wrong, place):
    lengths = [28 + 6] * 3
    lengths[place] = wrong
    pieces = [block(lat=31_000_000 + number) + bytes.fromhex("0104000000c6") for number in range(3)]
    parsed = batch_parse(batch(*zip(lengths, pieces, strict=True)))
    assert lats(parsed) == [31.0, 31.000001, 31.000002]
    assert parsed.count == 3


def test_a_batch_with_garbage_between_keeps_the_positions_around_it():
    pieces = [(28, block(lat=31_000_000)), (9, b"\xff" * 9), (28, block(lat=32_000_000))]
    parsed = batch_parse(batch(*pieces))
    assert lats(parsed) == [31.0, 32.0]
    assert b"\xff" * 9 in parsed.skipped


def test_places_packed_for_sending_come_back():
    places = [
        make.place(AT, 31 + number / 1000, temps_c=(-18.5,), odometer_m=123_400) for number in range(100)
    ]
    packs = encode.batch_packs(places, backfill=True)
    assert len(packs) > 1
    assert all(len(body) <= 1023 for _, body in packs)
    fixes = [fix for _, body in packs for fix in batch_parse(body).fixes]
    assert [fix.lat for fix in fixes] == pytest.approx([place.lat for place in places])
    assert {(fix.time, fix.temps_c, fix.odometer_m) for fix in fixes} == {(AT, (-18.5,), 123_400)}


def test_a_place_in_the_south_west_comes_back():
    fix = location_parse(encode.position_body(Place(time=AT, lat=-33.5, lon=-70.25, course_deg=400)))
    assert (fix.lat, fix.lon, fix.course_deg, fix.time) == (-33.5, -70.25, 40, AT)


def test_a_part_of_a_message_is_never_read_as_a_body():
    head = struct.pack(">HH6sHHH", 0x0200, 28 | 0x2000, bytes(6), 9, 3, 2)
    got = decode(wrap(head + block())[1:-1])
    assert got.fixes == ()
    assert got.fields["package"] == {"total": 3, "number": 2}


def test_decode_prints_what_the_issue_asks_for():
    told = Uplink("13912345678", serial=7).position(
        make.place(AT, 31.2, 121.4, alarm=1, odometer_m=1_500, temps_c=(4.5,))
    )
    (claims,) = line_claims(told[1].hex(), now=NOW)
    fix = claims.pop("fixes")[0]
    assert claims == {
        "ok": True,
        "error": None,
        "msg_id": "0x0200",
        "version": "2013",
        "phone": "13912345678",
        "phone_padded": "013912345678",
        "serial": 7,
        "backfill": False,
        "fields": {},
    }
    wanted = {
        "time_utc": "2026-11-22T01:02:03Z",
        "lat": 31.2,
        "lon": 121.4,
        "fixed": True,
        "acc": True,
        "speed_kmh": 60.0,
        "course_deg": 0,
        "altitude_m": 0,
        "alarms": ["sos"],
        "odometer_km": 1.5,
        "fuel_l": None,
        "temps_c": [4.5],
        "humidity_pct": None,
        "satellites": None,
        "signal": None,
        "lock": None,
        "raw_items": [["01", "0000000f"], ["51", "002d"]],
    }
    assert {name: fix[name] for name in wanted} == wanted
    assert fix["status"]["fixed"] is True


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("zz", "not_hex"),
        ("7e0", "not_hex"),
        ("7e000200000139", "unterminated"),
        ("7e7e", "empty"),
        ("7e0002000001391234567800017e", "too_short"),
    ],
)
def test_a_bad_line_is_an_object_with_a_code(line, error):
    (claims,) = line_claims(line, now=NOW)
    assert (claims["ok"], claims["error"], claims["fixes"]) == (False, error, [])


@pytest.mark.parametrize("word", ["沪A12345　挂", "联系　张三", "plain"])
def test_a_full_width_space_is_text(word):
    assert values.text(word.encode("gbk") + b"\0\0") == word


def test_lines_may_be_written_in_any_common_way():
    frame = Uplink("13912345678").heartbeat()[1]
    ways = [
        frame.hex(),
        frame.hex().upper(),
        frame.hex(" "),
        ", ".join(f"0x{byte:02X}" for byte in frame),
        frame[1:-1].hex("-"),
    ]
    assert {line_claims(way, now=NOW)[0]["phone"] for way in ways} == {"13912345678"}
    assert len(line_claims((frame + frame).hex(), now=NOW)) == 2
