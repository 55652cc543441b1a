"""What the lock's own radio gathers (WLNET,5): sub-locks (JT709, JT802) and temperature sensors (JT126).

The payload is binary inside a sentence: brackets, comma and `=` come as `=` and the byte xor 3d.
"""

from typing import Any, Final

from zaitu.telemetry.codecs.elock.place import SIZE, time_read, where_read
from zaitu.telemetry.codecs.elock.report import ElockError
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

_ESCAPE: Final = 0x3D
_ESCAPED: Final = frozenset(b"(),=")
_HEAD: Final = SIZE + 17
"""Bytes before what depends on the kind."""
_SENSOR, _LOCK, _VALVES = 1, 4, frozenset({5, 6})
_KINDS: Final = {1: "jt126", 4: "jt709", 5: "jt802", 6: "jt802", 9: "jt802"}
_LOCK_EVENTS: Final = {
    0: LockEvent.CLOSED,
    1: LockEvent.OPENED,
    2: LockEvent.COVER_OPENED,
    3: LockEvent.OPENED,
    4: LockEvent.CUT,
    9: LockEvent.OPENED,
}
_VALVE_EVENTS: Final = {
    0: LockEvent.CLOSED,
    1: LockEvent.OPENED,
    2: LockEvent.LOW_BATTERY,
    5: LockEvent.COVER_OPENED,
    6: LockEvent.OPENED,
    7: LockEvent.CLOSED,
    8: LockEvent.OPENED,
}
_STRING_OUT: Final = {_LOCK: 8, 5: 9, 6: 9}
"""The bit that says the string came out: a cut if the motor still holds."""


def unescape(content: bytes) -> bytes:
    out = bytearray()
    at = 0
    while at < len(content):
        plain = content[at + 1] ^ _ESCAPE if content[at] == _ESCAPE and at + 1 < len(content) else None
        if plain is not None and plain in _ESCAPED:
            out.append(plain)
            at += 2
        else:
            out.append(content[at])
            at += 1
    return bytes(out)


def escape(content: bytes) -> bytes:
    return b"".join(
        bytes([_ESCAPE, byte ^ _ESCAPE]) if byte in _ESCAPED else bytes([byte]) for byte in content
    )


def payload_read(payload: bytes) -> tuple[Fix, bool, dict[str, Any]]:
    """The sensor's report at the master's place, whether it is old, and other values. Raises ElockError `bad_length`, `bad_digits`."""
    if len(payload) < _HEAD + 6:
        raise ElockError("bad_length", f"a sensor's report has {_HEAD + 6} bytes or more, not {len(payload)}")
    where = where_read(payload)
    time, time_flag = time_read(payload[17:23].hex())
    kind, tail = payload[33], payload[_HEAD:]
    told: dict[str, Any] = {}
    extra: dict[str, Any] = {
        "sensor": payload[23:28].hex(),
        "sensor_kind": _KINDS.get(kind, kind),
        "battery_v": int.from_bytes(payload[29:31], "big") / 100,
        "battery_pct": payload[31],
        "rssi_dbm": -payload[32],
    }
    backfill = False
    if kind == _SENSOR:
        told["temps_c"] = (_temperature(tail[:2]),)
        extra["humidity_pct"] = [tail[2] if tail[2] <= 100 else None]
        backfill = bool(tail[5] & 1)
    elif kind in _STRING_OUT:
        backfill = _lock(kind, tail, told, extra)
    fix = Fix(
        time=time if time_flag is None else where.time,
        time_flag=None if time_flag is None else where.time_flag,
        lat=where.lat,
        lon=where.lon,
        fixed=where.fixed,
        speed_kmh=where.speed_kmh,
        course_deg=where.course_deg,
        extra=extra,
        core=payload[:29] + tail,
        area=payload[29:],
        **told,
    )
    return fix, backfill, {"sensor_serial": payload[28]}


def _temperature(word: bytes) -> float | None:
    """The upper nibble is the sign, the rest tenths; ffff: none."""
    tenths = int.from_bytes(word, "big")
    value = (-1 if tenths >> 12 else 1) * (tenths & 0x0FFF) / 10
    return None if tenths == 0xFFFF or not -60 <= value <= 120 else value


def _lock(kind: int, tail: bytes, told: dict[str, Any], extra: dict[str, Any]) -> bool:
    """WORD events (bit 15: sent again), WORD state (0 string out, 1 motor open, 2 cover open), WORD count, BYTE gateway."""
    bits, state = int.from_bytes(tail[:2], "big"), int.from_bytes(tail[2:4], "big")
    gateway = tail[6] if len(tail) > 6 else 0
    events = NO_EVENT
    for bit, event in (_LOCK_EVENTS if kind == _LOCK else _VALVE_EVENTS).items():
        events |= event if bits >> bit & 1 else NO_EVENT
    if bits >> _STRING_OUT[kind] & 1:
        events |= LockEvent.OPENED if state & 2 else LockEvent.CUT
    if gateway & 4:
        events |= LockEvent.LOW_BATTERY
    told.update(lock_events=events, lock_closed=not state & 2, cover_closed=not state & 4)
    extra.update(
        lock_code=bits & 0x7FFF,
        string_out=bool(state & 1),
        lock_cycles=int.from_bytes(tail[4:6], "big"),
        signal_lost=bool(gateway & 2),
    )
    return bool(bits >> 15 or gateway & 1)
