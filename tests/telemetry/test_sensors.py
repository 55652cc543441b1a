"""Sensors over MQTT: plain JSON in many spellings, SenML by its rules, units checked."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.fix import TimeFlag
from zaitu.telemetry.codecs.sensors import SensorError, payload_read
from zaitu.telemetry.codecs.sensors.plain import NAMES
from zaitu.telemetry.codecs.sensors.readings import PAYLOAD_MAX
from zaitu.telemetry.codecs.sensors.senml import UNITS

NOW = make.moment("2026-11-22T02:00:00")
AT = 1_764_208_800
AT_TIME = datetime.fromtimestamp(AT, UTC)


def read(content):
    return payload_read(json.dumps(content).encode(), now=NOW)


def one(content):
    (sensed,) = read(content)
    return sensed


def refusal(content):
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(SensorError) as caught:
        payload_read(payload, now=NOW)
    return caught.value.code


def test_the_documented_example_is_read():
    sensed = one(
        {"device": "ab12", "time": AT, "temp": [4.1, None, 3.9], "hum": 61.5, "shock": 0.3, "battery": 88}
    )
    assert (sensed.device, sensed.fix.time) == ("ab12", AT_TIME)
    assert sensed.fix.temps_c == (4.1, None, 3.9)
    assert sensed.fix.extra == {"humidity_pct": [61.5], "shock_g": 0.3, "battery_pct": 88.0}
    assert (sensed.fix.fixed, sensed.fix.lat) == (False, None)


@pytest.mark.parametrize("name", ["temp", "temps", "temperature", "temp_c", "Temperature_C", "tempC", "TEMP"])
def test_a_temperature_has_many_names(name):
    assert one({name: 4.5}).fix.temps_c == (4.5,)


@pytest.mark.parametrize("name", ["hum", "humidity", "humidity_pct", "rh", "Humidity"])
def test_a_humidity_has_many_names(name):
    assert one({name: "61.5"}).fix.extra == {"humidity_pct": [61.5]}


@pytest.mark.parametrize(
    ("content", "temps"),
    [
        ({"temp_f": 39.2}, (4.0,)),
        ({"temp": {"front": 4, "rear": -18.5}}, (4.0, -18.5)),
        ({"temp": [{"probe": 1, "value": 4}, {"probe": 2, "value": None}]}, (4.0, None)),
        ({"temp": [4, "5", -127]}, (4.0, 5.0, None)),
    ],
)
def test_probes_come_in_many_forms(content, temps):
    assert one(content).fix.temps_c == pytest.approx(temps)


def test_what_cannot_be_is_kept_apart():
    assert one({"temp": [4, -127], "hum": 140}).fix.extra == {
        "humidity_pct": [None],
        "refused": {"temps_c": [-127.0], "humidity_pct": [140.0]},
    }


@pytest.mark.parametrize(
    ("content", "shock_g"),
    [
        ({"shock": 2.5}, 2.5),
        ({"shock": [1, 2, -2]}, 3.0),
        ({"impact": {"x": 0, "y": 3, "z": 4}}, 5.0),
        ({"shock_mg": 2500}, 2.5),
        ({"acceleration": 19.6133}, 2.0),
    ],
)
def test_a_shock_is_how_hard_it_was(content, shock_g):
    assert one(content).fix.extra["shock_g"] == pytest.approx(shock_g)


@pytest.mark.parametrize(
    "written", [AT, AT * 1000, str(AT), AT_TIME.isoformat(), "2025-11-27T10:00:00+08:00"]
)
def test_every_way_to_write_the_time_is_one_instant(written):
    assert one({"temp": 1, "ts": written}).fix.time == AT_TIME


def test_without_a_time_it_is_unknown():
    fix = one({"temp": 1}).fix
    assert (fix.time, fix.time_flag) == (None, TimeFlag.UNKNOWN)


def test_readings_of_several_times_share_what_stands_around_them():
    told = read({"id": 7, "readings": [{"ts": AT, "temp": 1}, {"ts": AT + 60, "temp": 2}]})
    assert [(one.device, one.fix.time, one.fix.temps_c) for one in told] == [
        ("7", AT_TIME, (1.0,)),
        ("7", AT_TIME + timedelta(minutes=1), (2.0,)),
    ]
    assert len(read([{"temp": 1}, {"temp": 2}])) == 2


def test_a_sensor_may_tell_where_it_is():
    fix = one({"temp": 1, "lat": 31.2, "lng": 121.4}).fix
    assert (fix.lat, fix.lon, fix.fixed) == (31.2, 121.4, True)
    assert one({"temp": 1, "lat": 91, "lon": 0}).fix.lat is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[" * 100_000, "too_long"),
        (b"[" * 60_000, "not_json"),
        (b"\xff\xfe", "not_json"),
        (b" " * (PAYLOAD_MAX + 1), "too_long"),
        (7, "not_object"),
        ("temp", "not_object"),
        ([7], "not_object"),
        ([], "nothing_measured"),
        ({}, "nothing_measured"),
        ({"speed": 1}, "nothing_measured"),
        ({"readings": []}, "nothing_measured"),
        ({"readings": [3]}, "not_object"),
        ({"temp": "warm"}, "not_a_number"),
        ({"temp": True}, "not_a_number"),
        ({"temp": [{"probe": 1}]}, "not_a_number"),
        (b'{"temp": NaN}', "not_a_number"),
        (b'{"temp": 1e999}', "not_a_number"),
        ({"temp": 1, "ts": "yesterday"}, "bad_time"),
        ({"temp": 1, "ts": True}, "bad_time"),
        ({"temp": 1, "ts": 1e300}, "bad_time"),
        ({"temp": 1, "device": {}}, "bad_device"),
        ({"temp": 1, "device": "x" * 300}, "bad_device"),
        ([{"temp": 1}] * 501, "too_many"),
        ({"temp": [1] * 65}, "too_many"),
    ],
)
def test_a_bad_payload_is_refused_with_a_code(content, code):
    assert refusal(content) == code


def test_base_fields_of_senml_hold_for_what_follows():
    told = read(
        [
            {
                "bn": "urn:dev:ow:10e2073a01080063:",
                "bt": AT,
                "bu": "Cel",
                "bver": 10,
                "n": "temp1",
                "v": 23.1,
            },
            {"n": "temp2", "v": 22.5},
            {"n": "humidity", "u": "%RH", "v": 50},
            {"n": "temp1", "t": 60, "v": 23.4},
        ]
    )
    assert [(one.device, one.fix.time, one.fix.temps_c) for one in told] == [
        ("urn:dev:ow:10e2073a01080063", AT_TIME, (23.1, 22.5)),
        ("urn:dev:ow:10e2073a01080063", AT_TIME + timedelta(minutes=1), (23.4,)),
    ]
    assert told[0].fix.extra == {"humidity_pct": [50.0]}


def test_the_rfcs_own_examples_are_read():
    """RFC 8428, 5.1.1 and 5.1.3."""
    sensed = one([{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}])
    assert (sensed.device, sensed.fix.temps_c, sensed.fix.time) == (
        "urn:dev:ow:10e2073a01080063",
        (23.1,),
        NOW,
    )
    many = [
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e09, "bu": "A", "bver": 5, "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
    ]  # fmt: skip
    sensed = one(many)
    assert (sensed.device, sensed.fix.extra) == ("urn:dev:ow:10e2073a0108006", {"power_v": 120.1})


@pytest.mark.parametrize(
    ("told", "ago_s"), [({}, 0), ({"t": -30}, 30), ({"bt": -60, "t": 30}, 30), ({"t": 5}, -5)]
)
def test_small_times_count_from_now(told, ago_s):
    assert one([{"n": "a/temp", "v": 1, **told}]).fix.time == NOW - timedelta(seconds=ago_s)


@pytest.mark.parametrize(
    ("record", "temps", "extra"),
    [
        ({"n": "a/temp", "u": "K", "v": 277.15}, (4.0,), {}),
        ({"n": "a/x", "u": "K", "v": 277.15}, (4.0,), {}),
        ({"n": "a/hum", "u": "/", "v": 0.5}, (), {"humidity_pct": [50.0]}),
        ({"n": "a/hum", "u": "%", "v": 50}, (), {"humidity_pct": [50.0]}),
        ({"n": "a/shock", "u": "m/s2", "v": -19.6133}, (), {"shock_g": 2.0}),
        ({"n": "a/battery", "u": "%EL", "v": 80}, (), {"battery_pct": 80.0}),
        ({"n": "a/battery", "u": "V", "v": 3.6}, (), {"power_v": 3.6}),
        ({"n": "a/temp/1", "v": 4}, (4.0,), {}),
        ({"n": "a/temp", "bv": 20, "v": 1}, (21.0,), {}),
    ],
)
def test_units_are_brought_into_ours(record, temps, extra):
    sensed = one([record])
    assert sensed.device == ("a/x" if record["n"] == "a/x" else "a")
    assert sensed.fix.temps_c == pytest.approx(temps)
    got = sensed.fix.extra
    assert got.keys() == extra.keys()
    assert all(got[name] == pytest.approx(value) for name, value in extra.items())


def test_a_tracker_tells_its_place_in_senml():
    fix = one([{"bn": "a/", "n": "lat", "u": "lat", "v": 31.2}, {"n": "lon", "u": "lon", "v": 121.4}]).fix
    assert (fix.lat, fix.lon, fix.fixed) == (31.2, 121.4, True)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([{"n": "a/temp", "u": "%RH", "v": 1}], "unit_mismatch"),
        ([{"n": "a/shock", "u": "g", "v": 1}], "unit_mismatch"),
        ([{"n": "a/temp", "u": "%", "v": 1}], "unit_mismatch"),
        ([{"n": "a/temp", "u": "degC", "v": 1}], "unknown_unit"),
        ([{"n": "a/temp", "u": "Cel", "vs": "warm"}], "no_value"),
        ([{"n": "a/temp", "v": "warm"}], "not_a_number"),
        ([{"n": "a/temp", "v": 1, "bver": 11}], "unknown_version"),
        ([{"n": "a/temp", "v": 1, "new_": 1}], "must_understand"),
        ([{"n": "a temp", "v": 1}], "bad_name"),
        ([{"v": 1}], "bad_name"),
        ([{"n": 7, "v": 1}], "bad_name"),
        ([{"n": "a/temp", "v": 1, "t": 1e300}], "bad_time"),
        ([{"n": "a/temp", "v": 1}, 7], "not_object"),
        ([{"n": "a/flow", "u": "m/s", "v": 1}], "nothing_measured"),
        ([{"bn": "a/"}], "nothing_measured"),
        ([{"n": "a/temp", "v": 1}] * 65, "too_many"),
        ([{"n": "a/temp", "v": 1, "t": number} for number in range(501)], "too_many"),
        ([{"n": "a"}] * 4001, "too_many"),
    ],
)
def test_bad_senml_is_refused_with_a_code(content, code):
    assert refusal(content) == code


def test_two_messages_of_one_time_are_two_and_the_same_again_is_one():
    first, second = one({"ts": AT, "temp": 4}).fix, one({"ts": AT, "hum": 4}).fix
    assert first.digest != second.digest
    assert first.digest == one({"temp": 4.0, "time": AT * 1000, "other": 1}).fix.digest


measures = st.fixed_dictionaries(
    {},
    optional={
        "temp": st.lists(st.none() | st.floats(-60, 120), min_size=1, max_size=8),
        "hum": st.lists(st.none() | st.floats(0, 100), min_size=1, max_size=4),
        "shock": st.floats(0, 1000),
        "battery": st.floats(0, 100),
    },
).filter(bool)


@given(measures, st.integers(1_500_000_000, 1_900_000_000))
@settings(deadline=None)
def test_what_is_told_in_range_comes_back(told, at):
    fix = one({**told, "ts": at}).fix
    assert fix.time == datetime.fromtimestamp(at, UTC)
    assert fix.temps_c == tuple(told.get("temp", ()))
    assert fix.extra.get("humidity_pct", []) == told.get("hum", [])
    assert fix.extra.get("shock_g") == (None if "shock" not in told else pytest.approx(told["shock"]))
    columns = columns_of([Report(terminal="1", fix=fix)], received_at=NOW)
    assert math.isnan(columns.shock_g[0]) is ("shock" not in told)


@given(st.lists(st.tuples(st.sampled_from(sorted(UNITS)), st.floats(-50, 50)), min_size=1, max_size=8))
@settings(deadline=None)
def test_plain_and_senml_agree(pairs):
    temps = [value for unit, value in pairs if unit == "Cel"]
    records = [
        {"bn": "dev1/"},
        *({"n": f"temp{number}", "u": "Cel", "v": value} for number, value in enumerate(temps)),
    ]
    if temps:
        assert one(records).fix.temps_c == one({"temp": temps}).fix.temps_c


def test_every_name_measures_something_kept():
    assert {measure for measure, _ in NAMES.values()} == {
        "temps_c",
        "humidity_pct",
        "shock_g",
        "battery_pct",
        "power_v",
    }
