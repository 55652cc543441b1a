"""Columns as bytes, for another process: a JSON head and the arrays that hold anything, one after the other, little-endian.

    WORD32 length of the head · head · arrays

The head: `{"rows", "arena", "received_us", "terminals", "columns": [[name, kind], …]}`; kind `a` an array of 8-byte values for every row,
`c` one 8-byte value that holds for all rows. Columns of two numbers a row, and temperatures, are written row by row.
"""

import json
import struct
from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import PROBES, Columns

_HEAD: Final = struct.Struct("<I")
_WIDTH: Final = {"temps_c": PROBES, "items": 2, "extra": 2, "core": 2}
_FLOATS: Final = frozenset({"lat", "lon", "speed_kmh", "temps_c", "humidity_pct", "battery_pct", "shock_g"})
_NAMES: Final = tuple(field.name for field in fields(Columns) if field.name not in {"terminals", "arena"})


class Unreadable(Exception):
    """These bytes are no packed columns."""


def columns_pack(columns: Columns, received_us: int) -> bytes:
    """`received_us`: microseconds since 1970 UTC."""
    told: list[tuple[str, str]] = []
    parts: list[bytes] = []
    for name in _NAMES:
        array = getattr(columns, name)
        bits = np.ascontiguousarray(array).view(np.int64)
        if len(columns) and (bits == bits.flat[0]).all():
            told.append((name, "c"))
            parts.append(bits.flat[0].tobytes())
        else:
            told.append((name, "a"))
            parts.append(bits.tobytes())
    head = json.dumps(
        {
            "rows": len(columns),
            "arena": len(columns.arena),
            "received_us": received_us,
            "terminals": columns.terminals,
            "columns": told,
        }
    ).encode()
    return b"".join([_HEAD.pack(len(head)), head, *parts, columns.arena.tobytes()])


def columns_unpack(content: bytes) -> tuple[Columns, int]:
    """(columns, received_us). Raises Unreadable."""
    try:
        return _unpacked(content)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise Unreadable(f"no packed columns: {error}") from error


def _unpacked(content: bytes) -> tuple[Columns, int]:
    (size,) = _HEAD.unpack_from(content)
    at = _HEAD.size + size
    head = json.loads(content[_HEAD.size : at])
    rows = int(head["rows"])
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, kind in head["columns"]:
        width = _WIDTH.get(name, 1)
        shape = (rows, width) if name in _WIDTH else (rows,)
        count = rows * width if kind == "a" else 1
        # A copy: kernels compile once for arrays that may be written to, and these are not.
        bits = np.frombuffer(content, dtype="<i8", count=count, offset=at).copy()
        at += 8 * count
        values = bits.view(np.float64) if name in _FLOATS else bits
        arrays[name] = values.reshape(shape) if kind == "a" else np.full(shape, values[0])
    arena = np.frombuffer(content, dtype=np.uint8, count=int(head["arena"]), offset=at).copy()
    if at + len(arena) != len(content) or set(arrays) != set(_NAMES):
        raise ValueError("arrays and head do not agree")
    terminals = tuple(str(name) for name in head["terminals"])
    return Columns(terminals=terminals, arena=arena, **arrays), int(head["received_us"])
