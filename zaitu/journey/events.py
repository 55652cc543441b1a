"""What the journey tells higher rooms. References only: never a name, phone or address."""

from datetime import datetime
from typing import ClassVar

from zaitu.kernel.events import Event


class ShipmentChanged(Event):
    """A shipment's tracking document is different now."""

    name: ClassVar[str] = "journey.shipment_changed"

    waybill: str
    status: str
    detail: str
    problem: str
    """Code of the overlay; empty: nothing is wrong."""
    final: bool
    version: int
    at: datetime

    @property
    def subject(self) -> str:
        return f"shipment:{self.waybill}"


class TripChanged(Event):
    """A trip was planned, moved on, or ended."""

    name: ClassVar[str] = "journey.trip_changed"

    trip: str
    state: str
    at: datetime

    @property
    def subject(self) -> str:
        return f"trip:{self.trip}"
