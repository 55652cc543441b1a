"""Sentences in brackets: `(8000632862,P45,…)`, `(8054201973,1,168,WLNET,5,2,…)`.

Sources: Jointech's public SDK and the examples of its manual (P22, P45, P52, WLNET), recorded sentences (U01–U06, W01, @JT, ELOCK, BASE).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from zaitu.telemetry.codecs.elock.place import time_read
from zaitu.telemetry.codecs.elock.report import ElockError, Report
from zaitu.telemetry.codecs.elock.sublocks import payload_read, unescape
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

TEXT_MAX: Final = 1024
_KMH_PER_MPH: Final = 1.609344
_WORDS_MAX: Final = 64
Words = Sequence[str]

SOURCES: Final = {
    1: "card",
    2: "unauthorised_card",
    3: "vehicle_card",
    4: "static_password",
    5: "auto_locked",
    6: "dynamic_password",
    7: "bluetooth",
    8: "string_pulled_out",
}
"""P45: what the event came from."""
_CARD, _ILLEGAL, _STATIC, _LOCKED, _DYNAMIC, _BLUETOOTH, _PULLED = 1, 2, 4, 5, 6, 7, 8
_OUTSIDE_FENCE: Final = 99
_SPEAKERS: Final = frozenset({"WLNET", "ELOCK", "BASE", "OTA"})


def text_read(frame: bytes) -> Report:
    """Raises ElockError `bad_text`, `short_text`, `bad_digits`, `bad_length`."""
    if not (frame.startswith(b"(") and frame.endswith(b")")):
        raise ElockError("bad_text", "a sentence stands in round brackets")
    pieces = frame[1:-1].split(b",", _WORDS_MAX)
    if len(pieces) > 5 and pieces[3:5] == [b"WLNET", b"5"]:
        return _sublock(frame[1:-1])
    words = [piece.decode("ascii", "replace").strip() for piece in pieces]
    if not words[0].isascii() or not words[0].isdecimal():
        raise ElockError("bad_text", "a sentence begins with the lock's number")
    speaks = words[3] if len(words) > 3 and words[3] in _SPEAKERS else "".join(words[1:2])
    return _READERS.get(speaks, _other)(words)


def _device(word: str) -> str:
    return word.lstrip("0") or "0"


def _other(words: Words) -> Report:
    return Report(form="text", kind="reply", device=_device(words[0]), fields={"words": list(words[1:])})


def _need(words: Words, count: int) -> None:
    if len(words) < count:
        raise ElockError("short_text", f"{words[1]} has {count} words or more, not {len(words)}")


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e11:
        raise ElockError("bad_text", f"{word!r} is no number")
    return value


def _whole(word: str) -> int:
    return int(_number(word))


def _degrees(word: str, half: str, limit: int) -> float | None:
    """Decimal degrees, or DDDMM.mmmm where the number is too large for them."""
    if abs(_number(word)) > limit:
        return _degrees_minutes(word, half, limit)
    value = abs(_number(word))
    return -value if half in {"S", "W"} and value else value


def _degrees_minutes(word: str, half: str, limit: int) -> float | None:
    whole, minutes = divmod(abs(_number(word)), 100)
    value = round(whole + minutes / 60, 7)
    if value > limit:
        return None
    return -value if half in {"S", "W"} and value else value


def _fix(
    date: str,
    clock: str,
    where: tuple[float | None, float | None, bool],
    core: str,
    **others: Any,
) -> Fix:
    lat, lon, valid = where
    time, time_flag = time_read(date + clock) if len(date + clock) == 12 else time_read("x")
    fixed = valid and lat is not None and lon is not None and bool(lat or lon)
    return Fix(
        time=time, time_flag=time_flag, lat=lat, lon=lon, fixed=fixed, core=core.encode("utf-8"), **others
    )


def _p45(words: Words) -> Report:
    """P45, date, time, lat, N, lon, E, A, km/h, course, source, check, card, password right, wrong ones, index, km."""
    _need(words, 15)
    source, check, card = _whole(words[11]), _whole(words[12]), words[13]
    events, opened = _p45_events(source, check, password_right=words[14] != "0")
    index = _whole(words[16]) if len(words) > 16 else None
    extra: dict[str, Any] = {
        "lock_source": SOURCES.get(source, source),
        "lock_check": check,
        "lock_card": card if card.strip("0") else None,
    }
    if check == _OUTSIDE_FENCE:
        extra["lock_refused"] = "outside_fence"
    if len(words) > 15:
        extra["wrong_passwords"] = _whole(words[15])
    where = (_degrees(words[4], words[5], 90), _degrees(words[6], words[7], 180), words[8] == "A")
    fix = _fix(
        words[2],
        words[3],
        where,
        ",".join(words[2:16]),
        speed_kmh=_number(words[9]),
        course_deg=_whole(words[10]) % 360,
        odometer_m=_whole(words[17]) * 1000 if len(words) > 17 and words[17].isdecimal() else None,
        extra=extra,
        lock_events=events,
        lock_closed=opened,
    )
    # A lock whose sentence ends before the index is of the old kind, which waits for P46 (traccar#5550).
    reply = b"(P46)" if index is None else b"(P69,0,%d)" % index
    return Report(form="text", kind="event", device=_device(words[0]), index=index, fixes=(fix,), reply=reply)


def _p45_events(source: int, check: int, *, password_right: bool) -> tuple[LockEvent, bool | None]:
    """Events, and whether the lock is closed after them; None: it does not say."""
    if source == _ILLEGAL:
        return LockEvent.UNAUTHORISED_CARD, None
    if source == _LOCKED:
        return LockEvent.CLOSED, True
    if source == _PULLED:
        return LockEvent.OPENED, False
    wrong = (source == _STATIC and not password_right) or (source == _DYNAMIC and check == 0)
    if wrong:
        return LockEvent.WRONG_PASSWORD, None
    if (
        source in {_CARD, _STATIC, _DYNAMIC, _BLUETOOTH}
        and check != _OUTSIDE_FENCE
        and (check or source != _CARD)
    ):
        return LockEvent.OPENED, False
    return NO_EVENT, None


def _u01(words: Words) -> Report:
    """U01, [alarm,] date, time, T, lat, N, lon, E, mph, course, satellites, battery%, states, cell, lac, signal, km."""
    alarm = None
    if len(words) > 2 and len(words[2]) != 6:
        alarm, words = words[2], [*words[:2], *words[3:]]
    _need(words, 18)
    battery = _number(words[12].removesuffix("%"))
    fix = _fix(
        words[2],
        words[3],
        (_degrees(words[5], words[6], 90), _degrees(words[7], words[8], 180), words[4] == "T"),
        ",".join(words[2:18]),
        speed_kmh=round(_number(words[9]) * _KMH_PER_MPH, 2),
        course_deg=_whole(words[10]) % 360,
        odometer_m=_whole(words[17]) * 1000,
        extra={
            "satellites": _whole(words[11]),
            "battery_pct": battery,
            "states": words[13],
            "cell": {"id": _whole(words[14]), "lac": _whole(words[15])},
            "signal": _whole(words[16]),
        },
    )
    reply = b"(S20)" if words[1] == "U06" else b"(S39)"
    fields = {} if alarm is None else {"alarm_code": _whole(alarm)}
    return Report(
        form="text", kind="position", device=_device(words[0]), fixes=(fix,), fields=fields, reply=reply
    )


def _w01(words: Words) -> Report:
    """W01, DDDMM.mmmm, E, DDMM.mmmm, N, A, date, time, km/h, course, battery, satellites, signal, alarm."""
    _need(words, 15)
    lat, lon = (_degrees_minutes(words[at], words[at + 1], limit) for at, limit in ((4, 90), (2, 180)))
    fix = _fix(
        words[7],
        words[8],
        (lat, lon, words[6] == "A"),
        ",".join(words[2:15]),
        speed_kmh=_number(words[9]),
        course_deg=_whole(words[10]) % 360,
        extra={
            "battery_pct": _number(words[11]),
            "satellites": _whole(words[12]),
            "signal": _whole(words[13]),
        },
    )
    fields = {"alarm_code": _whole(words[14])}
    return Report(form="text", kind="position", device=_device(words[0]), fixes=(fix,), fields=fields)


def _sublock(content: bytes) -> Report:
    """id, 1, serial, WLNET, 5, 2, then bytes: what a lock or sensor on the lock's own radio reports."""
    head = content.split(b",", 6)
    if len(head) < 7 or not head[0].isdigit() or not head[2].isdigit():
        raise ElockError("short_text", "WLNET,5 has a number, a serial and seven pieces")
    fix, backfill, fields = payload_read(unescape(head[6]))
    index = int(head[2])
    return Report(
        form="text",
        kind="sensor",
        device=_device(head[0].decode("ascii")),
        index=index,
        fixes=(fix,),
        backfill=backfill,
        fields=fields,
        reply=b"(P69,0,%d)" % index,
    )


def _heartbeat(words: Words) -> Report:
    return Report(form="text", kind="heartbeat", device=_device(words[0]))


def _time(words: Words) -> Report:
    """P22: the lock asks for the time."""
    return _asks_time(words, "(P22,TIME)", "%d%m%y%H%M%S")


def _asks_time(words: Words, reply: str, time_format: str) -> Report:
    return Report(
        form="text",
        kind="time",
        device=_device(words[0]),
        reply=reply.encode("utf-8"),
        time_format=time_format,
    )


def _password(words: Words) -> Report:
    """P52,2,…: the lock tells its new dynamic password, once a minute until it is acknowledged. It is not repeated here."""
    told = len(words) > 3 and words[2] == "2"
    reply = f"(P52,2,{words[3]})".encode() if told else None
    return Report(form="text", kind="password", device=_device(words[0]), reply=reply)


def _base(words: Words) -> Report:
    """BASE,2,TIME: another way to ask for the time; the answer is the sentence with the time in it."""
    if [word.upper() for word in words[3:6]] != ["BASE", "2", "TIME"]:
        return _other(words)
    return _asks_time(words, f"({','.join(words[:5])},TIME)", "%Y%m%d%H%M%S")


_READERS: Final[dict[str, Callable[[Words], Report]]] = {
    "P22": _time,
    "P45": _p45,
    "P52": _password,
    "U01": _u01,
    "U02": _u01,
    "U03": _u01,
    "U06": _u01,
    "W01": _w01,
    "@JT": _heartbeat,
    "BASE": _base,
}
