"""Planning a trip, assigning shipments to it, ending it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet

from zaitu.access import public as access
from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.routes import simplified
from zaitu.journey.domain.views import TRIP_STATE_TEXTS, LegState, TripDraft, TripState
from zaitu.journey.events import TripChanged
from zaitu.journey.models import Leg, Shipment, Trip, TripStop
from zaitu.journey.selectors.gathered import stops_of
from zaitu.journey.services.ledger import Ledger
from zaitu.journey.services.orders import last_mile
from zaitu.kernel import clock, outbox
from zaitu.kernel.errors import Conflict, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal, system
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry

WATCH_BEFORE: Final = timedelta(hours=2)
"""So long before its planned departure a vehicle's fixes count for the trip."""
ASSIGN_MAX: Final = 1_000
_LOCK_CLASS: Final = 5_051
"""First key of the advisory locks taken here (an arbitrary number, one per use)."""
_INSIDE: Final = system("journey.trips")


def _lock(number: int) -> None:
    """Take turns per vehicle, or per day for the refs, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, number])


@transaction.atomic
def trip_plan(*, actor: Principal, draft: TripDraft) -> Trip:
    """Plan a run of a line by a vehicle. Raises Invalid, NotFound, Conflict when the vehicle is taken at that time."""
    line = network.line_get(actor=_INSIDE, code=draft.line)
    vehicle = network.vehicle_get(actor=_INSIDE, plate=draft.plate)
    driver = _driver(draft.driver_code)
    if draft.departs_at.tzinfo is None:
        raise Invalid("发车时间须带时区", fields={"departs_at": "发车时间须带时区"})
    _lock(vehicle.id)
    ends_at = draft.departs_at + timedelta(minutes=line.stops[-1].arrive_after_min)
    _must_be_free(vehicle, draft.departs_at, ends_at)
    trip = Trip.objects.create(
        ref=ref_next(draft.departs_at),
        line_code=line.code,
        line_name=line.name,
        vehicle_id=vehicle.id,
        plate=vehicle.plate,
        driver_id=driver.id if driver else None,
        departs_at=draft.departs_at,
        points=simplified(line.points),
        length_m=line.length_m,
        created_by=actor.name[:80],
        created_at=clock.now(),
    )
    TripStop.objects.bulk_create(stop_planned(trip, stop) for stop in line.stops)
    watch_next(vehicle.id)
    outbox.put(TripChanged(trip=trip.ref, state=trip.state, at=trip.created_at))
    access.audit(
        actor=actor,
        action="trip.plan",
        subject=trip.ref,
        detail={"line": line.code, "vehicle": vehicle.id, "departs_at": trip.departs_at.isoformat()},
    )
    return trip


def _driver(code: str | None) -> network.DriverView | None:
    if not code:
        return None
    driver = network.drivers_by_codes([code]).get(code)
    if driver is None:
        raise Invalid(f"没有编码为 {code} 的司机", fields={"driver_code": "没有这个司机"})
    return driver


def _must_be_free(vehicle: network.VehicleView, start: datetime, end: datetime) -> None:
    taken = (
        Trip.objects.filter(
            vehicle_id=vehicle.id, state__in=(TripState.PLANNED, TripState.RUNNING), departs_at__lt=end
        )
        .order_by("-departs_at")
        .values_list("id", "ref")
    )
    for trip_id, ref in taken:
        last = TripStop.objects.filter(trip_id=trip_id).order_by("-seq").first()
        if last is not None and (last.eta or last.planned_arrival) > start:
            raise Conflict(f"{vehicle.plate} 在该时段已有车次 {ref}，请换车或调整发车时间")


def ref_next(departs_at: datetime) -> str:
    """`T20261122-001`: the Chinese day of departure and a number within it."""
    day = clock.local(departs_at)
    _lock(-int(f"{day:%Y%m%d}"))
    prefix = f"T{day:%Y%m%d}-"
    last = Trip.objects.filter(ref__startswith=prefix).order_by("-ref").values_list("ref", flat=True).first()
    number = int(last.removeprefix(prefix)) + 1 if last else 1
    if number > 999:
        raise RuleBroken("当天车次已满 999 个")
    return f"{prefix}{number:03d}"


def stop_planned(trip: Trip, stop: network.LineStopView) -> TripStop:
    """Not saved yet."""
    arrival = trip.departs_at + timedelta(minutes=stop.arrive_after_min)
    # Before the origin nothing is driven: the truck stands there until the planned departure.
    departure = arrival if stop.seq == 0 else arrival + timedelta(minutes=stop.dwell_min)
    return TripStop(
        trip=trip,
        seq=stop.seq,
        station_code=stop.station.code,
        name=stop.station.name,
        city=stop.station.city,
        lat=stop.station.lat,
        lon=stop.station.lon,
        along_m=stop.along_m,
        dwell_min=stop.dwell_min,
        key_node=stop.key_node,
        planned_arrival=arrival,
        planned_departure=departure,
        eta=None if stop.seq == 0 else arrival,
        eta_told=None if stop.seq == 0 else arrival,
    )


def watch_next(vehicle_id: int) -> None:
    """Have the vehicle watched for the trip it has started last and not ended, or else for the next planned one."""
    open_trips = Trip.objects.filter(
        vehicle_id=vehicle_id, state__in=(TripState.PLANNED, TripState.RUNNING)
    ).order_by(F("started_at").desc(nulls_last=True), "departs_at")
    trip = open_trips.first()
    if trip is None:
        return
    line = network.line_get(actor=_INSIDE, code=trip.line_code)
    stops = stops_of([trip.pk])[trip.pk]
    stations = network.stations_by_codes({stop.station_code for stop in stops})
    telemetry.watch_set(
        actor=_INSIDE,
        vehicle_id=vehicle_id,
        watch=telemetry.Watch(
            trip=trip.ref,
            route=line.points,
            stops=tuple(
                telemetry.WatchStop(
                    seq=stop.seq,
                    lat=stop.lat,
                    lon=stop.lon,
                    radius_m=stations[stop.station_code].radius_m,
                    along_m=stop.along_m,
                    fence=stations[stop.station_code].fence,
                )
                for stop in stops
            ),
            from_at=trip.departs_at - WATCH_BEFORE,
        ),
    )


def trip_locked(ref: str) -> Trip:
    """Raises NotFound."""
    return _trip(ref, Trip.objects.select_for_update(no_key=True))


def _trip(ref: str, trips: QuerySet[Trip] | None = None) -> Trip:
    found = (Trip.objects.all() if trips is None else trips).filter(ref=ref.strip().upper()).first()
    if found is None:
        raise NotFound(f"没有车次 {ref}")
    return found


def rides_locked(shipment_ids: Iterable[int], *trips: Trip) -> frozenset[int]:
    """Lock these trips and those the shipments ride on, in order of their ids; before the shipments themselves.

    Rides are put on a trip and taken off only by who holds it: a stop that has locked its trip finds the same rides
    before and after it waits for their shipments.
    """
    legs = Leg.objects.filter(shipment_id__in=list(shipment_ids)).exclude(state=LegState.LEFT_BEHIND)
    wanted = {trip.pk for trip in trips} | set(legs.values_list("trip_id", flat=True))
    rows = Trip.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("id")
    return frozenset(rows.values_list("id", flat=True))


def must_hold(held: frozenset[int], legs: Iterable[Leg]) -> None:
    """Raises Conflict for a ride that came on another trip while we waited for its shipment."""
    if any(leg.trip_id not in held for leg in legs):
        raise Conflict("运单刚刚改配到其他车次，请刷新后重试")


@transaction.atomic
def trip_assign(*, actor: Principal, trip: str, waybills: Sequence[str]) -> list[str]:
    """Put shipments on a trip, from their station to the last one it can bring them to; those that were on it stay.

    A shipment planned for another trip that has not left moves over. Returns the waybills newly assigned.
    Raises NotFound, RuleBroken when one of them cannot go with it (then none is assigned).
    """
    if len(waybills) > ASSIGN_MAX:
        raise Invalid(f"一次最多配载 {ASSIGN_MAX} 票")
    row, ids = _trip(trip), _ids(waybills)
    held = rides_locked(ids, row)
    row.refresh_from_db(fields=["state"])
    if row.state not in (TripState.PLANNED, TripState.RUNNING):
        raise RuleBroken(f"车次 {row.ref} {TRIP_STATE_TEXTS[TripState(row.state)][0]}，不能再配载")
    ledger = Ledger(actor=actor, ids=ids)
    must_hold(held, Leg.objects.filter(shipment__in=ids, state=LegState.PLANNED))
    assigned = assign(ledger, row, [ledger.shipments[pk] for pk in ids])
    ledger.close()
    if assigned:
        access.audit(actor=actor, action="trip.assign", subject=row.ref, detail={"waybills": assigned})
    return assigned


def _ids(waybills: Iterable[str]) -> list[int]:
    wanted = list(dict.fromkeys(waybills))
    found = dict(Shipment.objects.filter(waybill__in=wanted).values_list("waybill", "id"))
    missing = [waybill for waybill in wanted if waybill not in found]
    if missing:
        raise NotFound("没有运单 " + "、".join(missing[:5]))
    return [found[waybill] for waybill in wanted]


def assign(ledger: Ledger, trip: Trip, shipments: Sequence[Shipment]) -> list[str]:
    """Make the legs within an open ledger and tell the ETA they bring; see `trip_assign`. The trip must be locked."""
    stops = stops_of([trip.pk])[trip.pk]
    legs = list(Leg.objects.filter(shipment__in=shipments).select_related("trip"))
    on_it = {leg.shipment_id for leg in legs if leg.trip_id == trip.pk and leg.state != LegState.LEFT_BEHIND}
    new: list[Leg] = []
    for shipment in shipments:
        if shipment.pk in on_it:
            continue
        if shipment.final:
            raise RuleBroken(f"运单 {shipment.waybill} 已办结，不能配载")
        new.append(_leg(trip, stops, shipment, [leg for leg in legs if leg.shipment_id == shipment.pk]))
    moved = [leg.pk for leg in legs if leg.state == LegState.PLANNED and leg.shipment_id not in on_it]
    again = [leg.pk for leg in legs if leg.trip_id == trip.pk and leg.state == LegState.LEFT_BEHIND]
    Leg.objects.filter(pk__in=[*moved, *again]).delete()
    Leg.objects.bulk_create(new)
    if trip.state != TripState.MISSED:
        _retime(ledger, stops, new)
    ledger.touch(leg.shipment_id for leg in new)
    return [ledger.shipments[leg.shipment_id].waybill for leg in new]


def _leg(trip: Trip, stops: Sequence[TripStop], shipment: Shipment, legs: Sequence[Leg]) -> Leg:
    if any(leg.state == LegState.ON_BOARD for leg in legs):
        raise RuleBroken(f"运单 {shipment.waybill} 还在另一车上，卸车后才能配载")
    here = shipment.place if any(leg.state == LegState.DONE for leg in legs) else shipment.from_station
    board = next((stop for stop in stops if stop.station_code == here and stop.departed_at is None), None)
    if board is None:
        raise RuleBroken(f"车次 {trip.ref} 不经过运单 {shipment.waybill} 所在站点，请改配其他车次")
    after = [stop for stop in stops if stop.seq > board.seq]
    if not after:
        raise RuleBroken(f"车次 {trip.ref} 以运单 {shipment.waybill} 所在站点为终点，请改配其他车次")
    leave = next((stop for stop in after if stop.station_code == shipment.to_station), after[-1])
    return Leg(shipment=shipment, trip=trip, from_seq=board.seq, to_seq=leave.seq)


def _retime(ledger: Ledger, stops: Sequence[TripStop], legs: Iterable[Leg]) -> None:
    """The planned trip's arrival becomes the ETA, where it goes to the destination itself."""
    now = clock.now()
    by_seq = {stop.seq: stop for stop in stops}
    stations = network.stations_by_codes({stop.station_code for stop in stops})
    for leg in legs:
        stop = by_seq[leg.to_seq]
        shipment = ledger.shipments[leg.shipment_id]
        if stop.station_code != shipment.to_station:
            continue
        station = stations[stop.station_code]
        window = etas.window((stop.eta or stop.planned_arrival) + last_mile(station.kind), now)
        ledger.estimate(shipment.pk, window, etas.Reason.TRIP_PLANNED, station)


@transaction.atomic
def trip_cancel(*, actor: Principal, trip: str, reason: str) -> Trip:
    """Take a planned trip back; its shipments wait for another. Raises NotFound, Invalid, RuleBroken once it has left."""
    if not reason.strip():
        raise Invalid("请填写取消原因", fields={"reason": "请填写取消原因"})
    row = trip_locked(trip)
    if row.state not in (TripState.PLANNED, TripState.MISSED):
        raise RuleBroken(f"车次 {row.ref} 已发车或已结束，不能取消")
    ids = list(Leg.objects.filter(trip=row).values_list("shipment_id", flat=True))
    ledger = Ledger(actor=actor, ids=ids)
    Leg.objects.filter(trip=row).delete()
    row.state = TripState.CANCELLED
    row.save(update_fields=["state"])
    ledger.touch(ids)
    ledger.close()
    unwatch(row)
    outbox.put(TripChanged(trip=row.ref, state=row.state, at=clock.now()))
    access.audit(actor=actor, action="trip.cancel", subject=row.ref, detail={"reason": reason.strip()[:200]})
    return row


@transaction.atomic
def trip_finish(*, actor: Principal, trip: str, reason: str) -> Trip:
    """End a trip that nobody saw arrive (broken down, unloaded elsewhere); again without effect.

    What was on board is off it and stays where its own events put it; what was not loaded waits for another trip.
    Raises NotFound, Invalid without a reason, RuleBroken for a cancelled one.
    """
    if not reason.strip():
        raise Invalid("请填写原因", fields={"reason": "请填写原因"})
    row = trip_locked(trip)
    if row.state == TripState.CANCELLED:
        raise RuleBroken(f"车次 {row.ref} 已取消")
    if row.state == TripState.DONE:
        return row
    now = clock.now()
    legs = Leg.objects.filter(trip=row)
    ledger = Ledger(actor=actor, ids=list(legs.values_list("shipment_id", flat=True)))
    legs.filter(state=LegState.PLANNED).update(state=LegState.LEFT_BEHIND)
    legs.filter(state=LegState.ON_BOARD).update(state=LegState.DONE)
    row.state, row.done_at = TripState.DONE, now
    row.save(update_fields=["state", "done_at"])
    ledger.touch(ledger.shipments)
    ledger.close()
    unwatch(row)
    outbox.put(TripChanged(trip=row.ref, state=row.state, at=now))
    access.audit(actor=actor, action="trip.finish", subject=row.ref, detail={"reason": reason.strip()[:200]})
    return row


def unwatch(trip: Trip) -> None:
    """The trip needs no watching any more; the vehicle's next one may."""
    # Who plans the next one meanwhile would take this one for running, and have it watched.
    _lock(trip.vehicle_id)
    telemetry.watch_clear(actor=_INSIDE, vehicle_id=trip.vehicle_id, trip=trip.ref)
    watch_next(trip.vehicle_id)


def rewatch(vehicle_id: int) -> None:
    """`watch_next` for who does not hold the vehicle yet."""
    _lock(vehicle_id)
    watch_next(vehicle_id)
