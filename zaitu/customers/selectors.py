"""Reads of customers."""

from collections.abc import Iterable
from typing import Final

from zaitu.customers.domain.parties import ContactView, CustomerKind, CustomerView
from zaitu.customers.models import PHONE, TAIL, Contact, Customer
from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.phones import phone_tail
from zaitu.kernel.search import query_grams

PAGE_SIZE: Final = 50
IDS_MAX: Final = 1_000
"""Contacts found by one phone or tail; a front desk's number can be on very many shipments."""


def customer_view(customer: Customer) -> CustomerView:
    return CustomerView(
        code=customer.code,
        name=customer.name,
        kind=CustomerKind(customer.kind),
        email=customer.email,
        active=customer.active,
        created_at=customer.created_at,
    )


def customer(code: str) -> CustomerView:
    found = Customer.objects.filter(code=code).first()
    if found is None:
        raise NotFound("没有这个客户")
    return customer_view(found)


def customer_names(codes: Iterable[str]) -> dict[str, str]:
    return dict(Customer.objects.filter(code__in=set(codes)).values_list("code", "name"))


def customers(text: str, page: int) -> Page[CustomerView]:
    rows = Customer.objects.order_by("-active", "code")
    if text:
        rows = rows.filter(grams__contains=query_grams(text))
    number = max(1, page)
    start = (number - 1) * PAGE_SIZE
    return Page(
        rows=tuple(customer_view(row) for row in rows[start : start + PAGE_SIZE]),
        total=rows.count(),
        page=number,
        size=PAGE_SIZE,
    )


def contacts(ids: Iterable[int], customer_code: str | None) -> dict[int, ContactView]:
    """Unmasked, in one query; with a customer code, that customer's only."""
    rows = Contact.objects.filter(pk__in=list(ids))
    if customer_code is not None:
        rows = rows.filter(customer__code=customer_code)
    return {
        row.pk: ContactView(
            id=row.pk,
            name=row.name,
            phone=row.phone,
            city=row.city,
            address=row.address,
            email=row.email,
            masked=False,
            erased=row.erased_at is not None,
        )
        for row in rows
    }


def contact_ids(*, customer_code: str | None, phone: str = "", tail: str = "") -> list[int]:
    """Newest first; exactly one of the two is given, a phone in its stored spelling."""
    rows = (
        Contact.objects.filter(phone_index__in=blind_indexes(phone, PHONE))
        if phone
        else Contact.objects.filter(tail_index__in=blind_indexes(tail, TAIL))
    )
    if customer_code is not None:
        rows = rows.filter(customer__code=customer_code)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:IDS_MAX])


def tail_indexes(ids: Iterable[int]) -> dict[int, str]:
    """Under the newest key, whatever key the contact's own index was made with."""
    phones = Contact.objects.filter(pk__in=list(ids)).values_list("pk", "phone")
    return {pk: blind_index(phone_tail(phone), TAIL) if phone else "" for pk, phone in phones}
