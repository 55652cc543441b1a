"""Frames of locks → JSON objects (`zaitu decode elock`). Keys are stable; docs/elock-decode.md lists them."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.elock import Deframer, ElockError, answer_of, decode
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.lines import bytes_of
from zaitu.telemetry.codecs.place_claims import place_claims

Claims = dict[str, Any]

_OF_FIX: Final = ("satellites", "signal", "battery_pct", "charging", "lock_source", "lock_card", "imei")
"""Keys of a fix that are always there, null when not sent."""
_BEGIN: Final = re.compile(rb"[$(\x7e]")


def line_claims(line: str, *, now: datetime) -> list[Claims]:
    """The claims of a line: a sentence as it is, or frames in hexadecimal, one or several. `now` is aware. Never raises."""
    try:
        content = _content(line)
    except ValueError as error:
        return [_refused(ElockError("not_hex", str(error)))]
    frames = _frames(content)
    whole = frame_claims(content, now=now)
    if whole["ok"] or not frames:
        return [whole]
    return [frame_claims(piece, now=now) for piece in _pieces(content, frames)]


def _content(line: str) -> bytes:
    """Sentences as they are, with whatever stands before them, or hexadecimal. Raises ValueError."""
    if line.lstrip().startswith("("):
        return line.strip().encode("utf-8", "replace")
    try:
        return bytes_of(line)
    except ValueError:
        if "(" not in line:
            raise
        return line[line.index("(") :].strip().encode("utf-8", "replace")


def _frames(content: bytes) -> list[bytes]:
    """As the gateway cuts a stream; but at the end of a line what is begun will not go on, and may hide whole frames."""
    found: list[bytes] = []
    while True:
        deframer = Deframer()
        frames = deframer.feed(content)
        found += frames
        if not deframer.half:
            return found
        begun = deframer.held
        again = _BEGIN.search(begun, 1)
        if again is None:
            return found
        content = begun[again.start() :]


def _pieces(content: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """The frames, and what between them begins like one and is none."""
    at = 0
    for frame in frames:
        start = content.index(frame, at)
        yield from _bad(content[at:start])
        yield frame
        at = start + len(frame)
    yield from _bad(content[at:])


def _bad(gap: bytes) -> Iterator[bytes]:
    gap = gap.rstrip(b"\r\n \x7e")
    begun = _BEGIN.search(gap)
    if begun:
        piece = gap[begun.start() :]
        # The delimiter that closes it may open the next one.
        yield b"\x7e" + piece.lstrip(b"\x7e") + b"\x7e" if piece.startswith(b"\x7e") else piece


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
