"""What a person wants to be told, how, and when. Pure; times of day are on a Chinese wall clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.delivery import CHANNEL_TEXTS, Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.ways import Urgency

LANGUAGES: Final[Mapping[str, str]] = {"zh-hans": "简体中文", "zh-hant": "繁體中文", "en": "English"}
CHOICES: Final = (Channel.MINI, Channel.WECHAT, Channel.PUSH, Channel.SMS, Channel.EMAIL)
"""Channels a person may choose between."""
DISTURBING: Final = frozenset({Channel.SMS, Channel.WECHAT, Channel.MINI, Channel.PUSH, Channel.VOICE})
"""Channels that make a phone ring or light up; mail lies where it is."""
DIGESTS_MAX: Final = 4


class Topic(StrEnum):
    """What a person may switch off, in one go."""

    PROGRESS = "progress"
    """下单、发车、途经"""
    ARRIVAL = "arrival"
    """即将送达、签收"""


TOPICS: Final[Mapping[Kind, Topic]] = {
    Kind.ACCEPTED: Topic.PROGRESS,
    Kind.DEPARTED: Topic.PROGRESS,
    Kind.STOP: Topic.PROGRESS,
    Kind.SOON: Topic.ARRIVAL,
    Kind.SIGNED: Topic.ARRIVAL,
    Kind.CORRECTION: Topic.ARRIVAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    channels: tuple[Channel, ...] = ()
    """In order; empty: as the house does it."""
    quiet_from: time = time(22)
    quiet_until: time = time(8)
    """Equal: there are no quiet hours."""
    digests: tuple[time, ...] = ()
    """When what may wait is told together; empty: each at once."""
    off: frozenset[Topic] = field(default_factory=frozenset)
    language: str = "zh-hans"


def preference_checked(wanted: Preference) -> Preference:
    """In its stored form: nothing twice, digests in order. Raises Invalid naming every wrong field."""
    wrong: dict[str, str] = {}
    if any(channel not in CHOICES for channel in wanted.channels):
        wrong["channels"] = "可选：" + "、".join(CHANNEL_TEXTS[one] for one in CHOICES)
    if len(set(wanted.digests)) > DIGESTS_MAX:
        wrong["digests"] = f"每天最多 {DIGESTS_MAX} 个汇总时间"
    elif any(quiet(wanted, at) for at in wanted.digests):
        wrong["digests"] = "汇总时间不能在免打扰时段内"
    if wanted.language not in LANGUAGES:
        wrong["language"] = "可选：" + "、".join(LANGUAGES.values())
    if wrong:
        raise Invalid("通知设置有误", fields=wrong)
    return Preference(
        channels=tuple(dict.fromkeys(wanted.channels)),
        quiet_from=wanted.quiet_from,
        quiet_until=wanted.quiet_until,
        digests=tuple(sorted(set(wanted.digests))),
        off=frozenset(wanted.off),
        language=wanted.language,
    )


def quiet(preference: Preference, at: time) -> bool:
    """Whether this time of day lies in the quiet hours, which may pass midnight; their end is not quiet."""
    start, end = preference.quiet_from, preference.quiet_until
    if start <= end:
        return start <= at < end
    return at >= start or at < end


def wants(preference: Preference, kind: Kind, urgency: Urgency) -> bool:
    """Nobody switches off what is urgent."""
    return urgency is Urgency.URGENT or TOPICS.get(kind) not in preference.off


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    at: datetime
    gathered: bool
    """Told together with what else waits for then."""
    why: str = ""
    """For staff: what it waits for; empty: nothing."""


def when(preference: Preference, *, urgency: Urgency, channel: Channel, now: datetime) -> When:
    """When a message is told on this channel. `now` is on a Chinese wall clock (aware).

    What may wait is gathered for the person's next digest; quiet hours put off what would disturb, but for what is urgent.
    """
    if urgency is Urgency.URGENT:
        return When(at=now, gathered=False)
    if urgency is Urgency.LATER and preference.digests:
        at = min(_next(digest, now) for digest in preference.digests)
        return When(at=at, gathered=True, why=f"{at:%H:%M} 汇总发送")
    if channel in DISTURBING and quiet(preference, now.time()):
        at = _next(preference.quiet_until, now)
        return When(at=at, gathered=False, why=f"免打扰时段，{at:%H:%M} 发送")
    return When(at=now, gathered=False)


def _next(at: time, now: datetime) -> datetime:
    """The next instant at which clocks show this time of day, after now."""
    there = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return there if there > now else there + timedelta(days=1)


STORM_FROM: Final = 5
"""So many messages of one kind to one person in STORM_WITHIN are told one by one; those after them together."""
STORM_WITHIN: Final = timedelta(minutes=10)
STORM_WAIT: Final = timedelta(minutes=2)
"""What is told together waits so long for more."""
LISTED_MAX: Final = 20
"""Waybills named in one message; the others are counted."""


def storms(recent: int, urgency: Urgency, now: datetime) -> When | None:
    """`recent`: messages of this kind to this person in the last STORM_WITHIN; None: it is told by itself."""
    if recent < STORM_FROM:
        return None
    wait = STORM_WAIT if urgency is not Urgency.URGENT else STORM_WAIT / 4
    return When(at=now + wait, gathered=True, why="同类通知较多，合并发送")
