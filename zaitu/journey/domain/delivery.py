"""Goods are handed over in the receivers' delivery hours: an estimate outside them becomes the next round within them.

Only the promise at the door moves. Trucks between stations drive at night, and a courier who is already out keeps the real time.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from zaitu.journey.domain.eta import DELIVERY_ROUND, WALL_CLOCK, Reason, Window, matters
from zaitu.journey.domain.statuses import Detail

DAY: Final = timedelta(days=1)
TAKEN_BACK: Final = timedelta(minutes=30)
"""Who was told another day hears of the earlier one again only when it leaves so much before closing: predictions waver."""
_CAUSES: Final = frozenset({Reason.DEPARTED_LATE, Reason.OVERDUE, Reason.TRIP_LOST})
"""What went wrong is what people want to read, though the hours moved it further."""


@dataclass(frozen=True, slots=True)
class Hours:
    opens_min: int
    """After midnight, Chinese time, 0 to 1439."""
    closes_min: int
    """1 to 1440; at or before `opens_min`: on the next day. At least two hours after opening."""

    @property
    def length(self) -> timedelta:
        minutes = timedelta(minutes=self.closes_min - self.opens_min)
        return minutes if minutes > timedelta(0) else minutes + DAY

    def span_ending(self, at: datetime, *, reserve: timedelta) -> tuple[datetime, datetime]:
        """The first (opening, closing) whose closing, less the reserve, is not before this instant."""
        midnight = datetime.combine(at.astimezone(WALL_CLOCK).date(), time(), WALL_CLOCK)
        opens = midnight - DAY + timedelta(minutes=self.opens_min)
        while opens + self.length - reserve < at:
            opens += DAY
        return opens.astimezone(at.tzinfo), (opens + self.length).astimezone(at.tzinfo)


def promised(window: Window, hours: Hours, told: datetime | None = None) -> Window:
    """The window as it may be promised for the door; the same one when it lies within the hours.

    Nothing is promised before the first round of a day, an hour after opening. `told`: the ETA people know.
    """
    if hours.length == DAY:
        return window
    opens, closes = hours.span_ending(window.eta, reserve=timedelta(0))
    if told is not None and told > closes:
        opens, closes = hours.span_ending(window.eta, reserve=TAKEN_BACK)
    first = opens + DELIVERY_ROUND
    eta_from = max(window.eta_from, opens)
    if window.eta >= first:
        return Window(eta=window.eta, eta_from=eta_from, eta_to=min(window.eta_to, closes))
    eta_to = min(max(window.eta_to, first + DELIVERY_ROUND), closes)
    return Window(eta=first, eta_from=eta_from, eta_to=eta_to)


def promise(
    window: Window, reason: Reason, hours: Hours | None, *, detail: str, told: datetime | None
) -> tuple[Window, Reason]:
    """What may be promised, and why."""
    moved = _at_the_door(window, hours, detail=detail, told=told)
    return moved, reason if moved.eta == window.eta or reason in _CAUSES else Reason.DELIVERY_HOURS


def worth_telling(
    window: Window, hours: Hours | None, *, detail: str, told: datetime | None, now: datetime
) -> bool:
    """Whether what may be promised differs enough from what was told."""
    return matters(told, _at_the_door(window, hours, detail=detail, told=told).eta, now)


def _at_the_door(window: Window, hours: Hours | None, *, detail: str, told: datetime | None) -> Window:
    """With a courier who is out the time is real, and so it is where no hours are known."""
    return window if hours is None or detail == Detail.OUT_FOR_DELIVERY else promised(window, hours, told)
