"""Locks on the 808 wire.

Jointech's own 0x5501 (0x5502: stored while there was no network) has a header of its own: a serial of one byte, and in the
attributes nothing but the length (bits 0–9) and bit 15, which asks for 0x4401.

Other messages are JT/T 808 and read as such. Sources: recorded frames of the JT707 and JT709, traccar's names of the fields,
Jointech's public SDK for the lock's states.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

from zaitu.telemetry.codecs.elock.place import SIZE, where_read
from zaitu.telemetry.codecs.elock.report import ElockError, Report
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808 import messages
from zaitu.telemetry.codecs.jt808.framing import FrameError, unwrap, wrap
from zaitu.telemetry.codecs.jt808.items import items_split
from zaitu.telemetry.codecs.jt808.locks import LockSays, command_read
from zaitu.telemetry.codecs.jt808.profiles import PROFILES, Profile
from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

LIVE: Final = 0x5501
BLIND: Final = 0x5502
ANSWER: Final = 0x4401
_HEAD: Final = 11
_FIXED: Final = SIZE + 18
_LENGTH: Final = 0x03FF
_WANTS_ANSWER: Final = 0x8000
_CHARGING: Final = frozenset({0xAA, 0xAB})
_LOCK: Final = 3
"""The product that is a lock; 1 and 2 are trackers of goods."""
_LOCK_LOW: Final = 1 << 1 | 1 << 3
_TRACKER_LOW: Final = 1 << 0
_OPEN: Final = 1 << 4 | 1 << 5
"""String out, motor open: the lock is closed when neither is set, as in the maker's reading of its 0x0200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Of 0x5501 and 0x5502."""

    msg_id: int
    phone_bcd: bytes
    serial: int
    """0..255."""
    wants_answer: bool


def wire_read(content: bytes, profile: Profile = PROFILES["jointech"]) -> Report:
    """What stood between two 7e. Raises ElockError."""
    try:
        plain = unwrap(content)
        if is_own(plain):
            return own_read(plain)
        message = messages.decode(content, profile)
    except FrameError as error:
        raise ElockError(error.code, error.detail) from error
    return Report(
        form="jt808",
        kind="message",
        device=message.header.phone,
        index=message.header.serial,
        fixes=message.fixes,
        backfill=message.backfill,
        fields={"msg_id": f"0x{message.header.msg_id:04x}", **message.fields},
    )


def is_own(plain: bytes) -> bool:
    """Whether what stood between two 7e, verified, is the lock's own message and none of JT/T 808."""
    return len(plain) >= _HEAD and int.from_bytes(plain[:2], "big") in {LIVE, BLIND}


def own_read(plain: bytes) -> Report:
    """0x5501 or 0x5502. Raises ElockError `bad_length`."""
    msg_id, attributes = struct.unpack_from(">HH", plain)
    head = Head(
        msg_id=msg_id,
        phone_bcd=plain[4:10],
        serial=plain[10],
        wants_answer=bool(attributes & _WANTS_ANSWER),
    )
    body = plain[_HEAD:]
    if len(body) != attributes & _LENGTH:
        raise ElockError("bad_length", f"body of {attributes & _LENGTH} bytes declared, {len(body)} sent")
    if len(body) < _FIXED:
        raise ElockError("bad_length", f"a report has {_FIXED} bytes or more, not {len(body)}")
    return Report(
        form="jt808",
        kind="position",
        device=head.phone_bcd.hex().lstrip("0") or "0",
        index=head.serial,
        fixes=(_fix(body),),
        backfill=msg_id == BLIND,
        fields={"msg_id": f"0x{msg_id:04x}", "product": body[SIZE + 13]},
        reply=answer_frame(head) if head.wants_answer else None,
    )


def _fix(body: bytes) -> Fix:
    where = where_read(body)
    signal, satellites, km, battery, cell, lac, product, status, alarm = struct.unpack_from(
        ">BBIBIHBHH", body, SIZE
    )
    items, rest = items_split(body[_FIXED:])
    says, altitude_m, more = _items_read(items)
    extra: dict[str, Any] = {
        "signal": signal,
        "satellites": satellites,
        "charging": battery in _CHARGING,
        "cell": {"id": cell, "lac": lac},
        **says.extra,
        **more,
    }
    if battery <= 100:
        extra["battery_pct"] = battery
    low = _LOCK_LOW if product == _LOCK else _TRACKER_LOW
    return Fix(
        time=where.time,
        time_flag=where.time_flag,
        lat=where.lat,
        lon=where.lon,
        fixed=where.fixed,
        speed_kmh=where.speed_kmh,
        course_deg=where.course_deg,
        altitude_m=altitude_m,
        odometer_m=km * 1000,
        # Not words of JT/T 808: kept apart, so that nobody reads them as such.
        extra=extra | {"status_word": f"{status:04x}", "alarm_word": f"{alarm:04x}"},
        items=items,
        rest=rest,
        core=body,
        area=body[_FIXED:],
        lock_events=says.events | (LockEvent.LOW_BATTERY if alarm & low else NO_EVENT),
        lock_closed=not status & _OPEN if product == _LOCK else None,
    )


def _items_read(items: tuple[tuple[int, bytes], ...]) -> tuple[LockSays, int | None, dict[str, Any]]:
    """02 altitude, 0B who opened, 0C tilt, 10 why it woke, FC fence; the rest is kept as sent."""
    says, altitude_m, more = LockSays(), None, dict[str, Any]()
    for item_id, value in items:
        if item_id == 0x0B and value:
            command_read(value, says)
        elif item_id == 0x02 and len(value) == 2:
            altitude_m = int.from_bytes(value, "big", signed=True)
        elif item_id == 0x0C and len(value) == 6:
            more["tilt"] = list(struct.unpack(">hhh", value))
        elif item_id in {0x10, 0xFC} and len(value) == 1:
            more["wake" if item_id == 0x10 else "fence_id"] = value[0]
    return says, altitude_m, more


def own_frame(head: Head, body: bytes) -> bytes:
    """0x5501 or 0x5502 as a lock sends it, for simulators and tests."""
    attributes = len(body) | (_WANTS_ANSWER if head.wants_answer else 0)
    return wrap(struct.pack(">HH", head.msg_id, attributes) + head.phone_bcd + bytes([head.serial]) + body)


def answer_frame(head: Head) -> bytes:
    """0x4401: WORD message answered, BYTE 0 for done; under the lock's number and the serial it sent."""
    body = struct.pack(">HB", head.msg_id, 0)
    return wrap(struct.pack(">HH", ANSWER, len(body)) + head.phone_bcd + bytes([head.serial]) + body)
