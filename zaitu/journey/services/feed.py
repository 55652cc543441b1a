"""Events since a cursor: the journal in the order of its numbers, up to where no smaller number can still appear.

Numbers are given when an event is written and seen when its transaction commits, so a later number may be seen first. A mark says
how far the numbers had been given, and which transactions there were: when all of those have ended, nothing at or below it is missing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.views import EventView
from zaitu.journey.models import FeedMark, JourneyEvent
from zaitu.journey.selectors.shipments import event_view
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network

LIMIT_MAX: Final = 500
_WINDOW: Final = 200_000
"""Numbers looked at in one call: somebody with few shipments must not read the whole journal at once."""
_MARK_KEPT: Final = timedelta(minutes=10)

# In this order: whoever holds a number that was given had its transaction before ours, and is seen running if it still is.
_GIVEN: Final = "SELECT last_value FROM journey_journeyevent_id_seq"
_OURS: Final = "SELECT pg_current_xact_id()::text::bigint"
_OLDEST: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    waybill: str
    event: EventView
    takes_back: int | None
    """The event that a `voided` takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    rows: tuple[Change, ...]
    cursor: int
    """Where to go on; the same while nothing is new."""
    more: bool
    """Ask again at once."""


def events_since(*, actor: Principal, cursor: int, limit: int) -> Changes:
    """What was recorded of the actor's own shipments after this number, in order; nothing is ever skipped. Raises Forbidden."""
    actor.must(Right.SHIPMENTS_READ)
    if actor.kind is not Who.CUSTOMER_KEY or not actor.customer_code:
        raise Forbidden("请使用客户的密钥")
    whole = _whole_until()
    until = min(whole, cursor + _WINDOW)
    found = list(
        JourneyEvent.objects.filter(pk__gt=cursor, pk__lte=until, shipment__customer_code=actor.customer_code)
        .select_related("shipment", "piece", "trip")
        .order_by("pk")[: min(limit, LIMIT_MAX)]
    )
    full = len(found) == min(limit, LIMIT_MAX)
    return Changes(
        rows=tuple(_changes(actor, found)),
        cursor=found[-1].pk if full else max(cursor, until),
        more=full or until < whole,
    )


@transaction.atomic
def _whole_until() -> int:
    """The greatest number below which nothing can still appear, and a mark for later questions."""
    now = clock.now()
    with connection.cursor() as sql:
        last_id, ours, oldest = (_one(sql, query) for query in (_GIVEN, _OURS, _OLDEST))
    # Kept also when nobody is running: the next question may come while somebody is.
    if FeedMark.objects.order_by("-id").values_list("last_id", flat=True).first() != last_id:
        FeedMark.objects.create(last_id=last_id, begun_until=ours, at=now)
    whole = last_id if oldest >= ours else _marked(oldest)
    FeedMark.objects.filter(at__lt=now - _MARK_KEPT, last_id__lt=whole).delete()
    return whole


def _marked(oldest: int) -> int:
    """The furthest mark whose transactions have all ended."""
    ended = FeedMark.objects.filter(begun_until__lte=oldest).order_by("-last_id")
    return int(ended.values_list("last_id", flat=True).first() or 0)


def _one(sql: Any, query: str) -> int:
    sql.execute(query)
    return int(sql.fetchone()[0])


def _changes(actor: Principal, found: list[JourneyEvent]) -> list[Change]:
    names = network.stations_by_codes({row.station_code for row in found if row.station_code})
    return [
        Change(
            waybill=row.shipment.waybill,
            # Alone: beside its `voided` an event would be hidden, and it may have been told on an earlier page.
            event=event_view(actor, row, names),
            takes_back=row.target_id if row.kind == Kind.VOIDED else None,
        )
        for row in found
    ]
