"""Blind indexes of a shipment's parties: found by exact name or number, told to nobody."""

from collections.abc import Iterable
from typing import Final

from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.kernel.phones import phone_normal

_NAME: Final = "journey person name"
_PHONE: Final = "journey person phone"


def people_of(parties: Iterable[tuple[str, str]], tails: Iterable[str]) -> list[str]:
    """What a shipment stores to be found by its parties: of their (name, phone), and the indexes of their tails.

    Raises Invalid for what is no number.
    """
    found = {tail for tail in tails if tail}
    for name, phone in parties:
        found |= {blind_index(_plain(name), _NAME), blind_index(phone_normal(phone), _PHONE)}
    return sorted(found)


def person_indexes(name: str) -> tuple[str, ...]:
    """What a name may be found by: one index for each data key."""
    return blind_indexes(_plain(name), _NAME)


def phone_indexes(phone: str) -> tuple[str, ...]:
    """As `person_indexes`; raises Invalid for what is no number."""
    return blind_indexes(phone_normal(phone), _PHONE)


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
