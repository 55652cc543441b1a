"""Loading the demo company, keeping it up to date at every start, and saying what to look at."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.config.demo.company import STAFF
from zaitu.config.demo.past import DAYS, history
from zaitu.config.demo.setup import ACTOR, KEY_CUSTOMER, api_key, company_make, home, password
from zaitu.config.demo.staff import remember_until
from zaitu.config.demo.talks import talks_make
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, RuleBroken
from zaitu.network import public as network

LEFT: Final = timedelta(hours=2, minutes=15)
"""The shipment people are shown first has at least so long to go: two hours, and time to start and look."""
_ON_THE_ROAD: Final = ("in_transit", "at_stop")
_CANDIDATES: Final = 30


def loaded() -> bool:
    """False for an empty installation. Raises Conflict for one with a company of its own: that is never mixed with the demo."""
    if not (access.users_list(actor=ACTOR).total or network.stations_list(actor=ACTOR).total):
        return False
    if not home().is_demo:
        raise Conflict(f"{home().path} 已有正式数据，不能装入演示公司；请换一个空的 ZAITU_HOME")
    return True


def load() -> journey.HistoryTaken:
    """Make the company with its past week; a loaded one is given the orders and trips since. All or nothing.

    Raises Conflict when the installation has a company of its own.
    """
    now = clock.now()
    with transaction.atomic():
        fresh = not loaded()
        if fresh:
            company_make(now - timedelta(days=DAYS + 1))
        taken = journey.history_import(actor=ACTOR, history=history(now))
        if fresh:
            talks_make(now)
    if fresh:
        home().is_demo_put()
        remember_until(now)
    return taken


def facts() -> dict[str, str]:
    """What to open: a shipment on the road with at least LEFT to go, the receiver's tail, a user and a key.

    Raises Conflict in an installation with a company of its own, and RuleBroken when no truck has so far to go (the demo was not loaded, or its trips were changed by hand).
    """
    if not loaded():
        raise RuleBroken("还没有演示公司，请先用 zaitu demo load 装入")
    waybill = _shown(clock.now())
    people = journey.people_read(actor=ACTOR, waybill=waybill, reason="demo")
    consignee = next(person for person in people if person.role == "consignee")
    return {
        "waybill": waybill,
        "phone_tail": consignee.phone[-4:],
        "console_user": STAFF[0][0],
        "console_password": password(),
        "api_key": api_key(),
    }


def _shown(now: datetime) -> str:
    """Of the key customer's shipments on the road, the one whose truck drives longest."""
    rows = [
        row
        for status in _ON_THE_ROAD
        for row in journey.shipments_search(
            actor=ACTOR,
            query=journey.ShipmentQuery(status=status, customer=KEY_CUSTOMER, sort="-eta"),
            size=_CANDIDATES,
        ).rows
    ]
    best = max(rows, key=lambda row: _ends(row.trip, row.to_station), default=None)
    if best is None or _ends(best.trip, best.to_station) < now + LEFT:
        raise RuleBroken("演示公司没有还要行驶两小时以上的运单，请用 zaitu demo load 重新装入")
    return best.waybill


def _ends(trip: str, station: str) -> datetime:
    """When the truck is expected at the shipment's station."""
    stops = journey.trip_get(actor=ACTOR, trip=trip).stops
    return next(stop.eta or stop.planned_arrival for stop in stops if stop.station_code == station)
