"""A trip's arrival at its last stop taken back: once nobody stands by it, the trip runs again."""

from collections.abc import Iterable
from typing import Final

from zaitu.access import public as access
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.views import TripState
from zaitu.journey.events import TripChanged
from zaitu.journey.models import JourneyEvent, Leg, Trip, TripStop
from zaitu.journey.selectors.counts import standing
from zaitu.journey.services.trips import rewatch
from zaitu.kernel import clock, outbox
from zaitu.kernel.principal import Principal

ARRIVALS: Final = (Kind.STOP_ENTERED, Kind.ARRIVED)
HANDLED: Final = (Kind.UNLOADED, Kind.INSPECTED)
"""Goods were taken off here, which no truck elsewhere lets them be."""


def trips_locked(events: Iterable[JourneyEvent]) -> dict[int, Trip]:
    """The trips these events speak of, by id; before their shipments are locked."""
    wanted = {event.trip_id for event in events if event.trip_id}
    rows = Trip.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("id")
    return {row.pk: row for row in rows}


def ended_by(trip: Trip, events: Iterable[JourneyEvent]) -> TripStop | None:
    """The last stop of a trip that came to its end there, if any of these events speaks of its arrival; else None."""
    stop = last_stop(trip)
    arrival = any(
        event.trip_id == trip.pk and event.kind in ARRIVALS and event.station_code == stop.station_code
        for event in events
    )
    return stop if arrival and ended_there(trip, stop) else None


def last_stop(trip: Trip) -> TripStop:
    return TripStop.objects.filter(trip=trip).latest("seq")


def ended_there(trip: Trip, stop: TripStop) -> bool:
    """Whether it was an arrival that ended the trip, and not a person."""
    if trip.state != TripState.DONE or trip.done_at is None or stop.arrived_at is None:
        return False
    told = JourneyEvent.objects.filter(
        trip=trip, station_code=stop.station_code, kind__in=ARRIVALS, at=trip.done_at
    )
    return told.exists() or not Leg.objects.filter(trip=trip, to_seq=stop.seq).exists()


def ended_by_hand(trip: Trip) -> bool:
    return trip.state == TripState.DONE and not ended_there(trip, last_stop(trip))


def shipments_of(trip: Trip) -> list[int]:
    """All whose documents show the trip's stops."""
    return list(Leg.objects.filter(trip=trip).values_list("shipment_id", flat=True))


def stood_by(trip: Trip, stop: TripStop) -> bool:
    """Whether anything that was not taken back says that the truck was there."""
    return standing(trip_id=trip.pk, station_code=stop.station_code, kind__in=(*ARRIVALS, *HANDLED)).exists()


def busy_elsewhere(trip: Trip) -> str:
    """The trip that its vehicle has begun since, by its ref; a truck is on one trip at a time."""
    later = Trip.objects.filter(vehicle_id=trip.vehicle_id, started_at__gt=trip.started_at or trip.departs_at)
    return later.exclude(pk=trip.pk).order_by("started_at").values_list("ref", flat=True).first() or ""


def reopen(actor: Principal, trip: Trip, stop: TripStop, reason: str) -> None:
    """The trip, locked, runs again, and its vehicle is watched for it. Its shipments' documents are made by the caller's ledger."""
    now = clock.now()
    stop.arrived_at, stop.counted_at = None, None
    stop.save(update_fields=["arrived_at", "counted_at"])
    trip.state, trip.done_at = TripState.RUNNING, None
    trip.save(update_fields=["state", "done_at"])
    rewatch(trip.vehicle_id)
    outbox.put(TripChanged(trip=trip.ref, state=trip.state, at=now))
    access.audit(
        actor=actor,
        action="trip.reopen",
        subject=trip.ref,
        detail={"station": stop.station_code, **({"reason": reason} if reason else {})},
    )
