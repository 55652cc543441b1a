"""Lines that people paste into `zaitu decode`: whole frames, several, cut, doubled, with junk around them."""

import io
import json
import sys

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from tests.telemetry.test_elock import BINARY, TEXT
from zaitu.telemetry.codecs.elock import claims as elock_claims
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, decode
from zaitu.telemetry.codecs.jt808.claims import line_claims
from zaitu.telemetry.codecs.jt808.framing import CONTENT_MAX
from zaitu.telemetry.codecs.osmand_claims import line_claims as osmand_line_claims

NOW = make.moment("2026-11-22T02:00:00")
BEAT = [make.Uplink("13912345678", serial=number).heartbeat()[1] for number in range(3)]
BROKEN = BEAT[0][:-2] + bytes([BEAT[0][-2] ^ 1]) + b"\x7e"
PRINTED = {
    "ok",
    "error",
    "msg_id",
    "version",
    "phone",
    "phone_padded",
    "serial",
    "fixes",
    "backfill",
    "fields",
}


def told(content):
    """(serial or error code) of each object."""
    return [one["serial"] if one["ok"] else one["error"] for one in line_claims(content.hex(), now=NOW)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BEAT[0], [0]),
        (BEAT[0][1:-1], [0]),
        (b"\x7e" + BEAT[0], [0]),
        (BEAT[0] + b"\x7e", [0]),
        (b"\x7e" + BEAT[0] + b"\x7e", [0]),
        (b"\x00\x11\x22" + BEAT[0], [0]),
        (BEAT[0] + BEAT[1], [0, 1]),
        (BEAT[0] + BEAT[1][1:] + BEAT[2][1:], [0, 1, 2]),
        (BROKEN + BEAT[1], ["bad_checksum", 1]),
        (BEAT[0] + BROKEN[1:] + BEAT[2], [0, "bad_checksum", 2]),
        (BROKEN + BROKEN, ["bad_checksum", "bad_checksum"]),
        (b"\x7e\x01\x02" + BEAT[0], ["too_short", 0]),
        (BEAT[0] + BEAT[1][1:-1], [0, "unterminated"]),
        (BEAT[0][:-1], ["unterminated"]),
        (BEAT[0][1:], ["unterminated"]),
        (b"\x7e" + bytes(CONTENT_MAX + 1) + BEAT[2], ["too_long", 2]),
        (b"\x7e", ["empty"]),
        (b"\x7e\x7e\x7e\x7e", ["empty"]),
        (b"\x01\x02\x7e", ["too_short"]),
        (b"", ["empty"]),
    ],
    ids=[
        "one", "no delimiters", "opened twice", "closed twice", "both doubled", "junk before", "two", "shared delimiters",
        "a bad and a good", "a bad between", "two bad", "a bit of one before", "the last is cut", "not closed",
        "not opened", "too long before", "a delimiter", "delimiters", "junk only", "nothing",
    ],
)  # fmt: skip
def test_each_piece_of_a_line_is_an_object(content, expected):
    assert told(content) == expected


def test_an_unescaped_delimiter_inside_is_said_of_the_one_frame_it_is_in():
    number = next(
        n for n in range(65536) if b"\x7d\x02" in make.Uplink("13912345678", serial=n).heartbeat()[1]
    )
    frame = make.Uplink("13912345678", serial=number).heartbeat()[1]
    assert told(frame) == [number]
    place = make.Uplink("13912345678").position(make.place(make.moment(), items=b"\xe1\x02\x7e\x7e"))[1]
    assert told(place.replace(b"\x7d\x02", b"\x7e")) == ["delimiter_inside"]


@pytest.mark.parametrize("between", ["", " ", "  \t", "\r", ", "])
@pytest.mark.parametrize("end", ["", "\r\n", " \r"])
def test_blanks_and_line_ends_do_not_matter(between, end):
    line = between.join(frame.hex(" ").upper() for frame in BEAT) + end
    assert [one["serial"] for one in line_claims(line, now=NOW)] == [0, 1, 2]


parts = st.one_of(
    st.sampled_from([*BEAT, BROKEN, b"\x7e", b"\x7d", b"\x7e\x7e", BEAT[0][1:], BEAT[0][:-1]]),
    st.binary(max_size=30),
)


@given(st.lists(parts, max_size=8))
@settings(deadline=None, max_examples=400)
def test_a_line_tells_every_good_frame_that_the_gateway_would_find(pieces):
    content = b"".join(pieces)
    good = []
    for piece in Deframer().feed(content):
        try:
            good.append(decode(piece).header.serial)
        except FrameError:
            continue
    claims = line_claims(content.hex(), now=NOW)
    assert claims
    found = [one["serial"] for one in claims if one["ok"]]
    # Without any delimiter the line is one frame by itself.
    assert found == good or (b"\x7e" not in content and len(claims) == 1)
    for one in claims:
        json.dumps(one)
        assert set(one) >= PRINTED


@given(
    st.text(max_size=80) | st.text("7e7E7d0x ,-\r(){}&=#lation1", max_size=120),
    st.sampled_from(["jt808", "elock", "osmand"]),
)
@settings(deadline=None, max_examples=200)
def test_any_file_is_printed_as_objects(tmp_path_factory, text, kind):
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_text(text, "utf-8")
    out = io.StringIO()
    call_command("decode", kind, str(path), stdout=out)
    for line in out.getvalue().splitlines():
        assert "ok" in json.loads(line)


def test_a_line_of_locks_tells_what_is_no_frame_between_the_frames():
    sentence, binary = TEXT, BINARY
    wrong = b"\x7e" + BROKEN[1:]

    def forms(content):
        return [one["form"] or one["error"] for one in elock_claims.line_claims(content.hex(), now=NOW)]

    assert forms(sentence + binary) == ["text", "binary"]
    assert forms(b"\xff\xfe" + sentence + b"\r\n" + binary) == ["text", "binary"]
    assert forms(sentence + b"(bad,(" + binary) == ["text", "bad_text", "binary"]
    assert forms(wrong + sentence) == ["bad_checksum", "text"]
    assert forms(b"\x7e" + BEAT[0] + b"\x7e" + BEAT[1] + b"\x7e") == ["jt808", "jt808"]
    assert forms(sentence + binary[:-3]) == ["text", "bad_length"]
    (one,) = elock_claims.line_claims(f"12:00:01 < {sentence.decode()}\r\n", now=NOW)
    assert one["form"] == "text"


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({"speed": "-5", "bearing": "-1", "altitude": "-5000", "batt": "-1", "accuracy": "-3", "hdop": "-1"}, None),
        ({"speed": "1e300", "bearing": "1e300", "altitude": "1e300", "batt": "101", "accuracy": "1e300", "hdop": "1e9"}, None),
        ({"speed": "539", "bearing": "360", "altitude": "-1000", "batt": "100", "accuracy": "0", "hdop": "1000"},
         {"speed_kmh": 539 * 1.852, "course_deg": 0, "altitude_m": -1000, "battery_pct": 100.0, "accuracy_m": 0.0, "hdop": 1000.0}),
    ],
    ids=["below", "above", "just within"],
)  # fmt: skip
def test_what_cannot_be_is_not_known_in_a_query_and_costs_only_itself(told, known):
    names = ("speed_kmh", "course_deg", "altitude_m", "battery_pct", "accuracy_m", "hdop")
    words = "&".join(f"{name}={value}" for name, value in told.items())
    (one,) = osmand_line_claims(f"id=1&lat=30&lon=114&{words}", now=NOW)
    (fix,) = one["fixes"]
    assert (fix["lat"], fix["fixed"]) == (30.0, True)
    assert {name: fix[name] for name in names} == (known or dict.fromkeys(names))


@pytest.mark.parametrize("value", [-5, 1e300, -1e300])
def test_what_cannot_be_is_not_known_in_json_and_costs_only_itself(value):
    coords = {
        "latitude": 30,
        "longitude": 114,
        "speed": value,
        "heading": value,
        "altitude": value * 1000,
        "accuracy": value,
    }
    location = {"coords": coords, "odometer": value, "battery": {"level": value}}
    (one,) = osmand_line_claims(json.dumps({"device_id": "1", "location": location}), now=NOW)
    (fix,) = one["fixes"]
    names = ("speed_kmh", "course_deg", "altitude_m", "odometer_km", "accuracy_m", "battery_pct")
    assert (fix["lat"], [fix[name] for name in names]) == (30.0, [None] * 6)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"device_id": "a", "location": {"coords": {"latitude": 1, "longitude": %s}}}' % ("9" * 400), "not_a_number"),
        ('{"device_id": "a", "location": {"timestamp": %s, "coords": {"latitude": 1, "longitude": 2}}}' % ("9" * 400), "bad_time"),
        ('{"device_id": "\\ud800", "location": {"coords": {"latitude": 1, "longitude": 2}}}', "no_id"),
    ],
    ids=["endless number", "endless time", "half a letter"],
)  # fmt: skip
def test_json_that_nothing_can_hold_is_refused(line, error):
    (one,) = osmand_line_claims(line, now=NOW)
    assert (one["ok"], one["error"]) == (False, error)


def test_a_terminal_in_another_encoding_is_printed_to_in_ascii(tmp_path, monkeypatch):
    (tmp_path / "lines.txt").write_text("(8000632862,P99,在途)", "utf-8")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    call_command("decode", "elock", str(tmp_path / "lines.txt"))
    out.flush()
    assert json.loads(out.buffer.getvalue())["fields"]
