"""Frames that were received and must not count; an administrator may look at them for a month."""

from datetime import datetime, timedelta
from typing import Final

from zaitu.telemetry.models import Quarantine

STRANGER: Final = "unauthenticated"
"""From a terminal that has not proved who it is."""
CLOCK: Final = "clock"
"""An old fix whose time means nothing."""
UNREADABLE: Final = "unreadable"
"""A batch of which some bytes are no position, or that holds another number than it says; the positions in it count."""
UNSTORABLE: Final = "unstorable"
"""The database refuses it; a defect of ours, logged."""
KEPT: Final = timedelta(days=30)
KEPT_ROWS: Final = 200_000


def frame_set_aside(*, terminal: str, content: bytes, reason: str, now: datetime) -> None:
    Quarantine.objects.create(terminal=terminal[:20], received_at=now, reason=reason, content=content)


def quarantine_trim(now: datetime) -> int:
    """Forget what is older than KEPT or beyond KEPT_ROWS; how many rows went."""
    gone, _ = Quarantine.objects.filter(received_at__lt=now - KEPT).delete()
    oldest_kept = (
        Quarantine.objects.order_by("-id").values_list("id", flat=True)[KEPT_ROWS : KEPT_ROWS + 1].first()
    )
    if oldest_kept is not None:
        gone += Quarantine.objects.filter(id__lte=oldest_kept).delete()[0]
    return gone
