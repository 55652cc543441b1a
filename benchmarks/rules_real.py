"""A recorded trace with detours, stops and openings put into it.

The trace is cut into drives where it stands still for long. Each drive's own road, every fifth fix of it, is its planned road, and its
ends are its planned stops; what is put in is known, and everything else the rules find is wrong.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.rules_truth import DEGREES, LOCK, START, START_S, TRACKER, Array, Drive, Floats, Rows, Truth
from zaitu.kernel.geo import Polyline
from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.codecs.trace import columns_parse, places_read
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.rules.facts import Kind

COLUMNS: Final = "lat=latitude,lon=longitude,time=eventGeneratedTime:ms,speed=speed:kmh"
"""Of the trace this was written for."""
_APART_S: Final = 300.0
_DRIVE_FIXES: Final = 150
_DRIVE_M: Final = 5_000.0
_ROAD_STEP: Final = 5
_STILL_M: Final = 200.0
_PUTS: Final = ("detour", "long_stop", "opened", "nothing")

Fixes = Floats
"""(rows, 4): seconds, latitude, longitude, km/h; in time order."""


def trace_read(path: Path) -> list[Fixes]:
    """The drives in it, each from second 0."""
    with path.open(encoding="utf-8", newline="") as lines:
        places = [place for place in places_read(lines, columns_parse(COLUMNS)) if not isinstance(place, str)]
    fixes = np.array([(one.time.timestamp(), one.lat, one.lon, one.speed_kmh) for one in places])
    fixes = fixes[np.unique(fixes[:, 0], return_index=True)[1]]
    drives = np.split(fixes, np.flatnonzero(np.diff(fixes[:, 0]) > _APART_S) + 1)
    return [
        one - (one[0, 0], 0, 0, 0)
        for one in drives
        if len(one) >= _DRIVE_FIXES and _length_m(one) >= _DRIVE_M
    ]


def _length_m(fixes: Fixes) -> float:
    return float(_steps_m(fixes).sum())


def _steps_m(fixes: Fixes) -> Floats:
    north, east = np.diff(fixes[:, 1]), np.diff(fixes[:, 2]) * np.cos(np.radians(fixes[1:, 1]))
    steps: Floats = np.hypot(north, east) / DEGREES
    return steps


def injected(drives: Sequence[Fixes], seed: int) -> list[Drive]:
    """Each drive once with each of the puts."""
    rng = np.random.default_rng(seed)
    return [_injected(rng, fixes, what) for fixes in drives for what in _PUTS]


def _injected(rng: np.random.Generator, fixes: Fixes, what: str) -> Drive:
    watch = _watch(fixes)
    middle = int(rng.integers(len(fixes) // 3, 2 * len(fixes) // 3))
    truths: list[Truth] = []
    if what == "detour":
        fixes, truths = _detour(rng, fixes, watch, middle)
    elif what == "long_stop":
        fixes, truths = _long_stop(rng, fixes, middle)
    received_s, at_s = fixes[:, 0], fixes[:, 0]
    rows: Rows = {
        "at_us": ((START_S + at_s) * 1e6).astype(np.int64),
        "lat": fixes[:, 1],
        "lon": fixes[:, 2],
        "speed_kmh": fixes[:, 3],
        "flags": np.ones(len(fixes), np.int64),
        "lock_events": np.zeros(len(fixes), np.int64),
        "lock_closed": np.full(len(fixes), NONE, dtype=np.int64),
    }
    terminal = np.full(len(fixes), TRACKER)
    if what == "opened":
        rows, terminal, truths = _opened(rows, terminal, at_s, middle)
        received_s = np.insert(received_s, middle, received_s[middle])
    return Drive(watch=watch, rows=rows, terminal=terminal, received_s=received_s, truths=truths)


def _watch(fixes: Fixes) -> Watch:
    road = Polyline([(lat, lon) for lat, lon in fixes[::_ROAD_STEP, 1:3].tolist()])
    ends = [(0, fixes[0], 0.0), (1, fixes[-1], road.length_m)]
    stops = [
        WatchStop(seq=seq, lat=float(fix[1]), lon=float(fix[2]), radius_m=200, along_m=along_m)
        for seq, fix, along_m in ends
    ]
    return Watch(trip="T", route=road.points, stops=tuple(stops), from_at=START)


def _detour(rng: np.random.Generator, fixes: Fixes, watch: Watch, middle: int) -> tuple[Fixes, list[Truth]]:
    """Ten minutes on another road, beside the planned one."""
    fixes, road = fixes.copy(), Polyline(watch.route)
    inside = (fixes[:, 0] >= fixes[middle, 0]) & (fixes[:, 0] < fixes[middle, 0] + 600)
    share = (fixes[inside, 0] - fixes[middle, 0]) / 600
    rise = np.clip(np.minimum(share, 1 - share) * 8, 0, 1) * rng.uniform(900, 2_500) * DEGREES
    angle = rng.uniform(0, 2 * np.pi)
    fixes[inside, 1] += rise * np.cos(angle)
    fixes[inside, 2] += rise * np.sin(angle)
    off_m = np.array([road.locate(lat, lon)[1] for lat, lon in fixes[inside, 1:3]])
    off_s = fixes[inside, 0][off_m > 500]
    # The road may come back to where the other one leads, and then it is off it for a moment only.
    longest_s = _longest_s(fixes[inside, 0], off_m > 500)
    if longest_s < 120:
        return fixes, []
    truth = Truth(kind=Kind.OFF_ROUTE, from_s=off_s[0] - 30, to_s=off_s[-1], optional=longest_s < 240)
    return fixes, [truth]


def _longest_s(at_s: Floats, off: Array) -> float:
    runs = np.split(np.arange(len(off)), np.flatnonzero(np.diff(off.astype(int))) + 1)
    return max((at_s[run[-1]] - at_s[run[0]] for run in runs if len(run) and off[run[0]]), default=0.0)


def _long_stop(rng: np.random.Generator, fixes: Fixes, middle: int) -> tuple[Fixes, list[Truth]]:
    """Forty minutes to an hour and a half at one place, a report every two minutes."""
    lasts_s = float(rng.uniform(2_400, 5_400))
    at_s = fixes[middle, 0] + np.arange(120, lasts_s, 120)
    there = np.column_stack([at_s, np.tile(fixes[middle, 1:3], (len(at_s), 1)), np.zeros(len(at_s))])
    there[:, 1:3] += rng.normal(0, 8, (len(at_s), 2)) * DEGREES
    after = fixes[middle + 1 :] + np.array([lasts_s, 0, 0, 0])
    # It may have stood there already for some minutes.
    near = _from_m(fixes[: middle + 1], fixes[middle]) < _STILL_M
    came = middle + 1 - int(np.argmin(near[::-1])) if not near.all() else 0
    truth = Truth(
        kind=Kind.STOPPED_TOO_LONG, from_s=float(fixes[came, 0]) - 60, to_s=float(fixes[middle, 0]) + 180
    )
    return np.concatenate([fixes[: middle + 1], there, after]), [truth]


def _from_m(fixes: Fixes, place: Floats) -> Floats:
    north, east = fixes[:, 1] - place[1], (fixes[:, 2] - place[2]) * np.cos(np.radians(place[1]))
    distances: Floats = np.hypot(north, east) / DEGREES
    return distances


def _opened(rows: Rows, terminal: Array, at_s: Floats, middle: int) -> tuple[Rows, Array, list[Truth]]:
    """The lock's own report, between two of the tracker's."""
    rows = {name: np.insert(values, middle, values[middle]) for name, values in rows.items()}
    rows["lock_events"][middle], rows["lock_closed"][middle] = int(LockEvent.OPENED), 0
    truth = Truth(kind=Kind.LOCK, from_s=float(at_s[middle]) - 1, to_s=float(at_s[middle]) + 1)
    return rows, np.insert(terminal, middle, LOCK), [truth]
