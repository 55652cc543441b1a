"""Taking over a running company: orders, trips and events of the past in one transaction, a few statements in all.

Nothing is judged as a scan would be and nobody is told: it has happened, and people were told by the earlier system.
From here on the shipments are like any other; events of vehicles carry the keys a fence would give them, so that a terminal
which reports the same stop afterwards repeats and does not double.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import ENDING_TABLE, SCANS, Kind
from zaitu.journey.domain.delivery import promise
from zaitu.journey.domain.history import History, HistoryTaken, PastEvent, PastOrder, PastTrip
from zaitu.journey.domain.orders import order_checked, piece_label
from zaitu.journey.domain.routes import simplified
from zaitu.journey.domain.signing import SignerRelation, detail_of, relation_of
from zaitu.journey.domain.views import LegState, OrderDraft, PartyDraft, TripState
from zaitu.journey.models import EtaPoint, JourneyEvent, Leg, Order, Piece, Proof, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import hours_of
from zaitu.journey.services import facts, files, orders
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.notices import links_make
from zaitu.journey.services.orders import (
    contact_drafted,
    fingerprint_of,
    last_mile,
    shipment_row,
    words_of,
)
from zaitu.journey.services.trips import ref_next, stop_planned, watch_next
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Principal, system
from zaitu.network import public as network

SOURCE: Final = "import"
MAY_BE: Final = frozenset(SCANS) | {Kind.PROBLEM_SOLVED, Kind.CANCELLED, Kind.INTERCEPTED, Kind.LOST}
"""Kinds of past events: what is scanned, and how else a shipment ends."""
_INSIDE: Final = system("journey.history")


@dataclass(slots=True)
class _Ridden:
    trip: Trip
    stops: list[TripStop]
    new: bool


@dataclass(slots=True)
class _Taken:
    past: PastOrder
    shipment: Shipment
    ridden: _Ridden | None
    leg: Leg | None = None


@transaction.atomic
def history_import(*, actor: Principal, history: History) -> HistoryTaken:
    """Raises Invalid, NotFound (line, vehicle, driver); then nothing is taken."""
    trips = _trips(actor, history.trips)
    taken = _shipments(actor, _unknown(history.orders), trips)
    _legs(taken)
    ledger = Ledger(actor=actor, ids=[one.shipment.pk for one in taken], quiet=True)
    for one in taken:
        for event in _events(one):
            ledger.add(event)
    ledger.write()
    _proofs(taken, ledger.written, _signatures(actor, taken, history))
    ledger.close()
    for vehicle in {ridden.trip.vehicle_id for ridden in trips.values() if _open(ridden.trip)}:
        watch_next(vehicle)
    refs = {key: ridden.trip.ref for key, ridden in trips.items()}
    waybills = _waybills(history.orders)
    new = sum(ridden.new for ridden in trips.values())
    if taken or new:
        detail = {"orders": len(taken), "trips": new}
        access.audit(actor=actor, action="history.import", subject="history", detail=detail)
    return HistoryTaken(orders=len(taken), trips=refs, waybills=waybills)


def _open(trip: Trip) -> bool:
    return trip.state in (TripState.PLANNED, TripState.RUNNING)


# Trips


def _trips(actor: Principal, past: Sequence[PastTrip]) -> dict[str, _Ridden]:
    """Made, or found by vehicle and planned departure when they were taken over before."""
    lines = network.lines_by_codes({one.draft.line for one in past})
    vehicles = {
        plate: network.vehicle_get(actor=_INSIDE, plate=plate) for plate in {one.draft.plate for one in past}
    }
    drivers = network.drivers_by_codes({one.draft.driver_code for one in past if one.draft.driver_code})
    known = _known_trips(past, vehicles)
    found: dict[str, _Ridden] = {}
    for one in sorted(past, key=lambda one: one.draft.departs_at):
        line, vehicle = lines.get(one.draft.line), vehicles[one.draft.plate]
        if line is None or len(one.stops) != len(line.stops):
            raise Invalid(f"车次 {one.key} 的线路或停靠站不符")
        trip = known.get((vehicle.id, one.draft.departs_at))
        driver = drivers.get(one.draft.driver_code or "")
        if trip is None:
            trip = _trip(actor, one, line, vehicle, driver.id if driver else None)
            found[one.key] = _Ridden(trip, TripStop.objects.bulk_create(_stops(trip, line, one)), new=True)
        else:
            found[one.key] = _Ridden(
                trip, list(TripStop.objects.filter(trip=trip).order_by("seq")), new=False
            )
    return found


def _known_trips(
    past: Sequence[PastTrip], vehicles: Mapping[str, network.VehicleView]
) -> dict[tuple[int, datetime], Trip]:
    rows = (
        Trip.objects.select_for_update(no_key=True)
        .filter(
            vehicle_id__in=[vehicle.id for vehicle in vehicles.values()],
            departs_at__in=[one.draft.departs_at for one in past],
        )
        .exclude(state=TripState.CANCELLED)
        .order_by("id")
    )
    return {(row.vehicle_id, row.departs_at): row for row in rows}


def _trip(
    actor: Principal,
    past: PastTrip,
    line: network.LineView,
    vehicle: network.VehicleView,
    driver_id: int | None,
) -> Trip:
    arrived, left = past.stops[-1][0], past.stops[0][1]
    state = TripState.DONE if arrived else TripState.RUNNING if left else TripState.PLANNED
    return Trip.objects.create(
        ref=ref_next(past.draft.departs_at),
        line_code=line.code,
        line_name=line.name,
        vehicle_id=vehicle.id,
        plate=vehicle.plate,
        driver_id=driver_id,
        state=state,
        departs_at=past.draft.departs_at,
        started_at=left,
        done_at=arrived,
        points=simplified(line.points),
        length_m=line.length_m,
        created_by=actor.name[:80],
        created_at=past.planned_at,
    )


def _stops(trip: Trip, line: network.LineView, past: PastTrip) -> list[TripStop]:
    stops = [stop_planned(trip, stop) for stop in line.stops]
    late = timedelta(0)
    for stop, (arrived, departed) in zip(stops, past.stops, strict=True):
        stop.arrived_at, stop.departed_at = arrived or departed, departed
        if departed is not None:
            late = departed - stop.planned_departure
        stop.eta = (
            None if stop.seq == 0 or stop.arrived_at else stop.planned_arrival + max(late, timedelta(0))
        )
        stop.eta_told = stop.eta
        # What was unloaded in the past was counted then.
        stop.counted_at = departed or (arrived if trip.state == TripState.DONE else None)
    return stops


# Orders


def _unknown(past: Iterable[PastOrder]) -> list[PastOrder]:
    wanted = list(past)
    if any(not one.draft.client_ref for one in wanted):
        raise Invalid("导入的历史订单须有客户单号")
    refs = {one.draft.client_ref for one in wanted}
    known = set(Order.objects.filter(client_ref__in=refs).values_list("customer_code", "client_ref"))
    return [one for one in wanted if (one.draft.customer_code or "", one.draft.client_ref) not in known]


def _shipments(actor: Principal, past: Sequence[PastOrder], trips: Mapping[str, _Ridden]) -> list[_Taken]:
    drafts = [order_checked(one.draft) for one in past]
    stations = network.stations_by_codes(
        {code for draft in drafts for code in (draft.from_station, draft.to_station)}
    )
    contacts = _contacts(actor, drafts)
    tails = customers.contact_tail_indexes({contact for both in contacts.values() for contact in both})
    names = _customer_names({draft.customer_code for draft in drafts if draft.customer_code})
    rows = Order.objects.bulk_create(
        Order(
            customer_code=draft.customer_code or "",
            client_ref=draft.client_ref,
            fingerprint=fingerprint_of(draft),
            product=draft.product,
            items=[list(item) for item in draft.items],
            remarks=draft.remarks,
            created_by=actor.name[:80],
            created_at=one.at,
        )
        for one, draft in zip(past, drafts, strict=True)
    )
    taken = []
    for one, draft, order in zip(past, drafts, rows, strict=True):
        row = shipment_row(draft, order, contacts[draft], tails)
        row.grams = words_of(draft, stations, names.get(draft.customer_code or "", ""))
        taken.append(_Taken(one, row, trips.get(one.trip)))
    _first_etas(taken, stations)
    _links(taken)
    Shipment.objects.bulk_create(one.shipment for one in taken)
    Piece.objects.bulk_create(
        Piece(shipment=one.shipment, seq=seq, label=piece_label(one.shipment.waybill, seq))
        for one in taken
        for seq in range(1, one.shipment.pieces_total + 1)
    )
    EtaPoint.objects.bulk_create(_eta_point(one.shipment) for one in taken)
    return taken


def _waybills(past: Iterable[PastOrder]) -> dict[str, str]:
    rows = Shipment.objects.filter(order__client_ref__in=[one.draft.client_ref for one in past], parent=None)
    return dict(rows.values_list("order__client_ref", "waybill"))


def _contacts(actor: Principal, drafts: Sequence[OrderDraft]) -> dict[OrderDraft, tuple[int, int]]:
    """Consignor and consignee by draft; a party that appears in many orders is looked for once."""
    parties: dict[tuple[str | None, PartyDraft], customers.ContactDraft] = {}
    for draft in drafts:
        for role, party in (("consignor", draft.consignor), ("consignee", draft.consignee)):
            if (draft.customer_code, party) not in parties:
                parties[draft.customer_code, party] = contact_drafted(draft, role, party)
    ids = customers.contacts_put(actor=actor, drafts=parties.values())
    known = dict(zip(parties, ids, strict=True))
    return {
        draft: (
            known[draft.customer_code, draft.consignor],
            known[draft.customer_code, draft.consignee],
        )
        for draft in drafts
    }


def _customer_names(codes: Iterable[str]) -> dict[str, str]:
    return {code: customers.customer_get(actor=_INSIDE, code=code).name for code in codes}


def _first_etas(taken: Iterable[_Taken], stations: Mapping[str, network.StationView]) -> None:
    """What would have been told at acceptance: by the planned trip, else by what the product promises."""
    promises = {product.code: product.promise_hours for product in network.products_list(actor=_INSIDE)}
    for one in taken:
        row, stop = one.shipment, _stop(one.ridden, one.shipment.to_station)
        if stop is not None:
            at, reason = stop.planned_arrival + last_mile(stations[row.to_station].kind), etas.Reason.SCHEDULE
        elif row.product in promises:
            at, reason = row.ordered_at + timedelta(hours=promises[row.product]), etas.Reason.PROMISE
        else:
            raise Invalid(f"没有编码为 {row.product} 的产品")
        window, reason = promise(
            etas.window(at, row.ordered_at),
            reason,
            hours_of(stations.get(row.to_station)),
            detail=row.detail,
            told=None,
        )
        row.eta, row.eta_from, row.eta_to = window.eta, window.eta_from, window.eta_to
        row.eta_planned, row.eta_reason = window.eta, reason.value


def _stop(ridden: _Ridden | None, station: str) -> TripStop | None:
    if ridden is None:
        return None
    return next((stop for stop in ridden.stops if stop.station_code == station), None)


def _links(taken: Iterable[_Taken]) -> None:
    """Only shipments still on their way will be told about."""
    shipments = {
        one.shipment.waybill: one.shipment
        for one in taken
        if not any(Kind(event.kind) in ENDING_TABLE for event in one.past.events)
    }
    for waybill, token in links_make(actor=_INSIDE, waybills=shipments).items():
        shipments[waybill].notice_link = token


def _eta_point(row: Shipment) -> EtaPoint:
    assert row.eta is not None  # noqa: S101  set by _first_etas
    return EtaPoint(
        shipment=row,
        at=row.ordered_at,
        eta=row.eta,
        eta_from=row.eta_from or row.eta,
        eta_to=row.eta_to or row.eta,
        reason=row.eta_reason,
    )


# What happened


def _legs(taken: Iterable[_Taken]) -> None:
    for one in taken:
        if one.ridden is None:
            continue
        board, leave = (
            _stop(one.ridden, one.shipment.from_station),
            _stop(one.ridden, one.shipment.to_station),
        )
        if board is None or leave is None or leave.seq <= board.seq:
            raise Invalid(f"车次 {one.past.trip} 不经过订单 {one.past.draft.client_ref} 的站点")
        state = (
            LegState.DONE
            if leave.arrived_at
            else LegState.ON_BOARD
            if board.departed_at
            else LegState.PLANNED
        )
        one.leg = Leg(
            shipment=one.shipment, trip=one.ridden.trip, from_seq=board.seq, to_seq=leave.seq, state=state
        )
    Leg.objects.bulk_create(one.leg for one in taken if one.leg is not None)


def _events(one: _Taken) -> list[NewEvent]:
    pk = one.shipment.pk
    ordered = NewEvent(
        shipment_id=pk,
        kind=Kind.ORDERED,
        source=orders.SOURCE,
        key="ordered",
        at=one.shipment.ordered_at,
        recorded_at=one.shipment.ordered_at,
    )
    told = [_past_event(one, number, event) for number, event in enumerate(one.past.events)]
    return [ordered, *_rides(one), *told]


def _rides(one: _Taken) -> list[NewEvent]:
    if one.ridden is None or one.leg is None:
        return []
    events = []
    for stop in one.ridden.stops[one.leg.from_seq : one.leg.to_seq + 1]:
        if stop.arrived_at and stop.seq > one.leg.from_seq:
            events.append(_ride(one, one.ridden.trip, stop, Kind.STOP_ENTERED, stop.arrived_at))
        if stop.departed_at and stop.seq < one.leg.to_seq:
            events.append(_ride(one, one.ridden.trip, stop, Kind.STOP_LEFT, stop.departed_at))
    return events


def _ride(one: _Taken, trip: Trip, stop: TripStop, kind: Kind, at: datetime) -> NewEvent:
    return NewEvent(
        shipment_id=one.shipment.pk,
        kind=kind,
        source=facts.SOURCE,
        key=facts.fence_key(trip, stop.seq, kind),
        at=at,
        station=stop.station_code,
        trip_id=trip.pk,
        recorded_at=at,
    )


def _past_event(one: _Taken, number: int, event: PastEvent) -> NewEvent:
    kind = Kind(event.kind)
    if kind not in MAY_BE:
        raise Invalid(f"历史记录中不能有 {event.kind}")
    data = {name: value for name, value in event.data.items() if name != "signer"}
    if kind is Kind.SIGNED:
        relation = _relation(event)
        data |= {"relation": relation.value, "detail": detail_of(relation, "").value}
    onto = one.ridden if kind is Kind.LOADED else None
    return NewEvent(
        shipment_id=one.shipment.pk,
        kind=kind,
        source=SOURCE,
        key=f"{number}:{kind.value}",
        at=event.at,
        station=event.station,
        trip_id=onto.trip.pk if onto else None,
        data=data,
        recorded_at=event.at,
    )


def _relation(event: PastEvent) -> SignerRelation:
    return relation_of(str(event.data.get("relation", ""))) or SignerRelation.CONSIGNEE


def _signatures(actor: Principal, taken: Iterable[_Taken], history: History) -> dict[int, UUID]:
    draw = history.signature
    if draw is None:
        return {}
    signed = (
        (one.shipment, draw(one.past, event))
        for one in taken
        for event in one.past.events
        if event.kind == Kind.SIGNED
    )
    return files.signatures_import(actor=actor, images=signed)


def _proofs(taken: Iterable[_Taken], written: Iterable[JourneyEvent], images: Mapping[int, UUID]) -> None:
    signatures = {row.shipment_id: row for row in written if row.kind == Kind.SIGNED}
    Proof.objects.bulk_create(
        Proof(
            shipment=one.shipment,
            event=signatures[one.shipment.pk],
            signer=str(event.data.get("signer", "")),
            relation=_relation(event).value,
            pieces=one.shipment.pieces_total,
            signature=images.get(one.shipment.pk),
        )
        for one in taken
        for event in one.past.events
        if event.kind == Kind.SIGNED
    )
