"""The outbox's batch relay: takes waiting events to the handlers that hear them.

- Only events before which none can be committed any more are seen (zaitu/kernel/gate.py), in the order they were put,
  so that a transaction that commits late is neither skipped nor overtaken.
- Events of one subject wait for each other, also while one of them is being retried; other subjects go on.
- Each handler runs in a transaction of its own, which also marks it as done: after a crash a handler that had
  committed does not see the event again, one that had not sees it anew.
- A partition is worked on by one relay at a time (advisory lock); any number of relays may run.
"""

import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction

from zaitu.kernel import clock, logs
from zaitu.kernel.events import REGISTRY, Event
from zaitu.kernel.gate import Gate, writers
from zaitu.kernel.models import OutboxHold, OutboxPoison, OutboxRow
from zaitu.kernel.outbox import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

Handler = Callable[[Any], None]
Subscriptions = Mapping[type[Event], Sequence[Handler]]

CHANNEL: Final = "zaitu_changed"
_LOCK_CLASS: Final = 0x5A54
"""First half of the advisory lock of a partition."""
_NOTIFY_BYTES: Final = 7_500
"""PostgreSQL takes payloads below 8,000 bytes."""
_TELL_AFTER_S: Final = 0.1
_BLOCKED_S: Final = 10.0
"""Deliveries held up for so long are told of in the log, and again each time as long."""
_DATABASE_AWAY_S: Final = 1.0
_SHUT_DOWN: Final = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATE: administrator's shutdown, crash of another server process, starting up or shutting down."""
_ERROR_LENGTH: Final = 2_000
_ROWS: Final = "kernel_outboxrow"
_HOLDS: Final = "kernel_outboxhold"
_UNMARKED: Final = "WHERE id = %(id)s AND NOT %(handler)s = ANY (done)"
_MARK: Final = f"UPDATE {_ROWS} SET done = array_append(done, %(handler)s) {_UNMARKED}"  # noqa: S608  our own table
_TAKE: Final = f"DELETE FROM {_ROWS} {_UNMARKED}"  # noqa: S608  our own table

log = logs.logger("kernel.relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    tries: int = 8
    """Failed tries after which an event is set aside for that handler; with these defaults after about 4 minutes."""
    first_s: float = 1.0
    longest_s: float = 120.0

    def wait_s(self, tries: int) -> float:
        """Seconds to wait after so many failed tries (1, 2, 4 …)."""
        return min(self.longest_s, math.ldexp(self.first_s, tries - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    id: int
    name: str
    subject: str
    body: dict[str, Any]
    done: frozenset[str]
    only_for: str
    put_at: datetime
    tries: dict[str, int]
    """Handler → failed tries so far."""


class Relay:
    """One worker over the outbox. Uses the calling thread's database connection."""

    def __init__(
        self, subscriptions: Subscriptions, *, batch: int = 200, retries: Retries | None = None
    ) -> None:
        """`subscriptions`: event class → handlers, in the order they are called. Two may not share a name."""
        self._handlers: dict[str, dict[str, Handler]] = {}
        for event, handlers in subscriptions.items():
            named = {f"{handler.__module__}.{handler.__qualname__}": handler for handler in handlers}
            if len(named) != len(handlers):
                raise ValueError(f"a handler of {event.name} is listed twice")
            self._handlers[event.name] = named
        self._batch = batch
        self._retries = retries or Retries()
        self._eased: object = None
        self._gate = Gate()
        self._passed_at = time.monotonic()

    def run(
        self, stop: threading.Event, *, poll_s: float = 0.1, alive: Callable[[], None] = lambda: None
    ) -> None:
        """Deliver until `stop` is set. Outlives restarts of the database. `alive` is called after every look at it."""
        while not stop.is_set():
            try:
                self._ease_commits()
                delivered = self._round(alive, stop)
            except (OperationalError, InterfaceError) as error:
                log.warning("the database does not answer; trying again", error=type(error).__name__)
                connection.close()
                stop.wait(_DATABASE_AWAY_S)
            else:
                if not delivered:
                    stop.wait(poll_s)

    def _ease_commits(self) -> None:
        """Do not wait for the disk at each commit: several times as many events a second.

        A handler's effects and its mark are one transaction, so a crash of the database loses both or none, and what
        it loses is delivered again. Whoever acts on an effect outside commits for himself, and flushes these with it.
        """
        connection.ensure_connection()
        if connection.connection is not self._eased:
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off")
            self._eased, self._gate = connection.connection, Gate()

    def drain(self) -> int:
        """Deliver what can be delivered now; the number of events that are through. Safe to call at any time."""
        total = 0
        while delivered := self._round():
            total += delivered
        return total

    def _round(self, alive: Callable[[], None] = lambda: None, stop: threading.Event | None = None) -> int:
        """One batch of every partition that has rows and is free."""
        partitions = self._partitions()
        if partitions:
            self._look_at_gate()
        # Several relays start at different ends, so that they seldom ask for the same lock.
        random.shuffle(partitions)
        delivered = 0
        for partition in partitions:
            if stop is not None and stop.is_set():
                break
            with self._locked(partition) as mine:
                if mine:
                    delivered += self._drain_partition(partition)
            alive()
        alive()
        return delivered

    def _look_at_gate(self) -> None:
        """Before the rows are read; whoever holds them up for long is named in the log."""
        self._gate.pass_on()
        now = time.monotonic()
        if not self._gate.waits:
            self._passed_at = now
        elif now - self._passed_at > _BLOCKED_S:
            self._passed_at = now
            log.warning(
                "deliveries wait for a transaction that has put events and not ended", writers=writers()
            )

    def _partitions(self) -> list[int]:
        """Partitions with rows, by one index look-up each."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT p FROM generate_series(0, %s) AS p
                    WHERE EXISTS (SELECT 1 FROM {_ROWS} WHERE partition = p)""",  # noqa: S608
                [PARTITIONS - 1],
            )
            return [partition for (partition,) in cursor.fetchall()]

    @contextmanager
    def _locked(self, partition: int) -> "Iterator[bool]":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, partition])
            mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            # A connection that broke has lost the lock by itself.
            if mine and connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, partition])

    def _drain_partition(self, partition: int) -> int:
        """One batch: its events through, its subjects told. The number that are through."""
        delivered = 0
        unheard: list[int] = []
        stuck: set[str] = set()
        news = _News()
        try:
            for row in self._waiting(partition):
                if row.subject in stuck:
                    continue
                news.add(row.subject)
                if not self._wanted(row) and not row.tries and not self._homeless(row):
                    unheard.append(row.id)
                elif self._deliver(row):
                    delivered += 1
                else:
                    stuck.add(row.subject)
        finally:
            if connection.is_usable():
                OutboxRow.objects.filter(pk__in=unheard).delete()
                news.tell()
        return delivered + len(unheard)

    def _waiting(self, partition: int) -> list[_Waiting]:
        """The oldest events that the gate lets through and whose subject is not held."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT row.id, name, row.subject, body, done, only_for, put_at,
                           CASE WHEN hold.row_id = row.id THEN hold.tries ELSE '{{}}' END
                    FROM {_ROWS} AS row
                    LEFT JOIN {_HOLDS} AS hold ON hold.subject = row.subject
                    WHERE partition = %s AND row.id <= %s
                      AND (hold.retry_at IS NULL OR hold.retry_at <= clock_timestamp())
                    ORDER BY row.id LIMIT %s""",  # noqa: S608  names of our own tables
                [partition, self._gate.safe, self._batch],
            )
            return [
                _Waiting(
                    id=row_id,
                    name=name,
                    subject=subject,
                    body=json.loads(body),
                    done=frozenset(done),
                    only_for=only_for,
                    put_at=put_at,
                    tries=json.loads(tries),
                )
                for row_id, name, subject, body, done, only_for, put_at, tries in cursor.fetchall()
            ]

    def _wanted(self, row: _Waiting) -> list[str]:
        """Names of the handlers that have not had it."""
        handlers = self._handlers.get(row.name, {})
        return [name for name in handlers if row.only_for in {"", name} and name not in row.done]

    def _homeless(self, row: _Waiting) -> bool:
        """Re-queued for a handler that was renamed or removed since: nobody heard it, so it must not vanish."""
        return bool(row.only_for) and row.only_for not in self._handlers.get(row.name, {})

    def _deliver(self, row: _Waiting) -> bool:
        """Give one event to those who want it; True when nobody waits for it any more."""
        handlers, wanted = self._handlers.get(row.name, {}), self._wanted(row)
        failed = {row.only_for: "no such handler any more"} if self._homeless(row) else {}
        for name in wanted:
            # The last handler takes the row with it: one transaction for an event that one handler hears.
            last = name == wanted[-1] and not failed and not row.tries
            try:
                with transaction.atomic():
                    if _claim(row.id, name, delete=last):
                        handlers[name](REGISTRY[row.name].model_validate(row.body))
            except Exception as error:
                if _database_away(error) or not connection.is_usable():
                    raise
                failed[name] = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
            else:
                if last:
                    return True
        return self._settle(row, failed)

    def _settle(self, row: _Waiting, failed: Mapping[str, str]) -> bool:
        """After the handlers: the row goes, or its subject waits for the next try. True when the row is gone."""
        tries = {name: row.tries.get(name, 0) + 1 for name in failed}
        again = {name: count for name, count in tries.items() if count < self._retries.tries}
        with transaction.atomic():
            for name in failed.keys() - again.keys():
                _set_aside(row, name, tries[name], failed[name])
            if again:
                wait = timedelta(seconds=self._retries.wait_s(max(again.values())))
                OutboxHold.objects.update_or_create(
                    subject=row.subject,
                    defaults={
                        "row_id": row.id,
                        "tries": again,
                        "error": "\n".join(failed[name] for name in again),
                        "retry_at": clock.now() + wait,
                    },
                )
            else:
                OutboxRow.objects.filter(pk=row.id).delete()
                OutboxHold.objects.filter(pk=row.subject).delete()
        for name, error in failed.items():
            log.error(
                "event fails" if name in again else "event set aside",
                event_name=row.name,
                subject=row.subject,
                handler=name,
                tries=tries[name],
                error=error,
            )
        return not again


def _database_away(error: Exception) -> bool:
    """Whether the server shut down or cut the connection: no fault of the event, so no try is counted."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) in _SHUT_DOWN


def _claim(row_id: int, handler: str, *, delete: bool) -> bool:
    """Mark the event as had by a handler, in the handler's own transaction. False when it already was."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE if delete else _MARK, {"id": row_id, "handler": handler})
        return bool(cursor.rowcount == 1)


def _set_aside(row: _Waiting, handler: str, tries: int, error: str) -> None:
    OutboxPoison.objects.create(
        name=row.name,
        subject=row.subject,
        body=row.body,
        handler=handler,
        tries=tries,
        error=error,
        put_at=row.put_at,
    )
    _claim(row.id, handler, delete=False)


class _News:
    """Subjects to tell about, gathered: one NOTIFY for many (in every transaction it would serialise commits)."""

    def __init__(self) -> None:
        self._subjects: dict[str, None] = {}
        self._since = time.monotonic()

    def add(self, subject: str) -> None:
        # Subjects of earlier events are through by now; slow handlers must not keep their news back.
        if time.monotonic() - self._since > _TELL_AFTER_S:
            self.tell()
        self._subjects[subject] = None

    def tell(self) -> None:
        """`NOTIFY zaitu_changed, '["shipment:ZT…", …]'`, in as many payloads as needed."""
        payload: list[str] = []
        size = 2
        for subject in self._subjects:
            length = len(json.dumps(subject)) + 2
            if size + length > _NOTIFY_BYTES:
                _notify(payload)
                payload, size = [], 2
            payload.append(subject)
            size += length
        if payload:
            _notify(payload)
        self._subjects.clear()
        self._since = time.monotonic()


def _notify(subjects: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(subjects)])
