"""SMPP 3.4: bytes ↔ dataclasses, as far as a transceiver needs it. Pure. Source: SMPP Protocol Specification v3.4 issue 1.2.

Own code although there are libraries: a receipt may be acknowledged only after it has been committed, and smpp34's client acknowledges
by itself; smpplib is for one thread. The tests compare this codec with smpp34's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from zaitu.notify.channels.operators.framing import Reader, zero_ended

HEADER: Final = 16
LONGEST: Final = 70_000
"""Octets: a message_payload may have 65,535."""
SHORT_MOST: Final = 254
RESPONSE: Final = 0x8000_0000
SUBMIT_SM, DELIVER_SM, UNBIND, BIND_TRANSCEIVER, ENQUIRE_LINK = 4, 5, 6, 9, 0x15
GENERIC_NACK: Final = RESPONSE
UDHI: Final = 0x40
"""In esm_class: the message begins with a header."""
RECEIPT: Final = 0x04
"""In esm_class, of the bits `RECEIPT_BITS`."""
RECEIPT_BITS: Final = 0x3C
TAG_RECEIPTED_MESSAGE_ID, TAG_MESSAGE_PAYLOAD, TAG_MESSAGE_STATE = 0x001E, 0x0424, 0x0427


class Malformed(ValueError):
    """A PDU whose body does not fit its command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """bind_transceiver."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    version: int = 0x34
    ton: int = 0
    npi: int = 0
    address_range: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindResp:
    system_id: str = ""
    tlvs: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """submit_sm and deliver_sm, whose fields are the same."""

    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    dest_ton: int = 0
    dest_npi: int = 0
    dest: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule_time: str = ""
    validity: str = ""
    registered: int = 0
    replace: int = 0
    coding: int = 0
    default_id: int = 0
    short: bytes = b""
    tlvs: tuple[tuple[int, bytes], ...] = ()

    @property
    def content(self) -> bytes:
        """The message, wherever it is."""
        return self.short or self.tlv(TAG_MESSAGE_PAYLOAD)

    def tlv(self, tag: int) -> bytes:
        return dict(self.tlvs).get(tag, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Message):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver(Message):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitResp:
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverResp:
    message_id: str = ""
    """Always empty, says the standard."""


@dataclass(frozen=True, slots=True)
class EnquireLink:
    pass


@dataclass(frozen=True, slots=True)
class EnquireLinkResp:
    pass


@dataclass(frozen=True, slots=True)
class Unbind:
    pass


@dataclass(frozen=True, slots=True)
class UnbindResp:
    pass


@dataclass(frozen=True, slots=True)
class Nack:
    """generic_nack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    command: int
    body: bytes = field(default=b"", repr=False)


Body = (
    Bind | BindResp | Submit | SubmitResp | Deliver | DeliverResp | EnquireLink | EnquireLinkResp | Unbind | UnbindResp | Nack | Other
)  # fmt: skip
_COMMANDS: Final[dict[type, int]] = {
    Bind: BIND_TRANSCEIVER,
    BindResp: RESPONSE | BIND_TRANSCEIVER,
    Submit: SUBMIT_SM,
    SubmitResp: RESPONSE | SUBMIT_SM,
    Deliver: DELIVER_SM,
    DeliverResp: RESPONSE | DELIVER_SM,
    EnquireLink: ENQUIRE_LINK,
    EnquireLinkResp: RESPONSE | ENQUIRE_LINK,
    Unbind: UNBIND,
    UnbindResp: RESPONSE | UNBIND,
    Nack: GENERIC_NACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdu:
    seq: int
    body: Body
    status: int = 0


def encode(pdu: Pdu) -> bytes:
    """A whole PDU. Raises ValueError where a field does not fit."""
    body = pdu.body
    command = body.command if isinstance(body, Other) else _COMMANDS[type(body)]
    octets = _body(body)
    head = (HEADER + len(octets), command, pdu.status, pdu.seq)
    return b"".join(n.to_bytes(4, "big") for n in head) + octets


def head(frame: bytes) -> tuple[int, int, int]:
    """(command, status, sequence) of a whole PDU."""
    command, status, seq = (int.from_bytes(frame[at : at + 4], "big") for at in (4, 8, 12))
    return command, status, seq


def decode(frame: bytes) -> Pdu:
    """A whole PDU. Raises Malformed, nothing else."""
    if len(frame) < HEADER or int.from_bytes(frame[:4], "big") != len(frame):
        raise Malformed("the length does not fit")
    command, status, seq = head(frame)
    read = _READERS.get(command)
    if read is None:
        return Pdu(seq=seq, status=status, body=Other(command=command, body=frame[HEADER:]))
    reader = Reader(frame[HEADER:])
    try:
        body = read(reader)
        reader.end()
    except ValueError as error:
        raise Malformed(f"command {command:#x}: {error}") from None
    return Pdu(seq=seq, status=status, body=body)


def _body(body: Body) -> bytes:
    match body:
        case Bind():
            return _bind(body)
        case BindResp():
            return zero_ended(body.system_id, 16) + _tlvs(body.tlvs)
        case Submit() | Deliver():
            return _message(body)
        case SubmitResp() | DeliverResp():
            return zero_ended(body.message_id, 65)
        case Other():
            return body.body
    return b""


def _bind(body: Bind) -> bytes:
    return b"".join(
        (
            zero_ended(body.system_id, 16),
            zero_ended(body.password, 9),
            zero_ended(body.system_type, 13),
            bytes((body.version, body.ton, body.npi)),
            zero_ended(body.address_range, 41),
        )
    )


def _message(body: Message) -> bytes:
    if len(body.short) > SHORT_MOST:
        raise ValueError(f"a message of {len(body.short)} octets")
    return b"".join(
        (
            zero_ended(body.service_type, 6),
            bytes((body.source_ton, body.source_npi)),
            zero_ended(body.source, 21),
            bytes((body.dest_ton, body.dest_npi)),
            zero_ended(body.dest, 21),
            bytes((body.esm_class, body.protocol_id, body.priority)),
            zero_ended(body.schedule_time, 17),
            zero_ended(body.validity, 17),
            bytes((body.registered, body.replace, body.coding, body.default_id, len(body.short))),
            body.short,
            _tlvs(body.tlvs),
        )
    )


def _tlvs(tlvs: tuple[tuple[int, bytes], ...]) -> bytes:
    return b"".join(tag.to_bytes(2, "big") + len(octets).to_bytes(2, "big") + octets for tag, octets in tlvs)


def _read_tlvs(reader: Reader) -> tuple[tuple[int, bytes], ...]:
    """To the PDU's end; one that is cut short is left out, since servers get the length of their last one wrong."""
    found = []
    while reader.left:
        tag, size = (reader.number(2), reader.number(2)) if reader.left >= 4 else (0, reader.left + 1)
        if size > reader.left:
            reader.octets(reader.left)
            break
        found.append((tag, reader.octets(size)))
    return tuple(found)


def _read_bind(reader: Reader) -> Bind:
    return Bind(
        system_id=reader.until_zero(16),
        password=reader.until_zero(9),
        system_type=reader.until_zero(13),
        version=reader.number(),
        ton=reader.number(),
        npi=reader.number(),
        address_range=reader.until_zero(41),
    )


def _read_bind_resp(reader: Reader) -> BindResp:
    # The body may be left out where the bind is refused.
    return BindResp(system_id=reader.until_zero(16), tlvs=_read_tlvs(reader)) if reader.left else BindResp()


def _read_message(reader: Reader, kind: type[Submit | Deliver]) -> Submit | Deliver:
    return kind(
        service_type=reader.until_zero(6),
        source_ton=reader.number(),
        source_npi=reader.number(),
        source=reader.until_zero(21),
        dest_ton=reader.number(),
        dest_npi=reader.number(),
        dest=reader.until_zero(21),
        esm_class=reader.number(),
        protocol_id=reader.number(),
        priority=reader.number(),
        schedule_time=reader.until_zero(17),
        validity=reader.until_zero(17),
        registered=reader.number(),
        replace=reader.number(),
        coding=reader.number(),
        default_id=reader.number(),
        short=reader.octets(reader.number()),
        tlvs=_read_tlvs(reader),
    )


def _read_id(reader: Reader) -> str:
    """The body may be left out where the message is refused; TLVs after it say nothing that is needed."""
    found = reader.until_zero(65) if reader.left else ""
    _read_tlvs(reader)
    return found


_READERS: Final[dict[int, Callable[[Reader], Body]]] = {
    BIND_TRANSCEIVER: _read_bind,
    RESPONSE | BIND_TRANSCEIVER: _read_bind_resp,
    SUBMIT_SM: lambda reader: _read_message(reader, Submit),
    RESPONSE | SUBMIT_SM: lambda reader: SubmitResp(message_id=_read_id(reader)),
    DELIVER_SM: lambda reader: _read_message(reader, Deliver),
    RESPONSE | DELIVER_SM: lambda reader: DeliverResp(message_id=_read_id(reader)),
    ENQUIRE_LINK: lambda _reader: EnquireLink(),
    RESPONSE | ENQUIRE_LINK: lambda _reader: EnquireLinkResp(),
    UNBIND: lambda _reader: Unbind(),
    RESPONSE | UNBIND: lambda _reader: UnbindResp(),
    GENERIC_NACK: lambda _reader: Nack(),
}
