"""A frame → what it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.jt808.catalogue import DRIVER, DRIVER_2011, LAYOUTS, MEDIA
from zaitu.telemetry.codecs.jt808.framing import FrameError, unwrap
from zaitu.telemetry.codecs.jt808.header import Header, header_parse
from zaitu.telemetry.codecs.jt808.layout import Reader
from zaitu.telemetry.codecs.jt808.location import BLOCK, batch_parse, location_parse
from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Profile
from zaitu.telemetry.codecs.jt808.values import is_bcd, text

TERMINAL_REPLY: Final = 0x0001
HEARTBEAT: Final = 0x0002
LOGOUT: Final = 0x0003
SERVER_TIME: Final = 0x0004
TERMINAL_RESEND: Final = 0x0005
REGISTER: Final = 0x0100
AUTHENTICATE: Final = 0x0102
PARAMETERS: Final = 0x0104
ATTRIBUTES: Final = 0x0107
POSITION: Final = 0x0200
POSITION_ANSWER: Final = 0x0201
AREAS: Final = 0x0608
WAYBILL: Final = 0x0701
DRIVER_CARD: Final = 0x0702
BATCH: Final = 0x0704
MEDIA_EVENT: Final = 0x0800
MEDIA_DATA: Final = 0x0801
PHOTO_ANSWER: Final = 0x0805
TRANSPARENT_UP: Final = 0x0900
REPLY: Final = 0x8001
RESEND: Final = 0x8003
SERVER_TIME_REPLY: Final = 0x8004
REGISTER_REPLY: Final = 0x8100
PARAMETERS_SET: Final = 0x8103
PARAMETERS_ASK_ALL: Final = 0x8104
CONTROL: Final = 0x8105
PARAMETERS_ASK: Final = 0x8106
ATTRIBUTES_ASK: Final = 0x8107
POSITION_ASK: Final = 0x8201
TRACKING: Final = 0x8202
ALARM_CONFIRM: Final = 0x8203
TEXT_TO_DRIVER: Final = 0x8300
CIRCLES_SET: Final = 0x8600
CIRCLES_DELETE: Final = 0x8601
RECTANGLES_SET: Final = 0x8602
RECTANGLES_DELETE: Final = 0x8603
POLYGON_SET: Final = 0x8604
POLYGONS_DELETE: Final = 0x8605
ROUTE_SET: Final = 0x8606
ROUTES_DELETE: Final = 0x8607
AREAS_ASK: Final = 0x8608
MEDIA_REPLY: Final = 0x8800
PHOTO: Final = 0x8801
TRANSPARENT_DOWN: Final = 0x8900

_PLATE_COLOURS: Final = frozenset({0, 1, 2, 3, 4, 5, 9})
# Bytes before the plate: province and city, maker, model, terminal id, colour.
_REGISTER_2011: Final = (5, 8, 7)
_REGISTER_2013: Final = (5, 20, 7)
_REGISTER_2019: Final = (11, 30, 30)
_IMEI: Final = 15
_SOFTWARE: Final = 20
_SIGNATURES: Final = (b"\xff\xd8", b"II*\0", b"MM\0*", b"ID3", b"RIFF", b"\x30\x26\xb2\x75")
"""How JPEG, TIFF, MP3, WAV and WMV begin."""


class Result(IntEnum):
    """What 0x0001 and 0x8001 say became of a message (JT/T 808 tables 4 and 5)."""

    OK = 0
    FAILED = 1
    MALFORMED = 2
    UNSUPPORTED = 3


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
    """Other values by name; docs/jt808-decode.md lists them."""
    content: bytes = b""
    """A picture, sound or film (0x0801)."""


Told = dict[str, Any]
"""Of Message: fields, fixes, backfill, version, content."""


def decode(content: bytes, profile: Profile = STANDARD) -> Message:
    """What stood between two delimiters, read. Raises FrameError.

    One part of a message in several frames is not read as a body: `fields["package"]` says which part it is, and
    parts.Parts puts them together.
    """
    return decode_plain(unwrap(content), profile)


def decode_plain(plain: bytes, profile: Profile = STANDARD) -> Message:
    """Header and body (unescaped, verified, without checksum), read. Raises FrameError."""
    header, body = header_parse(plain)
    if header.package is not None:
        package = {"total": header.package.total, "number": header.package.number}
        fields = {"package": package, "body": body.hex()}
        return Message(header=header, version=_version(header), body=body, fields=fields)
    return message_of(header, body, profile)


def message_of(header: Header, body: bytes, profile: Profile = STANDARD) -> Message:
    """A whole body read, whether it came in one frame or in several. Raises FrameError `short_body`."""
    version = _version(header)
    parse = PARSERS.get(header.msg_id)
    told = parse(body, version, profile) if parse else _by_table(header.msg_id, body, version)
    return Message(**{"header": header, "version": version, "body": body, **told})


def _version(header: Header) -> str:
    return "2019" if header.long_form else "2013"


def _by_table(msg_id: int, body: bytes, version: str) -> Told:
    if msg_id in LAYOUTS:
        return {"fields": LAYOUTS[msg_id].read(body, version)}
    return {"fields": {"body": body.hex()} if body else {}}


def _register(body: bytes, version: str, _profile: Profile) -> Told:
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


def _authenticate(body: bytes, version: str, _profile: Profile) -> Told:
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


def _position(body: bytes, _version: str, profile: Profile) -> Told:
    return {"fixes": (location_parse(body, profile),)}


def _position_answer(body: bytes, _version: str, profile: Profile) -> Told:
    fields = {"reply_serial": int.from_bytes(body[:2], "big")}
    return {"fixes": (location_parse(body[2:], profile),), "fields": fields}


def _batch(body: bytes, _version: str, profile: Profile) -> Told:
    batch = batch_parse(body, profile)
    fields: Told = {"count": batch.count, "batch_type": body[2]}
    if batch.skipped:
        fields["skipped"] = batch.skipped.hex()
    return {"fixes": batch.fixes, "backfill": batch.backfill, "fields": fields}


def _driver_card(body: bytes, version: str, _profile: Profile) -> Told:
    """2011 has neither state nor time: the name comes first."""
    if version == "2013" and not (body[:1] in {b"\x01", b"\x02"} and is_bcd(body[1:7])):
        return {"version": "2011", "fields": DRIVER_2011.read(body, version)}
    return {"fields": DRIVER.read(body, version)}


def _media(body: bytes, version: str, profile: Profile) -> Told:
    reader, fields = Reader(body, version), Told()
    MEDIA.read(reader, fields)
    content = reader.rest()
    if _placed(content, version):
        fix, content = location_parse(content[: BLOCK.size], profile), content[BLOCK.size :]
        time = None if fix.time is None else fix.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        fields.update(time_utc=time, lat=fix.lat, lon=fix.lon, fixed=fix.fixed)
    return {"fields": {**fields, "data_bytes": len(content)}, "content": content}


def _placed(content: bytes, version: str) -> bool:
    """Is the place where it was taken told before it? Since 2013 it is; a 2011 file begins at once."""
    return version == "2019" or (len(content) >= BLOCK.size and not content.startswith(_SIGNATURES))


Parser = Callable[[bytes, str, Profile], Told]
PARSERS: Final[dict[int, Parser]] = {
    REGISTER: _register,
    AUTHENTICATE: _authenticate,
    POSITION: _position,
    POSITION_ANSWER: _position_answer,
    BATCH: _batch,
    DRIVER_CARD: _driver_card,
    MEDIA_DATA: _media,
}
"""What is not read by a table alone."""
KNOWN: Final = frozenset({*PARSERS, *LAYOUTS})
