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
    """Counted in PostgreSQL for all processes, their pages and their API together; who has had too many is kept in memory.

    A process hears that an address is closed at its next miss there: each process may answer one miss more.
    """

    def __init__(self) -> None:
        self.blocked: dict[str, float] = {}
        """Addresses that have missed too often, until when (monotonic)."""
        self._looked_at = 0.0

    def any_blocked(self) -> bool:
        """Whether any address is; cheap, and forgets those whose time is over once a second."""
        if self.blocked and time.monotonic() >= self._looked_at + 1:
            now = self._looked_at = time.monotonic()
            for address, until in list(self.blocked.items()):  # other threads add to it meanwhile
                if until <= now:
                    self.blocked.pop(address, None)
        return bool(self.blocked)

    def refuse(self, address: str) -> None:
        """Raises RateLimited for a blocked address, before anything is looked up: a known number must not answer otherwise."""
        wait_s = self.blocked.get(address, 0.0) - time.monotonic()
        if wait_s > 0:
            raise RateLimited("查询太频繁，请稍后再试", retry_after_s=int(wait_s) + 1)

    def count(self, address: str, *, times: int = 1) -> None:
        """A miss of this address, or one that weighs as several: statements, so not for an event loop."""
        for _ in range(times):
            allowed, wait_s = limits.attempt(f"misses:{address}", MISSES, MISSES_WINDOW_S)
        if not allowed:
            self.blocked[address] = time.monotonic() + wait_s
            if len(self.blocked) > _KEPT:
                del self.blocked[next(iter(self.blocked))]


misses: Final = Misses()
"""This process's."""
