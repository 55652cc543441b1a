"""The only place that asks what time it is.

Inside everything is UTC and aware; people see Beijing time (UTC+8, no daylight saving since 1991).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_pretended: ContextVar[datetime | None] = ContextVar("zaitu_pretended_now", default=None)

CHINA: Final = timezone(timedelta(hours=8), "CST")


def now() -> datetime:
    """The present instant, aware, UTC."""
    return _pretended.get() or datetime.now(UTC)


@contextmanager
def pretend(at: datetime) -> Iterator[None]:
    """Within this block of this thread it is `at`: for playing a demo company's past through the real services, and no more."""
    token = _pretended.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _pretended.reset(token)


def local(at: datetime) -> datetime:
    """The same instant on a Chinese wall clock (+08:00).

    Raises ValueError for a naive datetime: an instant without an offset has no meaning here.
    """
    if at.tzinfo is None:
        raise ValueError(f"naive datetime: {at.isoformat()}")
    return at.astimezone(CHINA)
