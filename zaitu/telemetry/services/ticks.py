"""A tick on its way: received, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from zaitu.telemetry.codecs.columns import Columns, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    received_at: datetime
    """Aware, UTC."""
    columns: Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a tick's rows; all of it is committed."""

    stored: int
    duplicates: int
    quarantined: int
    doubtful: int
    """They may be in the table already, and are set aside until that can be seen."""
    facts: int
    unstorable: Ints
    """Rows the database refuses; they are in the quarantine."""
    moved: Ints
    """Slots of the vehicles that moved on."""
