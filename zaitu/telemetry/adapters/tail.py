"""From when on rows must be read again after a crash."""

from collections import deque
from datetime import UTC, datetime
from typing import Final

_FUTURE: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Tail:
    """When the oldest tick was received of those stored in the last flushes: one from a stream may have waited there for hours."""

    def __init__(self, *, rounds: int) -> None:
        """`rounds`: so many flushes later everything of a tick is written."""
        self._rounds: deque[datetime] = deque([_FUTURE], maxlen=rounds)

    def add(self, received_at: datetime) -> None:
        """A tick is stored."""
        self._rounds[-1] = min(self._rounds[-1], received_at)

    def earliest(self) -> datetime:
        """Far in the future when nothing was stored."""
        return min(self._rounds)

    def flushed(self) -> None:
        self._rounds.append(_FUTURE)
