"""Taking a wrong event back, and opening a finished shipment again: recorded, with who and why. Nothing is ever changed or removed."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.journey.domain.actions import ENDING_TABLE, TEXTS, Kind
from zaitu.journey.domain.scanning import BESIDE
from zaitu.journey.domain.views import Level, ScanResult, TripState
from zaitu.journey.models import JourneyEvent, NumberLink, ScanReceipt, Shipment, Trip, TripStop
from zaitu.journey.selectors.counts import standing
from zaitu.journey.services import arrivals, etas, facts, replanning, retelling
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.replanning import Replanned
from zaitu.journey.services.scans import result_from, state_result
from zaitu.journey.services.trips import trip_locked
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.kernel.words import shown

MANUAL: Final = "manual"
UNDO_WITHIN: Final = timedelta(minutes=10)
REASON_MAX: Final = 200


def reason_checked(reason: str) -> str:
    """Raises Invalid without one."""
    trimmed = shown(reason)[:REASON_MAX]
    if not trimmed:
        raise Invalid("请填写原因", fields={"reason": "请填写原因"})
    return trimmed


@transaction.atomic
def scan_undo(*, actor: Principal, key: str) -> ScanResult:
    """Take one's own scan back within ten minutes; again without effect.

    Raises NotFound for a scan of nobody or somebody else, RuleBroken when it is too late or ends the journey.
    """
    receipt = ScanReceipt.objects.select_for_update().filter(key=key, actor=actor.name[:80]).first()
    if receipt is None or receipt.result is None:
        raise NotFound("没有找到这次扫描")
    result = result_from(receipt.result)
    events = list(JourneyEvent.objects.filter(pk__in=receipt.events))
    if result.level == Level.WRONG or not events:
        raise RuleBroken("这次扫描没有登记，无需撤销")
    if clock.now() - receipt.created_at > UNDO_WITHIN:
        raise RuleBroken("已超过 10 分钟，请联系调度更正")
    if result.waybill is None:
        raise RuleBroken("整车操作不能撤销，请联系调度更正")
    if any(event.kind in ENDING_TABLE for event in events):
        raise RuleBroken(f"{TEXTS[Kind(events[0].kind)][0]}不能自行撤销，请联系调度更正")
    ledger, _ = _void(actor, events, source="scan", reason="")
    access.audit(
        actor=actor, action="scan.undo", subject=result.waybill, detail={"events": [row.pk for row in events]}
    )
    return state_result(ledger.shipments[events[0].shipment_id], "已撤销", events[-1].pk)


@transaction.atomic
def event_void(*, actor: Principal, event_id: int, reason: str) -> tuple[Shipment, list[Replanned]]:
    """Take an event back for good; again without effect. With what became of the rides a voided forwarding had taken away.

    Raises NotFound, Invalid without a reason, RuleBroken for the order itself and for a voiding.
    """
    reason = reason_checked(reason)
    event = JourneyEvent.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound("没有这条记录")
    if event.kind == Kind.SPLIT:
        raise RuleBroken("拆单不能撤销：货件已在两个运单号下。要一起送的，请配到同一车次")
    if event.kind in (Kind.ORDERED, Kind.VOIDED, Kind.REOPENED):
        raise RuleBroken(f"{TEXTS[Kind(event.kind)][0]}记录不能撤销")
    _ledger, rides = _void(actor, [event, *_handings(event), *_beside(event)], source=MANUAL, reason=reason)
    shipment = Shipment.objects.get(pk=event.shipment_id)  # a stop heard of again may have moved it since
    access.audit(
        actor=actor,
        action="event.void",
        subject=shipment.waybill,
        detail={
            "event": event.pk,
            "kind": event.kind,
            "reason": reason,
            **({"rides": [[one.waybill, one.trip, one.outcome.value] for one in rides]} if rides else {}),
        },
    )
    return shipment, rides


def _void(
    actor: Principal, events: Iterable[JourneyEvent], *, source: str, reason: str
) -> tuple[Ledger, list[Replanned]]:
    rows = _with_copies(events)
    # Forwardings speak of no trip and all else of no rides: only one of these two locks anything.
    trips = arrivals.trips_locked(rows)
    held, rides = replanning.locked(rows)
    ends = {pk: stop for pk, trip in trips.items() if (stop := arrivals.ended_by(trip, rows))}
    by_hand = {pk for pk, trip in trips.items() if arrivals.ended_by_hand(trip)}
    shown = {pk: arrivals.shipments_of(trips[pk]) for pk in retelling.stops_spoken_of(rows)}
    ledger = Ledger(actor=actor, ids={row.shipment_id for row in rows}.union(*shown.values()))
    voided = set(
        JourneyEvent.objects.filter(target__in=rows, kind=Kind.VOIDED).values_list("target_id", flat=True)
    )
    rows = [row for row in rows if row.pk not in voided]
    _tell_voided(ledger, rows, source=source, reason=reason)
    for pk, trip in trips.items():
        told = retelling.told_of(trip)
        if pk in shown:
            retelling.stops_back(told)
        of_trip = {row.shipment_id for row in rows if row.trip_id == pk and row.kind in retelling.OF_RIDES}
        retelling.rides_back(told, of_trip, ended=pk in by_hand)
        stop = ends.get(pk)
        if stop and not arrivals.stood_by(trip, stop) and not arrivals.busy_elsewhere(trip):
            arrivals.reopen(actor, trip, stop, reason)
        retelling.beginning_back(told)
    replanned = replanning.replan(ledger, rows, held, rides)
    if shown and rows:
        ledger.touch(pk for several in shown.values() for pk in several)
        since = min(row.recorded_at for row in rows)
        etas.predict_again(actor=actor, ledger=ledger, trip_ids=shown, since=since)
    ledger.close()
    for pk in shown:
        facts.hear_again(actor, trips[pk], [row for row in rows if row.trip_id == pk])
    return ledger, replanned


def _with_copies(events: Iterable[JourneyEvent]) -> list[JourneyEvent]:
    """And what parts that were split off since have of them: what never happened has not happened to a part either."""
    rows, found = [], list(events)
    while found:
        rows += found
        copies = JourneyEvent.objects.filter(
            shipment__parent__in={row.shipment_id for row in found}, data__of__in=[row.pk for row in found]
        )
        found = list(copies)
    return rows


def _tell_voided(ledger: Ledger, rows: Iterable[JourneyEvent], *, source: str, reason: str) -> None:
    now = clock.now()
    for row in rows:
        ledger.add(
            NewEvent(
                shipment_id=row.shipment_id,
                kind=Kind.VOIDED,
                source=source,
                key=f"void:{row.pk}",
                at=now,
                station=row.station_code,
                target=row.pk,
                data={"reason": reason} if reason else {},
            )
        )
        _number_back(row)
    ledger.write()


@transaction.atomic
def arrival_void(*, actor: Principal, trip: str, reason: str, station: str = "") -> Trip:
    """Take back that a truck reached a stop (its last one), for all its goods at once; after the last one the trip runs again.

    Raises NotFound, Invalid without a reason, RuleBroken when no arrival is known there, goods were handled there, or its
    vehicle has begun another trip since one that had ended.
    """
    reason = reason_checked(reason)
    row = trip_locked(trip)
    stop = arrivals.last_stop(row)
    if station and station != stop.station_code:
        _passing_void(actor, row, station, reason)
        return row
    if not arrivals.ended_there(row, stop):
        raise RuleBroken(f"车次 {row.ref} 没有终点到达记录，无需撤销")
    if standing(trip_id=row.pk, station_code=stop.station_code, kind__in=arrivals.HANDLED).exists():
        raise RuleBroken(f"{stop.name} 已有本车次的卸车或验收记录，请先逐票撤销")
    if other := arrivals.busy_elsewhere(row):
        raise RuleBroken(f"{row.plate} 之后已跑车次 {other}，不能恢复本车次")
    told = standing(trip_id=row.pk, station_code=stop.station_code, kind__in=arrivals.ARRIVALS)
    _void(actor, told, source=MANUAL, reason=reason)
    row.refresh_from_db(fields=["state", "done_at"])
    if row.state == TripState.DONE:
        # It carried nothing: no event of any goods told the arrival.
        arrivals.reopen(actor, row, stop, reason)
    return row


def _passing_void(actor: Principal, trip: Trip, station: str, reason: str) -> None:
    """A truck that was not at a stop on the way has not left it either."""
    stop = TripStop.objects.filter(trip=trip, station_code=station, seq__gt=0).first()
    if stop is None or (stop.arrived_at is None and stop.departed_at is None):
        raise RuleBroken(f"车次 {trip.ref} 在该站没有到达记录，无需撤销")
    handled = standing(trip_id=trip.pk, station_code=station, kind__in=(*arrivals.HANDLED, Kind.LOADED))
    if handled.exists():
        raise RuleBroken(f"{stop.name} 已有本车次的装卸或验收记录，请先逐票撤销")
    told = list(standing(trip_id=trip.pk, station_code=station, kind__in=retelling.OF_STOPS))
    if told:
        _void(actor, told, source=MANUAL, reason=reason)
    else:
        # It carried nothing: no event of any goods told the arrival.
        stop.arrived_at, stop.departed_at = None, None
        stop.save(update_fields=["arrived_at", "departed_at"])
    trip.refresh_from_db(fields=["state", "started_at"])
    access.audit(
        actor=actor, action="trip.stop_void", subject=trip.ref, detail={"station": station, "reason": reason}
    )


def _handings(event: JourneyEvent) -> list[JourneyEvent]:
    """What was told of handing the goods over together with a forwarding: without it they were not handed over."""
    if event.kind != Kind.FORWARDED:
        return []
    return list(
        JourneyEvent.objects.filter(
            shipment_id=event.shipment_id,
            kind=Kind.HANDED_TO_PARTNER,
            at=event.at,
            data__number=event.data.get("number", ""),
            data__carrier=event.data.get("carrier", ""),
        )
    )


def _beside(event: JourneyEvent) -> list[JourneyEvent]:
    """What a scan told besides itself (goods at a station they do not pass): without the scan it was not seen."""
    return list(
        JourneyEvent.objects.filter(
            shipment_id=event.shipment_id,
            source=event.source,
            key__in=[event.key + suffix for suffix in BESIDE.values()],
        )
    )


def _number_back(event: JourneyEvent) -> None:
    """Under the number of a voided forwarding nobody finds the goods, and its partner tells of them no more."""
    if event.kind == Kind.FORWARDED and "of" not in event.data:
        NumberLink.objects.filter(
            shipment_id=event.shipment_id,
            number=event.data.get("number", ""),
            carrier=event.data.get("carrier", ""),
        ).delete()


@transaction.atomic
def shipment_reopen(*, actor: Principal, shipment_id: int, reason: str) -> Shipment:
    """Open a finished shipment again; it stands where its other events put it. Raises Invalid, RuleBroken when it is not finished."""
    reason = reason_checked(reason)
    ledger = Ledger(actor=actor, ids=[shipment_id])
    shipment = ledger.shipments[shipment_id]
    if not shipment.final:
        raise RuleBroken("该运单尚未办结，无需恢复")
    now = clock.now()
    ledger.add(
        NewEvent(
            shipment_id=shipment_id,
            kind=Kind.REOPENED,
            source=MANUAL,
            key=f"reopen:{now.isoformat()}",
            at=now,
            data={"reason": reason},
        )
    )
    ledger.close()
    access.audit(actor=actor, action="shipment.reopen", subject=shipment.waybill, detail={"reason": reason})
    return shipment
