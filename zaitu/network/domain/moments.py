"""Times as spreadsheets hold them: Beijing wall clock, without an offset."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
_TEXT: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:时](\d{1,2})分?(?::(\d{1,2}))?)?"
)


def moment_text(at: datetime) -> str:
    """`2026-11-22 08:00`, Beijing time; with seconds only when they are not zero."""
    local = at.astimezone(CHINA)
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")


def moment_parsed(text: str) -> datetime:
    """Aware UTC from `2026-11-22 08:00`, `2026/11/22`, `2026年11月22日 8:00`. Raises ValueError."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a time: {text}")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    return moment_of_wall(datetime(year, month, day, hour, minute, second))  # noqa: DTZ001  made aware there


def moment_of_wall(wall: datetime) -> datetime:
    """Aware UTC of a naive Beijing wall time (an Excel date cell)."""
    return wall.replace(tzinfo=CHINA).astimezone(UTC)
