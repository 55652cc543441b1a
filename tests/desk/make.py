"""Makers: a shipment, its parties as visitors, and people of the desk."""

from tests.access import make as people
from tests.field.make import picture
from tests.journey import make as journey
from zaitu.access.public import tail_principal
from zaitu.customers.models import Contact
from zaitu.desk import public as desk
from zaitu.journey import public as journeys
from zaitu.kernel.principal import system

TEST = system("test")
CONSIGNEE = desk.Visitor(role="consignee")
CONSIGNOR = desk.Visitor(role="consignor")
BROWSER = desk.Visitor(token="b" * 22)
PHOTO = picture()


def shipment(**fields) -> str:
    journey.carrier()
    return journey.order(**fields).waybill


def signed() -> str:
    journey.carrier()
    waybill = journey.collected().waybill
    journey.sign(waybill, "SHQP")
    return waybill


def say(waybill, text="货到哪里了？", *, visitor=CONSIGNEE, kind=desk.Kind.QUESTION, **fields) -> int:
    words = desk.Words(kind=kind, text=text, **fields)
    return desk.say(actor=tail_principal(waybill), waybill=waybill, visitor=visitor, words=words)


def rate(waybill, stars=5, *, visitor=CONSIGNEE, **fields) -> None:
    given = desk.Stars(stars=stars, **fields)
    desk.rate(actor=tail_principal(waybill), waybill=waybill, visitor=visitor, given=given)


def thread(waybill, visitor=CONSIGNEE) -> desk.ThreadView:
    return desk.thread(actor=tail_principal(waybill), waybill=waybill, visitor=visitor)


def said(waybill, visitor=CONSIGNEE) -> list[str]:
    return [entry.text for entry in thread(waybill, visitor).entries if entry.text]


def view(conversation_id) -> desk.ConversationView:
    return desk.conversation_get(actor=TEST, conversation_id=conversation_id)


def answer(conversation_id, text="今天下午送到。", *, actor=TEST, **fields) -> None:
    seen = fields.pop("seen", None) or view(conversation_id).last_entry
    desk.answer(actor=actor, conversation_id=conversation_id, text=text, seen=seen, **fields)


def service():
    return people.staff("service")


def contact_of(waybill, role="consignee") -> int:
    found = journeys.parties(actor=TEST, waybill=waybill).contact(role)
    assert found is not None
    assert Contact.objects.filter(pk=found).exists()
    return found
