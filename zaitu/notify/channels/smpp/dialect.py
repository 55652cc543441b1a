"""SMPP as a line speaks it."""

import hashlib
import re
from datetime import datetime
from typing import Final

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
from zaitu.notify.channels.smpp import answers, codec, receipts
from zaitu.notify.channels.smpp.account import Account
from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Answer

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_GSM7, _UCS2 = 0, 8
_ENCODINGS: Final = {1: "ascii", 3: "latin-1", 8: "utf-16-be"}
_INTERNATIONAL, _ISDN = 1, 1
_BAD_COMMAND, _SYSTEM_ERROR = 3, 8


class Smpp:
    provider = "smpp"
    header = codec.HEADER
    longest = codec.LONGEST
    throttled = answers.THROTTLED

    def __init__(self, account: Account) -> None:
        self._account = account

    def number(self, phone: str) -> str:
        """E.164 without the plus: Chinese mobiles, and whatever is abroad."""
        if _MOBILE.fullmatch(phone):
            return f"86{phone}"
        return phone[1:] if phone.startswith("+") else ""

    def cut(self, text: str, to: str, reference: int) -> list[Piece]:
        found, coding = parts.gsm7(text, reference) if self._account.gsm7 else None, _GSM7
        if found is None:
            found, coding = parts.ucs2(text, reference), _UCS2
        return [
            Piece(to=to, content=content, coding=coding, number=number, total=len(found))
            for number, content in enumerate(found, start=1)
        ]

    def hello(self, seq: int, now: datetime) -> bytes:
        del now
        account = self._account
        bind = codec.Bind(
            system_id=account.system_id, password=account.password, system_type=account.system_type
        )
        return _said(seq, bind)

    def submit(self, seq: int, piece: Piece) -> bytes:
        account = self._account
        submit = codec.Submit(
            service_type=account.service,
            source_ton=account.source_ton,
            source_npi=account.source_npi,
            source=account.source,
            dest_ton=_INTERNATIONAL,
            dest_npi=_ISDN,
            dest=piece.to,
            esm_class=codec.UDHI if piece.total > 1 else 0,
            registered=1,
            coding=piece.coding,
            short=piece.content,
        )
        return _said(seq, submit)

    def ping(self, seq: int) -> bytes:
        return _said(seq, codec.EnquireLink())

    def bye(self, seq: int) -> bytes:
        return _said(seq, codec.Unbind())

    def refusal(self, code: int) -> Answer:
        return answers.answer(code)

    def told(self, frame: bytes, now: datetime) -> Told:
        if len(frame) < codec.HEADER:
            raise Garbage("shorter than a header")
        try:
            pdu = codec.decode(frame)
        except codec.Malformed as error:
            return Odd(what=str(error), answer=_refused(frame))
        return self._answered(pdu) or self._asked(pdu, now) or _unknown(frame)

    def _answered(self, pdu: codec.Pdu) -> Told | None:
        match pdu.body:
            case codec.SubmitResp():
                return Answered(seq=pdu.seq, code=pdu.status, ref=self._ref(pdu.body.message_id))
            case codec.Nack():
                return Answered(seq=pdu.seq, code=pdu.status or _SYSTEM_ERROR)
            case codec.BindResp():
                return Welcome(code=pdu.status, refused=answers.refused(pdu.status))
            case codec.EnquireLinkResp():
                return Pong()
            case codec.UnbindResp():
                return Bye(answer=b"")
        return None

    def _asked(self, pdu: codec.Pdu, now: datetime) -> Told | None:
        match pdu.body:
            case codec.Deliver():
                return self._delivered(pdu.seq, pdu.body, now)
            case codec.EnquireLink():
                return Ping(answer=_said(pdu.seq, codec.EnquireLinkResp()))
            case codec.Unbind():
                return Bye(answer=_said(pdu.seq, codec.UnbindResp()))
        return None

    def _delivered(self, seq: int, body: codec.Deliver, now: datetime) -> Told:
        answer = _said(seq, codec.DeliverResp())
        if body.esm_class & codec.RECEIPT_BITS != codec.RECEIPT:
            text = Heard(ref=_name_of(body, now), address=_kernels(body.source), text=_text(body), at=now)
            return Delivered(answer=answer, text=text)
        try:
            return Delivered(
                answer=answer, receipt=receipts.receipt(body, now, hex_ids=self._account.hex_ids)
            )
        except receipts.NoReceipt as error:
            # Answered as if it were understood: repeated, it would be no better.
            return Odd(what=f"a receipt: {error}", answer=answer)

    def _ref(self, message_id: str) -> str:
        return receipts.decimal(message_id, 16) if self._account.hex_ids else message_id


def _said(seq: int, body: codec.Body, status: int = 0) -> bytes:
    return codec.encode(codec.Pdu(seq=seq, status=status, body=body))


def _refused(frame: bytes) -> bytes:
    """To a deliver_sm that cannot be read: saying so keeps the server from repeating it for ever."""
    command, _, seq = codec.head(frame)
    return _said(seq, codec.DeliverResp(), _SYSTEM_ERROR) if command == codec.DELIVER_SM else b""


def _unknown(frame: bytes) -> Odd:
    command, _, seq = codec.head(frame)
    asked = not command & codec.RESPONSE
    return Odd(what=f"command {command:#x}", answer=_said(seq, codec.Nack(), _BAD_COMMAND) if asked else b"")


def _kernels(phone: str) -> str:
    """`86138…` and `+86138…` are `138…` to us."""
    bare = re.sub(r"^(?:\+|00)?86(?=1[0-9]{10}$)", "", phone)
    return bare if _MOBILE.fullmatch(bare) else phone


def _text(body: codec.Deliver) -> str:
    content = body.content
    if body.esm_class & codec.UDHI:
        content = parts.without_header(content)
    encoding = _ENCODINGS.get(body.coding)
    text = content.decode(encoding, "replace") if encoding else parts.gsm7_text(content)
    return text.replace("\0", "")  # cannot be stored


def _name_of(body: codec.Deliver, now: datetime) -> str:
    """SMPP gives texts no name, and repeats those that were not answered: the same words from one number in one hour are one text."""
    words = "|".join((body.source, body.dest, now.strftime("%Y%m%d%H"))).encode() + body.content
    return hashlib.sha256(words).hexdigest()[:32]
