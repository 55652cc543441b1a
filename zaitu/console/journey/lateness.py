"""How late a trip runs, by its next stop."""

from zaitu.journey.public import TripView


def late_min(trip: TripView) -> int:
    """Minutes the next stop's predicted arrival is after plan; 0 when early, arrived everywhere, or not predicted."""
    ahead = next((stop for stop in trip.stops if stop.arrived_at is None and stop.departed_at is None), None)
    if ahead is None or ahead.eta is None:
        return 0
    return max(0, round((ahead.eta - ahead.planned_arrival).total_seconds() / 60))
