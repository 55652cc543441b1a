"""Before and after of rows that people change: a trigger of the database writes each version (django-pghistory).

    @tracked(exclude=["password"])
    class User(...)

The version rows carry the number of the database transaction, and so does the audit row written in it:
who made a change is found by that number (zaitu/access/selectors.py), without a context set in every request.
Never track fields with personal data of customers: an erased person would live on in the versions.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pghistory
from django.db import models
from django.db.models.functions import Cast
from pghistory.models import Event

M = TypeVar("M", bound=type[models.Model])


def transaction_number() -> models.Expression:
    """The database's number of the running transaction, as bigint."""
    # xid8 has no direct cast to bigint.
    number = models.Func(function="pg_current_xact_id", output_field=models.TextField())
    return Cast(Cast(number, models.TextField()), models.BigIntegerField())


class Version(Event):
    """One version of a tracked row, written by the trigger."""

    transaction = models.BigIntegerField(db_default=transaction_number(), db_index=True)

    class Meta:
        abstract = True


def tracked(*, exclude: Sequence[str] = ()) -> Callable[[M], M]:
    """Keep every version of this model's rows; `exclude` names fields that are secret, personal or change all the time."""

    def decorate(model: M) -> M:
        track = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
            exclude=list(exclude) or None,
            obj_field=pghistory.ObjForeignKey(related_name="+"),
            context_field=None,
            base_model=Version,
            append_only=True,
        )
        decorated: M = track(model)
        return decorated

    return decorate
