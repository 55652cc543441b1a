"""What reads return. Degrees are WGS-84; instants are aware, UTC."""

from dataclasses import dataclass
from datetime import datetime

MOVING_KMH = 5.0
"""Slower is standing: a parked receiver drifts at up to 3 km/h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A vehicle's newest fix."""

    vehicle_id: int
    at: datetime
    lat: float
    lon: float
    speed_kmh: float | None
    course_deg: int | None
    along_m: float | None
    """Metres along the watched route; None without one."""
    off_m: float | None
    trip: str
    """Empty: not watched."""
    moving: bool
    temps_c: tuple[float | None, ...]
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    at: datetime
    lat: float
    lon: float
    speed_kmh: float | None
    course_deg: int | None
    backfill: bool
    """Sent afterwards from the terminal's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalView:
    terminal: str
    kind: str
    plate: str
    """Of the vehicle it is in now; empty: in none."""
    version: str
    maker: str
    model: str
    profile: str
    """What its maker means, as an administrator has set it; empty: by its model."""
    reported_plate: str
    """What the device says; differs from `plate` when it was set up for another vehicle."""
    registered_at: datetime | None
    last_seen_at: datetime | None
    last_fix_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTerminalView:
    terminal: str
    kind: str
    version: str
    maker: str
    model: str
    reported_plate: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalCounts:
    """Of the last 24 hours by fix time; `quarantined` of the 30 days that are kept."""

    positions: int
    backfill: int
    """Sent afterwards from the terminal's memory."""
    no_fix: int
    """Without coordinates."""
    clock: int
    """The terminal's own time meant nothing."""
    quarantined: int
