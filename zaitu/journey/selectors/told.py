"""Events over many shipments, in order of time: for systems that read what has happened since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.problems import Problem
from zaitu.journey.models import JourneyEvent
from zaitu.journey.selectors.scanning import find
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right

_PROBLEMS: Final = frozenset(problem.value for problem in Problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLook:
    """Events of one kind, perhaps not all of them."""

    kind: Kind
    on_trip: bool | None = None
    codes: frozenset[str] = frozenset()
    """Problem codes; empty: any."""
    not_codes: frozenset[str] = frozenset()
    stays: bool = False
    """For the asker: the goods are at the event's station from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    looks: tuple[EventLook, ...]
    """An event fits one of them."""
    at_from: datetime | None = None
    at_before: datetime | None = None
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    stations: frozenset[str] | None = None
    """Codes; None: anywhere."""
    numbers: frozenset[str] | None = None
    """Waybills and piece labels; None: all. A piece's events are its own and those of its whole waybill."""
    trips: frozenset[str] | None = None
    by_recorded: bool = False
    """In order of recording, not of happening."""
    newest_first: bool = True
    after: tuple[datetime, int] | None = None
    """Only what comes after this instant and id in that order."""
    limit: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    id: int
    waybill: str
    piece: str
    """Label; empty: the whole waybill."""
    kind: Kind
    at: datetime
    recorded_at: datetime
    station_code: str
    trip: str
    code: str
    """A Problem's; empty when it is none."""


def events_told(*, actor: Principal, query: EventQuery) -> tuple[ToldEvent, ...]:
    """Of the actor's own shipments, without what was taken back. Raises Forbidden."""
    actor.must(Right.SHIPMENTS_READ)
    return tuple(_told(row) for row in _ordered(_wanted(actor, query), query)[: query.limit])


def _wanted(actor: Principal, query: EventQuery) -> QuerySet[JourneyEvent]:
    rows = JourneyEvent.objects.filter(_any(_look(look) for look in query.looks))
    if actor.kind is Who.CUSTOMER_KEY:
        rows = rows.filter(shipment__customer_code=actor.customer_code or None)
    elif actor.kind not in (Who.STAFF, Who.SYSTEM):
        raise Forbidden("您没有查看运单的权限")
    spans = {
        "at__gte": query.at_from,
        "at__lt": query.at_before,
        "recorded_at__gte": query.recorded_from,
        "recorded_at__lt": query.recorded_before,
        "station_code__in": query.stations,
        "trip__ref__in": query.trips,
    }
    rows = rows.filter(**{name: value for name, value in spans.items() if value is not None})
    if query.numbers is not None:
        rows = rows.filter(_any(_goods(number) for number in query.numbers))
    voided = JourneyEvent.objects.filter(kind=Kind.VOIDED, target__isnull=False).values("target")
    return rows.exclude(pk__in=voided)


def _any(several: Iterable[Q]) -> Q:
    found = Q(pk__in=())
    for one in several:
        found |= one
    return found


def _look(look: EventLook) -> Q:
    wanted = Q(kind=look.kind.value)
    if look.on_trip is not None:
        wanted &= Q(trip__isnull=not look.on_trip)
    if look.codes:
        wanted &= Q(data__code__in=sorted(look.codes))
    for code in look.not_codes:
        wanted &= ~Q(data__code=code)
    return wanted


def _goods(number: str) -> Q:
    found = find(number)
    if found is None:
        return Q(pk__in=())
    wanted = Q(shipment_id=found.shipment_id)
    return wanted & (Q(piece=None) | Q(piece_id=found.piece[0])) if found.piece else wanted


def _ordered(rows: QuerySet[JourneyEvent], query: EventQuery) -> QuerySet[JourneyEvent]:
    column = "recorded_at" if query.by_recorded else "at"
    if query.after is not None:
        at, pk = query.after
        beyond = "lt" if query.newest_first else "gt"
        rows = rows.filter(Q(**{f"{column}__{beyond}": at}) | Q(**{column: at, f"pk__{beyond}": pk}))
    sign = "-" if query.newest_first else ""
    return rows.select_related("shipment", "piece", "trip").order_by(f"{sign}{column}", f"{sign}pk")


def _told(row: JourneyEvent) -> ToldEvent:
    code = row.data.get("code")
    return ToldEvent(
        id=row.pk,
        waybill=row.shipment.waybill,
        piece=row.piece.label if row.piece else "",
        kind=Kind(row.kind),
        at=row.at,
        recorded_at=row.recorded_at,
        station_code=row.station_code,
        trip=row.trip.ref if row.trip else "",
        code=code if code in _PROBLEMS else "",
    )
