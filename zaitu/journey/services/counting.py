"""Short and over: what was scanned against what was expected, told as facts when a stop is finished."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.counts import ALL, of_total
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.views import Counts, LegState
from zaitu.journey.models import JourneyEvent, Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.counts import scanned
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal

SOURCE: Final = "fact"
QUIET: Final = timedelta(minutes=45)
"""Unloading without a scan for so long is over."""
LOOKED_BACK: Final = timedelta(days=3)
STOPS_AT_ONCE: Final = 50


HELD: Final = "复核不符，未装车"
"""Why goods that a recheck holds back did not go with the truck."""


def omitted(leg: Leg, trip: Trip, stop: TripStop, at: datetime, cause: str = "") -> NewEvent:
    """The truck left without it; `cause` where it is known."""
    return NewEvent(
        shipment_id=leg.shipment_id,
        kind=Kind.PROBLEM,
        source=SOURCE,
        key=f"omitted:{trip.ref}:{stop.seq}",
        at=at,
        station=stop.station_code,
        data={"code": Problem.OMITTED.value, "trip": trip.ref, **({"cause": cause} if cause else {})},
    )


def scanned_shipments(trip: Trip, station: str) -> set[int]:
    """Those of which anything was scanned onto the trip here."""
    return set(scanned(kind=Kind.LOADED, station=station, trip_id=trip.pk))


def loading(trip_id: int, station: str, shipments: Iterable[Shipment]) -> dict[int, Counts]:
    """Pieces on board against the order, by shipment."""
    rows = list(shipments)
    found = scanned(kind=Kind.LOADED, station=station, trip_id=trip_id, shipment_ids=[row.pk for row in rows])
    return {
        row.pk: Counts(expected=row.pieces_total, scanned=of_total(found.get(row.pk), row.pieces_total))
        for row in rows
    }


def unloading(
    *,
    trip_id: int,
    boarded_at: dict[int, str],
    station: str,
    shipments: Iterable[Shipment],
    kind: Kind = Kind.UNLOADED,
) -> dict[int, Counts]:
    """Pieces taken off against those scanned on (or ordered, where loading is not scanned), by shipment."""
    rows = list(shipments)
    ids = [row.pk for row in rows]
    off = scanned(kind=kind, station=station, trip_id=trip_id, shipment_ids=ids)
    on: dict[int, int] = {}
    for origin in set(boarded_at.values()):
        on |= scanned(kind=Kind.LOADED, station=origin, trip_id=trip_id, shipment_ids=ids)
    return {
        row.pk: Counts(
            expected=of_total(on.get(row.pk, ALL), row.pieces_total),
            scanned=of_total(off.get(row.pk), row.pieces_total),
        )
        for row in rows
    }


def close_loading(ledger: Ledger, trip: Trip, stop: TripStop, legs: Iterable[Leg], at: datetime) -> None:
    """The truck leaves: a shipment loaded in part is short by the rest."""
    rows = [ledger.shipments[leg.shipment_id] for leg in legs if leg.from_seq == stop.seq]
    for pk, counts in loading(trip.pk, stop.station_code, rows).items():
        if 0 < counts.scanned < counts.expected:
            ledger.add(_short(pk, trip, stop, counts, at, "load"))


def close_unloading(ledger: Ledger, trip: Trip, stop: TripStop, legs: Iterable[Leg], at: datetime) -> None:
    """Unloading here is over. Where pieces were scanned off at all, those missing are short and those too many are over."""
    if stop.counted_at is None:
        stop.counted_at = at
        stop.save(update_fields=["counted_at"])
    ending = [leg for leg in legs if leg.to_seq == stop.seq]
    rows = [ledger.shipments[leg.shipment_id] for leg in ending]
    if not rows:
        return
    boarded = _boarded_at(trip, ending)
    found = unloading(trip_id=trip.pk, boarded_at=boarded, station=stop.station_code, shipments=rows)
    if not any(counts.scanned for counts in found.values()):
        return
    for pk, counts in found.items():
        if counts.short:
            ledger.add(_short(pk, trip, stop, counts, at, "unload"))
        elif counts.over:
            ledger.add(_over(pk, trip, stop, counts, at))


def _boarded_at(trip: Trip, legs: Iterable[Leg]) -> dict[int, str]:
    stations = dict(TripStop.objects.filter(trip=trip).values_list("seq", "station_code"))
    return {leg.shipment_id: stations[leg.from_seq] for leg in legs}


def short_key(trip: Trip, station: str, task: str) -> str:
    return f"short:{trip.ref}:{station}:{task}"


def _short(pk: int, trip: Trip, stop: TripStop, counts: Counts, at: datetime, task: str) -> NewEvent:
    words = "装车" if task == "load" else "卸车"
    return NewEvent(
        shipment_id=pk,
        kind=Kind.PROBLEM,
        source=SOURCE,
        key=short_key(trip, stop.station_code, task),
        at=at,
        station=stop.station_code,
        trip_id=trip.pk,
        pieces=counts.short,
        data={
            "code": Problem.SHORT.value,
            "cause": f"{words}应 {counts.expected} 件，实 {counts.scanned} 件，短少 {counts.short} 件",
            "expected": counts.expected,
            "scanned": counts.scanned,
        },
    )


def _over(pk: int, trip: Trip, stop: TripStop, counts: Counts, at: datetime) -> NewEvent:
    return NewEvent(
        shipment_id=pk,
        kind=Kind.PROBLEM,
        source=SOURCE,
        key=f"over:{trip.ref}:{stop.station_code}",
        at=at,
        station=stop.station_code,
        trip_id=trip.pk,
        pieces=counts.over,
        data={
            "code": Problem.OVER.value,
            "cause": f"卸车应 {counts.expected} 件，实 {counts.scanned} 件，多出 {counts.over} 件",
            "expected": counts.expected,
            "scanned": counts.scanned,
        },
    )


def solved(ledger: Ledger, shipment: Shipment, told: str, like: NewEvent) -> None:
    """The missing pieces turned up with the scan `like`: the shortage of this key (`short_key`) is over."""
    if any(event.key == f"{shipment.waybill}:{told}" for event in ledger.events[shipment.pk]):
        ledger.add(
            NewEvent(
                shipment_id=shipment.pk,
                kind=Kind.PROBLEM_SOLVED,
                source=SOURCE,
                key=f"solved:{like.key}",
                at=like.at,
                station=like.station,
                data={"code": Problem.SHORT.value},
            )
        )


def unloading_of(trip: Trip, stop: TripStop, legs: Iterable[Leg], ledger: Ledger) -> Counts:
    """Pieces off at this stop against those expected, of all rides that end here."""
    ending = list(legs)
    found = unloading(
        trip_id=trip.pk,
        boarded_at=_boarded_at(trip, ending),
        station=stop.station_code,
        shipments=[ledger.shipments[leg.shipment_id] for leg in ending],
    ).values()
    return Counts(
        expected=sum(counts.expected for counts in found), scanned=sum(counts.scanned for counts in found)
    )


def _quiet_stops(now: datetime) -> list[TripStop]:
    """Stops where unloading was scanned, not closed by anybody, and nothing has come for QUIET."""
    last = (
        JourneyEvent.objects.filter(
            trip_id=OuterRef("trip_id"), station_code=OuterRef("station_code"), kind=Kind.UNLOADED
        )
        .order_by()
        .values("trip_id")
        .annotate(last=Max("recorded_at"))
        .values("last")
    )
    found = TripStop.objects.filter(counted_at=None, arrived_at__gt=now - LOOKED_BACK).annotate(
        last=Subquery(last)
    )
    return list(found.filter(last__lt=now - QUIET).order_by("id")[:STOPS_AT_ONCE])


def close_quiet(*, actor: Principal) -> int:
    """Close unloading where it has come to rest without anybody saying so; how many stops."""
    now = clock.now()
    stops = _quiet_stops(now)
    for stop in stops:
        _close_quiet(actor, stop, now)
    return len(stops)


@transaction.atomic
def _close_quiet(actor: Principal, stop: TripStop, now: datetime) -> None:
    """One stop a transaction: the shipments of several are in no one order."""
    trip = Trip.objects.select_for_update(no_key=True).get(pk=stop.trip_id)
    legs = list(Leg.objects.filter(trip=trip, to_seq=stop.seq).exclude(state=LegState.LEFT_BEHIND))
    ledger = Ledger(actor=actor, ids=[leg.shipment_id for leg in legs])
    close_unloading(ledger, trip, stop, legs, now)
    ledger.close()
