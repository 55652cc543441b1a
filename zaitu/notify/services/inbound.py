"""What people write back: kept once, with who they are where we know it, and heeded where they want no more."""

from collections.abc import Iterable

from django.db import transaction

from zaitu.kernel import clock, outbox
from zaitu.kernel.crypto import blind_indexes
from zaitu.notify.domain.callbacks import ADDRESS_INDEX, UNSUBSCRIBED, Heard, unsubscribes
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.events import PersonWrote
from zaitu.notify.models import Attempt, Inbound, Message
from zaitu.notify.services.ways import way_close, way_leave


def heard_take(*, provider: str, channel: Channel, heard: Iterable[Heard]) -> int:
    """Keep what a provider tells that people wrote; how much was new. May be told again."""
    return sum(_take(provider, channel, one) for one in heard)


@transaction.atomic
def _take(provider: str, channel: Channel, one: Heard) -> bool:
    written = _written_to(channel, one.address)
    newest = written[0] if written else None
    inbound, new = Inbound.objects.get_or_create(
        provider=provider,
        ref=one.ref,
        defaults={
            "channel": channel,
            "person": newest.person if newest else "",
            "waybill": newest.waybill if newest else "",
            "address": one.address,
            "text": one.text,
            "unsubscribed": unsubscribes(one.text),
            "at": one.at,
            "received_at": clock.now(),
        },
    )
    if not new:
        return False
    if inbound.unsubscribed:
        # The number is one person's, however many customers have given it to us as somebody's.
        for person in dict.fromkeys(message.person for message in written):
            way_close(person=person, channel=channel, address=one.address, why=UNSUBSCRIBED)
            way_leave(person=person, channel=channel, address=one.address, why=UNSUBSCRIBED)
    else:
        outbox.put(PersonWrote(inbound_id=inbound.pk, person=inbound.person, waybill=inbound.waybill))
    return True


def _written_to(channel: Channel, address: str) -> list[Message]:
    """One message to each person who has been written to there, the newest first."""
    tries = Attempt.objects.filter(
        address_index__in=blind_indexes(address, ADDRESS_INDEX), channel=channel
    ).select_related("message")
    newest: dict[str, Message] = {}
    for attempt in tries.order_by("-id")[:_LOOK_BACK]:
        newest.setdefault(attempt.message.person, attempt.message)
    return list(newest.values())


_LOOK_BACK = 200
"""Tries to one number that are looked at."""
