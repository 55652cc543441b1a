"""Fixes of a tick as a struct of arrays: the seam between devices' languages and everything behind them.

Here they are filled from fixes read one by one (`columns_of`), the readable form; kernels fill the same arrays straight from
the bytes. Rules and storage never see a device's language.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntFlag
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.fix import Fix, time_checked
from zaitu.telemetry.codecs.locks import WORDS

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NONE: Final = -(1 << 63)
"""In an integer column: not sent."""
PROBES: Final = 8
"""Temperatures with a place of their own; more are kept as sent."""


class Flag(IntFlag):
    """Bits kept with a position."""

    FIXED = 1
    """The receiver had a fix; without it the coordinates are absent."""
    ACC = 2
    """Ignition on."""
    BACKFILL = 4
    """From the terminal's memory (0x0704 type 1)."""
    CLOCK = 8
    """The terminal's own time means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A fix and whose it is."""

    terminal: str
    fix: Fix
    backfill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """One row a fix, in the order received; all arrays have the same length but `arena`."""

    terminals: tuple[str, ...]
    """The different terminals."""
    terminal: Ints
    """Index into `terminals`."""
    at_us: Ints
    """Fix time, microseconds since 1970 UTC; where CLOCK is set, the time received."""
    flags: Ints
    lat: Floats
    lon: Floats
    """NaN without a fix."""
    speed_kmh: Floats
    """NaN: not sent."""
    course_deg: Ints
    altitude_m: Ints
    odometer_m: Ints
    alarm: Ints
    status: Ints
    digest: Ints
    temps_c: Floats
    """(rows, PROBES), in the order sent; NaN: that probe is absent."""
    probes: Ints
    """How many of them were sent, 0..PROBES."""
    humidity_pct: Floats
    """The first one sent; NaN: none."""
    battery_pct: Floats
    shock_g: Floats
    lock_events: Ints
    """codecs.locks.LockEvent; 0: none."""
    lock_closed: Ints
    """1 closed, 0 open, NONE: no lock, or it does not say."""
    arena: Bytes
    """Where the following lie."""
    items: Ints
    """(rows, 2) start and length of what followed the position block, as sent."""
    extra: Ints
    """(rows, 2) of what has no column of its own, as JSON; length 0: nothing."""
    core: Ints
    """(rows, 2) of the block as sent, for the quarantine."""

    def __len__(self) -> int:
        return len(self.terminal)

    def piece(self, where: Ints, row: int) -> bytes:
        """The bytes of one row: `columns.piece(columns.core, 3)`."""
        start, length = where[row]
        return self.arena[start : start + length].tobytes()


def microseconds(at: datetime) -> int:
    """Of an aware instant, since 1970 UTC; exact, where a float of seconds is not."""
    seconds = int(at.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + at.microsecond


def columns_of(reports: Sequence[Report], *, received_at: datetime) -> Columns:
    """Reports → columns. A time that means nothing at `received_at` is flagged and replaced by it."""
    names = {name: index for index, name in enumerate(dict.fromkeys(report.terminal for report in reports))}
    received_us = microseconds(received_at)
    timed = [time_checked(report.fix.time, report.fix.time_flag, now=received_at) for report in reports]
    fixes = [report.fix for report in reports]
    arena = bytearray()
    return Columns(
        terminals=tuple(names),
        terminal=_ints([names[report.terminal] for report in reports]),
        at_us=_ints(
            [
                received_us if flag or fix.time is None else microseconds(fix.time)
                for fix, flag in zip(fixes, timed, strict=True)
            ]
        ),
        flags=_ints(
            [_flags(report, clock=flag is not None) for report, flag in zip(reports, timed, strict=True)]
        ),
        lat=_floats([fix.lat if fix.fixed else None for fix in fixes]),
        lon=_floats([fix.lon if fix.fixed else None for fix in fixes]),
        speed_kmh=_floats([fix.speed_kmh for fix in fixes]),
        course_deg=_ints([fix.course_deg for fix in fixes]),
        altitude_m=_ints([fix.altitude_m for fix in fixes]),
        odometer_m=_ints([fix.odometer_m for fix in fixes]),
        alarm=_ints([fix.alarm for fix in fixes]),
        status=_ints([fix.status for fix in fixes]),
        digest=_ints([fix.digest for fix in fixes]),
        temps_c=_temps(fixes),
        probes=_ints([min(len(fix.temps_c), PROBES) for fix in fixes]),
        humidity_pct=_floats([_first(fix.extra.get("humidity_pct")) for fix in fixes]),
        battery_pct=_floats([fix.extra.get("battery_pct") for fix in fixes]),
        shock_g=_floats([fix.extra.get("shock_g") for fix in fixes]),
        lock_events=_ints([int(fix.lock_events) for fix in fixes]),
        lock_closed=_ints([fix.lock_closed for fix in fixes]),
        items=_pieces(arena, [fix.area for fix in fixes]),
        extra=_pieces(arena, [_extra(fix, flag) for fix, flag in zip(fixes, timed, strict=True)]),
        core=_pieces(arena, [fix.core for fix in fixes]),
        # Writable, as where kernels fill it: they compile once for each kind of array.
        arena=np.frombuffer(arena, dtype=np.uint8),
    )


def columns_take(columns: Columns, rows: Ints) -> Columns:
    """These rows alone, with what they need of terminals and arena."""
    names, terminal = np.unique(columns.terminal[rows], return_inverse=True)
    where, arena = _gathered(columns.arena, [getattr(columns, name)[rows] for name in _PIECES])
    taken: dict[str, Any] = {
        field.name: getattr(columns, field.name)[rows]
        for field in fields(Columns)
        if field.name not in {"terminals", "arena", *_PIECES}
    }
    taken |= dict(zip(_PIECES, where, strict=True)) | {"terminal": terminal.astype(np.int64)}
    return Columns(
        terminals=tuple(columns.terminals[index] for index in names.tolist()), arena=arena, **taken
    )


_PIECES: Final = ("core", "items", "extra")


def _gathered(arena: Bytes, pieces: Sequence[Ints]) -> tuple[list[Ints], Bytes]:
    """(where the pieces lie now, what they lie in)."""
    lengths = np.concatenate([where[:, 1] for where in pieces])
    starts = np.concatenate([where[:, 0] for where in pieces])
    ends = np.cumsum(lengths)
    begins = ends - lengths
    chosen = np.repeat(starts - begins, lengths) + np.arange(int(lengths.sum()))
    moved = np.column_stack([begins, lengths])
    count = len(pieces[0])
    return [moved[index * count : (index + 1) * count] for index in range(len(pieces))], arena[chosen]


def _flags(report: Report, *, clock: bool) -> int:
    fix = report.fix
    return (
        (Flag.FIXED if fix.fixed else 0)
        | (Flag.ACC if fix.acc else 0)
        | (Flag.BACKFILL if report.backfill else 0)
        | (Flag.CLOCK if clock else 0)
    )


def _extra(fix: Fix, clock: str | None) -> bytes:
    """What cannot be read again from the item area: who opened a lock, a phone's words, a time that could not be used."""
    extra = dict(fix.extra)
    if fix.readable_again:
        extra = {name: fix.extra[name] for name in WORDS if name in fix.extra}
    if clock:
        extra["clock"] = {"why": str(clock), "claimed": None if fix.time is None else fix.time.isoformat()}
    if not extra:
        return b""
    # jsonb cannot hold U+0000.
    return json.dumps(extra, ensure_ascii=False).replace("\\u0000", "\\ufffd").encode()


def _first(values: Any) -> float | None:
    if isinstance(values, list):
        return next((value for value in values if value is not None), None)
    return None if values is None else float(values)


def _pieces(arena: bytearray, contents: Sequence[bytes]) -> Ints:
    where = np.empty((len(contents), 2), dtype=np.int64)
    for row, content in enumerate(contents):
        where[row] = len(arena), len(content)
        arena += content
    return where


def _temps(fixes: Sequence[Fix]) -> Floats:
    temps = np.full((len(fixes), PROBES), np.nan)
    for row, fix in enumerate(fixes):
        sent = fix.temps_c[:PROBES]
        temps[row, : len(sent)] = [np.nan if temp is None else temp for temp in sent]
    return temps


def _ints(values: Sequence[int | None]) -> Ints:
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
