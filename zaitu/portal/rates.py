"""How many requests a key may make: one count for API and tracking, over all processes."""

from typing import Final

from zaitu.kernel.errors import RateLimited
from zaitu.kernel.limits import Rate

_WINDOW_S: Final = 60
_rates: Final[dict[tuple[str, int], Rate]] = {}
"""Of keys that exist, so there are not many."""


def rate_of(key_name: str, per_min: int) -> Rate:
    """This process's part of a key's rate."""
    return _rates.setdefault((key_name, per_min), Rate(f"key:{key_name}", per_min, _WINDOW_S))


def must_wait(wait_s: int) -> None:
    """Raises RateLimited unless it is 0."""
    if wait_s:
        raise RateLimited("请求太频繁，请稍后再试", retry_after_s=wait_s)
