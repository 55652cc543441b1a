"""Small sentences about times and counts, in Chinese."""

from datetime import datetime, timedelta, timezone
from typing import Final

_CHINA: Final = timezone(timedelta(hours=8))


def moment(at: datetime) -> str:
    """11月22日 15:20 on a Chinese wall clock; a message is read later, so never 今天."""
    there = at.astimezone(_CHINA)
    return f"{there.month}月{there.day}日 {there:%H:%M}"


def span(start: datetime, end: datetime) -> str:
    """11月22日 15:20–16:00, the second date only when it is another day."""
    first, last = start.astimezone(_CHINA), end.astimezone(_CHINA)
    if (first.date(), first.hour, first.minute) == (last.date(), last.hour, last.minute):
        return moment(start)
    tail = f"{last:%H:%M}" if first.date() == last.date() else moment(end)
    return f"{moment(start)}–{tail}"
