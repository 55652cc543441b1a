"""The position block of 0x0200 with its items, and the batch of them in 0x0704."""

import struct
from dataclasses import dataclass
from typing import Final

from zaitu.telemetry.codecs.fix import Fix, TimeFlag
from zaitu.telemetry.codecs.jt808.framing import FrameError
from zaitu.telemetry.codecs.jt808.items import items_decode, items_split, marks_of
from zaitu.telemetry.codecs.jt808.locks import lock_says
from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Profile
from zaitu.telemetry.codecs.jt808.values import time_parse

BLOCK: Final = struct.Struct(">IIIIhHH6s")
"""Alarm, status, latitude, longitude, altitude, speed, course, time: 28 bytes."""
_ACC, _FIXED, _SOUTH, _WEST, _ENCRYPTED = 1, 2, 4, 8, 32


def location_parse(body: bytes, profile: Profile = STANDARD) -> Fix:
    """A position by the standard and its terminal's profile. Raises FrameError `short_body`."""
    if len(body) < BLOCK.size:
        raise FrameError("short_body", f"a position has {BLOCK.size} bytes or more, not {len(body)}")
    alarm, status, lat_e6, lon_e6, altitude_m, speed, course, bcd = BLOCK.unpack_from(body)
    time, time_flag = time_parse(bcd)
    lat = _degrees(lat_e6, 90, negative=bool(status & _SOUTH))
    lon = _degrees(lon_e6, 180, negative=bool(status & _WEST))
    items, rest = items_split(body[BLOCK.size :], profile)
    extra = items_decode(items, profile)
    lock = lock_says(profile.locks, items=items, alarm=alarm, status=status)
    extra.update(lock.extra)
    return Fix(
        time=time,
        time_flag=time_flag,
        lat=lat,
        lon=lon,
        # Receivers without a fix since power-on claim one at 0, 0; encrypted coordinates are a place for whoever has the key.
        fixed=status & (_FIXED | _ENCRYPTED) == _FIXED
        and lat is not None
        and lon is not None
        and bool(lat_e6 or lon_e6),
        acc=bool(status & _ACC),
        speed_kmh=None if speed == 0xFFFF else speed / 10,
        course_deg=course % 360 if course <= 360 else None,
        altitude_m=altitude_m,
        alarm=alarm,
        status=status,
        odometer_m=extra.pop("odometer_m", None),
        temps_c=tuple(extra.pop("temps_c", ())),
        extra=extra,
        items=items,
        rest=rest,
        core=body[: BLOCK.size],
        marks=marks_of(body[BLOCK.size :]),
        area=body[BLOCK.size :],
        lock_events=lock.events,
        lock_closed=lock.closed,
        cover_closed=lock.cover_closed,
        readable_again=True,
    )


def _degrees(millionths: int, limit: int, *, negative: bool) -> float | None:
    if millionths > limit * 1_000_000:
        return None
    return -millionths / 1e6 if negative else millionths / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    fixes: tuple[Fix, ...]
    count: int
    """Declared; differs from len(fixes) when something was wrong."""
    backfill: bool
    """Type 1: stored while there was no network."""
    skipped: bytes = b""
    """What could not be read as positions, nor as their items where a length was wrong."""


def batch_parse(body: bytes, profile: Profile = STANDARD) -> Batch:
    """0x0704: WORD count, BYTE type, then WORD length and a 0x0200 body each. Raises FrameError `short_body`.

    A wrong length shifts what follows it; the walk then looks for the next place from which the rest reads as positions.
    """
    if len(body) < 3:
        raise FrameError("short_body", f"a batch has 3 bytes or more, not {len(body)}")
    count, kind = struct.unpack_from(">HB", body)
    pieces, skipped = _straight(body, 3), b""
    if pieces is None:
        pieces, skipped = _searching(body, 3, profile)
    fixes = tuple(location_parse(piece, profile) for piece in pieces)
    return Batch(fixes=fixes, count=count, backfill=kind == 1, skipped=skipped)


def _straight(body: bytes, at: int) -> list[bytes] | None:
    """Item bodies when every length leads exactly to the next and the last to the end."""
    pieces = []
    while at + 2 <= len(body):
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        if end - at - 2 < BLOCK.size or end > len(body):
            return None
        pieces.append(body[at + 2 : end])
        at = end
    return pieces if at == len(body) else None


def _plausible(body: bytes, at: int, *, timeless: bool = False) -> bool:
    """Could a position stand here? Among other bytes hardly ever: date, ranges and course must all be possible.

    `timeless`: one whose time is all zero, instead.
    """
    if len(body) - at < BLOCK.size:
        return False
    _alarm, _status, lat_e6, lon_e6, _altitude, _speed, course, bcd = BLOCK.unpack_from(body, at)
    time, flag = time_parse(bcd)
    timed = flag is TimeFlag.UNKNOWN if timeless else time is not None
    return timed and lat_e6 <= 90_000_000 and lon_e6 <= 180_000_000 and course <= 360


def _starts(body: bytes, at: int) -> bool:
    """A length and a position stand here. Zeros may be anything, so one without a time needs a length that leads on."""
    if _plausible(body, at + 2):
        return True
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    leads_on = end == len(body) or _plausible(body, end + 2) or _plausible(body, end + 2, timeless=True)
    return end - at - 2 >= BLOCK.size and leads_on and _plausible(body, at + 2, timeless=True)


def _next_start(body: bytes, at: int) -> int:
    """The first place from `at` where a length and a position stand; the end if none."""
    return next((start for start in range(at, len(body) - 1 - BLOCK.size) if _starts(body, start)), len(body))


def _searching(body: bytes, at: int, profile: Profile) -> tuple[list[bytes], bytes]:
    pieces: list[bytes] = []
    skipped = b""
    while at + 2 <= len(body):
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        if not _starts(body, at):
            end = _next_start(body, at + 1)
            skipped += body[at:end]
        else:
            if end > len(body) or not _whole(body[at + 2 : end], profile):
                # The length is wrong; the position is not: it ends where the next one starts.
                end = _next_start(body, at + 2 + BLOCK.size)
                skipped += items_split(body[at + 2 + BLOCK.size : end], profile)[1]
            pieces.append(body[at + 2 : end])
        at = end
    return pieces, skipped + body[at:]


def _whole(piece: bytes, profile: Profile) -> bool:
    """A position and items that end where the piece does."""
    return len(piece) >= BLOCK.size and not items_split(piece[BLOCK.size :], profile)[1]
