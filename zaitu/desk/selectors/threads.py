"""Conversations read: by customers, by staff, and counted."""

import json
from collections.abc import Iterable, Sequence

from django.db.models import Count, F, Min, Q, QuerySet

from zaitu.desk.domain.requests import Change
from zaitu.desk.domain.tickets import Kind, State, What
from zaitu.desk.domain.views import (
    ConversationQuery,
    ConversationRow,
    ConversationView,
    EntryView,
    RatingView,
    TicketView,
)
from zaitu.desk.models import Attachment, Conversation, Entry, Rating, Ticket
from zaitu.desk.selectors.words import words_asked
from zaitu.kernel import clock, metrics
from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page

SIZE = 50
_FOR_CUSTOMERS = (What.SAID, What.ANSWERED, What.CLOSED, What.REOPENED)
_WAYBILL_PART = 4


def conversation(conversation_id: int) -> Conversation:
    found = Conversation.objects.filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("没有这个会话")
    return found


def entries_of(conversations: Iterable[int], *, customers: bool = False, after: int = 0) -> list[EntryView]:
    """Oldest first; for `customers` without what is between colleagues."""
    rows = Entry.objects.filter(conversation__in=conversations, pk__gt=after).order_by("pk")
    if customers:
        rows = rows.filter(what__in=_FOR_CUSTOMERS)
    found = list(rows)
    photos: dict[int, list[str]] = {}
    for pk, entry in Attachment.objects.filter(entry__in=found).values_list("pk", "entry_id"):
        photos.setdefault(entry, []).append(str(pk))
    return [_entry(row, photos.get(row.pk, ()), customers=customers) for row in found]


def _entry(row: Entry, photos: Sequence[str], *, customers: bool) -> EntryView:
    # Why something was closed is between colleagues.
    hidden = customers and row.what not in (What.SAID, What.ANSWERED)
    return EntryView(
        id=row.pk,
        ticket_id=row.ticket_id,
        what=What(row.what),
        author=row.author,
        text="" if hidden else row.text,
        at=row.at,
        photos=tuple(sorted(photos)),
    )


def tickets_of(conversations: Iterable[int]) -> tuple[TicketView, ...]:
    """Newest first."""
    return tuple(
        TicketView(
            id=row.pk,
            kind=Kind(row.kind),
            state=State(row.state),
            change=Change(row.change) if row.change else None,
            fields=json.loads(row.fields) if row.fields else {},
            opened_at=row.opened_at,
            waiting_since=row.waiting_since,
            due_at=row.due_at,
        )
        for row in Ticket.objects.filter(conversation__in=conversations).order_by("-pk")
    )


def rating_view(row: Rating, *, may_change: bool = False) -> RatingView:
    return RatingView(
        stars=row.stars,
        reasons=tuple(row.reasons),
        text=row.text,
        created_at=row.created_at,
        may_change=may_change,
    )


def conversations(query: ConversationQuery, *, contacts: Iterable[int], page: int) -> Page[ConversationRow]:
    """Who waits comes first, the longest first; then those last spoken in. `contacts`: people whom the text names."""
    found = _asked(query, list(contacts)).order_by(F("due_at").asc(nulls_last=True), "-last_at", "-pk")
    total = found.count()
    rows = list(found[(page - 1) * SIZE : page * SIZE])
    return Page(rows=tuple(_rows(rows)), total=total, page=page, size=SIZE)


def _asked(query: ConversationQuery, contacts: list[int]) -> QuerySet[Conversation]:
    found = Conversation.objects.all()
    states = {
        "waiting": Q(waiting_since__isnull=False),
        "open": Q(open_tickets__gt=0),
        "closed": Q(open_tickets=0),
    }
    if query.state in states:
        found = found.filter(states[query.state])
    if query.kind in {kind.value for kind in Kind}:
        found = found.filter(kind=query.kind)
    if query.assignee:
        found = found.filter(assignee="" if query.assignee == "-" else query.assignee)
    text = query.text.strip()
    if not text:
        return found
    said = words_asked(text)
    wanted = Q(contact_id__in=contacts)
    if said is not None:
        wanted |= Q(pk__in=Entry.objects.filter(said).values("conversation_id"))
    if text.isascii() and len(text) >= _WAYBILL_PART:
        wanted |= Q(waybill__contains=text.upper())
    return found.filter(wanted)


def _rows(rows: Sequence[Conversation]) -> list[ConversationRow]:
    said = Entry.objects.filter(conversation__in=rows, what__in=(What.SAID, What.ANSWERED, What.NOTED))
    newest = said.order_by("conversation_id", "-pk").distinct("conversation_id")
    last = {entry.conversation_id: entry for entry in newest}
    return [row_view(row, last.get(row.pk)) for row in rows]


def row_view(row: Conversation, last: Entry | None) -> ConversationRow:
    return ConversationRow(
        id=row.pk,
        waybill=row.waybill,
        role=row.role,
        proven=row.person.startswith("contact:"),
        kind=Kind(row.kind),
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        open_tickets=row.open_tickets,
        assignee=row.assignee,
        last_at=row.last_at,
        last_words=last.text if last else "",
        last_by=last.author if last else "",
    )


def conversation_view(row: Conversation) -> ConversationView:
    rating = Rating.objects.filter(waybill=row.waybill).filter(
        Q(contact_id=row.contact_id, contact_id__isnull=False) | Q(person=row.person)
    )
    found = rating.order_by("-changed_at").first()
    return ConversationView(
        row=row_view(row, None),
        contact_id=row.contact_id,
        channel=row.channel,
        last_entry=row.last_entry,
        entries=tuple(entries_of([row.pk])),
        tickets=tickets_of([row.pk]),
        rating=rating_view(found) if found else None,
        blanked=row.blanked_at is not None,
    )


def waiting_count() -> int:
    return Conversation.objects.filter(waiting_since__isnull=False).count()


@metrics.read_when_asked
def _numbers() -> Iterable[metrics.Metric]:
    """Open tickets by kind, and how long the customer who has waited longest waits."""
    rows = Ticket.objects.exclude(state=State.CLOSED).values_list("kind")
    found = {
        kind: (number, since) for kind, number, since in rows.annotate(Count("pk"), Min("waiting_since"))
    }
    now = clock.now()
    open_ = metrics.family("desk_open", "Tickets not closed", ["kind"])
    oldest = metrics.family(
        "desk_oldest_unanswered_s", "Age of the oldest word nobody has answered, seconds", ["kind"]
    )
    for kind in Kind:
        number, since = found.get(kind.value, (0, None))
        open_.add_metric([kind], number)
        oldest.add_metric([kind], (now - (since or now)).total_seconds())
    return open_, oldest
