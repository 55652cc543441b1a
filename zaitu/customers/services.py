"""Writes of customers."""

from django.db import transaction

from zaitu.access.public import audit
from zaitu.customers.domain.parties import ContactDraft, CustomerDraft, contact_checked, customer_checked
from zaitu.customers.events import ContactErased
from zaitu.customers.models import Contact, Customer
from zaitu.kernel import clock, outbox
from zaitu.kernel.crypto import blind_index
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.phones import phone_tail
from zaitu.kernel.principal import Principal
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
    draft = contact_checked(draft)
    contact, made = Contact.objects.get_or_create(
        fingerprint=_fingerprint(draft),
        defaults={
            "customer_id": _customer_id(draft.customer_code),
            "name": draft.name,
            "phone": draft.phone,
            "address": draft.address,
            "email": draft.email,
            "city": draft.city,
            "phone_index": phone_index(draft.phone),
            "tail_index": tail_index(phone_tail(draft.phone)),
        },
    )
    if made:
        audit(actor=actor, action="contact.put", subject=f"contact:{contact.pk}")
    return contact.pk


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


def phone_index(phone: str) -> str:
    """Blind index of a number in its stored spelling."""
    return blind_index(phone, "phone")


def tail_index(tail: str) -> str:
    return blind_index(tail, "tail")


def _fingerprint(draft: ContactDraft) -> str:
    parts = (draft.customer_code or "", draft.name, draft.phone, draft.city, draft.address, draft.email)
    return blind_index("\x1f".join(parts), "contact")


def _customer_id(code: str | None) -> int | None:
    if code is None:
        return None
    found = Customer.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("没有这个客户")
    return found
