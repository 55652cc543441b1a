"""Before and after of rows that people change: a trigger of the database writes each version (django-pghistory).

    @tracked(exclude=["password"])
    class User(...)

The version rows carry the number of the database transaction, and so does the audit row written in it:
who made a change is found by that number (zaitu/access/selectors.py), without a context set in every request.
Never track fields with personal data of customers: an erased person would live on in the versions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import pghistory
from django.apps import apps
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
            context_field=None,  # type: ignore[arg-type]  # its documentation allows None, its types forgot it
            base_model=Version,
            append_only=True,
        )
        decorated: M = track(model)
        return decorated

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction did to one tracked row."""

    table: str
    """`access.user`."""
    row_id: int
    label: str
    """insert, update or delete."""
    at: datetime
    fields: tuple[tuple[str, str, str], ...]
    """(field, before, after) of those that differ."""


def changes_of(transaction: int) -> list[Change]:
    """Every version written in that transaction, compared with the version before it.

    Transaction numbers begin anew in a restored database: compare `at` too.
    """
    return [
        _change(model, version)
        for model in apps.get_models()
        if issubclass(model, Version)
        for version in _versions(model).filter(transaction=transaction)
    ]


def _versions(model: type[models.Model]) -> models.QuerySet[Any]:
    return model._default_manager.order_by("pgh_id")  # noqa: SLF001  Django's documented way to a model met at run time


def _change(model: type[models.Model], version: Any) -> Change:
    before = _versions(model).filter(pgh_obj_id=version.pgh_obj_id, pgh_id__lt=version.pgh_id).last()
    values, earlier = _values(version), _values(before) if before else {}
    return Change(
        table=version.pgh_tracked_model._meta.label_lower,  # noqa: SLF001  Django's documented name
        row_id=version.pgh_obj_id,
        label=version.pgh_label,
        at=version.pgh_created_at,
        fields=tuple(
            (name, earlier.get(name, ""), value)
            for name, value in values.items()
            if earlier.get(name) != value
        ),
    )


def _values(version: Any) -> dict[str, str]:
    own = {field.name for field in Version._meta.get_fields()} | {"pgh_obj"}  # noqa: SLF001  Django's documented name
    fields = (field for field in version._meta.concrete_fields if field.name not in own)  # noqa: SLF001  the same
    return {field.name: _text(getattr(version, field.attname)) for field in fields}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value)
