"""Who is acting, and what they may do. Doors build a Principal; rooms ask it."""

from dataclasses import dataclass, field
from enum import StrEnum

from zaitu.kernel.errors import Forbidden


class Kind(StrEnum):
    STAFF = "staff"
    """A signed-in user with roles (drivers and warehouse people too)."""
    CUSTOMER_KEY = "customer_key"
    """A contract customer's system, by API key."""
    PARTNER_KEY = "partner_key"
    """A partner carrier's system, by API key."""
    LINK = "link"
    """The holder of a signed link, or of a waybill with the right phone tail."""
    ANYONE = "anyone"
    """A stranger with nothing but a number."""
    SYSTEM = "system"
    """A handler, a timer, a command."""


class Right(StrEnum):
    """One thing somebody may do. Which role has which: zaitu/access/domain/rights.py."""

    COMPANY_EDIT = "company.edit"
    """The company's name and hotline, which everybody sees."""
    USERS_MANAGE = "users.manage"
    KEYS_MANAGE = "keys.manage"
    LINKS_ISSUE = "links.issue"
    AUDIT_READ = "audit.read"
    PERSONAL_READ = "personal.read"
    """See names, phones and addresses unmasked (each read is recorded)."""
    PERSONAL_CARRIED = "personal.carried"
    """See the parties of the goods one carries oneself unmasked (each read is recorded)."""
    NETWORK_READ = "network.read"
    NETWORK_EDIT = "network.edit"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_EDIT = "customers.edit"
    TERMINALS_MANAGE = "terminals.manage"
    COMMANDS_TELL = "commands.tell"
    """Send a text to a driver's terminal, ask it where it is."""
    COMMANDS_MANAGE = "commands.manage"
    """Send a terminal anything else: parameters, areas, photos, restarts."""
    GATEWAY_READ = "gateway.read"
    """See how much the gateways take in, and how fast."""
    POSITIONS_READ = "positions.read"
    ORDERS_CREATE = "orders.create"
    SHIPMENTS_READ = "shipments.read"
    SHIPMENTS_CORRECT = "shipments.correct"
    """Void an event, reopen a final shipment."""
    TRIPS_PLAN = "trips.plan"
    SCAN_WAREHOUSE = "scan.warehouse"
    SCAN_ROAD = "scan.road"
    """Depart, arrive, deliver, sign, refuse."""
    PROBLEM_REPORT = "problem.report"
    LABELS_PRINT = "labels.print"
    WEBHOOKS_MANAGE = "webhooks.manage"
    ROBOTS_MANAGE = "robots.manage"
    """Add and switch the robots that write into staff's groups."""
    MESSAGES_READ = "messages.read"
    TEMPLATES_EDIT = "templates.edit"
    """The words of SMS and other short messages."""
    TRACK_EXACT = "track.exact"
    """Exact position and personal details of a shipment one is a party to."""
    CALLS_ANSWER = "calls.answer"
    """Let the hotline answer calls: for telephone systems."""
    CALLS_READ = "calls.read"
    """See who called the hotline about what, and take calls over."""
    PARTNER_EVENTS = "partner.events"
    """Tell what happened to shipments that were forwarded to one."""
    TALK = "talk"
    """Ask, request, complain and rate, about a shipment one is a party to."""
    DESK_READ = "desk.read"
    """Read what customers have said (each read is recorded)."""
    DESK_ANSWER = "desk.answer"
    """Answer customers, close and reopen what they have said."""
    EPCIS_CAPTURE = "epcis.capture"
    """Have events of one's own kept, and ask for them (EPCIS 2.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    kind: Kind
    name: str
    """For the audit: user name, key prefix, link id, handler name. Never personal data of a customer."""
    user_id: int | None = None
    rights: frozenset[Right] = field(default_factory=frozenset)
    roles: frozenset[str] = field(default_factory=frozenset)
    customer_code: str | None = None
    """Set for CUSTOMER_KEY: all reads and writes are limited to this customer."""
    partner: str | None = None
    """Set for PARTNER_KEY: the carrier's name as forwardings (转单) have it; speaks of what was forwarded to it only."""
    waybill: str | None = None
    """Set for LINK: the only shipment it opens."""
    scopes: frozenset[str] = field(default_factory=frozenset)
    """`view` and `act` for links; see access/domain/rights.py for keys."""

    def can(self, right: Right) -> bool:
        return self.kind is Kind.SYSTEM or right in self.rights

    def must(self, right: Right) -> None:
        """Raise Forbidden unless this principal has the right."""
        if not self.can(right):
            raise Forbidden(f"{self.kind.value} may not {right.value}")


def system(name: str) -> Principal:
    """Handlers, timers and commands act as System; `name` says which."""
    return Principal(kind=Kind.SYSTEM, name=name)


def anyone() -> Principal:
    """A stranger: no rights at all."""
    return Principal(kind=Kind.ANYONE, name="anyone")
