"""What holds of every rule, whatever is reported."""

import json
from collections import defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.telemetry.test_walk_rules import LIMITS, ROUTE, STOPS, columns_of, part, reports
from tests.telemetry.walks import VEHICLE, document, fleet, instants, walked, watch
from zaitu.telemetry.codecs.columns import NONE, Flag
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.kernels.document import document_load
from zaitu.telemetry.kernels.fleet import Tick, order_again, order_of
from zaitu.telemetry.rules.facts import Kind

WATCH = watch(STOPS, ROUTE, limits=LIMITS)
PAIRS = {
    Kind.STOP_ENTERED: Kind.STOP_LEFT,
    Kind.OFF_ROUTE: Kind.BACK_ON_ROUTE,
    Kind.STOPPED_TOO_LONG: Kind.MOVING_AGAIN,
    Kind.OVERSPEED: Kind.OVERSPEED_OVER,
    Kind.BAND_LEFT: Kind.BAND_BACK,
    Kind.POWER_LOW: Kind.POWER_BACK,
    Kind.CLOCK_WRONG: Kind.CLOCK_RIGHT,
    Kind.ALARM_RAISED: Kind.ALARM_CLEARED,
}
NUMBERED = {
    Kind.STOP_ENTERED,
    Kind.STOP_LEFT,
    Kind.BAND_LEFT,
    Kind.BAND_BACK,
    Kind.ALARM_RAISED,
    Kind.ALARM_CLEARED,
}
HELD_S = {
    # Shortest time between two facts of the pair: (raised → over, over → raised).
    Kind.OFF_ROUTE: (60, 120),
    Kind.OVERSPEED: (30, 60),
}
times = st.tuples(st.sampled_from([0, 30, 120, 600]), st.sampled_from([0, 30, 120, 600]))


def told(watched, columns, terminals, received):
    return walked(fleet(watched), columns, terminal=terminals, received_s=received).facts


@given(reports)
@settings(deadline=None, max_examples=150)
def test_what_is_raised_is_raised_once_and_cleared_once(told_of):
    by_subject = defaultdict(list)
    for fact in told(WATCH, *columns_of(told_of)):
        kind = Kind(fact["kind"])
        first = next((raised for raised, over in PAIRS.items() if kind in {raised, over}), None)
        if first is None or (kind == Kind.ALARM_RAISED and fact["b"]):
            continue
        subject = (first, fact["device"], fact["a"] if kind in NUMBERED else 0)
        by_subject[subject].append((kind, fact["fix_us"], fact["at_us"]))
    for (raised, *_), facts in by_subject.items():
        assert [kind for kind, *_ in facts] == [
            (raised, PAIRS[raised])[turn % 2] for turn in range(len(facts))
        ]
        for turn, (before, after) in enumerate(pairwise(facts)):
            least_s = HELD_S.get(raised, (0, 0))[turn % 2]
            assert after[1] - before[1] >= least_s * 1e6
        assert all(at_us <= fix_us for _, fix_us, at_us in facts)
        long_us = [fix_us - at_us for kind, fix_us, at_us in facts if kind == Kind.STOPPED_TOO_LONG]
        assert all(one >= 600e6 for one in long_us)


@given(reports, reports)
@settings(deadline=None, max_examples=100)
def test_rows_older_than_the_newest_tell_nothing_and_change_nothing(first, later):
    one = fleet(WATCH)
    columns, terminals, received = columns_of(first)
    walked(one, columns, terminal=terminals, received_s=received)
    newest_us = int(one.vehicles["at_us"][one.slot(VEHICLE)])
    seen_us = int(one.devices["seen_us"][one.device(int(terminals[0]))])
    assume(NONE not in {newest_us, seen_us})
    terminal = terminals[0]
    old, _, _ = columns_of(later)
    old.flags[:] &= ~int(Flag.CLOCK)
    # All before the vehicle's newest fix and the terminal's newest report.
    old.at_us[:] -= old.at_us.max() - min(newest_us, seen_us) + 1
    before = one.vehicles.copy(), one.devices.copy(), one.watches.stays.rows.copy()
    done = walked(one, old, terminal=terminal, received_s=received[-1])
    assert not len(done.facts)
    assert not len(done.moved)
    for was, now in zip(before, (one.vehicles, one.devices, one.watches.stays.rows), strict=True):
        assert was.tobytes() == now.tobytes()


@given(reports, st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_of_the_rows_at_hand_after_a_restart_those_not_yet_heard_bring_back_what_was_lost(told_of, stored_at):
    columns, terminals, received = columns_of(told_of)
    stored_at %= len(columns) + 1

    def walk(one, chosen):
        # As they came: one by one.
        for row in chosen:
            row_ = np.array([row])
            walked(one, part(columns, row_), terminal=terminals[row_], received_s=received[row_])

    one = fleet(WATCH)
    walk(one, range(stored_at))
    stored = json.loads(json.dumps(document(one, one.slot(VEHICLE))))
    walk(one, range(stored_at, len(columns)))
    started_anew = fleet(WATCH)
    document_load(started_anew, VEHICLE, stored)
    slots = np.full(len(columns), started_anew.slot(VEHICLE))
    devices = np.array([started_anew.device(int(terminal)) for terminal in terminals])
    received_us = instants(received)
    unheard = np.flatnonzero(started_anew.unheard(slots, received_us))
    order = order_again(slots, columns.at_us, received_us, unheard)
    started_anew.walk(
        Tick(columns=columns, received_us=received_us, slots=slots, devices=devices, order=order)
    )
    assert document(started_anew, slots[0]) == document(one, slots[0])


def test_the_property_of_old_rows_is_not_empty():
    """The same rows, were they not old, would be told."""
    rng = np.random.default_rng(1)
    report = {"lag_s": 0, "north_m": 300, "east_m": 0, "speed_kmh": 80, "terminal": 1, "temps_c": (20.0,),
              "humidity_pct": 90.0, "battery_pct": 5.0, "shock_g": 9.0, "lock_events": 4, "lock_closed": 0, "flags": 1}  # fmt: skip
    made = [
        report | {"passed_s": int(rng.integers(10, 90)), "alarm": 1 << int(rng.integers(32))}
        for _ in range(30)
    ]
    kinds = {int(fact["kind"]) for fact in told(WATCH, *columns_of(made))}
    assert {
        Kind.STOP_ENTERED,
        Kind.BAND_LEFT,
        Kind.POWER_LOW,
        Kind.SHOCK,
        Kind.LOCK,
        Kind.ALARM_RAISED,
    } <= kinds


def raised_at(limits, columns, terminals, received):
    """After each row, what is raised: (off route, overspeed, band), and which long stops have been told."""
    one, states, stops = fleet(watch(STOPS, ROUTE, limits=limits)), [], []
    for row in range(len(columns)):
        facts = walked(
            one, part(columns, np.array([row])), terminal=terminals[row], received_s=received[row]
        ).facts
        vehicle, devices = one.vehicles[one.slot(VEHICLE)], one.devices[:2]
        stops += [fact["at_us"] for fact in facts if fact["kind"] == Kind.STOPPED_TOO_LONG]
        states.append(
            (vehicle["off"]["raised"], vehicle["speed"]["raised"], *devices["bands"][:, 0]["raised"].tolist())
        )
    return np.array(states, dtype=bool), set(stops)


def thresholds(after_s, wider):
    return asked.Limits(
        off_route=asked.OffRoute(beyond_m=300 + 400 * wider, after_s=after_s, back_m=200, back_s=60),
        speed=asked.Speed(over_kmh=85 + 10 * wider, after_s=after_s),
        bands=(asked.Band(low=2 - 20 * wider, high=8 + wider, after_s=after_s),),
        long_stop=asked.LongStop(after_s=300 + after_s),
    )


@given(reports, times, st.booleans())
@settings(deadline=None, max_examples=80)
def test_a_higher_threshold_never_raises_what_a_lower_one_does_not(told_of, after_s, wider):
    columns = columns_of(told_of)
    low, high = min(after_s), max(after_s)
    eager, eager_stops = raised_at(thresholds(low, wider=False), *columns)
    patient, patient_stops = raised_at(thresholds(high, wider=wider), *columns)
    assert not (patient & ~eager).any()
    assert patient_stops <= eager_stops


def joined(columns):
    values = {
        name: np.concatenate([getattr(one, name) for one in columns])
        for name in columns[0].__dataclass_fields__
        if name not in {"terminals", "arena"}
    }
    return type(columns[0])(terminals=("1",), arena=columns[0].arena, **values)


@given(st.lists(reports, min_size=2, max_size=4))
@settings(deadline=None, max_examples=40)
def test_vehicles_in_one_tick_do_not_touch_each_other(told_of):
    one, parts = fleet(), [columns_of(told) for told in told_of]
    slots, devices = [], []
    for vehicle, (columns, terminals, _) in enumerate(parts):
        one.watch_set(vehicle, WATCH)
        slots += [one.slot(vehicle)] * len(columns)
        devices += [one.device(10 * vehicle + int(terminal)) for terminal in terminals]
    columns, slots = joined([part_[0] for part_ in parts]), np.array(slots)
    tick = Tick(
        columns=columns,
        received_us=instants(np.concatenate([part_[2] for part_ in parts])),
        slots=slots,
        devices=np.array(devices),
        order=order_of(slots, columns.at_us, np.arange(len(columns))),
    )
    together = one.walk(tick).facts
    values = ["kind", "at_us", "fix_us", "a", "b"]
    for vehicle, alone in enumerate(told(WATCH, *one_part) for one_part in parts):
        mine = together[together["slot"] == one.slot(vehicle)]
        assert str(mine[values].tolist()) == str(alone[values].tolist())
