"""A frame → what it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808.framing import FrameError, unwrap
from zaitu.telemetry.codecs.jt808.header import Header, header_parse
from zaitu.telemetry.codecs.jt808.location import batch_parse, location_parse
from zaitu.telemetry.codecs.jt808.values import text

TERMINAL_REPLY: Final = 0x0001
HEARTBEAT: Final = 0x0002
LOGOUT: Final = 0x0003
REGISTER: Final = 0x0100
AUTHENTICATE: Final = 0x0102
POSITION: Final = 0x0200
POSITION_ANSWER: Final = 0x0201
BATCH: Final = 0x0704
REPLY: Final = 0x8001
REGISTER_REPLY: Final = 0x8100

_PLATE_COLOURS: Final = frozenset({0, 1, 2, 3, 4, 5, 9})
# Bytes before the plate: province and city, maker, model, terminal id, colour.
_REGISTER_2011: Final = (5, 8, 7)
_REGISTER_2013: Final = (5, 20, 7)
_REGISTER_2019: Final = (11, 30, 30)
_IMEI: Final = 15
_SOFTWARE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    header: Header
    version: str
    """`2011`, `2013` (also where 2011 and 2013 cannot be told apart) or `2019`."""
    body: bytes
    fixes: tuple[Fix, ...] = ()
    backfill: bool = False
    """The positions were stored while there was no network."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Other values by name."""


Parts = dict[str, Any]
"""Of Message: fields, fixes, backfill, version."""


def decode(content: bytes) -> Message:
    """What stood between two delimiters, read. Raises FrameError.

    One part of a message in several frames is not read as a body: `fields["package"]` says which part it is.
    """
    return decode_plain(unwrap(content))


def decode_plain(plain: bytes) -> Message:
    """Header and body (unescaped, verified, without checksum), read. Raises FrameError."""
    header, body = header_parse(plain)
    version = "2019" if header.long_form else "2013"
    if header.package is not None:
        package = {"total": header.package.total, "number": header.package.number}
        return Message(
            header=header, version=version, body=body, fields={"package": package, "body": body.hex()}
        )
    parse = PARSERS.get(header.msg_id, _other)
    return Message(**{"header": header, "version": version, "body": body, **parse(body, version)})


def _other(body: bytes, _version: str) -> Parts:
    return {"fields": {"body": body.hex()} if body else {}}


def _register(body: bytes, version: str) -> Parts:
    sizes, version = _register_form(body, version)
    at = 4
    words = []
    for size in sizes:
        words.append(text(body[at : at + size]))
        at += size
    maker, model, terminal_id = words
    return {
        "version": version,
        "fields": {
            "province": int.from_bytes(body[0:2], "big"),
            "city": int.from_bytes(body[2:4], "big"),
            "maker": maker,
            "model": model,
            "terminal_id": terminal_id,
            "plate_color": body[at],
            "plate": text(body[at + 1 :]),
        },
    }


def _fixed_part(sizes: tuple[int, int, int]) -> int:
    return 4 + sum(sizes) + 1


def _register_form(body: bytes, version: str) -> tuple[tuple[int, int, int], str]:
    """By length: nothing in the header tells 2011 from 2013, and some terminals set the wrong version bit."""
    if len(body) >= _fixed_part(_REGISTER_2019):
        return _REGISTER_2019, "2019"
    colour_2011, colour_2013 = _fixed_part(_REGISTER_2011) - 1, _fixed_part(_REGISTER_2013) - 1
    if len(body) <= colour_2011:
        raise FrameError("short_body", f"a registration has 25 bytes or more, not {len(body)}")
    if len(body) > colour_2013:
        # A 2011 plate of 12 bytes and more looks like this too; the colour tells.
        if body[colour_2013] not in _PLATE_COLOURS and body[colour_2011] in _PLATE_COLOURS:
            return _REGISTER_2011, "2011"
        return _REGISTER_2013, "2013" if version == "2013" else version
    return _REGISTER_2011, "2011"


def _authenticate(body: bytes, version: str) -> Parts:
    """2011 and 2013: the code. 2019: its length, the code, IMEI, software; recognised by its length, whatever the header."""
    if body and len(body) == 1 + body[0] + _IMEI + _SOFTWARE:
        at = 1 + body[0]
        return {
            "version": "2019",
            "fields": {
                "auth": text(body[1:at]),
                "imei": text(body[at : at + _IMEI]),
                "software": text(body[at + _IMEI :]),
            },
        }
    if version == "2019" and body and 0 < body[0] < len(body):
        # A 2019 body cut short or padded by the vendor: the code is still where its length says.
        return {"fields": {"auth": text(body[1 : 1 + body[0]])}}
    return {"fields": {"auth": text(body)}}


def _position(body: bytes, _version: str) -> Parts:
    return {"fixes": (location_parse(body),)}


def _position_answer(body: bytes, _version: str) -> Parts:
    return {"fixes": (location_parse(body[2:]),), "fields": {"reply_serial": int.from_bytes(body[:2], "big")}}


def _batch(body: bytes, _version: str) -> Parts:
    batch = batch_parse(body)
    fields: Parts = {"count": batch.count, "batch_type": body[2]}
    if batch.skipped:
        fields["skipped"] = batch.skipped.hex()
    return {"fixes": batch.fixes, "backfill": batch.backfill, "fields": fields}


def _reply(body: bytes, _version: str) -> Parts:
    if len(body) < 5:
        raise FrameError("short_body", f"a reply has 5 bytes, not {len(body)}")
    return {
        "fields": {
            "reply_serial": int.from_bytes(body[0:2], "big"),
            "reply_id": f"0x{body[2:4].hex()}",
            "result": body[4],
        }
    }


def _register_reply(body: bytes, _version: str) -> Parts:
    if len(body) < 3:
        raise FrameError("short_body", f"a registration reply has 3 bytes or more, not {len(body)}")
    return {
        "fields": {
            "reply_serial": int.from_bytes(body[0:2], "big"),
            "result": body[2],
            "auth": text(body[3:]),
        }
    }


PARSERS: Final[dict[int, Callable[[bytes, str], Parts]]] = {
    TERMINAL_REPLY: _reply,
    REGISTER: _register,
    AUTHENTICATE: _authenticate,
    POSITION: _position,
    POSITION_ANSWER: _position_answer,
    BATCH: _batch,
    REPLY: _reply,
    REGISTER_REPLY: _register_reply,
}
