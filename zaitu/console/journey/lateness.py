"""The trips on the road, and how late they run. What counts as late is the same on every page."""

from typing import Final

from zaitu.journey import public as journey
from zaitu.journey.public import TripView
from zaitu.kernel.principal import Principal

LATE_FROM_MIN: Final = 30
"""Less is within what traffic does to a day's drive."""


def running_trips(actor: Principal) -> list[TripView]:
    """Every running trip, newest departure first."""
    first = journey.trips_list(actor=actor, state="running")
    rest = [journey.trips_list(actor=actor, state="running", page=page) for page in range(2, first.pages + 1)]
    return [trip for page in (first, *rest) for trip in page.rows]


def late(minutes: int) -> int:
    """The same minutes, or 0 when that is not late."""
    return minutes if minutes >= LATE_FROM_MIN else 0


def late_min(trip: TripView) -> int:
    """Minutes a running trip's next stop is predicted after plan; 0 when that is not late, nothing is predicted, or it is over."""
    ahead = next((stop for stop in trip.stops if stop.arrived_at is None and stop.departed_at is None), None)
    if trip.state != journey.TripState.RUNNING or ahead is None or ahead.eta is None:
        return 0
    return late(round((ahead.eta - ahead.planned_arrival).total_seconds() / 60))
