"""Instants as people say them, on a Chinese wall clock, in Chinese or English.

今天/明天/昨天 HH:mm within a day either side, then 11月22日 15:20, with the year when it is another one.
Pure: the caller passes `now`. Every instant is aware; naive ones raise ValueError (kernel.clock.local).
"""

from datetime import date, datetime, timedelta
from typing import Final

from zaitu.kernel import clock

_NEAR: Final = {
    -1: ("昨天", "Yesterday"),
    0: ("今天", "Today"),
    1: ("明天", "Tomorrow"),
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _english(lang: str) -> bool:
    return lang.lower().startswith("en")


def day_text(at: datetime, now: datetime, *, lang: str) -> str:
    """The day of an instant: 今天, 昨天, 明天, 11月22日, 2025年11月22日 (Today, 22 Nov, 22 Nov 2025)."""
    day, today = clock.local(at).date(), clock.local(now).date()
    near = _NEAR.get((day - today).days)
    if near:
        return near[_english(lang)]
    return _date_text(day, today, lang=lang)


def _date_text(day: date, today: date, *, lang: str) -> str:
    if _english(lang):
        text = f"{day.day} {_MONTHS[day.month - 1]}"
        return text if day.year == today.year else f"{text} {day.year}"
    text = f"{day.month}月{day.day}日"
    return text if day.year == today.year else f"{day.year}年{text}"


def time_text(at: datetime) -> str:
    """HH:mm on a Chinese wall clock."""
    return f"{clock.local(at):%H:%M}"


def when_text(at: datetime, now: datetime, *, lang: str) -> str:
    """Day and time: 今天 15:20, 11月22日 15:20."""
    return f"{day_text(at, now, lang=lang)} {time_text(at)}"


def window_text(start: datetime, end: datetime, now: datetime, *, lang: str) -> str:
    """A window of time with the day said once: 今天 15:20–16:00; 今天 23:40–明天 00:20."""
    if clock.local(start).date() == clock.local(end).date():
        if time_text(start) == time_text(end):
            return when_text(start, now, lang=lang)
        return f"{when_text(start, now, lang=lang)}–{time_text(end)}"
    return f"{when_text(start, now, lang=lang)}–{when_text(end, now, lang=lang)}"


def span_text(span: timedelta, *, lang: str) -> str:
    """A length of time in at most two units: 40 分钟, 1 小时 40 分, 3 天 2 小时. The sign is dropped."""
    minutes = round(abs(span.total_seconds()) / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if _english(lang):
        parts = [
            f"{days} d" if days else "",
            f"{hours} h" if hours else "",
            f"{minutes} min" if minutes and not days else "",
        ]
        return " ".join(part for part in parts if part) or "0 min"
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分钟"


def ago_text(at: datetime, now: datetime, *, lang: str) -> str:
    """How long ago: 刚刚, 2 分钟前, 3 小时前, 5 天前. An instant still to come is 刚刚 (clocks of devices differ a little)."""
    minutes = int((now - at).total_seconds() // 60)
    english = _english(lang)
    if minutes < 1:
        return "just now" if english else "刚刚"
    for size, zh, en in ((24 * 60, "天前", "d ago"), (60, "小时前", "h ago"), (1, "分钟前", "min ago")):
        if minutes >= size:
            return f"{minutes // size} {en if english else zh}"
    raise AssertionError("unreachable: a minute or more has a size")
