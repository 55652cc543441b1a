"""Form fields and small words of the console. `{% load console %}`."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString

from zaitu.access.public import Role
from zaitu.console import words
from zaitu.console.forms import Form
from zaitu.console.journey import lateness, looks
from zaitu.journey.public import EventView
from zaitu.network import public as network

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
def thousands(count: int) -> str:
    """18,000."""
    return f"{count:,}"


@register.filter
def role(code: str) -> str:
    return words.role_name(code)


@register.filter
def role_list(codes: Iterable[str]) -> str:
    """客服、调度, in the order of the roles table."""
    chosen = set(codes)
    return words.listed(words.role_name(one) for one in Role if one.value in chosen)


@register.filter
def names_of(codes: Iterable[str], names: Mapping[str, str]) -> str:
    """The names of several codes in one line."""
    return words.listed(str(names.get(code, "")) for code in codes)


@register.filter
def action(code: str) -> str:
    return words.action_name(code)


@register.filter
def hours(minutes: tuple[int, int]) -> str:
    """08:00–20:00."""
    return network.hours_text(minutes).replace("-", "–")


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


register.filter("since", looks.since)
register.filter("subject", words.subject_name)
register.filter("notice_text", words.notice_name)
register.filter("channel_text", words.channel_name)
register.filter("notice_state", words.notice_state)
register.filter("said", words.said)
register.filter("late", lateness.late)
register.filter("event_text", looks.event_text)
register.filter("kind_text", looks.kind_text)
register.filter("problem_text", looks.problem_text)
register.filter("source_text", looks.source_text)
register.filter("original", looks.original)
register.filter("leg_text", looks.leg_text)
register.filter("trip_state_text", looks.trip_state_text)
register.filter("reason_text", looks.reason_text)
register.filter("relation_text", looks.relation_text)


@register.filter
def minutes(count: int) -> str:
    """1 小时 40 分 from 100."""
    return looks.span(count)


@register.filter
def is_late(event: EventView) -> bool:
    """Told much later than it happened: sent afterwards from a phone or terminal without network."""
    return (event.recorded_at - event.at).total_seconds() > looks.LATE_AFTER_S
