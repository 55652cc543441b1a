"""What customers say: it becomes a ticket at once, and its clock runs."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from zaitu.access.public import audit
from zaitu.desk.domain.requests import change_checked, change_words
from zaitu.desk.domain.tickets import Kind, State, What
from zaitu.desk.domain.views import ROLES, TEXT_MAX, Visitor, Words
from zaitu.desk.models import Conversation, Entry, Ticket
from zaitu.desk.services.log import entry_put, locked, ticket_open
from zaitu.desk.services.photos import photos_checked, photos_keep
from zaitu.journey import public as journey
from zaitu.kernel import clock, limits
from zaitu.kernel.errors import Forbidden, Invalid, RateLimited
from zaitu.kernel.principal import Principal, system
from zaitu.kernel.words import shown

HOUSE: Final = system("desk.talking")
PER_SHIPMENT: Final = 20
"""Words of customers about one shipment in an hour."""
_WINDOW_S: Final = 3600
_TWICE_WITHIN: Final = timedelta(minutes=1)
"""The same words again within it are one press of a button too many."""


def say(*, actor: Principal, waybill: str, visitor: Visitor, words: Words) -> int:
    """The conversation. Raises Forbidden, NotFound, Invalid naming every wrong field, TooLarge, RateLimited, Unavailable."""
    parties = journey.parties(actor=HOUSE, waybill=waybill)
    now = clock.now()
    text, change, fields = _checked(words, now)
    images = photos_checked(words.photos)
    with transaction.atomic():
        conversation = conversation_of(parties, visitor, words, now)
        if _said_already(conversation, text, words, now):
            return conversation.pk
        must_not_flood(waybill)
        kind = words.kind
        ticket = _ticket(conversation, kind) or ticket_open(
            conversation, kind=kind or Kind.QUESTION, at=now, change=change, fields=fields
        )
        entry = entry_put(conversation, [ticket], What.SAID, at=now, text=text)[0]
        photos_keep(entry, images)
        audit(
            actor=actor,
            action="desk.said",
            subject=waybill,
            detail={"conversation": conversation.pk, "ticket": ticket.pk, "photos": len(images)},
        )
    return conversation.pk


def must_not_flood(waybill: str) -> None:
    """Raises RateLimited."""
    allowed, wait_s = limits.attempt(f"talk:{waybill}", PER_SHIPMENT, _WINDOW_S)
    if not allowed:
        raise RateLimited("这票货的留言太多了，请稍后再发，或拨打客服热线", retry_after_s=wait_s)


def conversation_of(
    parties: "journey.PartiesView", visitor: Visitor, words: Words, now: datetime
) -> Conversation:
    """The visitor's about this shipment, locked, made when there is none. Raises Forbidden, Invalid (role), NotFound."""
    if visitor.conversation_id is not None:
        found = locked(visitor.conversation_id)
        if found.waybill != parties.waybill:
            raise Forbidden
        return found
    person, role = person_of(parties, visitor, words.role)
    found, _made = Conversation.objects.get_or_create(
        waybill=parties.waybill,
        person=person,
        defaults={
            "role": role,
            "contact_id": parties.contact(role),
            "customer_code": parties.customer_code,
            "kind": words.kind or Kind.QUESTION,
            "created_at": now,
            "last_at": now,
        },
    )
    return locked(found.pk)


def person_of(parties: "journey.PartiesView", visitor: Visitor, said: str) -> tuple[str, str]:
    """(person, role): by the tail that was shown, else of this browser, who says which party it speaks for."""
    contact = parties.contact(visitor.role)
    if contact is not None:
        return f"contact:{contact}", visitor.role
    if not visitor.token:
        raise Forbidden("请先输入手机号后四位")
    if said not in ROLES:
        raise Invalid("请选择您是谁", fields={"role": "请选择您是收货人还是发货人"})
    return f"visitor:{visitor.token}", said


def _checked(words: Words, now: datetime) -> tuple[str, str, dict[str, str]]:
    """(what is said, what is to be changed, its fields)."""
    text = shown(words.text.replace("\r\n", "\n"), lines=True)
    wrong: dict[str, str] = {}
    change, begun = "", ""
    fields: dict[str, str] = {}
    if words.kind is Kind.REQUEST:
        try:
            asked, fields = change_checked(words.change, words.fields, today=clock.local(now).date())
            change, begun = asked.value, change_words(asked, fields)
        except Invalid as error:
            wrong |= error.fields
    elif not text and not words.photos:
        wrong["text"] = "请写下您的问题" if words.kind is not Kind.COMPLAINT else "请写下发生了什么"
    if len(text) > TEXT_MAX:
        wrong["text"] = f"最多 {TEXT_MAX} 个字"
    if wrong:
        raise Invalid("还有内容需要填写", fields=wrong)
    return "\n".join(filter(None, (begun, text))), change, fields


def _ticket(conversation: Conversation, kind: Kind | None) -> Ticket | None:
    """Which matter the words belong to; None: a new one. A request and a complaint are always new ones."""
    known = Ticket.objects.filter(conversation=conversation).order_by("-pk")
    if kind is None:
        return known.first()
    if kind is Kind.QUESTION:
        return known.filter(kind=kind).exclude(state=State.CLOSED).first()
    return None


def _said_already(conversation: Conversation, text: str, words: Words, now: datetime) -> bool:
    last = Entry.objects.filter(pk=conversation.last_entry).select_related("ticket").first()
    return (
        last is not None
        and last.what == What.SAID
        and now - last.at < _TWICE_WITHIN
        and last.text == text
        and not words.photos
        and (words.kind is None or (last.ticket is not None and last.ticket.kind == words.kind))
    )
