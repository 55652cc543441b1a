"""The one way a shipment changes: lock, append events, fold, write what follows from it.

    ledger = Ledger(actor=actor, ids=[…])       # locks the shipments, reads their events
    ledger.add(NewEvent(…))                     # False when it had been told before
    ledger.close()                              # events, folded columns, documents, outbox, notices

However many shipments, the number of queries is the same. Everybody locks in one order: the trip, the shipments in order of
their ids, the trip's stops. Rows are locked without their keys: a row of another table that points at a locked one must not
wait, for its writer may hold shipments that the one who locked the trip comes to want.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any, Final

from django.db import connection

from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import ENDING_TABLE, Kind
from zaitu.journey.domain.delivery import Hours, promise, worth_telling
from zaitu.journey.domain.document import build
from zaitu.journey.domain.document_input import DocumentInput, NodeInput
from zaitu.journey.domain.fold import FoldEvent, State, fold
from zaitu.journey.domain.problems import UNDELIVERED
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.journey.domain.views import LegState
from zaitu.journey.events import ShipmentChanged
from zaitu.journey.models import EtaPoint, JourneyEvent, Shipment
from zaitu.journey.selectors.gathered import Gathered, events_of, frame_of, gather, hours_of
from zaitu.journey.services import notices
from zaitu.kernel import clock, outbox
from zaitu.kernel.principal import Principal
from zaitu.network import public as network


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    shipment_id: int
    kind: Kind
    source: str
    key: str
    """Unique for the source and the shipment; the waybill is put before it when stored."""
    at: datetime
    station: str = ""
    piece: tuple[int, str] | None = None
    """(id, label)."""
    trip_id: int | None = None
    pieces: int | None = None
    raw_code: str = ""
    raw_text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    target: int | None = None
    recorded_at: datetime | None = None
    """When it was first told, if that was not to us."""
    anew: bool = False
    """Its key speaks of what happens once: when the event that has it was voided, another one may come in its place."""


class Ledger:
    def __init__(self, *, actor: Principal, ids: Iterable[int], quiet: bool = False) -> None:
        """Must be inside a transaction; the shipments stay locked until it ends. `quiet`: nobody is told (history)."""
        self.actor = actor
        self._quiet = quiet
        # The old document is never looked at, and is the greater part of the row.
        locked = (
            Shipment.objects.select_for_update(no_key=True)
            .filter(pk__in=list(ids))
            .defer("document")
            .order_by("id")
        )
        self.shipments: dict[int, Shipment] = {row.pk: row for row in locked}
        self.events: dict[int, list[FoldEvent]] = events_of(self.shipments.keys())
        self._told = {
            mark for pk, several in self.events.items() for event in several for mark in _marks(pk, event)
        }
        self._new: list[tuple[JourneyEvent, str]] = []
        """Not written yet, with the piece's label."""
        self.written: list[JourneyEvent] = []
        self._retimed: dict[int, tuple[etas.Window, etas.Reason]] = {}
        self._touched: set[int] = set()

    def add(self, new: NewEvent) -> bool:
        """Append an event; False when this source had told it before (same key, or same thing, time and place)."""
        shipment = self.shipments[new.shipment_id]
        key = self._key(new, f"{shipment.waybill}:{new.key}")
        label = new.piece[1] if new.piece else ""
        probe = FoldEvent(
            id=0,
            kind=new.kind,
            source=new.source,
            key=key,
            at=new.at,
            station=new.station,
            piece=label,
            raw_code=new.raw_code,
            target=new.target,
        )
        marks = _marks(new.shipment_id, probe)
        if not self._told.isdisjoint(marks):
            return False
        self._told.update(marks)
        self._new.append((self._row(new, key, idle=new.kind in ENDING_TABLE and shipment.final), label))
        return True

    def says(self, new: NewEvent) -> bool:
        """Whether what has this event's key tells the same thing of the same time; for who gives keys of its own."""
        key = f"{self.shipments[new.shipment_id].waybill}:{new.key}"
        told = [
            (one.kind, one.raw_code, one.at)
            for one in self.events[new.shipment_id]
            if one.key == key and one.source == new.source
        ]
        told += [
            (Kind(row.kind), row.raw_code, row.at)
            for row, _ in self._new
            if row.key == key and row.source == new.source
        ]
        return not told or (new.kind, new.raw_code[:60], new.at) in told

    def _key(self, new: NewEvent, key: str) -> str:
        """The first spelling of the key that no voided event has."""
        if not new.anew:
            return key
        events = self.events[new.shipment_id]
        voided = {event.target for event in events if event.kind is Kind.VOIDED}
        taken = {event.key for event in events if event.source == new.source and event.id in voided}
        spellings = chain([key], (f"{key}~{number}" for number in count(2)))
        return next(one for one in spellings if one not in taken)

    def _row(self, new: NewEvent, key: str, *, idle: bool) -> JourneyEvent:
        return JourneyEvent(
            shipment_id=new.shipment_id,
            piece_id=new.piece[0] if new.piece else None,
            trip_id=new.trip_id,
            kind=new.kind.value,
            source=new.source,
            key=key,
            at=new.at,
            recorded_at=new.recorded_at or clock.now(),
            station_code=new.station,
            actor=self.actor.name[:80],
            pieces=new.pieces,
            raw_code=new.raw_code[:60],
            raw_text=new.raw_text[:300],
            data=dict(new.data),
            idle=idle,
            target_id=new.target,
        )

    def state(self, shipment_id: int) -> State:
        """The state after everything written so far."""
        return fold(frame_of(self.shipments[shipment_id]), self.events[shipment_id])

    def touch(self, shipment_ids: Iterable[int]) -> None:
        """Their trip, leg or numbers changed: make their documents anew even without an event."""
        self._touched.update(shipment_ids)

    def retime(self, shipment_id: int, window: etas.Window, reason: etas.Reason) -> None:
        """Tell a new ETA with the next close; it is kept in the history."""
        self._retimed[shipment_id] = (window, reason)

    def estimate(
        self, shipment_id: int, window: etas.Window, reason: etas.Reason, station: network.StationView | None
    ) -> bool:
        """Tell a new ETA if, as it can be promised at its destination `station`, it differs enough from the one told."""
        row = self.shipments[shipment_id]
        tell = worth_telling(window, hours_of(station), detail=row.detail, told=row.eta, now=clock.now())
        if tell:
            self.retime(shipment_id, window, reason)
        return tell

    def write(self) -> list[JourneyEvent]:
        """Write the events added since the last call, for rows that point at them; `close` does it otherwise."""
        written = JourneyEvent.objects.bulk_create(row for row, _ in self._new)
        for row, (_, label) in zip(written, self._new, strict=True):
            self.events[row.shipment_id].append(_fold_event(row, label))
        self._new = []
        self.written += written
        return written

    def close(self) -> list[JourneyEvent]:
        """Write everything that follows; all events written by this ledger, with their ids."""
        self.write()
        self._touched.update(row.shipment_id for row in self.written)
        self._touched.update(self._retimed)
        touched = [self.shipments[pk] for pk in sorted(self._touched)]
        if touched:
            self._settle(touched, {row.pk for row in self.written})
        return self.written

    def _settle(self, touched: list[Shipment], new_ids: set[int]) -> None:
        now = clock.now()
        states = {row.pk: fold(frame_of(row), self.events[row.pk]) for row in touched}
        stations = {event.station for row in touched for event in self.events[row.pk]}
        gathered = gather(touched, stations)
        for row in touched:
            self._apply(row, states[row.pk], gathered, now)
        self._eta_points(now)
        for row in touched:
            row.document = build(document_input(row, states[row.pk], gathered))
        if not self._quiet:
            notices.tell_nodes(
                shipments=touched, states=states, gathered=gathered, events=self.events, new_ids=new_ids
            )
        _shipments_save(touched)  # afterwards: what was told is among it
        outbox.put(*(_changed_event(row) for row in touched))

    def _apply(self, row: Shipment, state: State, gathered: Gathered, now: datetime) -> None:
        before = (row.status, row.detail)
        row.status, row.detail, row.status_at = state.status.value, state.detail.value, state.at
        row.place, row.exception = state.station, state.exception
        row.final, row.signed_at, row.signed_pieces = state.final, state.signed_at, state.signed_pieces
        leg = gathered.leg(row.pk)
        row.trip_id = leg.trip_id if leg else None
        aboard = leg is not None and leg.state == LegState.ON_BOARD and not state.final
        row.vehicle_id = leg.trip.vehicle_id if leg and aboard else None
        row.leg_from_m = gathered.stop(leg, leg.from_seq).along_m if leg else None
        row.leg_to_m = gathered.stop(leg, leg.to_seq).along_m if leg else None
        hours = gathered.hours(row.to_station)
        if row.detail == Detail.OUT_FOR_DELIVERY and not UNDELIVERED.isdisjoint(state.problems):
            self._retimed.pop(row.pk, None)
            row.eta = row.eta_from = row.eta_to = None
            row.eta_reason = ""
        elif row.pk not in self._retimed and (row.eta is None or before != (row.status, row.detail)):
            self._eta_at_stage(row, hours, now)
        if row.pk in self._retimed:
            # Whoever made the estimate: nothing is promised at night.
            promised = promise(*self._retimed[row.pk], hours, detail=row.detail, told=row.eta)
            self._retimed[row.pk] = window, reason = promised
            row.eta, row.eta_from, row.eta_to = window.eta, window.eta_from, window.eta_to
            row.eta_reason = reason.value
            row.eta_planned = row.eta_planned or window.eta
        row.version += 1
        row.changed_at = now

    def _eta_at_stage(self, row: Shipment, hours: Hours | None, now: datetime) -> None:
        """At a station or with the courier the time to the door is an allowance, not progress."""
        found = _STAGE_ETA.get((Status(row.status), Detail(row.detail)))
        if found is None:
            return
        ahead, reason = found
        window = etas.window(max(row.status_at + ahead, now), now)
        if worth_telling(window, hours, detail=row.detail, told=row.eta, now=now):
            self._retimed[row.pk] = (window, reason)

    def _eta_points(self, now: datetime) -> None:
        EtaPoint.objects.bulk_create(
            EtaPoint(
                shipment_id=pk,
                at=now,
                eta=window.eta,
                eta_from=window.eta_from,
                eta_to=window.eta_to,
                reason=reason.value,
            )
            for pk, (window, reason) in sorted(self._retimed.items())
        )
        self._retimed = {}


_STAGE_ETA: Final[dict[tuple[Status, Detail], tuple[timedelta, etas.Reason]]] = {
    (Status.ARRIVED, Detail.DESTINATION): (etas.LAST_MILE, etas.Reason.ARRIVED),
    (Status.ARRIVED, Detail.UNLOADED): (etas.LAST_MILE, etas.Reason.ARRIVED),
    (Status.IN_TRANSIT, Detail.OUT_FOR_DELIVERY): (etas.DELIVERY_ROUND, etas.Reason.DELIVERING),
}


def _marks(shipment_id: int, event: FoldEvent) -> tuple[tuple[Any, ...], ...]:
    """The two ways to recognise an event that was told before."""
    once = (event.source, event.kind, event.raw_code, event.at, event.station, event.piece, event.target)
    return (shipment_id, event.source, event.key), (shipment_id, *once)


def _fold_event(row: JourneyEvent, label: str) -> FoldEvent:
    return FoldEvent(
        id=row.pk,
        kind=Kind(row.kind),
        source=row.source,
        key=row.key,
        at=row.at,
        station=row.station_code,
        piece=label,
        pieces=row.pieces,
        raw_code=row.raw_code,
        data=row.data,
        idle=row.idle,
        target=row.target_id,
    )


def document_input(row: Shipment, state: State, gathered: Gathered) -> DocumentInput:
    leg = gathered.leg(row.pk)
    origin, destination = gathered.place(row.from_station), gathered.place(row.to_station)
    assert origin is not None  # noqa: S101  the columns are never empty
    assert destination is not None  # noqa: S101  as above
    return DocumentInput(
        waybill=row.waybill,
        status=state.status,
        detail=state.detail,
        status_at=state.at,
        final=state.final,
        signed_at=state.signed_at,
        place=gathered.place(state.station),
        exception=state.exception,
        eta=row.eta,
        eta_from=row.eta_from,
        eta_to=row.eta_to,
        eta_planned=row.eta_planned,
        eta_reason=row.eta_reason,
        product=row.product,
        goods=row.goods,
        pieces_total=row.pieces_total,
        signed_pieces=state.signed_pieces,
        cold_band_c=(row.cold_min_c, row.cold_max_c),
        origin=origin,
        destination=destination,
        nodes=tuple(
            NodeInput(
                at=node.event.at,
                kind=node.event.kind.value,
                status=node.status,
                detail=node.detail,
                place=gathered.place(node.event.station),
                pieces=node.event.pieces if node.event.kind in ENDING_TABLE else None,
                exception=node.problem.value if node.problem else "",
                number=str(node.event.data.get("number", "")),
                by_partner=node.event.source.startswith("partner:"),
            )
            for node in state.nodes
        ),
        trip=gathered.trip_input(leg) if leg else None,
        proofs=tuple(
            proof for event_id, proof in gathered.proofs.get(row.pk, ()) if event_id in state.settling
        ),
        parent=gathered.parents.get(row.parent_id, "") if row.parent_id else "",
        children=tuple(gathered.children.get(row.pk, ())),
        numbers=tuple(gathered.numbers.get(row.pk, ())),
        version=row.version,
        updated_at=row.changed_at,
    )


def _changed_event(row: Shipment) -> ShipmentChanged:
    return ShipmentChanged(
        waybill=row.waybill,
        status=row.status,
        detail=row.detail,
        problem=row.exception["code"] if row.exception else "",
        final=row.final,
        version=row.version,
        at=row.changed_at,
    )


_FOLDED: Final = {
    "status": "text",
    "detail": "text",
    "status_at": "timestamptz",
    "place": "text",
    "exception": "jsonb",
    "final": "boolean",
    "signed_at": "timestamptz",
    "signed_pieces": "integer",
    "trip_id": "bigint",
    "vehicle_id": "bigint",
    "leg_from_m": "double precision",
    "leg_to_m": "double precision",
    "eta": "timestamptz",
    "eta_from": "timestamptz",
    "eta_to": "timestamptz",
    "eta_planned": "timestamptz",
    "eta_reason": "text",
    "told_from": "timestamptz",
    "told_to": "timestamptz",
    "version": "integer",
    "changed_at": "timestamptz",
    "document": "jsonb",
}
"""Columns that only a ledger writes, with their types."""

_SAVE: Final = (
    "UPDATE journey_shipment AS s SET "  # noqa: S608  names of our own columns
    + ", ".join(f"{name} = n.{name}" for name in _FOLDED)
    + " FROM jsonb_to_recordset(%s) AS n(id bigint, "
    + ", ".join(f"{name} {kind}" for name, kind in _FOLDED.items())
    + ") WHERE s.id = n.id"
)


def _shipments_save(rows: list[Shipment]) -> None:
    """One statement: Django's bulk_update writes a CASE per row and column, 4,000 of them for a full truck."""
    values = [{"id": row.pk, **{name: getattr(row, name) for name in _FOLDED}} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [json.dumps(values, default=_json)])


def _json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a folded column")
