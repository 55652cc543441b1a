"""Frames of locks from an open project against its expectations and a second reading (`ref`); docs/elock-vectors.md."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zaitu.telemetry.codecs.elock import Deframer, commands
from zaitu.telemetry.codecs.elock.claims import line_claims

ROWS = json.loads((Path(__file__).parent / "data" / "elock.json").read_text("utf-8"))["vectors"]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FRAMES = [number for number, row in enumerate(ROWS) if row["hex"]]
POSITIONS = [number for number in FRAMES if ROWS[number]["kind"] in {"verifyPosition", "verifyPositions"}]
CHARGING = {3}
"""Battery ff: charging, not 255 %."""


def claims_of(number):
    return line_claims(ROWS[number]["hex"], now=NOW)


def test_all_vectors_are_here():
    assert len(ROWS) == 33
    assert len(FRAMES) == 31


@pytest.mark.parametrize("number", FRAMES)
def test_every_frame_is_read(number):
    assert [claims["ok"] for claims in claims_of(number)] == [True] * len(claims_of(number))


@pytest.mark.parametrize("number", POSITIONS)
def test_every_position_has_a_time_and_a_place(number):
    (claims,) = claims_of(number)
    assert claims["fixes"]
    for fix in claims["fixes"]:
        assert fix["time_utc"]
        assert -90 <= fix["lat"] <= 90
        assert -180 <= fix["lon"] <= 180


@pytest.mark.parametrize("number", [n for n in FRAMES if ROWS[n].get("ref")])
def test_long_frames_say_what_the_reference_reads(number):
    ref = ROWS[number]["ref"]
    (claims,) = claims_of(number)
    (fix,) = claims["fixes"]
    assert claims["device"] == ref["device"]
    assert claims["fields"]["protocol"] == ref["protocol_version"]
    assert (fix["time_utc"], fix["fixed"]) == (ref["time_utc"], ref["valid"])
    assert (fix["lat"], fix["lon"]) == pytest.approx((ref["latitude"], ref["longitude"]), abs=1e-6)
    assert (fix["speed_kmh"], fix["course_deg"]) == (ref["speed_raw"] * 1.852, ref["course"])
    assert (fix["odometer_km"], fix["satellites"]) == (ref["odometer_km"], ref["sat"])
    assert (fix["status_hex"], fix["flags"]) == (ref["status_hex"], ref["flags"])
    if number in CHARGING:
        assert (ref["battery"], fix["battery_pct"], fix["charging"]) == (255, None, True)
    else:
        assert (fix["battery_pct"], fix["charging"]) == (ref["battery"], False)
    assert claims["answer"] == ("(P35)" if "needs_ack" in ref["flags"] else None)


@pytest.mark.parametrize("number", [n for n in FRAMES if "latitude" in (ROWS[n]["expected"] or {})])
def test_positions_are_where_and_when_the_project_expects_them(number):
    expected = ROWS[number]["expected"]
    (claims,) = claims_of(number)
    (fix,) = claims["fixes"]
    assert fix["time_utc"] == expected["time_utc"][:19].replace(" ", "T") + "Z"
    assert fix["fixed"] is expected["valid"]
    assert (fix["lat"], fix["lon"]) == pytest.approx((expected["latitude"], expected["longitude"]), abs=6e-6)


@pytest.mark.parametrize("number", [n for n in FRAMES if "frame_hex" in (ROWS[n]["expected"] or {})])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_stream_is_cut_where_the_project_cuts_it(number, piece):
    stream = bytes.fromhex(ROWS[number]["hex"])
    deframer = Deframer()
    frames = [
        frame for at in range(0, len(stream), piece) for frame in deframer.feed(stream[at : at + piece])
    ]
    assert frames[0].hex() == ROWS[number]["expected"]["frame_hex"]
    assert b"".join(frames) == stream
    assert (deframer.junk_bytes, deframer.half) == (0, False)


def test_commands_are_written_as_the_project_writes_them():
    wanted = {row["command"]["type"]: row["expected"]["text"] for row in ROWS if not row["hex"]}
    assert commands.unlock_block().decode() == wanted["engineStop"]
    assert commands.time_zone(timedelta(hours=4)).decode() == wanted["setTimezone"]


@pytest.mark.parametrize(
    ("number", "kind", "answer"),
    [
        (0, "sensor", "(P69,0,168)"),
        (1, "event", "(P69,0,0)"),
        (2, "event", "(P69,0,9)"),
        (10, "position", "(S39)"),
        (12, "position", "(S20)"),
        (21, "position", "(P35)"),
        (22, "position", "(P69,0,110)"),
        (28, "position", "7e4401000385600900101747550100be7e"),
        (29, "position", "7e4401000374019031118509550200587e"),
        (30, "position", None),
    ],
)
def test_the_acknowledgement_names_what_was_sent(number, kind, answer):
    claims = claims_of(number)[0]
    assert (claims["kind"], claims["answer"]) == (kind, answer)


@pytest.mark.parametrize(
    ("number", "events", "closed"),
    [
        (1, ["opened"], False),
        (2, ["closed"], True),
        (3, [], True),
        (21, ["cover_opened"], True),
        (28, ["opened"], False),
        (29, [], True),
    ],
)
def test_events_and_states_of_recorded_frames(number, events, closed):
    fix = claims_of(number)[0]["fixes"][0]
    assert (fix["lock_events"], fix["lock_closed"]) == (events, closed)


def test_a_sensor_on_the_locks_own_radio_is_read():
    fix = claims_of(0)[0]["fixes"][0]
    assert (fix["temps_c"], fix["humidity_pct"], fix["battery_v"], fix["sensor"]) == (
        [28.5],
        [67],
        3.2,
        "1021220618",
    )
