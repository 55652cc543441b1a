"""Everything that belongs to a set of shipments, in a fixed number of queries whatever their number."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.delivery import Hours
from zaitu.journey.domain.document_input import PlaceInput, ProofInput, StopInput, TripInput
from zaitu.journey.domain.fold import FoldEvent, Frame
from zaitu.journey.domain.views import LegState, TripState
from zaitu.journey.models import JourneyEvent, Leg, NumberLink, Proof, Shipment, Trip, TripStop
from zaitu.network import public as network

_LEG_RANK: Final = {LegState.ON_BOARD: 0, LegState.PLANNED: 1, LegState.DONE: 2, LegState.LEFT_BEHIND: 3}


def frame_of(row: Shipment) -> Frame:
    return Frame(
        origin=row.from_station,
        destination=row.to_station,
        pieces=row.pieces_total,
        ordered_at=row.ordered_at,
    )


def events_of(shipment_ids: Collection[int]) -> dict[int, list[FoldEvent]]:
    """All events by shipment, as the fold takes them."""
    found: dict[int, list[FoldEvent]] = {pk: [] for pk in shipment_ids}
    rows = JourneyEvent.objects.filter(shipment_id__in=shipment_ids).values_list(
        "shipment_id", "id", "kind", "source", "key", "at", "station_code", "piece__label", "pieces", "raw_code",
        "data", "idle", "target_id",
    )  # fmt: skip
    for shipment_id, pk, kind, source, key, at, station, piece, pieces, raw_code, data, idle, target in rows:
        found[shipment_id].append(
            FoldEvent(
                id=pk,
                kind=Kind(kind),
                source=source,
                key=key,
                at=at,
                station=station,
                piece=piece or "",
                pieces=pieces,
                raw_code=raw_code,
                data=data,
                idle=idle,
                target=target,
            )
        )
    return found


@dataclass(slots=True)
class Gathered:
    """What the documents of some shipments need beyond their own rows and events."""

    legs: dict[int, list[Leg]]
    """By shipment; each with its trip."""
    stops: dict[int, list[TripStop]]
    """By trip, in order."""
    proofs: dict[int, list[tuple[int, ProofInput]]]
    """With the event each belongs to."""
    children: dict[int, list[str]]
    parents: dict[int, str]
    """By the parent's id."""
    numbers: dict[int, list[tuple[str, str]]]
    stations: dict[str, network.StationView]

    def hours(self, code: str) -> Hours | None:
        """Delivery hours around a station; None for a code that is not ours."""
        return hours_of(self.stations.get(code))

    def place(self, code: str) -> PlaceInput | None:
        """None for no code; a code that is not ours is its own name."""
        if not code:
            return None
        station = self.stations.get(code)
        return _place(station) if station else PlaceInput(code=code, name=code, city="")

    def leg(self, shipment_id: int) -> Leg | None:
        """The ride it is on, else the next one, else the last one; a ride on a truck that did not leave is none."""
        ranked = sorted(
            (leg for leg in self.legs.get(shipment_id, ()) if not stranded(leg)),
            key=lambda leg: (
                _LEG_RANK[LegState(leg.state)],
                leg.trip.departs_at.timestamp() * (-1 if leg.state == LegState.DONE else 1),
            ),
        )
        return ranked[0] if ranked and ranked[0].state != LegState.LEFT_BEHIND else None

    def stop(self, leg: Leg, seq: int) -> TripStop:
        return next(stop for stop in self.stops[leg.trip_id] if stop.seq == seq)

    def key_node(self, leg: Leg | None, station: str) -> bool:
        """Whether customers are told when this stop of the ride is passed."""
        if leg is None:
            return False
        return any(stop.key_node and stop.station_code == station for stop in self.stops[leg.trip_id])

    def trip_input(self, leg: Leg) -> TripInput:
        trip = leg.trip
        stops = [stop for stop in self.stops[trip.pk] if leg.from_seq <= stop.seq <= leg.to_seq]
        return TripInput(
            ref=trip.ref,
            line_code=trip.line_code,
            line_name=trip.line_name,
            length_m=trip.length_m,
            leg_from_m=stops[0].along_m,
            leg_to_m=stops[-1].along_m,
            on_board=leg.state == LegState.ON_BOARD,
            stops=tuple(self._stop_input(stop) for stop in stops),
        )

    def _stop_input(self, stop: TripStop) -> StopInput:
        later = any(one.seq > stop.seq and one.arrived_at for one in self.stops[stop.trip_id])
        state = "passed" if stop.departed_at or later else "here" if stop.arrived_at else "ahead"
        return StopInput(
            seq=stop.seq,
            place=PlaceInput(
                code=stop.station_code, name=stop.name, city=stop.city, lat=stop.lat, lon=stop.lon
            ),
            along_m=stop.along_m,
            state=state,
            key_node=stop.key_node,
            planned_arrival=stop.planned_arrival,
            eta=stop.eta_told,
            arrived_at=stop.arrived_at,
            departed_at=stop.departed_at,
        )


def stranded(leg: Leg) -> bool:
    """Planned on a trip that was missed: the goods wait for another, unless this one is run after all."""
    return leg.state == LegState.PLANNED and leg.trip.state == TripState.MISSED


def gather(shipments: Iterable[Shipment], stations: Iterable[str]) -> Gathered:
    """Six queries: legs with trips, stops, proofs, relatives, numbers, stations."""
    rows = list(shipments)
    ids = [row.pk for row in rows]
    legs: dict[int, list[Leg]] = defaultdict(list)
    for leg in Leg.objects.filter(shipment_id__in=ids).select_related("trip").order_by("id"):
        legs[leg.shipment_id].append(leg)
    trip_ids = {leg.trip_id for several in legs.values() for leg in several}
    codes = {code for row in rows for code in (row.from_station, row.to_station)} | set(stations)
    children, parents = _relatives(rows)
    return Gathered(
        legs=legs,
        stops=stops_of(trip_ids),
        proofs=_proofs(ids),
        children=children,
        parents=parents,
        numbers=_numbers(ids),
        stations=network.stations_by_codes({code for code in codes if code}),
    )


def stops_of(trip_ids: Iterable[int]) -> dict[int, list[TripStop]]:
    found: dict[int, list[TripStop]] = defaultdict(list)
    for stop in TripStop.objects.filter(trip_id__in=list(trip_ids)).order_by("trip_id", "seq"):
        found[stop.trip_id].append(stop)
    return found


def _place(station: network.StationView) -> PlaceInput:
    return PlaceInput(
        code=station.code, name=station.name, city=station.city, lat=station.lat, lon=station.lon
    )


def hours_of(station: network.StationView | None) -> Hours | None:
    return Hours(*station.delivery_hours) if station else None


def _relatives(rows: list[Shipment]) -> tuple[dict[int, list[str]], dict[int, str]]:
    ids = {row.pk for row in rows}
    parent_ids = {row.parent_id for row in rows if row.parent_id}
    children: dict[int, list[str]] = defaultdict(list)
    parents: dict[int, str] = {}
    found = Shipment.objects.filter(Q(parent_id__in=ids) | Q(pk__in=parent_ids)).order_by("id")
    for pk, parent_id, waybill in found.values_list("id", "parent_id", "waybill"):
        if parent_id in ids:
            children[parent_id].append(waybill)
        if pk in parent_ids:
            parents[pk] = waybill
    return children, parents


def _numbers(ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = NumberLink.objects.filter(shipment_id__in=ids).order_by("id")
    for shipment_id, number, carrier in rows.values_list("shipment_id", "number", "carrier"):
        found[shipment_id].append((number, carrier))
    return found


def _proofs(ids: list[int]) -> dict[int, list[tuple[int, ProofInput]]]:
    """Without the signer's name, which is for those who may read it."""
    found: dict[int, list[tuple[int, ProofInput]]] = defaultdict(list)
    rows = Proof.objects.filter(shipment_id__in=ids).order_by("id")
    for shipment_id, event_id, at, relation, pieces, signature, photos in rows.values_list(
        "shipment_id", "event_id", "event__at", "relation", "pieces", "signature", "photos"
    ):
        proof = ProofInput(
            at=at,
            relation=relation,
            pieces=pieces,
            signature=str(signature or ""),
            photos=tuple(str(photo) for photo in photos),
        )
        found[shipment_id].append((event_id, proof))
    return found


def trips_by_refs(refs: Iterable[str]) -> dict[str, Trip]:
    return {trip.ref: trip for trip in Trip.objects.filter(ref__in=list(refs))}
