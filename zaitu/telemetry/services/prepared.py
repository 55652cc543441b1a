"""A tick between the engine's memory and the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zaitu.kernel.events import Event
from zaitu.telemetry.adapters import states
from zaitu.telemetry.adapters.positions import Owners
from zaitu.telemetry.codecs.columns import Ints
from zaitu.telemetry.kernels import once
from zaitu.telemetry.services.ticks import Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was found in late fixes, and what became of doubtful ones."""

    facts: int
    failed: int
    """Vehicles put off because something about them raised."""
    stored: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A tick worked out in memory, to be stored."""

    tick: Tick
    sequence: int
    owners: Owners
    verdict: Ints
    slot: Ints
    """Of each row's vehicle; −1: none."""
    late: Ints
    """Rows older than their vehicle's newest fix."""
    moved: Ints
    """Rows that are their vehicle's newest."""
    events: Sequence[Event]
    told: Sequence[states.Document]
    """Of those a fact was told of."""

    @property
    def storable(self) -> Ints:
        """Rows that are stored unless the table has them."""
        return np.flatnonzero(np.isin(self.verdict, (once.NEW, once.LATE, once.DOUBTFUL)))


class Written(NamedTuple):
    """Rows of a tick."""

    rows: Ints
    """Those that were to be stored."""
    refused: Ints
    """Those that the database refused."""
    doubtful: int = 0
    """How many were set aside."""
