"""The contract of customers: who ships with us, and whom a shipment concerns. Personal data is masked unless asked for with a reason."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from zaitu.access.public import audit
from zaitu.customers import selectors, services
from zaitu.customers.domain.parties import (
    ContactDraft,
    ContactView,
    CustomerDraft,
    CustomerKind,
    CustomerView,
    contact_checked,
    email_looks_right,
    email_masked,
    masked,
)
from zaitu.customers.models import TAIL
from zaitu.kernel.crypto import blind_indexes
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.phones import phone_normal
from zaitu.kernel.principal import Kind, Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house

__all__ = [
    "ContactDraft",
    "ContactView",
    "CustomerDraft",
    "CustomerKind",
    "CustomerView",
    "contact_check",
    "contact_erase",
    "contact_ids_by_phone",
    "contact_ids_by_tail",
    "contact_put",
    "contact_tail_index",
    "contact_tail_indexes",
    "contacts_put",
    "contacts_read",
    "customer_get",
    "customer_names",
    "customer_put",
    "customers_search",
    "email_looks_right",
    "email_masked",
    "keys_rewrite",
    "person_erase",
    "tail_indexes",
]

_TAIL: Final = re.compile(r"[0-9]{4}")


def customer_put(*, actor: Principal, draft: CustomerDraft) -> CustomerView:
    """Make the customer or set everything of it; the code is its identity."""
    actor.must(Right.CUSTOMERS_EDIT)
    return selectors.customer_view(services.customer_put(actor=actor, draft=draft))


def customer_get(*, actor: Principal, code: str) -> CustomerView:
    """Staff with the right, or the customer itself; to others' keys there is no such customer."""
    if actor.kind is Kind.CUSTOMER_KEY:
        if actor.customer_code != code:
            raise NotFound("没有这个客户")
    else:
        actor.must(Right.CUSTOMERS_READ)
    return selectors.customer(code)


def customers_search(*, actor: Principal, text: str = "", page: int = 1) -> Page[CustomerView]:
    """By part of code or name; active ones first, 50 a page."""
    actor.must(Right.CUSTOMERS_READ)
    return selectors.customers(text.strip(), page)


def customer_names(*, actor: Principal, codes: Iterable[str]) -> dict[str, str]:
    """Names by code, for whoever reads shipments inside; unknown codes are left out."""
    if actor.kind not in (Kind.STAFF, Kind.SYSTEM):
        raise Forbidden("您没有查看客户的权限")
    return selectors.customer_names(codes)


def contact_check(draft: ContactDraft) -> None:
    """Raises Invalid naming every field that `contact_put` would refuse. Nothing is read or written."""
    contact_checked(draft)


def contact_put(*, actor: Principal, draft: ContactDraft) -> int:
    """The id of the contact with exactly these details, made when new. A key makes its own customer's only."""
    actor.must(Right.ORDERS_CREATE)
    if actor.kind is Kind.CUSTOMER_KEY:
        draft = replace(draft, customer_code=actor.customer_code)
    return services.contact_put(actor=actor, draft=draft)


def contacts_put(*, actor: Principal, drafts: Iterable[ContactDraft]) -> list[int]:
    """The ids of many, as `contact_put` gives them one by one: for imports, with one entry in the record for all.

    Not for keys, whose orders come one by one.
    """
    actor.must(Right.ORDERS_CREATE)
    if actor.kind is Kind.CUSTOMER_KEY:
        raise Forbidden("客户接口不能批量登记联系人")
    return services.contacts_put(actor=actor, drafts=drafts)


def contacts_read(*, actor: Principal, ids: Iterable[int], reason: str = "") -> dict[int, ContactView]:
    """Contacts by id, masked unless the actor may see them whole.

    Whole for: staff with PERSONAL_READ who give a reason; a customer's key (its own contacts; others' are left out);
    a link or tail holder (the caller passes only ids of the shipment it opens); System, whose reads no person sees.
    A whole read by anybody but System is in the audit, one row a call. Strangers are refused.
    """
    wanted = sorted(set(ids))
    if not _may_read(actor):
        raise Forbidden("您没有查看联系人的权限")
    found = selectors.contacts(wanted, actor.customer_code if actor.kind is Kind.CUSTOMER_KEY else None)
    if not _whole(actor, reason):
        return {pk: masked(contact) for pk, contact in found.items()}
    if found and actor.kind is not Kind.SYSTEM:
        audit(
            actor=actor,
            action="personal.read",
            subject=f"contact:{next(iter(found))}" if len(found) == 1 else actor.waybill or "contacts",
            detail={"contacts": sorted(found), "reason": reason.strip()[:200]},
        )
    return found


def contact_erase(*, actor: Principal, contact_id: int, reason: str) -> bool:
    """Blank what tells who this was; False when it was blank already. Raises Invalid without a reason."""
    actor.must(Right.CUSTOMERS_EDIT)
    actor.must(Right.PERSONAL_READ)
    return services.contacts_erase(actor=actor, ids=[contact_id], reason=reason) == 1


def person_erase(*, actor: Principal, phone: str, reason: str) -> int:
    """Blank every contact with this number; how many. Raises Invalid for what is no number, or without a reason."""
    actor.must(Right.CUSTOMERS_EDIT)
    actor.must(Right.PERSONAL_READ)
    ids = selectors.contact_ids(customer_code=None, phone=phone_normal(phone))
    return services.contacts_erase(actor=actor, ids=ids, reason=reason)


def contact_ids_by_phone(*, actor: Principal, phone: str) -> list[int]:
    """Newest first, at most 1,000; a key finds its own customer's only. Raises Invalid for what is no number."""
    actor.must(Right.SHIPMENTS_READ)
    return selectors.contact_ids(customer_code=_own(actor), phone=phone_normal(phone))


def contact_ids_by_tail(*, actor: Principal, tail: str) -> list[int]:
    """By the last four digits; newest first, at most 1,000; a key finds its own customer's only."""
    actor.must(Right.SHIPMENTS_READ)
    return selectors.contact_ids(customer_code=_own(actor), tail=_tail(tail))


def tail_indexes(tail: str) -> tuple[str, ...]:
    """What the last four digits of a number may be found by (one index for each data key); raises Invalid for anything else."""
    return blind_indexes(_tail(tail), TAIL)


def _tail(tail: str) -> str:
    if not _TAIL.fullmatch(tail):
        raise Invalid("请输入手机号后四位", fields={"phone_tail": "请输入四位数字"})
    return tail


def contact_tail_indexes(ids: Iterable[int]) -> dict[int, str]:
    """Blind index of the tail per contact, to be stored; empty for an erased one. An index tells nothing, so no actor is asked."""
    return selectors.tail_indexes(ids)


def contact_tail_index(contact_id: int) -> str:
    """Blind index of the contact's tail; empty when erased or unknown."""
    return selectors.tail_indexes([contact_id]).get(contact_id, "")


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write contacts anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return services.keys_rewrite()


def _own(actor: Principal) -> str | None:
    return actor.customer_code if actor.kind is Kind.CUSTOMER_KEY else None


def _may_read(actor: Principal) -> bool:
    if actor.kind is Kind.LINK:
        return actor.can(Right.TRACK_EXACT)
    return actor.can(Right.SHIPMENTS_READ) or actor.can(Right.CUSTOMERS_READ)


def _whole(actor: Principal, reason: str) -> bool:
    if actor.kind in {Kind.SYSTEM, Kind.LINK, Kind.CUSTOMER_KEY}:
        return True
    return bool(reason.strip()) and actor.can(Right.PERSONAL_READ)
