"""Which trips go from one station to another, and when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.views import TripState
from zaitu.journey.models import Trip, TripStop

_LOOKED_AT = 20
"""Trips considered: nearly always the first one fits; a line that calls at a station twice may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    departs_at: datetime
    arrives_at: datetime
    planned: bool
    """False: no trip is planned yet, the last one is taken to run again daily."""


def next_ride(from_station: str, to_station: str, now: datetime, without: Trip | None = None) -> Ride | None:
    """The first trip goods ordered now can go with from station to station; None when none has ever run there.

    `without`: a trip they cannot go with; it may still tell at what time of the day trucks leave.
    """
    boards = TripStop.objects.filter(
        station_code=from_station,
        trip_id__in=TripStop.objects.filter(station_code=to_station).values("trip_id"),
    ).exclude(trip__state=TripState.CANCELLED)
    ahead = boards.filter(
        trip__state__in=(TripState.PLANNED, TripState.RUNNING),
        departed_at=None,
        planned_departure__gte=now + etas.CUTOFF,
    ).order_by("planned_departure")
    if without is not None:
        ahead = ahead.exclude(trip=without)
    found = _first(ahead, to_station)
    if found is not None:
        return Ride(departs_at=found[0], arrives_at=found[1], planned=True)
    last = _first(boards.order_by("-planned_departure"), to_station)
    departs = etas.next_departure((), last[0], now) if last else None
    if last is None or departs is None:
        return None
    return Ride(departs_at=departs, arrives_at=departs + (last[1] - last[0]), planned=False)


def _first(boards: QuerySet[TripStop], to_station: str) -> tuple[datetime, datetime] | None:
    """(departure, arrival) of the first of these trips that reaches the other station afterwards."""
    rows = list(boards.values_list("trip_id", "seq", "planned_departure")[:_LOOKED_AT])
    leaves = TripStop.objects.filter(station_code=to_station, trip_id__in=[row[0] for row in rows])
    arrivals = {
        (trip_id, seq): at for trip_id, seq, at in leaves.values_list("trip_id", "seq", "planned_arrival")
    }
    for trip_id, seq, departs_at in rows:
        after = [at for (trip, stop), at in arrivals.items() if trip == trip_id and stop > seq]
        if after:
            return departs_at, min(after)
    return None
