"""System check: foreign keys point to the same or a lower room, and nothing looks back up through them."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.db import models

HEIGHT: Final = {
    "kernel": 0,
    "access": 1,
    "customers": 2,
    "network": 2,
    "telemetry": 3,
    "notify": 4,
    "journey": 5,
    "hotline": 6,
    "epcis": 7,
    "incidents": 8,
    "dispatch": 9,
    "desk": 10,
    "insight": 11,
    "assistant": 12,
    "ui": 13,
    "portal": 14,
    "field": 14,
    "console": 14,
    "config": 15,
}
"""Rooms as in the import contract (pyproject.toml); Django's and others' apps lie below all of them."""


@register("zaitu")
def relations_point_down(
    app_configs: Sequence[AppConfig] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Every relation of a room's model: target in the same or a lower room, `related_name="+"`."""
    configs = apps.get_app_configs() if app_configs is None else app_configs
    return [
        message
        for config in configs
        if config.label in HEIGHT
        for model in config.get_models()
        for field in _own_fields(model)
        for message in relation_faults(model, field)
    ]


def relation_faults(model: type[models.Model], field: Any) -> Iterator[CheckMessage]:
    """What is wrong with one field; nothing when it is no relation, or a library's abstract base brought it."""
    remote = field.remote_field
    if remote is None or _inherited(model, field):
        return
    room, target = _room(model), _room(remote.model)
    level, target_level = HEIGHT[room], HEIGHT.get(target, -1)
    if target_level > level or (target_level == level and target != room):
        yield Error(f"{room} points at {target}, which does not lie below it", obj=field, id="zaitu.E001")
    if not remote.hidden:
        yield Error('related_name must be "+": nothing looks back up', obj=field, id="zaitu.E002")


def _own_fields(model: type[models.Model]) -> list[Any]:
    meta = model._meta  # noqa: SLF001  Django's documented name
    return [*meta.local_fields, *meta.local_many_to_many]


def _room(model: type[models.Model]) -> str:
    return model._meta.app_label  # noqa: SLF001  Django's documented name


def _inherited(model: type[models.Model], field: Any) -> bool:
    """Whether the field comes from another package's abstract model (the groups of AbstractUser)."""
    return any(
        field.name in {own.name for own in _own_fields(base)}
        for base in model.__mro__[1:]
        if hasattr(base, "_meta") and not base.__module__.startswith("zaitu.")
    )
