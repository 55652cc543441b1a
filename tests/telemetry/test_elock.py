"""Locks: three languages on one socket, every event, the right acknowledgement."""

import json
import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.elock import Deframer, ElockError, answer_of, decode
from zaitu.telemetry.codecs.elock.claims import line_claims
from zaitu.telemetry.codecs.elock.encode import LockEventPlace, LockPlace, event_sentence, position_frame
from zaitu.telemetry.codecs.elock.framing import HELD_MAX
from zaitu.telemetry.codecs.elock.place import where_write
from zaitu.telemetry.codecs.elock.sublocks import escape, unescape
from zaitu.telemetry.codecs.elock.wire import BLIND, LIVE, Head, own_frame
from zaitu.telemetry.codecs.elock.words import STATUS
from zaitu.telemetry.codecs.jt808.encode import Uplink

AT = make.moment("2026-11-22T01:02:03")
NOW = make.moment("2026-11-22T02:00:00")
PLACE = LockPlace(time=AT, lat=31.2, lon=121.4, speed_kmh=37.04, course_deg=90, odometer_km=12)
HEAD = Head(msg_id=LIVE, phone_bcd=bytes.fromhex("856009001017"), serial=0x47, wants_answer=True)


def only(frame):
    report = decode(frame)
    return report, report.fixes[0]


places = st.builds(
    LockPlace,
    time=st.integers(946_684_800, 4_070_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    lat=st.floats(-89, 89).filter(lambda lat: abs(lat) > 0.001),
    lon=st.floats(-179, 179).filter(lambda lon: abs(lon) > 0.001),
    speed_kmh=st.integers(0, 255).map(lambda knots: knots * 1.852),
    course_deg=st.integers(0, 179).map(lambda half: 2 * half),
    fixed=st.booleans(),
    odometer_km=st.integers(0, 2**32 - 1),
    satellites=st.integers(0, 255),
    status=st.integers(0, 0xFFFF),
    battery_pct=st.integers(0, 100),
)
devices = st.integers(1, 9_999_999_999).map(str)


@given(devices, places, st.integers(0, 255), st.sampled_from([0x17, 0x19]), st.sampled_from([1, 2, 3, 4]))
@settings(deadline=None)
def test_a_binary_report_reads_as_it_was_written(device, place, index, protocol, data_type):
    report, fix = only(position_frame(device, place, index=index, protocol=protocol, data_type=data_type))
    assert (report.device, report.index, report.backfill) == (device, index, data_type in {3, 4})
    assert fix.time == place.time
    assert (fix.lat, fix.lon) == pytest.approx((place.lat, place.lon), abs=2e-6)
    assert fix.speed_kmh == pytest.approx(place.speed_kmh, abs=0.01)
    assert (fix.course_deg, fix.odometer_m) == (place.course_deg, place.odometer_km * 1000)
    assert fix.fixed is (place.fixed and not place.status & 1)
    assert fix.extra["flags"] == [name for bit, name in STATUS.items() if place.status >> bit & 1]
    assert (fix.lock_closed, fix.cover_closed) == (bool(place.status & 0x80), bool(place.status & 0x2000))
    wanted = {0x17: b"(P35)", 0x19: b"(P69,0,%d)" % index}[protocol] if place.status & 0x20 else None
    assert answer_of(report, NOW) == wanted


@given(devices, places, st.integers(1, 8), st.integers(0, 255), st.booleans())
@settings(deadline=None)
def test_a_lock_event_reads_as_it_was_written(device, place, source, index, right):
    event = LockEventPlace(place=place, source=source, card="0012260888", password_right=right)
    report, fix = only(event_sentence(device, event, index=index))
    assert (report.device, report.kind, report.index) == (device, "event", index)
    assert fix.time == place.time
    assert (fix.lat, fix.lon) == pytest.approx((place.lat, place.lon), abs=1e-6)
    assert fix.extra["lock_card"] == "0012260888"
    assert answer_of(report, NOW) == b"(P69,0,%d)" % index


@given(places, st.integers(0, 255), st.booleans(), st.booleans())
@settings(deadline=None)
def test_a_report_on_the_808_wire_reads_as_it_was_written(place, serial, blind, wants):
    head = replace(HEAD, msg_id=BLIND if blind else LIVE, serial=serial, wants_answer=wants)
    body = where_write(
        place.time,
        place.lat,
        place.lon,
        speed_kmh=place.speed_kmh,
        course_deg=place.course_deg,
        fixed=place.fixed,
    ) + struct.pack(">BBIBIHBHH", 20, 9, 5, place.battery_pct, 0, 0, 3, 0x30, 0b10)
    report, fix = only(own_frame(head, body))
    assert (report.device, report.index, report.backfill) == ("856009001017", serial, blind)
    assert fix.time == place.time
    assert (fix.lat, fix.lon) == pytest.approx((place.lat, place.lon), abs=2e-6)
    assert (fix.lock_closed, fix.lock_events.names) == (False, ["low_battery"])
    answer = answer_of(report, NOW)
    assert (answer is not None) is wants
    if answer:
        plain = answer[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
        assert plain[:4] == b"\x44\x01\x00\x03"
        assert plain[4:11] == head.phone_bcd + bytes([serial])
        assert plain[11:14] == struct.pack(">HB", head.msg_id, 0)


@pytest.mark.parametrize(
    ("bit", "events"),
    [
        (3, ["cut"]),
        (8, ["opened"]),
        (9, ["wrong_password"]),
        (10, ["unauthorised_card"]),
        (11, ["low_battery"]),
        (12, ["cover_opened"]),
        (14, ["motor_fault"]),
        (0, []), (1, []), (2, []), (4, []), (5, []), (6, []), (7, []), (13, []), (15, []),
    ],
)  # fmt: skip
def test_no_bit_that_a_cargo_owner_pays_for_is_dropped(bit, events):
    _, fix = only(position_frame("7880703537", replace(PLACE, status=1 << bit), index=1))
    assert fix.lock_events.names == events


@pytest.mark.parametrize(
    ("source", "check", "right", "events", "closed"),
    [
        (1, 1, False, ["opened"], False),
        (1, 98, False, ["opened"], False),
        (1, 99, False, [], None),
        (1, 0, False, [], None),
        (2, 0, False, ["unauthorised_card"], None),
        (3, 0, False, [], None),
        (4, 1, True, ["opened"], False),
        (4, 0, False, ["wrong_password"], None),
        (5, 0, False, ["closed"], True),
        (6, 98, False, ["opened"], False),
        (6, 7, False, ["opened"], False),
        (6, 0, False, ["wrong_password"], None),
        (6, 99, False, [], None),
        (7, 1, False, ["opened"], False),
        (8, 0, False, ["opened"], False),
        (77, 0, False, [], None),
    ],
)
def test_who_opened_and_who_was_refused(source, check, right, events, closed):
    event = LockEventPlace(place=PLACE, source=source, check=check, password_right=right)
    _, fix = only(event_sentence("8000632862", event, index=9))
    assert (fix.lock_events.names, fix.lock_closed) == (events, closed)
    assert fix.extra.get("lock_refused") == ("outside_fence" if check == 99 else None)


def test_words_that_firmware_appends_do_not_move_the_index():
    sentence = b"(8130630001,P45,260915,102329,2233.3218,N,11325.3659,E,A,0,15,1,1,0026589876,0,0,1,234,863977039060871,7,460:0)"
    report, fix = only(sentence)
    assert (report.index, fix.odometer_m) == (1, 234_000)
    assert (fix.lat, fix.lon) == pytest.approx((22.555363, 113.422765), abs=1e-6)


def test_an_old_lock_that_sends_no_index_is_answered_in_the_old_way():
    report, _ = only(b"(8000632862,P45,290322,132412,25.28217,S,57.54683,W,A,0,0,5,0,0000000000,0)")
    assert (report.index, answer_of(report, NOW)) == (None, b"(P46)")


@pytest.mark.parametrize(
    ("sentence", "kind", "answer"),
    [
        (b"(8000620011,P22,2)", "time", b"(P22,221126020000)"),
        (b"(794104004140,1,001,BASE,2,TIME)", "time", b"(794104004140,1,001,BASE,2,20261122020000)"),
        (b"(794104004140,1,001,BASE,{x},TIME)", "reply", None),
        (b"(8000620011,P52,2,113271)", "password", b"(P52,2,113271)"),
        (b"(8000620011,P52,1)", "password", None),
        (b"(8000620011,@JT)", "heartbeat", None),
        (b"(8130630001,P01,JT701D,41%)", "reply", None),
        (b"(740190311185,1,001,ELOCK,3,529439)", "reply", None),
    ],
)
def test_other_sentences_are_known_and_answered(sentence, kind, answer):
    report = decode(sentence)
    assert (report.kind, answer_of(report, NOW)) == (kind, answer)
    assert report.fixes == ()


SENSOR_HEAD = where_write(AT, 31.2, 121.4, speed_kmh=0, course_deg=0, fixed=True) + bytes.fromhex(
    "221126010159" + "e03b60000a" + "83" + "0138" + "63" + "16"
)


def sensor(kind, tail):
    return b"(8055430364,1,077,WLNET,5,2," + escape(SENSOR_HEAD + bytes([kind]) + bytes.fromhex(tail)) + b")"


@pytest.mark.parametrize(
    ("kind", "tail", "events", "closed", "backfill"),
    [
        (4, "00040004001300", ["cover_opened"], True, False),
        (4, "00010000000000", ["closed"], True, False),
        (4, "00020002000000", ["opened"], False, False),
        (4, "00080002000000", ["opened"], False, False),
        (4, "00100000000000", ["cut"], True, False),
        (4, "01000001000000", ["cut"], True, False),
        (4, "01000003000000", ["opened"], False, False),
        (4, "80400000000004", ["low_battery"], True, True),
        (6, "00040000000001", ["low_battery"], True, True),
        (6, "01000002000000", ["opened"], False, False),
    ],
)
def test_sub_locks_tell_events_and_states(kind, tail, events, closed, backfill):
    report, fix = only(sensor(kind, tail))
    assert (fix.lock_events.names, fix.lock_closed, report.backfill) == (events, closed, backfill)
    assert (fix.extra["sensor"], fix.extra["battery_v"], fix.extra["rssi_dbm"]) == ("e03b60000a", 3.12, -22)
    assert answer_of(report, NOW) == b"(P69,0,77)"


@pytest.mark.parametrize(
    ("word", "temp"), [("0113", 27.5), ("1190", -40.0), ("ffff", None), ("0fff", None), ("1001", -0.1)]
)
def test_a_sensors_temperature_has_its_sign_in_a_nibble(word, temp):
    _, fix = only(sensor(1, word + "47000000"))
    assert (fix.temps_c, fix.extra["humidity_pct"]) == ((temp,), [71])
    assert fix.time == make.moment("2026-11-22T01:01:59")


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_what_is_escaped_for_a_sentence_comes_back_and_holds_no_bracket(content):
    assert not set(escape(content)) & set(b"(),")
    assert unescape(escape(content)) == content


BINARY = position_frame("8041300978", PLACE, index=110)
TEXT = event_sentence("8000632862", LockEventPlace(place=PLACE, source=1), index=9)
WIRE = own_frame(
    HEAD,
    where_write(AT, 31.2, 121.4, speed_kmh=0, course_deg=0, fixed=True)
    + struct.pack(">BBIBIHBHH", 20, 9, 5, 90, 0, 0, 3, 0, 0),
)
POSITION = Uplink("13912345678").position(make.place(AT))[1]
ALL = [BINARY, TEXT, WIRE, POSITION, sensor(1, "011347000000")]


@given(st.lists(st.sampled_from(ALL), max_size=12), st.integers(1, 60), st.sampled_from([b"", b"\r\n"]))
@settings(deadline=None)
def test_all_forms_share_a_socket_however_it_is_cut(frames, piece, between):
    stream = between.join(frames)
    deframer = Deframer()
    cut = [frame for at in range(0, len(stream), piece) for frame in deframer.feed(stream[at : at + piece])]
    assert cut == frames
    assert deframer.junk_bytes == 0


garbage = st.binary(min_size=1, max_size=60).map(
    lambda content: bytes(byte for byte in content if byte not in b"$(\x7e")
)


@given(st.lists(st.tuples(garbage, st.sampled_from(ALL)), min_size=1, max_size=8), st.integers(1, 60))
@settings(deadline=None)
def test_garbage_between_frames_costs_only_itself(mixed, piece):
    stream = b"".join(junk + frame for junk, frame in mixed)
    deframer = Deframer()
    cut = [frame for at in range(0, len(stream), piece) for frame in deframer.feed(stream[at : at + piece])]
    assert cut == [frame for _, frame in mixed]


@pytest.mark.parametrize(
    "junk",
    [
        b"$" * 50,
        b"((((((",
        b"(hello (world",
        b"\x7e\x7e\x7e",
        b"\x7enot a frame\x7e",
        b"$7880703537",
        BINARY[:1] + BINARY[1:20].replace(b"\x31", b"\xfa") + b"\xfa" * 60,
    ],
)
def test_what_looks_like_a_beginning_does_not_swallow_the_next_frame(junk):
    deframer = Deframer()
    cut = deframer.feed(junk + TEXT + BINARY + WIRE)
    assert cut == [TEXT, BINARY, WIRE]
    assert deframer.junk_bytes > 0


@given(st.lists(st.binary(max_size=4000), max_size=8))
@settings(deadline=None)
def test_any_stream_leaves_a_bounded_buffer(chunks):
    deframer = Deframer()
    for chunk in chunks:
        deframer.feed(chunk)
        assert len(deframer._held) <= HELD_MAX


def test_a_megabyte_of_beginnings_is_passed_over_in_no_time():
    deframer = Deframer()
    for content in (b"(1" * 50_000, b"$" * 100_000, b"\x7e" * 100_000, b"(1,\x7e$\x12" * 20_000):
        deframer.feed(content)
    assert deframer.feed(b"\x7e" + TEXT)[-1:] in ([], [TEXT])
    assert deframer.junk_bytes > 300_000


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "not_elock"),
        (b"hello", "not_elock"),
        (b"\x7e", "not_elock"),
        (BINARY[:-1], "bad_length"),
        (b"$" + b"\xff" * 80, "bad_length"),
        (BINARY[:16] + b"\xaa" + BINARY[17:], "bad_digits"),
        (b"(8000632862,P45,290322)", "short_text"),
        (b"(8000632862,P45,290322", "bad_text"),
        (b"(hello,P45)", "bad_text"),
        (b"()", "bad_text"),
        (TEXT.replace(b"31.200000", b"north"), "bad_text"),
        (TEXT.replace(b"31.200000", b"nan"), "bad_text"),
        (b"(8055430364,1,xx,WLNET,5,2,abc)", "short_text"),
        (b"(8055430364,1,077,WLNET,5,2,abc)", "bad_length"),
        (sensor(1, "00"), "bad_length"),
        (WIRE[:-2] + b"\x00\x7e", "bad_checksum"),
        (own_frame(HEAD, b"short"), "bad_length"),
        (b"\x7e\x7e", "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(frame, code):
    with pytest.raises(ElockError) as caught:
        decode(frame)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("frame", "index"), [(BINARY, -1), (own_frame(HEAD, b"\0" * 35)[:-2] + b"\0\x7e", 0)]
)
def test_a_declared_length_that_is_not_sent_is_refused(frame, index):
    with pytest.raises(ElockError):
        decode(frame[:index] + b"\0\0" + frame[index:] if index else frame[:5] + frame[6:])


def test_coordinates_off_the_earth_are_none():
    _, fix = only(BINARY[:16] + bytes.fromhex("91000000") + BINARY[20:])
    assert (fix.lat, fix.fixed) == (None, False)


def test_the_same_report_with_another_index_or_without_asking_is_the_same_report():
    again = position_frame("8041300978", replace(PLACE, status=PLACE.status | 0x20), index=111, data_type=3)
    other = position_frame("8041300978", replace(PLACE, status=PLACE.status | 0x08), index=111)
    digests = [decode(frame).fixes[0].digest for frame in (BINARY, again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_two_events_at_one_time_and_place_are_two():
    second = event_sentence("8000632862", LockEventPlace(place=PLACE, source=5), index=9)
    assert decode(TEXT).fixes[0].digest != decode(second).fixes[0].digest


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("zz", "not_hex"),
        ("00", "not_elock"),
        ("", "not_elock"),
        ("(1", "bad_text"),
        ("(x,P45)", "bad_text"),
        (BINARY.hex()[:-2], "bad_length"),
        ("7e00", "not_elock"),
    ],
)
def test_a_bad_line_is_an_object_with_a_code(line, error):
    (claims,) = line_claims(line, now=NOW)
    assert (claims["ok"], claims["error"], claims["fixes"]) == (False, error, [])


def test_a_line_may_be_a_sentence_or_hold_several_frames():
    assert line_claims(TEXT.decode(), now=NOW)[0]["kind"] == "event"
    assert [one["form"] for one in line_claims((BINARY + TEXT + WIRE).hex(" "), now=NOW)] == [
        "binary",
        "text",
        "jt808",
    ]
    assert [one["form"] for one in line_claims("ff" + TEXT.hex(), now=NOW)] == ["text"]


@given(st.text(max_size=200) | st.text("(),$0123456789AP45", max_size=200).map(lambda words: "(" + words))
@settings(deadline=None)
def test_any_line_gives_objects_with_the_same_keys(line):
    claims = line_claims(line, now=NOW)
    assert claims
    for one in claims:
        json.dumps(one)
        assert {
            "ok",
            "error",
            "form",
            "kind",
            "device",
            "index",
            "backfill",
            "answer",
            "fixes",
            "fields",
        } <= set(one)
