"""Positions in and out of the partitioned table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from zaitu.telemetry.codecs.columns import Columns, Flag, Ints, microseconds
from zaitu.telemetry.kernels import pgcopy

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COPY: Final = f"COPY telemetry_position ({', '.join(pgcopy.FIELDS)}) FROM STDIN (FORMAT BINARY)"
_CLOCK_REPEAT: Final = timedelta(minutes=10)
"""A fix without a usable time is taken for a repetition when it came with the same bytes so recently."""


def instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(at_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose the rows of a tick are, aligned with its columns."""

    terminal_id: Ints
    vehicle_id: Ints
    """NONE: in no vehicle at that time."""


def stored_already(columns: Columns, owners: Owners, rows: Iterable[int], received_at: datetime) -> set[int]:
    """Which of these rows are in the table. One query of index look-ups."""
    numbers = list(rows)
    if not numbers:
        return set()
    until = [instant(columns.at_us[row]) for row in numbers]
    clock = [bool(columns.flags[row] & Flag.CLOCK) for row in numbers]
    since = [received_at - _CLOCK_REPEAT if lost else at for at, lost in zip(until, clock, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            # LIMIT keeps it to one look-up per row, in the partition of its time.
            """SELECT wanted.number
                 FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
                      AS wanted (number, terminal_id, since, until, digest)
                CROSS JOIN LATERAL (
                      SELECT 1 FROM telemetry_position AS position
                       WHERE position.terminal_id = wanted.terminal_id
                         AND position.at BETWEEN wanted.since AND wanted.until
                         AND position.digest = wanted.digest
                       LIMIT 1) AS stored""",
            [
                numbers,
                [int(owners.terminal_id[row]) for row in numbers],
                since,
                until,
                [int(columns.digest[row]) for row in numbers],
            ],
        )
        return {number for (number,) in cursor.fetchall()}


def positions_copy(columns: Columns, owners: Owners, rows: Sequence[int], received_at: datetime) -> None:
    """One binary COPY. The rows must not be in the table; the caller holds their terminals' rows locked."""
    packed = rows_packed(columns, owners, np.array(rows, dtype=np.int64), received_at)
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
