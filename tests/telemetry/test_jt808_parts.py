"""Messages in several frames: any order, repeats, gaps, limits."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.jt808 import FrameError, decode, messages
from zaitu.telemetry.codecs.jt808.encode import Uplink, body_of, downlinks, media_body
from zaitu.telemetry.codecs.jt808.header import Header, Package
from zaitu.telemetry.codecs.jt808.parts import ASK_MAX, PartLimits, Parts

PHONE = bytes.fromhex("013912345678")


def part(serial, number, total, body=b"", *, msg_id=0x0900, phone=PHONE):
    header = Header(
        msg_id=msg_id,
        attributes=0,
        protocol=None,
        phone_bcd=phone,
        serial=serial & 0xFFFF,
        package=Package(total=total, number=number),
    )
    return header, body


def upload(first, bodies, **more):
    return [
        part(first + number - 1, number, len(bodies), body, **more)
        for number, body in enumerate(bodies, start=1)
    ]


def feed(parts, pieces, at_s=0.0):
    return [whole for piece in pieces if (whole := parts.add(*piece, at_s)) is not None]


bodies = st.lists(st.binary(max_size=40), min_size=2, max_size=8)


@given(bodies, st.integers(0, 0xFFFF), st.randoms(use_true_random=False), st.data())
@settings(deadline=None)
def test_parts_in_any_order_and_repeated_make_the_same_message(pieces, first, rng, data):
    sent = upload(first, pieces)
    sent += data.draw(st.lists(st.sampled_from(sent), max_size=6))
    rng.shuffle(sent)
    parts = Parts()
    (whole,) = feed(parts, sent)
    assert whole.body == b"".join(pieces)
    assert (whole.header.serial, whole.header.package) == (first, None)
    assert (parts.held_bytes, parts.repeated, parts.due(100.0).asks) == (0, len(sent) - len(pieces), [])


@given(st.lists(bodies, min_size=2, max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_uploads_of_one_size_do_not_mix_however_they_are_shuffled(uploads, rng):
    size = min(map(len, uploads))
    sent = [
        piece
        for number, pieces in enumerate(uploads)
        for piece in upload(1000 * number, [bytes([number, *body]) for body in pieces[:size]])
    ]
    rng.shuffle(sent)
    wholes = feed(Parts(), sent)
    assert sorted(whole.body for whole in wholes) == [
        b"".join(bytes([number, *body]) for body in pieces[:size]) for number, pieces in enumerate(uploads)
    ]


@given(bodies, st.lists(st.integers(1, 40), min_size=8, max_size=8), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_serials_need_not_follow_each_other(pieces, gaps, rng):
    """A real 0x0104 in two parts has the serials 1233 and 1250: other messages were sent in between."""
    serial, sent = 65_500, []
    for number, body in enumerate(pieces, start=1):
        sent.append(part(serial, number, len(pieces), body))
        serial += gaps[number - 1]
    rng.shuffle(sent)
    parts = Parts()
    wholes = feed(parts, sent)
    wholes += parts.due(0.5).wholes
    wholes += parts.due(1.0).wholes
    assert [whole.body for whole in wholes] == [b"".join(pieces)]
    assert parts.held_bytes == 0


def test_the_real_0104_in_two_parts_is_read_as_one():
    values = {"reply_serial": 3, "parameters": [{"id": "0x0083", "value": "鄂A12345"}] * 2}
    body = body_of(messages.PARAMETERS, values)
    parts = Parts()
    parts.add(*part(1233, 1, 2, body[:20], msg_id=messages.PARAMETERS), 0.0)
    parts.add(*part(1250, 2, 2, body[20:], msg_id=messages.PARAMETERS), 0.2)
    assert parts.due(1.0).wholes == []
    (whole,) = parts.due(1.3).wholes
    read = whole.read().fields
    assert read["reply_serial"] == 3
    assert [one["value"] for one in read["parameters"]] == ["鄂A12345"] * 2


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_picture_in_many_frames_is_a_picture(version):
    media = {"media_id": 7, "media_kind": "image", "media_format": "jpeg", "event": "asked", "channel": 1}
    jpeg = b"\xff\xd8" + bytes(range(256)) * 40
    place = make.place(make.moment())
    frames = Uplink("13912345678", version, serial=0xFFFE).message(
        messages.MEDIA_DATA, media_body(media, jpeg, place, version)
    )
    assert len(frames) == 11
    read = [decode(frame[1:-1]) for _, frame in frames]
    assert all("package" in message.fields and not message.content for message in read)
    (whole,) = feed(Parts(), [(message.header, message.body) for message in read[::-1]])
    message = whole.read()
    assert message.content == jpeg
    assert (message.fields["media_id"], message.fields["data_bytes"]) == (7, len(jpeg))


def test_a_long_route_goes_down_in_parts_that_a_terminal_can_put_together():
    legs = [
        {"id": number, "leg_id": number, "lat": 31.0 + number / 1000, "lon": 121.0, "width_m": 30}
        for number in range(200)
    ]
    body = body_of(messages.ROUTE_SET, {"id": 5, "legs": legs})
    to = decode(Uplink("13912345678").heartbeat()[1][1:-1]).header
    frames = downlinks(to, messages.ROUTE_SET, body, serial=0xFFFF)
    read = [decode(frame[1:-1]) for frame in frames]
    assert [message.header.serial for message in read] == [0xFFFF, 0, 1, 2]
    (whole,) = feed(Parts(), [(message.header, message.body) for message in read])
    assert len(whole.read().fields["legs"]) == 200


def test_what_is_missing_is_asked_for_and_then_given_up():
    parts = Parts(PartLimits(patience_s=5, tries=2))
    sent = upload(70, [b"a", b"b", b"c", b"d"])
    feed(parts, [sent[0], sent[2]])
    assert parts.due(4.9).asks == []
    (ask,) = parts.due(5.0).asks
    assert (ask.first_serial, ask.numbers, ask.header.phone) == (70, (2, 4), "13912345678")
    assert parts.due(9.0).asks == []
    (again,) = parts.due(10.0).asks
    assert again.numbers == (2, 4)
    assert feed(parts, [sent[1]], 11.0) == []
    (third,) = parts.due(16.0).asks
    assert third.numbers == (4,)
    assert len(parts.due(21.0).asks) == 1
    assert parts.due(26.0).asks == []
    assert (parts.given_up, parts.held_bytes) == (1, 0)


def test_what_was_asked_for_completes_the_message():
    parts = Parts()
    sent = upload(9, [b"a", b"b", b"c"])
    feed(parts, [sent[0], sent[2]])
    parts.due(6.0)
    (whole,) = feed(parts, [sent[1]], 7.0)
    assert whole.body == b"abc"


def test_what_was_asked_for_may_come_under_a_serial_of_its_own():
    parts = Parts()
    sent = upload(9, [b"a", b"b", b"c"])
    feed(parts, [sent[0], sent[2]])
    parts.due(6.0)
    (whole,) = feed(parts, [part(400, 2, 3, b"b")], 7.0)
    assert whole.body == b"abc"


def test_parts_of_a_finished_message_that_come_again_begin_no_new_one():
    parts = Parts()
    sent = upload(9, [b"a", b"b"])
    assert len(feed(parts, sent)) == 1
    assert feed(parts, sent) == []
    assert (parts.repeated, parts.held_bytes, parts.due(99.0).asks) == (2, 0, [])


def test_serials_that_begin_anew_begin_a_new_message():
    parts = Parts()
    feed(parts, [part(1, 1, 2, b"old")])
    (whole,) = feed(parts, upload(1, [b"new", b"er"]))
    assert (whole.body, parts.given_up) == (b"newer", 1)


def test_terminals_and_messages_are_kept_apart():
    other = bytes.fromhex("013800000000")
    parts = Parts()
    sent = [
        *upload(5, [b"a", b"b"]),
        *upload(5, [b"c", b"d"], phone=other),
        *upload(5, [b"e", b"f"], msg_id=0x0704),
    ]
    wholes = feed(parts, sent[::2] + sent[1::2])
    assert sorted(whole.body for whole in wholes) == [b"ab", b"cd", b"ef"]


def test_no_more_is_asked_for_at_once_than_a_byte_can_count():
    parts = Parts()
    feed(parts, [part(0, 600, 600)])
    (ask,) = parts.due(10.0).asks
    assert len(ask.numbers) == ASK_MAX
    assert len(body_of(messages.RESEND, {"first_serial": 1, "numbers": list(ask.numbers)}, "2013")) == 513


@pytest.mark.parametrize(("number", "total"), [(0, 3), (4, 3), (1, 0)])
def test_numbers_that_cannot_be_are_refused(number, total):
    with pytest.raises(FrameError, match="bad_package"):
        Parts().add(*part(1, number, total), 0.0)


def test_a_whole_message_is_no_part():
    header = decode(Uplink("13912345678").heartbeat()[1][1:-1]).header
    with pytest.raises(FrameError, match="bad_package"):
        Parts().add(header, b"", 0.0)


def test_memory_is_bounded_by_terminal_and_in_all_and_the_oldest_goes():
    limits = PartLimits(uploads=3, terminal_bytes=20_000, total_bytes=50_000)
    parts = Parts(limits)
    for number in range(10):
        parts.add(*part(100 * number, 1, 50 + number, bytes(1000)), float(number))
    assert len(parts.due(20.0).asks) == 3
    for number in range(2, 40):
        parts.add(*part(number, number, 60, bytes(1000)), 30.0)
        assert parts.held_bytes <= 20_000
    for phone in range(30):
        for number in range(1, 4):
            parts.add(*part(number, number, 60, bytes(1000), phone=phone.to_bytes(6, "big")), 40.0)
        assert parts.held_bytes <= 50_000
    assert parts.given_up > 20


def test_a_terminal_whose_serials_make_no_sense_holds_no_more_than_its_share():
    rng = random.Random(8)
    parts = Parts()
    for number in range(20_000):
        parts.add(*part(rng.randrange(65_536), number % 60_000 + 1, 60_000), 0.0)
    assert parts.held_bytes <= PartLimits().terminal_bytes
    assert parts.given_up > 0


def test_a_message_is_not_kept_for_ever_however_slowly_it_drips():
    parts = Parts(PartLimits(keep_s=60))
    for number in range(1, 20):
        parts.add(*part(number, number, 100), number * 4.0)
    parts.due(80.0)
    assert parts.held_bytes == 0


def test_what_a_terminal_has_not_finished_can_be_forgotten():
    parts = Parts()
    feed(parts, [part(1, 1, 2)])
    parts.forget("13912345678")
    parts.forget("nobody")
    assert (parts.held_bytes, parts.given_up) == (0, 1)
