"""Rows and fleets for tests of the rules."""

from datetime import UTC, datetime

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.kernels.document import documents
from zaitu.telemetry.kernels.fleet import Fleet, Tick, Walked, order_of

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
    values["at_us"] = instants(at_s)
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


def walked(one: Fleet, columns: Columns, vehicle: int = VEHICLE, *, terminal=1, received_s=None) -> Walked:
    """All rows are the vehicle's; `terminal`: of all or of each; `received_s`: after START, else the fix times."""
    count = len(columns)
    slots = np.full(count, one.slot(vehicle), dtype=np.int64)
    terminals = np.broadcast_to(np.asarray(terminal), count)
    received_us = columns.at_us if received_s is None else instants(np.broadcast_to(received_s, count))
    return one.walk(
        Tick(
            columns=columns,
            received_us=received_us.copy(),
            slots=slots,
            devices=np.array([one.device(int(one_)) for one_ in terminals], dtype=np.int64),
            order=order_of(slots, columns.at_us, np.arange(count)),
        )
    )


def instants(at_s) -> np.ndarray:
    """Microseconds since 1970 of seconds after START."""
    return np.round(np.asarray(at_s, dtype=float) * 1e6).astype(np.int64) + int(START_S) * 1_000_000


def seconds(at_us) -> float:
    """After START."""
    return (int(at_us) - int(START_S) * 1_000_000) / 1e6


def document(fleet, slot):
    (one,) = documents(fleet, [slot])
    return one
