"""Form fields and small words of the console. `{% load console %}`."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from zaitu.console import words
from zaitu.console.forms import Form
from zaitu.console.journey import looks
from zaitu.journey.public import EventView

register = template.Library()


@register.inclusion_tag("console/parts/field.html")
def field(form: Form, name: str, label: str, **more: Any) -> dict[str, Any]:
    """A labelled input with its error. type, hint, required, placeholder, list, inputmode, maxlength, step, value."""
    return {
        "name": name,
        "id": f"f-{name.replace('.', '-')}",
        "label": label,
        # A password is never sent back.
        "value": "" if more.get("type") == "password" else form.values.get(name, more.get("value", "")),
        "error": form.errors.get(name, ""),
        "type": "text",
        **{key: value for key, value in more.items() if key != "value"},
    }


@register.inclusion_tag("console/parts/select.html")
def choose(form: Form, name: str, label: str, options: Any, **more: Any) -> dict[str, Any]:
    """A labelled select; `options` are (value, text) pairs. hint, required, empty (text of the empty choice)."""
    chosen = form.values.get(name, str(more.get("value", "")))
    return {
        "name": name,
        "id": f"f-{name.replace('.', '-')}",
        "label": label,
        "options": [(str(value), text, str(value) == chosen) for value, text in options],
        "error": form.errors.get(name, ""),
        **more,
    }


@register.inclusion_tag("console/parts/ticks.html")
def ticks(form: Form, name: str, label: str, options: Any, **more: Any) -> dict[str, Any]:
    """Check boxes of one name; `options` are (value, text, hint) triples."""
    chosen = form.lists.get(name, more.get("value", ()))
    return {
        "name": name,
        "id": f"f-{name}",
        "label": label,
        "options": [(value, text, hint, value in chosen) for value, text, hint in options],
        "error": form.errors.get(name, ""),
        **more,
    }


@register.filter
def role(code: str) -> str:
    return words.role_name(code)


@register.filter
def action(code: str) -> str:
    return words.action_name(code)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`{{ names|get:code }}`; empty when it is not there."""
    return mapping.get(key, "") if mapping else ""


@register.simple_tag
def ticked(form: Form, name: str, *, default: bool = False) -> SafeString:
    """` checked` for a single check box."""
    return SafeString(" checked" if (form.ticked(name) if form.values else default) else "")


@register.filter
def tone(status: str) -> tuple[str, str]:
    """Colour and icon of a status pill."""
    return looks.tone(status)


@register.filter
def status_text(code: str) -> str:
    return looks.status_text(code)


@register.filter
def detail_text(code: str) -> str:
    return looks.detail_text(code)


@register.filter
def minutes(count: int) -> str:
    """1 小时 40 分 from 100."""
    return looks.span(count)


@register.filter
def is_late(event: EventView) -> bool:
    """Told much later than it happened: sent afterwards from a phone or terminal without network."""
    return (event.recorded_at - event.at).total_seconds() > looks.LATE_AFTER_S
