"""Frames in hexadecimal → JSON objects, for people and other programs (`zaitu decode jt808`).

Keys are stable; docs/jt808-decode.md lists them.
"""

from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.fix import Fix, time_checked
from zaitu.telemetry.codecs.jt808.framing import FrameError, unescape
from zaitu.telemetry.codecs.jt808.header import Header, header_claims
from zaitu.telemetry.codecs.jt808.messages import Message, decode
from zaitu.telemetry.codecs.jt808.names import alarm_names, status_names
from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Profile
from zaitu.telemetry.codecs.lines import bytes_of

Claims = dict[str, Any]

_OF_FIX: Final = ("fuel_l", "satellites", "signal", "lock")
"""Keys of a fix that are always there, null when not sent."""


def line_claims(line: str, *, now: datetime, profile: Profile = STANDARD) -> list[Claims]:
    """The claims of a line of hexadecimal: one object; several only where one line holds several whole frames.

    Spaces, `0x`, commas and capitals do not matter; delimiters may be left out on both sides. `now` is aware. Never raises.
    """
    try:
        content = bytes_of(line)
    except ValueError as error:
        return [_refused("not_hex", str(error))]
    opened, closed = content.startswith(b"\x7e"), content.endswith(b"\x7e")
    if opened and not closed:
        return [_refused("unterminated", "the closing 7e is missing", content.strip(b"\x7e"))]
    if not opened:
        return [content_claims(content, now=now, profile=profile)]
    several = [content_claims(piece, now=now, profile=profile) for piece in content.split(b"\x7e") if piece]
    if len(several) > 1 and all(claims["ok"] for claims in several):
        return several
    return [content_claims(content[1:-1], now=now, profile=profile)]


def content_claims(content: bytes, *, now: datetime, profile: Profile = STANDARD) -> Claims:
    """The claims of what stood between two delimiters."""
    try:
        message = decode(content, profile)
    except FrameError as error:
        return _refused(error.code, error.detail, content)
    return message_claims(message, now=now)


def message_claims(message: Message, *, now: datetime) -> Claims:
    is_2019 = message.version == "2019"
    return {
        "ok": True,
        "error": None,
        **_header_claims(message.header),
        "version": message.version,
        "fixes": [fix_claims(fix, is_2019=is_2019, now=now) for fix in message.fixes],
        "backfill": message.backfill,
        "fields": message.fields,
    }


def _header_claims(header: Header) -> Claims:
    return {
        "msg_id": f"0x{header.msg_id:04x}",
        "version": "2019" if header.long_form else "2013",
        "phone": header.phone,
        "phone_padded": header.phone_padded,
        "serial": header.serial,
    }


def _refused(code: str, detail: str, content: bytes = b"") -> Claims:
    """A refused frame keeps what its header says, to help find the terminal, but no position."""
    try:
        header = header_claims(unescape(content))
    except FrameError:
        header = None
    told = (
        _header_claims(header)
        if header
        else dict.fromkeys(("msg_id", "version", "phone", "phone_padded", "serial"))
    )
    return {
        "ok": False,
        "error": code,
        "error_detail": detail,
        **told,
        "fixes": [],
        "backfill": False,
        "fields": {},
    }


def fix_claims(fix: Fix, *, is_2019: bool, now: datetime) -> Claims:
    extra = dict(fix.extra)
    humidity: list[float | None] = extra.pop("humidity_pct", [])
    claims: Claims = {
        "time_utc": _time_text(fix.time),
        "time_flag": time_checked(fix.time, fix.time_flag, now=now),
        "lat": fix.lat,
        "lon": fix.lon,
        "fixed": fix.fixed,
        "acc": fix.acc,
        "speed_kmh": fix.speed_kmh,
        "course_deg": fix.course_deg,
        "altitude_m": fix.altitude_m,
        "alarms": alarm_names(fix.alarm, is_2019=is_2019),
        "alarm_hex": f"{fix.alarm:08x}",
        "status": status_names(fix.status, is_2019=is_2019),
        "status_hex": f"{fix.status:08x}",
        "odometer_km": None if fix.odometer_m is None else fix.odometer_m / 1000,
        "temps_c": list(fix.temps_c),
        "humidity_pct": next((value for value in humidity if value is not None), None),
        **{key: extra.pop(key, None) for key in _OF_FIX},
        "lock_events": fix.lock_events.names,
        "lock_closed": fix.lock_closed,
        "raw_items": [[f"{item_id:02x}", value.hex()] for item_id, value in fix.items],
    }
    if len(humidity) > 1:
        extra["humidities_pct"] = humidity
    if fix.rest:
        extra["raw_rest"] = fix.rest.hex()
    return {**claims, **extra}


def _time_text(time: datetime | None) -> str | None:
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")
