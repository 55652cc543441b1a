"""Makers: somebody signed in at the console, and one of each thing it shows."""

from dataclasses import dataclass

from django.test import Client

from tests.access import make as people
from tests.customers import make as customers
from tests.desk import make as desk
from tests.journey import make as journey
from tests.network import make as network
from zaitu.access import public as access
from zaitu.access.models import AuditEntry
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry

ROLES = ("service", "dispatch", "warehouse", "driver", "finance", "manager", "administrator")


def signed_in(*roles: str, **options) -> Client:
    client = Client(**options)
    client.force_login(
        people.user(*roles, password=None), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


@dataclass(frozen=True, slots=True)
class World:
    """What addresses of pages are made of."""

    waybill: str
    event_id: int
    trip: str
    plate: str
    vehicle_id: int
    terminal: str
    customer: str
    driver: str
    key: str
    username: str
    link_id: int
    entry_id: int
    team_id: int
    conversation_id: int
    ticket_id: int

    def kwargs(self, names: set[str]) -> dict[str, object]:
        known: dict[str, object] = {
            "waybill": self.waybill,
            "event_id": self.event_id,
            "trip": self.trip,
            "vehicle_id": self.vehicle_id,
            "terminal": self.terminal,
            "code": self.driver,
            "prefix": self.key,
            "username": self.username,
            "link_id": self.link_id,
            "entry_id": self.entry_id,
            "kind": "stations",
            "call": 1,
            "form": "csv",
            "file_id": "00000000-0000-4000-8000-000000000000",
            "media_id": "00000000-0000-4000-8000-000000000000",
            "report_id": 1,
            "endpoint_id": 1,
            "robot_id": 1,
            "poison_id": 1,
            "team_id": self.team_id,
            "person": "contact:1",
            "channel": "sms",
            "event": "signed",
            "conversation_id": self.conversation_id,
            "ticket_id": self.ticket_id,
            "rest": "nothing/here",
        }
        return {name: known[name] for name in names}


def world() -> World:
    """A carrier with a customer, a key, a terminal, and one shipment on a planned trip."""
    journey.carrier()
    customers.customer()
    network.driver()
    waybill = journey.order(customer_code="ACME").waybill
    trip = journey.on_trip(waybill)
    actor = system("test")
    telemetry.terminal_create(actor=actor, terminal="13900001111", kind="jt808", plate=journey.PLATE)
    key, _raw = access.key_issue(
        actor=actor, customer_code="ACME", name="ERP", scopes=frozenset({"orders", "track"})
    )
    access.link_issue(actor=actor, waybill=waybill)
    user = people.user("finance", username="known.user", password=None)
    first = journey.journey.events_of(actor=actor, waybill=waybill)[-1]
    talk = desk.say(waybill)
    return World(
        waybill=waybill,
        event_id=first.id,
        trip=trip.ref,
        plate=trip.plate,
        vehicle_id=trip.vehicle_id,
        terminal="13900001111",
        customer="ACME",
        driver="D001",
        key=key.prefix,
        username=user.username,
        link_id=access.links_of(actor=actor, waybill=waybill)[0].id,
        team_id=access.team_create(actor=actor, name="夜班").id,
        conversation_id=talk,
        ticket_id=desk.view(talk).tickets[0].id,
        entry_id=AuditEntry.objects.order_by("id").values_list("id", flat=True)[0],
    )
