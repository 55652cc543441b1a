"""`$` frames: the long form of the JT701 and JT701D (one record), and the short one of the JT600 (records of 27 bytes).

Long: `$`, id[5] BCD, protocol (19: JT701D), device and data type, WORD length, record, BYTE index (counted in the length).
Short: `$`, id[5], format and data type, WORD length, records, BYTE index (not counted).
Nothing but the lengths tells them apart. Sources: Jointech's public SDK, recorded frames of both.
"""

from typing import Any, Final

from zaitu.telemetry.codecs.elock import words
from zaitu.telemetry.codecs.elock.place import SIZE, where_read
from zaitu.telemetry.codecs.elock.report import ElockError, Report
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808.values import is_bcd

START: Final = b"$"
HEAD: Final = 10
"""Bytes before the record of the long form; a short frame is as much longer than its length says."""
RECORD: Final = 27
_RECORDS_MAX: Final = 40
_LONG_MIN, _LONG_MAX = 35, 255
_JT701D: Final = 0x19
_ALARM, _BLIND, _LATE = 2, 3, 4
_CHARGING: Final = 0xFF
_LEGACY: Final = 0x0F
"""Stands where old firmware has nothing to say."""
FRAME_MAX: Final = HEAD + RECORD * _RECORDS_MAX


def frame_length(head: bytes) -> int | None:
    """Bytes of the frame that begins so (10 are enough); None: no frame begins here."""
    if len(head) < HEAD or head[:1] != START or not is_bcd(head[1:6]):
        return None
    if _is_short(head):
        return HEAD + int.from_bytes(head[7:9], "big")
    long = int.from_bytes(head[8:10], "big")
    return HEAD + long if _LONG_MIN <= long <= _LONG_MAX else None


def _is_short(head: bytes) -> bool:
    length = int.from_bytes(head[7:9], "big")
    return head[6] >> 4 in _SHORT and length % RECORD == 0 and 0 < length // RECORD <= _RECORDS_MAX


def first_record(head: bytes) -> int:
    """Where the first record of a frame begins."""
    return HEAD - 1 if _is_short(head) else HEAD


def binary_read(frame: bytes) -> Report:
    """Raises ElockError `bad_length`, `bad_digits`."""
    length = frame_length(frame[:HEAD])
    if length != len(frame):
        raise ElockError("bad_length", f"{len(frame)} bytes, the head says {length or 'no length at all'}")
    return _short(frame) if _is_short(frame) else _long(frame)


def _device(frame: bytes) -> str:
    return frame[1:6].hex().lstrip("0") or "0"


def _long(frame: bytes) -> Report:
    protocol, kind, record, index = frame[6], frame[7] & 0x0F, frame[HEAD:-1], frame[-1]
    status = int.from_bytes(record[26:28], "big")
    reply = None
    if status & words.NEEDS_ACK:
        reply = b"(P35)" if protocol < _JT701D else b"(P69,0,%d)" % index
    return Report(
        form="binary",
        kind="position",
        device=_device(frame),
        index=index,
        fixes=(_long_fix(record, status),),
        backfill=kind in {_BLIND, _LATE},
        fields={"protocol": f"{protocol:02x}", "data_type": kind, "alarm": kind == _ALARM},
        reply=reply,
    )


def _long_fix(record: bytes, status: int) -> Fix:
    where, battery = where_read(record), record[28]
    extra: dict[str, Any] = {
        "satellites": record[21],
        "signal": record[33],
        # Not the status word of JT/T 808: kept apart, so that nobody reads it as such.
        "status_word": f"{status:04x}",
        "flags": words.flag_names(status),
        "charging": battery == _CHARGING,
        "cell": {"id": int.from_bytes(record[29:31], "big"), "lac": int.from_bytes(record[31:33], "big")},
    }
    if battery != _CHARGING:
        extra["battery_pct"] = battery
    extra.update(_more(record[34:]))
    return Fix(
        time=where.time,
        time_flag=where.time_flag,
        lat=where.lat,
        lon=where.lon,
        fixed=where.fixed and not status & 1,
        speed_kmh=where.speed_kmh,
        course_deg=where.course_deg,
        odometer_m=int.from_bytes(record[17:21], "big") * 1000,
        extra=extra,
        # Sent again it has the same place and state, but may carry another index and want an acknowledgement it did not want.
        core=record[:SIZE] + (status & ~words.NEEDS_ACK).to_bytes(2, "big"),
        area=record[SIZE:],
        lock_events=words.events_of(status),
        lock_closed=bool(status & words.MOTOR_LOCKED),
        cover_closed=bool(status & words.COVER_CLOSED),
    )


def _more(tail: bytes) -> dict[str, Any]:
    """What newer firmware appends: BYTE fence, BYTE why it woke, two reserved, then IMEI[8], cell, MCC, MNC."""
    more: dict[str, Any] = {}
    if len(tail) >= 4:
        more["fence_id"] = tail[0]
        if tail[1] != _LEGACY:
            more["wake"] = words.WAKE.get(tail[1] & 0x0F, tail[1] & 0x0F)
        if tail[2] != _LEGACY and tail[3] & 1:
            more["charging"] = True
    imei = tail[4:12].hex().strip("f")
    if len(tail) >= 12 and imei.isdecimal():
        more["imei"] = imei.lstrip("0")
    return more


def _short(frame: bytes) -> Report:
    layout, kind = frame[6] >> 4, frame[6] & 0x0F
    records = [frame[at : at + RECORD] for at in range(9, len(frame) - 1, RECORD)]
    return Report(
        form="binary",
        kind="position",
        device=_device(frame),
        index=frame[-1],
        fixes=tuple(_short_fix(record, layout) for record in records),
        backfill=kind in {_BLIND, _LATE},
        fields={"protocol": f"short_{layout}", "data_type": kind, "alarm": kind == _ALARM},
    )


def _short_fix(record: bytes, layout: int) -> Fix:
    where, tail = where_read(record), record[SIZE:]
    altitude_m, odometer_m, extra = _SHORT[layout](tail)
    return Fix(
        time=where.time,
        time_flag=where.time_flag,
        lat=where.lat,
        lon=where.lon,
        fixed=where.fixed,
        speed_kmh=where.speed_kmh,
        course_deg=where.course_deg,
        altitude_m=altitude_m,
        odometer_m=odometer_m,
        extra=extra,
        core=record,
        area=tail,
    )


_Tail = tuple[int | None, int | None, dict[str, Any]]


def _cellular(tail: bytes) -> _Tail:
    """Satellites, power, flags, WORD altitude, WORD cell, WORD lac, signal."""
    extra = {
        "satellites": tail[0],
        "battery_pct": tail[1],
        "cell": {"id": int.from_bytes(tail[5:7], "big"), "lac": int.from_bytes(tail[7:9], "big")},
        "signal": tail[9],
    }
    if tail[1] > 100:
        del extra["battery_pct"]
    return int.from_bytes(tail[3:5], "big", signed=True), None, extra


def _fuel(tail: bytes) -> _Tail:
    """Fuel's high byte, four bytes of states (vehicle trackers, kept as sent), DWORD km, fuel's low byte."""
    extra = {"fuel": tail[0] << 8 | tail[9], "states": tail[1:5].hex()}
    return None, int.from_bytes(tail[5:9], "big") * 1000, extra


def _tanks(tail: bytes) -> _Tail:
    """Three tanks of 12 bits, 20 bits km, 24 bits of states."""
    bits = int.from_bytes(tail, "big")
    extra = {
        "fuels": [bits >> 68 & 0xFFF, bits >> 56 & 0xFFF, bits >> 44 & 0xFFF],
        "states": f"{bits & 0xFFFFFF:06x}",
    }
    return None, (bits >> 24 & 0xFFFFF) * 1000, extra


_SHORT: Final = {1: _cellular, 2: _fuel, 3: _tanks}
