"""By which ways a person is told: one after the other, until one has reached them. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from zaitu.notify.domain.delivery import Channel, Next, State
from zaitu.notify.domain.notices import Kind


class Urgency(IntEnum):
    """The smaller, the sooner; also the order in which waiting messages are sent."""

    URGENT = 0
    """A person must act now; heeds no quiet hours."""
    USUAL = 1
    LATER = 2
    """Good to know; may wait and be gathered with others."""


URGENCIES: Final[Mapping[Kind, Urgency]] = {
    Kind.ACCEPTED: Urgency.USUAL,
    Kind.DEPARTED: Urgency.LATER,
    Kind.STOP: Urgency.LATER,
    Kind.SOON: Urgency.USUAL,
    Kind.SIGNED: Urgency.USUAL,
    Kind.EXCEPTION: Urgency.URGENT,
    Kind.CORRECTION: Urgency.USUAL,
    Kind.REPLY: Urgency.USUAL,
    Kind.MANY: Urgency.USUAL,
    Kind.LINK: Urgency.URGENT,
    Kind.TEST: Urgency.USUAL,
    Kind.ALERT: Urgency.USUAL,
}

ORDER: Final = (
    Channel.MINI,
    Channel.WECHAT,
    Channel.PUSH,
    Channel.SMS,
    Channel.EMAIL,
    Channel.VOICE,
)
"""Ways to a person that has not chosen: what costs nothing and is read at once comes first, a call last."""

RECEIPTED: Final = frozenset({Channel.SMS, Channel.WECHAT, Channel.MINI, Channel.VOICE})
"""Channels that tell afterwards whether a message has arrived."""

PATIENCE: Final[Mapping[Urgency, timedelta]] = {
    Urgency.URGENT: timedelta(minutes=1),
    Urgency.USUAL: timedelta(minutes=10),
    Urgency.LATER: timedelta(hours=2),
}
"""A way that has not taken a message for so long, or has taken it and not told that it arrived, is left for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    channel: Channel
    address: str
    """Phone number in the kernel's spelling, e-mail address, openid, or a push subscription as JSON."""


def ways_of(
    addresses: Mapping[Channel, str],
    *,
    usable: Collection[Channel],
    closed: Collection[Channel] = (),
    chosen: tuple[Channel, ...] = (),
    urgency: Urgency,
) -> tuple[Way, ...]:
    """The ways to a person in the order they are taken.

    `usable`: channels this installation has. `closed`: those by which this person cannot be reached. `chosen`: what the person
    wants, in order; nothing else is used then, but for what is urgent. Calls are made only where it is urgent.
    """
    order = [
        *chosen,
        *(one for one in ORDER if one not in chosen and (not chosen or urgency is Urgency.URGENT)),
    ]
    if urgency is not Urgency.URGENT:
        order = [one for one in order if one is not Channel.VOICE]
    return tuple(
        Way(channel=channel, address=addresses[channel])
        for channel in order
        if addresses.get(channel) and channel in usable and channel not in closed
    )


def ways_pack(ways: Iterable[Way]) -> str:
    """As a message keeps the ways that are left: JSON `[[channel, address], …]`; empty when there are none."""
    packed = [[way.channel.value, way.address] for way in ways]
    return json.dumps(packed, ensure_ascii=False) if packed else ""


def ways_unpack(packed: str) -> list[Way]:
    return [Way(channel=Channel(channel), address=address) for channel, address in json.loads(packed or "[]")]


def leaves(step: Next, *, since: datetime, useful_until: datetime, now: datetime, urgency: Urgency) -> bool:
    """Whether, after a try that led to `step`, the next way is taken instead; `since`: when this one was begun."""
    if step.state in {State.SENT, State.DELIVERED} or now >= useful_until:
        return False
    return step.state is not State.QUEUED or step.next_at > since + PATIENCE[urgency]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider tells afterwards of one message it has taken."""

    ref: str
    """The provider's name of the message, as in `Answer.ref`."""
    delivered: bool
    at: datetime
    """Aware, UTC."""
    code: str = ""
    note: str = ""
    """For the console, Chinese, at most 300 characters."""
    gone: bool = False
    """The person wants nothing more on this way."""
