"""`zaitu decode osmand`: requests of phones as objects with stable keys."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.osmand_claims import line_claims

NOW = make.moment("2026-11-22T02:00:00")
KEYS = {
    "time_utc", "time_flag", "lat", "lon", "fixed", "speed_kmh", "course_deg", "altitude_m", "odometer_km",
    "accuracy_m", "battery_pct", "hdop",
}  # fmt: skip
QUERY = "id=ab12&lat=30.5&lon=114.3&timestamp=1764208800&speed=30&bearing=91&altitude=23&accuracy=5&batt=88"


def claims(line):
    (one,) = line_claims(line, now=NOW)
    return one


def test_a_query_is_an_object_with_all_keys():
    got = claims(QUERY)
    (fix,) = got.pop("fixes")
    assert got == {"ok": True, "error": None, "form": "query", "device": "ab12"}
    assert set(fix) == KEYS
    assert (fix["time_utc"], fix["time_flag"], fix["speed_kmh"]) == ("2025-11-27T02:00:00Z", None, 55.56)
    assert (fix["battery_pct"], fix["accuracy_m"], fix["hdop"]) == (88.0, 5.0, None)


@pytest.mark.parametrize(
    "line",
    [
        f"?{QUERY}",
        f"/?{QUERY}",
        f"http://track.example.cn:5055/?{QUERY}",
        f"GET /osmand?{QUERY} HTTP/1.1",
        f"POST /?{QUERY} HTTP/1.1",
    ],
)
def test_a_query_may_stand_in_an_address_or_a_request(line):
    assert claims(line) == claims(QUERY)


def test_a_json_body_has_the_same_keys():
    location = {
        "timestamp": "2026-11-22T01:00:00Z",
        "coords": {"latitude": 30.1, "longitude": 114.2, "speed": 10},
    }
    got = claims(json.dumps({"device_id": "ab12", "location": [location, location]}))
    assert (got["form"], got["device"], len(got["fixes"])) == ("json", "ab12", 2)
    assert set(got["fixes"][0]) == KEYS
    assert got["fixes"][0]["speed_kmh"] == 36.0


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("nothing", "no_coordinates"),
        ("lat=1&lon=2", "no_id"),
        ("id=1&lat=91&lon=2", "off_earth"),
        ("id=1&lat=north&lon=2", "not_a_number"),
        ("id=1&lat=1&lon=2&timestamp=soon", "bad_time"),
        ("&".join(f"a{number}=1" for number in range(60)), "too_many_fields"),
        ("{", "not_json"),
        ("[]", "not_object"),
        ('{"device_id": "1"}', "no_coordinates"),
        (json.dumps({"device_id": "1", "location": [{}] * 501}), "too_many_locations"),
        ("http://[broken/?id=1&lat=1&lon=", "no_coordinates"),
    ],
)
def test_a_bad_line_is_an_object_with_a_code(line, error):
    got = claims(line)
    assert (got["ok"], got["error"], got["form"], got["fixes"]) == (False, error, None, [])
    assert got["error_detail"]


@given(st.text(max_size=200) | st.text('{}[]":,0123456789.eE-truefalsn', max_size=80))
@settings(deadline=None)
def test_any_line_gives_one_object(line):
    for told in (line, f"id=1&lat=1&lon=2&{line}"):
        got = claims(told)
        json.dumps(got)
        assert {"ok", "error", "form", "device", "fixes"} <= set(got)
