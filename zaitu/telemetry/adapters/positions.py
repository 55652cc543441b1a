"""Positions in and out of the partitioned table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import DataError, connection, transaction

from zaitu.telemetry.adapters.copying import copying
from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag, Ints, microseconds
from zaitu.telemetry.kernels import pgcopy

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLE: Final = "telemetry_position"


def instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(at_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose the rows of a tick are, aligned with its columns."""

    terminal_id: Ints
    vehicle_id: Ints
    """NONE: in no vehicle at that time."""


def copy_into(table: str = _TABLE) -> str:
    """The statement that reads what `rows_packed` gave."""
    return f"COPY {table} ({', '.join(pgcopy.FIELDS)}) FROM STDIN (FORMAT BINARY)"


def positions_copy(*packed: bytes, table: str = _TABLE) -> None:
    """One binary COPY of what `rows_packed` gave. The rows must not be in the table."""
    with copying(copy_into(table)) as copy:
        for piece in (pgcopy.HEADER, *packed, pgcopy.TRAILER):
            copy.write(piece)


def positions_stored(
    columns: Columns, owners: Owners, rows: Ints, received_at: datetime, *, table: str = _TABLE
) -> Ints:
    """Store rows; those that the database refuses cost only themselves and are returned."""
    if not len(rows):
        return rows
    try:
        with transaction.atomic():
            positions_copy(rows_packed(columns, owners, rows, received_at), table=table)
    except DataError:
        if len(rows) == 1:
            return rows
        middle = len(rows) // 2
        return np.concatenate(
            [
                positions_stored(columns, owners, half, received_at, table=table)
                for half in (rows[:middle], rows[middle:])
            ]
        )
    return rows[:0]


def rows_packed(columns: Columns, owners: Owners, rows: Ints, received_at: datetime) -> bytes:
    """What COPY reads, without header and trailer."""
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
    return out[:size].tobytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRows:
    """Stored rows, as the rules read them."""

    terminal_id: Ints
    digest: Ints
    vehicle_id: Ints
    """NONE: in no vehicle."""
    received_us: Ints
    columns: Columns
    """Enough of them for the rules."""


_NONE: Final = f"'{NONE}'::int8"
_FIELDS: Final[Sequence[tuple[str, str, str]]] = (
    # name, how PostgreSQL tells it without a null, how a row of a binary COPY holds it
    ("terminal_id", "terminal_id", ">i8"),
    ("at", "at", ">i8"),
    ("digest", "digest", ">i8"),
    ("vehicle_id", f"coalesce(vehicle_id, {_NONE})", ">i8"),
    ("received_at", "received_at", ">i8"),
    ("flags", "flags::int8", ">i8"),
    ("alarm", "alarm", ">i8"),
    ("status", "status", ">i8"),
    ("lat", "coalesce(lat, 'NaN')", ">f8"),
    ("lon", "coalesce(lon, 'NaN')", ">f8"),
    ("speed_kmh", "coalesce(speed_kmh, 'NaN')", ">f8"),
    ("course_deg", f"coalesce(course_deg::int8, {_NONE})", ">i8"),
    ("odometer_m", f"coalesce(odometer_m, {_NONE})", ">i8"),
    ("humidity_pct", "coalesce(humidity_pct, 'NaN')", ">f8"),
    ("battery_pct", "coalesce(battery_pct, 'NaN')", ">f8"),
    ("shock_g", "coalesce(shock_g, 'NaN')", ">f8"),
    ("lock_events", "coalesce(lock_events, 0)::int8", ">i8"),
    ("lock_closed", f"coalesce(lock_closed::int::int8, {_NONE})", ">i8"),
    ("probes", f"least(coalesce(cardinality(temps_c), 0), {PROBES})::int8", ">i8"),
    *((f"temp{probe}", f"coalesce(temps_c[{probe + 1}], 'NaN')", ">f8") for probe in range(PROBES)),
)
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        *(field for name, _, kind in _FIELDS for field in ((f"size_{name}", ">i4"), (name, kind))),
    ]
)
_SELECTED: Final = f"SELECT {', '.join(how for _, how, _ in _FIELDS)} FROM telemetry_position"  # noqa: S608  names of our own only
_BLOCK: Final = 50_000


def received_since(since: datetime) -> StoredRows:
    """The rows received at `since` or later. One query; some hundred bytes a row are held."""
    return _read(f"{_SELECTED} WHERE received_at >= %s ORDER BY received_at, at", [since])


def stretch_read(vehicle_id: int, start: datetime, end: datetime, limit: int) -> StoredRows:
    """A vehicle's rows from `start` to `end` inclusive in the order of their time, the first `limit`. One query.

    Rows whose time was lost are left out: they say where, not when.
    """
    return _read(
        f"{_SELECTED} WHERE vehicle_id = %s AND at BETWEEN %s AND %s AND flags & %s = 0 ORDER BY at, received_at LIMIT %s",
        [vehicle_id, start, end, int(Flag.CLOCK), limit],
    )


def _read(query: str, parameters: Sequence[Any]) -> StoredRows:
    blocks = [np.empty(0, _ROW)]
    pieces: list[bytes] = []
    with copying(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", parameters) as rows:
        for number, row in enumerate(rows):
            # The first comes with the header; the trailer is shorter than a row.
            piece = bytes(row)[len(pgcopy.HEADER) :] if not number else bytes(row)
            if len(piece) == _ROW.itemsize:
                pieces.append(piece)
            if len(pieces) == _BLOCK:
                blocks.append(np.frombuffer(b"".join(pieces), _ROW))
                pieces.clear()
    blocks.append(np.frombuffer(b"".join(pieces), _ROW))
    return _tail(np.concatenate(blocks))


def _tail(rows: npt.NDArray[Any]) -> StoredRows:
    def told(name: str) -> Any:
        return rows[name].astype(np.int64 if rows.dtype[name].kind == "i" else np.float64)

    nothing = np.zeros((len(rows), 2), dtype=np.int64)
    at_us = told("at") + pgcopy.FROM_2000_US
    columns = Columns(
        terminals=(),
        terminal=nothing[:, 0],
        at_us=at_us,
        altitude_m=np.full(len(rows), NONE),
        digest=told("digest"),
        temps_c=np.stack([told(f"temp{probe}") for probe in range(PROBES)], axis=1),
        arena=np.empty(0, dtype=np.uint8),
        items=nothing,
        extra=nothing,
        core=nothing,
        **{name: told(name) for name in _SAME},
    )
    return StoredRows(
        terminal_id=told("terminal_id"),
        digest=columns.digest,
        vehicle_id=told("vehicle_id"),
        received_us=told("received_at") + pgcopy.FROM_2000_US,
        columns=columns,
    )


_SAME: Final = (
    "flags", "lat", "lon", "speed_kmh", "course_deg", "odometer_m", "alarm", "status", "probes", "humidity_pct",
    "battery_pct", "shock_g", "lock_events", "lock_closed",
)  # fmt: skip


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
