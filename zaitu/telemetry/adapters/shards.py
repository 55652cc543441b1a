"""Who may write: each shard of the fleet has one engine at a time, and every tick of it a number.

An engine takes a shard by raising its epoch, and each tick it stores moves the shard's sequence on in the same transaction, under the
row's lock. One that was stopped and goes on finds another epoch and writes nothing; a tick stored and not known to be so is
recognised by its number and not stored twice.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from zaitu.kernel import logs
from zaitu.telemetry.codecs.columns import Ints

R = TypeVar("R")

_SHARING: Final = 7_018_002
"""Advisory lock: one worker at a time settles who holds what."""
_COPYING: Final = 7_018
"""Advisory locks, with a shard's number: sessions that copy rows of it."""

log = logs.logger("telemetry.shards")


class Fenced(Exception):
    """Another engine has taken this shard: this one must end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    shard: int
    epoch: int
    sequence: int
    """Of the last tick stored."""
    flushed_at: datetime | None
    """What was received before it is in the states' rows."""


WRITE_S: Final = 5.0
"""A transaction that holds up the others for longer belongs to a process that was stopped or cut off: its session is ended."""


def shard_take(shard: int) -> Holding:
    """Become the only one to write this shard; waits WRITE_S for a tick that is being stored. Own transactions.

    Sessions that still copy rows for the engine before lose their connection: it is fenced, and one that was stopped would
    keep its transaction open for as long.
    """
    holding = _unless_held_up(
        lambda: _taken(shard),
        # Who has changed or locked a row and has not ended stands in it as `xmax`.
        """SELECT pg_terminate_backend(lock.pid)
             FROM telemetry_shard AS shard JOIN pg_locks AS lock ON lock.transactionid = shard.xmax AND lock.granted
            WHERE shard.number = %s AND lock.pid <> pg_backend_pid()""",
        shard,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_locks
                WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND pid <> pg_backend_pid()
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            [_COPYING, shard],
        )
        if cursor.rowcount:
            log.warning("what the engine before was copying was ended", shard=shard, sessions=cursor.rowcount)
    return holding


def shard_copying(shard: int) -> None:
    """In a transaction that copies rows before it advances the shard: whoever takes the shard may end it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [_COPYING, shard])


def _unless_held_up(function: Callable[[], R], end_holder: str, number: int) -> R:
    """The function's result, in a transaction of its own; whoever holds it up for WRITE_S loses the session to the database."""
    while True:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WRITE_S}s"])
                return function()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        with connection.cursor() as cursor:
            cursor.execute(end_holder, [number])
            log.warning("a transaction that did not end was ended", number=number, sessions=cursor.rowcount)


def _taken(shard: int) -> Holding:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO telemetry_shard AS held (number, epoch, sequence, holder) VALUES (%s, 1, 0, '')
               ON CONFLICT (number) DO UPDATE SET epoch = held.epoch + 1
               RETURNING epoch, sequence, flushed_at""",
            [shard],
        )
        epoch, sequence, flushed_at = cursor.fetchone()
    return Holding(shard=shard, epoch=epoch, sequence=sequence, flushed_at=flushed_at)


def shard_advance(shard: int, epoch: int, sequence: int, *, flushed_at: datetime) -> bool:
    """In a tick's transaction, before all else; False when this tick is stored already. Raises Fenced.

    `flushed_at`: what was received at or after it is no longer all in the states' rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE telemetry_shard SET sequence = %s, flushed_at = least(flushed_at, %s)
                WHERE number = %s AND epoch = %s AND sequence < %s""",
            [sequence, flushed_at, shard, epoch, sequence],
        )
        if cursor.rowcount:
            return True
        cursor.execute("SELECT epoch FROM telemetry_shard WHERE number = %s", [shard])
        found = cursor.fetchone()
    if found is None or found[0] != epoch:
        raise Fenced(f"shard {shard} has been taken over")
    return False


def shard_held(shard: int, epoch: int) -> None:
    """In a transaction that writes states, before all else: nobody takes the shard until its end. Raises Fenced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM telemetry_shard WHERE number = %s AND epoch = %s FOR NO KEY UPDATE", [shard, epoch]
        )
        if not cursor.rowcount:
            raise Fenced(f"shard {shard} has been taken over")


def shard_flushed(shard: int, epoch: int, at: datetime) -> None:
    """When the states are written. Raises Fenced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE telemetry_shard SET flushed_at = %s WHERE number = %s AND epoch = %s", [at, shard, epoch]
        )
        if not cursor.rowcount:
            raise Fenced(f"shard {shard} has been taken over")


LEASE_S: Final = 5.0
"""A worker that has not renewed for so long has lost its shards."""


def shards_share(worker: str, shards: int, held: Collection[int]) -> set[int]:
    """Renew what this worker holds and settle what it should hold; all of it. Own transaction, by the database's clock.

    Workers share the shards evenly: each says that it lives, gives back what is over its share, and takes what nobody holds.
    """
    return _unless_held_up(
        lambda: _shared(worker, shards, held),
        """SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND objid = %s AND granted AND pid <> pg_backend_pid()
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
        _SHARING,
    )


def _shared(worker: str, shards: int, held: Collection[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SHARING])
        cursor.execute(
            """INSERT INTO telemetry_ingestworker (name, seen_at) VALUES (%s, now())
               ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at""",
            [worker],
        )
        cursor.execute(
            "DELETE FROM telemetry_ingestworker WHERE seen_at < now() - %s * interval '1 second'", [LEASE_S]
        )
        cursor.execute("SELECT count(*) FROM telemetry_ingestworker")
        (living,) = cursor.fetchone()
        cursor.execute(
            """INSERT INTO telemetry_shard (number, epoch, sequence, holder)
               SELECT number, 0, 0, '' FROM generate_series(0, %s) AS number ON CONFLICT (number) DO NOTHING""",
            [shards - 1],
        )
        share = -(-shards // living)
        keep = sorted(held)[:share]
        cursor.execute(
            "UPDATE telemetry_shard SET holder = '', lease_until = NULL WHERE holder = %s AND number <> ALL(%s)",
            [worker, keep],
        )
        cursor.execute(
            """UPDATE telemetry_shard SET holder = %(worker)s, lease_until = now() + %(lease_s)s * interval '1 second'
                WHERE number IN (
                      SELECT number FROM telemetry_shard
                       WHERE number < %(shards)s
                         AND (holder = %(worker)s OR holder = '' OR lease_until IS NULL OR lease_until < now())
                       ORDER BY (holder = %(worker)s) DESC, number LIMIT %(share)s)
               RETURNING number""",
            {"worker": worker, "lease_s": LEASE_S, "shards": shards, "share": share},
        )
        return {number for (number,) in cursor.fetchall()}


def shards_leave(worker: str) -> None:
    """This worker ends: others may take its shards at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE telemetry_shard SET holder = '', lease_until = NULL WHERE holder = %s", [worker]
        )
        cursor.execute("DELETE FROM telemetry_ingestworker WHERE name = %s", [worker])


def shard_of(number: Ints, shard_count: int) -> Ints:
    """Which shard a vehicle is in; a terminal that is in none counts by its own id."""
    shard: Ints = number % shard_count
    return shard
