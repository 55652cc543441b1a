"""Frames that were received and must not count; an administrator may look at them for a month."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from zaitu.telemetry.codecs.columns import Columns
from zaitu.telemetry.models import Quarantine
from zaitu.telemetry.services.retention import rows_trim

STRANGER: Final = "unauthenticated"
"""From a terminal that has not proved who it is."""
CLOCK: Final = "clock"
"""An old fix whose time means nothing."""
UNREADABLE: Final = "unreadable"
"""A batch of which some bytes are no position, or that holds another number than it says; the positions in it count."""
UNSTORABLE: Final = "unstorable"
"""The database refuses it; a defect of ours, logged."""
KEPT: Final = timedelta(days=30)


def frame_set_aside(*, terminal: str, content: bytes, reason: str, now: datetime) -> None:
    Quarantine.objects.create(terminal=terminal[:20], received_at=now, reason=reason, content=content)


def rows_set_aside(columns: Columns, rows: Sequence[tuple[int, str]], *, received_at: datetime) -> None:
    """(row, reason) of a tick. One statement."""
    Quarantine.objects.bulk_create(
        Quarantine(
            terminal=columns.terminals[columns.terminal[row]][:20],
            received_at=received_at,
            reason=reason,
            content=columns.piece(columns.core, row),
        )
        for row, reason in rows
    )


def quarantine_trim(now: datetime) -> int:
    """Forget what is older than KEPT or one too many; how many rows went."""
    return rows_trim(Quarantine.objects.all(), "received_at", now - KEPT)
