"""The only place that asks what time it is.

Inside everything is UTC and aware; people see Beijing time (UTC+8, no daylight saving since 1991).
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8), "CST")


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


def local(at: datetime) -> datetime:
    """The same instant on a Chinese wall clock (+08:00).

    Raises ValueError for a naive datetime: an instant without an offset has no meaning here.
    """
    if at.tzinfo is None:
        raise ValueError(f"naive datetime: {at.isoformat()}")
    return at.astimezone(CHINA)
