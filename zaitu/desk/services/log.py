"""The log of a conversation: an entry put, and what follows from it folded anew."""

import json
from collections.abc import Iterable
from datetime import datetime

from zaitu.desk.domain.tickets import MOVES, Event, Standing, State, What, standing
from zaitu.desk.events import TicketMoved
from zaitu.desk.models import Conversation, Entry, Ticket
from zaitu.desk.selectors.words import words_indexes
from zaitu.kernel import metrics, outbox
from zaitu.kernel.errors import NotFound

SYSTEM = "system"
_answers = metrics.counter("desk_answers", "Times that a customer was answered", ["in_time"])


def locked(conversation_id: int) -> Conversation:
    """Writers of a conversation take turns. Raises NotFound."""
    found = Conversation.objects.select_for_update(no_key=True).filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("没有这个会话")
    return found


def ticket_open(
    conversation: Conversation, *, kind: str, at: datetime, change: str = "", fields: object = None
) -> Ticket:
    return Ticket.objects.create(
        conversation=conversation,
        kind=kind,
        change=change,
        fields=json.dumps(fields, ensure_ascii=False) if fields else "",
        opened_at=at,
        state=State.OPEN,
    )


def entry_put(
    conversation: Conversation,
    tickets: Iterable[Ticket],
    what: What,
    *,
    at: datetime,
    author: str = "",
    text: str = "",
) -> list[Entry]:
    """One entry for each ticket, the first with the text; what follows is folded. Raises RuleBroken for a step that is refused."""
    entries: list[Entry] = []
    for ticket in tickets:
        entry = _entry(conversation, ticket, what, at, author, "" if entries else text)
        entries.append(entry)
        if what in MOVES:
            _move(conversation, ticket, what, at)
    if not entries:
        entries.append(_entry(conversation, None, what, at, author, text))
    _settle(conversation, entries[0], what)
    return entries


def _entry(
    conversation: Conversation, ticket: Ticket | None, what: What, at: datetime, author: str, text: str
) -> Entry:
    return Entry.objects.create(
        conversation=conversation,
        ticket=ticket,
        what=what,
        author=author,
        text=text,
        grams=words_indexes(text),
        at=at,
    )


def standing_of(ticket: Ticket) -> Standing:
    rows = Entry.objects.filter(ticket=ticket).order_by("pk").values_list("what", "at")
    return standing(Event(what=What(what), at=at) for what, at in rows)


def _move(conversation: Conversation, ticket: Ticket, what: What, at: datetime) -> None:
    waited = ticket.waiting_since
    now = standing_of(ticket)
    ticket.state, ticket.waiting_since, ticket.due_at = now.state, now.waiting_since, now.due_at
    ticket.save(update_fields=["state", "waiting_since", "due_at"])
    if what is What.ANSWERED and waited is not None:
        _answers.labels("yes" if now.answers[-1].in_time else "no").inc()
    outbox.put(
        TicketMoved(
            ticket=ticket.pk,
            waybill=conversation.waybill,
            kind=ticket.kind,
            what=what.value,
            state=ticket.state,
            at=at,
        )
    )


def _settle(conversation: Conversation, entry: Entry, what: What) -> None:
    tickets = list(Ticket.objects.filter(conversation=conversation).order_by("-pk"))
    waiting = [(ticket.waiting_since, ticket.due_at) for ticket in tickets if ticket.waiting_since]
    conversation.kind = tickets[0].kind
    conversation.waiting_since, conversation.due_at = min(waiting, default=(None, None))
    conversation.open_tickets = sum(ticket.state != State.CLOSED for ticket in tickets)
    if what is not What.TAKEN:
        conversation.last_entry, conversation.last_at = entry.pk, entry.at
        conversation.blanked_at = None
    conversation.save(
        update_fields=[
            "kind", "waiting_since", "due_at", "open_tickets", "last_entry", "last_at", "blanked_at", "assignee",
        ]
    )  # fmt: skip
    outbox.changed(f"desk:{conversation.waybill}")
