"""Asking: one's own captured events and, for a customer, what happened to its shipments, in one order of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from psycopg.errors import QueryCanceled

from zaitu.epcis.domain.faults import QueryTooComplexFault, QueryTooLargeFault
from zaitu.epcis.domain.identifiers import Names
from zaitu.epcis.domain.queries import Position, Query
from zaitu.epcis.domain.showing import SHAPES, Shape, contexts, shown
from zaitu.epcis.models import CapturedEvent, CaptureJob
from zaitu.journey import public as journey
from zaitu.kernel.errors import Forbidden, NotFound
from zaitu.kernel.principal import Kind, Principal, Right

_OURS, _CAPTURED = 0, 1
"""Sources, in the order that events of one instant follow in."""
_LONGEST_MS: Final = 5_000
JOURNEY_MAX: Final = 10_000
"""Events of one exported journey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of events."""

    contexts: list[Any]
    events: list[dict[str, Any]]
    next: Position | None


def names_here() -> Names:
    return Names(settings.ZAITU_PUBLIC_URL.rstrip("/"))


def owner_of(actor: Principal) -> str:
    """Whose captured events these are. Raises Forbidden for whoever has no key."""
    if actor.kind is Kind.CUSTOMER_KEY and actor.customer_code:
        return f"customer:{actor.customer_code}"
    if actor.kind is Kind.PARTNER_KEY and actor.partner:
        return f"partner:{actor.partner}"
    raise Forbidden("请使用客户或合作方的密钥")


def job(actor: Principal, job_id: str) -> CaptureJob:
    """Raises NotFound, also for somebody else's and for what is no id."""
    found = None
    if len(job_id) == 36 and job_id.isascii():
        try:
            found = CaptureJob.objects.filter(pk=job_id, owner=owner_of(actor)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound("没有这个任务")
    return found


def captured(actor: Principal, event_id: str) -> CapturedEvent:
    """Raises NotFound, also for somebody else's."""
    row = None
    if "\x00" not in event_id:
        row = CapturedEvent.objects.filter(owner=owner_of(actor), event_id=event_id).first()
    if row is None:
        raise NotFound("没有这个事件")
    return row


def found(actor: Principal, query: Query) -> Found:
    """Raises QueryTooLargeFault, QueryTooComplexFault."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {_LONGEST_MS}")
            return _found(actor, query)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise QueryTooComplexFault("查询时间过长，请缩小时间范围或指定运单") from error
        raise


def _found(actor: Principal, query: Query) -> Found:
    names = names_here()
    size = min(query.per_page, query.at_most or query.per_page)
    at_once = max(size, query.too_many or 0) + 1
    rows: list[tuple[Position, dict[str, Any], Any]] = []
    if actor.kind is Kind.CUSTOMER_KEY and actor.can(Right.SHIPMENTS_READ):
        rows += _ours(actor, query, names, at_once)
    rows += _captured(actor, query, at_once)
    rows.sort(key=lambda row: (row[0].at, row[0].source, row[0].id), reverse=query.newest_first)
    if query.too_many is not None and query.after is None and len(rows) > query.too_many:
        raise QueryTooLargeFault(f"结果超过 {query.too_many} 个事件")
    page = rows[:size]
    more = len(rows) > size and query.at_most is None
    return Found(
        contexts=contexts(names, (context for _, _, context in page if context)),
        events=[body for _, body, _ in page],
        next=page[-1][0] if more else None,
    )


def journey_of(actor: Principal, waybill: str) -> Found:
    """All that happened to a shipment of the actor's own, oldest first. Raises Forbidden, NotFound, QueryTooLargeFault."""
    waybill = journey.track(actor=actor, waybill=waybill).waybill
    names = names_here()
    wanted = journey.EventQuery(
        looks=tuple(shape.look() for shape in SHAPES),
        numbers=frozenset({waybill}),
        newest_first=False,
        limit=JOURNEY_MAX + 1,
    )
    told = journey.events_told(actor=actor, query=wanted)
    if len(told) > JOURNEY_MAX:
        raise QueryTooLargeFault(f"超过 {JOURNEY_MAX} 个事件，请分页查询")
    return Found(contexts=contexts(names, ()), events=[shown(event, names) for event in told], next=None)


def _ours(
    actor: Principal, query: Query, names: Names, limit: int
) -> Iterable[tuple[Position, dict[str, Any], Any]]:
    wanted = _our_query(query, names, limit)
    if wanted is None:
        return
    for event in journey.events_told(actor=actor, query=wanted):
        at = event.recorded_at if query.by_recorded else event.at
        yield Position(at, _OURS, event.id), shown(event, names), None


def _our_query(query: Query, names: Names, limit: int) -> journey.EventQuery | None:
    """The same question in the journey's words; None: nothing of ours can be meant."""
    shapes = [shape for shape in SHAPES if _means(query, shape)]
    numbers = _read(query.epcs, names.goods_in)
    others = _read(query.any_epcs, names.goods_in)
    if numbers is not None and others is not None:
        numbers &= others
    stations = _both(_read(query.read_points, names.station_in), _read(query.biz_locations, names.station_in))
    trips = _read(query.parents, lambda uri: uri.removeprefix(names.trip("")) if uri.startswith(names.trip("")) else "")  # fmt: skip
    if not shapes or query.event_ids is not None:
        return None
    return journey.EventQuery(
        looks=tuple(shape.look() for shape in shapes),
        at_from=query.at_from,
        at_before=query.at_before,
        recorded_from=query.recorded_from,
        recorded_before=query.recorded_before,
        stations=stations,
        numbers=numbers if numbers is not None else others,
        trips=trips,
        by_recorded=query.by_recorded,
        newest_first=query.newest_first,
        after=_after(query, _OURS),
        limit=limit,
    )


def _means(query: Query, shape: Shape) -> bool:
    return (
        _in(shape.type, query.types)
        and _in(shape.action, query.actions)
        and _in(shape.biz_step, query.biz_steps)
        and _in(shape.disposition, query.dispositions)
        and (query.biz_locations is None or shape.stays)
        and (query.parents is None or shape.type == "AggregationEvent")
    )


def _in(value: str, wanted: frozenset[str] | None) -> bool:
    return wanted is None or value in wanted


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return other if one is None else one if other is None else one & other


def _read(uris: frozenset[str] | None, reads: Any) -> frozenset[str] | None:
    return None if uris is None else frozenset(reads(uri) for uri in uris) - {""}


def _after(query: Query, source: int) -> tuple[datetime, int] | None:
    """Where this source goes on: events of the position's own instant come before or after it by their source."""
    if query.after is None:
        return None
    if source == query.after.source:
        return query.after.at, query.after.id
    later = source > query.after.source
    passed = later == query.newest_first
    # In the other source all events of the instant are behind us, or none is.
    edge = -(2**63) if query.newest_first else 2**63 - 1
    return query.after.at, edge if passed else -edge - 1


def _captured(actor: Principal, query: Query, limit: int) -> Iterable[tuple[Position, dict[str, Any], Any]]:
    rows = CapturedEvent.objects.filter(owner=owner_of(actor))
    spans: dict[str, Any] = {
        "type__in": query.types,
        "action__in": query.actions,
        "biz_step__in": query.biz_steps,
        "disposition__in": query.dispositions,
        "read_point__in": query.read_points,
        "biz_location__in": query.biz_locations,
        "parent__in": query.parents,
        "event_id__in": query.event_ids,
        "epcs__overlap": _list(query.epcs),
        "any_epcs__overlap": _list(query.any_epcs),
        "at__gte": query.at_from,
        "at__lt": query.at_before,
        "recorded_at__gte": query.recorded_from,
        "recorded_at__lt": query.recorded_before,
    }
    rows = rows.filter(**{name: value for name, value in spans.items() if value is not None})
    column, sign = ("recorded_at" if query.by_recorded else "at"), ("-" if query.newest_first else "")
    beyond = "lt" if query.newest_first else "gt"
    after = _after(query, _CAPTURED)
    if after is not None:
        rows = rows.filter(Q(**{f"{column}__{beyond}": after[0]}) | Q(**{column: after[0], f"pk__{beyond}": after[1]}))  # fmt: skip
    for row in rows.order_by(f"{sign}{column}", f"{sign}pk")[:limit]:
        yield Position(getattr(row, column), _CAPTURED, row.pk), row.body, row.context


def _list(several: frozenset[str] | None) -> list[str] | None:
    return None if several is None else sorted(several)
