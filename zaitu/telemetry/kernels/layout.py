"""Records of the walk: what is remembered of a vehicle and of a terminal, what it is watched for, and what is found.

One array of records each, indexed by the vehicle's slot, the terminal's, or a place in an arena (kernels/arena.py): a row of a tick
touches a few neighbouring cache lines instead of one line in each of eighty arrays.

Names tell units; `_us` are instants in microseconds since 1970 UTC, or durations. A blank record has NONE in its instants, NaN in its
floats and 0 elsewhere.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.domain.limits import BANDS_MAX, STANDS_MAX
from zaitu.telemetry.rules.alarms import BITS

Records = npt.NDArray[Any]

BANDS: Final = BANDS_MAX

HELD: Final = np.dtype(
    # rules/held.py
    [("since_us", np.int64), ("last_us", np.int64), ("raised", np.int64)],
    align=True,
)
VEHICLE: Final = np.dtype(
    [
        # The newest fix.
        ("at_us", np.int64),
        ("lat", np.float64),
        ("lon", np.float64),
        # Of its trip.
        ("along_m", np.float64),
        ("off_m", np.float64),
        ("segment", np.int64),  # of the route, where along_m lies; only a hint
        ("clear_lat", np.float64),  # from here every fence and its margin are further than clear_m
        ("clear_lon", np.float64),
        ("clear_m", np.float64),
        ("open_stops", np.int64),
        ("on_route_once", np.int64),
        ("off", HELD),
        ("farthest_m", np.float64),
        ("planned_us", np.int64),  # last fix at a planned stop
        ("stopped_us", np.int64),  # told: since when it stands
        ("stands_told", np.int64),  # a bit for each of the watch's
        # Of the vehicle.
        ("heard_us", np.int64),  # received
        ("silent", np.int64),
        ("spot_us", np.int64),  # where it stands
        ("spot_lat", np.float64),
        ("spot_lon", np.float64),
        ("spot_moves", np.int64),
        ("there_us", np.int64),
        ("out_us", np.int64),
        ("out_lat", np.float64),
        ("out_lon", np.float64),
        ("out_moves", np.int64),
        ("out_fixes", np.int64),
        ("speed", HELD),
        ("top_kmh", np.float64),
    ],
    align=True,
)
OF_TRIP: Final = (
    "along_m", "off_m", "segment", "clear_lat", "clear_lon", "clear_m", "open_stops", "on_route_once", "off", "farthest_m",
    "planned_us", "stopped_us", "stands_told",
)  # fmt: skip
"""Forgotten when another trip begins."""
PASSING: Final = ("segment", "clear_lat", "clear_lon", "clear_m", "open_stops")
"""Found again by themselves, so not in the document."""
DEVICE: Final = np.dtype(
    [
        ("slot", np.int64),  # of the vehicle it is in
        ("seen_us", np.int64),  # newest report
        ("raised", np.int64),  # alarm bits
        ("clock_wrong", np.int64),
        ("clock_run", np.int64),
        ("battery_pct", np.float64),
        ("lock_low_us", np.int64),
        ("power", HELD),
        ("power_cause", np.int64),
        ("edges", np.int64),  # which alarm bits are edges
        ("shock_us", np.int64),
        ("lock_known", np.int64),  # 1: it is, or is not, closed
        ("lock_closed", np.int64),
        ("lock_states", np.int64),
        ("opened_us", np.int64),
        ("closed_us", np.int64),
        ("away", HELD),
        ("worst", np.float64, (BANDS,)),
        ("bands", HELD, (BANDS,)),
        ("set_us", np.int64, (BITS,)),  # last report that had the alarm bit
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
        ("bands", np.int64),
        ("band_count", np.int64),
        ("stands", np.int64),
        ("stand_count", np.int64),
        ("openings", np.int64),
        ("opening_count", np.int64),
        # domain.limits; a rule that is switched off has a limit that nothing reaches.
        ("beyond_m", np.float64),
        ("back_m", np.float64),
        ("off_after_us", np.int64),
        ("off_back_us", np.int64),
        ("stop_after_us", np.int64),
        ("still_m", np.float64),
        ("locks", np.int64),
        ("left_open_us", np.int64),
        ("over_g", np.float64),
        ("over_kmh", np.float64),
        ("speed_after_us", np.int64),
        ("signal_after_us", np.int64),
        ("power", np.int64),
        ("low_pct", np.float64),
        ("power_after_us", np.int64),
        ("clock_reports", np.int64),
        ("alarms", np.int64),  # which bits are told
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
BAND: Final = np.dtype(
    [
        ("first", np.int64),  # probes
        ("last", np.int64),
        ("humidity", np.int64),
        ("low", np.float64),
        ("high", np.float64),
        ("band_after_us", np.int64),
        ("band_back_us", np.int64),
    ],
    align=True,
)
STAND: Final = np.dtype(
    [("from_us", np.int64), ("to_us", np.int64), ("stop", np.int64)],  # stop: index among the stops, -1: none
    align=True,
)
OPENING: Final = np.dtype(
    [
        ("from_us", np.int64),
        ("to_us", np.int64),
        ("stop", np.int64),  # index among the stops; -1: any, -2: a place
        ("lat", np.float64),
        ("lon", np.float64),
        ("radius_m", np.float64),
    ],
    align=True,
)
FACT: Final = np.dtype(
    [
        ("kind", np.int64),  # rules.facts.Kind, which says what a and b are
        ("slot", np.int64),
        ("device", np.int64),  # -1: of the vehicle
        ("at_us", np.int64),  # when it began or happened
        ("fix_us", np.int64),  # of the row that showed it; of a timer: its now
        ("a", np.float64),
        ("b", np.float64),
        ("lat", np.float64),  # where it was noticed; NaN: not known
        ("lon", np.float64),
    ],
    align=True,
)
ROOM: Final = BITS + 16 + BANDS + STANDS_MAX + 16
"""Facts that one row can tell at most, beside two for each stop: alarm bits, lock events, bands, periods, the rest."""
NEVER_US: Final = 1 << 62
"""A duration that nothing lasts, an instant that nothing reaches."""


def blank(dtype: np.dtype[Any], count: int) -> Records:
    records = np.zeros(count, dtype)
    _blank_into(records)
    return records


def _blank_into(records: Records) -> None:
    for name in records.dtype.names or ():
        field = records[name]
        if field.dtype.names:
            _blank_into(field)
        elif name.endswith("_us"):
            field[...] = NONE
        elif field.dtype.kind == "f":
            field[...] = np.nan
