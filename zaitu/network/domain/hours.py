"""Delivery hours of a station: the part of the Chinese day in which receivers around it take goods, as people write it."""

import re
from typing import Final

from zaitu.kernel.errors import Invalid

DAY_MIN: Final = 24 * 60
DEFAULT: Final = (8 * 60, 20 * 60)
"""08:00–20:00, where nobody said otherwise."""
SHORTEST_MIN: Final = 120
"""A shorter span leaves no room for a round of deliveries."""
FAULT: Final = "送货时间须如 08:00-20:00，至少两小时；全天填 00:00-24:00"

Hours = tuple[int, int]
"""(opens, closes) in minutes after midnight: 0 to 1439, and 1 to 1440. Closing at or before opening is on the next day."""

_SPAN: Final = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~～至到]\s*(次日)?\s*(\d{1,2})[:：](\d{2})")


def hours_text(hours: Hours) -> str:
    """`08:00-20:00`; what `hours_parsed` reads."""
    return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in hours)


def hours_parsed(text: str) -> Hours:
    """`08:00-20:00`, `8:00–20:00`, `22:00 至 次日 06:00`. Raises Invalid."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise _fault()
    hour, minute, next_day, last_hour, last_minute = found.groups()
    if int(minute) > 59 or int(last_minute) > 59:
        raise _fault()
    hours = (int(hour) * 60 + int(minute), int(last_hour) * 60 + int(last_minute))
    if next_day and hours[1] > hours[0]:
        raise _fault()  # longer than a day
    return hours_checked(hours)


def hours_checked(hours: Hours) -> Hours:
    """The same hours. Raises Invalid for what is no time of day, and for less than two hours."""
    opens, closes = hours
    length = closes - opens if closes > opens else closes - opens + DAY_MIN
    if not (0 <= opens < DAY_MIN and 0 < closes <= DAY_MIN) or opens == closes or length < SHORTEST_MIN:
        raise _fault()
    return hours


def _fault() -> Invalid:
    return Invalid(FAULT, fields={"delivery_hours": FAULT})
