"""Bodies and frames, for the platform's end and for the terminal's (replay, demo fleet, tests).

Any message with a table is written by `body_of` from the names it is read into; the rest have functions of their own.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zaitu.telemetry.codecs.jt808 import messages
from zaitu.telemetry.codecs.jt808.catalogue import DRIVER_2011, LAYOUTS, MEDIA
from zaitu.telemetry.codecs.jt808.framing import BODY_MAX, wrap
from zaitu.telemetry.codecs.jt808.header import Header, Package
from zaitu.telemetry.codecs.jt808.location import BLOCK
from zaitu.telemetry.codecs.jt808.values import time_bcd

_LONG_FORM: Final = 0x4000
_PACKAGED: Final = 0x2000
_UNKNOWN: Final = 0xFFFF


def frame(  # noqa: PLR0913  one keyword for each thing a header says
    msg_id: int,
    body: bytes,
    *,
    phone_bcd: bytes,
    serial: int,
    protocol: int | None = None,
    package: Package | None = None,
    version_bit: bool | None = None,
) -> bytes:
    """A frame ready for the wire; the long header when `protocol` is given. Raises ValueError for a body over 1,023.

    `version_bit`: what the header says of its form; None: the truth.
    """
    if len(body) > BODY_MAX:
        raise ValueError(f"a body has at most {BODY_MAX} bytes, not {len(body)}")
    flagged = protocol is not None if version_bit is None else version_bit
    attributes = len(body) | (_LONG_FORM if flagged else 0) | (_PACKAGED if package else 0)
    version = b"" if protocol is None else bytes([protocol])
    head = struct.pack(">HH", msg_id, attributes) + version + phone_bcd + struct.pack(">H", serial & 0xFFFF)
    part = struct.pack(">HH", package.total, package.number) if package else b""
    return wrap(head + part + body)


def split(body: bytes, size: int = BODY_MAX) -> list[tuple[Package | None, bytes]]:
    """A body in as many parts as it needs; one that fits a frame is no part of anything. Raises ValueError over 65,535 parts."""
    if len(body) <= size:
        return [(None, body)]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    if len(pieces) > 0xFFFF:
        raise ValueError(f"{len(body)} bytes are too many for one message")
    return [
        (Package(total=len(pieces), number=number), piece) for number, piece in enumerate(pieces, start=1)
    ]


def body_of(msg_id: int, values: Mapping[str, Any], version: str = "2013") -> bytes:
    """The body of any message that has a table, from the values it would be read into (docs/jt808-decode.md).

    `version` is `2011`, `2013` or `2019`. Raises ValueError: no such table, a value missing or out of range.
    """
    if msg_id == messages.DRIVER_CARD and version == "2011":
        return DRIVER_2011.write(dict(values), version)
    if msg_id not in LAYOUTS:
        raise ValueError(f"0x{msg_id:04x} is not written from values")
    return LAYOUTS[msg_id].write(dict(values), version)


def resend_body(first_serial: int, numbers: Sequence[int], version: str) -> bytes:
    """0x8003: parts to send again; their count is a byte until 2013 and a word in 2019."""
    return body_of(messages.RESEND, {"first_serial": first_serial, "numbers": list(numbers)}, version)


def media_body(
    values: Mapping[str, Any], content: bytes, place: "Place | None", version: str = "2013"
) -> bytes:
    """0x0801: values as of 0x0800; the place was not sent until 2011. Raises ValueError."""
    block = b"" if place is None else position_body(place)[: BLOCK.size]
    return MEDIA.write(dict(values), version) + block + content


def answer(to: Header, msg_id: int, body: bytes, *, serial: int) -> bytes:
    """A downlink in the form of the uplink it answers: version bit, version byte and phone as received."""
    return frame(
        msg_id,
        body,
        phone_bcd=to.phone_bcd,
        serial=serial,
        protocol=to.protocol,
        version_bit=to.version_bit,
    )


def downlinks(to: Header, msg_id: int, body: bytes, *, serial: int) -> list[bytes]:
    """As `answer`, in as many frames as the body needs; their serials rise from `serial` and wrap."""
    return [
        frame(
            msg_id,
            piece,
            phone_bcd=to.phone_bcd,
            serial=serial + number,
            protocol=to.protocol,
            package=package,
            version_bit=to.version_bit,
        )
        for number, (package, piece) in enumerate(split(body))
    ]


def reply_body(to: Header, result: int) -> bytes:
    """0x8001: 0 done, 1 failed, 2 malformed, 3 unsupported, 4 alarm handled."""
    return struct.pack(">HHB", to.serial, to.msg_id, result)


def register_reply_body(to: Header, result: int, code: str = "") -> bytes:
    """0x8100: 0 registered (with its code), 1 vehicle taken, 2 no such vehicle, 3 terminal taken, 4 no such terminal."""
    return struct.pack(">HB", to.serial, result) + (code.encode("gbk") if result == 0 else b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Who a terminal says it is. Too long words are cut to the version's size."""

    province: int = 31
    city: int = 115
    maker: str = "ZAITU"
    model: str = "REPLAY"
    terminal_id: str = "0000001"
    plate_color: int = 2
    plate: str = ""


_WORD_SIZES: Final = {"2011": (5, 8, 7), "2013": (5, 20, 7), "2019": (11, 30, 30)}


def register_body(who: Registration, version: str) -> bytes:
    """0x0100 for `2011`, `2013` or `2019`."""
    maker, model, terminal_id = _WORD_SIZES[version]
    return (
        struct.pack(">HH", who.province, who.city)
        + who.maker.encode("gbk")[:maker].ljust(maker, b"\0")
        + who.model.encode("gbk")[:model].ljust(model, b"\0")
        + who.terminal_id.encode("gbk")[:terminal_id].ljust(terminal_id, b"\0")
        + bytes([who.plate_color])
        + who.plate.encode("gbk")
    )


def authenticate_body(code: str, version: str, *, imei: str = "", software: str = "") -> bytes:
    """0x0102."""
    word = code.encode("gbk")
    if version != "2019":
        return word
    return (
        bytes([len(word)])
        + word
        + imei.encode("ascii")[:15].ljust(15, b"\0")
        + software.encode("ascii")[:20].ljust(20, b"\0")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position as a terminal reports it."""

    time: datetime
    """Aware, of this century."""
    lat: float
    lon: float
    speed_kmh: float | None = 0.0
    """0..6553.4; None: not known."""
    course_deg: int | None = 0
    """None: not known."""
    altitude_m: int = 0
    alarm: int = 0
    status: int = 0b11
    """South and west are set from the coordinates; the default is ignition on and fixed."""
    odometer_m: int | None = None
    temps_c: tuple[float | None, ...] = ()
    items: bytes = b""
    """More items, already packed."""


def position_body(place: Place) -> bytes:
    """0x0200."""
    status = place.status & ~0b1100 | (0b100 if place.lat < 0 else 0) | (0b1000 if place.lon < 0 else 0)
    block = BLOCK.pack(
        place.alarm,
        status,
        round(abs(place.lat) * 1e6),
        round(abs(place.lon) * 1e6),
        place.altitude_m,
        _UNKNOWN if place.speed_kmh is None else min(round(place.speed_kmh * 10), 0xFFFE),
        _UNKNOWN if place.course_deg is None else place.course_deg % 360,
        time_bcd(place.time),
    )
    if place.odometer_m is not None:
        block += b"\x01\x04" + struct.pack(">I", place.odometer_m // 100 & 0xFFFFFFFF)
    if place.temps_c:
        words = [0xFFFF if temp is None else round(temp * 10) & 0xFFFF for temp in place.temps_c]
        block += bytes([0x51, 2 * len(words)]) + struct.pack(f">{len(words)}H", *words)
    return block + place.items


def batch_packs(places: Sequence[Place], *, backfill: bool) -> list[tuple[list[Place], bytes]]:
    """0x0704: as many bodies as are needed to hold the places in order, each with the places it carries."""
    packs: list[tuple[list[Place], list[bytes]]] = []
    room = 0
    for place in places:
        item = position_body(place)
        piece = struct.pack(">H", len(item)) + item
        if len(piece) > room:
            packs.append(([], []))
            room = BODY_MAX - 3
        packs[-1][0].append(place)
        packs[-1][1].append(piece)
        room -= len(piece)
    kind = 1 if backfill else 0
    return [(carried, struct.pack(">HB", len(carried), kind) + b"".join(pieces)) for carried, pieces in packs]


@dataclass(slots=True)
class Uplink:
    """A terminal's side of a connection: one number, one version, rising serials."""

    phone: str
    """Digits, up to 12 (2011, 2013) or 20 (2019)."""
    version: str = "2013"
    serial: int = 0

    def frame(self, msg_id: int, body: bytes = b"", *, package: Package | None = None) -> tuple[int, bytes]:
        """(serial, frame); the serial rises and wraps."""
        long_form = self.version == "2019"
        serial, self.serial = self.serial, self.serial + 1 & 0xFFFF
        phone_bcd = bytes.fromhex(self.phone.zfill(20 if long_form else 12))
        told = frame(
            msg_id,
            body,
            phone_bcd=phone_bcd,
            serial=serial,
            protocol=1 if long_form else None,
            package=package,
        )
        return serial, told

    def message(self, msg_id: int, body: bytes) -> list[tuple[int, bytes]]:
        """(serial, frame), in several parts when one frame does not hold the body."""
        return [self.frame(msg_id, piece, package=package) for package, piece in split(body)]

    def register(self, who: Registration) -> tuple[int, bytes]:
        return self.frame(messages.REGISTER, register_body(who, self.version))

    def authenticate(self, code: str) -> tuple[int, bytes]:
        return self.frame(messages.AUTHENTICATE, authenticate_body(code, self.version))

    def heartbeat(self) -> tuple[int, bytes]:
        return self.frame(messages.HEARTBEAT)

    def logout(self) -> tuple[int, bytes]:
        return self.frame(messages.LOGOUT)

    def position(self, place: Place) -> tuple[int, bytes]:
        return self.frame(messages.POSITION, position_body(place))

    def batches(self, places: Sequence[Place], *, backfill: bool = True) -> list[tuple[int, bytes]]:
        return [self.frame(messages.BATCH, body) for _, body in batch_packs(places, backfill=backfill)]
