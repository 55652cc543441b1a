"""Rows and fleets for tests of the rules."""

from datetime import UTC, datetime

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.kernels.fleet import Fleet, Walked

M = 1 / 111_195.08
"""Degrees of latitude in a metre."""
START = datetime(2026, 11, 20, tzinfo=UTC)
START_S = START.timestamp()
VEHICLE = 7

_INTS = ("course_deg", "altitude_m", "odometer_m", "lock_closed")
_ZEROS = ("terminal", "alarm", "status", "digest", "probes", "lock_events")
_FLOATS = ("lat", "lon", "speed_kmh", "humidity_pct", "battery_pct", "shock_g")


def rows(at_s, **given) -> Columns:
    """Columns of so many seconds after START; what is not given was not sent."""
    at_s = np.asarray(at_s, dtype=float)
    count = len(at_s)
    values = {name: np.full(count, NONE, dtype=np.int64) for name in _INTS}
    values |= {name: np.zeros(count, dtype=np.int64) for name in _ZEROS}
    values |= {name: np.full(count, np.nan) for name in _FLOATS}
    values |= {name: np.zeros((count, 2), dtype=np.int64) for name in ("items", "extra", "core")}
    values["temps_c"] = np.full((count, PROBES), np.nan)
    values["flags"] = np.full(count, int(Flag.FIXED) if "lat" in given else 0, dtype=np.int64)
    values["at_us"] = np.round((START_S + at_s) * 1e6).astype(np.int64)
    for name, value in given.items():
        values[name] = np.broadcast_to(np.asarray(value, dtype=values[name].dtype), values[name].shape).copy()
    return Columns(terminals=("1",), arena=np.zeros(0, np.uint8), **values)


def watch(stops=(), route=(), trip="T1", **given) -> Watch:
    return Watch(trip=trip, route=tuple(route), stops=tuple(stops), from_at=START, **given)


def stop(seq=1, north_m=0.0, *, radius_m=300.0, along_m=0.0, fence=None) -> WatchStop:
    return WatchStop(seq=seq, lat=north_m * M, lon=0.0, radius_m=radius_m, along_m=along_m, fence=fence)


def fleet(watched: Watch | None = None) -> Fleet:
    one = Fleet()
    if watched is not None:
        one.watch_set(VEHICLE, watched)
    return one


def walked(one: Fleet, columns: Columns, vehicle: int = VEHICLE) -> Walked:
    """All rows are the vehicle's, in the order given."""
    count = len(columns)
    slots = np.full(count, one.slot(vehicle), dtype=np.int64)
    return one.walk(columns, slots, np.argsort(columns.at_us, kind="stable"))


def seconds(at_us) -> float:
    return at_us / 1e6 - START_S
