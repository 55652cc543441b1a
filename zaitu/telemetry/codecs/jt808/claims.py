"""Frames in hexadecimal → JSON objects, for people and other programs (`zaitu decode jt808`).

Keys are stable; docs/jt808-decode.md lists them.
"""

from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808.framing import (
    CONTENT_MAX,
    CONTENT_MIN,
    DELIMITER,
    Deframer,
    FrameError,
    escape,
    unescape,
    unwrap,
)
from zaitu.telemetry.codecs.jt808.header import Header, header_claims, header_parse
from zaitu.telemetry.codecs.jt808.messages import Message, decode
from zaitu.telemetry.codecs.jt808.names import alarm_names, status_names
from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Profile
from zaitu.telemetry.codecs.lines import bytes_of
from zaitu.telemetry.codecs.place_claims import place_claims

Claims = dict[str, Any]

_OF_FIX: Final = ("fuel_l", "satellites", "signal", "lock")
"""Keys of a fix that are always there, null when not sent."""


def line_claims(line: str, *, now: datetime, profile: Profile = STANDARD) -> list[Claims]:
    """The claims of a line of hexadecimal: one object for each piece between its delimiters, cut as the gateway cuts a stream.

    Spaces, `0x`, commas and capitals do not matter; delimiters may be doubled, shared, or left out on both sides. `now` is aware.
    Never raises, and never gives nothing.
    """
    try:
        content = bytes_of(line)
    except ValueError as error:
        return [_refused("not_hex", str(error))]
    if DELIMITER not in content:
        return [content_claims(content, now=now, profile=profile)]
    pieces = _pieces(content)
    whole = content[content.index(DELIMITER) :].strip(b"\x7e")
    if _is_one(whole, pieces):
        return [content_claims(whole, now=now, profile=profile)]
    return [
        piece if isinstance(piece, dict) else content_claims(piece, now=now, profile=profile)
        for piece in pieces
    ]


def _pieces(content: bytes) -> list[bytes | Claims]:
    """Of a stream, in order: what stands between two delimiters, and a refusal for each end that has only one."""
    parts, deframer = content.split(b"\x7e"), Deframer()
    head, tail = parts[0], parts[-1]
    pieces: list[bytes | Claims] = []
    if head and _good(head):
        # Other bytes before the first delimiter are the rest of something, or junk: the gateway passes over both.
        pieces.append(_refused("unterminated", "the opening 7e is missing", head))
    for part in parts[:-1]:
        dropped = deframer.too_long
        pieces += deframer.feed(part + b"\x7e")
        if deframer.too_long > dropped:
            pieces.append(_refused("too_long", f"{len(part)} bytes, at most {CONTENT_MAX}", part))
    if tail:
        pieces.append(_refused("unterminated", "the closing 7e is missing", tail))
    return pieces or [head]


def _is_one(whole: bytes, pieces: list[bytes | Claims]) -> bool:
    """Is it one frame in which the terminal forgot to escape a 7e? No piece is one by itself, and all together are."""
    contents = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(contents) < 2 or len(contents) < len(pieces):
        return False
    if all(len(piece) < CONTENT_MIN for piece in contents):
        return True
    return _good(whole.replace(b"\x7e", escape(b"\x7e"))) and not any(_good(piece) for piece in contents)


def _good(content: bytes) -> bool:
    """Checksum and length are right."""
    try:
        header_parse(unwrap(content))
    except FrameError:
        return False
    return True


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
        **place_claims(fix, now=now),
        "acc": fix.acc,
        "alarms": alarm_names(fix.alarm, is_2019=is_2019),
        "alarm_hex": f"{fix.alarm:08x}",
        "status": status_names(fix.status, is_2019=is_2019),
        "status_hex": f"{fix.status:08x}",
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
