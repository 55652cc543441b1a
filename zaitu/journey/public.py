"""The journey's contract: orders, trips, scans, shipments and their tracking. Every call says who is acting.

A customer's key sees and touches its own shipments only; to everybody a shipment that is not theirs is one that does not exist.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from zaitu.access import public as access
from zaitu.customers.events import ContactErased
from zaitu.journey.adapters.tracking import (
    EXACT_PRECISION_M,
    Forwarded,
    Tracked,
    TrackedPage,
    TrackReader,
    route_points,
    shipments_forwarded,
    track_page,
)
from zaitu.journey.domain.actions import ENDING_TABLE, ROAD_MAY_TOO, SCANS, Kind
from zaitu.journey.domain.actions import TEXTS as EVENT_TEXTS
from zaitu.journey.domain.coarse import coarse as position_coarse
from zaitu.journey.domain.document import Position
from zaitu.journey.domain.document import answer as track_answer
from zaitu.journey.domain.document import details as track_details
from zaitu.journey.domain.document import encoded as track_encoded
from zaitu.journey.domain.document_input import DocumentInput
from zaitu.journey.domain.eta import REASON_TEXTS as ETA_REASON_TEXTS
from zaitu.journey.domain.history import History, HistoryTaken, PastEvent, PastOrder, PastTrip
from zaitu.journey.domain.mappings import DIALECTS as PARTNER_CODES
from zaitu.journey.domain.parties import PartiesView
from zaitu.journey.domain.partner_events import REFUSAL_TEXTS, PartnerEvent, PartnerReport, PartnerRow
from zaitu.journey.domain.partner_numbers import partner_number
from zaitu.journey.domain.problems import PROBLEMS, REPORTABLE, Party, Problem
from zaitu.journey.domain.signing import RELATION_TEXTS, SignerRelation
from zaitu.journey.domain.statuses import DETAIL_TEXTS, STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.views import (
    TRIP_STATE_TEXTS,
    Counts,
    EtaPointView,
    EventView,
    LabelView,
    LegState,
    Level,
    ManualEvent,
    OrderDraft,
    OrdersImported,
    OrderView,
    PartyDraft,
    PersonView,
    PieceView,
    ProofView,
    Refreshed,
    RowError,
    ScanDraft,
    ScanResult,
    SheetRow,
    SheetView,
    ShipmentQuery,
    ShipmentRow,
    ShipmentView,
    TrackView,
    TripDraft,
    TripState,
    TripStopView,
    TripView,
    Voided,
)
from zaitu.journey.models import Shipment
from zaitu.journey.selectors import partners as _known_partners
from zaitu.journey.selectors import search as _search
from zaitu.journey.selectors import shipments as _shipments
from zaitu.journey.selectors import trips as _trips
from zaitu.journey.selectors.told import EventLook, EventQuery, ToldEvent, events_told
from zaitu.journey.services import corrections as _corrections
from zaitu.journey.services import counting as _counting
from zaitu.journey.services import etas as _etas
from zaitu.journey.services import facts as _facts
from zaitu.journey.services import files as _files
from zaitu.journey.services import history as _history
from zaitu.journey.services import manual as _manual
from zaitu.journey.services import noshow as _noshow
from zaitu.journey.services import notices as _notices
from zaitu.journey.services import numbers as _numbers
from zaitu.journey.services import order_imports as _imports
from zaitu.journey.services import orders as _orders
from zaitu.journey.services import partners as _partners
from zaitu.journey.services import rewriting as _rewriting
from zaitu.journey.services import scans as _scans
from zaitu.journey.services import trips as _trip_services
from zaitu.journey.services.feed import Change, Changes, events_since
from zaitu.journey.services.order_changes import OrderChange, order_cancel, order_change
from zaitu.kernel.errors import Forbidden, Invalid
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right, system
from zaitu.kernel.rewriting import Batch, must_be_the_house
from zaitu.network import public as network
from zaitu.telemetry.events import StopEntered, StopLeft

__all__ = [
    "DETAIL_TEXTS", "ETA_REASON_TEXTS", "EVENT_TEXTS", "EXACT_PRECISION_M", "PARTNER_CODES", "PROBLEMS", "REFUSAL_TEXTS",
    "RELATION_TEXTS", "REPORTABLE", "SCANS", "STATUS_TEXTS", "TRIP_STATE_TEXTS", "Change", "Changes", "Counts", "Detail",
    "DocumentInput", "EtaPointView", "EventLook", "EventQuery", "EventView", "Forwarded", "History", "HistoryTaken", "Kind",
    "LabelView", "LegState", "Level", "ManualEvent", "OrderChange", "OrderDraft", "OrderView", "OrdersImported", "PartiesView",
    "PartnerEvent", "PartnerReport", "PartnerRow", "Party", "PartyDraft", "PastEvent", "PastOrder", "PastTrip", "PersonView",
    "PieceView", "Position", "Problem", "ProofView", "Refreshed", "RowError", "ScanDraft", "ScanResult", "SheetRow",
    "SheetView", "ShipmentQuery", "ShipmentRow", "ShipmentView", "SignerRelation", "Status", "ToldEvent", "TrackReader",
    "TrackView", "Tracked", "TrackedPage", "TripDraft", "TripState", "TripStopView", "TripView", "Voided", "eta_refresh",
    "event_record", "event_void", "events_of", "events_since", "events_told", "file_read", "file_store", "files_reseal",
    "history_import", "keys_rewrite", "labels", "on_contact_erased", "on_stop_entered", "on_stop_left", "order_cancel",
    "order_change", "order_create", "orders_import", "orders_template", "parties", "partner_events", "partner_names",
    "partner_number", "people_read", "position_coarse", "route_points", "scan_record", "scan_undo", "shipment_forward",
    "shipment_page", "shipment_reopen", "shipment_split", "shipments_forwarded", "shipments_search", "track", "track_answer",
    "track_details", "track_encoded", "track_page", "trip_arrival_void", "trip_assign", "trip_cancel", "trip_finish",
    "trip_get", "trip_plan", "trip_sheet", "trips_list", "trips_missed", "unloading_close",
]  # fmt: skip


# Orders


def order_create(*, actor: Principal, draft: OrderDraft) -> OrderView:
    """Place an order; under one customer the same `client_ref` is the same order.

    A customer's key orders for itself. Raises Forbidden, Invalid with fields, Conflict (that `client_ref` with another content).
    """
    return _orders.order_create(actor=actor, draft=_own_order(actor, draft))


def orders_import(*, actor: Principal, filename: str, content: bytes) -> OrdersImported:
    """Orders from a CSV or Excel file: good rows are placed, bad ones listed; sending the file again places nothing twice.

    Raises Forbidden, Invalid (no table, missing columns), TooLarge.
    """
    actor.must(Right.ORDERS_CREATE)
    return _imports.orders_import(
        actor=actor, filename=filename, content=content, own=lambda draft: _own_order(actor, draft)
    )


def orders_template() -> str:
    """A file to fill in: CSV text with the headers and one example row."""
    return _imports.orders_template()


def _own_order(actor: Principal, draft: OrderDraft) -> OrderDraft:
    actor.must(Right.ORDERS_CREATE)
    if actor.kind is not Who.CUSTOMER_KEY:
        return draft
    if draft.customer_code not in (None, "", actor.customer_code):
        raise Forbidden("只能为自己下单")
    return replace(draft, customer_code=actor.customer_code)


def history_import(*, actor: Principal, history: History) -> HistoryTaken:
    """Take over what an earlier system did: trips, orders and what has happened to them, in one transaction. Nobody is told.

    Taking the same over again adds only what is new. Raises Forbidden, Invalid, NotFound (line, vehicle); then nothing is taken.
    """
    _staff(actor, Right.SHIPMENTS_CORRECT)
    return _history.history_import(actor=actor, history=history)


# Trips


def trip_plan(*, actor: Principal, draft: TripDraft) -> TripView:
    """Plan a run of a line by a vehicle and have its stops watched.

    Raises Forbidden, Invalid, NotFound (line, vehicle), Conflict when the vehicle is taken at that time.
    """
    actor.must(Right.TRIPS_PLAN)
    return _trips.trip_views([_trip_services.trip_plan(actor=actor, draft=draft)])[0]


def trip_assign(*, actor: Principal, trip: str, waybills: Sequence[str]) -> TripView:
    """Put shipments on a trip; those on it already stay. All or none.

    Raises Forbidden, NotFound, RuleBroken when one of them cannot go with it.
    """
    actor.must(Right.TRIPS_PLAN)
    _trip_services.trip_assign(actor=actor, trip=trip, waybills=waybills)
    return trip_get(actor=actor, trip=trip)


def trip_cancel(*, actor: Principal, trip: str, reason: str) -> TripView:
    """Take a planned trip back; its shipments wait for another. Raises Forbidden, NotFound, RuleBroken once it has left."""
    actor.must(Right.TRIPS_PLAN)
    return _trips.trip_views([_trip_services.trip_cancel(actor=actor, trip=trip, reason=reason)])[0]


def trip_finish(*, actor: Principal, trip: str, reason: str) -> TripView:
    """End a trip that nobody saw arrive. Raises Forbidden, NotFound, Invalid without a reason, RuleBroken for a cancelled one."""
    actor.must(Right.TRIPS_PLAN)
    return _trips.trip_views([_trip_services.trip_finish(actor=actor, trip=trip, reason=reason)])[0]


def trip_arrival_void(*, actor: Principal, trip: str, reason: str, station_code: str = "") -> TripView:
    """Take back that the truck reached a stop (else its last one, and the trip runs again and is watched), for all its goods.

    Raises Forbidden, NotFound, Invalid without a reason, RuleBroken (no arrival, goods handled there, the truck is on another trip).
    """
    _staff(actor, Right.SHIPMENTS_CORRECT)
    row = _corrections.arrival_void(actor=actor, trip=trip, reason=reason, station=station_code)
    return _trips.trip_views([row])[0]


def trip_get(*, actor: Principal, trip: str) -> TripView:
    """Raises Forbidden, NotFound."""
    _staff(actor, Right.SHIPMENTS_READ)
    return _trips.trip_views([_trips.trip(trip)])[0]


def trips_list(*, actor: Principal, state: str = "", text: str = "", page: int = 1) -> Page[TripView]:
    """50 a page, newest departure first. Raises Forbidden."""
    _staff(actor, Right.SHIPMENTS_READ)
    return _trips.trips(state=state, text=text, page=page)


def trip_sheet(*, actor: Principal, trip: str, station_code: str) -> SheetView:
    """What a station loads and unloads, and how far it is. Raises Forbidden, NotFound."""
    _staff(actor, Right.SHIPMENTS_READ)
    return _trips.sheet(trip, station_code)


# Scans


def scan_record(*, actor: Principal, draft: ScanDraft) -> ScanResult:
    """Record a scan in the field and say what it means. The same key is the same scan: it is answered again and not repeated.

    Raises Forbidden, Invalid, Conflict (the key was used for another scan). A scan that must not be is no error:
    its level is `wrong`, nothing is recorded and the message says what to do.
    """
    _may_scan(actor, draft.kind)
    _station(draft.station_code)
    return _scans.scan_record(actor=actor, draft=draft)


def _may_scan(actor: Principal, kind: str) -> None:
    if kind not in {known.value for known in SCANS}:
        raise Invalid("不能扫描这种动作", fields={"kind": "不能扫描这种动作"})
    known = Kind(kind)
    on_the_road = known in ROAD_MAY_TOO and actor.can(Right.SCAN_ROAD)
    _staff(actor, Right.SCAN_ROAD if on_the_road else SCANS[known])


def _station(code: str) -> None:
    if code not in network.stations_by_codes([code]):
        raise Invalid(f"没有编码为 {code} 的站点", fields={"station_code": "请选择所在站点"})


def _staff(actor: Principal, right: Right) -> None:
    """Our own people and handlers; a customer or link holder with a right of the same name is not meant."""
    if actor.kind not in (Who.STAFF, Who.SYSTEM):
        raise Forbidden("仅限本公司人员")
    actor.must(right)


def scan_undo(*, actor: Principal, key: str) -> ScanResult:
    """Take one's own scan back within ten minutes.

    Raises Forbidden, NotFound (nobody's scan, or somebody else's), RuleBroken (too late, a whole truck, a signature).
    """
    _staff(actor, Right.SHIPMENTS_READ)
    return _corrections.scan_undo(actor=actor, key=key)


# Corrections and what a desk records


def event_void(*, actor: Principal, event_id: int, reason: str) -> Voided:
    """Take an event back; goods whose forwarding is taken back ride as planned where they still can. Raises Forbidden, NotFound, Invalid without a reason, RuleBroken for what cannot be taken back."""
    _staff(actor, Right.SHIPMENTS_CORRECT)
    shipment, rides = _corrections.event_void(actor=actor, event_id=event_id, reason=reason)
    return Voided(row=_row(shipment), said=tuple(one.words() for one in rides))


def shipment_reopen(*, actor: Principal, waybill: str, reason: str) -> ShipmentRow:
    """Open a finished shipment again. Raises Forbidden, NotFound, Invalid without a reason, RuleBroken when it is not finished."""
    _staff(actor, Right.SHIPMENTS_CORRECT)
    pk = _shipments.visible(actor, waybill).pk
    return _row(_corrections.shipment_reopen(actor=actor, shipment_id=pk, reason=reason))


def event_record(*, actor: Principal, waybill: str, draft: ManualEvent) -> ShipmentRow:
    """Record what happened outside the field: a pick-up booked, a problem and its end, a return, a cancellation.

    What ends a journey, or stands in for a scan, takes SHIPMENTS_CORRECT, the rest PROBLEM_REPORT.
    Raises Forbidden, NotFound, Invalid, RuleBroken.
    """
    correcting = draft.kind in (ENDING_TABLE.keys() - {Kind.CANCELLED}) | {Kind.COLLECTED}
    _staff(actor, Right.SHIPMENTS_CORRECT if correcting else Right.PROBLEM_REPORT)
    if draft.station_code:
        _station(draft.station_code)
    found = _shipments.visible(actor, waybill)
    return _row(_manual.event_record(actor=actor, shipment_id=found.pk, draft=draft))


def _row(shipment: Shipment) -> ShipmentRow:
    return _shipments.rows([shipment])[0]


def shipment_forward(
    *, actor: Principal, waybill: str, number: str, carrier: str, station_code: str = ""
) -> ShipmentRow:
    """Hand a shipment to a partner under the partner's number (转单); rides of ours it waits for are off.

    Raises Forbidden, NotFound, Invalid, RuleBroken, Conflict (it has just moved to another trip).
    """
    _staff(actor, Right.TRIPS_PLAN)
    if station_code:
        _station(station_code)
    found = _shipments.visible(actor, waybill)
    return _row(
        _numbers.shipment_forward(
            actor=actor, shipment_id=found.pk, number=number, carrier=carrier, station_code=station_code
        )
    )


def partner_names(*, actor: Principal) -> list[str]:
    """Partner carriers to choose from, by name: those with a key and those of the last 2,000 forwardings. Raises Forbidden."""
    if not actor.can(Right.KEYS_MANAGE):
        _staff(actor, Right.TRIPS_PLAN)
    return sorted(access.partners_with_keys(actor=actor) | _known_partners.carriers_lately())


def shipment_split(*, actor: Principal, waybill: str, labels: Sequence[str]) -> ShipmentRow:
    """Let some pieces travel under a waybill of their own (子单); the new shipment. Raises Forbidden, NotFound, Invalid, RuleBroken."""
    _staff(actor, Right.TRIPS_PLAN)
    found = _shipments.visible(actor, waybill)
    return _row(_numbers.shipment_split(actor=actor, shipment_id=found.pk, labels=labels))


def partner_events(*, actor: Principal, partner: str, events: Sequence[PartnerEvent]) -> PartnerReport:
    """Record what a partner's system tells of our shipments; each row of the report answers one event, in their order.

    A partner's key speaks for itself only and of what was forwarded to it (转单); our own people for any partner, of any shipment.
    Raises Forbidden, Invalid (unknown dialect, more than 500).
    """
    if actor.kind is Who.PARTNER_KEY:
        actor.must(Right.PARTNER_EVENTS)
        if not actor.partner or partner != actor.partner:
            raise Forbidden("只能上报自己承运的运单")
    else:
        _staff(actor, Right.SHIPMENTS_CORRECT)
    return _partners.partner_events(actor=actor, partner=partner, events=events)


# Files


def file_store(
    *,
    actor: Principal,
    waybill: str,
    kind: str,
    content: bytes,
    mime: str = "",
    file_id: UUID | None = None,
) -> str:
    """Keep a `photo` or `signature` of a shipment; its id. The image itself says what it is, not `mime`.

    `file_id` is made by the phone: sent again, it is the same file.
    Raises Forbidden, NotFound, Invalid (no image), TooLarge, Conflict (id of another file), Unavailable (disk full).
    """
    if not (actor.can(Right.SCAN_ROAD) or actor.can(Right.SCAN_WAREHOUSE)):
        _staff(actor, Right.PROBLEM_REPORT)
    _staff(actor, Right.SHIPMENTS_READ)
    shipment = _shipments.visible(actor, waybill)
    del mime
    return _files.file_store(actor=actor, shipment=shipment, kind=kind, content=content, file_id=file_id)


def file_read(*, actor: Principal, file_id: str) -> tuple[bytes, str]:
    """(content, MIME type) of a photo or signature, for those who may see its shipment whole; staff's reads are recorded.

    Raises Forbidden, NotFound, Unavailable.
    """
    row = _shipments.stored_file(file_id)
    _shipments.visible(actor, row.shipment.waybill)
    if actor.kind is Who.STAFF:
        access.audit(
            actor=actor, action="personal.read", subject=row.shipment.waybill, detail={"file": str(row.pk)}
        )
    return _files.file_content(row), row.mime


# Shipments


def shipments_search(
    *, actor: Principal, query: ShipmentQuery, page: int = 1, size: int = 50
) -> Page[ShipmentRow]:
    """A customer's key finds its own only. Raises Forbidden, Invalid for an unknown sort."""
    actor.must(Right.SHIPMENTS_READ)
    return _search.shipments(actor=actor, query=query, page=page, size=size)


def shipment_page(*, actor: Principal, waybill: str) -> ShipmentView:
    """Everything known of a shipment: staff and its customer. Raises Forbidden, NotFound (also for another customer's)."""
    actor.must(Right.SHIPMENTS_READ)
    return _shipments.page_of(actor, _shipments.visible(actor, waybill))


def people_read(*, actor: Principal, waybill: str, reason: str) -> tuple[PersonView, ...]:
    """The parties of a shipment, whole for those who may (staff: recorded in the audit). Raises Forbidden, NotFound."""
    return _shipments.people_whole(actor, waybill, reason)


def parties(*, actor: Principal, waybill: str) -> PartiesView:
    """Whom a shipment concerns and how they are sent to its page: for rooms of the house only. Raises Forbidden, NotFound."""
    must_be_the_house(actor)
    return _notices.parties_of(_shipments.visible(actor, waybill))


def events_of(*, actor: Principal, waybill: str) -> tuple[EventView, ...]:
    """Newest first. A customer's key sees what happened, not who of us told it. Raises Forbidden, NotFound."""
    actor.must(Right.SHIPMENTS_READ)
    return _shipments.events(actor, _shipments.visible(actor, waybill))


def labels(*, actor: Principal, waybill: str) -> tuple[LabelView, ...]:
    """What the piece labels of a shipment print. Raises Forbidden, NotFound."""
    actor.must(Right.LABELS_PRINT)
    # A key with the scope `labels` alone prints its own shipments' labels without reading the rest.
    reader = replace(actor, rights=actor.rights | {Right.SHIPMENTS_READ})
    return _shipments.labels(_shipments.visible(reader, waybill))


def track(*, actor: Principal, waybill: str) -> TrackView:
    """The tracking document, for those who may see the shipment. Raises Forbidden, NotFound."""
    found = _shipments.visible(actor, waybill)
    return TrackView(
        waybill=found.waybill, document=found.document, vehicle_id=found.vehicle_id, final=found.final
    )


# Timers


def eta_refresh(*, actor: Principal, listening_since: datetime | None = None) -> Refreshed:
    """Predict every running trip anew, tell what matters, and notice what comes near or falls silent.

    A truck's silence counts from `listening_since` at the earliest: after a start we were deaf, they were not silent. Raises Forbidden.
    """
    _staff(actor, Right.TRIPS_PLAN)
    return _etas.eta_refresh(actor=actor, listening_since=listening_since)


def trips_missed(*, actor: Principal, listening_since: datetime | None = None) -> int:
    """Say of planned trips that nobody saw leave that they are not run (domain/noshow.py); how many. Raises Forbidden."""
    _staff(actor, Right.TRIPS_PLAN)
    return _noshow.trips_missed(actor=actor, listening_since=listening_since)


def unloading_close(*, actor: Principal) -> int:
    """Tell the shortages of stops where unloading has come to rest; how many stops. Raises Forbidden."""
    _staff(actor, Right.TRIPS_PLAN)
    return _counting.close_quiet(actor=actor)


# A change of the data key


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write rows anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return _rewriting.keys_rewrite()


def files_reseal(*, actor: Principal) -> Iterator[Batch]:
    """The same for photos and signatures, while no backup runs. Raises Forbidden, OSError (disk full)."""
    must_be_the_house(actor)
    return _rewriting.files_reseal()


# What lower rooms tell (config/wiring.py); delivered at least once, and harmless again


def on_stop_entered(event: StopEntered) -> None:
    """A watched truck reached a stop. Runs again without effect: the fact has one key per trip, stop and shipment."""
    _facts.stop_entered(actor=system("journey.stops"), event=event)


def on_stop_left(event: StopLeft) -> None:
    """A watched truck left a stop. Runs again without effect, as `on_stop_entered`."""
    _facts.stop_left(actor=system("journey.stops"), event=event)


def on_contact_erased(event: ContactErased) -> None:
    """A person was erased: shipments forget how to find them. Runs again without effect."""
    _manual.person_forget(contact_id=event.contact_id)
