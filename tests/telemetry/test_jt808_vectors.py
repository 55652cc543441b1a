"""Frames of open projects against an independent decode (`ref`); docs/jt808-vectors.md explains each difference."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zaitu.telemetry.codecs.jt808.claims import line_claims

ROWS = json.loads((Path(__file__).parent / "data" / "jt808.json").read_text("utf-8"))["vectors"]
NOW = datetime(2026, 11, 22, tzinfo=UTC)

LATITUDE_OVER_90 = {114, 115, 124, 125, 221, 222}
"""Latitude and longitude swapped by the library that made them: the standard has no such latitude."""
CHECKSUM_WRONG = {225}
DELIMITER_INSIDE = {223, 224}

_LOCATION = {
    "fix": "fixed",
    "acc": "acc",
    "latitude": "lat",
    "longitude": "lon",
    "altitude_m": "altitude_m",
    "speed_kph": "speed_kmh",
    "course": "course_deg",
    "time_utc": "time_utc",
    "alarm_hex": "alarm_hex",
    "status_hex": "status_hex",
    "items": "raw_items",
}
_LOADS = ["empty", "half", "reserved", "full"]


def claims_of(number):
    (claims,) = line_claims(ROWS[number]["hex"], now=NOW)
    return claims


READABLE = [
    number for number in range(len(ROWS)) if number not in CHECKSUM_WRONG and number not in DELIMITER_INSIDE
]


def test_all_vectors_are_here():
    assert len(ROWS) == 227
    assert all(row["license"] for row in ROWS)


@pytest.mark.parametrize("number", READABLE)
def test_header_and_body_say_what_the_reference_reads(number):
    claims, ref = claims_of(number), ROWS[number]["ref"]
    assert claims["ok"] is True
    assert claims["error"] is None
    assert claims["msg_id"] == f"0x{ref['msg_id']}"
    assert claims["version"] == ("2019" if ref["version_flag"] else "2013")
    assert (claims["phone_padded"], claims["serial"]) == (ref["phone_bcd"], ref["serial"])
    assert claims["phone"] == ref["phone_bcd"].lstrip("0")
    fields = claims["fields"]
    for name, value in ref.get("register", {}).items():
        assert fields[name] == value
    if "auth" in ref:
        assert fields["auth"] == ref["auth"]
    if "pkg_total" in ref:
        assert fields["package"] == {"total": ref["pkg_total"], "number": ref["pkg_no"]}
        assert claims["fixes"] == []
        assert len(bytes.fromhex(fields["body"])) == ref["body_len_actual"]
    reply = ref.get("reply", {})
    told = {"serial": "reply_serial", "id": "reply_id", "result": "result", "auth": "auth"}
    for name, value in reply.items():
        assert fields[told[name]] == (f"0x{value}" if name == "id" else value)


@pytest.mark.parametrize("number", [n for n in READABLE if {"location", "locations"} & set(ROWS[n]["ref"])])
def test_positions_say_what_the_reference_reads(number):
    claims, ref = claims_of(number), ROWS[number]["ref"]
    expected = ref.get("locations") or [ref["location"]]
    assert len(claims["fixes"]) == len(expected)
    for fix, location in zip(claims["fixes"], expected, strict=True):
        for theirs, ours in _LOCATION.items():
            if theirs == "latitude" and number in LATITUDE_OVER_90:
                assert location["latitude"] > 90
                assert fix["lat"] is None
            else:
                assert fix[ours] == location[theirs], ours
        assert fix["status"]["doors_locked"] == location["door_locked"]
        assert fix["status"]["load"] == _LOADS[location["load"]]
    if "reply_serial" in ref:
        assert claims["fields"]["reply_serial"] == ref["reply_serial"]
    if "batch_type" in ref:
        assert claims["fields"]["count"] == ref["count"]
        assert claims["backfill"] is (ref["batch_type"] == 1)


@pytest.mark.parametrize("number", sorted(CHECKSUM_WRONG))
def test_a_wrong_checksum_is_refused_and_no_position_is_believed(number):
    claims, ref = claims_of(number), ROWS[number]["ref"]
    assert not ref["checksum_ok"]
    assert (claims["ok"], claims["error"], claims["fixes"]) == (False, "bad_checksum", [])
    assert claims["msg_id"] == f"0x{ref['msg_id']}"
    assert claims["phone_padded"] == ref["phone_bcd"]


@pytest.mark.parametrize("number", sorted(DELIMITER_INSIDE))
def test_a_frame_with_a_bare_delimiter_inside_is_no_frame(number):
    claims = claims_of(number)
    assert (claims["ok"], claims["error"]) == (False, "delimiter_inside")
