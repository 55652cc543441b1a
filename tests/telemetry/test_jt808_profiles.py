"""What makers mean: profiles, locks in items, edges and levels of alarms."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.jt808.alarms import EDGES_2013, EDGES_2019, alarm_changes
from zaitu.telemetry.codecs.jt808.encode import Place, Uplink, position_body
from zaitu.telemetry.codecs.jt808.items import MEANINGS, items_split, temperature_c
from zaitu.telemetry.codecs.jt808.location import location_parse
from zaitu.telemetry.codecs.jt808.messages import decode
from zaitu.telemetry.codecs.jt808.names import ALARMS, ALARMS_2019
from zaitu.telemetry.codecs.jt808.profiles import (
    MODELS,
    PROFILES,
    STANDARD,
    Form,
    Profile,
    Sign,
    profile_for,
    profile_named,
)
from zaitu.telemetry.codecs.locks import LockEvent, LockState, lock_changes

AT = make.moment("2026-11-22T01:02:03")


def fix(items="", *, profile="standard", alarm=0, status=3):
    place = Place(time=AT, lat=31.2, lon=121.4, alarm=alarm, status=status, items=bytes.fromhex(items))
    return location_parse(position_body(place), PROFILES[profile])


@pytest.mark.parametrize(
    ("word", "auto", "magnitude", "complement"),
    [
        (0x0017, 2.3, 2.3, 2.3),
        (0x8017, -2.3, -2.3, None),
        (0xFFE9, -2.3, None, -2.3),
        (0x8259, None, None, None),
    ],
)
def test_the_sign_of_a_temperature_is_the_profiles(word, auto, magnitude, complement):
    read = [temperature_c(word, 10, sign) for sign in (Sign.AUTO, Sign.MAGNITUDE, Sign.COMPLEMENT)]
    assert read == [auto if word != 0x8259 else None, magnitude, complement]


@given(st.integers(0, 0xFFFF))
def test_in_the_range_of_cargo_a_word_has_one_reading(word):
    readings = {temperature_c(word, 10, sign) for sign in (Sign.MAGNITUDE, Sign.COMPLEMENT)} - {None}
    assert len(readings) <= 1
    assert {temperature_c(word, 10)} - {None} == readings


def test_a_profile_is_chosen_by_model_or_by_name():
    assert profile_for("JT709A").name == "jointech"
    assert profile_for(" g-360p\0").name == "padlock"
    assert profile_for("BSJ-GF-06") is STANDARD
    assert profile_named("wide").form == Form(id_bytes=2, length_bytes=2)
    with pytest.raises(ValueError, match="no profile 'none'"):
        profile_named("none")
    assert {name for _, name in MODELS} <= set(PROFILES)
    assert {meaning for one in PROFILES.values() for meaning in one.items.values()} <= {*MEANINGS, ""}


def test_ids_and_lengths_of_other_sizes_are_split_as_the_profile_says():
    wide = PROFILES["wide"]
    assert items_split(bytes.fromhex("00010002abcd" + "f3640001ff" + "00"), wide) == (
        ((0x0001, b"\xab\xcd"), (0xF364, b"\xff")),
        b"\0",
    )
    mixed = Profile(
        name="mixed",
        forms={b"\xeb": Form(length_bytes=2), b"\xf3\x64": Form(id_bytes=2, length_bytes=4)},
    )
    area = bytes.fromhex("300115" + "eb0002abcd" + "f36400000001ff" + "310109")
    assert [item_id for item_id, _ in items_split(area, mixed)[0]] == [0x30, 0xEB, 0xF364, 0x31]


def test_decode_takes_the_profile_down_to_the_items():
    place = make.place(AT, items=bytes.fromhex("51028017"))
    _, frame = Uplink("13912345678").position(place)
    assert decode(frame[1:-1]).fixes[0].temps_c == (-2.3,)
    assert decode(frame[1:-1], PROFILES["complement"]).fixes[0].temps_c == (None,)
    (_, batch) = Uplink("13912345678").batches([place])[0]
    assert decode(batch[1:-1], PROFILES["complement"]).fixes[0].temps_c == (None,)


def test_without_a_profile_lock_items_are_kept_and_nothing_is_guessed():
    got = fix("0b0803363839363037ff" + "d4015a")
    assert got.extra["lock"] == {"0x0b": "03363839363037ff"}
    assert (got.lock_events, got.lock_closed, got.extra.get("battery_pct")) == (0, None, None)


@pytest.mark.parametrize(
    ("item", "events", "extra"),
    [
        ("0b080336383936303765", ["opened"], {"lock_code": 3, "lock_result": 0x65}),
        ("0b0803363839363037ff", [], {"lock_code": 3, "lock_result": 0xFF}),
        ("0b0706363839363037", ["wrong_password"], {"lock_code": 6}),
        ("0b0622000012d700", ["opened"], {"lock_code": 0x22, "lock_card": "0000004823", "lock_result": 0}),
        ("0b0622000012d7ff", [], {"lock_code": 0x22, "lock_card": "0000004823", "lock_result": 0xFF}),
        ("0b0523000012d7", ["unauthorised_card"], {"lock_code": 0x23, "lock_card": "0000004823"}),
        ("0b010d", [], {"lock_code": 0x0D}),
        ("0b00", [], {}),
    ],
)
def test_a_jt709_tells_who_tried_to_open(item, events, extra):
    got = fix(item, profile="jointech")
    assert got.lock_events.names == events
    assert {key: value for key, value in got.extra.items() if key.startswith("lock_")} == extra
    assert "363839363037" not in str({key: value for key, value in got.extra.items() if key != "lock"})


def test_a_jt709_tells_its_state_battery_and_cover_in_bits():
    assert fix(profile="jointech").lock_closed is True
    assert fix(profile="jointech", status=3 | 1 << 21).lock_closed is False
    assert fix(profile="jointech", status=3 | 1 << 20).lock_closed is False
    got = fix("d4015a" + "d5020172", profile="jointech", alarm=1 << 7 | 1 << 16)
    assert got.lock_events.names == ["cover_opened", "low_battery"]
    assert (got.extra["battery_pct"], got.extra["battery_v"]) == (90, 3.7)


@pytest.mark.parametrize(
    ("code", "events"),
    [
        (0x00, ["closed"]),
        (0x01, ["opened"]),
        (0x04, ["opened"]),
        (0x0C, ["unauthorised_card"]),
        (0x0E, []),
        (0x0F, ["cut"]),
        (0x10, ["cover_opened"]),
        (0x11, ["cut"]),
        (0x12, ["low_battery"]),
        (0x13, ["wrong_password"]),
        (0x18, ["motor_fault"]),
        (0x61, []),
    ],
)
def test_a_padlock_tells_events_by_number(code, events):
    got = fix(f"600b{code:04x}003930303235343939", profile="padlock")
    assert got.lock_events.names == events
    assert (got.extra["lock_code"], got.extra["lock_card"]) == (code, "90025499")


def test_a_padlock_tells_of_its_sub_locks():
    got = fix(
        "60110065" + "001234567890" + "90" + "3330303137333833" + "630b001234567890" + "0e5c300000",
        profile="padlock",
    )
    assert (got.extra["lock_code"], got.extra["lock_card"]) == (0x65, "30017383")
    assert got.extra["locks"] == [{"id": "001234567890", "battery_v": 3.676, "closed": False}]


def test_bluetooth_locks_tell_each_for_itself():
    got = fix("d50e01000260432327959802775300" + "30" + "da03000205", profile="huabao")
    assert got.extra["locks"] == [
        {"id": "0002604323", "card": "2795980277", "battery_pct": 0x53, "closed": False}
    ]
    assert (got.lock_closed, got.extra["lock_string"]) == (False, {"cuts": 2, "string": True, "cover": False})
    assert fix("d5020172", profile="huabao").lock_closed is None


@pytest.mark.parametrize(
    ("before", "now", "events"),
    [
        (LockState(closed=True), LockState(closed=False), ["opened"]),
        (LockState(closed=False), LockState(closed=True), ["closed"]),
        (LockState(closed=True), LockState(closed=True), []),
        (LockState(), LockState(closed=False), []),
        (LockState(closed=True), LockState(), []),
        (LockState(cover_closed=True), LockState(cover_closed=False), ["cover_opened"]),
        (
            LockState(closed=False, cover_closed=False),
            LockState(closed=True, cover_closed=True),
            ["closed", "cover_closed"],
        ),
    ],
)
def test_states_become_events_when_they_change(before, now, events):
    assert lock_changes(before, now).names == events


def test_every_event_has_a_word():
    assert LockEvent(0x1FF).names == [
        "opened",
        "closed",
        "cut",
        "wrong_password",
        "unauthorised_card",
        "cover_opened",
        "cover_closed",
        "motor_fault",
        "low_battery",
    ]


def test_an_edge_is_raised_each_time_and_never_cleared():
    sos = 1
    told = [
        alarm_changes(before, now, is_2019=False)
        for before, now in ((0, sos), (sos, sos), (sos, 0), (0, sos))
    ]
    assert [(one.raised, one.cleared) for one in told] == [(sos, 0), (0, 0), (0, 0), (sos, 0)]


def test_a_level_is_raised_once_and_cleared_once():
    power = 1 << 8
    told = [
        alarm_changes(before, now, is_2019=True) for before, now in ((0, power), (power, power), (power, 0))
    ]
    assert [(one.raised, one.cleared) for one in told] == [(power, 0), (0, 0), (0, power)]


def test_dangerous_driving_is_a_level_since_2019_and_was_a_warning_before():
    assert alarm_changes(1 << 3, 0, is_2019=False).cleared == 0
    assert alarm_changes(1 << 3, 0, is_2019=True).cleared == 1 << 3


def test_edges_are_named_alarms():
    assert set(ALARMS) >= EDGES_2013
    assert set(ALARMS_2019) >= EDGES_2019


@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=20), st.booleans())
def test_raised_and_cleared_add_up_to_the_levels_of_now(words, is_2019):
    edges = EDGES_2019 if is_2019 else EDGES_2013
    levels = (1 << 32) - 1 & ~sum(1 << bit for bit in edges)
    standing = before = 0
    for now in words:
        changes = alarm_changes(before, now, is_2019=is_2019)
        standing = (standing | changes.raised) & ~changes.cleared
        before = now
        assert standing & levels == now & levels
    assert struct.pack(">I", standing)
