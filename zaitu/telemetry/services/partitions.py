"""Keeping the partitions of positions: made ahead, b-trees built when it is calm or over, given up while it is busy."""

import time
from datetime import datetime
from typing import Final

from zaitu.kernel import logs
from zaitu.telemetry.adapters import partitions
from zaitu.telemetry.domain import store
from zaitu.telemetry.domain.store import Part

LOOK_S: Final = 5.0
"""How often to look."""
SUMMARISE_S: Final = 1.0
_MAKE_S: Final = 600.0

log = logs.logger("telemetry.partitions")


class Keeper:
    """Remembers what was written by its last look; belongs to one process."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._looked_s = self._made_s = -float("inf")
        self._shed: set[str] = set()
        """Partitions that were too busy for b-trees: they get them when they are closed."""
        self._summarised: dict[str, int] = {}
        """By BRIN: the first page that is not summarised."""

    def look(self, now: datetime) -> None:
        """Do what is to be done now; building b-trees of a large partition takes minutes. Not in a transaction.

        Nothing happens while another process keeps them.
        """
        with partitions.keeping() as mine:
            if not mine:
                return
            if time.monotonic() - self._made_s >= _MAKE_S:
                partitions.partitions_ensure(now)
                self._made_s = time.monotonic()
            rows_s = self._rows_s()
            if rows_s is None:
                return
            parts = partitions.parts()
            for part in store.to_shed(parts, rows_s, now):
                partitions.shed(part)
                self._shed.add(part.name)
                log.info("b-trees given up while it is busy", partition=part.name, rows_s=round(rows_s))
            wanted = [
                part
                for part in store.to_index(parts, rows_s, now)
                if part.name not in self._shed or store.closed(part, now)
            ]
            # One a look: while a large one is built nothing is given up, however busy it gets.
            for part in wanted[:1]:
                self._index(part)

    def summarise(self, now: datetime) -> None:
        """Summarise what was written to partitions without b-trees since the last call, a limited piece: BRINs know nothing of what is not.

        Call it every SUMMARISE_S. Not in a transaction.
        """
        with partitions.summarising() as mine:
            if not mine:
                return
            # The newest first: it is the one that is written. One with a b-tree, be it half built, is left to the vacuum.
            bare = [part for part in reversed(partitions.parts()) if not part.burdened and part.start <= now]
            brins = [(part, brin) for part in bare for brin in partitions.brins(part)]
            self._summarised = {
                brin.name: partitions.summarise(part, brin, self._summarised.get(brin.name, 0))
                for part, brin in brins
            }

    def _index(self, part: Part) -> None:
        began_s = time.monotonic()
        partitions.index(part)
        self._shed.discard(part.name)
        log.info("b-trees built", partition=part.name, seconds=round(time.monotonic() - began_s, 1))

    def _rows_s(self) -> float | None:
        """Rows a second since the last look; None: this is the first."""
        before, self._written = self._written, partitions.rows_written()
        looked_s, self._looked_s = self._looked_s, time.monotonic()
        if not before:
            return None
        grown = sum(max(count - before.get(name, 0), 0) for name, count in self._written.items())
        return grown / max(self._looked_s - looked_s, 0.001)
