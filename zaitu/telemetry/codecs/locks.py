"""What an electronic lock can say has happened, whatever its maker's words."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import Final


class LockEvent(IntFlag):
    """Bits of a fix's `lock_events`; several may come with one report."""

    OPENED = 1
    """The motor drew back: the lock can be taken off."""
    CLOSED = 2
    CUT = 4
    """The string or shackle was cut or pulled out while locked."""
    WRONG_PASSWORD = 8
    UNAUTHORISED_CARD = 16
    COVER_OPENED = 32
    COVER_CLOSED = 64
    MOTOR_FAULT = 128
    LOW_BATTERY = 256

    @property
    def names(self) -> list[str]:
        """Stable words (`opened`, `wrong_password` …), as facts and `zaitu decode` tell them."""
        return [event.name.lower() for event in LockEvent if event in self and event.name]


WORDS: Final = ("lock_code", "lock_card", "lock_result", "locks", "lock_string")
"""What a lock in the items of a position says beside events and states: who opened it. Only its maker's profile reads that."""
NO_EVENT: Final = LockEvent(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """Levels; None: not known."""

    closed: bool | None = None
    cover_closed: bool | None = None


@dataclass(slots=True)
class LockHistory:
    """What is known of one lock, report by report."""

    at: datetime | None = None
    """Of the newest report that told a state; aware."""
    state: LockState = field(default_factory=LockState)

    def told(self, at: datetime, *, closed: bool | None, cover_closed: bool | None) -> LockEvent:
        """What has happened since the report before. An older report than the newest tells nothing, and changes nothing."""
        if (closed is None and cover_closed is None) or (self.at is not None and at < self.at):
            return NO_EVENT
        now = LockState(
            closed=self.state.closed if closed is None else closed,
            cover_closed=self.state.cover_closed if cover_closed is None else cover_closed,
        )
        events = lock_changes(self.state, now)
        self.at, self.state = at, now
        return events


def lock_changes(before: LockState, now: LockState) -> LockEvent:
    """What has happened between two reports that tell states only; nothing where either does not know."""
    events = NO_EVENT
    for was, is_now, opened, closed in (
        (before.closed, now.closed, LockEvent.OPENED, LockEvent.CLOSED),
        (before.cover_closed, now.cover_closed, LockEvent.COVER_OPENED, LockEvent.COVER_CLOSED),
    ):
        if None not in {was, is_now} and was is not is_now:
            events |= closed if is_now else opened
    return events
