"""The database's side of an engine: ticks worked out are stored in the order of their numbers, each once, by whoever holds the shard."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import numpy as np
from django.db import DataError, transaction

from zaitu.kernel import outbox
from zaitu.telemetry.adapters import doubts, positions, shards, states
from zaitu.telemetry.adapters.repeats import Repeats
from zaitu.telemetry.codecs.columns import Ints
from zaitu.telemetry.kernels import once
from zaitu.telemetry.services import quarantine
from zaitu.telemetry.services.prepared import Prepared, Written

DOCUMENTED_WITHIN_S: Final = 15
"""What the rules remember of a vehicle is at most so many flushes behind."""
OVERLAP: Final = timedelta(seconds=DOCUMENTED_WITHIN_S + 5)
"""Received so long before the last flush may be missing from the documents."""
_DOUBTS: Final = 2_000
"""Looked up in one transaction, some tens of milliseconds."""
_WHY_ASIDE: Final = {once.TIMELESS: quarantine.CLOCK, once.STRANGE: quarantine.STRANGER}
_NO_ROWS: Final[Ints] = np.empty(0, dtype=np.int64)


class _LookedAtSingly(Exception):
    """Some rows must be looked for in the table first, or a tick is stored already."""


class Table:
    def __init__(self, holding: shards.Holding, shard_count: int) -> None:
        self.holding = holding
        self._shard_count = shard_count
        self.repeats = Repeats()
        self._doubted: list[str] | None = None
        """The partitions without b-trees when no row outside them was in doubt."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction. Raises shards.Fenced when another engine has taken the shard."""
        with transaction.atomic():
            shards.shard_held(self.holding.shard, self.holding.epoch)
            yield

    def store_all(self, prepared: Sequence[Prepared], after: Callable[[], object]) -> list[Written]:
        """One transaction. Raises django.db.Error: repeat it then; shards.Fenced.

        `after`: returns when the ticks before are stored, raises when they will not be; until then only rows are copied.
        """
        try:
            return self._copied(prepared, after)
        except (DataError, _LookedAtSingly):
            after()
            return self._looked_at(prepared)

    def _copied(self, prepared: Sequence[Prepared], after: Callable[[], object]) -> list[Written]:
        """As `_looked_at`, all at once and without a look at the table. Raises _LookedAtSingly where that does not do."""
        if any((one.verdict == once.DOUBTFUL).any() for one in prepared):
            raise _LookedAtSingly
        rows = [one.storable for one in prepared]
        packed = [
            positions.rows_packed(one.tick.columns, one.owners, of_one, one.tick.received_at)
            for one, of_one in zip(prepared, rows, strict=True)
            if len(of_one)
        ]
        with transaction.atomic():
            shards.shard_copying(self.holding.shard)
            if packed:
                positions.positions_copy(*packed)
            after()
            for one in prepared:
                if not self._advanced(one):
                    raise _LookedAtSingly
                _write(one, _NO_ROWS)
        return [Written(rows=of_one, refused=_NO_ROWS) for of_one in rows]

    def _looked_at(self, prepared: Sequence[Prepared]) -> list[Written]:
        written = []
        with transaction.atomic():
            for one in prepared:
                if self._advanced(one):
                    written.append(self._stored_singly(one))
                    _write(one, written[-1].refused)
                else:
                    written.append(Written(rows=one.storable, refused=_NO_ROWS))
        return written

    def _stored_singly(self, one: Prepared) -> Written:
        columns, owners, received_at = one.tick.columns, one.owners, one.tick.received_at
        doubtful = np.flatnonzero(one.verdict == once.DOUBTFUL)
        aside = self.repeats.not_to_be_read(columns, doubtful)
        repeated = self.repeats.stored_already(columns, owners, np.setdiff1d(doubtful, aside).tolist())
        rows = one.storable[~np.isin(one.storable, [*repeated, *aside])]
        refused = [
            positions.positions_stored(columns, owners, rows, received_at),
            positions.positions_stored(columns, owners, aside, received_at, table=doubts.TABLE),
        ]
        return Written(rows=rows, refused=np.concatenate(refused), doubtful=len(aside) - len(refused[1]))

    def _advanced(self, one: Prepared) -> bool:
        """False: this tick is stored already."""
        return shards.shard_advance(
            self.holding.shard,
            self.holding.epoch,
            one.sequence,
            flushed_at=one.tick.received_at + OVERLAP,
        )

    def doubts_settle(self) -> doubts.Taken:
        """Look up doubtful rows whose partition has its b-trees by now, a limited number. Raises as `writing`."""
        bare = self.repeats.bare()
        names = [part.name for part in bare]
        if names == self._doubted:
            return doubts.Taken(rows=0, stored=0, late_from_us={})
        with self.writing():
            taken = doubts.doubts_take(bare, self.holding.shard, self._shard_count, _DOUBTS)
        if taken.rows < _DOUBTS:
            self._doubted = names
        return taken


def _write(prepared: Prepared, refused: Ints) -> None:
    """Everything of a tick but its positions."""
    columns = prepared.tick.columns
    aside = np.flatnonzero(prepared.verdict >= once.TIMELESS).tolist()
    quarantine.rows_set_aside(
        columns,
        [
            *((row, _WHY_ASIDE[int(prepared.verdict[row])]) for row in aside),
            *((row, quarantine.UNSTORABLE) for row in refused.tolist()),
        ],
        received_at=prepared.tick.received_at,
    )
    states.documents_write(prepared.told)
    outbox.put(*prepared.events)
