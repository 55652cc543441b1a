"""Reads of shipments: who may see which, a page of rows, everything about one."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from zaitu.customers import public as customers
from zaitu.journey.domain.actions import TEXTS, Kind
from zaitu.journey.domain.eta import REASON_TEXTS, Reason
from zaitu.journey.domain.fold import PieceState, fold
from zaitu.journey.domain.problems import PROBLEMS, Problem
from zaitu.journey.domain.signing import RELATION_TEXTS, SignerRelation
from zaitu.journey.domain.statuses import DETAIL_TEXTS, STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.views import (
    EtaPointView,
    EventView,
    LabelView,
    LegState,
    LegView,
    PersonView,
    PieceView,
    ProofView,
    ShipmentRow,
    ShipmentView,
)
from zaitu.journey.models import EtaPoint, JourneyEvent, Leg, Order, Piece, Proof, Shipment, StoredFile
from zaitu.journey.selectors.gathered import events_of, frame_of, gather
from zaitu.journey.selectors.scanning import find
from zaitu.journey.selectors.trips import trip_views
from zaitu.kernel.errors import Forbidden, NotFound
from zaitu.kernel.phones import address_masked, name_masked, phone_masked
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right, system
from zaitu.network import public as network

_LABELS: Final = system("journey.labels")
NOT_FOUND: Final = "没有这个运单"
"""One sentence for none, and for none of yours."""

SOURCE_TEXTS: Final = {
    "order": "下单",
    "scan": "扫描",
    "fact": "车辆定位",
    "timer": "系统预计",
    "manual": "人工登记",
    "import": "历史导入",
}
LEG_TEXTS: Final = {
    LegState.PLANNED: "待装车",
    LegState.ON_BOARD: "在车上",
    LegState.DONE: "已到站",
    LegState.LEFT_BEHIND: "未随车",
}


def visible(actor: Principal, waybill: str) -> Shipment:
    """The shipment of a waybill, piece label or partner's number, if this actor may see it; else the same NotFound.

    Raises Forbidden for who may see no shipments at all.
    """
    if actor.kind is Who.LINK:
        if not actor.can(Right.TRACK_EXACT):
            raise Forbidden("您没有查看运单的权限")
    elif not actor.can(Right.SHIPMENTS_READ):
        raise Forbidden("您没有查看运单的权限")
    found = find(waybill)
    shipment = Shipment.objects.filter(pk=found.shipment_id).first() if found else None
    if shipment is None or not _own(actor, shipment):
        raise NotFound(NOT_FOUND)
    return shipment


def _own(actor: Principal, shipment: Shipment) -> bool:
    if actor.kind is Who.CUSTOMER_KEY:
        return bool(actor.customer_code) and shipment.customer_code == actor.customer_code
    if actor.kind is Who.LINK:
        return shipment.waybill == actor.waybill
    return actor.kind in (Who.STAFF, Who.SYSTEM)


def rows(shipments: Sequence[Shipment]) -> tuple[ShipmentRow, ...]:
    """Two queries for any number; the shipments come with their trips."""
    names = network.stations_by_codes(
        {code for row in shipments for code in (row.from_station, row.to_station)}
    )
    return tuple(_row(shipment, names) for shipment in shipments)


def _row(shipment: Shipment, names: Mapping[str, network.StationView]) -> ShipmentRow:
    trip = shipment.trip
    return ShipmentRow(
        waybill=shipment.waybill,
        status=shipment.status,
        status_text=STATUS_TEXTS[Status(shipment.status)][0],
        detail=shipment.detail,
        detail_text=DETAIL_TEXTS[Detail(shipment.detail)][0],
        final=shipment.final,
        from_station=shipment.from_station,
        from_name=_name(names, shipment.from_station),
        to_station=shipment.to_station,
        to_name=_name(names, shipment.to_station),
        goods=shipment.goods,
        pieces=shipment.pieces_total,
        customer_code=shipment.customer_code,
        trip=trip.ref if trip else "",
        plate=trip.plate if trip else "",
        ordered_at=shipment.ordered_at,
        status_at=shipment.status_at,
        eta=shipment.eta,
        eta_planned=shipment.eta_planned,
        late_min=_late_min(shipment),
        exception=shipment.exception,
        exception_text=problem_text(shipment.exception),
    )


def _name(names: Mapping[str, network.StationView], code: str) -> str:
    return names[code].name if code in names else code


def _late_min(shipment: Shipment) -> int:
    at = shipment.signed_at or shipment.eta
    if at is None or shipment.eta_planned is None:
        return 0
    return max(0, round((at - shipment.eta_planned) / timedelta(minutes=1)))


def problem_text(overlay: Mapping[str, Any] | None) -> str:
    """In Chinese; empty when nothing is wrong."""
    return PROBLEMS[Problem(overlay["code"])].zh if overlay else ""


def page_of(actor: Principal, shipment: Shipment) -> ShipmentView:
    """Everything known of one shipment; people masked unless the reader is the customer itself."""
    order = Order.objects.get(pk=shipment.order_id)
    gathered = gather([shipment], [])
    events = list(
        JourneyEvent.objects.filter(shipment=shipment).select_related("piece", "trip").order_by("-at", "-id")
    )
    names = network.stations_by_codes({event.station_code for event in events if event.station_code})
    return ShipmentView(
        row=rows([shipment])[0],
        weight_kg=float(shipment.weight_kg),
        volume_m3=float(shipment.volume_m3),
        cold_min_c=shipment.cold_min_c,
        cold_max_c=shipment.cold_max_c,
        product=shipment.product,
        client_ref=order.client_ref,
        remarks=order.remarks,
        items=tuple((sku, name, quantity) for sku, name, quantity in order.items),
        people=people(actor, shipment),
        pieces=_pieces(shipment),
        events=event_views(actor, events, names),
        legs=tuple(
            LegView(
                trip=leg.trip.ref,
                line_name=leg.trip.line_name,
                plate=leg.trip.plate,
                from_name=gathered.stop(leg, leg.from_seq).name,
                to_name=gathered.stop(leg, leg.to_seq).name,
                state=leg.state,
                state_text=LEG_TEXTS[LegState(leg.state)],
            )
            for leg in gathered.legs.get(shipment.pk, ())
        ),
        trip=trip_views([shipment.trip])[0] if shipment.trip else None,
        eta_from=shipment.eta_from,
        eta_to=shipment.eta_to,
        eta_history=_eta_history(shipment),
        proofs=_proofs(actor, shipment, events),
        parent=gathered.parents.get(shipment.parent_id, "") if shipment.parent_id else "",
        children=tuple(gathered.children.get(shipment.pk, ())),
        numbers=tuple(gathered.numbers.get(shipment.pk, ())),
        document=shipment.document,
        vehicle_id=shipment.vehicle_id,
        version=shipment.version,
    )


def people_whole(actor: Principal, waybill: str, reason: str) -> tuple[PersonView, ...]:
    """Both parties for who gives a reason and may read them: all of them, or those of goods in the actor's own hands."""
    shipment = visible(actor, waybill)
    if actor.can(Right.PERSONAL_CARRIED) and _carries(actor, shipment):
        actor = replace(actor, rights=actor.rights | {Right.PERSONAL_READ})
    return people(actor, shipment, reason)


def _carries(actor: Principal, shipment: Shipment) -> bool:
    """Whether the goods ride, or are to ride, on a trip of this driver, or were last taken out for delivery by this user."""
    if shipment.final or actor.user_id is None:
        return False
    driver = network.driver_of_user(actor.user_id)
    riding = (LegState.PLANNED, LegState.ON_BOARD)
    if driver and Leg.objects.filter(shipment=shipment, trip__driver=driver.id, state__in=riding).exists():
        return True
    told = JourneyEvent.objects.filter(shipment=shipment)
    voided = told.filter(target__isnull=False).values("target")
    taken = told.filter(kind=Kind.OUT_FOR_DELIVERY).exclude(pk__in=voided).order_by("-at", "-id")
    return taken.values_list("actor", flat=True).first() == actor.name[:80]


def people(actor: Principal, shipment: Shipment, reason: str = "") -> tuple[PersonView, ...]:
    """Both parties, masked unless the actor may see them whole (customers.public.contacts_read)."""
    ids = {"consignor": shipment.consignor_contact, "consignee": shipment.consignee_contact}
    found = customers.contacts_read(actor=actor, ids={pk for pk in ids.values() if pk}, reason=reason)
    views = []
    for role, pk in ids.items():
        contact = found.get(pk) if pk else None
        if contact is not None:
            views.append(
                PersonView(
                    role=role,
                    contact_id=pk,
                    name=contact.name,
                    phone=contact.phone,
                    city=contact.city,
                    address=contact.address,
                    masked=contact.masked,
                )
            )
    return tuple(views)


def _pieces(shipment: Shipment) -> tuple[PieceView, ...]:
    """Each with the last scan of its label or of the whole waybill."""
    state = fold(frame_of(shipment), events_of([shipment.pk])[shipment.pk])
    labels = Piece.objects.filter(shipment=shipment).order_by("seq").values_list("label", flat=True)
    return tuple(_piece_view(label, state.pieces.get(label, state.whole)) for label in labels)


def _piece_view(label: str, last: PieceState | None) -> PieceView:
    if last is None:
        return PieceView(label=label, kind="", kind_text="", station_code="", at=None)
    return PieceView(
        label=label,
        kind=last.kind.value,
        kind_text=TEXTS[last.kind][0],
        station_code=last.station,
        at=last.at,
    )


def events(actor: Principal, shipment: Shipment) -> tuple[EventView, ...]:
    """Newest first."""
    found = list(
        JourneyEvent.objects.filter(shipment=shipment).select_related("piece", "trip").order_by("-at", "-id")
    )
    names = network.stations_by_codes({event.station_code for event in found if event.station_code})
    return event_views(actor, found, names)


def stored_file(file_id: str) -> StoredFile:
    """With its shipment. Raises NotFound, also for what is no id."""
    with suppress(ValueError):
        row = StoredFile.objects.filter(pk=UUID(file_id)).select_related("shipment").first()
        if row is not None:
            return row
    raise NotFound(NOT_FOUND)


def event_views(
    actor: Principal, events: Sequence[JourneyEvent], names: Mapping[str, network.StationView]
) -> tuple[EventView, ...]:
    """Customers see what happened, not which of our people told it nor what we noted about it."""
    voided = {event.target_id for event in events if event.kind == Kind.VOIDED}
    return tuple(
        event_view(actor, event, names, voided=event.pk in voided)
        for event in events
        if _inside(actor) or (event.kind != Kind.VOIDED and event.pk not in voided)
    )


def _inside(actor: Principal) -> bool:
    return actor.kind in (Who.STAFF, Who.SYSTEM)


def event_view(
    actor: Principal,
    event: JourneyEvent,
    names: Mapping[str, network.StationView],
    *,
    voided: bool = False,
) -> EventView:
    """One event, with as much of it as the actor sees."""
    inside = _inside(actor)
    return EventView(
        id=event.pk,
        kind=event.kind,
        text=_event_text(event),
        at=event.at,
        recorded_at=event.recorded_at,
        source=event.source,
        source_text=SOURCE_TEXTS.get(event.source, "合作承运商"),
        actor=event.actor if inside else "",
        station_code=event.station_code,
        place=_name(names, event.station_code) if event.station_code else "",
        piece=event.piece.label if event.piece else "",
        pieces=event.pieces,
        trip=event.trip.ref if event.trip else "",
        raw_code=event.raw_code,
        raw_text=event.raw_text,
        voided=voided,
        idle=event.idle,
        data=event.data if inside else {},
    )


def _event_text(event: JourneyEvent) -> str:
    text = TEXTS[Kind(event.kind)][0]
    code = event.data.get("code")
    known = code in {problem.value for problem in Problem}
    return f"{text}：{PROBLEMS[Problem(code)].zh}" if known else text


def _eta_history(shipment: Shipment) -> tuple[EtaPointView, ...]:
    return tuple(
        EtaPointView(
            at=point.at,
            eta=point.eta,
            eta_from=point.eta_from,
            eta_to=point.eta_to,
            reason=point.reason,
            reason_text=REASON_TEXTS[Reason(point.reason)][0],
        )
        for point in EtaPoint.objects.filter(shipment=shipment).order_by("at", "id")
    )


def _proofs(actor: Principal, shipment: Shipment, events: Iterable[JourneyEvent]) -> tuple[ProofView, ...]:
    at = {event.pk: event.at for event in events}
    voided = {event.target_id for event in events if event.kind == Kind.VOIDED}
    whole = actor.kind in (Who.CUSTOMER_KEY, Who.SYSTEM)
    return tuple(
        ProofView(
            event_id=proof.event_id,
            at=at[proof.event_id],
            signer=proof.signer if whole else name_masked(proof.signer),
            relation=proof.relation,
            relation_text=RELATION_TEXTS[SignerRelation(proof.relation)][0],
            pieces=proof.pieces,
            signature=str(proof.signature or ""),
            photos=tuple(str(photo) for photo in proof.photos),
            lat=proof.lat,
            lon=proof.lon,
            accuracy_m=proof.accuracy_m,
            remarks=proof.remarks,
        )
        for proof in Proof.objects.filter(shipment=shipment).order_by("id")
        if proof.event_id not in voided
    )


def labels(shipment: Shipment) -> tuple[LabelView, ...]:
    """One per piece, with masked people whoever prints it: a label travels in the open."""
    names = network.stations_by_codes({shipment.from_station, shipment.to_station})
    destination = names.get(shipment.to_station)
    wanted = [shipment.consignee_contact] if shipment.consignee_contact else []
    consignee = customers.contacts_read(actor=_LABELS, ids=wanted).get(shipment.consignee_contact or 0)
    remarks = Order.objects.values_list("remarks", flat=True).get(pk=shipment.order_id)
    return tuple(
        LabelView(
            waybill=shipment.waybill,
            label=piece.label,
            piece=piece.seq,
            pieces=shipment.pieces_total,
            from_name=_name(names, shipment.from_station),
            to_name=_name(names, shipment.to_station),
            to_city=destination.city if destination else "",
            goods=shipment.goods,
            product=shipment.product,
            weight_kg=float(shipment.weight_kg),
            cold=shipment.cold_min_c is not None or shipment.cold_max_c is not None,
            consignee=name_masked(consignee.name) if consignee else "",
            consignee_phone=phone_masked(consignee.phone) if consignee else "",
            consignee_address=address_masked(consignee.address) if consignee else "",
            remarks=remarks,
        )
        for piece in Piece.objects.filter(shipment=shipment).order_by("seq")
    )
