"""The trips on the road, and how late they run."""

from zaitu.journey import public as journey
from zaitu.journey.public import TripView
from zaitu.kernel.principal import Principal


def running_trips(actor: Principal) -> list[TripView]:
    """Every running trip, newest departure first."""
    first = journey.trips_list(actor=actor, state="running")
    rest = [journey.trips_list(actor=actor, state="running", page=page) for page in range(2, first.pages + 1)]
    return [trip for page in (first, *rest) for trip in page.rows]


def late_min(trip: TripView) -> int:
    """Minutes the next stop's predicted arrival is after plan; 0 when early, arrived everywhere, or not predicted."""
    ahead = next((stop for stop in trip.stops if stop.arrived_at is None and stop.departed_at is None), None)
    if ahead is None or ahead.eta is None:
        return 0
    return max(0, round((ahead.eta - ahead.planned_arrival).total_seconds() / 60))
