"""One message as a channel needs it to send."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.saying import Said
from zaitu.notify.domain.ways import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    id: str
    """Hex digits; the same at every try."""
    claim: int
    kind: Kind
    waybill: str
    person: str
    """As in `Recipient.person`, or `endpoint:<id>`."""
    address: str
    """As in `ways.Way`, or a webhook's URL."""
    secret: str
    """`whsec_…` of a webhook, or what a robot's messages are signed with; else empty."""
    words: Mapping[str, str | int | float]
    at: datetime
    useful_until: datetime
    attempts: int
    """Counting the try that now begins."""
    endpoint_id: int | None
    channel: Channel
    urgency: Urgency
    said: Said
    """The message in a sentence, from the channel's template; mails and webhooks say it at length (`words`)."""
    ways_left: bool
    """Whether other ways to this person have not been tried."""
    preferences: str = ""
    """Full address of the page where this person says how they want to be told; empty: a system."""
    company: str = ""
    """What the company that tells is called; may be empty."""
    hotline: str = ""
    """Where people can ask; may be empty."""
    provider: str = ""
    """Which of the channel's providers carries it; only for robots."""
