"""How often something may be tried: sliding windows, counted in PostgreSQL, so that all web processes share them.

`attempt` is exact and costs a statement each time: for what is rare (wrong tails, unknown numbers). `Rate` takes a
twentieth of the limit at a time: for what is frequent (requests of a key).
"""

import hashlib
import math
import threading
import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from zaitu.kernel import clock
from zaitu.kernel.models import Attempts

_TABLE: Final = "kernel_attempts"
_PORTIONS: Final = 20

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


class Rate:
    """`limit` in any `window_s` over all processes, up to a twentieth of it more for each process. For several threads.

    A process takes portions of a twentieth from the count that all share and spends them by itself.
    """

    def __init__(self, key: str, limit: int, window_s: int) -> None:
        self._key = key
        self._portion = max(1, limit // _PORTIONS)
        self._portions = max(1, limit // self._portion)
        self._window_s = window_s
        self._left = 0
        self._good_until = 0.0
        """What is in hand may be spent until then (monotonic)."""
        self._refused_until = 0.0
        self._memory = threading.Lock()
        self._asking = threading.Lock()

    def spend(self) -> int | None:
        """One of what is in hand, without the database: 0, or the seconds to wait when there is no more; None: `ask`."""
        now = time.monotonic()
        with self._memory:
            if now < self._refused_until:
                return max(1, math.ceil(self._refused_until - now))
            if not self._left or now >= self._good_until:
                return None
            self._left -= 1
            return 0

    def ask(self) -> int:
        """One, asking the database where nothing is in hand: 0, or the seconds to wait. Blocks for a statement at most."""
        with self._asking:  # one asks for all who wait: a burst must not take every portion at once
            wait_s = self.spend()
            if wait_s is not None:
                return wait_s
            began = time.monotonic()
            allowed, wait_s = attempt(self._key, self._portions, self._window_s)
            with self._memory:
                if not allowed:
                    self._refused_until = began + wait_s
                    return wait_s
                self._left, self._good_until = self._portion - 1, began + self._window_s
                return 0
