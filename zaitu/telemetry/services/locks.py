"""Electronic locks that speak languages of their own: who is let in, and how each said that it is."""

from datetime import datetime

from django.db.models import Q

from zaitu.telemetry.codecs.locks import LockHistory, LockState
from zaitu.telemetry.models import LockMemory, Terminal
from zaitu.telemetry.services.terminals import Registrant, unknown_seen

ELOCK = "elock"


def lock_open(terminal: str, *, now: datetime) -> LockHistory | None:
    """What is known of a lock that is let in; None: it is not, and is listed now. Two or three queries."""
    known = Terminal.objects.filter(terminal=terminal, kind=ELOCK).update(last_seen_at=now)
    if not known:
        unknown_seen(Registrant(terminal=terminal, kind=ELOCK), now=now)
        return None
    row = LockMemory.objects.filter(terminal=terminal).first()
    return history_of(row)


def history_load(terminal: str) -> LockHistory:
    """Of a terminal that was let in already. One query."""
    return history_of(LockMemory.objects.filter(terminal=terminal).first())


def history_of(row: LockMemory | None) -> LockHistory:
    if row is None:
        return LockHistory()
    return LockHistory(at=row.at, state=LockState(closed=row.closed, cover_closed=row.cover_closed))


def lock_remember(terminal: str, at: datetime, state: LockState) -> None:
    """How it said that it is; an older report than the one remembered changes nothing. Two statements."""
    said = {"at": at, "closed": state.closed, "cover_closed": state.cover_closed}
    LockMemory.objects.bulk_create([LockMemory(terminal=terminal, **said)], ignore_conflicts=True)
    LockMemory.objects.filter(Q(terminal=terminal) & Q(at__lt=at)).update(**said)
