"""CMPP as a line speaks it."""

import re
from datetime import datetime
from typing import Final

from zaitu.kernel import clock
from zaitu.notify.channels.cmpp import answers, codec, receipts
from zaitu.notify.channels.cmpp.account import Account
from zaitu.notify.channels.operators import parts
from zaitu.notify.channels.operators.dialect import (
    Answered,
    Bye,
    Delivered,
    Garbage,
    Odd,
    Piece,
    Ping,
    Pong,
    Told,
    Welcome,
)
from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Answer

_MOBILE: Final = re.compile(r"1[0-9]{10}")
_STRUCTURE_ERROR: Final = 1
_UCS2, _GB = 8, 15


class Cmpp:
    provider = "cmpp"
    header = codec.HEADER
    longest = codec.LONGEST
    throttled = answers.THROTTLED

    def __init__(self, account: Account) -> None:
        self._account = account
        self._v3 = account.v3

    def number(self, phone: str) -> str:
        """Chinese mobiles only: that is all a domestic gateway reaches."""
        return phone if _MOBILE.fullmatch(phone) else ""

    def cut(self, text: str, to: str, reference: int) -> list[Piece]:
        found = parts.ucs2(text, reference)
        return [
            Piece(to=to, content=content, coding=_UCS2, number=number, total=len(found))
            for number, content in enumerate(found, start=1)
        ]

    def hello(self, seq: int, now: datetime) -> bytes:
        account = self._account
        timestamp = int(clock.local(now).strftime("%m%d%H%M%S"))
        hello = codec.Connect(
            source=account.name,
            authenticator=codec.authenticator(account.name, account.secret, timestamp),
            version=0x30 if self._v3 else 0x20,
            timestamp=timestamp,
        )
        return self._said(seq, hello)

    def submit(self, seq: int, piece: Piece) -> bytes:
        account = self._account
        submit = codec.Submit(
            total=piece.total,
            number=piece.number,
            service=account.service,
            fee_user_type=account.fee_user_type,
            udhi=int(piece.total > 1),
            fmt=piece.coding,
            msg_src=account.enterprise,
            fee_type=account.fee_type,
            fee_code=account.fee_code,
            src_id=account.source,
            dest=(piece.to,),
            content=piece.content,
        )
        return self._said(seq, submit)

    def ping(self, seq: int) -> bytes:
        return self._said(seq, codec.ActiveTest())

    def bye(self, seq: int) -> bytes:
        return self._said(seq, codec.Terminate())

    def refusal(self, code: int) -> Answer:
        return answers.answer(code)

    def told(self, frame: bytes, now: datetime) -> Told:
        if len(frame) < codec.HEADER:
            raise Garbage("shorter than a header")
        try:
            seq, body = codec.decode(frame, v3=self._v3)
        except codec.Malformed as error:
            return Odd(what=str(error), answer=self._refused(frame))
        return _answered(seq, body) or self._asked(seq, body, now)

    def _asked(self, seq: int, body: codec.Body, now: datetime) -> Told:
        match body:
            case codec.Deliver():
                return self._delivered(seq, body, now)
            case codec.ActiveTest():
                return Ping(answer=self._said(seq, codec.ActiveTestResp()))
            case codec.Terminate():
                return Bye(answer=self._said(seq, codec.TerminateResp()))
        return Odd(what=f"{type(body).__name__} is not for us")

    def _delivered(self, seq: int, body: codec.Deliver, now: datetime) -> Told:
        if not body.registered:
            text = Heard(ref=str(body.msg_id), address=_kernels(body.src), text=_text(body), at=now)
            return Delivered(answer=self._said(seq, codec.DeliverResp(msg_id=body.msg_id)), text=text)
        try:
            report = codec.report_decode(body.content)
        except codec.Malformed as error:
            refusal = codec.DeliverResp(msg_id=body.msg_id, result=_STRUCTURE_ERROR)
            return Odd(what=str(error), answer=self._said(seq, refusal))
        return Delivered(
            answer=self._said(seq, codec.DeliverResp(msg_id=body.msg_id)),
            receipt=receipts.receipt(report, now),
        )

    def _refused(self, frame: bytes) -> bytes:
        """To a DELIVER that cannot be read: saying so keeps the gateway from repeating it for ever."""
        command, seq = codec.head(frame)
        if command != codec.DELIVER:
            return b""
        msg_id = int.from_bytes(frame[12:20].ljust(8, b"\0"), "big")
        return self._said(seq, codec.DeliverResp(msg_id=msg_id, result=_STRUCTURE_ERROR))

    def _said(self, seq: int, body: codec.Body) -> bytes:
        return codec.encode(seq, body, v3=self._v3)


def _answered(seq: int, body: codec.Body) -> Told | None:
    match body:
        case codec.SubmitResp():
            return Answered(seq=seq, code=body.result, ref=str(body.msg_id))
        case codec.ConnectResp():
            return Welcome(code=body.status, refused=answers.refused(body.status))
        case codec.ActiveTestResp():
            return Pong()
        case codec.TerminateResp():
            return Bye(answer=b"")
    return None


def _kernels(phone: str) -> str:
    """`+86138…` and `86138…` are `138…` to us."""
    bare = re.sub(r"^(?:\+|00)?86(?=1[0-9]{10}$)", "", phone)
    return bare if _MOBILE.fullmatch(bare) else phone


def _text(body: codec.Deliver) -> str:
    content = parts.without_header(body.content) if body.udhi else body.content
    encoding = {_UCS2: "utf-16-be", _GB: "gb18030"}.get(body.fmt, "latin-1")
    return content.decode(encoding, "replace").replace("\0", "")  # cannot be stored
