"""Records of the walk: what is remembered of a vehicle, what it is watched for, and what is found.

One array of records each, indexed by the vehicle's slot or by a place in an arena (kernels/arena.py): a row of a tick touches a few
neighbouring cache lines of its vehicle instead of one line in each of forty arrays.

Names tell units; `_us` are instants in microseconds since 1970 UTC or durations in microseconds. A blank record has NONE in its
instants, NaN in its floats and 0 elsewhere.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import NONE

Records = npt.NDArray[Any]

VEHICLE: Final = np.dtype(
    [
        # The newest fix.
        ("at_us", np.int64),
        ("lat", np.float64),
        ("lon", np.float64),
        ("along_m", np.float64),
        ("off_m", np.float64),
        ("segment", np.int64),  # of the route, where along_m lies; only a hint
        ("open_stops", np.int64),
    ],
    align=True,
)
WATCH: Final = np.dtype(
    [
        ("from_us", np.int64),  # NONE: nothing is watched
        ("route", np.int64),  # first vertex in the arena
        ("points", np.int64),  # 0: no route
        ("boxes", np.int64),
        ("stops", np.int64),
        ("stop_count", np.int64),
        ("corners", np.int64),
        ("corner_count", np.int64),
    ],
    align=True,
)
STOP: Final = np.dtype(
    [
        ("lat", np.float64),
        ("lon", np.float64),
        ("m_per_degree_lon", np.float64),
        # Metres from (lat, lon) that the fence reaches.
        ("south_m", np.float64),
        ("north_m", np.float64),
        ("west_m", np.float64),
        ("east_m", np.float64),
        ("margin_m", np.float64),
        ("radius_m", np.float64),
        ("along_m", np.float64),
        ("seq", np.int64),
        ("corner", np.int64),  # of the vehicle's corners, the first
        ("corner_count", np.int64),  # 0: a circle
        ("alone", np.int64),  # 1: no other stop shares its place
    ],
    align=True,
)
STAY: Final = np.dtype(
    [
        ("entered_us", np.int64),  # NONE: not there
        ("inside_us", np.int64),  # last fix that was not outside
        ("out_since_us", np.int64),
        ("out_fixes", np.int64),
        ("left", np.int64),  # 1: was there once and went
    ],
    align=True,
)
FACT: Final = np.dtype(
    [
        ("kind", np.int64),
        ("slot", np.int64),
        ("device", np.int64),  # -1: of the vehicle
        ("at_us", np.int64),  # when it began or happened
        ("fix_us", np.int64),  # of the row that showed it; of a timer: its now
        ("a", np.float64),
        ("b", np.float64),
        ("lat", np.float64),  # NaN: not known
        ("lon", np.float64),
    ],
    align=True,
)


class Kind(IntEnum):
    """Of a fact; what `a` and `b` mean stands beside each."""

    STOP_ENTERED = 1
    """a: the stop's number."""
    STOP_LEFT = 2
    """a: the stop's number, b: when it was entered, microseconds since 1970."""


def blank(dtype: np.dtype[Any], count: int) -> Records:
    records = np.zeros(count, dtype)
    for name in dtype.names or ():
        if name.endswith("_us"):
            records[name] = NONE
        elif dtype[name].base.kind == "f":
            records[name] = np.nan
    return records
