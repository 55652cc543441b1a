"""Which of a tick's rows the table has already: look-ups where b-trees are, one reading of the stretch where a partition is small.

Large ones without b-trees are not read: one terminal that tells old fixes again would hold up all others for seconds.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from zaitu.telemetry.adapters import archive, partitions
from zaitu.telemetry.adapters.positions import Owners, instant
from zaitu.telemetry.codecs.columns import Columns, Ints, microseconds
from zaitu.telemetry.domain.store import READ_WHOLE_BYTES, Part

_KNOWN_S: Final = 5.0
"""The catalogue is read again after so long: the keeper looks no oftener."""
_ROWS: Final = "unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[]) AS wanted (number, terminal_id, at, digest)"
# LIMIT keeps it to one look-up per row, in the partition of its time.
_LOOKED_UP: Final = f"""
SELECT wanted.number FROM {_ROWS}
 CROSS JOIN LATERAL (
       SELECT 1 FROM telemetry_position AS position
        WHERE position.terminal_id = wanted.terminal_id AND position.at = wanted.at AND position.digest = wanted.digest
        LIMIT 1) AS stored"""  # noqa: S608  a constant
# Materialized: without it the planner, which has no statistics of a young partition, may read the stretch once per row.
_READ: Final = f"""
WITH near AS MATERIALIZED (
     SELECT terminal_id, at, digest FROM telemetry_position
      WHERE at BETWEEN %s AND %s AND terminal_id = ANY (%s))
SELECT DISTINCT wanted.number FROM {_ROWS} JOIN near USING (terminal_id, at, digest)"""  # noqa: S608  a constant


class Repeats:
    """Knows for some seconds which partitions have no b-trees."""

    def __init__(self) -> None:
        self._bare: list[Part] = []
        self._until_s = -float("inf")

    def bare(self) -> list[Part]:
        """The partitions without b-trees."""
        if time.monotonic() >= self._until_s:
            self._bare = [part for part in partitions.parts() if not part.indexed]
            self._until_s = time.monotonic() + _KNOWN_S
        return self._bare

    def not_to_be_read(self, columns: Columns, rows: Ints) -> Ints:
        """Which of these rows lie in partitions that are too large to be looked for in."""
        if not len(rows):
            return rows
        return rows[
            _within([part for part in self.bare() if part.size_bytes > READ_WHOLE_BYTES], columns, rows)
        ]

    def stored_already(self, columns: Columns, owners: Owners, rows: Sequence[int]) -> set[int]:
        """Which of these rows (none of them with the flag CLOCK) are in the table.

        Up to two queries, and one of the catalogue; for fixes so old that they may be archived, the files.
        """
        if not rows:
            return set()
        wanted = np.array(rows)
        bare = _within(self.bare(), columns, wanted)
        found: set[int] = set()
        with connection.cursor() as cursor:
            looked_up = _parameters(columns, owners, wanted[~bare].tolist())
            if looked_up[0]:
                cursor.execute(_LOOKED_UP, looked_up)
                found.update(number for (number,) in cursor)
            read = _parameters(columns, owners, wanted[bare].tolist())
            if read[0]:
                numbers, terminals, instants, digests = read
                cursor.execute(
                    _READ, [min(instants), max(instants), terminals, numbers, terminals, instants, digests]
                )
                found.update(number for (number,) in cursor)
        return found | archive.stored([one for one in zip(*looked_up, strict=True) if one[0] not in found])


def _within(parts: Sequence[Part], columns: Columns, rows: Ints) -> npt.NDArray[np.bool_]:
    at_us = columns.at_us[rows]
    within = np.zeros(len(rows), dtype=bool)
    for part in parts:
        within |= (at_us >= microseconds(part.start)) & (at_us < microseconds(part.end))
    return within


def _parameters(columns: Columns, owners: Owners, rows: list[int]) -> list[list[Any]]:
    return [
        rows,
        [int(owners.terminal_id[row]) for row in rows],
        [instant(columns.at_us[row]) for row in rows],
        [int(columns.digest[row]) for row in rows],
    ]
