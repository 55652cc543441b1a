"""The newest report of each vehicle, in memory by the fleet's slots, and written to its row once a second.

Writing 5,000 rows: one COPY into a temporary table and one UPDATE, several times cheaper than a statement of parameters.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import connection

from zaitu.telemetry.adapters.copying import copying
from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag, Ints, microseconds
from zaitu.telemetry.kernels.layout import Records, blank
from zaitu.telemetry.kernels.pgcopy import FROM_2000_US, HEADER, TRAILER

NEWEST: Final = np.dtype(
    [
        ("at_us", np.int64),
        ("received_us", np.int64),
        ("lat", np.float64),
        ("lon", np.float64),
        ("speed_kmh", np.float64),
        ("course_deg", np.int64),
        ("acc", np.int64),
        ("odometer_m", np.int64),
        ("probes", np.int64),
        ("temps_c", np.float64, (PROBES,)),
        ("late_from_us", np.int64),  # fix time of the earliest late fix not yet looked at; NONE: none
        ("late_since_us", np.int64),  # when the first of them came
        ("late_seen_us", np.int64),  # when the last of them came
    ],
    align=True,
)
_NEVER_US: Final = -FROM_2000_US
"""1970, in PostgreSQL's count: no fix yet."""


def newest_blank(count: int) -> Records:
    records = blank(NEWEST, count)
    for name in ("course_deg", "odometer_m"):
        records[name] = NONE
    return records


def newest_put(newest: Records, slots: Ints, columns: Columns, rows: Ints, received_at: datetime) -> None:
    """These rows are the newest of the vehicles in these slots (aligned)."""
    newest["at_us"][slots] = columns.at_us[rows]
    newest["received_us"][slots] = microseconds(received_at)
    newest["lat"][slots], newest["lon"][slots] = columns.lat[rows], columns.lon[rows]
    newest["speed_kmh"][slots], newest["course_deg"][slots] = (
        columns.speed_kmh[rows],
        columns.course_deg[rows],
    )
    newest["acc"][slots] = (columns.flags[rows] & Flag.ACC) != 0
    told = columns.odometer_m[rows] != NONE
    newest["odometer_m"][slots[told]] = columns.odometer_m[rows[told]]
    warm = columns.probes[rows] > 0
    newest["probes"][slots[warm]] = columns.probes[rows[warm]]
    newest["temps_c"][slots[warm]] = columns.temps_c[rows[warm]]


def late_mark(newest: Records, slot: int, at_us: int, received_us: int) -> None:
    """A late fix of this vehicle came, to be judged when no more come."""
    one = newest[slot]
    if one["late_from_us"] == NONE:
        one["late_from_us"], one["late_since_us"] = at_us, received_us
    one["late_from_us"] = min(at_us, int(one["late_from_us"]))
    one["late_seen_us"] = received_us


_SENT: Final[Sequence[tuple[str, str, str]]] = (
    # column of the temporary table, its type, what it becomes in the row
    ("vehicle_id", "int8", ""),
    ("at", "timestamptz", "at = fresh.at"),
    ("received_at", "timestamptz", "received_at = fresh.received_at"),
    ("lat", "float8", "lat = fresh.lat"),
    ("lon", "float8", "lon = fresh.lon"),
    ("speed_kmh", "float8", "speed_kmh = nullif(fresh.speed_kmh, 'NaN')"),
    ("course_deg", "int8", "course_deg = nullif(fresh.course_deg, -1)::int2"),
    ("acc", "int8", "acc = fresh.acc <> 0"),
    ("odometer_m", "int8", "odometer_m = coalesce(nullif(fresh.odometer_m, -1), state.odometer_m)"),
    ("along_m", "float8", "along_m = nullif(fresh.along_m, 'NaN')"),
    ("off_m", "float8", "off_m = nullif(fresh.off_m, 'NaN')"),
    ("late_from", "timestamptz", "late_from = nullif(fresh.late_from, '1970-01-01Z')"),
    ("late_since", "timestamptz", "late_since = nullif(fresh.late_since, '1970-01-01Z')"),
    ("late_seen_at", "timestamptz", "late_seen_at = nullif(fresh.late_seen_at, '1970-01-01Z')"),
    ("probes", "int8", ""),
    *((f"temp{probe}", "float8", "") for probe in range(PROBES)),
)
_TEMPS: Final = ", ".join(f"nullif(fresh.temp{probe}, 'NaN')" for probe in range(PROBES))
_TABLE: Final = f"CREATE TEMPORARY TABLE IF NOT EXISTS telemetry_fresh ({', '.join(f'{name} {kind}' for name, kind, _ in _SENT)}) ON COMMIT DELETE ROWS"
_COPY: Final = "COPY telemetry_fresh FROM STDIN (FORMAT BINARY)"
_UPDATE: Final = f"""
UPDATE telemetry_vehiclestate AS state
   SET {", ".join(becomes for _, _, becomes in _SENT if becomes)},
       temps_c = CASE WHEN fresh.probes > 0 THEN (ARRAY[{_TEMPS}])[1:fresh.probes::int] ELSE state.temps_c END
  FROM telemetry_fresh AS fresh
 WHERE state.vehicle_id = fresh.vehicle_id"""  # noqa: S608  names of our own columns only
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        *((f"{part}{index}", ">i4" if part == "size" else ">f8" if kind == "float8" else ">i8")
          for index, (_, kind, _) in enumerate(_SENT) for part in ("size", "value")),
    ]
)  # fmt: skip


def newest_write(vehicle_ids: Sequence[int], newest: Records, vehicles: Records) -> None:
    """Write these vehicles' records (aligned: newest here, place on the route in layout.VEHICLE) in the open transaction.

    Each must have a row.
    """
    if not vehicle_ids:
        return
    rows = np.zeros(len(vehicle_ids), _ROW)
    rows["fields"] = len(_SENT)
    values = [
        np.array(vehicle_ids), _instant(newest["at_us"]), _instant(newest["received_us"]), _place(newest["lat"]),
        _place(newest["lon"]), newest["speed_kmh"], _number(newest["course_deg"]), newest["acc"],
        _number(newest["odometer_m"]), vehicles["along_m"], vehicles["off_m"], _instant(newest["late_from_us"]),
        _instant(newest["late_since_us"]), _instant(newest["late_seen_us"]), newest["probes"], *newest["temps_c"].T,
    ]  # fmt: skip
    for index, value in enumerate(values):
        rows[f"size{index}"], rows[f"value{index}"] = 8, value
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute("DELETE FROM telemetry_fresh")  # empty but for a second writing in one transaction
        with copying(_COPY) as copy:
            copy.write(HEADER + rows.tobytes() + TRAILER)
        cursor.execute(_UPDATE)


def _instant(at_us: Any) -> Any:
    return np.where(at_us == NONE, _NEVER_US, at_us - FROM_2000_US)


def _number(value: Any) -> Any:
    return np.where(value == NONE, -1, value)


def _place(degrees: Any) -> Any:
    return np.nan_to_num(degrees)
