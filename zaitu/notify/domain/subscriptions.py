"""How often a person may still be told by a WeChat template: each acceptance is good for one message. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zaitu.notify.domain.delivery import Channel

APPS: Final = (Channel.WECHAT, Channel.MINI)
"""Channels that know a person by an openid."""
CREDIT_MOST: Final = 1000
"""Acceptances counted at most: nobody reads so many messages."""


class Source(StrEnum):
    """Who told us of an acceptance."""

    PAGE = "page"
    """The page on which the person has tapped."""
    EVENT = "event"
    """WeChat, by a pushed event."""


_SAME: Final = timedelta(seconds=60)


def acceptance_counts(*, source: Source, at: datetime, last_source: str, last_at: datetime | None) -> bool:
    """Whether it is another acceptance than the one counted last.

    Page and event tell the same tap, in either order and seconds apart; counted twice, it would promise a message that WeChat
    then refuses.
    """
    return last_at is None or last_source in {"", source} or abs(at - last_at) > _SAME
