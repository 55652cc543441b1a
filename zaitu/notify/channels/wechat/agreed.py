"""How many messages of a template somebody has still agreed to: one statement takes one, so two couriers never take the same."""

from typing import Final

from django.db.models import F, QuerySet

from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.subscriptions import CREDIT_MOST
from zaitu.notify.models import SubscriptionCredit

OPENID: Final = "wechat openid"
"""Purpose of the blind index of openids."""
_NAMELESS: Final = "sub:"
"""Before the name we give a message that WeChat has not named."""


def take(channel: Channel, openid: str, template: str) -> bool:
    """Use one; False: there is none left."""
    return bool(_row(channel, openid, template).filter(left__gt=0).update(left=F("left") - 1))


def give_back(channel: Channel, openid: str, template: str) -> None:
    """The message was surely not taken."""
    _row(channel, openid, template).filter(left__lt=CREDIT_MOST).update(left=F("left") + 1)


def none_left(channel: Channel, openid: str, template: str) -> None:
    """WeChat knows better than we: the person has not agreed, or not any more."""
    _row(channel, openid, template).update(left=0)


def _row(channel: Channel, openid: str, template: str) -> QuerySet[SubscriptionCredit]:
    """At most one. Conditions stand in the statement itself: whoever waits for the row looks at it anew."""
    return SubscriptionCredit.objects.filter(
        channel=channel, openid_index__in=blind_indexes(openid, OPENID), template=template
    )


def message_key(channel: Channel, openid: str, template: str) -> str:
    """How the names begin of messages of one template to one person that WeChat has not named."""
    return f"{_NAMELESS}{blind_index(f'{channel.value} {openid} {template}', OPENID)[:20]}:"
