"""What doors are given and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from zaitu.desk.domain.requests import Change
from zaitu.desk.domain.tickets import Kind, State, What

TEXT_MAX: Final = 2_000
PHOTOS_MAX: Final = 5
ROLES: Final = ("consignee", "consignor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who speaks for a shipment's party, as far as a door knows."""

    role: str = ""
    """Shown by the phone tail; empty: not shown."""
    token: str = ""
    """Of the browser that came by a link; random, never a name."""
    conversation_id: int | None = None
    """Shown by the address in an answer that was sent to this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a customer sends."""

    kind: Kind | None = None
    """None: goes on with what was said last."""
    text: str = ""
    photos: tuple[bytes, ...] = ()
    change: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Of a request (domain/requests.py)."""
    role: str = ""
    """Who somebody without a tail says to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stars:
    """A rating as a customer gives it."""

    stars: int
    reasons: tuple[str, ...] = ()
    text: str = ""
    role: str = ""
    """As `Words.role`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    id: int
    ticket_id: int | None
    what: What
    author: str
    """User name of staff, `system`, or empty for the customer."""
    text: str
    at: datetime
    photos: tuple[str, ...]
    """Ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    id: int
    kind: Kind
    state: State
    change: Change | None
    fields: Mapping[str, str]
    opened_at: datetime
    waiting_since: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingView:
    stars: int
    reasons: tuple[str, ...]
    text: str
    created_at: datetime
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """What a customer sees of what they have said."""

    entries: tuple[EntryView, ...]
    tickets: Mapping[int, TicketView]
    rating: RatingView | None
    may_rate: bool
    """The shipment is signed for, and this person has not rated it yet or may still change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """A line of the staff's list."""

    id: int
    waybill: str
    role: str
    proven: bool
    """Whether a phone tail has shown the role."""
    kind: Kind
    waiting_since: datetime | None
    due_at: datetime | None
    open_tickets: int
    assignee: str
    last_at: datetime
    last_words: str
    last_by: str
    """As `EntryView.author`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    row: ConversationRow
    contact_id: int | None
    channel: str
    last_entry: int
    entries: tuple[EntryView, ...]
    tickets: tuple[TicketView, ...]
    rating: RatingView | None
    blanked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationQuery:
    text: str = ""
    """Words that were said, or a waybill."""
    state: str = ""
    """`waiting`, `open`, `closed`; empty: all."""
    kind: str = ""
    assignee: str = ""
    """A user name; `-`: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something said or done in the past."""

    what: What
    at: datetime
    author: str = ""
    """User name of staff; empty: the customer."""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTalk:
    """A ticket of the past; the first turn is the customer's."""

    waybill: str
    role: str
    kind: Kind
    turns: tuple[Turn, ...]
    change: Change | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRating:
    waybill: str
    role: str
    stars: int
    reasons: tuple[str, ...]
    text: str
    at: datetime
