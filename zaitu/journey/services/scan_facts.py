"""What is known of a scanned piece when it is judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Max

from zaitu.journey.domain.actions import ENDING_TABLE, Kind
from zaitu.journey.domain.counts import Seen, of_total, seen_before
from zaitu.journey.domain.scanning import LegFacts, ScanFacts
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.journey.domain.views import Counts, LegState, ScanDraft, TripState
from zaitu.journey.models import JourneyEvent, Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.counts import scanned
from zaitu.journey.selectors.gathered import stops_of, stranded
from zaitu.journey.selectors.scanning import Scanned, trip_of
from zaitu.journey.services import counting
from zaitu.journey.services.ledger import Ledger
from zaitu.network import public as network

_COUNTED: Final = frozenset(
    {Kind.COLLECTED, Kind.INBOUND, Kind.SORTED, Kind.RECHECKED, Kind.INSPECTED, Kind.OUT_FOR_DELIVERY}
)
_ONCE: Final = _COUNTED | {Kind.LOADED, Kind.UNLOADED, Kind.SIGNED}
"""Kinds that a piece goes through once at a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The goods in hand and the ride they belong to."""

    kind: Kind
    station: str
    shipment: Shipment
    piece: tuple[int, str] | None
    trip: Trip | None
    leg: Leg | None
    """The ride on `trip`."""
    leg_stop: TripStop | None
    """Where that ride ends."""
    board_station: str
    """Where that ride began."""
    facts: ScanFacts

    def counts(self) -> Counts | None:
        """How far this kind of scan is with this shipment here; None where counting says nothing."""
        if self.kind is Kind.LOADED and self.trip is not None:
            return counting.loading(self.trip.pk, self.station, [self.shipment])[self.shipment.pk]
        if self.kind in (Kind.UNLOADED, Kind.INSPECTED) and self.trip is not None and self.leg is not None:
            return counting.unloading(
                trip_id=self.trip.pk,
                boarded_at={self.shipment.pk: self.board_station},
                station=self.station,
                shipments=[self.shipment],
                kind=self.kind,
            )[self.shipment.pk]
        if self.kind not in _COUNTED | {Kind.UNLOADED}:
            return None
        found = scanned(kind=self.kind, station=self.station, shipment_ids=[self.shipment.pk])
        total = self.shipment.pieces_total
        return Counts(expected=total, scanned=of_total(found.get(self.shipment.pk), total))


def subject_of(ledger: Ledger, draft: ScanDraft, kind: Kind, found: Scanned) -> Subject:
    shipment = ledger.shipments[found.shipment_id]
    legs = list(Leg.objects.filter(shipment=shipment).select_related("trip").order_by("id"))
    stops = stops_of({leg.trip_id for leg in legs})
    trip = trip_of(draft.trip) if draft.trip else _meant(kind, draft.station_code, legs, stops)
    if trip is not None and trip.pk not in stops:
        stops |= stops_of([trip.pk])
    leg = next(
        (leg for leg in legs if trip and leg.trip_id == trip.pk and leg.state != LegState.LEFT_BEHIND), None
    )
    leg_stop = _stop(stops, leg, leg.to_seq) if leg else None
    board_station = _stop(stops, leg, leg.from_seq).station_code if leg else ""
    state = ledger.state(shipment.pk)
    names = network.stations_by_codes({shipment.from_station, shipment.to_station, draft.station_code})
    trip_stops = stops[trip.pk] if trip else []
    here = next((stop for stop in trip_stops if stop.station_code == draft.station_code), None)
    route = {stop.station_code for one in legs for stop in stops[one.trip_id]}
    facts = ScanFacts(
        kind=kind,
        status=Status(shipment.status),
        detail=Detail(shipment.detail),
        final=shipment.final and (draft.at >= state.at or kind in ENDING_TABLE),
        station=draft.station_code,
        origin=shipment.from_station,
        origin_name=_name(names, shipment.from_station),
        destination=shipment.to_station,
        destination_name=_name(names, shipment.to_station),
        problems=state.problems,
        repeated=_repeated(draft, found, trip, state.settling if kind is Kind.SIGNED else state.effective),
        trip=draft.trip or (trip.ref if trip else ""),
        trip_plate=trip.plate if trip else "",
        trip_known=trip is not None or not draft.trip,
        trip_over=trip is not None and trip.state in (TripState.DONE, TripState.CANCELLED),
        trip_left=here is not None and here.departed_at is not None,
        trip_reaches=_reaches(trip_stops, draft.station_code, shipment.to_station),
        leg=_leg_facts(leg, stops) if leg else None,
        other=_other(legs, leg, stops),
        on_route=draft.station_code in route | {shipment.from_station, shipment.to_station},
        loaded_here=_loaded_here(found, trip, board_station) if kind is Kind.UNLOADED else True,
    )
    return Subject(
        kind=kind,
        station=draft.station_code,
        shipment=shipment,
        piece=found.piece,
        trip=trip,
        leg=leg,
        leg_stop=leg_stop,
        board_station=board_station,
        facts=facts,
    )


def _name(names: dict[str, network.StationView], code: str) -> str:
    return names[code].name if code in names else code


def _stop(stops: dict[int, list[TripStop]], leg: Leg, seq: int) -> TripStop:
    return next(stop for stop in stops[leg.trip_id] if stop.seq == seq)


def _meant(kind: Kind, station: str, legs: Sequence[Leg], stops: dict[int, list[TripStop]]) -> Trip | None:
    """The trip a scan without one can only mean: the ride that boards, or leaves, here."""
    if kind in (Kind.LOADED, Kind.DEPARTED):
        fitting = [
            leg
            for leg in legs
            if leg.state in (LegState.PLANNED, LegState.ON_BOARD)
            and not stranded(leg)
            and _stop(stops, leg, leg.from_seq).station_code == station
        ]
        return fitting[0].trip if len(fitting) == 1 else None
    if kind in (Kind.UNLOADED, Kind.INSPECTED, Kind.ARRIVED):
        ridden = [leg for leg in legs if leg.state in (LegState.ON_BOARD, LegState.DONE)]
        return ridden[-1].trip if ridden else None
    return None


def _leg_facts(leg: Leg, stops: dict[int, list[TripStop]]) -> LegFacts:
    board, leave = _stop(stops, leg, leg.from_seq), _stop(stops, leg, leg.to_seq)
    return LegFacts(
        trip=leg.trip.ref,
        plate=leg.trip.plate,
        from_station=board.station_code,
        from_name=board.name,
        to_station=leave.station_code,
        to_name=leave.name,
        underway=leg.state in (LegState.ON_BOARD, LegState.DONE),
    )


def _other(legs: Sequence[Leg], leg: Leg | None, stops: dict[int, list[TripStop]]) -> LegFacts | None:
    planned = [one for one in legs if one.state == LegState.PLANNED and one is not leg and not stranded(one)]
    return _leg_facts(planned[0], stops) if planned else None


def _reaches(stops: Sequence[TripStop], station: str, destination: str) -> bool:
    here = next((stop.seq for stop in stops if stop.station_code == station), None)
    return here is not None and any(stop.seq > here and stop.station_code == destination for stop in stops)


def _repeated(draft: ScanDraft, found: Scanned, trip: Trip | None, standing: frozenset[int]) -> bool:
    """The same piece, or the same whole waybill without a count, scanned so here before, and that scan stands."""
    if draft.kind not in _ONCE or "pieces" in draft.data or "items" in draft.data:
        return False
    here = JourneyEvent.objects.filter(
        pk__in=standing,
        shipment_id=found.shipment_id,
        kind=draft.kind,
        station_code=draft.station_code,
        source="scan",
    ).order_by("at", "id")
    if trip is not None:
        here = here.filter(trip=trip)
    if draft.kind == Kind.OUT_FOR_DELIVERY:
        here = here.filter(at__gt=_failed_at(found.shipment_id))
    if draft.kind == Kind.SIGNED:
        here = here.filter(
            pieces=None
        )  # who signed for a number of pieces has not said which: nothing is replaced
    scans = [Seen(piece, pieces) for piece, pieces in here.values_list("piece_id", "pieces")]
    return seen_before(scans, Seen(found.piece[0] if found.piece else None, None))


def _failed_at(shipment_id: int) -> datetime:
    """When goods with a courier were last not taken: what goes out after that is another attempt."""
    failed = JourneyEvent.objects.filter(
        shipment_id=shipment_id, kind__in=(Kind.REFUSED, Kind.ATTEMPT_FAILED, Kind.PROBLEM)
    )
    return failed.aggregate(last=Max("at"))["last"] or datetime.min.replace(tzinfo=UTC)


def _loaded_here(found: Scanned, trip: Trip | None, station: str) -> bool:
    if trip is None or found.piece is None:
        return True
    loads = JourneyEvent.objects.filter(
        shipment_id=found.shipment_id, trip=trip, kind=Kind.LOADED, station_code=station
    ).values_list("piece_id", flat=True)
    labels = set(loads)
    return not labels or None in labels or found.piece[0] in labels
