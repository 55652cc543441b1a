"""What conversations tell higher rooms. References only: never a name, phone, address or word that was said."""

from datetime import datetime
from typing import ClassVar

from zaitu.kernel.events import Event


class TicketMoved(Event):
    """A ticket was opened, answered, closed or opened again, or its customer said more."""

    name: ClassVar[str] = "desk.ticket_moved"

    ticket: int
    waybill: str
    kind: str
    what: str
    """What has happened: said, answered, closed, reopened."""
    state: str
    at: datetime

    @property
    def subject(self) -> str:
        return f"desk:{self.waybill}"


class ShipmentRated(Event):
    """A party rated a shipment, or changed the rating."""

    name: ClassVar[str] = "desk.shipment_rated"

    waybill: str
    stars: int
    reasons: tuple[str, ...]
    at: datetime

    @property
    def subject(self) -> str:
        return f"desk:{self.waybill}"
