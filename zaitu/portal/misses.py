"""How often one address may ask for what does not exist: finding shipments by trying numbers is not worth anybody's time."""

import time
from typing import Final

from zaitu.kernel import limits
from zaitu.kernel.errors import RateLimited

MISSES: Final = 120
MISSES_WINDOW_S: Final = 600
"""Unknown numbers and wrong tails that one address may try in ten minutes. A number has 10¹² values: at this pace the first of a
million shipments is found after about two months."""
_KEPT: Final = 20_000


class Misses:
    """Counted in this process, for its pages and its API together; a little more with several processes does no harm."""

    def __init__(self) -> None:
        self.blocked: dict[str, float] = {}
        """Addresses that have missed too often, until when (monotonic)."""
        self._window = limits.Window(MISSES, MISSES_WINDOW_S)

    def refuse(self, address: str) -> None:
        """Raises RateLimited for a blocked address, before anything is looked up: a known number must not answer otherwise."""
        until = self.blocked.get(address)
        if until is None:
            return
        wait_s = until - time.monotonic()
        if wait_s > 0:
            raise RateLimited("查询太频繁，请稍后再试", retry_after_s=int(wait_s) + 1)
        self.blocked.pop(address, None)

    def count(self, address: str) -> None:
        wait_s = self._window.hit(address)
        if wait_s:
            self.blocked[address] = time.monotonic() + wait_s
            if len(self.blocked) > _KEPT:
                del self.blocked[next(iter(self.blocked))]

    def forget(self) -> None:
        """Begin anew."""
        self.blocked.clear()
        self._window = limits.Window(MISSES, MISSES_WINDOW_S)


misses: Final = Misses()
"""This process's."""
