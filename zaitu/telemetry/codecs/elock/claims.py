"""Frames of locks → JSON objects (`zaitu decode elock`). Keys are stable; docs/elock-decode.md lists them."""

from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.elock import Deframer, ElockError, answer_of, decode
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.lines import bytes_of
from zaitu.telemetry.codecs.place_claims import place_claims

Claims = dict[str, Any]

_OF_FIX: Final = ("satellites", "signal", "battery_pct", "charging", "lock_source", "lock_card", "imei")
"""Keys of a fix that are always there, null when not sent."""


def line_claims(line: str, *, now: datetime) -> list[Claims]:
    """The claims of a line: a sentence as it is, or frames in hexadecimal, one or several. `now` is aware. Never raises."""
    try:
        content = line.strip().encode() if line.lstrip().startswith("(") else bytes_of(line)
    except ValueError as error:
        return [_refused(ElockError("not_hex", str(error)))]
    deframer = Deframer()
    frames = deframer.feed(content)
    if frames and not deframer.junk_bytes and not deframer.half:
        return [frame_claims(frame, now=now) for frame in frames]
    # Not whole frames alone: say what is wrong with the line as it is, or give the frames that are in it.
    claims = frame_claims(content, now=now)
    return [frame_claims(frame, now=now) for frame in frames] if frames and not claims["ok"] else [claims]


def frame_claims(frame: bytes, *, now: datetime) -> Claims:
    try:
        report = decode(frame)
    except ElockError as error:
        return _refused(error)
    answer = answer_of(report, now)
    return {
        "ok": True,
        "error": None,
        "form": report.form,
        "kind": report.kind,
        "device": report.device,
        "index": report.index,
        "backfill": report.backfill,
        "answer": _shown(answer),
        "fixes": [fix_claims(fix, now=now) for fix in report.fixes],
        "fields": report.fields,
    }


def _refused(error: ElockError) -> Claims:
    return {
        "ok": False,
        "error": error.code,
        "error_detail": error.detail,
        **dict.fromkeys(("form", "kind", "device", "index")),
        "backfill": False,
        "answer": None,
        "fixes": [],
        "fields": {},
    }


def _shown(answer: bytes | None) -> str | None:
    """A sentence as it is, a frame in hexadecimal."""
    if answer is None:
        return None
    return answer.decode("utf-8", "replace") if answer.startswith(b"(") else answer.hex()


def fix_claims(fix: Fix, *, now: datetime) -> Claims:
    extra = dict(fix.extra)
    return {
        **place_claims(fix, now=now),
        "temps_c": list(fix.temps_c),
        "humidity_pct": extra.pop("humidity_pct", []),
        "lock_closed": fix.lock_closed,
        "cover_closed": fix.cover_closed,
        "lock_events": fix.lock_events.names,
        "flags": extra.pop("flags", []),
        "status_hex": extra.pop("status_word", None),
        **{key: extra.pop(key, None) for key in _OF_FIX},
        **extra,
        "raw_items": [[f"{item_id:02x}", value.hex()] for item_id, value in fix.items],
    }
