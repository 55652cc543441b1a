"""Partners' numbers (转单): found together with the right tail only, or by the owning customer's key (ADR 0065)."""

from collections.abc import Iterable
from typing import Final

from django.conf import settings

from zaitu.journey import public as journey
from zaitu.kernel.errors import RateLimited
from zaitu.kernel.principal import Principal
from zaitu.kernel.waybills import Mistyped, waybill_normal
from zaitu.portal import grants

MISS_WEIGHT: Final = 6
"""As many misses of an address as one of ours: partners number in sequence, so that there is something to hit."""
BLOCK_DIGITS: Final = 3
BLOCK_TRIES: Final = 20
BLOCK_WINDOW_S: Final = 15 * 60
"""Wrong tails of numbers that differ in their last three places only, from whatever addresses."""


def lookup(number: str) -> str:
    """What to look for among partners' numbers, or "" for nothing: too short, or one of ours."""
    plain = journey.partner_number(number)
    try:
        ours = waybill_normal(plain) == plain and plain.startswith(settings.ZAITU_WAYBILL_PREFIX)
    except Mistyped:
        ours = False
    return "" if ours else plain


def block_key(plain: str) -> str:
    """Under which wrong tails of neighbouring numbers are counted together."""
    return f"partner:{plain[:-BLOCK_DIGITS]}"


def must_wait(counted: tuple[bool, int]) -> None:
    """Raises RateLimited when the block has no try left."""
    allowed, wait_s = counted
    if not allowed:
        raise RateLimited("查询太频繁，请稍后再试", retry_after_s=wait_s)


def opened_by_tail(found: Iterable[journey.Forwarded], tail: str) -> str:
    """Our number of the newest of these shipments whose party has this tail; "" for none."""
    return next((one.waybill for one in found if grants.tail_opens(tail, one.tails)), "")


def opened_by_key(found: Iterable[journey.Forwarded], holder: Principal) -> str:
    """Our number of the newest of these shipments that the key's customer ordered; "" for none."""
    return next((one.waybill for one in found if grants.key_opens(holder, one.customer_code)), "")
