"""Writes of customers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction

from zaitu.access.public import audit
from zaitu.customers.domain.parties import ContactDraft, CustomerDraft, contact_checked, customer_checked
from zaitu.customers.events import ContactErased
from zaitu.customers.models import PHONE, TAIL, Contact, Customer
from zaitu.kernel import clock, outbox
from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.phones import phone_tail
from zaitu.kernel.principal import Principal
from zaitu.kernel.rewriting import Batch, Plain, rows_rewrite
from zaitu.kernel.search import grams


@transaction.atomic
def customer_put(*, actor: Principal, draft: CustomerDraft) -> Customer:
    draft = customer_checked(draft)
    customer, _ = Customer.objects.update_or_create(
        code=draft.code,
        defaults={
            "name": draft.name,
            "kind": draft.kind.value,
            "email": draft.email,
            "active": draft.active,
            "grams": grams(f"{draft.code} {draft.name}"),
        },
    )
    audit(actor=actor, action="customer.put", subject=draft.code)
    return customer


@transaction.atomic
def contact_put(*, actor: Principal, draft: ContactDraft) -> int:
    """The id of the contact with exactly these details, made when new. Only a new one is in the audit."""
    pk, made = _contact(draft)
    if made:
        audit(actor=actor, action="contact.put", subject=f"contact:{pk}")
    return pk


@transaction.atomic
def contacts_put(*, actor: Principal, drafts: Iterable[ContactDraft]) -> list[int]:
    """The same for many, in their order. One entry in the audit says how many are new, and which."""
    found = [_contact(draft) for draft in drafts]
    new = [pk for pk, made in found if made]
    if new:
        detail = {"contacts": len(new), "first": min(new), "last": max(new)}
        audit(actor=actor, action="contacts.put", subject="contacts", detail=detail)
    return [pk for pk, _ in found]


def _contact(draft: ContactDraft) -> tuple[int, bool]:
    """(id, whether it is new)."""
    draft = contact_checked(draft)
    fingerprints = _fingerprints(_parts(draft))
    known = Contact.objects.filter(fingerprint__in=fingerprints).order_by("pk").values_list("pk", flat=True)
    if known:
        return known[0], False
    contact, made = Contact.objects.get_or_create(
        fingerprint=fingerprints[0],
        defaults={
            "customer_id": _customer_id(draft.customer_code),
            "name": draft.name,
            "phone": draft.phone,
            "address": draft.address,
            "email": draft.email,
            "city": draft.city,
            "phone_index": blind_index(draft.phone, PHONE),
            "tail_index": blind_index(phone_tail(draft.phone), TAIL),
        },
    )
    return contact.pk, made


@transaction.atomic
def contacts_erase(*, actor: Principal, ids: list[int], reason: str) -> int:
    """Blank the personal fields of these contacts; how many had something left to blank."""
    if not reason.strip():
        raise Invalid("请填写删除原因", fields={"reason": "请填写删除原因"})
    erased = 0
    for contact in Contact.objects.select_for_update().filter(pk__in=ids, erased_at=None).order_by("pk"):
        for name in ("name", "phone", "address", "email", "phone_index", "tail_index"):
            setattr(contact, name, "")
        contact.fingerprint, contact.erased_at = None, clock.now()
        contact.save()
        audit(
            actor=actor,
            action="contact.erase",
            subject=f"contact:{contact.pk}",
            detail={"reason": reason.strip()[:200]},
        )
        outbox.put(ContactErased(contact_id=contact.pk))
        erased += 1
    return erased


def keys_rewrite() -> Iterator[Batch]:
    """Contacts under the newest data key, with their indexes."""
    return rows_rewrite("customers", {Contact: _indexes})


def _indexes(rows: Mapping[Any, Plain]) -> dict[Any, dict[str, str | None]]:
    """A party that was taken in again meanwhile is a row of its own under the newest key: the older one is found no more."""
    known = Contact.objects.filter(pk__in=rows, fingerprint__isnull=False)
    wanted = {}
    for pk, code, city in known.values_list("pk", "customer__code", "city"):
        row = rows[pk]
        parts = (code or "", row["name"], row["phone"], city, row["address"], row["email"])
        wanted[pk] = _fingerprints(parts)[0]
    taken = set(
        Contact.objects.filter(fingerprint__in=wanted.values())
        .exclude(pk__in=rows)
        .values_list("fingerprint", flat=True)
    )
    found: dict[Any, dict[str, str | None]] = {}
    for pk, row in rows.items():
        mark = wanted.get(pk)
        phone = row["phone"]
        found[pk] = {
            "phone_index": blind_index(phone, PHONE) if phone else "",
            "tail_index": blind_index(phone_tail(phone), TAIL) if phone else "",
            "fingerprint": None if mark in taken else mark,
        }
        if mark is not None:
            taken.add(mark)
    return found


def _parts(draft: ContactDraft) -> tuple[str, ...]:
    return (draft.customer_code or "", draft.name, draft.phone, draft.city, draft.address, draft.email)


def _fingerprints(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Of a party with everything known of it, by each data key, the newest first."""
    return blind_indexes("\x1f".join(parts), "contact")


def _customer_id(code: str | None) -> int | None:
    if code is None:
        return None
    found = Customer.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("没有这个客户")
    return found
