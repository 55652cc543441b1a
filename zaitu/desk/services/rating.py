"""Ratings: one for each shipment and person, changeable for a week; few stars become a complaint at once."""

from django.db import IntegrityError, transaction

from zaitu.access.public import audit
from zaitu.desk.domain.ratings import CHANGE_WITHIN, LOW, rating_checked, rating_words
from zaitu.desk.domain.tickets import Kind, What
from zaitu.desk.domain.views import Stars, Visitor, Words
from zaitu.desk.events import ShipmentRated
from zaitu.desk.models import Conversation, Rating
from zaitu.desk.services.log import entry_put, ticket_open
from zaitu.desk.services.talking import HOUSE, conversation_of, must_not_flood, person_of
from zaitu.journey import public as journey
from zaitu.kernel import clock, outbox
from zaitu.kernel.errors import Conflict, RuleBroken
from zaitu.kernel.principal import Principal


def rate(*, actor: Principal, waybill: str, visitor: Visitor, given: Stars) -> None:
    """Give or change one. Raises Forbidden, NotFound, Invalid, RuleBroken (not signed for, too late, given elsewhere)."""
    parties = journey.parties(actor=HOUSE, waybill=waybill)
    kept, said = rating_checked(given.stars, given.reasons, given.text)
    if parties.signed_at is None:
        raise RuleBroken("签收后才能评价")
    now = clock.now()
    person, contact = rater(parties, visitor, given.role)
    try:
        with transaction.atomic():
            known = (
                Rating.objects.select_for_update(no_key=True).filter(waybill=waybill, person=person).first()
            )
            must_not_flood(waybill)
            row = known or Rating(
                waybill=waybill,
                person=person,
                visitor=visitor.token,
                contact_id=contact,
                customer_code=parties.customer_code,
                created_at=now,
            )
            if known and not may_change(known, visitor):
                raise RuleBroken("这次服务已经评价过了")
            was_low = known is not None and known.stars <= LOW
            row.stars, row.reasons, row.text, row.changed_at = given.stars, list(kept), said, now
            row.blanked_at = None
            row.save()
            if given.stars <= LOW and not was_low:
                words = Words(kind=Kind.COMPLAINT, role=given.role)
                conversation = conversation_of(parties, visitor, words, now)
                ticket = ticket_open(conversation, kind=Kind.COMPLAINT, at=now)
                entry_put(
                    conversation, [ticket], What.SAID, at=now, text=rating_words(given.stars, kept, said)
                )
            outbox.put(ShipmentRated(waybill=waybill, stars=given.stars, reasons=tuple(kept), at=now))
            audit(actor=actor, action="desk.rate", subject=waybill, detail={"stars": given.stars})
    except IntegrityError as error:
        raise Conflict("评价刚刚已经提交过了") from error


def rater(parties: "journey.PartiesView", visitor: Visitor, role: str) -> tuple[str, int | None]:
    """(person, contact). By a link, each party can rate once, whichever browser it is."""
    if visitor.conversation_id is not None:
        found = Conversation.objects.filter(pk=visitor.conversation_id, waybill=parties.waybill).first()
        if found is not None and found.contact_id is not None:
            return f"contact:{found.contact_id}", found.contact_id
    person, said = person_of(parties, visitor, role)
    return (person if person.startswith("contact:") else f"as:{said}"), parties.contact(said)


def may_change(row: Rating, visitor: Visitor) -> bool:
    own = row.person.startswith("contact:") or (bool(row.visitor) and row.visitor == visitor.token)
    return own and clock.now() - row.created_at < CHANGE_WITHIN
