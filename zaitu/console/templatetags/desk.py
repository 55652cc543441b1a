"""Words of conversations. `{% load desk %}`."""

from typing import Any

from django import template

from zaitu.console.desk import looks
from zaitu.desk.public import Kind

register = template.Library()


@register.filter
def desk_kind(kind: str) -> tuple[Any, str]:
    """Name and icon."""
    return looks.KINDS[Kind(kind)]


@register.filter
def desk_role(role: str) -> str:
    return str(looks.ROLES.get(role, ""))
