"""Frames of many terminals → columns: positions (0x0200, 0x0704) straight from the bytes; everything else is left to Python.

The same meaning as codecs.jt808 (`header_parse`, `location_parse`, `batch_parse`, `items_decode`), which tests compare it with.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import NONE, PROBES, Bytes, Floats, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel

HEARTBEAT: Final = 0x0002
POSITION: Final = 0x0200
BATCH: Final = 0x0704
BLOCK: Final = 28
"""Bytes of a position before its items."""

# What became of a frame.
OTHER, ALIVE, PLACED = 0, 1, 2

# Why a time cannot be used, by codecs.fix.TimeFlag.
CLOCK_WORDS: Final = ("", "unknown", "invalid", "too_old", "future")
_UNKNOWN, _INVALID, _TOO_OLD, _FUTURE = 1, 2, 3, 4

_EARLIEST_US: Final = 1_420_070_400_000_000
_AHEAD_US: Final = 600_000_000
_GMT8_US: Final = 8 * 3_600_000_000
_FIXED, _ACC, _BACKFILL, _CLOCK = 1, 2, 4, 8
_TEMP_MIN_C: Final = -60.0
_TEMP_MAX_C: Final = 120.0

Words = npt.NDArray[np.int64]


class Claims(NamedTuple):
    """What headers say, one row a frame."""

    kind: Ints
    """OTHER, ALIVE (a heartbeat) or PLACED (positions that are in the columns)."""
    msg_id: Ints
    serial: Ints
    protocol: Ints
    """NONE: the short header."""
    flag: Ints
    """1: the version bit is set, whatever the header's form; answers carry the same."""
    phone: Bytes
    """(frames, 10) as sent, to be echoed; the short form uses six."""
    first: Ints
    """Of its rows."""
    rows: Ints


class Places(NamedTuple):
    """Columns of the position rows, by name as in codecs.columns; `frame` says which frame a row came in."""

    frame: Ints
    at_us: Ints
    flags: Ints
    lat: Floats
    lon: Floats
    speed_kmh: Floats
    course_deg: Ints
    altitude_m: Ints
    odometer_m: Ints
    alarm: Ints
    status: Ints
    digest: Ints
    temps_c: Floats
    probes: Ints
    humidity_pct: Floats
    items: Ints
    core: Ints
    clock: Ints
    """Index into CLOCK_WORDS; 0: the time is good."""


def claims_for(frames: int) -> Claims:
    return Claims(
        kind=np.empty(frames, dtype=np.int64),
        msg_id=np.empty(frames, dtype=np.int64),
        serial=np.empty(frames, dtype=np.int64),
        protocol=np.empty(frames, dtype=np.int64),
        flag=np.empty(frames, dtype=np.int64),
        phone=np.empty((frames, 10), dtype=np.uint8),
        first=np.empty(frames, dtype=np.int64),
        rows=np.empty(frames, dtype=np.int64),
    )


def places_for(rows: int) -> Places:
    def ints() -> Ints:
        return np.empty(rows, dtype=np.int64)

    def floats() -> Floats:
        return np.empty(rows)

    return Places(
        frame=ints(),
        at_us=ints(),
        flags=ints(),
        lat=floats(),
        lon=floats(),
        speed_kmh=floats(),
        course_deg=ints(),
        altitude_m=ints(),
        odometer_m=ints(),
        alarm=ints(),
        status=ints(),
        digest=ints(),
        temps_c=np.empty((rows, PROBES)),
        probes=ints(),
        humidity_pct=floats(),
        items=np.empty((rows, 2), dtype=np.int64),
        core=np.empty((rows, 2), dtype=np.int64),
        clock=ints(),
    )


def rows_max(plain_bytes: int) -> int:
    """Positions that so many bytes of frames can hold: 30 bytes each in a batch."""
    return plain_bytes // (BLOCK + 2) + 1


@inlined
def _u16(data: Bytes, at: int) -> int:
    # Through int64: numba makes a plain int of a byte an unsigned one.
    return int(np.int64(data[at]) << 8 | np.int64(data[at + 1]))


@inlined
def _u32(data: Bytes, at: int) -> int:
    return _u16(data, at) << 16 | _u16(data, at + 2)


@inlined
def _bcd(byte: int) -> int:
    """Two digits; −1: no digits."""
    high, low = byte >> 4, byte & 15
    return -1 if high > 9 or low > 9 else high * 10 + low


@inlined
def _days(year: int, month: int, day: int) -> int:
    """Since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil)."""
    year -= month <= 2
    era_year = year % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year // 400 * 146097 + era_year * 365 + era_year // 4 - era_year // 100 + of_year - 719468


@inlined
def _month_days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 else 28  # 2000 to 2099
    return 30 if month in (4, 6, 9, 11) else 31


@inlined
def _time(data: Bytes, at: int) -> tuple[int, int]:
    """(microseconds since 1970 UTC, 0) or (0, why not)."""
    zero = True
    for byte in range(6):
        if data[at + byte] != 0:
            zero = False
    if zero:
        return 0, _UNKNOWN
    year, month, day = _bcd(data[at]), _bcd(data[at + 1]), _bcd(data[at + 2])
    hour, minute, second = _bcd(data[at + 3]), _bcd(data[at + 4]), _bcd(data[at + 5])
    if year < 0 or month < 1 or month > 12 or day < 1 or day > _month_days(2000 + year, month):
        return 0, _INVALID
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return 0, _INVALID
    seconds = _days(2000 + year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    return seconds * 1_000_000 - _GMT8_US, 0


@inlined
def _digest(data: Bytes, at: int, size: int, before: int) -> int:
    digest = np.uint64(before) ^ np.uint64(size)
    for start in range(at, at + size, 8):
        word = np.uint64(0)
        for byte in range(8):
            value = data[start + byte] if start + byte < at + size else np.uint8(0)
            word = word << np.uint64(8) | np.uint64(value)
        digest ^= word
        digest = (digest ^ digest >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        digest = (digest ^ digest >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        digest ^= digest >> np.uint64(31)
    return int(np.int64(digest))


@inlined
def _temp(word: int, scale: float) -> float:
    if word & 0x8000:
        magnitude = -(word & 0x7FFF) / scale
        if _TEMP_MIN_C <= magnitude <= _TEMP_MAX_C:
            return magnitude
        value = (word - 0x10000) / scale
    else:
        value = word / scale
    return value if _TEMP_MIN_C <= value <= _TEMP_MAX_C else np.nan


@inlined
def _cargo(word: int) -> float:
    """The sign is bit 15 and nothing else: ffff is no temperature."""
    value = float(-(word & 0x7FFF) if word & 0x8000 else word)
    return value if _TEMP_MIN_C <= value <= _TEMP_MAX_C else np.nan


@inlined
def _batch_is_straight(data: Bytes, at: int, end: int, count: int) -> bool:
    """Every length leads exactly to the next, and the last to the end; there are as many as declared, and at least one."""
    if at == end:
        return False
    while at + 2 <= end:
        size = _u16(data, at)
        at += 2 + size
        count -= 1
        if size < BLOCK or at > end:
            return False
    return at == end and count == 0


@kernel
def frames_decode(plain: Bytes, frames: Ints, count: int, known: Ints, claims: Claims, spans: Ints) -> int:
    """Read the headers of `count` frames (of kernels.stream) into `claims`; how many positions they hold.

    `known`: (slots, 2) the number that authenticated on a connection, as its last 16 digits' bits and those before them; (0, 0) for
    none yet. Only frames of that number, of one whole part, unencrypted, and whole in every length are read; others are OTHER.
    `spans`: (start, end, frame, whether from memory) of each position in `plain`, for `places_decode`.
    """
    row = 0
    for frame in range(count):
        slot, start, end = frames[frame, 0], frames[frame, 1], frames[frame, 2]
        msg_id, attributes = _u16(plain, start), _u16(plain, start + 2)
        declared = attributes & 0x03FF
        claims.msg_id[frame] = msg_id
        claims.kind[frame] = OTHER
        claims.first[frame] = row
        claims.rows[frame] = 0
        if attributes & 0x3C00 or (known[slot, 0] == 0 and known[slot, 1] == 0):
            continue
        long_form = attributes & 0x4000 != 0
        claims.flag[frame] = 1 if long_form else 0
        if start + (17 if long_form else 12) + declared != end:
            long_form = not long_form
            if start + (17 if long_form else 12) + declared != end:
                continue
        phone_at, phone_size = (start + 5, 10) if long_form else (start + 4, 6)
        high, low = np.int64(0), np.uint64(0)
        for byte in range(phone_size):
            digit = plain[phone_at + byte]
            claims.phone[frame, byte] = digit
            high = (high << 8 | np.int64(low >> np.uint64(56))) & 0xFFFF
            low = low << np.uint64(8) | np.uint64(digit)
        if np.int64(low) != known[slot, 0] or high != known[slot, 1]:
            continue
        body = phone_at + phone_size + 2
        claims.serial[frame] = _u16(plain, body - 2)
        claims.protocol[frame] = plain[start + 4] if long_form else NONE
        if msg_id == POSITION and end - body >= BLOCK:
            spans[row, 0], spans[row, 1], spans[row, 2], spans[row, 3] = body, end, frame, 0
            row += 1
            claims.kind[frame] = PLACED
        elif (
            msg_id == BATCH and end - body > 3 and _batch_is_straight(plain, body + 3, end, _u16(plain, body))
        ):
            at = body + 3
            while at < end:
                size = _u16(plain, at)
                spans[row, 0], spans[row, 1], spans[row, 2] = at + 2, at + 2 + size, frame
                spans[row, 3] = 1 if plain[body + 2] == 1 else 0
                row += 1
                at += 2 + size
            claims.kind[frame] = PLACED
        elif msg_id == HEARTBEAT:
            claims.kind[frame] = ALIVE
        claims.rows[frame] = row - claims.first[frame]
    return row


@kernel
def places_decode(plain: Bytes, spans: Ints, rows: int, now_us: int, places: Places) -> None:
    """Positions at `spans` → columns. A time that means nothing at `now_us` is flagged and replaced by it."""
    at_us, flags, lat, lon, speed_kmh = places.at_us, places.flags, places.lat, places.lon, places.speed_kmh
    course_deg, altitude_m, odometer_m = places.course_deg, places.altitude_m, places.odometer_m
    alarms, statuses, digest, clocks = places.alarm, places.status, places.digest, places.clock
    temps_c, probes, humidity_pct, items, core = (
        places.temps_c, places.probes, places.humidity_pct, places.items, places.core,
    )  # fmt: skip
    for row in range(rows):
        at, end = spans[row, 0], spans[row, 1]
        status = _u32(plain, at + 4)
        lat_e6, lon_e6 = _u32(plain, at + 8), _u32(plain, at + 12)
        fixed = (
            status & 0x22 == 2 and lat_e6 <= 90_000_000 and lon_e6 <= 180_000_000 and (lat_e6 | lon_e6) != 0
        )
        fix_us, clock = _time(plain, at + 22)
        if clock == 0:
            if fix_us < _EARLIEST_US:
                clock = _TOO_OLD
            elif fix_us > now_us + _AHEAD_US:
                clock = _FUTURE
        altitude, speed, course = _u16(plain, at + 16), _u16(plain, at + 18), _u16(plain, at + 20)
        places.frame[row] = spans[row, 2]
        alarms[row] = _u32(plain, at)
        statuses[row] = status
        at_us[row] = now_us if clock else fix_us
        clocks[row] = clock
        flags[row] = (
            (_FIXED if fixed else 0)
            | (_ACC if status & 1 else 0)
            | (_BACKFILL if spans[row, 3] else 0)
            | (_CLOCK if clock else 0)
        )
        lat[row] = (-lat_e6 if status & 4 else lat_e6) / 1e6 if fixed else np.nan
        lon[row] = (-lon_e6 if status & 8 else lon_e6) / 1e6 if fixed else np.nan
        speed_kmh[row] = np.nan if speed == 0xFFFF else speed / 10
        course_deg[row] = course % 360 if course <= 360 else NONE
        altitude_m[row] = altitude - 0x10000 if altitude & 0x8000 else altitude
        digest[row] = _digest(plain, at, BLOCK, 0)
        core[row, 0], core[row, 1] = at, BLOCK
        at += BLOCK
        items[row, 0], items[row, 1] = at, end - at
        odometer_m[row] = NONE
        for probe in range(PROBES):
            temps_c[row, probe] = np.nan
        # Items by declared lengths; from the first one that passes the end the rest is only kept.
        probe = 0
        humidity = np.nan
        while at + 2 <= end:
            item, size = int(np.int64(plain[at])), int(np.int64(plain[at + 1]))
            value = at + 2
            at = value + size
            if at > end:
                break
            if item == 0x01:
                if size == 4:
                    odometer_m[row] = _u32(plain, value) * 100
            elif item == 0x51 or (item == 0x06 and size == 2):
                for word_at in range(value, at - 1, 2):
                    if probe < PROBES:
                        word = _u16(plain, word_at)
                        if item == 0x06:
                            temps_c[row, probe] = _cargo(word)
                        elif word != 0xFFFF:
                            temps_c[row, probe] = _temp(word, 10.0)
                        probe += 1
            elif item == 0x58:
                humidity = np.nan
                for word_at in range(value, at - 1, 2):
                    word = _u16(plain, word_at)
                    if word != 0x0FFF and word <= 1000 and np.isnan(humidity):
                        humidity = word / 10
            elif item in (0x0B, 0x11, 0x12, 0x13, 0x60, 0x63, 0x64, 0x65, 0x66, 0x67, 0xD5, 0xDA, 0xE8):
                # Something has happened: the same place again is another report (codecs.jt808.items.EVENTS).
                digest[row] = _digest(plain, value - 2, size + 2, digest[row])
        probes[row] = probe
        humidity_pct[row] = humidity
