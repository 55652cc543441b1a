"""What a courier asks of a channel."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.ways import Receipt

Hearer = Callable[[str, Sequence[Receipt], Sequence[Heard]], None]
"""Keeps receipts and texts of a provider; when it returns they are committed, otherwise it raises and is told them again."""


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


@runtime_checkable
class Listening(Protocol):
    """A sender whose receipts come over its own line."""

    def listen(self, hearer: Hearer) -> None:
        """Begin to listen; called once, before the first message."""
