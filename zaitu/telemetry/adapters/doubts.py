"""Rows that cannot be looked for in the table yet: their partition is large and has no b-trees. They lie here until it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from zaitu.telemetry.codecs.columns import Flag, microseconds
from zaitu.telemetry.domain.store import Part
from zaitu.telemetry.kernels import pgcopy

TABLE: Final = "telemetry_doubtful"
_FIELDS: Final = ", ".join(pgcopy.FIELDS)
# LIMIT keeps it to one look-up per row, in the partition of its time.
_TAKE: Final = f"""
WITH taken AS (
     DELETE FROM {TABLE} WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM {TABLE} AS row
             WHERE coalesce(vehicle_id, 0) %% %(shards)s = %(shard)s
               AND NOT EXISTS (SELECT 1 FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS bare (start, until)
                                WHERE row.at >= bare.start AND row.at < bare.until)
             LIMIT %(most)s))
     RETURNING {_FIELDS}),
single AS (SELECT DISTINCT ON (terminal_id, at, digest) * FROM taken ORDER BY terminal_id, at, digest, received_at),
fresh AS (
     INSERT INTO telemetry_position ({_FIELDS})
     SELECT single.* FROM single
       LEFT JOIN LATERAL (
            SELECT true AS found FROM telemetry_position AS position
             WHERE position.terminal_id = single.terminal_id AND position.at = single.at AND position.digest = single.digest
             LIMIT 1) AS stored ON true
      WHERE stored.found IS NULL
     RETURNING vehicle_id, at, flags)
SELECT NULL, NULL, (SELECT count(*) FROM taken), (SELECT count(*) FROM fresh)
 UNION ALL
SELECT vehicle_id, min(at), 0, 0 FROM fresh WHERE vehicle_id IS NOT NULL AND flags & %(clock)s = 0 GROUP BY vehicle_id"""  # noqa: S608  names of our own only


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    rows: int
    """No longer in doubt."""
    stored: int
    """Those of them that were not in the table; now they are."""
    late_from_us: dict[int, int]
    """By vehicle: the fix time of the earliest of these."""


def doubts_take(bare: Sequence[Part], shard: int, shard_count: int, most: int) -> Taken:
    """Look up at most so many rows of this shard's vehicles which do not lie in partitions without b-trees (`bare`). One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "shards": shard_count, "shard": shard, "most": most, "clock": int(Flag.CLOCK),
                "starts": [part.start for part in bare], "ends": [part.end for part in bare],
            },
        )  # fmt: skip
        (_, _, rows, stored), *late = cursor.fetchall()
    return Taken(
        rows=rows, stored=stored, late_from_us={vehicle: microseconds(at) for vehicle, at, *_ in late}
    )
