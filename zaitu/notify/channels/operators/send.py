"""One try to hand one message to an operator: all its parts, one after the other."""

import time
from collections.abc import Sequence
from typing import Final

from zaitu.notify.channels.operators import kept
from zaitu.notify.channels.operators.dialect import Answered, Delivered, Dialect, Piece, Place
from zaitu.notify.channels.operators.limits import signed
from zaitu.notify.channels.operators.line import Line
from zaitu.notify.channels.operators.parts import PARTS_MOST
from zaitu.notify.channels.operators.session import Outcome, Unanswered
from zaitu.notify.channels.sender import Hearer
from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.ways import Receipt

TIMEOUT_S: Final = 15.0
"""For a whole message with all its parts."""
_LEAST_S: Final = 0.1
"""With less left, a part is not begun."""


class OperatorSender:
    """One connection, kept up from `listen` on, since receipts come over it too. For several threads."""

    provider = ""

    def __init__(self, dialect: Dialect, place: Place) -> None:
        self._dialect = dialect
        self._hearer: Hearer = _nobody
        self._line = Line(dialect, place, self._heard)

    def listen(self, hearer: Hearer) -> None:
        """Begin: connect, and let `hearer` keep what comes over the line. Once."""
        self._hearer = hearer
        self._line.start()

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; returns when every part is answered, one is refused or the time is over."""
        to = self._dialect.number(parcel.address)
        if not to:
            return Answer(verdict=Verdict.NEVER, reason="number", note="这个号码收不到短信")
        text = signed(parcel.said.text)
        # The same at every try: a phone that has a part of an earlier one puts the rest to it.
        pieces = self._dialect.cut(text, to, reference=int(parcel.id[-2:], 16))
        if len(pieces) > PARTS_MOST:
            return Answer(verdict=Verdict.NEVER, reason="length", note=f"短信太长：超过 {PARTS_MOST} 条")
        return self._pieces(parcel, text, pieces)

    def tidy(self) -> None:
        """The line looks after itself."""

    def close(self) -> None:
        self._line.close()

    def _pieces(self, parcel: Parcel, text: str, pieces: Sequence[Piece]) -> Answer:
        until = time.monotonic() + TIMEOUT_S
        whole, several = kept.name_of(parcel.id, text), len(pieces) > 1
        taken = kept.taken(self.provider, whole) if several else {}
        ref = ""
        for piece in pieces:
            if piece.number in taken:
                ref = taken[piece.number]
                continue
            left_s = until - time.monotonic()
            if left_s < _LEAST_S:
                return Answer(
                    verdict=Verdict.RETRY, reason="slow", note="短信网关应答太慢，余下的部分稍后再发"
                )
            outcome = self._line.offer(piece, left_s)
            if not isinstance(outcome, Answered) or outcome.code:
                return self._failed(outcome)
            ref = outcome.ref
            if several and ref:
                kept.keep(self.provider, whole, piece.number, ref)
        return Answer(verdict=Verdict.TAKEN, note="运营商已接收", ref=ref[:100], parts=len(pieces))

    def _failed(self, outcome: Outcome) -> Answer:
        if isinstance(outcome, Answered):
            return self._dialect.refusal(outcome.code)
        if isinstance(outcome, Unanswered):
            return Answer(verdict=Verdict.RETRY, reason="unanswered", note=outcome.note)
        return Answer(
            verdict=Verdict.PAUSE,
            rests=True,
            reason=str(outcome.code or "line"),
            note=outcome.note,
            retry_after_s=outcome.again_s,
        )

    def _heard(self, delivered: Sequence[Delivered]) -> None:
        self._hearer(
            self.provider,
            [one.receipt for one in delivered if one.receipt is not None],
            [one.text for one in delivered if one.text is not None],
        )


def _nobody(provider: str, receipts: Sequence[Receipt], texts: Sequence[Heard]) -> None:
    """Stands where the hearer will be: the line is not begun before it is there."""
    raise RuntimeError(f"{provider}: nobody hears")
