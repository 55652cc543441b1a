"""CMPP 2.0 and 3.0: bytes ↔ dataclasses. Pure. `v3` tells the layouts apart; what is only in one of them is empty in the other.

Texts are octet strings filled up with zeros; numbers are big-endian. Sources: 中国移动通信互联网短信网关接口协议 2.0 and 3.0.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from zaitu.notify.channels.operators.framing import Reader, padded

HEADER: Final = 12
LONGEST: Final = 4096
"""Octets: far more than a message of 140 to one number needs (a submit to 100 numbers has 3.5 kB)."""
CONTENT_MOST: Final = 255
RESPONSE: Final = 0x8000_0000
CONNECT, TERMINATE, SUBMIT, DELIVER, ACTIVE_TEST = 1, 2, 4, 5, 8


class Malformed(ValueError):
    """A PDU whose body does not fit its command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    source: str
    """SP_Id, six octets."""
    authenticator: bytes
    version: int
    """0x20, 0x30."""
    timestamp: int
    """MMDDHHMMSS as a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectResp:
    status: int
    authenticator: bytes
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    msg_id: int = 0
    """Given by the gateway; zero here."""
    total: int = 1
    number: int = 1
    registered: int = 1
    """1: a receipt is wanted."""
    level: int = 0
    service: str = ""
    fee_user_type: int = 2
    """0 receiver, 1 sender, 2 the company, 3 `fee_terminal`."""
    fee_terminal: str = ""
    fee_terminal_type: int = 0
    """v3."""
    pid: int = 0
    udhi: int = 0
    """1: the content begins with a header."""
    fmt: int = 8
    """0 ASCII, 4 binary, 8 UCS-2, 15 GB."""
    msg_src: str = ""
    """SP_Id."""
    fee_type: str = "01"
    fee_code: str = "000000"
    valid_time: str = ""
    at_time: str = ""
    src_id: str = ""
    """Our number, which the receiver sees."""
    dest: tuple[str, ...] = ()
    """Fewer than 100 numbers."""
    dest_type: int = 0
    """v3."""
    content: bytes = b""
    link_id: str = ""
    """Twenty octets in v3; v2 keeps eight in reserve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitResp:
    msg_id: int
    result: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    msg_id: int
    dest: str = ""
    """Our number."""
    service: str = ""
    pid: int = 0
    udhi: int = 0
    fmt: int = 0
    src: str = ""
    src_type: int = 0
    """v3."""
    registered: int = 0
    """1: the content is a `Report`."""
    content: bytes = b""
    link_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverResp:
    msg_id: int
    result: int = 0


@dataclass(frozen=True, slots=True)
class ActiveTest:
    pass


@dataclass(frozen=True, slots=True)
class ActiveTestResp:
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Terminate:
    pass


@dataclass(frozen=True, slots=True)
class TerminateResp:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A command that is not spoken here (query, cancel, forwarding between gateways)."""

    command: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a message; the content of a `Deliver` with `registered` 1."""

    msg_id: int
    stat: str
    """DELIVRD, EXPIRED, UNDELIV … or an operator's own code, seven octets."""
    submit_time: str
    """YYMMDDhhmm."""
    done_time: str
    dest: str
    smsc_sequence: int = 0


Body = (
    Connect | ConnectResp | Submit | SubmitResp | Deliver | DeliverResp
    | ActiveTest | ActiveTestResp | Terminate | TerminateResp | Other
)  # fmt: skip
_COMMANDS: Final[dict[type, int]] = {
    Connect: CONNECT,
    ConnectResp: RESPONSE | CONNECT,
    Submit: SUBMIT,
    SubmitResp: RESPONSE | SUBMIT,
    Deliver: DELIVER,
    DeliverResp: RESPONSE | DELIVER,
    ActiveTest: ACTIVE_TEST,
    ActiveTestResp: RESPONSE | ACTIVE_TEST,
    Terminate: TERMINATE,
    TerminateResp: RESPONSE | TERMINATE,
}


def authenticator(source: str, secret: str, timestamp: int) -> bytes:
    """AuthenticatorSource: proves that we know the secret without sending it."""
    text = padded(source, 6).rstrip(b"\0") + bytes(9) + secret.encode() + f"{timestamp:010d}".encode()
    return hashlib.md5(text, usedforsecurity=False).digest()  # the protocol's own choice


def encode(seq: int, body: Body, *, v3: bool) -> bytes:
    """A whole PDU. Raises ValueError where a field does not fit."""
    command = body.command if isinstance(body, Other) else _COMMANDS[type(body)]
    octets = _body(body, v3=v3)
    return b"".join(n.to_bytes(4, "big") for n in (HEADER + len(octets), command, seq)) + octets


def head(frame: bytes) -> tuple[int, int]:
    """(command, sequence) of a whole PDU."""
    return int.from_bytes(frame[4:8], "big"), int.from_bytes(frame[8:12], "big")


def decode(frame: bytes, *, v3: bool) -> tuple[int, Body]:
    """(sequence, body) of a whole PDU. Raises Malformed, nothing else."""
    if len(frame) < HEADER or int.from_bytes(frame[:4], "big") != len(frame):
        raise Malformed("the length does not fit")
    command, seq = head(frame)
    read = _READERS.get(command)
    if read is None:
        return seq, Other(command=command, body=frame[HEADER:])
    reader = Reader(frame[HEADER:])
    try:
        body = read(reader, v3)
        reader.end()
    except ValueError as error:
        raise Malformed(f"command {command:#x}: {error}") from None
    return seq, body


def report_encode(report: Report, *, v3: bool) -> bytes:
    return b"".join(
        (
            report.msg_id.to_bytes(8, "big"),
            padded(report.stat, 7),
            padded(report.submit_time, 10),
            padded(report.done_time, 10),
            padded(report.dest, _phone(v3=v3)),
            report.smsc_sequence.to_bytes(4, "big"),
        )
    )


def report_decode(content: bytes) -> Report:
    """60 octets (2.0) or 71 (3.0); gateways mix them up, so that the length decides. Raises Malformed."""
    if len(content) not in {60, 71}:
        raise Malformed(f"a report of {len(content)} octets")
    reader = Reader(content)
    return Report(
        msg_id=reader.number(8),
        stat=reader.text(7),
        submit_time=reader.text(10),
        done_time=reader.text(10),
        dest=reader.text(_phone(v3=len(content) == 71)),
        smsc_sequence=reader.number(4),
    )


def _wide(*, v3: bool) -> int:
    """Octets of a status or result."""
    return 4 if v3 else 1


def _phone(*, v3: bool) -> int:
    return 32 if v3 else 21


def _small(*numbers: int) -> bytes:
    """One octet each. Raises ValueError for more than 255."""
    return bytes(numbers)


def _body(body: Body, *, v3: bool) -> bytes:
    match body:
        case Connect():
            return _connect(body)
        case ConnectResp():
            status = body.status.to_bytes(_wide(v3=v3), "big")
            return status + body.authenticator.ljust(16, b"\0")[:16] + _small(body.version)
        case Submit():
            return _submit(body, v3=v3)
        case Deliver():
            return _deliver(body, v3=v3)
        case SubmitResp() | DeliverResp():
            return body.msg_id.to_bytes(8, "big") + body.result.to_bytes(_wide(v3=v3), "big")
    return _short(body)


def _short(body: ActiveTest | ActiveTestResp | Terminate | TerminateResp | Other) -> bytes:
    match body:
        case ActiveTestResp():
            return _small(body.reserved)
        case Other():
            return body.body
    return b""


def _connect(body: Connect) -> bytes:
    return b"".join(
        (
            padded(body.source, 6),
            body.authenticator.ljust(16, b"\0")[:16],
            _small(body.version),
            body.timestamp.to_bytes(4, "big"),
        )
    )


def _submit(body: Submit, *, v3: bool) -> bytes:
    phone = _phone(v3=v3)
    return b"".join(
        (
            body.msg_id.to_bytes(8, "big"),
            _small(body.total, body.number, body.registered, body.level),
            padded(body.service, 10),
            _small(body.fee_user_type),
            padded(body.fee_terminal, phone),
            _small(body.fee_terminal_type) if v3 else b"",
            _small(body.pid, body.udhi, body.fmt),
            padded(body.msg_src, 6),
            padded(body.fee_type, 2),
            padded(body.fee_code, 6),
            padded(body.valid_time, 17),
            padded(body.at_time, 17),
            padded(body.src_id, 21),
            _small(len(body.dest)),
            *(padded(one, phone) for one in body.dest),
            _small(body.dest_type) if v3 else b"",
            _small(len(body.content)),
            body.content,
            padded(body.link_id, 20 if v3 else 8),
        )
    )


def _deliver(body: Deliver, *, v3: bool) -> bytes:
    return b"".join(
        (
            body.msg_id.to_bytes(8, "big"),
            padded(body.dest, 21),
            padded(body.service, 10),
            _small(body.pid, body.udhi, body.fmt),
            padded(body.src, _phone(v3=v3)),
            _small(body.src_type) if v3 else b"",
            _small(body.registered, len(body.content)),
            body.content,
            padded(body.link_id, 20 if v3 else 8),
        )
    )


def _read_connect(reader: Reader, _v3: bool) -> Connect:  # noqa: FBT001  one signature for the table
    return Connect(
        source=reader.text(6),
        authenticator=reader.octets(16),
        version=reader.number(),
        timestamp=reader.number(4),
    )


def _read_connect_resp(reader: Reader, v3: bool) -> ConnectResp:  # noqa: FBT001
    # A gateway of the older kind answers a 3.0 greeting in its own layout, with the status that says so.
    status = reader.number(_wide(v3=v3 and reader.left >= 21))
    return ConnectResp(status=status, authenticator=reader.octets(16), version=reader.number())


def _read_submit(reader: Reader, v3: bool) -> Submit:  # noqa: FBT001
    phone = _phone(v3=v3)
    return Submit(
        msg_id=reader.number(8),
        total=reader.number(),
        number=reader.number(),
        registered=reader.number(),
        level=reader.number(),
        service=reader.text(10),
        fee_user_type=reader.number(),
        fee_terminal=reader.text(phone),
        fee_terminal_type=reader.number() if v3 else 0,
        pid=reader.number(),
        udhi=reader.number(),
        fmt=reader.number(),
        msg_src=reader.text(6),
        fee_type=reader.text(2),
        fee_code=reader.text(6),
        valid_time=reader.text(17),
        at_time=reader.text(17),
        src_id=reader.text(21),
        dest=tuple(reader.text(phone) for _ in range(reader.number())),
        dest_type=reader.number() if v3 else 0,
        content=reader.octets(reader.number()),
        link_id=reader.text(20 if v3 else 8),
    )


def _read_deliver(reader: Reader, v3: bool) -> Deliver:  # noqa: FBT001
    return Deliver(
        msg_id=reader.number(8),
        dest=reader.text(21),
        service=reader.text(10),
        pid=reader.number(),
        udhi=reader.number(),
        fmt=reader.number(),
        src=reader.text(_phone(v3=v3)),
        src_type=reader.number() if v3 else 0,
        registered=reader.number(),
        content=reader.octets(reader.number()),
        link_id=reader.text(20 if v3 else 8),
    )


_READERS: Final[dict[int, Callable[[Reader, bool], Body]]] = {
    CONNECT: _read_connect,
    RESPONSE | CONNECT: _read_connect_resp,
    SUBMIT: _read_submit,
    RESPONSE | SUBMIT: lambda reader, v3: SubmitResp(
        msg_id=reader.number(8), result=reader.number(_wide(v3=v3))
    ),
    DELIVER: _read_deliver,
    RESPONSE | DELIVER: lambda reader, v3: DeliverResp(
        msg_id=reader.number(8), result=reader.number(_wide(v3=v3))
    ),
    ACTIVE_TEST: lambda _reader, _v3: ActiveTest(),
    # Its one octet is left out by some.
    RESPONSE | ACTIVE_TEST: lambda reader, _v3: ActiveTestResp(reader.number() if reader.left else 0),
    TERMINATE: lambda _reader, _v3: Terminate(),
    RESPONSE | TERMINATE: lambda _reader, _v3: TerminateResp(),
}
