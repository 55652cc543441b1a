"""Addresses that messages carry for one person only."""

from typing import Final

from django.conf import settings

from zaitu.kernel import signing

_PREFERENCES: Final = "notify.preference"
_PREFERENCES_S: Final = 400 * 86_400
"""As long as the message is kept in which it stands."""


def preferences_address(person: str) -> str:
    """Full address of the page on which this person says how they want to be told."""
    return f"{settings.ZAITU_PUBLIC_URL}/p/{signing.sign({'person': person}, _PREFERENCES, _PREFERENCES_S)}"


def preferences_person(token: str) -> str:
    """Whom such an address is for, by its last part. Raises NotFound when it was altered or has expired."""
    return str(signing.unsign(token, _PREFERENCES)["person"])
