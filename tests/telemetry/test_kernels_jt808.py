"""Kernels against the readable codec: the same frames, the same fixes, whatever is sent and in whatever pieces."""

import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.telemetry.codecs.columns import NONE, PROBES, Flag, Report, columns_of, microseconds
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, decode, encode, messages
from zaitu.telemetry.codecs.jt808.framing import CONTENT_MAX, CONTENT_MIN, checksum, escape, wrap
from zaitu.telemetry.codecs.jt808.items import EVENTS
from zaitu.telemetry.kernels import answers, jt808, stream

NOW = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
PHONE = "013912345678"
CARGO_WORDS = ["ffff", "8000", "0000", "8012", "ffee", "803c", "803d", "0078", "0079", "7fff"]
COLUMNS = (
    "at_us", "flags", "lat", "lon", "speed_kmh", "course_deg", "altitude_m", "odometer_m", "alarm", "status", "digest",
    "temps_c", "probes", "humidity_pct",
)  # fmt: skip


def cut(chunks, slot=0, wires=None):
    """(good frames, wires) by the kernel, one piece after the other."""
    wires = stream.wires(2) if wires is None else wires
    found = []
    for chunk in chunks:
        received = np.frombuffer(b"\xee" + chunk, dtype=np.uint8)
        pieces = np.array([[slot, 1, len(received)]])
        plain = np.empty(len(received) + CONTENT_MAX, dtype=np.uint8)
        frames = np.empty((len(received) // (CONTENT_MIN + 1) + 1, 4), dtype=np.int64)
        count, used = stream.frames_cut(received, pieces, wires, plain, frames)
        assert used <= len(plain)
        found += [plain[start:end].tobytes() for _, start, end, _ in frames[:count]]
    return found, wires


def by_codec(chunks):
    """(good frames, codes of bad ones) by the readable form."""
    deframer = Deframer()
    good, bad = [], []
    for chunk in chunks:
        for content in deframer.feed(chunk):
            try:
                good.append(messages.unwrap(content))
            except FrameError as error:
                bad.append(error.code)
    return good, bad + ["too_long"] * deframer.too_long


def split(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


bits = st.one_of(
    st.binary(max_size=40).map(wrap),
    st.binary(min_size=12, max_size=60).map(wrap),
    st.binary(max_size=30),
    st.sampled_from([b"\x7e", b"\x7e\x7e", b"\x7d", b"\x7d\x01", b"\x7d\x05", bytes(CONTENT_MAX + 5)]),
    st.binary(min_size=13, max_size=30).map(lambda body: b"\x7e" + escape(body) + b"\x00\x7e"),
    # A checksum of 7d that was not escaped.
    st.binary(min_size=12, max_size=20).map(
        lambda body: b"\x7e" + escape(body + bytes([checksum(body) ^ 0x7D])) + b"\x7d\x7e"
    ),
)


@given(st.lists(bits, max_size=8), st.lists(st.integers(0, 5000), max_size=6))
@settings(deadline=None, max_examples=400)
def test_a_stream_is_cut_as_the_readable_form_cuts_it_in_whatever_pieces(parts, cuts):
    data = b"".join(parts)
    good, bad = by_codec([data])
    found, wires = cut(split(data, cuts))
    assert found == good
    counted = dict(zip(stream.BAD_CODES, wires.bad[0].tolist(), strict=True))
    begun = (
        wires.state[0] == 4
    )  # an over-long frame whose end has not come is counted by the other form already
    for code in stream.BAD_CODES:
        assert counted[code] + (begun and code == "too_long") == bad.count(code), code


def test_connections_do_not_mix_their_halves():
    frame = wrap(bytes(20))
    first, wires = cut([frame[:9]], slot=0)
    second, _ = cut([frame], slot=1, wires=wires)
    third, _ = cut([frame[9:]], slot=0, wires=wires)
    assert (first, second, third) == ([], [bytes(20)], [bytes(20)])


def test_a_new_connection_in_a_slot_starts_clean():
    frame = wrap(bytes(20))
    _, wires = cut([frame[:9]])
    stream.wire_reset(wires, 0)
    found, _ = cut([frame], wires=wires)
    assert found == [bytes(20)]


def read(frames, phone=PHONE, now=NOW):
    """(claims, places, rows, plain) of frames that came on one connection on which `phone` has authenticated."""
    data = np.frombuffer(b"".join(frames), dtype=np.uint8)
    plain = np.empty(len(data) + CONTENT_MAX, dtype=np.uint8)
    table = np.empty((len(data) // (CONTENT_MIN + 1) + 1, 4), dtype=np.int64)
    count, used = stream.frames_cut(data, np.array([[0, 0, len(data)]]), stream.wires(1), plain, table)
    claims, places = jt808.claims_for(count), jt808.places_for(jt808.rows_max(used))
    number = int(phone, 16)
    known = np.array([[number & (1 << 64) - 1, number >> 64]], dtype=np.uint64).astype(np.int64)
    spans = np.empty((jt808.rows_max(used), 4), dtype=np.int64)
    rows = jt808.frames_decode(plain, table, count, known, claims, spans)
    jt808.places_decode(plain, spans, rows, microseconds(now), places)
    return claims, places, rows, plain, table


times = st.one_of(
    st.datetimes(datetime(2014, 12, 31), datetime(2027, 1, 3)).map(  # noqa: DTZ001  made aware at once
        lambda at: encode.time_bcd(at.replace(tzinfo=UTC))
    ),
    st.sampled_from(["000000000000", "260230101010", "2611ff010203", "240229235959", "261127091001"]).map(
        bytes.fromhex
    ),
    st.binary(min_size=6, max_size=6),
)
numbers = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    lambda alarm, status, lat, lon, words, time: (
        b"".join(value.to_bytes(4, "big") for value in (alarm, status, lat, lon)) + words + time
    ),
    numbers,
    st.one_of(numbers, st.integers(0, 15), st.sampled_from([0x22, 0x23, 0x2F])),
    st.one_of(numbers, st.integers(0, 90_000_001), st.just(0)),
    st.one_of(numbers, st.integers(0, 180_000_001), st.just(0)),
    st.binary(min_size=6, max_size=6),
    times,
)
item_ids = st.sampled_from([0x01, 0x02, 0x06, 0x30, 0x31, 0x51, 0x58, 0x67, 0x0B, 0xE8, 0xEB, *EVENTS])
items = st.one_of(
    st.builds(lambda i, value: bytes([i, len(value)]) + value, item_ids, st.binary(max_size=20)),
    st.builds(lambda value: b"\x01\x04" + value, st.binary(min_size=4, max_size=4)),
    st.builds(lambda value: b"\x06\x02" + value, st.binary(min_size=2, max_size=2)),
    st.builds(lambda word: b"\x06\x02" + bytes.fromhex(word), st.sampled_from(CARGO_WORDS)),
    st.binary(max_size=5),
)
bodies = st.builds(lambda block, area: block + b"".join(area), blocks, st.lists(items, max_size=5))
batches = st.builds(
    lambda parts, kind, extra: (
        len(parts).to_bytes(2, "big")
        + bytes([kind])
        + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
        + extra
    ),
    st.lists(bodies, max_size=4),
    st.integers(0, 1),
    st.sampled_from([b"", b"", b"", b"\x00", b"\x00\x05ab"]),
)


def framed(msg_id, body, long_form, flipped):
    """A frame; `flipped`: the version bit says the other form."""
    phone = PHONE.zfill(20 if long_form else 12)
    attributes = len(body) | (0x4000 if long_form != flipped else 0)
    head = msg_id.to_bytes(2, "big") + attributes.to_bytes(2, "big") + (b"\x01" if long_form else b"")
    return wrap(head + bytes.fromhex(phone) + b"\x7d\x7e" + body)


@given(
    st.one_of(bodies.map(lambda b: (0x0200, b)), batches.map(lambda b: (0x0704, b))),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None, max_examples=800)
def test_positions_are_read_as_the_readable_codec_reads_them(message, long_form, flipped):
    msg_id, body = message
    if len(body) > 1023:
        return
    frame = framed(msg_id, body, long_form, flipped)
    claims, places, rows, plain, _ = read([frame])
    told = decode(frame[1:-1])
    if claims.kind[0] == jt808.OTHER:
        # Left to the readable codec: only a batch that is not straight, or holds nothing.
        assert msg_id == 0x0704
        assert (
            told.fixes == ()
            or told.fields["count"] != len(told.fixes)
            or "skipped" in told.fields
            or rows == 0
        )
        return
    assert (claims.kind[0], claims.serial[0], claims.msg_id[0]) == (jt808.PLACED, 0x7D7E, msg_id)
    assert (claims.protocol[0] == NONE) == (not told.header.long_form)
    reports = [Report(terminal=told.header.phone, fix=fix, backfill=told.backfill) for fix in told.fixes]
    expected = columns_of(reports, received_at=NOW)
    assert rows == len(expected)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(places, name)[:rows], getattr(expected, name), err_msg=name)
    for row, fix in enumerate(told.fixes):
        start, size = places.items[row]
        assert plain[start : start + size].tobytes() == fix.area
        start, size = places.core[row]
        assert plain[start : start + size].tobytes() == fix.core
        assert places.probes[row] == min(len(fix.temps_c), PROBES)
        # What the readable codec finds and kernels do not read: nothing, without a maker's profile.
        assert (fix.lock_events, fix.lock_closed, fix.extra.get("battery_pct")) == (0, None, None)
        assert bool(places.clock[row]) == bool(expected.flags[row] & 8)


@pytest.mark.parametrize(
    ("word", "cargo_c"),
    list(zip(CARGO_WORDS, [None, 0, 0, -18, None, -60, None, 120, None, None], strict=True)),
)
def test_the_sign_of_the_cargo_temperature_is_bit_15_and_ffff_is_none(word, cargo_c):
    frame = framed(0x0200, bytes(28) + b"\x06\x02" + bytes.fromhex(word), False, False)
    _claims, places, rows, *_ = read([frame])
    assert decode(frame[1:-1]).fixes[0].temps_c == (cargo_c,)
    assert rows == 1
    np.testing.assert_array_equal(places.temps_c[0, 0], np.nan if cargo_c is None else cargo_c)
    assert places.probes[0] == 1


@pytest.mark.parametrize(("status", "fixed"), [(0x02, True), (0x22, False), (0x23, False), (0x20, False)])
def test_encrypted_coordinates_are_no_place(status, fixed):
    block = struct.pack(">IIIIHHH6s", 0, status, 31_000_000, 121_000_000, 0, 0, 0, encode.time_bcd(NOW))
    frame = framed(0x0200, block, False, False)
    _claims, places, _rows, *_ = read([frame])
    assert decode(frame[1:-1]).fixes[0].fixed is fixed
    assert bool(places.flags[0] & Flag.FIXED) is fixed
    assert np.isnan(places.lat[0]) == np.isnan(places.lon[0]) == (not fixed)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (framed(0x0102, b"code", False, False), "no position"),
        (framed(0x0200, bytes(27), False, False), "too short a body"),
        (wrap(bytes.fromhex("0200040000" + "1c"[1:] + "0") + bytes(30)), "lengths disagree"),
        (wrap(bytes.fromhex("0200041c" + PHONE + "0001") + bytes(28)), "encrypted"),
        (wrap(bytes.fromhex("0200201c" + PHONE + "000100020001") + bytes(28)), "one part of several"),
        (wrap(bytes.fromhex("0200001c" + "013900000001" + "0001") + bytes(28)), "another number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_position_of_the_known_terminal_is_left_to_the_readable_codec(frame, why):
    claims, _places, rows, *_ = read([frame])
    assert (claims.kind[0], rows) == (jt808.OTHER, 0), why


def test_nothing_is_read_before_authentication():
    claims, _places, rows, *_ = read([framed(0x0200, bytes(28), False, False)], phone="0")
    assert (claims.kind[0], rows) == (jt808.OTHER, 0)


def test_a_heartbeat_is_seen_whatever_it_carries():
    claims, *_ = read([framed(0x0002, b"", False, False), framed(0x0002, b"\x01\x02\x03", True, False)])
    assert claims.kind.tolist() == [jt808.ALIVE, jt808.ALIVE]


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 0xFFFF)), min_size=1, max_size=6),
    st.integers(0, 0xFFFF),
)
@settings(deadline=None)
def test_answers_are_those_of_the_readable_encoder_in_the_form_of_the_question(asked, first_serial):
    frames = []
    for long_form, flipped, serial in asked:
        told = encode.frame(
            0x0200,
            bytes(28),
            phone_bcd=bytes.fromhex(PHONE.zfill(20 if long_form else 12)),
            serial=serial,
            protocol=1 if long_form else None,
            version_bit=long_form != flipped,
        )
        frames.append(told)
    claims, _places, _rows, _plain, table = read(frames)
    serials = np.array([first_serial], dtype=np.int64)
    out = np.empty(len(frames) * answers.ANSWER_MAX, dtype=np.uint8)
    runs = np.empty((len(frames), 3), dtype=np.int64)
    chosen = np.arange(len(frames))
    results = np.arange(len(frames)) % 3
    count = answers.answers_pack(table, chosen, results, claims, serials, out, runs)
    expected = b""
    for number, frame in enumerate(frames):
        header = decode(frame[1:-1]).header
        body = encode.reply_body(header, number % 3)
        expected += encode.answer(header, messages.REPLY, body, serial=first_serial + number)
    assert count == 1
    assert out[: runs[0, 2]].tobytes() == expected
    assert serials[0] == first_serial + len(frames) & 0xFFFF


def test_the_same_place_with_another_event_is_another_report_and_a_plain_repeat_is_not():
    block = bytes(22) + bytes.fromhex("261127091001")
    opened, refused = block + bytes.fromhex("0b0122"), block + bytes.fromhex("0b0123")
    fuel = block + bytes.fromhex("02020010")
    bodies = [block, fuel, opened, refused, opened]
    _, places, rows, *_ = read([framed(0x0200, body, False, False) for body in bodies])
    plain, with_fuel, first, other, again = places.digest[:rows].tolist()
    assert plain == with_fuel
    assert first == again
    assert len({plain, first, other}) == 3
