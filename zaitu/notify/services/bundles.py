"""Messages that are told together: a person's digest, and the many of a storm."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db import transaction

from zaitu.kernel import clock
from zaitu.notify.domain.delivery import State
from zaitu.notify.domain.notices import Kind, useful_until
from zaitu.notify.domain.preferences import LISTED_MAX, STORM_WAIT
from zaitu.notify.domain.words import many, words
from zaitu.notify.models import Message

_AT_ONCE: Final = 2_000
_TOGETHER: Final = "与其他通知合并发送"


def bundles_make() -> int:
    """Tell together what is due to be gathered, one message for each person; how many were made. Call it every few seconds."""
    now = clock.now()
    with transaction.atomic():
        due = Message.objects.filter(state=State.HELD, next_at__lte=now)
        persons = list(due.order_by("next_at").values_list("person", flat=True)[:_AT_ONCE])
        # Also what is due a little later: nobody is told twice in a minute. An evening's digest waits for the evening.
        held = Message.objects.filter(
            state=State.HELD, person__in=set(persons), next_at__lte=now + STORM_WAIT
        ).order_by("person", "created_at")
        locked = held.select_for_update(skip_locked=True)[:_AT_ONCE]
        return sum(_bundle(list(some), now) for _, some in groupby(locked, key=lambda one: one.person))


def _bundle(held: Sequence[Message], now: datetime) -> int:
    first = held[-1]
    if len(held) == 1:
        first.state, first.next_at, first.note, first.way_since = State.QUEUED, now, "", now
        first.save(update_fields=["state", "next_at", "note", "way_since"])
        return 0
    told = many([(one.waybill, headline) for one, headline in _headlines(held)], shown=LISTED_MAX)
    made = uuid.uuid4()
    Message.objects.create(
        id=made,
        fact=f"many:{made}",
        person=first.person,
        purpose=Kind.MANY,
        channel=first.channel,
        address=first.address,
        ways=first.ways,
        way_since=now,
        fall_back_at=first.fall_back_at,
        urgency=min(one.urgency for one in held),
        waybill="",
        customer_code=first.customer_code,
        subject=words(Kind.MANY, waybill="", params=told, at=clock.local(now)).subject,
        words=json.dumps(told, ensure_ascii=False),
        at=now,
        created_at=now,
        useful_until=max(useful_until(Kind.MANY, by_webhook=False, since=now), first.useful_until),
        state=State.QUEUED,
        next_at=now,
    )
    Message.objects.filter(pk__in=[one.pk for one in held]).update(
        state=State.BUNDLED, bundle=made, note=_TOGETHER, fall_back_at=None
    )
    return 1


def _headlines(held: Sequence[Message]) -> Iterator[tuple[Message, str]]:
    for one in held:
        params = {key: str(value) for key, value in json.loads(one.words).items()}
        yield (
            one,
            words(Kind(one.purpose), waybill=one.waybill, params=params, at=clock.local(one.at)).headline,
        )
