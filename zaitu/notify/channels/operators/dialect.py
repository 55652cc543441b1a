"""What an operator's protocol must be able to say and to understand. Pure: bytes in and out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.ways import Receipt


class Garbage(ValueError):
    """Octets that are no PDU: where the next one begins is not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the operator's gateway is and how it wants to be treated."""

    host: str
    port: int
    tls: bool = False
    window: int = 16
    """Messages that may be unanswered at a time, 1–64."""
    rate: int = 100
    """Messages a second at most; 0: as many as the window lets through."""
    beat_s: float = 30.0
    """Silence after which the line is tested, seconds; after three times as long it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One SMS as it leaves: a whole message or a part of a long one."""

    to: str
    """As the operator spells numbers."""
    content: bytes
    """With the header of a part, where it is one."""
    coding: int
    """8: UCS-2; 0: GSM-7 in octets."""
    number: int = 1
    total: int = 1


# What a PDU means for the line. `answer` is what it is to be answered with; empty: nothing.


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to our first words; `refused` says in Chinese why not."""

    code: int
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A message's answer: zero is yes, `ref` is then its name."""

    seq: int
    code: int
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """Any answer that says only that the other side lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye:
    answer: bytes
    """Empty: it is the answer to ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A receipt, or a text; neither, where a receipt tells nothing final."""

    answer: bytes
    """Sent only after what it holds has been kept."""
    receipt: Receipt | None = None
    text: Heard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Well cut, but not understood."""

    what: str
    """Without anything that a person has written."""
    answer: bytes = b""


Told = Welcome | Answered | Ping | Pong | Bye | Delivered | Odd


class Dialect(Protocol):
    """A protocol with an account's settings; holds nothing that changes."""

    provider: str
    header: int
    """Octets of the shortest PDU."""
    longest: int
    """Octets of the longest one."""
    throttled: frozenset[int]
    """Answers that ask us to slow down."""

    def number(self, phone: str) -> str:
        """The operator's spelling of the kernel's; empty: no SMS can go there."""

    def cut(self, text: str, to: str, reference: int) -> list[Piece]:
        """A text as the SMS it takes; `reference` (0–255) ties the parts of a long one together."""

    def hello(self, seq: int, now: datetime) -> bytes: ...

    def submit(self, seq: int, piece: Piece) -> bytes: ...

    def ping(self, seq: int) -> bytes: ...

    def bye(self, seq: int) -> bytes: ...

    def told(self, frame: bytes, now: datetime) -> Told:
        """What one PDU means; `now` dates what brings no time of its own. Raises Garbage, nothing else."""

    def refusal(self, code: int) -> Answer:
        """What an answer that is not zero means for a message."""
