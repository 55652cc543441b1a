"""Filters that turn facts into what people read. `{% load people %}`.

All of them answer "—" (or an empty string where said) for None: a missing fact is never shown as `None`.
"""

from datetime import datetime

from django import template
from django.utils import translation
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe

from zaitu.kernel import clock
from zaitu.ui import icons, maps, times

register = template.Library()
NOTHING = "—"


def _lang() -> str:
    return translation.get_language() or "zh-hans"


@register.filter
def when(at: datetime | None) -> str:
    """今天 15:20."""
    return NOTHING if at is None else times.when_text(at, clock.now(), lang=_lang())


@register.filter
def day(at: datetime | None) -> str:
    """今天; for headings over the entries of one day."""
    return NOTHING if at is None else times.day_text(at, clock.now(), lang=_lang())


@register.filter
def hm(at: datetime | None) -> str:
    """15:20."""
    return NOTHING if at is None else times.time_text(at)


@register.filter
def ago(at: datetime | None) -> str:
    """2 分钟前; show it beside an absolute time."""
    return NOTHING if at is None else times.ago_text(at, clock.now(), lang=_lang())


@register.filter
def until(end: datetime | None, start: datetime | None) -> str:
    """Window: `{{ eta_to|until:eta_from }}` → 今天 15:20–16:00."""
    if end is None or start is None:
        return when(end or start)
    return times.window_text(start, end, clock.now(), lang=_lang())


@register.filter
def iso(at: datetime | None) -> str:
    """For `<time datetime>` and data attributes, +08:00; empty for None."""
    return "" if at is None else clock.local(at).isoformat(timespec="seconds")


@register.filter
def km(metres: float | None) -> str:
    """412 公里 (whole), 3.4 公里 under ten, 800 米 under one. Input in metres."""
    if metres is None:
        return NOTHING
    unit, small = ("km", "m") if _lang().startswith("en") else ("公里", "米")
    if metres < 1_000:
        return f"{round(metres / 10) * 10} {small}"
    value = metres / 1_000
    return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"


@register.filter
def dialled(number: str) -> str:
    """For `tel:`: `021-55556666 转 8` → `02155556666,8` (dial, wait, dial the extension)."""
    return "".join(char for char in str(number).replace("转", ",") if char in "+,0123456789")


@register.filter
def yuan(fen: int | None) -> str:
    """¥1,234.50 from fen."""
    if fen is None:
        return NOTHING
    sign = "−" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


@register.filter
def blank(value: object) -> object:
    """The value, or "—" for None and the empty string (0 stays 0)."""
    return NOTHING if value is None or value == "" else value


@register.simple_tag
def icon(name: str, size: int = 20, label: str = "") -> SafeString:
    """A Tabler outline icon as inline SVG; `size` in px. With `label` it is announced, without it it is decoration.

    Raises KeyError for a name that is not listed in ui/icons.txt.
    """
    return mark_safe(icons.svg(name, size=size, label=label))  # noqa: S308  our own file; label is escaped there


@register.simple_tag
def map_config() -> SafeString:
    """`<script type="application/json" id="map-config">` for ui/map.js."""
    return json_script(maps.map_config(), "map-config")
