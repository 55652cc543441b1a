"""What journey hands over: one fact, the people to tell it to, and the words that are already people-ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zaitu.notify.domain.delivery import Channel


class Kind(StrEnum):
    """The key nodes people are told of; the value is the last part of a webhook's `type` and never renamed."""

    ACCEPTED = "accepted"
    DEPARTED = "departed"
    STOP = "stop"
    SOON = "soon"
    SIGNED = "signed"
    EXCEPTION = "exception"
    """Something is wrong: always with its cause, what is done about it, and the new ETA."""
    CORRECTION = "correction"
    """The ETA that was told holds no more."""
    REPLY = "reply"
    """Staff have answered what this person said."""
    MANY = "many"
    """Several of these together."""
    LINK = "link"
    """Where to look, sent because the person has just asked for it on the telephone."""
    TEST = "test"
    """Sent by hand to see whether a webhook endpoint or a robot answers."""
    ALERT = "alert"
    """To staff, by their group's robot (`alert_staff`)."""


STAFF_KINDS: Final = frozenset({Kind.TEST, Kind.ALERT})
"""Nothing that customers are told, or could ask for."""


KIND_TEXTS: Final = {
    Kind.ACCEPTED: "下单通知",
    Kind.DEPARTED: "发车通知",
    Kind.STOP: "途经通知",
    Kind.SOON: "即将送达通知",
    Kind.SIGNED: "签收通知",
    Kind.EXCEPTION: "异常通知",
    Kind.CORRECTION: "送达时间变更",
    Kind.REPLY: "回复通知",
    Kind.MANY: "合并通知",
    Kind.LINK: "查询链接",
    Kind.TEST: "测试消息",
    Kind.ALERT: "工作提醒",
}

PARAMS: Final = ("status", "place", "eta", "route", "pieces", "signed_by", "link", "cause", "plan", "was")
"""Words a notice may carry, all optional: `status` 在途, `place` 武汉中转站, `eta` 今天 15:20–16:00, `route` 上海 → 成都,
`pieces` 3 件, `signed_by` 本人签收, `link` the tracking page's full address, `cause` 件数短少, `plan` 正在查找未到的货件,
`was` the ETA that was told before."""

DATA: Final = (
    "client_ref",
    "status",
    "detail",
    "place",
    "eta",
    "eta_from",
    "eta_to",
    "pieces",
    "problem",
    "eta_was",
)
"""Machine-readable facts for webhooks, all optional; instants are ISO 8601 with an offset."""

TEXT_MAX: Final = 200
"""Characters kept of one word or fact. Keeps every webhook body far under 20 kB whatever was typed."""

SOON_USEFUL: Final = timedelta(hours=2)
EMAIL_USEFUL: Final = timedelta(hours=24)
WEBHOOK_USEFUL: Final = timedelta(hours=84)
"""A little more than the whole retry schedule (75 h 35 min) with its jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    person: str
    """A reference such as `contact:12`, at most 60 characters. Never a name, phone or address."""
    email: str = ""
    """Empty: this person cannot be told by e-mail."""
    phone: str = ""
    """As kernel.phones spells it; empty: neither by SMS nor by a call."""
    openid: str = ""
    """Of the service account; empty: the one that is bound to this person (`wechat_bind`), if any."""
    mini_openid: str = ""
    """Of the mini-program; as `openid`."""

    may_be_called: bool = True
    """Whether the phone may ring; SMS are sent in any case."""

    def addresses(self) -> dict[Channel, str]:
        """By channel; those that are known."""
        known = {
            Channel.EMAIL: self.email,
            Channel.SMS: self.phone,
            Channel.VOICE: self.phone if self.may_be_called else "",
            Channel.WECHAT: self.openid,
            Channel.MINI: self.mini_openid,
        }
        return {channel: address for channel, address in known.items() if address}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    fact: str
    """Unique id of the fact, at most 100 characters; the same fact is never told twice to one person on one channel."""
    kind: str
    """A `Kind` value."""
    waybill: str
    customer_code: str | None
    """Whose webhook endpoints hear it; None: nobody's."""
    to: tuple[Recipient, ...]
    params: Mapping[str, str]
    """Keys of `PARAMS`; others are dropped."""
    at: datetime
    """When the fact happened; aware, UTC."""
    data: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """Keys of `DATA`; others are dropped."""


def tidy(
    words: Mapping[str, str | int | float | None], keys: tuple[str, ...]
) -> dict[str, str | int | float]:
    """Keep the known keys that say something, each text cut to `TEXT_MAX` and without control characters."""
    kept: dict[str, str | int | float] = {}
    for key in keys:
        value = words.get(key)
        if isinstance(value, str):
            value = "".join(c for c in value if c.isprintable()).strip()[:TEXT_MAX]
        if value not in (None, ""):
            kept[key] = value
    return kept


def useful_until(kind: Kind, *, by_webhook: bool, since: datetime) -> datetime:
    """After this instant the message would only confuse, and is given up.

    A machine wants every event, so webhooks are tried to the end of the schedule; a person is not told tomorrow
    that the goods come in two hours.
    """
    if by_webhook:
        return since + WEBHOOK_USEFUL
    return since + (SOON_USEFUL if kind in {Kind.SOON, Kind.LINK} else EMAIL_USEFUL)
