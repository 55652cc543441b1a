"""Which parts of a long SMS the operator has taken: kept, so that a repeat leaves them out and their receipts count together."""

import time
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from django.db import DatabaseError, connection

from zaitu.kernel import clock
from zaitu.notify.models import SmsPart

_TRIES: Final = 10
_AGAIN_S: Final = 1.0
"""Between two tries while the database is away: what is not kept would be sent twice."""


def name_of(message: str, text: str) -> UUID:
    """Names this text of this message: a template that has been changed since makes another one.

    Words that are meant to be told once more need another message.
    """
    return uuid5(UUID(message), text.encode("utf-8", "replace").decode())


def taken(provider: str, whole: UUID) -> Mapping[int, str]:
    """What the operator calls the parts that it has taken, by their number. One query."""
    rows = SmsPart.objects.filter(provider=provider, whole=whole)
    return dict(rows.values_list("number", "ref"))


def keep(provider: str, whole: UUID, number: int, ref: str) -> None:
    """Write down one part that was taken; an operator that uses a name again means the newer one."""
    row = SmsPart(provider=provider, ref=ref[:100], whole=whole, number=number, at=clock.now())
    for left in reversed(range(_TRIES)):
        try:
            SmsPart.objects.bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["provider", "ref"],
                update_fields=["whole", "number", "at"],
            )
        except DatabaseError:
            connection.close()
            if not left:
                raise
            time.sleep(_AGAIN_S)
        else:
            return
