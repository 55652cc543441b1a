"""Reads of trips: one, a page of them, a station's loading sheet."""

from collections.abc import Iterable, Sequence

from django.db.models import Count, Q, Sum

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.counts import ALL, of_total
from zaitu.journey.domain.views import (
    TRIP_STATE_TEXTS,
    Counts,
    LegState,
    SheetRow,
    SheetView,
    TripState,
    TripStopView,
    TripView,
)
from zaitu.journey.models import Leg, Trip, TripStop
from zaitu.journey.selectors.counts import loaded, scanned
from zaitu.journey.selectors.gathered import stops_of
from zaitu.journey.selectors.rechecks import mismatched
from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page
from zaitu.network import public as network

PAGE_SIZE = 50


def trip(ref: str) -> Trip:
    """Raises NotFound."""
    found = Trip.objects.filter(ref=ref.strip().upper()).first()
    if found is None:
        raise NotFound(f"没有车次 {ref}")
    return found


def trip_views(trips: Sequence[Trip]) -> list[TripView]:
    """Five queries for any number of trips."""
    ids = [row.pk for row in trips]
    stops = stops_of(ids)
    drivers = network.drivers_by_ids({row.driver_id for row in trips if row.driver_id})
    totals = _totals(ids)
    on_board = loaded(ids)
    views = []
    for row in trips:
        driver = drivers.get(row.driver_id) if row.driver_id else None
        shipments, expected = totals.get(row.pk, (0, 0))
        views.append(
            TripView(
                ref=row.ref,
                line=row.line_code,
                line_name=row.line_name,
                plate=row.plate,
                vehicle_id=row.vehicle_id,
                driver=driver.name if driver else "",
                driver_code=driver.code if driver else "",
                state=row.state,
                state_text=TRIP_STATE_TEXTS[TripState(row.state)][0],
                departs_at=row.departs_at,
                stops=tuple(stop_view(stop) for stop in stops[row.pk]),
                points=tuple((lat, lon) for lat, lon in row.points),
                length_m=row.length_m,
                expected=expected,
                loaded=on_board.get(row.pk, 0),
                shipments=shipments,
            )
        )
    return views


def stop_view(stop: TripStop) -> TripStopView:
    return TripStopView(
        seq=stop.seq,
        station_code=stop.station_code,
        name=stop.name,
        city=stop.city,
        lat=stop.lat,
        lon=stop.lon,
        along_m=stop.along_m,
        planned_arrival=stop.planned_arrival,
        planned_departure=stop.planned_departure,
        eta=stop.eta,
        arrived_at=stop.arrived_at,
        departed_at=stop.departed_at,
        key_node=stop.key_node,
    )


def _totals(trip_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(shipments, pieces) by trip, those left behind not counted."""
    rows = (
        Leg.objects.filter(trip_id__in=list(trip_ids))
        .exclude(state=LegState.LEFT_BEHIND)
        .values_list("trip_id")
        .annotate(shipments=Count("id"), pieces=Sum("shipment__pieces_total"))
    )
    return {trip_id: (shipments, pieces or 0) for trip_id, shipments, pieces in rows}


def trips(*, state: str, text: str, page: int) -> Page[TripView]:
    """Newest departure first; `text` is part of a ref, plate or line name."""
    found = Trip.objects.all()
    if state:
        found = found.filter(state=state)
    if words := text.strip():
        found = found.filter(
            Q(ref__icontains=words)
            | Q(plate__icontains=words)
            | Q(line_name__icontains=words)
            | Q(line_code__iexact=words)
        )
    start = (max(1, page) - 1) * PAGE_SIZE
    rows = list(found.order_by("-departs_at", "-id")[start : start + PAGE_SIZE])
    return Page(rows=tuple(trip_views(rows)), total=found.count(), page=max(1, page), size=PAGE_SIZE)


def sheet(ref: str, station: str) -> SheetView:
    """Everything this station loads onto and unloads from a trip. Raises NotFound for a trip that does not stop there."""
    row = trip(ref)
    stops = stops_of([row.pk])[row.pk]
    stop = next((one for one in stops if one.station_code == station), None)
    if stop is None:
        raise NotFound(f"车次 {row.ref} 不经过本站")
    here = list(
        Leg.objects.filter(trip=row)
        .filter(Q(from_seq=stop.seq) | Q(to_seq=stop.seq))
        .select_related("shipment")
        .defer("shipment__document")
        .order_by("shipment__waybill")
    )
    legs = [leg for leg in here if leg.state != LegState.LEFT_BEHIND]
    behind = [leg for leg in here if leg.state == LegState.LEFT_BEHIND and leg.from_seq == stop.seq]
    held = mismatched([leg.shipment for leg in here if leg.from_seq == stop.seq])
    on = scanned(kind=Kind.LOADED, station=station, trip_id=row.pk)
    off = scanned(kind=Kind.UNLOADED, station=station, trip_id=row.pk)
    boarded: dict[int, int] = {}
    for code in {stops[leg.from_seq].station_code for leg in legs if leg.to_seq == stop.seq}:
        boarded |= scanned(kind=Kind.LOADED, station=code, trip_id=row.pk)
    rows, left = (
        [_sheet_row(leg, stop.seq, on, off, boarded, held) for leg in several] for several in (legs, behind)
    )
    return SheetView(
        trip=row.ref,
        plate=row.plate,
        station_code=station,
        station_name=stop.name,
        rows=tuple(rows),
        load=_sum(rows, "load"),
        unload=_sum(rows, "unload"),
        behind=tuple(left),
    )


def _sheet_row(
    leg: Leg, seq: int, on: dict[int, int], off: dict[int, int], boarded: dict[int, int], held: set[int]
) -> SheetRow:
    shipment, loads = leg.shipment, leg.from_seq == seq
    total = shipment.pieces_total
    expected = total if loads else of_total(boarded.get(shipment.pk, ALL), total)
    found = of_total((on if loads else off).get(shipment.pk), total)
    counts = Counts(expected=expected, scanned=found)
    return SheetRow(
        waybill=shipment.waybill,
        goods=shipment.goods,
        to_station=shipment.to_station,
        task="load" if loads else "unload",
        pieces_expected=expected,
        pieces_scanned=found,
        short=counts.short,
        over=counts.over,
        held=loads and shipment.pk in held,
    )


def _sum(rows: Iterable[SheetRow], task: str) -> Counts:
    chosen = [row for row in rows if row.task == task]
    return Counts(
        expected=sum(row.pieces_expected for row in chosen), scanned=sum(row.pieces_scanned for row in chosen)
    )
