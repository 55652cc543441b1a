"""Messages do not stay for ever: what is personal in them goes first, the rest later."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, F, Func, QuerySet, Value

from zaitu.kernel import clock
from zaitu.notify.adapters.old import messages_delete
from zaitu.notify.domain.delivery import OPEN_STATES
from zaitu.notify.models import Attempt, Inbound, Message
from zaitu.notify.services.ways import receipts_forget
from zaitu.notify.services.wechat import agreements_forget, callbacks_forget

_BATCH: Final = 1_000
_BATCHES: Final = 100
"""Of one run; what is left is the next run's."""


def blank(messages: QuerySet[Message]) -> int:
    """Blank where these were sent, what they said, and what the other side answered (it repeats addresses); how many."""
    # Our own words come first, the other side's after the colon (channels/*/answers.py).
    Attempt.objects.filter(message__in=messages).update(
        answer=_before_colon("answer"),
        receipt_note=_before_colon("receipt_note"),
        address="",
        address_index="",
    )
    return messages.update(address="", ways="", words="{}", note=_before_colon("note"))


def messages_trim() -> tuple[int, int]:
    """(blanked, deleted): what has passed its days, in batches; at most 100,000 of each at a time."""
    now = clock.now()
    keep, whole = (
        timedelta(days=days) for days in (settings.ZAITU_MESSAGE_KEEP_DAYS, settings.ZAITU_MESSAGE_BLANK_DAYS)
    )
    receipts_forget()
    callbacks_forget()
    agreements_forget()
    blanked = _in_batches(lambda: _blank_some(now - min(whole, keep), now))
    _inbound_trim(blank_before=now - min(whole, keep), delete_before=now - keep, now=now)
    return blanked, _in_batches(lambda: messages_delete(before=now - keep, at_most=_BATCH))


def inbound_blank(rows: QuerySet[Inbound], now: datetime) -> int:
    """Blank what these people wrote and from where; how many."""
    return rows.update(text="", address="", blanked_at=now)


def _inbound_trim(*, blank_before: datetime, delete_before: datetime, now: datetime) -> None:
    """As messages: few enough to be done at once."""
    Inbound.objects.filter(received_at__lt=delete_before).delete()
    inbound_blank(Inbound.objects.filter(received_at__lt=blank_before, blanked_at=None), now)


def _in_batches(some: Callable[[], int]) -> int:
    total = 0
    for _ in range(_BATCHES):
        done = some()
        total += done
        if done < _BATCH:
            break
    return total


@transaction.atomic
def _blank_some(before: datetime, now: datetime) -> int:
    old = Message.objects.filter(blanked_at=None, created_at__lt=before).exclude(state__in=OPEN_STATES)
    locked = old.order_by("created_at").select_for_update(skip_locked=True)
    messages = Message.objects.filter(pk__in=list(locked.values_list("pk", flat=True)[:_BATCH]))
    blank(messages)
    return messages.update(blanked_at=now)


def _before_colon(column: str) -> Func:
    return Func(F(column), Value("："), Value(1), function="split_part", output_field=CharField())
