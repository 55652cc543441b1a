"""Events and database connections for the kernel's tests."""

from typing import ClassVar

import psycopg
from django.conf import settings

from zaitu.kernel.events import Event


class Happened(Event):
    name: ClassVar[str] = "kernel_test.happened"

    thing: str
    number: int

    @property
    def subject(self) -> str:
        return self.thing


class Noticed(Event):
    name: ClassVar[str] = "kernel_test.noticed"

    thing: str

    @property
    def subject(self) -> str:
        return self.thing


def connect(*, autocommit: bool = True) -> psycopg.Connection:
    """A connection of its own to the test database, beside Django's."""
    return psycopg.connect(settings.ZAITU_DATABASE_URL, autocommit=autocommit)


def put_by(connection: psycopg.Connection, event: Event) -> int:
    """Put an event as `outbox.put` does, in another connection's transaction; the number of its row."""
    from zaitu.kernel.outbox import partition_of

    made = connection.execute(
        "INSERT INTO kernel_outboxrow (name, subject, partition, body, done, only_for, put_at)"
        " VALUES (%s, %s, %s, %s, '{}', '', DEFAULT) RETURNING id",
        [event.name, event.subject, partition_of(event.subject), event.model_dump_json()],
    )
    return int(made.fetchone()[0])
