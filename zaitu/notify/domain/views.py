"""What doors are shown. Addresses are masked here, once, for everybody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zaitu.kernel.phones import phone_masked
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.preferences import Preference


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    at: datetime
    took_ms: int
    code: int
    """HTTP status or SMTP code; 0: there was none."""
    answer: str
    channel: str
    provider: str
    reason: str
    """The provider's own word for what was wrong; may be empty."""
    parts: int
    cost_fen: int
    receipt: str
    """`delivered`, `failed`, or empty."""
    receipt_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    id: str
    waybill: str
    """Empty for a test."""
    kind: str
    kind_text: str
    channel: str
    channel_text: str
    to: str
    """Masked e-mail address or phone number, or the host of a webhook; may be empty."""
    person: str
    """As in `Recipient.person`, or `endpoint:<id>`."""
    state: str
    state_text: str
    subject: str
    note: str
    """Why it is where it is: the last answer, or what it waits for; may be empty."""
    attempts: int
    at: datetime
    """When the fact happened."""
    created_at: datetime
    next_at: datetime | None
    """When it is tried (again); None: it is not."""
    sent_at: datetime | None
    delivered_at: datetime | None
    """When a receipt said that it had arrived."""
    tries: tuple[AttemptView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceView:
    preference: Preference
    channels: tuple[Channel, ...]
    """By which this person can choose to be told: those we have, and have an address for."""
    closed: tuple[Channel, ...]
    """By which they cannot be reached any more."""
    changed_at: datetime | None
    """None: they have said nothing."""
    by_staff: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    id: int
    customer_code: str
    url: str
    kinds: tuple[str, ...]
    """Empty: every kind."""
    active: bool
    note: str
    """Why it is switched off; may be empty."""
    paused_until: datetime | None
    """It does not answer now and rests until then."""
    created_at: datetime
    last_ok_at: datetime | None


PROVIDER_TEXTS: Final = {"aliyun": "阿里云", "tencent": "腾讯云"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackView:
    """Where a provider shall tell what became of messages, and what people write back."""

    provider: str
    provider_text: str
    url: str
    """Secret: whoever has it can say what he likes about messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundView:
    id: int
    channel: str
    channel_text: str
    person: str
    """As in `Recipient.person`; may be empty."""
    waybill: str
    address: str
    """Masked."""
    text: str
    unsubscribed: bool
    at: datetime


def address_masked(channel: Channel, address: str) -> str:
    """So much of an address as tells staff which one it is."""
    if channel is Channel.EMAIL:
        return email_masked(address)
    if channel in {Channel.SMS, Channel.VOICE}:
        return phone_masked(address)
    return ""  # an openid or a browser's subscription says nothing to anybody


def email_masked(address: str) -> str:
    """`zh***@example.cn`: at most the first two characters before the @ are shown, one of a short name."""
    name, at, host = address.rpartition("@")
    if not at:
        return "***"
    return f"{name[: 2 if len(name) > 3 else 1]}***@{host}"
