"""Every message with a table: written and read back, by property and by the frames of open projects."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from tests.telemetry.strategies import values
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, decode, encode, messages
from zaitu.telemetry.codecs.jt808.catalogue import DRIVER_2011, LAYOUTS
from zaitu.telemetry.codecs.jt808.encode import Uplink, body_of, media_body, resend_body
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.codecs.jt808.header import Package

ROWS = json.loads((Path(__file__).parent / "data" / "jt808.json").read_text("utf-8"))["vectors"]
AT = make.moment("2026-11-22T01:02:03")


def told(msg_id, body, version="2013"):
    ((_, frame),) = Uplink("13912345678", version).message(msg_id, body)
    return decode(frame[1:-1])


@pytest.mark.parametrize("version", ["2013", "2019"])
@pytest.mark.parametrize("msg_id", sorted(LAYOUTS), ids=lambda one: f"0x{one:04x}")
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_what_is_written_reads_the_same(msg_id, version, data):
    sent = data.draw(values(LAYOUTS[msg_id], version))
    if msg_id == messages.DRIVER_CARD and version == "2013" and sent["card"] not in {"in", "out"}:
        return  # another state cannot be told from a driver's name of 2011
    body = body_of(msg_id, sent, version)
    assert LAYOUTS[msg_id].read(body, version) == sent
    if len(body) <= 1023:
        assert told(msg_id, body, version).fields == sent


READABLE = [
    row for row in ROWS if int(row["ref"].get("msg_id", "0"), 16) in LAYOUTS and "pkg_total" not in row["ref"]
]


def test_open_projects_send_most_of_these_messages():
    assert len({row["ref"]["msg_id"] for row in READABLE}) > 20


@pytest.mark.parametrize("number", range(len(READABLE)))
def test_bodies_of_open_projects_are_written_byte_for_byte(number):
    (content,) = Deframer().feed(bytes.fromhex(READABLE[number]["hex"]))
    message = decode(content)
    assert body_of(message.header.msg_id, message.fields, message.version) == message.body


@given(values(DRIVER_2011, "2011"))
@settings(deadline=None, max_examples=30)
def test_a_drivers_card_of_2011_is_known_by_its_form(sent):
    body = body_of(messages.DRIVER_CARD, sent, "2011")
    if body[0] in {1, 2}:
        return
    message = told(messages.DRIVER_CARD, body)
    assert (message.version, message.fields) == ("2011", sent)


def test_a_card_taken_out_may_be_told_without_the_rest():
    message = told(messages.DRIVER_CARD, bytes.fromhex("02261122090203"))
    assert message.fields == {"card": "out", "time_utc": "2026-11-22T01:02:03Z"}


def test_2019_appends_the_drivers_number():
    sent = {
        "card": "in",
        "time_utc": "2026-11-22T01:02:03Z",
        "result": "read",
        "name": "张三",
        "certificate": "1234",
        "authority": "交通局",
        "valid_until": "20301231",
        "id_number": "31011520010101003X",
    }
    assert told(messages.DRIVER_CARD, body_of(messages.DRIVER_CARD, sent, "2019"), "2019").fields == sent


def test_the_servers_time_is_the_one_in_utc():
    assert body_of(messages.SERVER_TIME_REPLY, {"time_utc": AT}).hex() == "261122010203"
    assert body_of(messages.DRIVER_CARD, {"card": "out", "time_utc": AT}).hex() == "02261122090203"


@pytest.mark.parametrize(
    ("version", "body"), [("2013", "0007 02 0001 0003"), ("2019", "0007 0002 0001 0003")]
)
def test_asking_again_counts_in_a_byte_and_since_2019_in_a_word(version, body):
    assert resend_body(7, [1, 3], version) == bytes.fromhex(body)


def test_text_to_the_driver_has_a_kind_since_2019():
    sent = {"flags": ["urgent", "speak"], "kind": "notice", "text": "请靠边停车"}
    assert body_of(messages.TEXT_TO_DRIVER, sent, "2013")[:1] == b"\x09"
    assert body_of(messages.TEXT_TO_DRIVER, sent, "2019")[:2] == b"\x0a\x01"


@pytest.mark.parametrize(
    ("flags", "byte", "read"),
    [
        (["speak"], 0x0B, ["notice", "speak"]),
        (["urgent", "display"], 0x06, ["urgent", "display"]),
        (["service"], 0x01, ["service"]),
        (["bit_7"], 0x83, ["notice", "bit_7"]),
    ],
)
def test_since_2019_a_text_is_a_service_urgent_or_a_notice(flags, byte, read):
    sent = {"flags": flags, "kind": "notice", "text": "请靠边停车"}
    body = body_of(messages.TEXT_TO_DRIVER, sent, "2019")
    assert body[0] == byte
    assert told(messages.TEXT_TO_DRIVER, body, "2019").fields["flags"] == read


def test_a_text_is_not_two_of_service_urgent_and_notice_at_once():
    sent = {"flags": ["service", "urgent"], "kind": "notice", "text": "请靠边停车"}
    with pytest.raises(ValueError, match="one of"):
        body_of(messages.TEXT_TO_DRIVER, sent, "2019")


def test_a_circle_has_what_is_told_and_the_bits_that_say_so():
    circle = {"id": 1, "lat": -33.5, "lon": -70.25, "radius_m": 300}
    plain = body_of(messages.CIRCLES_SET, {"action": "append", "areas": [circle]})
    assert plain[2:8].hex() == "00000001" + "00c0"
    limited = {**circle, "start": "261122000000", "end": "261122235959", "max_kmh": 60, "over_s": 10}
    assert body_of(messages.CIRCLES_SET, {"action": "append", "areas": [limited]})[6:8].hex() == "00c3"
    (read,) = told(messages.CIRCLES_SET, plain).fields["areas"]
    assert (read["lat"], read["lon"], read["attributes"]) == (-33.5, -70.25, ["south", "west"])
    assert "max_kmh" not in read


def test_a_2019_circle_has_night_speed_and_name():
    circle = {
        "id": 1, "lat": 31.0, "lon": 121.0, "radius_m": 300, "max_kmh": 60, "over_s": 5, "night_max_kmh": 40, "name": "仓库",
    }  # fmt: skip
    body = body_of(messages.CIRCLES_SET, {"action": "replace", "areas": [circle]}, "2019")
    (read,) = told(messages.CIRCLES_SET, body, "2019").fields["areas"]
    assert (read["night_max_kmh"], read["name"]) == (40, "仓库")


@pytest.mark.parametrize(
    ("msg_id", "sent", "why"),
    [
        (messages.CIRCLES_SET, {"action": "append", "areas": [{"id": 1}]}, "is missing"),
        (messages.TRACKING, {"interval_s": 70_000}, "interval_s is a whole number of 2 bytes"),
        (messages.TRACKING, {"interval_s": True}, "whole number"),
        (messages.TEXT_TO_DRIVER, {"flags": ["loud"], "text": ""}, "flags has no 'loud'"),
        (messages.PARAMETERS_SET, {"parameters": [{"id": 1, "value": 1}]}, "wrong kind"),
        (messages.ATTRIBUTES, {"maker": "too long a maker"}, "at most 5 bytes"),
        (messages.POSITION, {}, "not written from values"),
        (
            messages.POLYGON_SET,
            {"id": 1, "points": [{"lat": -1.0, "lon": 1.0}, {"lat": 1.0, "lon": 1.0}]},
            "one side only",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused_with_a_reason(msg_id, sent, why):
    with pytest.raises(ValueError, match=why):
        body_of(msg_id, sent)


@pytest.mark.parametrize("msg_id", sorted(set(LAYOUTS) - {0x0002, 0x0003, 0x0004, 0x8104, 0x8107, 0x8201}))
def test_a_body_that_ends_too_soon_is_refused(msg_id):
    with pytest.raises(FrameError, match="short_body"):
        LAYOUTS[msg_id].read(b"", "2013")


def test_bytes_behind_the_last_field_are_kept():
    assert told(messages.HEARTBEAT, b"\x64\x1f\x00").fields == {"rest": "641f00"}


def test_a_waybill_is_its_text_whatever_its_length_says():
    for length in (4, 400):
        body = length.to_bytes(4, "big") + "货物".encode("gbk")
        assert told(messages.WAYBILL, body).fields == {"text": "货物"}


MEDIA = {"media_id": 7, "media_kind": "image", "media_format": "jpeg", "event": "asked", "channel": 1}
JPEG = b"\xff\xd8" + bytes(range(256)) * 3


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_picture_comes_with_its_place(version):
    place = make.place(AT, 31.2, 121.4)
    message = told(messages.MEDIA_DATA, media_body(MEDIA, JPEG, place, version), version)
    assert message.content == JPEG
    where = {"time_utc": "2026-11-22T01:02:03Z", "lat": 31.2, "lon": 121.4, "fixed": True}
    assert message.fields == {**MEDIA, **where, "data_bytes": len(JPEG)}
    assert message.fixes == ()


def test_a_picture_of_2011_comes_without():
    message = told(messages.MEDIA_DATA, media_body(MEDIA, JPEG, None))
    assert (message.content, message.fields) == (JPEG, {**MEDIA, "data_bytes": len(JPEG)})


def test_media_are_answered_and_the_missing_asked_for():
    assert body_of(messages.MEDIA_REPLY, {"media_id": 7}).hex() == "00000007"
    assert body_of(messages.MEDIA_REPLY, {"media_id": 7, "numbers": [2, 5]}).hex() == "000000070200020005"


def test_a_body_too_long_for_a_frame_goes_in_parts_that_count():
    uplink = Uplink("13912345678", serial=0xFFFF)
    frames = uplink.message(messages.TRANSPARENT_DOWN, b"\xf0" + bytes(2_500))
    headers = [decode(frame[1:-1]).header for _, frame in frames]
    assert [header.serial for header in headers] == [0xFFFF, 0, 1]
    assert [header.package for header in headers] == [Package(total=3, number=number) for number in (1, 2, 3)]
    with pytest.raises(ValueError, match="too many"):
        encode.split(bytes(70_000), size=1)


def test_a_flagged_rsa_frame_is_refused_by_name_also_in_the_long_form():
    content = wrap(b"\x02\x00\x44\x03\x01" + bytes(10) + b"\x00\x01" + b"abc")[1:-1]
    with pytest.raises(FrameError, match="rsa_encrypted"):
        decode(content)
