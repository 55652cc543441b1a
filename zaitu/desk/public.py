"""The contract of the desk: customers say something about a shipment, staff answer it, and the clock runs meanwhile."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import Q

from zaitu.access.public import audit
from zaitu.customers import public as customers
from zaitu.customers.events import ContactErased
from zaitu.desk.adapters.addresses import PARAMETER as THREAD_PARAMETER
from zaitu.desk.adapters.addresses import thread_named
from zaitu.desk.domain.ratings import QUESTIONS, REASONS, Band, band_of
from zaitu.desk.domain.requests import CHANGE_TEXTS, DAYS_AHEAD, FIELD_TEXTS, FIELDS, SLOTS, Change
from zaitu.desk.domain.tickets import KIND_TEXTS, PROMISE, STATE_TEXTS, Kind, State, What
from zaitu.desk.domain.views import (
    PHOTOS_MAX,
    ROLES,
    TEXT_MAX,
    ConversationQuery,
    ConversationRow,
    ConversationView,
    EntryView,
    PastRating,
    PastTalk,
    RatingView,
    Stars,
    ThreadView,
    TicketView,
    Turn,
    Visitor,
    Words,
)
from zaitu.desk.models import Attachment, Conversation, Rating
from zaitu.desk.selectors import threads as _threads
from zaitu.desk.services import answering as _answering
from zaitu.desk.services import past as _past
from zaitu.desk.services import photos as _photos
from zaitu.desk.services import rating as _rating
from zaitu.desk.services import retention as _retention
from zaitu.desk.services import talking as _talking
from zaitu.journey import public as journey
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house

__all__ = [
    "CHANGE_TEXTS", "DAYS_AHEAD", "FIELDS", "FIELD_TEXTS", "KIND_TEXTS", "PHOTOS_MAX", "PROMISE", "QUESTIONS",
    "REASONS", "ROLES", "SLOTS", "STATE_TEXTS", "TEXT_MAX", "THREAD_PARAMETER", "Band", "Change", "ConversationQuery",
    "ConversationRow", "ConversationView", "EntryView", "Kind", "PastRating", "PastTalk", "RatingView", "Stars", "State", "ThreadView",
    "TicketView", "Turn", "Visitor", "What", "Words", "answer", "band_of", "close", "conversation_get",
    "conversations", "entries_after", "files_reseal", "history_import", "keys_rewrite", "note", "on_contact_erased",
    "photo_read", "rate", "reopen", "say", "take", "talks_trim", "thread", "thread_named", "waiting_count",
]  # fmt: skip


# Customers


def say(*, actor: Principal, waybill: str, visitor: Visitor, words: Words) -> int:
    """What a party says about its shipment becomes a ticket, or goes on with one; the conversation.

    Raises Forbidden (another shipment's link), NotFound, Invalid naming every wrong field, TooLarge, RateLimited (20 an hour about
    one shipment), Unavailable (disk full). The same words again within a minute are not said twice.
    """
    _must_be_a_party(actor, waybill)
    return _talking.say(actor=actor, waybill=waybill, visitor=visitor, words=words)


def rate(*, actor: Principal, waybill: str, visitor: Visitor, given: Stars) -> None:
    """Rate how a shipment was carried: once for each person, changeable for 7 days. One or two stars are a complaint too.

    Raises Forbidden, NotFound, Invalid, RuleBroken (not signed for, too late to change, given from another browser), RateLimited.
    """
    _must_be_a_party(actor, waybill)
    _rating.rate(actor=actor, waybill=waybill, visitor=visitor, given=given)


def thread(*, actor: Principal, waybill: str, visitor: Visitor) -> ThreadView:
    """What this person has said about the shipment, and the answers; never what the other party has said. Raises Forbidden, NotFound."""
    _must_be_a_party(actor, waybill)
    parties = journey.parties(actor=_talking.HOUSE, waybill=waybill)
    contact = parties.contact(visitor.role)
    mine = Q(pk__in=[])
    if contact is not None:
        mine |= Q(contact_id=contact)
    if visitor.token:
        mine |= Q(person=f"visitor:{visitor.token}")
    if visitor.conversation_id is not None:
        mine |= Q(pk=visitor.conversation_id)
    found = list(Conversation.objects.filter(mine, waybill=waybill).values_list("pk", flat=True))
    rating = _rating_of(parties, visitor)
    may_change = rating is None or _rating.may_change(rating, visitor)
    return ThreadView(
        entries=tuple(_threads.entries_of(found, customers=True)),
        tickets={ticket.id: ticket for ticket in _threads.tickets_of(found)},
        rating=_threads.rating_view(rating, may_change=may_change) if rating else None,
        may_rate=parties.signed_at is not None and may_change,
    )


def _rating_of(parties: "journey.PartiesView", visitor: Visitor) -> Rating | None:
    """By the person where that is known, else what was given on this browser."""
    known = Rating.objects.filter(waybill=parties.waybill)
    try:
        person, _ = _rating.rater(parties, visitor, "")
    except (Invalid, Forbidden):
        return known.filter(visitor=visitor.token).first() if visitor.token else None
    return known.filter(person=person).first()


def photo_read(*, actor: Principal, file_id: str) -> bytes:
    """A JPEG: for staff (recorded), and for a party of its shipment to whom the door has shown it. Raises Forbidden, NotFound, Unavailable."""
    row = Attachment.objects.select_related("entry__conversation").filter(pk=_file_id(file_id)).first()
    if row is None:
        raise NotFound("没有这张照片")
    waybill = row.entry.conversation.waybill
    if actor.kind is Who.LINK:
        _must_be_a_party(actor, waybill)
    else:
        _staff(actor, Right.DESK_READ)
        audit(actor=actor, action="personal.read", subject=waybill, detail={"file": str(row.pk)})
    return _photos.photo_content(row)


def _file_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("没有这张照片") from None


# Staff


def conversations(*, actor: Principal, query: ConversationQuery, page: int = 1) -> Page[ConversationRow]:
    """50 a page: who waits first, the most pressing at the top. The last words are read: it is recorded. Raises Forbidden."""
    _staff(actor, Right.DESK_READ)
    found = _threads.conversations(query, contacts=_named(actor, query.text), page=max(1, page))
    if found.rows:
        audit(
            actor=actor,
            action="personal.read",
            subject="conversations",
            detail={"conversations": [row.id for row in found.rows]},
        )
    return found


def _named(actor: Principal, text: str) -> list[int]:
    """Contacts with this phone number."""
    try:
        return customers.contact_ids_by_phone(actor=actor, phone=text) if text.strip() else []
    except (Invalid, Forbidden):
        return []


def conversation_get(*, actor: Principal, conversation_id: int) -> ConversationView:
    """The whole of it; the read is recorded. Raises Forbidden, NotFound."""
    _staff(actor, Right.DESK_READ)
    row = _threads.conversation(conversation_id)
    audit(actor=actor, action="personal.read", subject=row.waybill, detail={"conversation": row.pk})
    return _threads.conversation_view(row)


def entries_after(*, actor: Principal, conversation_id: int, seen: int) -> int:
    """How many entries are newer than the one last seen. Raises Forbidden, NotFound."""
    _staff(actor, Right.DESK_READ)
    row = _threads.conversation(conversation_id)
    return len(_threads.entries_of([row.pk], after=seen)) if row.last_entry > seen else 0


def answer(
    *, actor: Principal, conversation_id: int, text: str, seen: int, ticket_id: int | None = None
) -> None:
    """Answer one ticket, or all that wait; the customer is sent word of it. `seen`: the newest entry on the page.

    Raises Forbidden, NotFound, Invalid, Conflict (something newer has come).
    """
    _staff(actor, Right.DESK_ANSWER)
    _answering.answer(actor=actor, conversation_id=conversation_id, text=text, seen=seen, ticket_id=ticket_id)


def note(*, actor: Principal, conversation_id: int, text: str) -> None:
    """Between colleagues; customers never see it. Raises Forbidden, NotFound, Invalid."""
    _staff(actor, Right.DESK_ANSWER)
    _answering.note(actor=actor, conversation_id=conversation_id, text=text)


def take(*, actor: Principal, conversation_id: int, mine: bool = True) -> None:
    """Look after it oneself, or let it go. Raises Forbidden, NotFound."""
    _staff(actor, Right.DESK_ANSWER)
    _answering.take(actor=actor, conversation_id=conversation_id, assignee=actor.name[:80] if mine else "")


def close(*, actor: Principal, conversation_id: int, ticket_id: int, seen: int, reason: str = "") -> None:
    """Raises Forbidden, NotFound, Invalid (who waits is answered, or there is a reason), RuleBroken (closed), Conflict."""
    _staff(actor, Right.DESK_ANSWER)
    _answering.close(
        actor=actor, conversation_id=conversation_id, ticket_id=ticket_id, reason=reason, seen=seen
    )


def reopen(*, actor: Principal, conversation_id: int, ticket_id: int) -> None:
    """Raises Forbidden, NotFound, RuleBroken (not closed)."""
    _staff(actor, Right.DESK_ANSWER)
    _answering.reopen(actor=actor, conversation_id=conversation_id, ticket_id=ticket_id)


def waiting_count(*, actor: Principal) -> int:
    """Conversations in which somebody waits for an answer. Raises Forbidden."""
    _staff(actor, Right.DESK_READ)
    return _threads.waiting_count()


# The house


def history_import(*, actor: Principal, talks: Iterable[PastTalk], ratings: Iterable[PastRating] = ()) -> int:
    """Take over what was said before; nobody is told. How many tickets. Raises Forbidden, NotFound, RuleBroken; then nothing is taken."""
    must_be_the_house(actor)
    return _past.history_import(actor=actor, talks=talks, ratings=ratings)


def talks_trim(*, actor: Principal) -> tuple[int, int]:
    """Blank and delete what has passed its days (ZAITU_TALK_BLANK_DAYS, …_KEEP_DAYS): (blanked, deleted). Raises Forbidden."""
    must_be_the_house(actor)
    return _retention.talks_trim()


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write rows anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return _retention.keys_rewrite()


def files_reseal(*, actor: Principal) -> Iterator[Batch]:
    """The same for photos, while no backup runs. Raises Forbidden, OSError (disk full)."""
    must_be_the_house(actor)
    return _photos.files_reseal()


def on_contact_erased(event: ContactErased) -> None:
    """A person was erased: what they said and were told is blanked. Runs again without effect."""
    _retention.person_forget(contact_id=event.contact_id)


def _must_be_a_party(actor: Principal, waybill: str) -> None:
    actor.must(Right.TALK)
    if actor.kind is Who.STAFF or (actor.kind is Who.LINK and actor.waybill != waybill):
        raise Forbidden("只能就自己的运单留言")


def _staff(actor: Principal, right: Right) -> None:
    if actor.kind not in (Who.STAFF, Who.SYSTEM):
        raise Forbidden("仅限本公司人员")
    actor.must(right)
