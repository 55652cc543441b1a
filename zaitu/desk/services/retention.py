"""What was said does not stay for ever, and goes at once when its person is erased."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from zaitu.desk.models import Conversation, Entry, Rating, Ticket
from zaitu.desk.selectors.words import words_indexes
from zaitu.desk.services.photos import photos_remove
from zaitu.kernel import clock
from zaitu.kernel.rewriting import Batch, Plain, rows_rewrite

_BATCH: Final = 200
_BATCHES: Final = 100
"""Of one run; what is left is the next run's."""


@transaction.atomic
def person_forget(*, contact_id: int) -> int:
    """Blank what this person said and was told; how many conversations. The record that it happened stays."""
    theirs = Q(contact_id=contact_id) | Q(person=f"contact:{contact_id}")
    Rating.objects.filter(theirs).update(text="", blanked_at=clock.now())
    found = list(Conversation.objects.filter(theirs).values_list("pk", flat=True))
    _blank(found)
    return len(found)


def talks_trim() -> tuple[int, int]:
    """(blanked, deleted) conversations that have passed their days, in batches. Whoever waits for an answer is not forgotten."""
    now = clock.now()
    keep, whole = (
        timedelta(days=days) for days in (settings.ZAITU_TALK_KEEP_DAYS, settings.ZAITU_TALK_BLANK_DAYS)
    )
    old = Rating.objects.filter(changed_at__lt=now - min(whole, keep), blanked_at=None)
    old.update(text="", blanked_at=now)
    Rating.objects.filter(changed_at__lt=now - keep).delete()
    done = Conversation.objects.filter(waiting_since=None)
    blanked = _in_batches(done.filter(blanked_at=None, last_at__lt=now - min(whole, keep)), delete=False)
    return blanked, _in_batches(done.filter(last_at__lt=now - keep), delete=True)


def _in_batches(conversations: QuerySet[Conversation], *, delete: bool) -> int:
    total = 0
    for _ in range(_BATCHES):
        done = _some(conversations, delete=delete)
        total += done
        if done < _BATCH:
            break
    return total


@transaction.atomic
def _some(conversations: QuerySet[Conversation], *, delete: bool) -> int:
    locked = conversations.order_by("last_at").select_for_update(skip_locked=True)
    found = list(locked.values_list("pk", flat=True)[:_BATCH])
    if delete and found:
        photos_remove(found)
        Conversation.objects.filter(pk__in=found).delete()
    elif found:
        _blank(found)
    return len(found)


def _blank(conversations: Collection[int]) -> None:
    photos_remove(conversations)
    Entry.objects.filter(conversation__in=conversations).update(text="", grams=[])
    Ticket.objects.filter(conversation__in=conversations).update(fields="")
    Conversation.objects.filter(pk__in=conversations).update(blanked_at=clock.now())


def keys_rewrite() -> Iterator[Batch]:
    """Under the newest data key, entries with their indexes."""
    return rows_rewrite("desk", {Entry: _indexes})


def _indexes(rows: Mapping[Any, Plain]) -> dict[Any, dict[str, Any]]:
    return {pk: {"grams": words_indexes(texts["text"])} for pk, texts in rows.items()}
