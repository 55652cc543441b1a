"""Events leave a room through here, in the transaction of the fact they tell.

`put` writes rows; the relay (zaitu/kernel/relay.py) delivers them to the handlers of config/wiring.py and tells
browsers and caches by NOTIFY. Design and limits: docs/adr/0010.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from django.db import connection, transaction

from zaitu.kernel.errors import NotFound
from zaitu.kernel.events import Event
from zaitu.kernel.gate import writers
from zaitu.kernel.models import OutboxPoison, OutboxRow

PARTITIONS: Final = 16
"""Events of one subject share a partition; never changed on a table with rows in it."""
_SUBJECT_LENGTH: Final = 100


class Changed(Event):
    """Something people may be looking at is different now; nobody handles it, caches and pages are told."""

    name: ClassVar[str] = "kernel.changed"

    key: str

    @property
    def subject(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    rows: int
    """Events not yet delivered to everyone."""
    oldest_s: float
    """Age of the oldest of them; 0 when there is none."""
    held: int
    """Subjects that wait for a retry."""
    poison: int
    """Events set aside."""
    blocked_s: float
    """Age of the oldest transaction that has put events and not ended: newer events wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    id: int
    name: str
    subject: str
    handler: str
    tries: int
    error: str
    set_aside_at: datetime


def partition_of(subject: str) -> int:
    return zlib.crc32(subject.encode()) % PARTITIONS


def put(*events: Event) -> None:
    """Write events beside the change they belong to; they are delivered at least once after commit.

    Must be called inside a transaction; raises RuntimeError outside one, for then fact and event could part.
    Events of one subject arrive in the order they were put when their writers take turns (lock the same row).
    """
    if not connection.in_atomic_block:
        raise RuntimeError("outbox.put outside a transaction: fact and event could part")
    if not events:
        return
    for event in events:
        if not 0 < len(event.subject) <= _SUBJECT_LENGTH:
            raise ValueError(f"subject of {event.name} has {len(event.subject)} characters")
    bodies = ",".join(event.model_dump_json() for event in events)
    with connection.cursor() as cursor:
        # A tick of the gateway tells hundreds: as rows of parameters they would cost a third of a millisecond each.
        cursor.execute(
            """INSERT INTO kernel_outboxrow (name, subject, partition, body, done, only_for)
               SELECT name, subject, partition, body, '{}', ''
                 FROM ROWS FROM (unnest(%s::text[]), unnest(%s::text[]), unnest(%s::int[]), jsonb_array_elements(%s::jsonb))
                      WITH ORDINALITY AS put (name, subject, partition, body, number)
                ORDER BY number""",
            [
                [event.name for event in events],
                [event.subject for event in events],
                [partition_of(event.subject) for event in events],
                f"[{bodies}]",
            ],
        )


def changed(*keys: str) -> None:
    """After commit, tell caches and open pages that these subjects (`shipment:ZT…`, `trip:T…`) look different."""
    put(*(Changed(key=key) for key in keys))


def backlog() -> Backlog:
    """How much waits. One cheap query each time /metrics is read."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT count(*) FROM kernel_outboxrow),
                       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(put_at)), 0)
                          FROM kernel_outboxrow),
                       (SELECT count(*) FROM kernel_outboxhold),
                       (SELECT count(*) FROM kernel_outboxpoison)"""
        )
        rows, oldest_s, held, poison = cursor.fetchone()
    return Backlog(
        rows=rows,
        oldest_s=max(0.0, float(oldest_s)),
        held=held,
        poison=poison,
        blocked_s=max((float(one["since_s"] or 0) for one in writers()), default=0.0),
    )


def poison_list(limit: int = 100) -> list[Poison]:
    """What was set aside, newest first."""
    return [
        Poison(
            id=row.pk,
            name=row.name,
            subject=row.subject,
            handler=row.handler,
            tries=row.tries,
            error=row.error,
            set_aside_at=row.set_aside_at,
        )
        for row in OutboxPoison.objects.order_by("-id")[:limit]
    ]


@transaction.atomic
def poison_requeue(poison_id: int) -> None:
    """Give an event to its handler once more, after everything that waits now. Raises NotFound."""
    row = _poison(poison_id)
    OutboxRow.objects.create(
        name=row.name,
        subject=row.subject,
        partition=partition_of(row.subject),
        body=row.body,
        only_for=row.handler,
    )
    row.delete()


@transaction.atomic
def poison_drop(poison_id: int) -> None:
    """Give an event up for good. Raises NotFound."""
    _poison(poison_id).delete()


def _poison(poison_id: int) -> OutboxPoison:
    row = OutboxPoison.objects.select_for_update().filter(pk=poison_id).first()
    if row is None:
        raise NotFound(f"没有编号为 {poison_id} 的搁置事件")
    return row
