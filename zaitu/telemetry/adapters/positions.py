"""Positions in and out of the partitioned table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag, Floats, Ints, microseconds
from zaitu.telemetry.kernels import pgcopy

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COPY: Final = f"COPY telemetry_position ({', '.join(pgcopy.FIELDS)}) FROM STDIN (FORMAT BINARY)"


def instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(at_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose the rows of a tick are, aligned with its columns."""

    terminal_id: Ints
    vehicle_id: Ints
    """NONE: in no vehicle at that time."""


def positions_copy(columns: Columns, owners: Owners, rows: Ints, received_at: datetime) -> None:
    """One binary COPY. The rows must not be in the table; the caller holds their shard."""
    packed = rows_packed(columns, owners, rows, received_at)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(packed)


def rows_packed(columns: Columns, owners: Owners, rows: Ints, received_at: datetime) -> bytes:
    """What COPY reads, header and trailer included."""
    pieces = int(columns.items[rows, 1].sum() + columns.extra[rows, 1].sum())
    out = np.empty(pgcopy.rows_size(len(rows), int(columns.probes[rows].sum()), pieces), dtype=np.uint8)
    size = pgcopy.rows_pack(
        out,
        rows,
        owners.terminal_id,
        owners.vehicle_id,
        microseconds(received_at),
        *(getattr(columns, name) for name in pgcopy.COLUMNS),
    )
    return pgcopy.HEADER + out[:size].tobytes() + pgcopy.TRAILER


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What was received last, oldest first."""

    terminal_id: Ints
    at: Sequence[datetime]
    digest: Ints
    vehicle_id: Ints
    """NONE: in no vehicle."""
    received_us: Ints
    columns: Columns
    """Enough of them for the rules."""


def received_since(since: datetime) -> Tail:
    """The rows received at `since` or later. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT terminal_id, at, digest, vehicle_id, flags, alarm, status, lat, lon, speed_kmh, course_deg, odometer_m,
                      temps_c, humidity_pct, battery_pct, shock_g, lock_events, lock_closed, received_at
                 FROM telemetry_position WHERE received_at >= %s ORDER BY received_at, at""",
            [since],
        )
        rows = cursor.fetchall()
    return _tail(rows)


def _tail(rows: Sequence[Sequence[Any]]) -> Tail:
    fields = list(zip(*rows, strict=True)) or [()] * 19
    terminal_id, at, digest, vehicle_id, flags, alarm, status, lat, lon, speed, course, odometer = fields[:12]
    temps, humidity, battery, shock, lock_events, lock_closed, received = fields[12:]
    nothing = np.zeros((len(rows), 2), dtype=np.int64)
    probes = np.full((len(rows), PROBES), np.nan)
    for row, sent in enumerate(temps):
        for probe, temp in enumerate((sent or [])[:PROBES]):
            probes[row, probe] = np.nan if temp is None else temp
    columns = Columns(
        terminals=(),
        terminal=nothing[:, 0],
        at_us=_ints(microseconds(one) for one in at),
        flags=_ints(flags),
        lat=_floats(lat),
        lon=_floats(lon),
        speed_kmh=_floats(speed),
        course_deg=_ints(course),
        altitude_m=np.full(len(rows), NONE),
        odometer_m=_ints(odometer),
        alarm=_ints(alarm),
        status=_ints(status),
        digest=_ints(digest),
        temps_c=probes,
        probes=_ints(min(len(sent or ()), PROBES) for sent in temps),
        humidity_pct=_floats(humidity),
        battery_pct=_floats(battery),
        shock_g=_floats(shock),
        lock_events=_ints(one or 0 for one in lock_events),
        lock_closed=_ints(lock_closed),
        arena=np.empty(0, dtype=np.uint8),
        items=nothing,
        extra=nothing,
        core=nothing,
    )
    return Tail(
        terminal_id=_ints(terminal_id),
        at=at,
        digest=columns.digest,
        vehicle_id=_ints(vehicle_id),
        received_us=_ints(microseconds(one) for one in received),
        columns=columns,
    )


def _ints(values: Iterable[int | None]) -> Ints:
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrace:
    at_s: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]


def trace_read(vehicle_id: int, start: datetime, end: datetime, limit: int) -> StoredTrace:
    """Fixes of a vehicle from the last one before `start` to `end` inclusive, in time order, at most `limit` of them.

    Fixes whose time was lost are left out: they say where, not when.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT extract(epoch FROM at)::float8, lat, lon FROM (
                 (SELECT at, lat, lon FROM telemetry_position
                   WHERE vehicle_id = %(vehicle)s AND at < %(start)s AND at >= %(start)s - interval '1 day'
                     AND lat IS NOT NULL AND flags & %(clock)s = 0
                   ORDER BY at DESC LIMIT 1)
                 UNION ALL
                 (SELECT at, lat, lon FROM telemetry_position
                   WHERE vehicle_id = %(vehicle)s AND at >= %(start)s AND at <= %(end)s
                     AND lat IS NOT NULL AND flags & %(clock)s = 0
                   ORDER BY at LIMIT %(limit)s)) AS fixes
               ORDER BY at""",
            {"vehicle": vehicle_id, "start": start, "end": end, "limit": limit, "clock": int(Flag.CLOCK)},
        )
        found = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 3)
    return StoredTrace(at_s=found[:, 0], lat=found[:, 1], lon=found[:, 2])
