"""A truck leaves or reaches a stop: the fact fans out to every shipment on board, in a fixed number of queries.

Fences and scans both tell it, whichever comes first; both are kept and folded once. Telling it again changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.views import LegState, TripState
from zaitu.journey.events import TripChanged
from zaitu.journey.models import JourneyEvent, Leg, Trip, TripStop
from zaitu.journey.selectors.gathered import frame_of, stops_of
from zaitu.journey.selectors.rechecks import mismatch_open
from zaitu.journey.services import counting, learning, noshow
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.trips import rewatch, unwatch
from zaitu.kernel import outbox
from zaitu.kernel.principal import Principal
from zaitu.telemetry.events import StopEntered, StopLeft

SOURCE: Final = "fact"
HEARD_KEPT: Final = 10
"""Words of a stop's fence kept beside the first: a truck that drives in and out of a yard tells many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFact:
    """A truck at a stop, told by a fence or a scan."""

    kind: Kind
    """STOP_ENTERED, ARRIVED, STOP_LEFT or DEPARTED."""
    source: str
    key: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def arrival(self) -> bool:
        return self.kind in (Kind.STOP_ENTERED, Kind.ARRIVED)


@transaction.atomic
def stop_entered(*, actor: Principal, event: StopEntered) -> int:
    """Shipments moved. A trip we do not know, or that is over, is not an error: the watch may be older than its end."""
    return _from_fence(actor, event, Kind.STOP_ENTERED)


@transaction.atomic
def stop_left(*, actor: Principal, event: StopLeft) -> int:
    """As `stop_entered`."""
    return _from_fence(actor, event, Kind.STOP_LEFT)


def _from_fence(actor: Principal, event: StopEntered | StopLeft, kind: Kind) -> int:
    trip = (
        Trip.objects.select_for_update(no_key=True)
        .filter(ref=event.trip, vehicle_id=event.vehicle_id)
        .first()
    )
    if trip is None or trip.state == TripState.CANCELLED:
        return 0
    fact = StopFact(
        kind=kind,
        source=SOURCE,
        key=fence_key(trip, event.seq, kind),
        at=event.at,
        data={"late": True} if event.late else {},
    )
    return len(at_stop(actor=actor, trip=trip, seq=event.seq, fact=fact))


def fence_key(trip: Trip, seq: int, kind: Kind) -> str:
    """One per trip, stop and direction, whoever tells it."""
    return f"{trip.ref}:{seq}:{'in' if kind is Kind.STOP_ENTERED else 'out'}"


def at_stop(*, actor: Principal, trip: Trip, seq: int, fact: StopFact) -> list[JourneyEvent]:
    """Record the fact for the stop and for every shipment concerned; the events written. The trip must be locked."""
    stops = stops_of([trip.pk])[trip.pk]
    stop = next((one for one in stops if one.seq == seq), None)
    if stop is None or (stop is stops[0] and fact.arrival and stop.departed_at):
        return []
    revived = trip.state == TripState.MISSED and _begins(stops, stop, fact)
    if revived:
        noshow.revive(trip)
    ledger = Ledger(actor=actor, ids=_shipments_at(trip, seq, arrival=fact.arrival, everybody=revived))
    # Only now: while we waited for the shipments a scan may have taken them on board, or off again.
    legs = list(Leg.objects.filter(trip=trip).order_by("shipment_id"))
    concerned = _concerned(legs, seq, arrival=fact.arrival)
    ending = [] if fact.arrival else [leg for leg in legs if leg.to_seq == seq]
    behind = {} if fact.arrival else dict.fromkeys(_left_behind(trip, stop, concerned), "")
    behind |= dict.fromkeys(_held(ledger, trip, stops, concerned, fact.at), counting.HELD)
    told = [leg for leg in concerned if ledger.add(_event(leg, trip, stops, stop, fact, behind))]
    if concerned and not told and _taken_back(stop, fact, fact.at):
        return ledger.close()
    if concerned and not told and fact.source == SOURCE:
        _keep(stop, fact)
    _stop_save(stop, fact)
    # What was told before moves no ride: it may have been voided since.
    _legs_save(told, behind, seq, arrival=fact.arrival)
    if not fact.arrival:
        counting.close_loading(ledger, trip, stop, concerned, fact.at)
        counting.close_unloading(ledger, trip, stop, ending, fact.at)
    if revived:
        noshow.run_after_all(ledger, trip)
    written = ledger.close()
    _trip_moves(trip, stops, stop, fact)
    if revived:
        rewatch(trip.vehicle_id)
    return written


def _event(
    leg: Leg,
    trip: Trip,
    stops: Sequence[TripStop],
    stop: TripStop,
    fact: StopFact,
    behind: Mapping[int, str],
) -> NewEvent:
    """`behind`: why, by shipment that did not go with it."""
    if leg.shipment_id in behind:
        boarding = _stop_of(stops, leg.from_seq)
        return counting.omitted(leg, trip, boarding, fact.at, behind[leg.shipment_id])
    return NewEvent(
        shipment_id=leg.shipment_id,
        kind=fact.kind,
        source=fact.source,
        key=fact.key,
        at=fact.at,
        station=stop.station_code,
        trip_id=trip.pk,
        data=fact.data,
        anew=fact.source == SOURCE,
    )


def _keep(stop: TripStop, fact: StopFact) -> None:
    """The fence's second word is nobody's news, but the true one where the first is taken back (`heard_again`)."""
    word = [fact.kind.value, fact.at.isoformat()]
    told = JourneyEvent.objects.filter(
        trip_id=stop.trip_id, station_code=stop.station_code, kind=fact.kind, source=SOURCE, at=fact.at
    )
    if word not in stop.heard_again and not told.exists():
        stop.heard_again = [*stop.heard_again, word][-HEARD_KEPT:]
        stop.save(update_fields=["heard_again"])


def hear_again(actor: Principal, trip: Trip, voided: Iterable[JourneyEvent]) -> None:
    """Where these words of its fences were taken back, the next ones they told count. The trip and its shipments must be locked."""
    stops = stops_of([trip.pk])[trip.pk]
    told = {(event.kind, event.key.split(":", 1)[1]) for event in voided if event.source == SOURCE}
    for stop in stops:
        words = sorted((datetime.fromisoformat(at), Kind(kind)) for kind, at in stop.heard_again)
        for at, kind in words:
            key = fence_key(trip, stop.seq, kind)
            if not any(known == kind and other.split("~")[0] == key for known, other in told):
                continue
            fact = StopFact(kind=kind, source=SOURCE, key=key, at=at)
            if any(row.kind == kind for row in at_stop(actor=actor, trip=trip, seq=stop.seq, fact=fact)):
                told = {(known, other) for known, other in told if other.split("~")[0] != key}


def _stop_save(stop: TripStop, fact: StopFact) -> None:
    """The earliest word about an arrival or departure that was not taken back counts, whoever gave it."""
    column = "arrived_at" if fact.arrival else "departed_at"
    known: datetime | None = getattr(stop, column)
    if known is None or fact.at < known or (fact.at > known and _taken_back(stop, fact, known)):
        setattr(stop, column, fact.at)
        if not fact.arrival and stop.arrived_at is None:
            stop.arrived_at = fact.at
        stop.save(update_fields=["arrived_at", "departed_at"])


def _taken_back(stop: TripStop, fact: StopFact, at: datetime) -> bool:
    """Whether every event that told this time of the stop was voided."""
    kinds = (Kind.STOP_ENTERED, Kind.ARRIVED) if fact.arrival else (Kind.STOP_LEFT, Kind.DEPARTED)
    told = JourneyEvent.objects.filter(
        trip_id=stop.trip_id, kind__in=kinds, station_code=stop.station_code, at=at
    )
    voided = Exists(JourneyEvent.objects.filter(target=OuterRef("pk")))
    taken_back = list(told.annotate(voided=voided).values_list("voided", flat=True))
    return bool(taken_back) and all(taken_back)


def _shipments_at(trip: Trip, seq: int, *, arrival: bool, everybody: bool) -> list[int]:
    """All whose ride this stop is on the way of. Who holds the trip holds which rides there are, not their states."""
    legs = Leg.objects.filter(trip=trip)
    if not everybody:
        legs = legs.filter(from_seq__lte=seq, to_seq__gte=seq)
    if arrival and not everybody:
        legs = legs.filter(from_seq__lt=seq)
    return list(legs.values_list("shipment_id", flat=True))


def _concerned(legs: Sequence[Leg], seq: int, *, arrival: bool) -> list[Leg]:
    """Rides that this stop is on the way of: boarding here or before, and leaving here or after."""
    if arrival:
        return [leg for leg in legs if leg.state in _RIDING and leg.from_seq < seq <= leg.to_seq]
    return [leg for leg in legs if leg.state in _RIDING and leg.from_seq <= seq < leg.to_seq]


_RIDING: Final = (LegState.PLANNED, LegState.ON_BOARD, LegState.DONE)
"""A ride that is done still hears of its last stop: the second teller of an arrival, or a late one."""


def _left_behind(trip: Trip, stop: TripStop, legs: Iterable[Leg]) -> set[int]:
    """Shipments that should have boarded here and were not scanned, while others were.

    A station that scans nothing onto a trip is believed to have loaded what was planned.
    """
    boarding = {leg.shipment_id for leg in legs if leg.from_seq == stop.seq and leg.state == LegState.PLANNED}
    if not boarding:
        return set()
    scanned = counting.scanned_shipments(trip, stop.station_code)
    return boarding - scanned if scanned else set()


def _held(
    ledger: Ledger, trip: Trip, stops: Sequence[TripStop], legs: Iterable[Leg], at: datetime
) -> set[int]:
    """Shipments still to board that a recheck holds back and nobody scanned onto the trip: they stay where they are.

    A mismatch that was open when the truck left, or was found at the dock since, says that the goods stood there.
    """
    held = set()
    for leg in legs:
        frame, events = frame_of(ledger.shipments[leg.shipment_id]), ledger.events[leg.shipment_id]
        if leg.state != LegState.PLANNED or not (
            mismatch_open(frame, events) or mismatch_open(frame, events, at)
        ):
            continue
        boarding = _stop_of(stops, leg.from_seq)
        if leg.shipment_id not in counting.scanned_shipments(trip, boarding.station_code):
            held.add(leg.shipment_id)
    return held


def _stop_of(stops: Sequence[TripStop], seq: int) -> TripStop:
    return next(stop for stop in stops if stop.seq == seq)


def _legs_save(legs: Iterable[Leg], behind: Collection[int], seq: int, *, arrival: bool) -> None:
    changed: list[Leg] = []
    for leg in legs:
        after = _leg_after(leg, seq, arrival=arrival)
        if leg.shipment_id in behind:
            after = LegState.LEFT_BEHIND
        if after != leg.state:
            leg.state = after
            changed.append(leg)
    for state in {leg.state for leg in changed}:
        Leg.objects.filter(pk__in=[leg.pk for leg in changed if leg.state == state]).update(state=state)


def _leg_after(leg: Leg, seq: int, *, arrival: bool) -> str:
    if leg.state == LegState.DONE or (arrival and seq == leg.to_seq):
        return LegState.DONE
    return LegState.ON_BOARD


def _begins(stops: Sequence[TripStop], stop: TripStop, fact: StopFact) -> bool:
    """Whether it says that the trip has left: any departure, or an arrival elsewhere."""
    return stop.seq > stops[0].seq or not fact.arrival


def _trip_moves(trip: Trip, stops: Sequence[TripStop], stop: TripStop, fact: StopFact) -> None:
    before = trip.state
    if trip.state == TripState.PLANNED and _begins(stops, stop, fact):
        trip.state, trip.started_at = TripState.RUNNING, fact.at
    if trip.state == TripState.RUNNING and fact.arrival and stop is stops[-1]:
        trip.state, trip.done_at = TripState.DONE, fact.at
    if fact.arrival and stop.seq > stops[0].seq:
        learning.learn(trip, stops, stop)
    if trip.state != before:
        trip.save(update_fields=["state", "started_at", "done_at"])
        if trip.state == TripState.DONE:
            unwatch(trip)
    outbox.put(TripChanged(trip=trip.ref, state=trip.state, at=fact.at))
