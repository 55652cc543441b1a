"""What was typed into a form that was not taken. `{% load talking %}`."""

from django import template

from zaitu.portal.talks import Typed

register = template.Library()


@register.filter
def typed_value(typed: Typed, name: str) -> str:
    return typed.values.get(name, "")


@register.filter
def typed_error(typed: Typed, name: str) -> str:
    return typed.errors.get(name, "")
