"""Finding shipments: by number, by a party, or by words of goods, stations and customer."""

import re
from contextlib import suppress
from typing import Final

from django.db.models import Q, QuerySet

from zaitu.customers import public as customers
from zaitu.journey.domain.views import ShipmentQuery, ShipmentRow
from zaitu.journey.models import NumberLink, Shipment
from zaitu.journey.selectors.people import person_indexes, phone_indexes
from zaitu.journey.selectors.shipments import rows
from zaitu.kernel.errors import Invalid
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal
from zaitu.kernel.search import query_grams

SIZE_MAX: Final = 200
SORTS: Final = frozenset(sign + name for name in ("ordered_at", "eta", "status_at") for sign in ("", "-"))
_NUMBER: Final = re.compile(r"[A-Za-z]{0,4}[0-9\- ]{3,20}")
_HAN_NAME: Final = re.compile(r"[\u4e00-\u9fff·]{2,5}")


def shipments(*, actor: Principal, query: ShipmentQuery, page: int, size: int) -> Page[ShipmentRow]:
    """Raises Invalid for an unknown sort. Five queries whatever the size."""
    if query.sort not in SORTS:
        raise Invalid("不能按这一列排序", fields={"sort": "不能按这一列排序"})
    size = min(max(1, size), SIZE_MAX)
    page = max(1, page)
    found = _filtered(Shipment.objects.all(), query)
    if actor.kind is Who.CUSTOMER_KEY:
        found = found.filter(customer_code=actor.customer_code or "\0")
    if text := query.text.strip():
        found = found.filter(_matching(text))
    order = (query.sort, "-id" if query.sort.startswith("-") else "id")
    start = (page - 1) * size
    listed = list(
        found.select_related("trip").defer("document", "notice_link").order_by(*order)[start : start + size]
    )
    total = start + len(listed) if 0 < len(listed) < size else found.count()
    return Page(rows=rows(listed), total=total, page=page, size=size)


def _filtered(found: QuerySet[Shipment], query: ShipmentQuery) -> QuerySet[Shipment]:
    exact = {
        "status": query.status,
        "customer_code": query.customer,
        "trip__line_code": query.line,
        "ordered_at__gte": query.ordered_from,
        "ordered_at__lt": query.ordered_to,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if query.station:
        found = found.filter(Q(from_station=query.station) | Q(to_station=query.station))
    if query.exception == "any":
        found = found.filter(exception__isnull=False)
    elif query.exception:
        found = found.filter(exception__code=query.exception)
    return found.filter(final=False) if query.open_only else found


def _matching(text: str) -> Q:
    """A number or a part of one, a phone or its tail, a whole name, else words that must all occur."""
    wanted = query_grams(text)
    words = Q(grams__contains=wanted) if wanted else Q(pk=None)
    if _NUMBER.fullmatch(text):
        return words | _by_number(re.sub(r"[\s-]", "", text).upper())
    if _HAN_NAME.fullmatch(text):
        return words | Q(people__overlap=list(person_indexes(text)))
    return words


def _by_number(number: str) -> Q:
    linked = NumberLink.objects.filter(number=number).values("shipment_id")
    found = Q(waybill__contains=number) | Q(pk__in=linked)
    digits = number.lstrip("+")
    if digits.isdigit() and len(digits) == 4:
        found |= Q(people__overlap=list(customers.tail_indexes(digits)))
    elif digits.isdigit() and 7 <= len(digits) <= 12:
        with suppress(Invalid):  # a part of a waybill that is no phone number
            found |= Q(people__overlap=list(phone_indexes(digits)))
    return found
