"""What was said before, taken over: nobody is told, no clock of today begins."""

from collections.abc import Iterable

from django.db import transaction

from zaitu.access.public import audit
from zaitu.desk.domain.requests import change_words
from zaitu.desk.domain.tickets import What
from zaitu.desk.domain.views import PastRating, PastTalk
from zaitu.desk.models import Conversation, Rating
from zaitu.desk.services.log import entry_put, locked, ticket_open
from zaitu.desk.services.talking import HOUSE
from zaitu.journey import public as journey
from zaitu.kernel.principal import Principal


@transaction.atomic
def history_import(*, actor: Principal, talks: Iterable[PastTalk], ratings: Iterable[PastRating]) -> int:
    """How many tickets; raises NotFound (shipment), RuleBroken for a step that is refused; then nothing is taken."""
    count = 0
    for talk in talks:
        _take(talk)
        count += 1
    for rating in ratings:
        parties = journey.parties(actor=HOUSE, waybill=rating.waybill)
        contact = parties.contact(rating.role)
        Rating.objects.get_or_create(
            waybill=parties.waybill,
            person=f"contact:{contact}",
            defaults={
                "contact_id": contact,
                "customer_code": parties.customer_code,
                "stars": rating.stars,
                "reasons": list(rating.reasons),
                "text": rating.text,
                "created_at": rating.at,
                "changed_at": rating.at,
            },
        )
    audit(actor=actor, action="desk.import", subject="conversations", detail={"tickets": count})
    return count


def _take(talk: PastTalk) -> None:
    parties = journey.parties(actor=HOUSE, waybill=talk.waybill)
    contact, first = parties.contact(talk.role), talk.turns[0].at
    found, _made = Conversation.objects.get_or_create(
        waybill=parties.waybill,
        person=f"contact:{contact}",
        defaults={
            "role": talk.role,
            "contact_id": contact,
            "customer_code": parties.customer_code,
            "kind": talk.kind,
            "created_at": first,
            "last_at": first,
        },
    )
    conversation = locked(found.pk)
    change = talk.change.value if talk.change else ""
    ticket = ticket_open(conversation, kind=talk.kind, at=first, change=change, fields=dict(talk.fields))
    begun = change_words(talk.change, talk.fields) if talk.change else ""
    for number, turn in enumerate(talk.turns):
        text = "\n".join(filter(None, (begun if number == 0 else "", turn.text)))
        if turn.what is What.ANSWERED and not conversation.assignee:
            conversation.assignee = turn.author
        tickets = [ticket] if turn.what is not What.NOTED else []
        entry_put(conversation, tickets, turn.what, at=turn.at, author=turn.author, text=text)
