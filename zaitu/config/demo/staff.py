"""What the demo company's people would do while it runs: take orders, plan trips, scan and deliver.

Trucks move shipments by themselves; without people, goods would lie at their destination for ever.
"""

import logging
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from zaitu.config.demo.orders import Order, orders_of
from zaitu.config.demo.past import DAYS, PLANNED_AHEAD, history, life
from zaitu.config.demo.schedule import runs
from zaitu.config.demo.setup import ACTOR, home
from zaitu.config.demo.signatures import signature
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, ZaituError

log = logging.getLogger(__name__)

RETRIED_FOR: Final = timedelta(hours=30)
"""A scan whose truck has not come yet is tried again so long."""
_FILE: Final = "staff_until"


def _file() -> Path:
    return home().path / "demo" / _FILE


def remember_until(at: datetime) -> None:
    """The staff has done everything due up to this instant."""
    _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _file().write_text(at.isoformat(), encoding="ascii")


def _remembered() -> datetime:
    """In a restored home nobody knows: what was due before now is left undone."""
    try:
        return datetime.fromisoformat(_file().read_text(encoding="ascii").strip())
    except (FileNotFoundError, ValueError):
        return clock.now()


class Staff:
    def __init__(self) -> None:
        self._until = _remembered()
        # Taking the same history over again only says which order has which waybill.
        self._waybills = dict(journey.history_import(actor=ACTOR, history=history(clock.now())).waybills)
        self._undone: deque[tuple[Order, journey.PastEvent]] = deque()

    def round(self) -> None:
        """Do what has become due since the last round."""
        now = clock.now()
        days = [clock.local(now).date() - timedelta(days=days) for days in range(DAYS, -1, -1)]
        orders = [order for day in days for order in orders_of(day) if order.at <= now]
        self._plan(now)
        self._take(orders)
        due = [(order, event) for order in orders for event in life(order) if self._until < event.at <= now]
        waiting = [*self._undone, *sorted(due, key=lambda pair: pair[1].at)]
        self._undone = deque(
            pair for pair in waiting if not self._done(*pair) and now - pair[1].at < RETRIED_FOR
        )
        self._until = now
        remember_until(now)

    def _plan(self, now: datetime) -> None:
        planned = {
            (trip.plate, trip.departs_at)
            for page in (1, 2)
            for trip in journey.trips_list(actor=ACTOR, state="planned", page=page).rows
        }
        for run in runs(now, now + PLANNED_AHEAD):
            if (run.plate, run.departs_at) in planned:
                continue
            draft = journey.TripDraft(
                line=run.line, plate=run.plate, departs_at=run.departs_at, driver_code=run.driver
            )
            try:
                journey.trip_plan(actor=ACTOR, draft=draft)
            except Conflict:
                continue  # somebody at the console gave this truck something else to do

    def _take(self, orders: list[Order]) -> None:
        """Place new orders as their customers would, and put them on the truck they can catch."""
        for order in orders:
            if order.ref in self._waybills:
                continue
            waybill = journey.order_create(actor=ACTOR, draft=order.draft).waybill
            self._waybills[order.ref] = waybill
            trips = journey.trips_list(actor=ACTOR, state="planned", text=order.run.plate).rows
            trip = next((trip for trip in trips if trip.departs_at == order.run.departs_at), None)
            try:
                if trip is not None:
                    journey.trip_assign(actor=ACTOR, trip=trip.ref, waybills=[waybill])
            except ZaituError as refused:
                log.info("%s: %s", waybill, refused.message)

    def _done(self, order: Order, event: journey.PastEvent) -> bool:
        """False when it cannot be done yet, such as a signature before the truck is there."""
        waybill = self._waybills.get(order.ref)
        if waybill is None:
            return True
        if event.kind == "cancelled":
            return True  # cancelling is the desk's work; the demo's customers changed their mind in the past only
        try:
            result = journey.scan_record(
                actor=ACTOR,
                draft=journey.ScanDraft(
                    kind=event.kind,
                    code=waybill,
                    station_code=event.station,
                    at=event.at,
                    key=f"demo:{order.ref}:{event.kind}:{event.at:%d%H%M}:{clock.now():%d%H%M}",
                    data=_scan_data(order, event, waybill),
                ),
            )
        except ZaituError as refused:
            log.info("%s %s: %s", waybill, event.kind, refused.message)
            return True
        return result.level != journey.Level.WRONG


def _scan_data(order: Order, event: journey.PastEvent, waybill: str) -> dict[str, Any]:
    data = dict(event.data)
    if event.kind == "signed":
        # Under an id of its own: a scan that is tried again must not keep another image.
        data["signature"] = journey.file_store(
            actor=ACTOR,
            waybill=waybill,
            kind="signature",
            content=signature(data["signer"]),
            file_id=uuid5(NAMESPACE_OID, f"{waybill} {order.ref} {event.at.isoformat()}"),
        )
    if "code" in data:
        data["reason"] = data.pop("code")
    if "cause" in data:
        data["note"] = data.pop("cause")
    return data
