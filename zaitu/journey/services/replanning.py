"""A forwarding that was taken back: the goods are ours again, and ride as they were planned to where that can still be.

What it took them off is kept in the forwarding itself (`rides`); where they cannot go any more they wait for another truck, with the
ETA of the next departure, and the sheet of a trip that left meanwhile names them as left behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.db.models import Q

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.fold import State
from zaitu.journey.domain.statuses import Status
from zaitu.journey.domain.views import LegState, TripState
from zaitu.journey.models import JourneyEvent, Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import stranded
from zaitu.journey.services import counting, noshow
from zaitu.journey.services.ledger import Ledger
from zaitu.journey.services.trips import assign, must_hold, rides_locked
from zaitu.kernel import clock
from zaitu.kernel.errors import RuleBroken
from zaitu.kernel.principal import system
from zaitu.network import public as network

CAUSE: Final = "转单撤销时原车次已发出"
_INSIDE: Final = system("journey.replanning")
_WAITING: Final = frozenset({Status.ORDERED, Status.AWAITING_DEPARTURE, Status.AT_STOP})


class Outcome(StrEnum):
    """What became of a ride that a forwarding had taken away."""

    RESTORED = "restored"
    REPLANNED = "replanned"
    """They have another ride since."""
    LEFT = "left"
    CANCELLED = "cancelled"
    MISSED = "missed"
    FULL = "full"
    ELSEWHERE = "elsewhere"
    """The goods have come to a station since that the trip does not call at."""
    AWAY = "away"
    """They do not wait with us: the partner has moved them, or another forwarding stands."""


TEXTS: Final[dict[Outcome, str]] = {
    Outcome.RESTORED: "已恢复配载到车次 {trip}",
    Outcome.REPLANNED: "已另有车次，原车次 {trip} 不再恢复",
    Outcome.LEFT: "原车次 {trip} 已发出，请改配其他车次",
    Outcome.CANCELLED: "原车次 {trip} 已取消，请改配其他车次",
    Outcome.MISSED: "原车次 {trip} 到时未发车，请改配其他车次",
    Outcome.FULL: "原车次 {trip} 已装满，请改配其他车次",
    Outcome.ELSEWHERE: "原车次 {trip} 不经过货物所在站点，请改配其他车次",
    Outcome.AWAY: "货物不在本公司待运，原车次 {trip} 不恢复",
}


@dataclass(frozen=True, slots=True)
class Replanned:
    waybill: str
    trip: str
    outcome: Outcome

    def words(self) -> str:
        return TEXTS[self.outcome].format(trip=self.trip)


def rides_kept(legs: Iterable[Leg], before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """For a forwarding's data: the rides it takes away, else those that an earlier one, which stands, had taken."""
    rides = [{"trip": leg.trip.ref, "from": leg.from_seq, "to": leg.to_seq} for leg in legs]
    return rides or list((before or {}).get("rides", ()))


def _rides(event: JourneyEvent) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = event.data.get("rides", ()) if event.kind == Kind.FORWARDED else ()
    return found


def locked(events: Iterable[JourneyEvent]) -> tuple[frozenset[int], dict[str, Trip]]:
    """Everything that riding again may touch, before the shipments: ids of the trips held, and those to ride again by ref."""
    forwardings = [event for event in events if event.kind == Kind.FORWARDED]
    if not forwardings:
        return frozenset(), {}
    refs = {ride["trip"] for event in forwardings for ride in _rides(event)}
    held = rides_locked({event.shipment_id for event in forwardings}, *Trip.objects.filter(ref__in=refs))
    return held, {trip.ref: trip for trip in Trip.objects.filter(ref__in=refs)}


def replan(
    ledger: Ledger, events: Iterable[JourneyEvent], held: frozenset[int], trips: Mapping[str, Trip]
) -> list[Replanned]:
    """Within an open ledger whose voidings are written; `events`: what was voided."""
    done = []
    for event in events:
        for ride in _rides(event):
            shipment, trip = ledger.shipments[event.shipment_id], trips[ride["trip"]]
            outcome = _ride_again(ledger, shipment, trip, ride, held)
            done.append(Replanned(shipment.waybill, trip.ref, outcome))
    return done


def _ride_again(
    ledger: Ledger, shipment: Shipment, trip: Trip, ride: Mapping[str, Any], held: frozenset[int]
) -> Outcome:
    state = ledger.state(shipment.pk)
    legs = list(Leg.objects.filter(shipment=shipment).select_related("trip"))
    must_hold(held, [leg for leg in legs if leg.state == LegState.PLANNED])
    ledger.touch([shipment.pk])
    if not _waits(ledger, shipment, state):
        return Outcome.AWAY
    if any(leg.state in (LegState.PLANNED, LegState.ON_BOARD) and not stranded(leg) for leg in legs):
        return Outcome.REPLANNED
    # What assigning reads of the shipment is what it was before the voiding.
    shipment.place, shipment.final = state.station, state.final
    outcome = _outcome(ledger, shipment, trip, ride)
    if outcome is not Outcome.RESTORED:
        ridden = any(leg.state == LegState.DONE for leg in legs)
        origin = state.station if ridden else shipment.from_station
        _next_departure(ledger, shipment, origin, trip)
    return outcome


def _waits(ledger: Ledger, shipment: Shipment, state: State) -> bool:
    forwarded = any(
        one.kind is Kind.FORWARDED and one.id in state.effective for one in ledger.events[shipment.pk]
    )
    return not (state.final or forwarded) and state.status in _WAITING


def _outcome(ledger: Ledger, shipment: Shipment, trip: Trip, ride: Mapping[str, Any]) -> Outcome:
    if trip.state == TripState.CANCELLED:
        return Outcome.CANCELLED
    if trip.state in (TripState.PLANNED, TripState.RUNNING) and _full(shipment, trip, ride):
        return Outcome.FULL
    if _has_left(trip, ride):
        _left_behind(ledger, shipment, trip, ride)
        return Outcome.LEFT
    try:
        assign(ledger, trip, [shipment])
    except RuleBroken:
        return Outcome.ELSEWHERE
    if trip.state == TripState.MISSED:
        noshow.waits(ledger, shipment, trip)
        return Outcome.MISSED
    return Outcome.RESTORED


def _has_left(trip: Trip, ride: Mapping[str, Any]) -> bool:
    """Told at its stop, or by the next ones."""
    stops = TripStop.objects.filter(trip=trip, seq__gte=ride["from"])
    gone = stops.filter(Q(departed_at__isnull=False) | Q(seq__gt=ride["from"], arrived_at__isnull=False))
    return trip.state == TripState.DONE or gone.exists()


def _left_behind(ledger: Ledger, shipment: Shipment, trip: Trip, ride: Mapping[str, Any]) -> None:
    """As any goods that a truck has left without: on its sheet, and told as a problem."""
    leg, _ = Leg.objects.get_or_create(
        shipment=shipment,
        trip=trip,
        defaults={"from_seq": ride["from"], "to_seq": ride["to"], "state": LegState.LEFT_BEHIND},
    )
    stop = TripStop.objects.get(trip=trip, seq=ride["from"])
    ledger.add(counting.omitted(leg, trip, stop, clock.now(), CAUSE))


def _full(shipment: Shipment, trip: Trip, ride: Mapping[str, Any]) -> bool:
    """Whether others have its space meanwhile, on any part of the way; a vehicle whose capacity nobody told is never full."""
    vehicle = network.vehicle_get(actor=_INSIDE, plate=trip.plate)
    legs = list(
        Leg.objects.filter(trip=trip, state__in=(LegState.PLANNED, LegState.ON_BOARD))
        .exclude(shipment=shipment)
        .values_list("from_seq", "to_seq", "shipment__weight_kg", "shipment__volume_m3")
    )
    for seq in range(ride["from"], ride["to"]):
        here = [leg for leg in legs if leg[0] <= seq < leg[1]]
        kg = float(shipment.weight_kg + sum(leg[2] for leg in here))
        m3 = float(shipment.volume_m3 + sum(leg[3] for leg in here))
        if 0 < vehicle.capacity_kg < kg or 0 < vehicle.capacity_m3 < m3:
            return True
    return False


def _next_departure(ledger: Ledger, shipment: Shipment, origin: str, trip: Trip) -> None:
    ways = {shipment.pk: (origin, shipment.to_station)}
    noshow.retime(ledger, ways, clock.now(), without=trip)
