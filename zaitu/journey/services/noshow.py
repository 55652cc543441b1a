"""A planned trip that never left: its vehicle is let go, its goods are told to wait. A departure heard of later takes it back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import Kind, Stage, stage_of
from zaitu.journey.domain.noshow import GRACE, Waiting, missed
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.journey.domain.views import LegState, TripState
from zaitu.journey.events import TripChanged
from zaitu.journey.models import Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import stops_of
from zaitu.journey.selectors.rides import next_ride
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.orders import last_mile
from zaitu.journey.services.trips import WATCH_BEFORE, unwatch
from zaitu.kernel import clock, outbox
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry

SOURCE: Final = "timer"
AT_ONCE: Final = 200
"""Overdue trips looked at in one run; the others follow in the next."""
_WAITING: Final = frozenset({Stage.BOOKED, Stage.STATION, Stage.ROAD})
"""Stages in which goods wait for a truck; the rest are past it, whatever was planned."""


def trips_missed(*, actor: Principal, listening_since: datetime | None = None) -> int:
    """Say of overdue trips that they are not run; how many. One transaction a trip. Again without effect."""
    now = clock.now()
    rows = Trip.objects.filter(state=TripState.PLANNED, departs_at__lt=now - GRACE).defer("points")
    trips = list(rows.order_by("departs_at")[:AT_ONCE])
    if not trips:
        return 0
    seen = _under_way(actor, trips)
    stops, due = stops_of(trip.pk for trip in trips), _vehicles_due(trips)
    found = [
        trip.pk
        for trip in trips
        if trip.pk not in seen
        and missed(
            Waiting(
                departs_at=trip.departs_at,
                next_stop_at=stops[trip.pk][1].planned_arrival,
                vehicle_due_at=due.get(trip.pk),
                listening_since=listening_since,
            ),
            now,
        )
    ]
    return sum(_miss(actor, pk) for pk in found)


def _under_way(actor: Principal, trips: Sequence[Trip]) -> set[int]:
    """Trips that have begun without a word about the truck: their goods are on board, or their road lies behind it."""
    legs = Leg.objects.filter(trip__in=trips, state__in=(LegState.ON_BOARD, LegState.DONE))
    latest = telemetry.latest(actor=actor, vehicle_ids={trip.vehicle_id for trip in trips})
    driven = {fix.trip for fix in latest.values() if fix.along_m is not None and fix.along_m > etas.PASSED_M}
    return set(legs.values_list("trip_id", flat=True)) | {trip.pk for trip in trips if trip.ref in driven}


def _vehicles_due(trips: Sequence[Trip]) -> dict[int, datetime]:
    """By trip: from when its vehicle's next one is to be watched."""
    others = Trip.objects.filter(
        vehicle_id__in={trip.vehicle_id for trip in trips}, state__in=(TripState.PLANNED, TripState.RUNNING)
    ).values_list("vehicle_id", "departs_at")
    later = {
        trip.pk: [at for vehicle_id, at in others if vehicle_id == trip.vehicle_id and at > trip.departs_at]
        for trip in trips
    }
    return {pk: min(times) - WATCH_BEFORE for pk, times in later.items() if times}


@transaction.atomic
def _miss(actor: Principal, trip_id: int) -> bool:
    """Looks again once everything is locked: a scan may have come meanwhile."""
    now = clock.now()
    trip = Trip.objects.select_for_update(no_key=True).get(pk=trip_id)
    if trip.state != TripState.PLANNED:
        return False
    ledger = Ledger(actor=actor, ids=Leg.objects.filter(trip=trip).values_list("shipment_id", flat=True))
    legs = list(Leg.objects.filter(trip=trip).exclude(state=LegState.LEFT_BEHIND))
    if any(leg.state != LegState.PLANNED for leg in legs):
        return False
    trip.state = TripState.MISSED
    trip.save(update_fields=["state"])
    waiting = [leg for leg in legs if _waits(ledger.shipments[leg.shipment_id])]
    for leg in waiting:
        ledger.add(_event(leg.shipment_id, trip, Kind.PROBLEM, f"missed:{trip.ref}", now))
    _retime(ledger, waiting, {stop.seq: stop for stop in stops_of([trip.pk])[trip.pk]}, now)
    ledger.touch(ledger.shipments)
    ledger.close()
    unwatch(trip)
    outbox.put(TripChanged(trip=trip.ref, state=trip.state, at=now))
    return True


def _waits(shipment: Shipment) -> bool:
    return not shipment.final and stage_of(Status(shipment.status), Detail(shipment.detail)) in _WAITING


def _event(shipment_id: int, trip: Trip, kind: Kind, key: str, at: datetime) -> NewEvent:
    return NewEvent(
        shipment_id=shipment_id,
        kind=kind,
        source=SOURCE,
        key=key,
        at=at,
        trip_id=trip.pk,
        data={"code": Problem.NOT_DEPARTED.value, "trip": trip.ref},
    )


def waits(ledger: Ledger, shipment: Shipment, trip: Trip) -> None:
    """Goods that are planned for a missed trip, as if they had been when it was missed."""
    ledger.add(_event(shipment.pk, trip, Kind.PROBLEM, f"missed:{trip.ref}", clock.now()))


def _retime(ledger: Ledger, legs: Iterable[Leg], stops: Mapping[int, TripStop], now: datetime) -> None:
    ways = {
        leg.shipment_id: (stops[leg.from_seq].station_code, ledger.shipments[leg.shipment_id].to_station)
        for leg in legs
    }
    retime(ledger, ways, now)


def retime(
    ledger: Ledger, ways: Mapping[int, tuple[str, str]], now: datetime, without: Trip | None = None
) -> None:
    """The next departure that goes there, on another trip than `without`, becomes the ETA of these shipments.

    None is known: the old one stands until it has passed. `ways`: from station to station, by shipment.
    """
    rides = {way: next_ride(*way, now, without=without) for way in set(ways.values())}
    stations = network.stations_by_codes({destination for _, destination in rides})
    for shipment_id, (origin, destination) in ways.items():
        ride = rides[origin, destination]
        if ride is None:
            continue
        mile = last_mile(stations[destination].kind) if destination in stations else timedelta(0)
        window = etas.window(ride.arrives_at + mile, now)
        ledger.estimate(shipment_id, window, etas.Reason.TRIP_LOST, stations.get(destination))


# A departure heard of later


def revive(trip: Trip) -> None:
    """A missed trip, locked, is planned again: what happens next is told of it as of any other. Have it watched at the end."""
    trip.state = TripState.PLANNED
    trip.save(update_fields=["state"])


def run_after_all(ledger: Ledger, trip: Trip) -> None:
    """It left: nobody on it waits any more, those who board later included."""
    ledger.write()
    now = clock.now()
    for pk in ledger.shipments:
        if Problem.NOT_DEPARTED.value in ledger.state(pk).problems:
            ledger.add(_event(pk, trip, Kind.PROBLEM_SOLVED, f"run:{trip.ref}", now))
    ledger.touch(ledger.shipments)
