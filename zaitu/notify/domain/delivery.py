"""The life of one message: a table of states, a schedule of retries, and what each answer leads to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """How it reaches a person or a system; who carries it there is the channel's provider."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SMS = "sms"
    WECHAT = "wechat"
    """Service account 公众号."""
    MINI = "mini"
    """Mini-program subscription 小程序订阅消息."""
    PUSH = "push"
    """Browser push."""
    VOICE = "voice"
    ROBOT = "robot"
    """A staff group's robot: WeCom, DingTalk, Feishu."""


CHANNEL_TEXTS: Final = {
    Channel.EMAIL: "邮件",
    Channel.WEBHOOK: "Webhook",
    Channel.SMS: "短信",
    Channel.WECHAT: "公众号",
    Channel.MINI: "小程序",
    Channel.PUSH: "网页推送",
    Channel.VOICE: "语音电话",
    Channel.ROBOT: "工作群",
}


class State(StrEnum):
    HELD = "held"
    """Waits to be told together with others."""
    BUNDLED = "bundled"
    """Told in another message, together with others."""
    QUEUED = "queued"
    """Waits for its first try or for the next one."""
    SENDING = "sending"
    """A courier holds it; when the courier dies its lease runs out and another takes it."""
    SENT = "sent"
    """The other side has taken it."""
    DELIVERED = "delivered"
    """A receipt says that it has arrived."""
    FAILED = "failed"
    """The other side says it will never take it."""
    GIVEN_UP = "given_up"
    """Every retry is used, or it would come too late to be of use."""


STATE_TEXTS: Final = {
    State.HELD: "待合并",
    State.BUNDLED: "已合并",
    State.QUEUED: "待发送",
    State.SENDING: "发送中",
    State.SENT: "已发送",
    State.DELIVERED: "已送达",
    State.FAILED: "发送失败",
    State.GIVEN_UP: "已放弃",
}

OPEN_STATES: Final = (State.QUEUED, State.SENDING)


class Verdict(StrEnum):
    """What an answer of the other side means for this message."""

    TAKEN = "taken"
    RETRY = "retry"
    """Again, at the next step of the schedule."""
    NEVER = "never"
    """It will not be taken however often it is sent."""
    PAUSE = "pause"
    """The way there is blocked, not this message: it keeps its retries, and everything on that way rests."""


TABLE: Final = {
    Verdict.TAKEN: State.SENT,
    Verdict.RETRY: State.QUEUED,
    Verdict.PAUSE: State.QUEUED,
    Verdict.NEVER: State.FAILED,
}
"""`sending` + verdict → state; `given_up` is what becomes of `queued` when nothing is left to wait for.

What is settled is queued again only where the receiver asks for it (services/redelivery.py).
"""

SCHEDULE: Final = tuple(
    timedelta(seconds=s)
    for s in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""Standard Webhooks 1.0: the wait before each try, after the one before it."""

JITTER: Final = 0.1
"""Retries are put off by up to this share of their wait, so that an outage does not end in a stampede."""

REST_FIRST: Final = timedelta(seconds=5)
REST_LONGEST: Final = timedelta(minutes=5)
RETRY_AFTER_LONGEST: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from one try."""

    verdict: Verdict
    note: str
    """For the console, Chinese, at most 300 characters: what the other side said."""
    code: int = 0
    """HTTP status or SMTP code; 0: there was none."""
    reason: str = ""
    """The provider's own word for what was wrong, such as `isv.BUSINESS_LIMIT_CONTROL` or `43101`; at most 60 characters."""
    rests: bool = False
    """The way there rests a while, longer after each failure in a row (always so with PAUSE)."""
    retry_after_s: int | None = None
    """How long the other side asked us to wait, seconds; without `rests` only this message waits."""
    gone: bool = False
    """The other side wants nothing more, ever: the endpoint is switched off, the way to this person is closed."""
    ref: str = ""
    """What the provider calls the message: its receipt will name it. At most 100 characters."""
    parts: int = 1
    """SMS that it was cut into."""
    cost_fen: int = 0
    """What the provider said that it takes for it, fen."""
    provider: str = ""
    """Who carried it, where a channel has several at once; empty: the sender's `provider`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    state: State
    attempts: int
    next_at: datetime


def rest(failures_in_row: int, retry_after_s: int | None = None) -> timedelta:
    """How long a way rests after its n-th failure in a row (n ≥ 1): 5 s doubling to 5 min, or what it asked for (≤ 6 h)."""
    if retry_after_s is not None:
        return min(max(timedelta(seconds=retry_after_s), timedelta(seconds=1)), RETRY_AFTER_LONGEST)
    return min(REST_FIRST * (1 << min(failures_in_row - 1, 10)), REST_LONGEST)


def after(
    answer: Answer, *, attempts: int, now: datetime, useful_until: datetime, wait: timedelta, jitter: float
) -> Next:
    """The message after a try.

    `attempts` counts this try (≥ 1); `wait` is how long the way rests (zero: not at all); `jitter` is 0..1.
    """
    state = TABLE[answer.verdict]
    if state is not State.QUEUED:
        return Next(state=state, attempts=attempts, next_at=now)
    if answer.verdict is Verdict.PAUSE:
        attempts -= 1
        delay = wait
    elif attempts >= len(SCHEDULE):
        return Next(state=State.GIVEN_UP, attempts=attempts, next_at=now)
    else:
        delay = max(SCHEDULE[attempts], wait)
    at = now + delay * (1 + JITTER * jitter)
    if at > useful_until:
        return Next(state=State.GIVEN_UP, attempts=attempts, next_at=now)
    return Next(state=State.QUEUED, attempts=attempts, next_at=at)
