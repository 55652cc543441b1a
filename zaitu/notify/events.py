"""What notify tells higher rooms."""

from typing import ClassVar

from zaitu.kernel.events import Event


class PersonWrote(Event):
    """Somebody has written back to a message, and it is no unsubscribing: a colleague should read it (`inbound_get`)."""

    name: ClassVar[str] = "notify.person_wrote"

    inbound_id: int
    person: str
    """As in `Recipient.person`; empty: the number is of nobody we have written to."""
    waybill: str
    """What the newest message to that number was about; may be empty."""

    @property
    def subject(self) -> str:
        return self.person or f"inbound:{self.inbound_id}"
