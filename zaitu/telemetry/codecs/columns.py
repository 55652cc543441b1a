"""Fixes of a tick as a struct of arrays: the seam between devices' languages and everything behind them.

Faster decoders fill the same arrays straight from the bytes; rules and storage never see a device's language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.fix import Fix, time_checked

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NONE: Final = -(1 << 63)
"""In an integer column: not sent."""


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
    """One row a fix, in the order received; all arrays have the same length."""

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
    temps_c: tuple[tuple[float | None, ...], ...]
    extra: tuple[dict[str, Any], ...]
    """What has no column of its own, as JSON."""
    raw: tuple[bytes, ...]
    """The fix as sent, for the quarantine."""

    def __len__(self) -> int:
        return len(self.terminal)


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
        temps_c=tuple(fix.temps_c for fix in fixes),
        extra=tuple(_extra(fix, flag) for fix, flag in zip(fixes, timed, strict=True)),
        raw=tuple(fix.core for fix in fixes),
    )


def _flags(report: Report, *, clock: bool) -> int:
    fix = report.fix
    return (
        (Flag.FIXED if fix.fixed else 0)
        | (Flag.ACC if fix.acc else 0)
        | (Flag.BACKFILL if report.backfill else 0)
        | (Flag.CLOCK if clock else 0)
    )


def _extra(fix: Fix, clock: str | None) -> dict[str, Any]:
    extra = dict(fix.extra)
    if fix.items:
        extra["items"] = [[f"{item_id:02x}", value.hex()] for item_id, value in fix.items]
    if fix.rest:
        extra["rest"] = fix.rest.hex()
    if clock:
        extra["clock"] = {"why": str(clock), "claimed": None if fix.time is None else fix.time.isoformat()}
    return extra


def _ints(values: Sequence[int | None]) -> Ints:
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
