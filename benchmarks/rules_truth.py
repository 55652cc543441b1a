"""Drives of which is known what happens on them: what a rule must find, and what it must not.

A drive is a list of phases, second by second: stops that are planned, roads between them, and on these what is put in: detours, long
stops, openings … each beside its harmless cousin (a road that runs parallel, a short rest, an opening at a stop). Receivers have noise
that drifts, jump now and then, and hear nothing in tunnels, whose fixes come afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.kernel.geo import Polyline
from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.rules.facts import Kind

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
Rows = dict[str, Array]
"""By name of their column."""

START: Final = datetime(2026, 11, 20, tzinfo=UTC)
START_S: Final = START.timestamp()
DEGREES: Final = 1 / 111_195.08
"""In a metre of latitude."""
TRACKER, LOCK = 1, 2
_RAMP_S: Final = 60
"""A detour leaves the road so slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Something put into a drive."""

    least_s: int
    most_s: int
    finds: Kind | None = None
    """None: harmless, and nothing may be found."""
    kmh: float | None = None
    """None: as fast as before."""


PUTS: Final[dict[str, Put]] = {
    "detour": Put(least_s=480, most_s=1_500, finds=Kind.OFF_ROUTE),
    "parallel_road": Put(least_s=300, most_s=900),
    "long_stop": Put(least_s=2_100, most_s=5_400, finds=Kind.STOPPED_TOO_LONG, kmh=0.0),
    "covered_yard": Put(least_s=2_400, most_s=4_800, finds=Kind.STOPPED_TOO_LONG, kmh=0.0),
    "street_canyon": Put(least_s=600, most_s=1_500, kmh=25.0),
    "rest": Put(least_s=300, most_s=1_500, kmh=0.0),
    "jam": Put(least_s=1_200, most_s=3_000, kmh=4.0),
    "left_rest_early": Put(least_s=600, most_s=900, finds=Kind.MOVED_WHILE_STANDING, kmh=0.0),
    "rested": Put(least_s=900, most_s=1_500, kmh=0.0),
    "opened": Put(least_s=300, most_s=300, finds=Kind.LOCK),
    "cut": Put(least_s=300, most_s=300, finds=Kind.LOCK),
    "left_open": Put(least_s=600, most_s=900, finds=Kind.LOCK_LEFT_OPEN),
    "warm": Put(least_s=900, most_s=2_400, finds=Kind.BAND_LEFT),
    "doors": Put(least_s=60, most_s=200),
    "racing": Put(least_s=90, most_s=300, finds=Kind.OVERSPEED, kmh=118.0),
    "overtaking": Put(least_s=10, most_s=20, kmh=112.0),
    "dropped": Put(least_s=60, most_s=60, finds=Kind.SHOCK),
    "bad_road": Put(least_s=300, most_s=900),
    "power_cut": Put(least_s=300, most_s=900, finds=Kind.POWER_LOW),
    "engine_started": Put(least_s=20, most_s=20, kmh=0.0),
    "silent": Put(least_s=1_200, most_s=3_000, finds=Kind.SIGNAL_LOST),
    "tunnel": Put(least_s=180, most_s=500),
    "antenna": Put(least_s=300, most_s=600, finds=Kind.ALARM_RAISED),
    "clock_lost": Put(least_s=200, most_s=400, finds=Kind.CLOCK_WRONG),
    "restarted": Put(least_s=20, most_s=20),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A fact that must be found, begun in this time (seconds after START)."""

    kind: Kind
    from_s: float
    to_s: float
    optional: bool = False
    """So near to the threshold that both is right."""


@dataclass(slots=True, kw_only=True)
class Drive:
    """One vehicle's: rows by name of their column, in the order received."""

    watch: Watch
    rows: Rows
    terminal: Array
    received_s: Floats
    truths: list[Truth] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    what: str
    from_s: int
    to_s: int

    @property
    def seconds(self) -> slice:
        return slice(self.from_s, self.to_s)


class Plan:
    """Second by second: where it is, and what is the matter."""

    def __init__(self, rng: np.random.Generator, puts: list[str]) -> None:
        self.rng = rng
        self.phases: list[Phase] = []
        kmh: list[Floats] = []
        cruise_kmh = float(rng.uniform(60, 85))
        for what in self._whats(puts):
            put = PUTS.get(what)
            seconds = int(rng.integers(put.least_s, put.most_s + 1)) if put else int(rng.integers(500, 1_300))
            speed = cruise_kmh if put is None or put.kmh is None else put.kmh
            if what == "stop":
                speed = 0.0
            at = self.phases[-1].to_s if self.phases else 0
            self.phases.append(Phase(what=what, from_s=at, to_s=at + seconds))
            kmh.append(np.full(seconds, speed))
        self.speed_kmh = np.concatenate(kmh)
        moving = self.speed_kmh > 10
        self.speed_kmh[moving] += rng.normal(0, 1.5, int(moving.sum()))
        self.along_m = np.concatenate([[0.0], np.cumsum(self.speed_kmh / 3.6)[:-1]])

    @staticmethod
    def _whats(puts: list[str]) -> Iterator[str]:
        yield "stop"
        for number, what in enumerate(puts):
            yield "road"
            yield what
            if number % 2:
                yield "road"
                yield "stop"
        yield "road"
        yield "stop"

    def of(self, *whats: str) -> list[Phase]:
        return [phase for phase in self.phases if phase.what in whats]

    def __len__(self) -> int:
        return len(self.speed_kmh)


def road(rng: np.random.Generator, length_m: float, points: int = 500) -> Polyline:
    """A crooked one."""
    heading = np.cumsum(rng.normal(0, 0.12, points - 1))
    step = length_m / (points - 1) * DEGREES
    lat = 30 + np.concatenate([[0], np.cumsum(np.cos(heading) * step)])
    lon = 110 + np.concatenate([[0], np.cumsum(np.sin(heading) * step / np.cos(np.radians(30)))])
    return Polyline(list(zip(lat.tolist(), lon.tolist(), strict=True)))


def drive(rng: np.random.Generator, puts: list[str]) -> Drive:
    plan = Plan(rng, puts)
    route = road(rng, float(plan.along_m[-1]) + 20_000)
    lat, lon = _places(plan, route)
    watch = _watch(plan, route)
    rows, terminal, received_s = _reports(plan, lat, lon)
    truths = [*_stops_true(plan, watch), *_puts_true(plan, route, lat, lon)]
    return Drive(watch=watch, rows=rows, terminal=terminal, received_s=received_s, truths=truths)


def _places(plan: Plan, route: Polyline) -> tuple[Floats, Floats]:
    """True, second by second."""
    points = np.array(route.points)
    marks = np.array([0.0, *np.cumsum([_step_m(a, b) for a, b in pairwise(points)])])
    lat, lon = np.interp(plan.along_m, marks, points[:, 0]), np.interp(plan.along_m, marks, points[:, 1])
    for phase in plan.of("detour", "parallel_road"):
        beside_m = plan.rng.uniform(900, 3_000) if phase.what == "detour" else plan.rng.uniform(150, 320)
        length = phase.to_s - phase.from_s
        rise = np.clip(np.minimum(np.arange(length), np.arange(length)[::-1]) / _RAMP_S, 0, 1)
        # Across the direction in which it drives.
        north, east = lat[phase.to_s] - lat[phase.from_s], lon[phase.to_s] - lon[phase.from_s]
        scale = beside_m * DEGREES / max(np.hypot(north, east), 1e-9)
        lat[phase.seconds] += rise * -east * scale
        lon[phase.seconds] += rise * north * scale / np.cos(np.radians(30))
    return lat, lon


def _step_m(a: Floats, b: Floats) -> float:
    return float(np.hypot(b[0] - a[0], (b[1] - a[1]) * np.cos(np.radians(a[0]))) / DEGREES)


def _watch(plan: Plan, route: Polyline) -> Watch:
    def instant(second: float) -> datetime:
        return START + timedelta(seconds=second)

    stops = []
    for number, phase in enumerate(plan.of("stop")):
        along_m = float(plan.along_m[phase.from_s])
        lat, lon = route.at(along_m)
        stops.append(WatchStop(seq=number, lat=lat, lon=lon, radius_m=300, along_m=along_m))
    stands = [
        asked.Stand(from_at=instant(phase.from_s + 30), to_at=instant(phase.to_s - 30))
        for phase in plan.of("rested")
    ]
    stands += [
        asked.Stand(from_at=instant(phase.from_s + 30), to_at=instant(phase.to_s + 600))
        for phase in plan.of("left_rest_early")
    ]
    limits = asked.Limits(stands=tuple(stands), bands=(asked.Band(low=2, high=8),))
    return Watch(trip="T", route=route.points, stops=tuple(stops), from_at=START, limits=limits)


def _noise(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Metres north and east: grains, drift, and a jump in five hundred."""
    drift = _drift(rng, count, 2.0)
    jumps = np.where(rng.random((count, 1)) < 0.002, rng.normal(0, 1_500, (count, 2)), 0.0)
    off = drift + rng.normal(0, 5, (count, 2)) + jumps
    return off[:, 0], off[:, 1]


def _drift(rng: np.random.Generator, count: int, step_m: float) -> Floats:
    """Wanders about the truth, some four steps wide."""
    drift = rng.normal(0, step_m, (count, 2))
    for row in range(1, count):
        drift[row] += 0.97 * drift[row - 1]
    return drift


def _reports(plan: Plan, lat: Floats, lon: Floats) -> tuple[Rows, Array, Floats]:
    """What the tracker and the lock send, in the order received."""
    rng, end = plan.rng, len(plan)
    tracker = np.cumsum(rng.integers(5, 21, end // 12))
    tracker = tracker[tracker < end]
    # A lock reports every five minutes, and when something happens.
    events = sorted(_lock_events(plan))
    lock = np.unique([*np.arange(17, end, 300), *(second for second, _, _ in events)])
    second = np.concatenate([tracker, lock])
    terminal = np.concatenate([np.full(len(tracker), TRACKER), np.full(len(lock), LOCK)])
    order = np.argsort(second, kind="stable")
    second, terminal = second[order], terminal[order]
    heard = ~_within(plan, second, "silent")
    second, terminal = second[heard], terminal[heard]
    north, east = _noise(rng, len(second))
    for phase in plan.of("covered_yard", "street_canyon"):
        inside = (second >= phase.from_s) & (second < phase.to_s)
        wander = _drift(rng, int(inside.sum()), 12.0 if phase.what == "covered_yard" else 25.0)
        north[inside] += wander[:, 0]
        east[inside] += wander[:, 1]
    rows: Rows = {
        "at_us": ((START_S + second) * 1e6).astype(np.int64),
        "lat": lat[second] + north * DEGREES,
        "lon": lon[second] + east * DEGREES / np.cos(np.radians(30)),
        "speed_kmh": np.maximum(0, plan.speed_kmh[second] + rng.normal(0, 0.7, len(second))),
        "flags": np.full(len(second), int(Flag.FIXED)),
    }
    rows |= _sensors(plan, second, terminal == TRACKER)
    rows |= _lock_rows(second, terminal == LOCK, events)
    received_s = second + rng.uniform(0.5, 2.0, len(second))
    _clocks(plan, rows, second, received_s, terminal == TRACKER)
    for phase in plan.of("tunnel"):
        inside = (second >= phase.from_s) & (second < phase.to_s)
        rows["flags"][inside] |= int(Flag.BACKFILL)
        received_s[inside] = phase.to_s + 30 + 0.01 * np.arange(inside.sum())
    order = np.argsort(received_s, kind="stable")
    return {name: values[order] for name, values in rows.items()}, terminal[order], received_s[order]


def _within(plan: Plan, second: Array, *whats: str) -> Array:
    inside = np.zeros(len(plan) + 1, dtype=bool)
    for phase in plan.of(*whats):
        inside[phase.seconds] = True
    return inside[second]


def _sensors(plan: Plan, second: Array, mine: Array) -> Rows:
    rng, count = plan.rng, len(second)
    temps = np.full((count, PROBES), np.nan)
    warm = np.where(_within(plan, second, "warm", "doors"), 13.0, 5.0)
    temps[mine, 0] = (warm + rng.normal(0, 0.4, count))[mine]
    shock = np.abs(rng.normal(0, 0.8, count))
    shock[_within(plan, second, "bad_road")] *= 2
    for phase in plan.of("dropped"):
        shock[np.searchsorted(second, phase.from_s)] = rng.uniform(9, 20)
    alarm = np.zeros(count, dtype=np.int64)
    alarm[_within(plan, second, "power_cut", "engine_started") & mine] |= 1 << 8
    alarm[_within(plan, second, "antenna") & mine] |= 1 << 5
    return {"temps_c": temps, "probes": mine.astype(np.int64), "shock_g": shock, "alarm": alarm}


def _lock_events(plan: Plan) -> Iterator[tuple[int, LockEvent, int]]:
    """(second, event, closed afterwards)."""
    for phase in plan.of("stop"):
        middle = (phase.from_s + phase.to_s) // 2
        yield middle, LockEvent.OPENED, 0
        yield middle + 120, LockEvent.CLOSED, 1
    for phase in plan.of("opened"):
        yield phase.from_s + 60, LockEvent.OPENED, 0
        yield phase.from_s + 120, LockEvent.CLOSED, 1
    for phase in plan.of("cut"):
        yield phase.from_s + 60, LockEvent.CUT, 1
    for phase in plan.of("left_open"):
        yield _stop_before(plan, phase).to_s - 60, LockEvent.OPENED, 0
        yield phase.to_s, LockEvent.CLOSED, 1


def _stop_before(plan: Plan, phase: Phase) -> Phase:
    return next(one for one in reversed(plan.of("stop")) if one.to_s <= phase.from_s)


def _lock_rows(second: Array, mine: Array, events: list[tuple[int, LockEvent, int]]) -> Rows:
    told = np.zeros(len(second), dtype=np.int64)
    closed = np.full(len(second), NONE, dtype=np.int64)
    closed[mine] = 1
    for at, event, after in events:
        closed[mine & (second >= at)] = after
        told[mine & (second == at)] |= int(event)
    return {"lock_events": told, "lock_closed": closed}


def _clocks(
    plan: Plan,
    rows: Rows,
    second: Array,
    received_s: Floats,
    mine: Array,
) -> None:
    """A time that means nothing was replaced by the time it came."""
    lost = _within(plan, second, "clock_lost", "restarted") & mine
    rows["flags"][lost] |= int(Flag.CLOCK)
    rows["at_us"][lost] = ((START_S + received_s[lost]) * 1e6).astype(np.int64)


def _stops_true(plan: Plan, watch: Watch) -> Iterator[Truth]:
    for stop, phase in zip(watch.stops, plan.of("stop"), strict=True):
        inside = np.flatnonzero(np.abs(plan.along_m - stop.along_m) < stop.radius_m)
        yield Truth(kind=Kind.STOP_ENTERED, from_s=float(inside[0]) - 60, to_s=float(inside[0]) + 60)
        if phase is not plan.of("stop")[-1]:
            yield Truth(kind=Kind.STOP_LEFT, from_s=float(inside[-1]) - 60, to_s=float(inside[-1]) + 60)


def _puts_true(plan: Plan, route: Polyline, lat: Floats, lon: Floats) -> Iterator[Truth]:
    for phase in plan.phases:
        put = PUTS.get(phase.what)
        if put is None or put.finds is None:
            continue
        if phase.what == "detour":
            seconds = np.arange(phase.from_s, phase.to_s, 10)
            off_m = [route.locate(lat[one], lon[one])[1] for one in seconds]
            if (np.array(off_m) > 600).sum() * 10 < 300:
                # A crooked road comes so near to it that it is no detour.
                continue
        from_s = _stop_before(plan, phase).to_s if phase.what == "left_open" else phase.from_s
        yield Truth(kind=put.finds, from_s=from_s - 90.0, to_s=phase.to_s + 120.0)


_NEVER: Final = ("course_deg", "altitude_m", "odometer_m", "lock_closed")
_ZERO: Final = ("terminal", "flags", "alarm", "status", "digest", "probes", "lock_events")
_NAN: Final = ("lat", "lon", "speed_kmh", "humidity_pct", "battery_pct", "shock_g")


def columns_of(parts: Sequence[Rows]) -> Columns:
    """What the first part does not name was not sent by any."""
    count = sum(len(part["at_us"]) for part in parts)
    nothing = np.zeros((count, 2), np.int64)
    values: Rows = {name: np.full(count, NONE, dtype=np.int64) for name in _NEVER}
    values |= {name: np.zeros(count, np.int64) for name in _ZERO}
    values |= {name: np.full(count, np.nan) for name in _NAN}
    values["temps_c"] = np.full((count, PROBES), np.nan)
    values |= {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Columns(
        terminals=("1",), arena=np.zeros(0, np.uint8), items=nothing, extra=nothing, core=nothing, **values
    )
