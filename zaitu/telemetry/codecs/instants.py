"""Times as phones and sensors write them."""

from datetime import UTC, datetime
from typing import Any, Final

_MILLISECONDS_FROM: Final = 100_000_000_000
"""A number from here on is milliseconds: as seconds it would lie beyond the year 5000."""


def instant_parse(word: Any) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601 (without an offset: UTC) → UTC; None when there is none. Raises ValueError."""
    if word is None or word == "":
        return None
    try:
        number = float(word)
    except (TypeError, ValueError):
        return _iso(str(word))
    except OverflowError as error:
        raise ValueError("not a time") from error
    if number >= _MILLISECONDS_FROM:
        number /= 1000
    try:
        return datetime.fromtimestamp(number, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("not a time") from error


def _iso(word: str) -> datetime:
    at = datetime.fromisoformat(word.strip())
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not a time") from error
