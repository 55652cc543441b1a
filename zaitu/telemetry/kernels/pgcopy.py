"""Columns → rows of `COPY telemetry_position … FORMAT BINARY`.

The format: PostgreSQL's documentation of COPY, "Binary Format"; fields as their types' send functions write them. The order of
the fields is `FIELDS`; the header and the trailer belong to whoever joins the rows.
"""

from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Bytes, Floats, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel

FIELDS: Final = (
    "terminal_id", "at", "digest", "vehicle_id", "received_at", "lat", "lon", "altitude_m", "speed_kmh", "course_deg",
    "flags", "alarm", "status", "odometer_m", "temps_c", "humidity_pct", "battery_pct", "shock_g", "lock_events",
    "lock_closed", "items", "extra",
)  # fmt: skip
COLUMNS: Final = (
    "at_us", "digest", "lat", "lon", "altitude_m", "speed_kmh", "course_deg", "flags", "alarm", "status", "odometer_m",
    "temps_c", "probes", "humidity_pct", "battery_pct", "shock_g", "lock_events", "lock_closed", "arena", "items", "extra",
)  # fmt: skip
"""What `rows_pack` takes of the columns, in its order."""
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
_FIXED_MAX: Final = 2 + 22 * 4 + 17 * 8 + 20
"""Of a row without its temperatures and pieces; generous."""
FROM_2000_US: Final = 946_684_800_000_000
_COUNT: Final = len(FIELDS)
_FLOAT8_OID: Final = 701


@inlined
def _put16(out: Bytes, at: int, value: int) -> int:
    out[at] = (value >> 8) & 0xFF
    out[at + 1] = value & 0xFF
    return at + 2


@inlined
def _put32(out: Bytes, at: int, value: int) -> int:
    for byte in range(4):
        out[at + byte] = (value >> (24 - 8 * byte)) & 0xFF
    return at + 4


@inlined
def _put64(out: Bytes, at: int, value: int) -> int:
    for byte in range(8):
        out[at + byte] = (value >> (56 - 8 * byte)) & 0xFF
    return at + 8


@inlined
def _int8(out: Bytes, at: int, value: int) -> int:
    if value == NONE:
        return _put32(out, at, -1)
    return _put64(out, _put32(out, at, 8), value)


@inlined
def _int2(out: Bytes, at: int, value: int) -> int:
    if value == NONE:
        return _put32(out, at, -1)
    return _put16(out, _put32(out, at, 2), value)


@inlined
def _float8(out: Bytes, at: int, value: float, bits: int) -> int:
    if np.isnan(value):
        return _put32(out, at, -1)
    return _put64(out, _put32(out, at, 8), bits)


@inlined
def _temps(out: Bytes, at: int, temps: Floats, bits: Ints, count: int) -> int:
    """float8[] of one dimension, with nulls."""
    if count == 0:
        return _put32(out, at, -1)
    start = _put32(out, at, 0)
    end = _put32(out, start, 1)
    end = _put32(out, end, 1)
    end = _put32(out, end, _FLOAT8_OID)
    end = _put32(out, end, count)
    end = _put32(out, end, 1)
    for probe in range(count):
        end = _float8(out, end, temps[probe], bits[probe])
    _put32(out, at, end - start)
    return end


@inlined
def _piece(out: Bytes, at: int, arena: Bytes, where: Ints) -> int:
    start, length = int(where[0]), int(where[1])
    if length == 0:
        return _put32(out, at, -1)
    at = _put32(out, at, length)
    for byte in range(length):
        out[at + byte] = arena[start + byte]
    return at + length


@inlined
def _json(out: Bytes, at: int, arena: Bytes, where: Ints) -> int:
    """jsonb: a version byte before the text."""
    start, length = int(where[0]), int(where[1])
    if length == 0:
        return _put32(out, at, -1)
    at = _put32(out, at, length + 1)
    out[at] = 1
    for byte in range(length):
        out[at + 1 + byte] = arena[start + byte]
    return at + 1 + length


@inlined
def _bool(out: Bytes, at: int, value: int) -> int:
    if value == NONE:
        return _put32(out, at, -1)
    at = _put32(out, at, 1)
    out[at] = value
    return at + 1


def rows_size(rows: int, probes: int, pieces: int) -> int:
    """Bytes that so many rows with so many temperatures and piece bytes in all take at most."""
    return rows * (_FIXED_MAX + 24) + probes * 12 + pieces


@kernel
def rows_pack(
    out: Bytes,
    rows: Ints,
    terminal_id: Ints,
    vehicle_id: Ints,
    received_us: int,
    at_us: Ints,
    digest: Ints,
    lat: Floats,
    lon: Floats,
    altitude_m: Ints,
    speed_kmh: Floats,
    course_deg: Ints,
    flags: Ints,
    alarm: Ints,
    status: Ints,
    odometer_m: Ints,
    temps_c: Floats,
    probes: Ints,
    humidity_pct: Floats,
    battery_pct: Floats,
    shock_g: Floats,
    lock_events: Ints,
    lock_closed: Ints,
    arena: Bytes,
    items: Ints,
    extra: Ints,
) -> int:
    """Write these rows into `out` (at least `rows_size` bytes); how many bytes they took."""
    lat_bits, lon_bits, speed_bits = lat.view(np.int64), lon.view(np.int64), speed_kmh.view(np.int64)
    temps_bits = temps_c.view(np.int64)
    humidity_bits, battery_bits, shock_bits = (
        humidity_pct.view(np.int64), battery_pct.view(np.int64), shock_g.view(np.int64),
    )  # fmt: skip
    at = 0
    for row in rows:
        at = _put16(out, at, _COUNT)
        at = _int8(out, at, terminal_id[row])
        at = _int8(out, at, at_us[row] - FROM_2000_US)
        at = _int8(out, at, digest[row])
        at = _int8(out, at, vehicle_id[row])
        at = _int8(out, at, received_us - FROM_2000_US)
        at = _float8(out, at, lat[row], lat_bits[row])
        at = _float8(out, at, lon[row], lon_bits[row])
        at = _int2(out, at, altitude_m[row])
        at = _float8(out, at, speed_kmh[row], speed_bits[row])
        at = _int2(out, at, course_deg[row])
        at = _int2(out, at, flags[row])
        at = _int8(out, at, alarm[row])
        at = _int8(out, at, status[row])
        at = _int8(out, at, odometer_m[row])
        at = _temps(out, at, temps_c[row], temps_bits[row], probes[row])
        at = _float8(out, at, humidity_pct[row], humidity_bits[row])
        at = _float8(out, at, battery_pct[row], battery_bits[row])
        at = _float8(out, at, shock_g[row], shock_bits[row])
        at = _int2(out, at, NONE if lock_events[row] == 0 else lock_events[row])
        at = _bool(out, at, lock_closed[row])
        at = _piece(out, at, arena, items[row])
        at = _json(out, at, arena, extra[row])
    return at
