"""One position report, whatever device language it came in."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
"""Receivers whose week number rolled over, and clocks without a battery, claim earlier dates with a good fix."""
AHEAD_MAX: Final = timedelta(minutes=10)


class TimeFlag(StrEnum):
    """Why a fix's own time cannot be used."""

    UNKNOWN = "unknown"
    """All zero: the device says that it does not know."""
    INVALID = "invalid"
    """Not a date."""
    TOO_OLD = "too_old"
    FUTURE = "future"


def time_checked(time: datetime | None, flag: TimeFlag | None, *, now: datetime) -> TimeFlag | None:
    """The flag of a parsed time, judged at `now` (aware); None: the time can be used."""
    if time is None or flag is not None:
        return flag
    if time < EARLIEST:
        return TimeFlag.TOO_OLD
    return TimeFlag.FUTURE if time > now + AHEAD_MAX else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A device's claims. Coordinates are WGS-84 degrees as sent, also when `fixed` is false."""

    time: datetime | None
    """Aware, UTC; None: see `time_flag`."""
    time_flag: TimeFlag | None = None
    lat: float | None
    lon: float | None
    """None: outside ±90 or ±180."""
    fixed: bool
    """The receiver had a fix and the coordinates are usable."""
    acc: bool | None = None
    """Ignition; None: the device has none."""
    speed_kmh: float | None = None
    course_deg: int | None = None
    """0..359, clockwise from north."""
    altitude_m: int | None = None
    alarm: int = 0
    status: int = 0
    """JT/T 808 words as sent."""
    odometer_m: int | None = None
    temps_c: tuple[float | None, ...] = ()
    """By probe; None: absent, or outside −60..+120."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Other decoded values by name; see docs/rooms/telemetry.md."""
    items: tuple[tuple[int, bytes], ...] = ()
    """Every additional item as sent."""
    rest: bytes = b""
    """What of the item area could not be split into items."""
    core: bytes = b""
    """The part that identifies a repetition: the 28-byte block of JT/T 808."""
    marks: tuple[bytes, ...] = ()
    """What else identifies it: items that tell of events, as sent. The place of a lock that is opened may be the one before."""
    area: bytes = b""
    """What followed the block, as sent: `items` and `rest` together."""
    lock_events: LockEvent = NO_EVENT
    """What the lock says has happened."""
    lock_closed: bool | None = None
    """None: no lock, or it does not say."""
    cover_closed: bool | None = None
    """Of the lock's case; None: it does not say."""
    readable_again: bool = False
    """`extra` follows from `area`, read as items of JT/T 808, but for what locks.WORDS names."""

    @property
    def digest(self) -> int:
        """64 bits, signed, of what was sent: equal for the same fix sent again."""
        content = self.core or struct.pack(
            ">dddd", self.lat or 0.0, self.lon or 0.0, self.speed_kmh or 0.0, self.course_deg or 0
        )
        digest = digest_of(content)
        for mark in self.marks:
            digest = digest_of(mark, digest)
        return digest


_WORD: Final = (1 << 64) - 1


def digest_of(content: bytes, before: int = 0) -> int:
    """Eight bytes at a time (big-endian, the last padded with zeros) through splitmix64's finalizer; signed.

    `before`: the digest of what comes before it.
    It tells repetitions of honest devices apart from new fixes; it is no protection against forgery, nor need it be.
    """
    digest = before & _WORD ^ len(content)
    for start in range(0, len(content), 8):
        digest ^= int.from_bytes(content[start : start + 8].ljust(8, b"\0"), "big")
        digest = (digest ^ digest >> 30) * 0xBF58476D1CE4E5B9 & _WORD
        digest = (digest ^ digest >> 27) * 0x94D049BB133111EB & _WORD
        digest ^= digest >> 31
    return digest - (1 << 64) if digest >> 63 else digest
