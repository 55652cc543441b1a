"""Scanning a trip itself: a truckload departs, arrives or is accepted as a whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zaitu.journey.domain.actions import TEXTS, Kind
from zaitu.journey.domain.views import (
    TRIP_STATE_TEXTS,
    Counts,
    LegState,
    Level,
    ScanDraft,
    ScanResult,
    TripState,
)
from zaitu.journey.models import JourneyEvent, Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import stops_of
from zaitu.journey.services import counting
from zaitu.journey.services.facts import StopFact, at_stop
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.kernel.principal import Principal

SOURCE: Final = "scan"
HELD_TOLD: Final = 3
"""Waybills in a sentence on a phone."""


@dataclass(frozen=True, slots=True)
class Answer:
    result: ScanResult
    events: tuple[int, ...] = ()


def refused(message: str, *, trip: Trip | None = None) -> Answer:
    return Answer(
        ScanResult(
            waybill=None,
            piece=None,
            status=trip.state if trip else "",
            status_text=TRIP_STATE_TEXTS[TripState(trip.state)][0] if trip else "",
            message=message,
            level=Level.WRONG.value,
            counts=None,
            duplicate=False,
            event_id=None,
            shipments=0,
        )
    )


def scan_trip(
    *, actor: Principal, draft: ScanDraft, kind: Kind, at: datetime, data: dict[str, Any]
) -> Answer:
    trip = Trip.objects.select_for_update(no_key=True).filter(ref=draft.code.strip().upper()).first()
    if trip is None:
        return refused(f"没有车次 {draft.code.strip()}，请核对")
    stops = stops_of([trip.pk])[trip.pk]
    stop = next((one for one in stops if one.station_code == draft.station_code), None)
    wrong = _wrong(kind, trip, stops, stop)
    if wrong or stop is None:
        return refused(wrong, trip=trip)
    if kind is Kind.INSPECTED:
        return _accepted(actor, draft, trip, stop, at)
    fact = StopFact(kind=kind, source=SOURCE, key=draft.key, at=at, data=data)
    events = at_stop(actor=actor, trip=trip, seq=stop.seq, fact=fact)
    legs = Leg.objects.filter(trip=trip).exclude(state=LegState.LEFT_BEHIND)
    moved = {row.shipment_id for row in events if row.kind == kind}
    behind = Leg.objects.filter(trip=trip, from_seq=stop.seq, state=LegState.LEFT_BEHIND)
    counts = _loaded(trip, stop, [leg for leg in legs if leg.from_seq == stop.seq])
    level, message = Level.OK, f"已{TEXTS[kind][0]}，共 {len(moved)} 票"
    if kind is Kind.DEPARTED and (behind or counts.short):
        level, message = (
            Level.WARN,
            f"{message}；{_missing(len(behind), counts)}，请核对{_held(trip, behind)}",
        )
    return Answer(
        _result(trip, level, message, counts if kind is Kind.DEPARTED else None, len(moved)),
        tuple(row.pk for row in events),
    )


def _missing(behind: int, counts: Counts) -> str:
    parts = [f"{behind} 票未装"] if behind else []
    return "，".join([*parts, f"短少 {counts.short} 件"] if counts.short else parts)


def _held(trip: Trip, behind: Iterable[Leg]) -> str:
    """Names what a recheck held back, so that nobody looks for it on the truck."""
    ids = [leg.shipment_id for leg in behind]
    events = JourneyEvent.objects.filter(
        shipment_id__in=ids, kind=Kind.PROBLEM, data__trip=trip.ref, data__cause=counting.HELD
    )
    waybills = sorted(set(events.values_list("shipment__waybill", flat=True)))
    if not waybills:
        return ""
    more = f"等 {len(waybills)} 票" if len(waybills) > HELD_TOLD else ""
    return f"。复核不符、留在本站：{'、'.join(waybills[:HELD_TOLD])}{more}"


def _wrong(kind: Kind, trip: Trip, stops: list[TripStop], stop: TripStop | None) -> str:
    if kind not in (Kind.DEPARTED, Kind.ARRIVED, Kind.INSPECTED):
        return f"请扫运单或标签来{TEXTS[kind][0]}，不要扫车次"
    if trip.state == TripState.CANCELLED:
        return f"车次 {trip.ref} 已取消，请重新选择车次"
    if stop is None:
        return f"车次 {trip.ref} 不经过本站，请核对车次"
    if kind is Kind.DEPARTED and stop is stops[-1]:
        return "这里是本车次的终点站，无需发车"
    if kind is Kind.ARRIVED and stop is stops[0]:
        return "这里是本车次的始发站，无需到车"
    return ""


def _result(trip: Trip, level: Level, message: str, counts: Counts | None, shipments: int) -> ScanResult:
    return ScanResult(
        waybill=None,
        piece=None,
        status=trip.state,
        status_text=TRIP_STATE_TEXTS[TripState(trip.state)][0],
        message=message,
        level=level.value,
        counts=counts,
        duplicate=False,
        event_id=None,
        shipments=shipments,
    )


def _loaded(trip: Trip, stop: TripStop, legs: list[Leg]) -> Counts:
    """Pieces loaded here against those ordered; a shipment of which nothing was scanned counts as loaded."""
    rows = list(Shipment.objects.filter(pk__in=[leg.shipment_id for leg in legs]))
    found = counting.loading(trip.pk, stop.station_code, rows)
    return Counts(
        expected=sum(counts.expected for counts in found.values()),
        scanned=sum(counts.scanned or counts.expected for counts in found.values()),
    )


def _accepted(actor: Principal, draft: ScanDraft, trip: Trip, stop: TripStop, at: datetime) -> Answer:
    """整车验收: unloading here is over; every shipment that ends here is inspected and its shortage told."""
    legs = list(Leg.objects.filter(trip=trip, to_seq=stop.seq).exclude(state=LegState.LEFT_BEHIND))
    ledger = Ledger(actor=actor, ids=[leg.shipment_id for leg in legs])
    legs = [leg for leg in legs if not ledger.shipments[leg.shipment_id].final]
    for leg in legs:
        ledger.add(
            NewEvent(
                shipment_id=leg.shipment_id,
                kind=Kind.INSPECTED,
                source=SOURCE,
                key=draft.key,
                at=at,
                station=stop.station_code,
                trip_id=trip.pk,
            )
        )
    counting.close_unloading(ledger, trip, stop, legs, at)
    events = ledger.close()
    found = counting.unloading_of(trip, stop, legs, ledger)
    words, level = f"已验收 {len(legs)} 票", Level.OK
    if found.scanned and (found.short or found.over):
        level = Level.WARN
        words += f"，短少 {found.short} 件，已登记" if found.short else f"，多出 {found.over} 件，已登记"
    counts = found if found.scanned else None
    return Answer(_result(trip, level, words, counts, len(legs)), tuple(row.pk for row in events))
