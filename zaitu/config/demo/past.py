"""What has happened at the demo company up to an instant: the history its first start takes over."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final

from zaitu.config.demo.company import person
from zaitu.config.demo.dice import dice
from zaitu.config.demo.drive import Drive, drive, start_delay, stops_along_m
from zaitu.config.demo.orders import Order, orders_of
from zaitu.config.demo.roads import stops
from zaitu.config.demo.schedule import Run, collected_at, runs, trucks
from zaitu.config.demo.signatures import signature
from zaitu.journey.public import History, PastEvent, PastOrder, PastTrip, TripDraft
from zaitu.kernel.clock import CHINA, local

DAYS: Final = 6
PLANNED_AHEAD: Final = timedelta(hours=30)
PLANNED_BEFORE: Final = timedelta(hours=30)
INBOUND_AFTER: Final = timedelta(minutes=80)
"""After goods are collected."""
LOADED_BEFORE: Final = timedelta(minutes=25)
UNLOADED_AFTER: Final = timedelta(minutes=12)
INSPECTED_AFTER: Final = timedelta(minutes=35)
ROUND: Final = timedelta(minutes=95)
"""From leaving the station with a van to the consignee's door."""
DOOR_OPEN: Final = (time(9, 0), time(19, 0))

_LATE: Final = {truck.plate: truck.late for truck in trucks()}


def is_late(plate: str) -> bool:
    return _LATE.get(plate, False)


@cache
def drive_of(run: Run) -> tuple[datetime, Drive]:
    """When the truck really leaves, and how it drives."""
    late = is_late(run.plate)
    return run.departs_at + start_delay(run.key, late=late), drive(
        run.key, stops_along_m(run.line), late=late
    )


@cache
def stop_times(run: Run) -> tuple[tuple[datetime | None, datetime | None], ...]:
    """(arrives, leaves) at each stop; nobody arrives at the first or leaves the last."""
    starts_at, driven = drive_of(run)
    places_m = stops_along_m(run.line)
    last = len(places_m) - 1
    return tuple(
        (
            starts_at + driven.passes(along_m) if number else None,
            starts_at + driven.leaves(along_m) if number < last else None,
        )
        for number, along_m in enumerate(places_m)
    )


def history(now: datetime) -> History:
    """Everything that would have happened by `now`, and the trips planned for the next day."""
    days = [local(now).date() - timedelta(days=days) for days in range(DAYS, -1, -1)]
    orders = [order for day in days for order in orders_of(day) if order.at <= now]
    ridden = {order.run for order in orders} | set(runs(now - timedelta(hours=40), now + PLANNED_AHEAD))
    trips = sorted(ridden, key=lambda run: (run.departs_at, run.plate))
    return History(
        trips=tuple(_trip(run, now) for run in trips),
        orders=tuple(_order(order, now) for order in orders),
        signature=lambda _, event: signature(event.data["signer"]),
    )


def _trip(run: Run, now: datetime) -> PastTrip:
    return PastTrip(
        key=run.key,
        draft=TripDraft(line=run.line, plate=run.plate, departs_at=run.departs_at, driver_code=run.driver),
        planned_at=run.departs_at - PLANNED_BEFORE,
        stops=tuple((_past(arrives, now), _past(leaves, now)) for arrives, leaves in stop_times(run)),
    )


def _past(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at <= now else None


def _order(order: Order, now: datetime) -> PastOrder:
    events = sorted((event for event in life(order) if event.at <= now), key=lambda event: event.at)
    gone = any(event.kind == "cancelled" for event in events)
    return PastOrder(draft=order.draft, at=order.at, trip="" if gone else order.run.key, events=tuple(events))


def life(order: Order) -> Iterator[PastEvent]:
    """What people do with an order's goods from first to last; what the truck does comes from the trip."""
    chance = dice("life", order.ref)
    draft = order.draft
    if chance.random() < 0.012:
        yield PastEvent(kind="cancelled", at=order.at + timedelta(minutes=chance.randrange(20, 60)))
        return
    codes, times = stops(order.run.line), stop_times(order.run)
    here, leaves = times[codes.index(draft.from_station)]
    arrives = times[codes.index(draft.to_station)][0]
    if leaves is None or arrives is None:
        raise ValueError(f"{order.ref} does not fit its run")
    collected = collected_at(order.at)
    yield PastEvent(kind="collected", at=collected, station=draft.from_station)
    yield PastEvent(kind="inbound", at=collected + INBOUND_AFTER, station=draft.from_station)
    loaded_at = leaves - LOADED_BEFORE - timedelta(minutes=chance.randrange(25))
    if here is not None:  # a truck on its way stands there for its stop only
        loaded_at = max(loaded_at, here + UNLOADED_AFTER)
    yield PastEvent(kind="loaded", at=loaded_at, station=draft.from_station)
    unloaded_at = arrives + UNLOADED_AFTER + timedelta(minutes=dice("dock", order.ref).randrange(12))
    yield PastEvent(kind="unloaded", at=unloaded_at, station=draft.to_station)
    inspected_at = arrives + INSPECTED_AFTER + timedelta(minutes=chance.randrange(30))
    yield PastEvent(kind="inspected", at=inspected_at, station=draft.to_station)
    if chance.random() < 0.02:
        note = {"code": "damaged", "cause": "外包装破损，已拍照并通知客服"}
        yield PastEvent(
            kind="problem", at=inspected_at + timedelta(minutes=4), station=draft.to_station, data=note
        )
    yield from _last_mile(order, inspected_at, chance)


def _last_mile(order: Order, inspected_at: datetime, chance: Random) -> Iterator[PastEvent]:
    at_door = door_time(inspected_at + timedelta(minutes=chance.randrange(90, 420)), chance)
    station = order.draft.to_station
    yield PastEvent(kind="out_for_delivery", at=at_door - ROUND, station=station)
    fate = chance.random()
    if fate < 0.015:
        yield PastEvent(kind="refused", at=at_door, station=station, data={"cause": "收货人称规格与订单不符"})
        return
    if fate < 0.05:
        note = {"code": "no_contact", "cause": "电话无人接听"}
        yield PastEvent(kind="attempt_failed", at=at_door, station=station, data=note)
        at_door = door_time(at_door + timedelta(hours=15), chance)
        yield PastEvent(kind="out_for_delivery", at=at_door - ROUND, station=station)
    consignee = order.draft.consignee.name
    behalf = chance.random() < 0.12
    signed = {
        "relation": "on_behalf" if behalf else "consignee",
        "signer": person("desk", order.ref).name if behalf else consignee,
    }
    yield PastEvent(kind="signed", at=at_door, station=station, data=signed)


def door_time(at: datetime, chance: Random) -> datetime:
    """The same instant if people are there then, else in the next morning's first hours."""
    there = at.astimezone(CHINA)
    opens, closes = (datetime.combine(there.date(), hour, CHINA) for hour in DOOR_OPEN)
    if opens <= there <= closes:
        return there
    morning = opens if there < opens else opens + timedelta(days=1)
    return morning + timedelta(minutes=chance.randrange(10, 170))
