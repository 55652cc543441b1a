"""The timer: new predictions for every running trip and what follows from them, in a fixed number of queries.

Runs every 30 seconds. It also turns time passing into events: `arriving_soon`, and silence of a truck under way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.delivery import worth_telling
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.journey.domain.views import LegState, Refreshed, TripState
from zaitu.journey.models import EtaErrors, Leg, SegmentPace, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import hours_of, stops_of
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.orders import last_mile
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry

SOURCE: Final = "timer"
SILENCE: Final = timedelta(hours=2)
"""A truck under way that says nothing for so long is an exception (product.md, first roll-out stage)."""
CHUNK: Final = 500
"""Shipments changed in one transaction."""
LOOSE_MAX: Final = 2_000
"""Overdue shipments without a running truck looked at in one run; the others follow in the next."""
_RIDING: Final = (
    Status.ORDERED,
    Status.AWAITING_DEPARTURE,
    Status.IN_TRANSIT,
    Status.AT_STOP,
    Status.ARRIVING_SOON,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one shipment should hear of."""

    shipment_id: int
    trip: Trip | None = None
    window: etas.Window | None = None
    """A new estimate, before delivery hours."""
    station: network.StationView | None = None
    """Where it is to be delivered from, when it has an estimate."""
    reason: etas.Reason = etas.Reason.PROGRESS
    soon: str = ""
    """Key of an `arriving_soon`; empty: none."""
    stops: tuple[TripStop, ...] = ()
    """Stops of its ride whose told arrival is no longer right."""
    silent_since: datetime | None = None
    heard: bool = False


@dataclass(slots=True)
class _Picture:
    """All running trips at one instant."""

    now: datetime
    trips: dict[int, Trip]
    stops: dict[int, list[TripStop]]
    latest: Mapping[int, telemetry.Latest]
    paces: dict[str, dict[tuple[int, int], tuple[float, int]]] = field(default_factory=dict)
    errors: dict[tuple[str, int], tuple[float, ...]] = field(default_factory=dict)
    arrivals: dict[int, dict[int, datetime]] = field(default_factory=dict)
    """By trip: predicted arrival by seq."""
    moved: defaultdict[int, list[TripStop]] = field(default_factory=lambda: defaultdict(list))
    """By trip: stops whose prediction is far from what documents show."""
    listening_since: datetime | None = None

    def progress(self, trip: Trip) -> telemetry.Latest | None:
        """The vehicle's fix, if it was taken on this trip."""
        fix = self.latest.get(trip.vehicle_id)
        return fix if fix is not None and fix.trip == trip.ref else None

    def heard_at(self, trip: Trip, boarded_at: datetime) -> datetime:
        """When anything was last known of the truck; where only a scan of its goods told that it left, that scan."""
        fix = self.latest.get(trip.vehicle_id)
        times = [fix.received_at if fix else None, trip.started_at]
        times += [at for stop in self.stops[trip.pk] for at in (stop.arrived_at, stop.departed_at)]
        return max((at for at in times if at is not None), default=boarded_at)

    def silent(self, heard_at: datetime) -> bool:
        since = max(heard_at, self.listening_since or heard_at)
        return self.now - since > SILENCE


def eta_refresh(*, actor: Principal, listening_since: datetime | None = None) -> Refreshed:
    """Predict anew and tell what matters. Running twice at once or again tells nothing twice.

    `listening_since`: before this instant nobody of us was there to hear; a truck's silence counts from then on.
    """
    now = clock.now()
    under_way = Q(state=TripState.RUNNING) | Q(state=TripState.PLANNED, departs_at__lt=now)
    picture = _picture(actor, now, Trip.objects.filter(under_way))
    picture.listening_since = listening_since
    _predict(picture)
    stops = _stops_save(picture)
    changes = [*_riding_changes(picture), *_loose_changes(picture)]
    told = soon = silent = 0
    for start in range(0, len(changes), CHUNK):
        counts = _apply(actor, changes[start : start + CHUNK], picture.now)
        told, soon, silent = told + counts[0], soon + counts[1], silent + counts[2]
    return Refreshed(trips=len(picture.trips), stops=stops, shipments=told, soon=soon, silent=silent)


def _picture(actor: Principal, now: datetime, rows: QuerySet[Trip]) -> _Picture:
    trips = {trip.pk: trip for trip in rows.defer("points")}
    lines = {trip.line_code for trip in trips.values()}
    picture = _Picture(
        now=now,
        trips=trips,
        stops=stops_of(trips),
        latest=telemetry.latest(actor=actor, vehicle_ids={trip.vehicle_id for trip in trips.values()}),
    )
    for pace in SegmentPace.objects.filter(line_code__in=lines):
        picture.paces.setdefault(pace.line_code, {})[pace.from_seq, pace.hour] = (
            pace.pace_s_per_km,
            pace.runs,
        )
    for row in EtaErrors.objects.filter(line_code__in=lines):
        picture.errors[row.line_code, row.horizon_h] = tuple(row.errors_s)
    return picture


def _predict(picture: _Picture) -> None:
    for trip in picture.trips.values():
        paces = picture.paces.get(trip.line_code, {})
        picture.arrivals[trip.pk] = etas.arrivals(_run(picture, trip), paces, picture.now)


def _run(picture: _Picture, trip: Trip) -> etas.Run:
    fix = picture.progress(trip)
    return etas.Run(
        stops=[
            etas.RunStop(
                seq=stop.seq,
                along_m=stop.along_m,
                dwell=timedelta(minutes=stop.dwell_min),
                planned_arrival=stop.planned_arrival,
                planned_departure=stop.planned_departure,
                arrived_at=stop.arrived_at,
                departed_at=stop.departed_at,
            )
            for stop in picture.stops[trip.pk]
        ],
        along_m=fix.along_m if fix else None,
        fix_at=fix.at if fix else None,
    )


def _stops_save(picture: _Picture) -> int:
    """Stops whose prediction moved by a minute or more, and one prediction per horizon to learn from."""
    changed: list[TripStop] = []
    for trip_id, arrivals in picture.arrivals.items():
        for stop in picture.stops[trip_id]:
            at = arrivals.get(stop.seq)
            if at is None or stop.arrived_at is not None:
                continue
            if etas.moved(stop.eta_told, at, picture.now):
                picture.moved[trip_id].append(stop)
            moved = stop.eta is None or abs(at - stop.eta) >= timedelta(minutes=1)
            if _remember(stop, at, picture.now) or moved:
                stop.eta = at
                changed.append(stop)
    # A stop that was reached meanwhile is predicted no more.
    TripStop.objects.filter(arrived_at=None).bulk_update(changed, ["eta", "predictions"], batch_size=CHUNK)
    return len(changed)


def _remember(stop: TripStop, at: datetime, now: datetime) -> bool:
    horizon = etas.horizon_of(at - now)
    if stop.predictions:
        made, predicted = (datetime.fromisoformat(text) for text in stop.predictions[-1])
        if etas.horizon_of(predicted - made) == horizon:
            return False
    stop.predictions = [*stop.predictions, [now.isoformat(), at.isoformat()]][-len(etas.HORIZONS_H) * 2 :]
    return True


def _riding_changes(picture: _Picture) -> Iterable[_Change]:
    legs = list(
        Leg.objects.filter(
            trip_id__in=picture.trips,
            state__in=(LegState.PLANNED, LegState.ON_BOARD),
            shipment__final=False,
            shipment__status__in=_RIDING,
        )
        .select_related("shipment")
        .defer("shipment__document", "shipment__notice_link")
    )
    stations = network.stations_by_codes({leg.shipment.to_station for leg in legs})
    for leg in legs:
        change = _riding_change(picture, leg, stations)
        if change is not None:
            yield change


def _riding_change(
    picture: _Picture, leg: Leg, stations: Mapping[str, network.StationView]
) -> _Change | None:
    trip, shipment, now = picture.trips[leg.trip_id], leg.shipment, picture.now
    aboard = leg.state == LegState.ON_BOARD
    heard_at = picture.heard_at(trip, shipment.status_at) if aboard else now
    told_silent = bool(shipment.exception and shipment.exception["code"] == Problem.NO_UPDATE)
    silent = picture.silent(heard_at) and not told_silent
    heard = told_silent and now - heard_at <= SILENCE
    stop = next(stop for stop in picture.stops[trip.pk] if stop.seq == leg.to_seq)
    arrival = picture.arrivals[trip.pk].get(leg.to_seq)
    station = stations.get(stop.station_code) if stop.station_code == shipment.to_station else None
    window = soon = None
    if arrival is not None and station is not None:
        window = _window(picture, trip, arrival + last_mile(station.kind))
        is_near = aboard and arrival - now <= etas.SOON and shipment.detail != Detail.RETURNING
        soon = is_near and shipment.status in (Status.IN_TRANSIT, Status.AT_STOP)
    matters = window is not None and worth_telling(
        window, hours_of(station), detail=shipment.detail, told=shipment.eta, now=now
    )
    stops = tuple(one for one in picture.moved[trip.pk] if leg.from_seq < one.seq <= leg.to_seq)
    if not (matters or soon or silent or heard or stops):
        return None
    return _Change(
        shipment_id=shipment.pk,
        trip=trip,
        window=window if matters else None,
        station=station,
        reason=_reason(picture, trip),
        soon=f"soon:{trip.ref}" if soon else "",
        stops=stops,
        silent_since=heard_at if silent else None,
        heard=heard,
    )


def _window(picture: _Picture, trip: Trip, eta: datetime) -> etas.Window:
    horizon = etas.horizon_of(eta - picture.now)
    return etas.window(eta, picture.now, picture.errors.get((trip.line_code, horizon), ()))


def _reason(picture: _Picture, trip: Trip) -> etas.Reason:
    origin = picture.stops[trip.pk][0]
    if origin.departed_at is None and picture.now > origin.planned_departure:
        return etas.Reason.DEPARTED_LATE
    return etas.Reason.PROGRESS


def _loose_changes(picture: _Picture) -> Iterable[_Change]:
    """Shipments with a courier who come near, and those whose time has passed without a running truck."""
    delivering = Q(detail=Detail.OUT_FOR_DELIVERY, eta__lte=picture.now + etas.SOON)
    overdue = Q(eta__lt=picture.now)
    rows = (
        Shipment.objects.filter(delivering | overdue, final=False)
        .exclude(status=Status.READY_FOR_PICKUP)
        .exclude(detail__in=(Detail.RETURNING, Detail.PART))
        .exclude(trip_id__in=picture.trips, vehicle__isnull=False)
        .order_by("eta")
        .only("id", "eta", "eta_planned", "detail", "status", "status_at", "to_station")[:LOOSE_MAX]
    )
    stations = network.stations_by_codes({row.to_station for row in rows})
    for row in rows:
        soon = f"soon:{row.status_at.isoformat()}" if row.detail == Detail.OUT_FOR_DELIVERY else ""
        late = row.eta is not None and row.eta < picture.now
        ahead = picture.now + etas.overdue_step(picture.now - (row.eta_planned or row.eta or picture.now))
        yield _Change(
            shipment_id=row.pk,
            window=etas.window(ahead, picture.now) if late else None,
            station=stations.get(row.to_station),
            reason=etas.Reason.OVERDUE,
            soon=soon,
        )


@transaction.atomic
def _apply(actor: Principal, changes: Sequence[_Change], now: datetime) -> tuple[int, int, int]:
    """(told, soon, silent). Looks again once the shipments are locked: a scan may have come meanwhile."""
    ledger = Ledger(actor=actor, ids=[change.shipment_id for change in changes])
    _stops_told(changes)
    told = soon = silent = 0
    for change in changes:
        shipment = ledger.shipments[change.shipment_id]
        if shipment.final or (change.trip and shipment.trip_id != change.trip.pk):
            continue
        if change.window is not None:
            told += ledger.estimate(shipment.pk, change.window, change.reason, change.station)
        if change.stops:
            ledger.touch([shipment.pk])
        if change.soon:
            soon += ledger.add(_event(change, Kind.ARRIVING_SOON, change.soon, now))
        if change.silent_since is not None:
            key = f"silence:{change.silent_since.isoformat()}"
            silent += ledger.add(_event(change, Kind.PROBLEM, key, now, code=Problem.NO_UPDATE.value))
        if change.heard:
            key = f"heard:{now.isoformat()}"
            ledger.add(_event(change, Kind.PROBLEM_SOLVED, key, now, code=Problem.NO_UPDATE.value))
    ledger.close()
    return told, soon, silent


def _stops_told(changes: Iterable[_Change]) -> None:
    """In the transaction of the documents that show it."""
    stops = {stop.pk: stop for change in changes for stop in change.stops}
    for stop in stops.values():
        stop.eta_told = stop.eta
    TripStop.objects.filter(arrived_at=None).bulk_update(
        [stops[pk] for pk in sorted(stops)], ["eta_told"], batch_size=CHUNK
    )


def _event(change: _Change, kind: Kind, key: str, at: datetime, **data: str) -> NewEvent:
    return NewEvent(
        shipment_id=change.shipment_id,
        kind=kind,
        source=SOURCE,
        key=key,
        at=at,
        trip_id=change.trip.pk if change.trip else None,
        data=data,
        # What came near by a word that was taken back comes near again.
        anew=kind is Kind.ARRIVING_SOON,
    )


# Words that were taken back


def predict_again(*, actor: Principal, ledger: Ledger, trip_ids: Iterable[int], since: datetime) -> None:
    """What follows for these trips, and for their goods in an open ledger, at once: they are where other words put them.

    `since`: when the first of the words was told; a truck that has come near since then has come near by them.
    """
    open_ones = Trip.objects.filter(pk__in=list(trip_ids), state__in=(TripState.PLANNED, TripState.RUNNING))
    picture = _picture(actor, clock.now(), open_ones)
    if not picture.trips:
        return
    _predict(picture)
    for trip_id, arrivals in picture.arrivals.items():
        for stop in picture.stops[trip_id]:
            at = arrivals.get(stop.seq)
            if at is None or stop.arrived_at is not None:
                continue
            stop.eta = at
            if etas.moved(stop.eta_told, at, picture.now):
                stop.eta_told = at
            stop.save(update_fields=["eta", "eta_told"])
    legs = Leg.objects.filter(
        trip__in=picture.trips,
        shipment__in=ledger.shipments,
        state__in=(LegState.PLANNED, LegState.ON_BOARD),
    )
    stations = network.stations_by_codes({row.to_station for row in ledger.shipments.values()})
    for leg in legs:
        _leg_again(picture, ledger, leg, stations, since)


def _leg_again(
    picture: _Picture,
    ledger: Ledger,
    leg: Leg,
    stations: Mapping[str, network.StationView],
    since: datetime,
) -> None:
    trip, shipment = picture.trips[leg.trip_id], ledger.shipments[leg.shipment_id]
    stop = next(one for one in picture.stops[trip.pk] if one.seq == leg.to_seq)
    arrival = picture.arrivals[trip.pk].get(leg.to_seq)
    state = ledger.state(shipment.pk)
    station = stations.get(stop.station_code) if stop.station_code == shipment.to_station else None
    if state.final or state.status not in _RIDING or arrival is None or station is None:
        return
    if state.status is Status.ARRIVING_SOON and arrival - picture.now > etas.SOON:
        told = f"{shipment.waybill}:soon:{trip.ref}"
        for event in list(ledger.events[shipment.pk]):
            if event.id in state.effective and event.key.startswith(told) and event.at >= since:
                ledger.add(_voided(shipment, event.id, picture.now))
    window = _window(picture, trip, arrival + last_mile(station.kind))
    if shipment.eta_reason == etas.Reason.ARRIVED:
        ledger.retime(shipment.pk, window, _reason(picture, trip))
    else:
        ledger.estimate(shipment.pk, window, _reason(picture, trip), station)


def _voided(shipment: Shipment, event_id: int, at: datetime) -> NewEvent:
    return NewEvent(
        shipment_id=shipment.pk,
        kind=Kind.VOIDED,
        source=SOURCE,
        key=f"void:{event_id}",
        at=at,
        target=event_id,
    )
