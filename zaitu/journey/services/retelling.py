"""What voided events had told of a trip, taken back: times of its stops, its rides, its beginning, and what was predicted from them.

The status of the goods is a fold and needs no help; the rows beside it are written when a fact comes, and follow here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Exists, OuterRef

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.retold import (
    ARRIVALS,
    DELIVERED,
    HANDLED,
    LEAVINGS,
    Times,
    Word,
    ride_state,
    started_at,
    stop_times,
)
from zaitu.journey.domain.views import LegState, TripState
from zaitu.journey.events import TripChanged
from zaitu.journey.models import JourneyEvent, Leg, Trip, TripStop
from zaitu.journey.selectors.gathered import stops_of
from zaitu.journey.services.facts import SOURCE, fence_key
from zaitu.kernel import clock, outbox

OF_STOPS: Final = ARRIVALS | LEAVINGS
OF_RIDES: Final = OF_STOPS | HANDLED


def stops_spoken_of(events: Iterable[JourneyEvent]) -> set[int]:
    """Trips (ids) whose stops have times that some of these events told."""
    return {event.trip_id for event in events if event.trip_id and _tells_stop(event)}


def _tells_stop(event: JourneyEvent) -> bool:
    if event.kind in OF_STOPS or event.kind not in HANDLED or event.trip_id is None:
        return event.kind in OF_STOPS
    stops = TripStop.objects.filter(trip_id=event.trip_id, station_code=event.station_code)
    return stops.filter(arrived_at=event.at).exists()


@dataclass(slots=True)
class Told:
    """All that was told of a trip."""

    trip: Trip
    stops: Sequence[TripStop]
    words: list[Word] = field(default_factory=list)
    by_shipment: defaultdict[int, list[Word]] = field(default_factory=lambda: defaultdict(list))

    def seq_of(self, *, kind: str, station: str, source: str, key: str) -> int | None:
        """Of the stops at one station (a round trip) a fence names the one it means; a scan means the first."""
        here = [stop.seq for stop in self.stops if stop.station_code == station]
        if source == SOURCE:
            named = [seq for seq in here if f":{fence_key(self.trip, seq, Kind(kind))}" in key]
            here = named or here
        return here[0] if here else None


def told_of(trip: Trip) -> Told:
    told = Told(trip=trip, stops=stops_of([trip.pk])[trip.pk])
    voided = Exists(JourneyEvent.objects.filter(target=OuterRef("pk")))
    rows = JourneyEvent.objects.filter(trip=trip, kind__in=OF_RIDES).annotate(voided=voided)
    for shipment_id, kind, at, station, source, key, gone in rows.values_list(
        "shipment_id", "kind", "at", "station_code", "source", "key", "voided"
    ):
        seq = told.seq_of(kind=kind, station=station, source=source, key=key)
        word = Word(kind=Kind(kind), at=at, seq=seq, voided=gone)
        told.words.append(word)
        told.by_shipment[shipment_id].append(word)
    return told


def stops_back(told: Told) -> list[TripStop]:
    """The stops whose times are not what they were, saved."""
    changed = []
    for stop in told.stops:
        known = Times(arrived_at=stop.arrived_at, departed_at=stop.departed_at)
        times = stop_times(known, [word for word in told.words if word.seq == stop.seq])
        if times == known:
            continue
        stop.arrived_at, stop.departed_at = times.arrived_at, times.departed_at
        stop.save(update_fields=["arrived_at", "departed_at"])
        changed.append(stop)
    return changed


def rides_back(told: Told, shipment_ids: Collection[int], *, ended: bool) -> None:
    """`ended`: a person ended the trip, and these rides with it."""
    off = _delivered(shipment_ids)
    changed: defaultdict[LegState, list[int]] = defaultdict(list)
    for leg in Leg.objects.filter(trip=told.trip, shipment_id__in=shipment_ids):
        state = ride_state(
            LegState(leg.state),
            from_seq=leg.from_seq,
            to_seq=leg.to_seq,
            words=[*told.by_shipment[leg.shipment_id], *off.get(leg.shipment_id, ())],
            ended=ended,
        )
        if state != leg.state:
            changed[state].append(leg.pk)
    for state, ids in changed.items():
        Leg.objects.filter(pk__in=ids).update(state=state)


def _delivered(shipment_ids: Iterable[int]) -> Mapping[int, Sequence[Word]]:
    found: dict[int, list[Word]] = defaultdict(list)
    voided = JourneyEvent.objects.filter(target=OuterRef("pk"))
    rows = JourneyEvent.objects.filter(shipment_id__in=list(shipment_ids), kind__in=DELIVERED)
    for shipment_id, kind, at in rows.exclude(Exists(voided)).values_list("shipment_id", "kind", "at"):
        found[shipment_id].append(Word(kind=Kind(kind), at=at, seq=None))
    return found


def beginning_back(told: Told) -> None:
    """A trip that nothing says has left is planned again; then the timer may find that it is not run at all."""
    trip, begun = told.trip, started_at(told.trip.started_at, told.words)
    if begun == trip.started_at:
        return
    if begun is None and trip.state != TripState.RUNNING:
        return
    trip.started_at = begun
    if begun is None:
        trip.state = TripState.PLANNED
    trip.save(update_fields=["started_at", "state"])
    outbox.put(TripChanged(trip=trip.ref, state=trip.state, at=clock.now()))
