"""What a courier asks of a channel."""

from typing import Protocol

from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class Sender(Protocol):
    """One per courier, used by all its hands at once."""

    provider: str
    """Who carries it, at most 20 characters; receipts name it too. Empty where the channel has only one."""

    def __call__(self, parcel: Parcel) -> Answer:
        """One try; never raises for what the other side may do."""

    def tidy(self) -> None:
        """Let go of what has been idle too long. Called about twice a second; must be quick."""

    def close(self) -> None:
        """Let go of everything; nothing is being sent any more."""
