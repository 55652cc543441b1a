"""What customers tell higher rooms."""

from typing import ClassVar

from zaitu.kernel.events import Event


class ContactErased(Event):
    """A person's data was blanked; whoever keeps a copy under this id (messages, labels) must blank it too."""

    name: ClassVar[str] = "customers.contact_erased"

    contact_id: int

    @property
    def subject(self) -> str:
        return f"contact:{self.contact_id}"
