"""When a planned trip that nobody saw leave counts as not run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

GRACE: Final = timedelta(hours=2)
"""A truck so late is late, whatever else it should be doing. Also how long we must have listened before we say it did not leave."""
LEAST: Final = timedelta(hours=6)
MOST: Final = timedelta(hours=24)
UNSEEN: Final = timedelta(hours=2)
"""So long after it should have been at its next stop. Until then a truck whose departure nobody scans may be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A planned trip of which no fact says that it left."""

    departs_at: datetime
    """Planned."""
    next_stop_at: datetime
    """Planned arrival at the second stop."""
    vehicle_due_at: datetime | None = None
    """From when its vehicle is watched for another trip; None: for none."""
    listening_since: datetime | None = None
    """Before this instant nobody of us was there to hear."""


def missed(waiting: Waiting, now: datetime) -> bool:
    """Whether it is time to say that the trip is not run, and to let its vehicle go."""
    overdue = now - waiting.departs_at
    if overdue < GRACE or (waiting.listening_since is not None and now - waiting.listening_since < GRACE):
        return False
    if waiting.vehicle_due_at is not None and waiting.vehicle_due_at <= now:
        return True
    return overdue >= min(max(LEAST, waiting.next_stop_at - waiting.departs_at + UNSEEN), MOST)
