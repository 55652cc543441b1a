"""Whatever comes in: the codec answers or refuses with its own error, nothing else."""

import json
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, decode, messages
from zaitu.telemetry.codecs.jt808.claims import content_claims, line_claims
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.codecs.osmand import OsmandError, json_parse, query_parse

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KNOWN = sorted(messages.KNOWN)


def body_frame(msg_id, body, *, long_form=False, extra_attributes=0):
    attributes = len(body) | (0x4000 if long_form else 0) | extra_attributes
    phone = b"\x01" + bytes(10) if long_form else bytes(6)
    return wrap(struct.pack(">HH", msg_id, attributes) + phone + b"\x00\x01" + body)[1:-1]


def refusal(read, *args):
    """The error's code or text; empty when it was read. Any other exception fails the test."""
    try:
        read(*args)
    except FrameError as error:
        return error.code
    except OsmandError as error:
        return str(error)
    return ""


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_read_or_refused(content):
    assert isinstance(refusal(decode, content), str)


@given(st.sampled_from([*KNOWN, 0x0F00]), st.binary(max_size=300), st.booleans())
@settings(deadline=None, max_examples=500)
def test_any_body_is_read_or_refused_and_its_fixes_can_be_stored(msg_id, body, long_form):
    content = body_frame(msg_id, body, long_form=long_form)
    if code := refusal(decode, content):
        assert code == "short_body"
        return
    message = decode(content)
    json.dumps(content_claims(content, now=NOW))
    reports = [Report(terminal="1", fix=fix, backfill=message.backfill) for fix in message.fixes]
    columns = columns_of(reports, received_at=NOW)
    assert len(columns) == len(message.fixes)
    for row in range(len(columns)):
        json.loads(columns.piece(columns.extra, row) or b"{}")


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_one_flipped_byte_never_passes_for_the_frame_that_was_sent(body, at, flip):
    content = bytearray(body_frame(0x0F00, body))
    at %= len(content)
    before = content[at]
    content[at] ^= flip
    if content[at] == before:
        return
    # A flip that makes or breaks an escape may leave a shorter frame whose checksum happens to fit; never the same body.
    if not refusal(decode, bytes(content)):
        assert decode(bytes(content)).body != body


@given(st.lists(st.binary(max_size=3000), max_size=10))
@settings(deadline=None)
def test_any_stream_leaves_a_bounded_buffer(chunks):
    deframer = Deframer()
    for chunk in chunks:
        for content in deframer.feed(chunk):
            assert 0 < len(content) <= 2090
            assert b"\x7e" not in content
        assert len(deframer._content) <= 2090


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_line_gives_objects(line):
    claims = line_claims(line, now=NOW)
    assert claims
    assert all(isinstance(json.dumps(one), str) for one in claims)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_query_is_read_or_refused(query):
    for told in (query, f"id=a&lat=1&lon=2&{query}"):
        assert isinstance(refusal(query_parse, told), str)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["coords", "latitude", "timestamp", "battery", "level"]), inner)
    ),
    max_leaves=8,
)


@given(json_values, json_values, json_values)
@settings(deadline=None, max_examples=300)
def test_any_json_is_read_or_refused(location, value, other):
    location_like = {
        "coords": {"latitude": 1.0, "longitude": value, "speed": other},
        "timestamp": other,
        "battery": value,
    }
    for content in (
        {"device_id": "a", "location": location},
        {"device_id": "a", "location": location_like},
        value,
    ):
        assert isinstance(refusal(json_parse, json.dumps(content).encode()), str)


def test_json_too_deep_is_refused():
    with pytest.raises(OsmandError):
        json_parse(b"[" * 200_000)
