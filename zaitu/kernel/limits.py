"""How often something may be tried: exact sliding windows.

`attempt` counts in PostgreSQL, so that all web processes share the count (wrong tails); `Window` counts in this
process (hot reads), where a little more with several processes does no harm.
"""

import hashlib
import time
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from zaitu.kernel import clock
from zaitu.kernel.models import Attempts

_TABLE: Final = "kernel_attempts"

# One atomic statement: what is still in the window, the new attempt appended if there is room.
_ATTEMPT: Final = f"""
    INSERT INTO {_TABLE} AS had (key, at, allowed, forget_at)
    VALUES ($1, ARRAY[$2::timestamptz], true, $2::timestamptz + make_interval(secs => $4::float8))
    ON CONFLICT (key) DO UPDATE SET (at, allowed, forget_at) = (
        SELECT CASE WHEN count(*) < $3::int THEN array_agg(one ORDER BY one) || $2::timestamptz
                    ELSE array_agg(one ORDER BY one) END,
               count(*) < $3::int,
               greatest(had.forget_at, $2::timestamptz + make_interval(secs => $4::float8))
        FROM unnest(had.at) AS one WHERE one > $2::timestamptz - make_interval(secs => $4::float8))
    RETURNING allowed, at[1]"""  # noqa: S608  name of our own table

# The newest attempt did not count after all: it was right.
_REFUND: Final = f"UPDATE {_TABLE} SET at = at[1:cardinality(at) - 1] WHERE key = $1"  # noqa: S608


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _answer(now: datetime, window_s: int, row: tuple[bool, datetime]) -> tuple[bool, int]:
    allowed, oldest = row
    if allowed:
        return True, 0
    left_s = (oldest + timedelta(seconds=window_s) - now).total_seconds()
    return False, max(1, int(left_s) + 1)


def _numbered(sql: str) -> str:
    """Turn asyncpg's `$1` into psycopg's named parameters."""
    for number in range(1, 5):
        sql = sql.replace(f"${number}", f"%(p{number})s")
    return sql


def attempt(key: str, limit: int, window_s: int) -> tuple[bool, int]:
    """Count an attempt: (allowed, retry_after_s). A refused attempt is not counted and lengthens nothing.

    Count first and `refund` what turns out right; checking first would let many guesses in at once.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _numbered(_ATTEMPT),
            {"p1": _hashed(key), "p2": now, "p3": limit, "p4": float(window_s)},
        )
        return _answer(now, window_s, cursor.fetchone())


def refund(key: str) -> None:
    """Take the newest attempt on a key back."""
    with connection.cursor() as cursor:
        cursor.execute(_numbered(_REFUND), {"p1": _hashed(key)})


async def attempt_async(database: Any, key: str, limit: int, window_s: int) -> tuple[bool, int]:
    """As `attempt`, on an asyncpg pool or connection."""
    now = clock.now()
    row = await database.fetchrow(_ATTEMPT, _hashed(key), now, limit, float(window_s))
    return _answer(now, window_s, (row[0], row[1]))


async def refund_async(database: Any, key: str) -> None:
    """As `refund`, on an asyncpg pool or connection."""
    await database.execute(_REFUND, _hashed(key))


def forget_old() -> int:
    """Delete counts whose window is over; how many."""
    deleted, _ = Attempts.objects.filter(forget_at__lt=clock.now()).delete()
    return deleted


class Window:
    """A sliding window per key in this process's memory, for at most `keys` keys (the longest unused go first)."""

    __slots__ = ("_hits", "_keys", "_limit", "_window_s")

    def __init__(self, limit: int, window_s: float, *, keys: int = 50_000) -> None:
        self._limit = limit
        self._window_s = window_s
        self._keys = keys
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()

    def hit(self, key: str) -> int:
        """Count one; 0 when within the limit, else the seconds to wait (and it is not counted)."""
        now = time.monotonic()
        hits = self._hits.get(key)
        if hits is None:
            self._hits[key] = deque((now,))
            if len(self._hits) > self._keys:
                self._hits.popitem(last=False)
            return 0
        self._hits.move_to_end(key)
        start = now - self._window_s
        while hits and hits[0] <= start:
            hits.popleft()
        if len(hits) >= self._limit:
            return max(1, int(hits[0] - start) + 1)
        hits.append(now)
        return 0
