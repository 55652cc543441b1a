"""What has to hold for any bytes, one function per codec: `TARGETS[name](data)` raises when it does not.

Used by the coverage-guided fuzzer (run.py), by hypothesis where there is none, and for the corpus.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from zaitu.telemetry.codecs import osmand_claims
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.elock import Deframer as ElockDeframer
from zaitu.telemetry.codecs.elock import ElockError, answer_of
from zaitu.telemetry.codecs.elock import claims as elock_claims
from zaitu.telemetry.codecs.elock import decode as elock_decode
from zaitu.telemetry.codecs.elock.framing import HELD_MAX
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, Message, decode, messages
from zaitu.telemetry.codecs.jt808 import claims as jt808_claims
from zaitu.telemetry.codecs.jt808.catalogue import LAYOUTS
from zaitu.telemetry.codecs.jt808.encode import body_of, frame
from zaitu.telemetry.codecs.jt808.framing import BODY_MAX, CONTENT_MAX
from zaitu.telemetry.codecs.jt808.header import Header, Package
from zaitu.telemetry.codecs.jt808.parts import PartLimits, Parts
from zaitu.telemetry.codecs.jt808.profiles import PROFILES
from zaitu.telemetry.codecs.osmand import OsmandError, json_parse, query_parse
from zaitu.telemetry.codecs.sensors import SensorError, payload_read
from zaitu.telemetry.codecs.trace import TraceError, columns_parse, places_read

NOW = datetime(2026, 11, 22, tzinfo=UTC)
IDS = sorted(messages.KNOWN)
_PROFILES = list(PROFILES.values())
_COLUMNS = columns_parse("lat=a,lon=o,time=t,speed=v:mps,odometer=d:km,temp=c")


def _tried(read, refusal):
    """(what was read, the codec's own error); any other error is a finding."""
    try:
        return read(), None
    except refusal as error:
        return None, error


def _stored(fixes) -> None:
    """Whatever is read can be stored and told."""
    columns = columns_of([Report(terminal="1", fix=fix) for fix in fixes], received_at=NOW)
    for row in range(len(columns)):
        json.loads(columns.piece(columns.extra, row) or b"{}")


def _bounded(content: object, size: int) -> None:
    told = len(json.dumps(content))
    assert told < 20_000 + 200 * size, f"{told} bytes told of {size}"


def _pieces(data: bytes) -> Iterator[bytes]:
    """The stream in pieces whose sizes its first bytes choose."""
    sizes = itertools.cycle([1 + byte % 97 for byte in data[:4]] or [1])
    at = 4
    while at < len(data):
        size = next(sizes)
        yield data[at : at + size]
        at += size


def jt808(data: bytes) -> None:
    """Byte 0: a stream (0), or a body of a known message under a right checksum; byte 1: version, profile."""
    if len(data) < 2:
        return
    if data[0] % 4 == 0:
        deframer = Deframer()
        for piece in _pieces(data[1:]):
            for content in deframer.feed(piece):
                _frame(content, data[1])
            assert len(deframer._content) <= CONTENT_MAX
        return
    long_form = bool(data[1] & 1)
    msg_id = IDS[data[0] % len(IDS)]
    phone = bytes(10 if long_form else 6)
    protocol = 1 if long_form else None
    content = frame(msg_id, data[2:][:BODY_MAX], phone_bcd=phone, serial=1, protocol=protocol)
    message = _frame(content[1:-1], data[1])
    if message is not None and msg_id in LAYOUTS:
        _again(message)


def _frame(content: bytes, choice: int) -> Message | None:
    claims = jt808_claims.content_claims(content, now=NOW)
    _bounded(claims, len(content))
    message, _refused = _tried(lambda: decode(content, _PROFILES[choice % len(_PROFILES)]), FrameError)
    if message is not None:
        _stored(message.fixes)
    return message


def _again(message: Message) -> None:
    """What was read can be written, or is refused with a ValueError; what was written can be read."""
    body, _refused = _tried(
        lambda: body_of(message.header.msg_id, message.fields, message.version), ValueError
    )
    # A driver's card of 2011 is known by its form alone, and text that was no text may give it another.
    if body is not None and message.version != "2011":
        messages.message_of(message.header, body)


def parts(data: bytes) -> None:
    """Six bytes a part: terminal and message, serial, total, number, size, pause. Nothing is lost or kept beyond the limits."""
    limits = PartLimits(uploads=3, terminal_bytes=5_000, total_bytes=12_000, tries=2, keep_s=120)
    whole, at_s = Parts(limits), 0.0
    for at in range(0, len(data) - 5, 6):
        who, serial, total, number, size, pause = data[at : at + 6]
        header = Header(
            msg_id=0x0801 + (who >> 6),
            attributes=0,
            protocol=None,
            phone_bcd=bytes([0, 0, 0, 0, 0, who & 3]),
            serial=(serial << 8 | serial) + number & 0xFFFF,
            package=Package(total=total % 9, number=number % 9),
        )
        got, refused = _tried(partial(whole.add, header, bytes([number]) * size, at_s), FrameError)
        assert got is None or got.header.package is None
        assert refused is None or refused.code == "bad_package"
        at_s += pause / 16
        due = whole.due(at_s)
        assert all(ask.numbers and max(ask.numbers) <= 8 for ask in due.asks)
        assert whole.held_bytes <= limits.total_bytes
    whole.due(at_s + 1_000)
    for later in range(10):
        whole.due(at_s + 1_000 + 10 * later)
    assert (whole.held_bytes, whole._terminals) == (0, {})


def elock(data: bytes) -> None:
    deframer = ElockDeframer()
    for piece in _pieces(data):
        for content in deframer.feed(piece):
            _lock(content)
        assert len(deframer._held) <= HELD_MAX
    _lock(data)
    _bounded(elock_claims.line_claims(data.decode("utf-8", "replace"), now=NOW), len(data))


def _lock(content: bytes) -> None:
    claims = elock_claims.frame_claims(content, now=NOW)
    _bounded(claims, len(content))
    report, refused = _tried(lambda: elock_decode(content), ElockError)
    if report is None:
        assert claims["error"] == refused.code
        return
    _stored(report.fixes)
    answer = answer_of(report, NOW)
    assert answer is None or len(answer) < 2 * len(content) + 64


def osmand(data: bytes) -> None:
    line = data.decode("utf-8", "replace")
    for read in (
        partial(json_parse, data),
        partial(query_parse, line),
        partial(query_parse, "id=1&lat=1&lon=2&" + line),
    ):
        told, refused = _tried(read, OsmandError)
        _stored(told.fixes if told else ())
        assert told or refused.code
    _bounded(osmand_claims.line_claims(line, now=NOW), len(data))


def sensors(data: bytes) -> None:
    told, refused = _tried(lambda: payload_read(data, now=NOW), SensorError)
    if told is None:
        assert refused.code
        return
    assert 0 < len(told) <= 500
    _stored([one.fix for one in told])
    _bounded([one.fix.extra for one in told], len(data))


def trace(data: bytes) -> None:
    """The first line may be a description of columns; the rest is a file."""
    text = data.decode("utf-8", "replace")
    _tried(lambda: columns_parse(text.partition("\n")[0]), TraceError)
    lines = ["t,a,o,v,d,c", *text.split("\n")[1:]]
    for place in places_read((line + "\n" for line in lines), _COLUMNS):
        if not isinstance(place, str):
            assert abs(place.lat) <= 90
            assert abs(place.lon) <= 180


TARGETS: dict[str, Callable[[bytes], None]] = {
    "jt808": jt808,
    "parts": parts,
    "elock": elock,
    "osmand": osmand,
    "sensors": sensors,
    "trace": trace,
}
