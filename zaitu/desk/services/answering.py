"""What staff do with a conversation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from zaitu.access.public import audit
from zaitu.customers import public as customers
from zaitu.desk.adapters.addresses import thread_address
from zaitu.desk.domain.tickets import State, What
from zaitu.desk.domain.views import TEXT_MAX
from zaitu.desk.models import Conversation, Entry, Ticket
from zaitu.desk.services.log import entry_put, locked
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal, system
from zaitu.kernel.words import shown
from zaitu.notify import public as notify

_TELLER: Final = system("desk.answers")


@transaction.atomic
def answer(
    *, actor: Principal, conversation_id: int, text: str, seen: int, ticket_id: int | None = None
) -> None:
    """Answer one ticket, or all that wait (else the newest), and send word of it. Raises NotFound, Invalid, Conflict."""
    conversation, said = locked(conversation_id), _text(text, "请写下回复")
    _must_have_seen(conversation, seen)
    now = clock.now()
    if not conversation.assignee:
        conversation.assignee = actor.name[:80]  # who answers first looks after it
    entries = entry_put(
        conversation,
        _answered(conversation, ticket_id),
        What.ANSWERED,
        at=now,
        author=actor.name[:80],
        text=said,
    )
    _tell(conversation, entries[0], now)
    _audited(actor, conversation, "answer")


@transaction.atomic
def note(*, actor: Principal, conversation_id: int, text: str) -> None:
    """Between colleagues. Raises NotFound, Invalid."""
    conversation = locked(conversation_id)
    entry_put(
        conversation,
        [],
        What.NOTED,
        at=clock.now(),
        author=actor.name[:80],
        text=_text(text, "请写下备注"),
    )
    _audited(actor, conversation, "note")


@transaction.atomic
def take(*, actor: Principal, conversation_id: int, assignee: str) -> None:
    """Let somebody look after it; empty: nobody. Again without effect. Raises NotFound."""
    conversation = locked(conversation_id)
    if conversation.assignee == assignee:
        return
    conversation.assignee = assignee
    entry_put(conversation, [], What.TAKEN, at=clock.now(), author=actor.name[:80], text=assignee)
    _audited(actor, conversation, "take")


@transaction.atomic
def close(*, actor: Principal, conversation_id: int, ticket_id: int, reason: str, seen: int) -> None:
    """Raises NotFound, Invalid (somebody waits and no reason is given), RuleBroken (closed already), Conflict."""
    conversation = locked(conversation_id)
    _must_have_seen(conversation, seen)
    ticket, said = _ticket(conversation, ticket_id), shown(reason, lines=True)[:TEXT_MAX]
    if ticket.waiting_since and not said:
        raise Invalid("客户还在等回复", fields={"reason": "客户还在等回复；不回复就关闭，请写明原因"})
    entry_put(conversation, [ticket], What.CLOSED, at=clock.now(), author=actor.name[:80], text=said)
    _audited(actor, conversation, "close")


@transaction.atomic
def reopen(*, actor: Principal, conversation_id: int, ticket_id: int) -> None:
    """Raises NotFound, RuleBroken (it is open)."""
    conversation = locked(conversation_id)
    ticket = _ticket(conversation, ticket_id)
    entry_put(conversation, [ticket], What.REOPENED, at=clock.now(), author=actor.name[:80])
    _audited(actor, conversation, "reopen")


def _must_have_seen(conversation: Conversation, seen: int) -> None:
    """Two write at once: the second looks first at what the first, or the customer, has said meanwhile."""
    if conversation.last_entry > seen:
        raise Conflict("您打开后这个会话又有了新内容，请看过再发")


def _answered(conversation: Conversation, ticket_id: int | None) -> Sequence[Ticket]:
    if ticket_id is not None:
        return [_ticket(conversation, ticket_id)]
    known = Ticket.objects.filter(conversation=conversation).order_by("-pk")
    waiting = list(known.filter(waiting_since__isnull=False).order_by("pk"))
    newest = known.exclude(state=State.CLOSED).first() or known.first()
    if not waiting and newest is None:
        raise RuleBroken("这个会话里还没有客户的话")
    return waiting or ([newest] if newest else [])


def _ticket(conversation: Conversation, ticket_id: int) -> Ticket:
    found = Ticket.objects.filter(conversation=conversation, pk=ticket_id).first()
    if found is None:
        raise NotFound("没有这个工单")
    return found


def _text(text: str, empty: str) -> str:
    said = shown(text.replace("\r\n", "\n"), lines=True)
    if not said or len(said) > TEXT_MAX:
        raise Invalid(empty, fields={"text": empty if not said else f"最多 {TEXT_MAX} 个字"})
    return said


def _tell(conversation: Conversation, entry: Entry, now: datetime) -> None:
    """Word that there is an answer; what it says is read on the page only."""
    contact = conversation.contact_id
    found = customers.contacts_read(actor=_TELLER, ids=[contact]) if contact else {}
    parties = journey.parties(actor=_TELLER, waybill=conversation.waybill)
    notify.tell_many(
        actor=_TELLER,
        notices=[
            notify.Notice(
                fact=f"{conversation.waybill}:reply:{entry.pk}",
                kind=notify.Kind.REPLY.value,
                waybill=conversation.waybill,
                customer_code=None,
                to=(notify.Recipient(person=f"contact:{pk}", email=one.email, phone=one.phone),),
                params={"link": thread_address(parties.link, conversation.pk)},
                at=now,
            )
            for pk, one in found.items()
        ],
    )


def _audited(actor: Principal, conversation: Conversation, verb: str) -> None:
    audit(
        actor=actor,
        action=f"desk.{verb}",
        subject=conversation.waybill,
        detail={"conversation": conversation.pk},
    )
