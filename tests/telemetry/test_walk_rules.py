"""All rules by the kernel: it tells what the readable rules tell, however rows come; and it forgets nothing when it is stopped."""

import json
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.readable import Readable
from tests.telemetry.walks import (
    START,
    START_S,
    VEHICLE,
    M,
    document,
    fleet,
    instants,
    rows,
    seconds,
    stop,
    walked,
    watch,
)
from zaitu.telemetry.codecs.columns import NONE, PROBES, Flag
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.kernels.document import document_load
from zaitu.telemetry.rules.facts import Kind

ROUTE = tuple((north * M, east * M) for north, east in [(-2000, 0), (-700, 300), (600, -200), (3000, 0)])
STOPS = (stop(1, -1500), stop(2, 400, radius_m=200), stop(3, 2_800))


def minutes(count):
    return START + timedelta(minutes=count)


LIMITS = asked.Limits(
    off_route=asked.OffRoute(beyond_m=400, after_s=120, back_m=150, back_s=60),
    long_stop=asked.LongStop(after_s=600),
    stands=(
        asked.Stand(from_at=minutes(10), to_at=minutes(60)),
        asked.Stand(from_at=minutes(5), to_at=minutes(240), seq=2),
    ),
    lock=asked.Lock(
        openings=(
            asked.Opening(seq=1, to_at=minutes(90)),
            asked.Opening(lat=900 * M, lon=0.0, radius_m=200, from_at=minutes(20)),
        ),
        left_open_s=90,
    ),
    bands=(
        asked.Band(low=2, high=8, after_s=120, back_s=60),
        asked.Band(low=-18, probe=1, after_s=0, back_s=0),
        asked.Band(what="humidity_pct", high=80, after_s=60),
    ),
    shock=asked.Shock(over_g=3),
    speed=asked.Speed(over_kmh=90, after_s=60),
    signal=asked.Signal(after_s=600),
)
DEFAULT_LOCK = asked.Limits(lock=asked.Lock())
WATCHES = {
    "its own limits": watch(STOPS, ROUTE, limits=LIMITS),
    "the defaults": watch(STOPS, ROUTE),
    "no route": watch(STOPS, limits=DEFAULT_LOCK),
    "every rule off": watch(
        STOPS,
        ROUTE,
        limits=asked.Limits(
            off_route=None,
            long_stop=None,
            lock=None,
            shock=None,
            speed=None,
            signal=None,
            power=None,
            clock=None,
            device_alarms=False,
        ),
    ),
}

often = st.sampled_from
reports = st.lists(
    st.fixed_dictionaries(
        {
            "passed_s": often([1, 5, 10, 30, 30, 60, 120, 400, 1_000]),
            "lag_s": often([0, 0, 0, 0, 0, 0, 3, 40, 700]),
            "north_m": often([0, 0, 10, 40, 90, 300, 900, -300, -1_000]),
            "east_m": often([0, 0, 5, -20, 150, -150, 700, -700]),
            "speed_kmh": often([np.nan, 0, 3, 40, 85, 88, 92, 99, 105, 300]),
            "terminal": often([1, 1, 1, 2]),
            "alarm": often([0, 0, 0, 0, 1, 1 << 7, 1 << 8, 1 << 4, (1 << 4) | 1, 1 << 23, 1 << 3]),
            "temps_c": often(
                [(), (), (5.0,), (5.0, -20.0), (9.0, -19.0), (np.nan, -10.0), (1.0, np.nan, 7.0)]
            ),
            "humidity_pct": often([np.nan, np.nan, 60.0, 90.0]),
            "battery_pct": often([np.nan, np.nan, 90.0, 20.0, 14.0]),
            "shock_g": often([np.nan, np.nan, 1.0, 9.0]),
            "lock_events": often([0, 0, 0, 0, 0, 1, 2, 3, 4, 8, 16 + 4, 32, 64, 128, 256]),
            "lock_closed": often([NONE, NONE, 0, 1]),
            "flags": often(
                [Flag.FIXED] * 6 + [0, Flag.FIXED | Flag.CLOCK, Flag.FIXED | Flag.BACKFILL, Flag.CLOCK]
            ),
        }
    ),
    min_size=1,
    max_size=60,
)


def columns_of(told, now_s=0.0, north=0.0, east=0.0):
    """(columns, terminals, received_s): each report some time and way after the one before."""
    received = now_s + np.cumsum([one["passed_s"] for one in told]).astype(float)
    clock = np.array([bool(one["flags"] & Flag.CLOCK) for one in told])
    temps = np.full((len(told), PROBES), np.nan)
    for row, one in enumerate(told):
        temps[row, : len(one["temps_c"])] = one["temps_c"]
    given_as = (
        "speed_kmh",
        "alarm",
        "humidity_pct",
        "battery_pct",
        "shock_g",
        "lock_events",
        "lock_closed",
        "flags",
    )
    columns = rows(
        received - np.where(clock, 0, [one["lag_s"] for one in told]),
        # Off the whole metre: on a fence's very edge rounding decides, and it may do so differently.
        lat=(north + np.cumsum([one["north_m"] for one in told]) + 0.37) * M,
        lon=(east + np.cumsum([one["east_m"] for one in told]) + 0.29) * M,
        temps_c=temps,
        probes=[len(one["temps_c"]) for one in told],
        **{name: [one[name] for one in told] for name in given_as},
    )
    return columns, np.array([one["terminal"] for one in told]), received


def part(columns, chosen):
    """These rows alone."""
    values = {
        name: getattr(columns, name)[chosen]
        for name in columns.__dataclass_fields__
        if name not in {"terminals", "arena"}
    }
    return type(columns)(terminals=columns.terminals, arena=columns.arena, **values)


def cut(count, cuts):
    edges = sorted({0, count, *(one % count for one in cuts)})
    return [np.arange(low, high) for low, high in pairwise(edges)]


def between(received, ticks):
    """After each tick, just before the next begins: when the timer is asked."""
    return [received[later[0]] - 0.5 for later in ticks[1:]] + [received[-1] + 2_000]


def by_walk(watched, columns, terminals, received, ticks, *, stopped=False):
    """Facts of the kernel; `stopped`: its memory is written and read by another fleet after each tick."""
    one, facts = fleet(watched), []
    for chosen, now_s in zip(ticks, between(received, ticks), strict=True):
        found = walked(
            one, part(columns, chosen), terminal=terminals[chosen], received_s=received[chosen]
        ).facts
        facts += [numbers(one, fact) for fact in found]
        if stopped:
            stored = json.loads(json.dumps(document(one, one.slot(VEHICLE)), allow_nan=False))
            one = fleet(watched)
            document_load(one, VEHICLE, stored)
        facts += [numbers(one, fact) for fact in one.timer(int(instants(now_s)))]
    return facts


def numbers(one, fact):
    b = float(fact["b"]) if has_b(fact["kind"]) else 0.0
    terminal = 0 if fact["device"] < 0 else one.terminal_ids[fact["device"]]
    return terminal, int(fact["kind"]), seconds(fact["at_us"]), float(fact["a"]), b


def by_reading(watched, columns, terminals, received, ticks):
    one, facts = Readable(watched), []
    for chosen, now_s in zip(ticks, between(received, ticks), strict=True):
        for row in chosen[np.argsort(columns.at_us[chosen], kind="stable")]:
            facts += one.row(columns, row, int(terminals[row]), START_S + received[row])
        facts += [(0, fact) for fact in one.signal.timer(START_S + now_s)]
    return [
        (
            terminal,
            int(fact.kind),
            fact.at_s - START_S,
            float(fact.a),
            float(fact.b) if has_b(fact.kind) else 0.0,
        )
        for terminal, fact in facts
    ]


def has_b(kind):
    """When a stop was entered is remembered otherwise by the readable rule."""
    return kind != Kind.STOP_LEFT


def same(mine, theirs):
    def exact(fact):
        return (fact[0], fact[1], round(fact[2]), np.nan_to_num(fact[3], nan=-1.0))

    mine, theirs = sorted(mine, key=exact), sorted(theirs, key=exact)
    assert [fact[:2] for fact in mine] == [fact[:2] for fact in theirs]
    for one, other in zip(mine, theirs, strict=True):
        assert one == pytest.approx(other, abs=0.01, nan_ok=True)


@pytest.mark.parametrize("watched", WATCHES.values(), ids=WATCHES)
@given(told=reports, cuts=st.lists(st.integers(0, 60), max_size=6))
@settings(deadline=None, max_examples=120)
def test_whatever_is_reported_is_told_as_the_readable_rules_tell_it(watched, told, cuts):
    columns, terminals, received = columns_of(told)
    ticks = cut(len(columns), cuts)
    mine = by_walk(watched, columns, terminals, received, ticks)
    same(mine, by_reading(watched, columns, terminals, received, ticks))


@pytest.mark.parametrize("watched", WATCHES.values(), ids=WATCHES)
@given(told=reports, cuts=st.lists(st.integers(0, 60), min_size=1, max_size=6))
@settings(deadline=None, max_examples=80)
def test_stopping_and_starting_again_anywhere_changes_no_fact(watched, told, cuts):
    columns, terminals, received = columns_of(told)
    ticks = cut(len(columns), cuts)
    on = by_walk(watched, columns, terminals, received, ticks)
    off_and_on = by_walk(watched, columns, terminals, received, ticks, stopped=True)
    assert str(on) == str(off_and_on)
