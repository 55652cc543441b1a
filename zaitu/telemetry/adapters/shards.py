"""Who may write: each shard of the fleet has one engine at a time, and every tick of it a number.

An engine takes a shard by raising its epoch, and each tick it stores moves the shard's sequence on in the same transaction, under the
row's lock. One that was stopped and goes on finds another epoch and writes nothing; a tick stored and not known to be so is
recognised by its number and not stored twice.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

_SHARING: Final = 7_018_002
"""Advisory lock: one worker at a time settles who holds what."""


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


def shard_take(shard: int) -> Holding:
    """Become the only one to write this shard; waits for a tick that is being stored. Own transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO telemetry_shard AS held (number, epoch, sequence, holder) VALUES (%s, 1, 0, '')
               ON CONFLICT (number) DO UPDATE SET epoch = held.epoch + 1
               RETURNING epoch, sequence, flushed_at""",
            [shard],
        )
        epoch, sequence, flushed_at = cursor.fetchone()
    return Holding(shard=shard, epoch=epoch, sequence=sequence, flushed_at=flushed_at)


def shard_advance(shard: int, epoch: int, sequence: int) -> bool:
    """In a tick's transaction, before all else; False when this tick is stored already. Raises Fenced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE telemetry_shard SET sequence = %s WHERE number = %s AND epoch = %s AND sequence < %s",
            [sequence, shard, epoch, sequence],
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
    with transaction.atomic(), connection.cursor() as cursor:
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
