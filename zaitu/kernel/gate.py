"""Which rows of the outbox may be delivered: those before which none can be committed any more.

Row numbers are drawn in order, but the transactions that drew them commit in any. Whoever inserts a row holds a lock on the table
from before the number is drawn until the transaction has ended, and PostgreSQL tells who holds such locks. So, when everybody who
was writing at some instant has ended, every number drawn before that instant is either visible or will never be. Other
transactions, however long, hold nothing up, be they in this database or in another one of the same server.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

_TABLE: Final = "kernel_outboxrow"
# A sequence that hands numbers to one session at a time (no cache): a number up to this one was drawn before it was read.
_DRAWN: Final = (
    f"SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{_TABLE}', 'id')::regclass), 0)"
)
WRITING: Final = f"""locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND relation = '{_TABLE}'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608  our own table
"""Condition on pg_locks: locks of those who have written to the outbox in this database and have not ended."""
_WRITERS: Final = (
    f"SELECT virtualtransaction FROM pg_locks WHERE {WRITING} AND pid IS DISTINCT FROM pg_backend_pid()"  # noqa: S608  ours
)
_PREPARED: Final = "-1/"
"""How the name of a prepared transaction begins; before, it went by another name."""


@dataclass(slots=True)
class Gate:
    """What one relay knows; for one connection, since a server that was restarted may draw lost numbers again."""

    safe: int = 0
    """Rows up to this number may be delivered."""
    _drawn: int = 0
    _awaited: frozenset[str] = field(default=frozenset())
    """Who was writing when `_drawn` was the last number, and has not ended."""

    def look(self, *, drawn: int, writers: frozenset[str]) -> int:
        """Learn the last number drawn and who was writing *after* that was read; returns `safe`.

        The rows must be read after this. A name is never used by a second transaction of one server run.
        """
        if any(name.startswith(_PREPARED) for name in writers):
            return self.safe  # it may be one that is awaited
        if self._awaited and not self._awaited & writers:
            self.safe = self._drawn
        self._awaited &= writers
        if not writers:
            self.safe = drawn
        elif not self._awaited:
            self._drawn, self._awaited = drawn, writers
        return self.safe

    def pass_on(self) -> int:
        """Look at the database; returns `safe`."""
        with connection.cursor() as cursor:
            cursor.execute(_DRAWN)
            (drawn,) = cursor.fetchone()
            cursor.execute(_WRITERS)
            return self.look(drawn=drawn, writers=frozenset(name for (name,) in cursor.fetchall()))

    @property
    def waits(self) -> bool:
        """Whether somebody has not ended, so that newer rows must wait."""
        return bool(self._awaited)


def writers() -> list[dict[str, Any]]:
    """Who holds deliveries up, longest first: process, role, program, what it does, for how long. No statement: it may name people."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT lock.pid, usename, application_name, state,
                       extract(epoch FROM clock_timestamp() - xact_start)::float8
                FROM pg_locks AS lock LEFT JOIN pg_stat_activity AS session ON session.pid = lock.pid
                WHERE {WRITING} AND lock.pid IS DISTINCT FROM pg_backend_pid() ORDER BY xact_start LIMIT 5"""  # noqa: S608  ours
        )
        names = ("pid", "role", "program", "state", "since_s")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
