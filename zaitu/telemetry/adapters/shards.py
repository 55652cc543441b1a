"""Who may write: each shard of the fleet has one engine at a time, and every tick of it a number.

An engine takes a shard by raising its epoch, and each tick it stores moves the shard's sequence on in the same transaction, under the
row's lock. One that was stopped and goes on finds another epoch and writes nothing; a tick stored and not known to be so is
recognised by its number and not stored twice.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


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
            """INSERT INTO telemetry_shard AS held (number, epoch, sequence) VALUES (%s, 1, 0)
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


def shard_flushed(shard: int, epoch: int, at: datetime) -> None:
    """In the transaction that writes the states. Raises Fenced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE telemetry_shard SET flushed_at = %s WHERE number = %s AND epoch = %s", [at, shard, epoch]
        )
        if not cursor.rowcount:
            raise Fenced(f"shard {shard} has been taken over")
