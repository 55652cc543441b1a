"""Frames in a stream, escapes, checksums and headers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.telemetry.codecs.jt808.encode import Uplink, frame
from zaitu.telemetry.codecs.jt808.framing import (
    CONTENT_MAX,
    Deframer,
    FrameError,
    escape,
    unescape,
    unwrap,
    wrap,
)
from zaitu.telemetry.codecs.jt808.header import header_parse
from zaitu.telemetry.codecs.jt808.messages import decode

PHONE = bytes.fromhex("013912345678")


def refusal(content):
    with pytest.raises(FrameError) as caught:
        header_parse(unwrap(content))
    return caught.value.code


def test_the_standards_own_example_of_escaping():
    plain, wire = bytes.fromhex("307e087d55"), bytes.fromhex("307d02087d0155")
    assert escape(plain) == wire
    assert unescape(wire) == plain


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_what_is_escaped_comes_back_and_holds_no_delimiter(content):
    assert b"\x7e" not in escape(content)
    assert unescape(escape(content)) == content


def test_an_escape_of_nothing_known_is_refused():
    with pytest.raises(FrameError, match="bad_escape"):
        unescape(b"\x30\x7d\x03\x55")


def test_a_checksum_of_7d_may_come_unescaped():
    serial = next(
        number
        for number in range(65536)
        if frame(0x0002, b"", phone_bcd=PHONE, serial=number).endswith(b"\x7d\x01\x7e")
    )
    right = frame(0x0002, b"", phone_bcd=PHONE, serial=serial)
    assert decode(right[1:-3] + b"\x7d").header.serial == serial


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\x00\x02\x00", "too_short"),
        (b"\x01" * (CONTENT_MAX + 1), "too_long"),
        (b"\x00\x7e\x00", "delimiter_inside"),
        (frame(0x0002, b"", phone_bcd=PHONE, serial=1)[1:-2] + b"\x55", "bad_checksum"),
        (wrap(b"\x00\x02\x00\x05" + PHONE + b"\x00\x01" + b"abc")[1:-1], "bad_length"),
        (wrap(b"\x02\x00\x04\x03" + PHONE + b"\x00\x01" + b"abc")[1:-1], "rsa_encrypted"),
        (wrap(b"\x02\x00\x08\x03" + PHONE + b"\x00\x01" + b"abc")[1:-1], "unknown_encryption"),
    ],
)
def test_bad_frames_are_refused_with_a_code(content, code):
    assert refusal(content) == code


@pytest.mark.parametrize(("phone", "version"), [("13912345678", "2013"), ("13912345678901234567", "2019")])
def test_the_header_keeps_the_number_as_sent_and_without_zeros(phone, version):
    header, body = header_parse(unwrap(Uplink(phone, version, serial=65535).frame(0x0F0F, b"xyz")[1][1:-1]))
    assert (header.phone, header.serial, header.msg_id, body) == (phone, 65535, 0x0F0F, b"xyz")
    assert header.phone_padded == phone.zfill(12 if version == "2013" else 20)
    assert header.protocol == (None if version == "2013" else 1)


def test_an_id_in_hexadecimal_is_an_id():
    told = frame(0x0002, b"", phone_bcd=bytes.fromhex("0f07788ef676"), serial=0)
    assert decode(told[1:-1]).header.phone == "f07788ef676"


def test_the_other_header_form_is_taken_when_only_it_fits_the_length():
    short_form_with_long_flag = wrap(b"\x01\x02\x40\x03" + PHONE + b"\x00\x07" + b"abc")[1:-1]
    message = decode(short_form_with_long_flag)
    assert (message.header.protocol, message.header.phone, message.fields["auth"]) == (
        None,
        "13912345678",
        "abc",
    )
    long_form_with_short_flag = wrap(b"\x01\x02\x00\x03\x01" + PHONE.rjust(10, b"\0") + b"\x00\x07" + b"abc")[
        1:-1
    ]
    message = decode(long_form_with_short_flag)
    assert (message.header.protocol, message.header.phone, message.fields["auth"]) == (
        1,
        "13912345678",
        "abc",
    )


GOOD = [Uplink("13912345678", serial=number).heartbeat()[1] for number in range(3)]


@pytest.mark.parametrize(
    "stream",
    [
        GOOD[0] + GOOD[1] + GOOD[2],
        GOOD[0] + GOOD[1][1:] + GOOD[2][1:],
        b"junk" + GOOD[0] + b"junk\x7e\x7e\x7e" + GOOD[1] + GOOD[2],
        GOOD[0] + b"\x7e" + GOOD[1] + b"\x7e" + b"\x00" * 5000 + b"\x7e" + GOOD[2],
        b"\x7e\x00\x02half" + GOOD[0] + GOOD[1] + GOOD[2],
    ],
    ids=["doubled", "shared", "junk", "stray and over-long", "half"],
)
@pytest.mark.parametrize("piece", [1, 3, 64, 10_000])
def test_no_delimiter_trouble_costs_a_good_frame(stream, piece):
    deframer = Deframer()
    read = []
    for at in range(0, len(stream), piece):
        for content in deframer.feed(stream[at : at + piece]):
            try:
                read.append(decode(content).header.serial)
            except FrameError:
                continue
    assert read == [0, 1, 2]


def test_what_is_no_frame_is_counted_and_not_kept():
    deframer = Deframer()
    assert deframer.feed(b"GET / HTTP/1.1") == []
    assert deframer.junk_bytes == 14
    assert deframer.feed(b"\x7e" + b"\x01" * 1_000_000) == []
    assert (deframer.too_long, deframer.half) == (1, True)
    assert deframer.feed(b"\x7e" + GOOD[0][1:]) == [GOOD[0][1:-1]]
    assert not deframer.half


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 20))
@settings(deadline=None)
def test_frames_survive_any_cutting_of_the_stream(bodies, piece):
    stream = b"".join(wrap(b"\x00" * 12 + body) for body in bodies)
    deframer = Deframer()
    frames = [
        content for at in range(0, len(stream), piece) for content in deframer.feed(stream[at : at + piece])
    ]
    assert [unwrap(content)[12:] for content in frames] == bodies
