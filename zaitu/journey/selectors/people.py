"""Blind indexes of a shipment's parties: found by exact name or number, told to nobody."""

from zaitu.kernel.crypto import blind_index
from zaitu.kernel.phones import phone_normal


def person_index(name: str) -> str:
    """Of a party's full name, without spaces and case."""
    return blind_index("".join(name.split()).casefold(), "journey person name")


def phone_index(phone: str) -> str:
    """Of a party's whole phone number; raises Invalid for what is no number."""
    return blind_index(phone_normal(phone), "journey person phone")
