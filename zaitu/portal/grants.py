"""What a visitor has shown about one shipment: a phone tail, a signed link, the owner's API key, or nothing."""

from typing import Any, Final

from zaitu.access.public import principal_of_link
from zaitu.customers.public import contact_tail_indexes, tail_indexes
from zaitu.kernel import signing
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.waybills import Mistyped, number_plain, waybill_normal

TAILS_PER_NUMBER: Final = 5
TAILS_WINDOW_S: Final = 15 * 60
GRANT_S: Final = 12 * 3600
"""How long a right tail opens the details on that browser."""
_PURPOSE: Final = "portal.grant"


def tail_attempts_key(number: str) -> str:
    """Under which wrong tails of a number are counted, whether the number is known, unknown or mistyped.

    One key for all spellings that find the same shipment: each of them must not have tries of its own.
    """
    try:
        counted = waybill_normal(number)
    except Mistyped:
        counted = number_plain(number)
    return f"tail:{counted}"


def tail_opens(tail: str, tails: frozenset[str]) -> bool:
    """Whether the last four digits are those of a party. Anything but four digits is a wrong tail like any other."""
    try:
        return not tails.isdisjoint(tail_indexes(tail))
    except Invalid:
        return False


def link_waybill(token: str) -> str:
    """Our number of the shipment that the signed link (still) opens; empty for none. One query."""
    try:
        holder = principal_of_link(token)
    except NotFound:
        return ""
    return holder.waybill or "" if holder.can(Right.TRACK_EXACT) else ""


def link_opens(token: str, waybill: str) -> bool:
    """Whether the signed link (still) opens this shipment. One query."""
    return bool(waybill) and link_waybill(token) == waybill


def key_opens(holder: Principal, customer_code: str) -> bool:
    """Whether this API key's customer ordered the shipment. The caller has checked the key's scope."""
    return bool(customer_code) and holder.customer_code == customer_code


def cookie_name(waybill: str) -> str:
    return f"zaitu_{waybill}"


def grant(waybill: str, *, link: str = "", role: str = "") -> str:
    """A cookie's value that opens this shipment on this browser: after a right tail, or as long as the link is good."""
    return signing.sign({"w": waybill, "k": link, "r": role}, _PURPOSE, GRANT_S)


def granted(token: str, waybill: str) -> tuple[bool, str]:
    """(whether the cookie is good for this shipment, the link that must still be good or "")."""
    payload = _payload(token)
    return payload.get("w") == waybill, str(payload.get("k", ""))


def granted_role(token: str, waybill: str) -> str:
    """Which party the tail was of: `consignee`, `consignor`; empty for who came by a link, or where both have the same tail."""
    payload = _payload(token)
    return str(payload.get("r", "")) if payload.get("w") == waybill else ""


def role_of(tail: str, contact_ids: tuple[int | None, int | None]) -> str:
    """Whose last four digits these are, of consignor and consignee; empty where that cannot be told."""
    tails = contact_tail_indexes([pk for pk in contact_ids if pk is not None])
    mine = set(tail_indexes(tail))
    pairs = zip(("consignor", "consignee"), contact_ids, strict=True)
    found = {pk: role for role, pk in pairs if pk is not None and tails.get(pk, "") in mine}
    return next(iter(found.values())) if len(found) == 1 else ""


def _payload(token: str) -> dict[str, Any]:
    try:
        return signing.unsign(token, _PURPOSE)
    except NotFound:
        return {}
