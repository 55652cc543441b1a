"""Verified API keys, kept in this process for a few seconds: hot API calls must not ask the database each time.

Keyed by the key's hash, so that a memory dump holds no keys. A key revoked by another process is believed here for at most TTL_S.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from zaitu.kernel.principal import Principal

TTL_S: Final = 5.0
_SIZE_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedKey:
    principal: Principal
    rate_per_min: int


class KeyCache:
    def __init__(self, *, ttl_s: float = TTL_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._rows: dict[str, tuple[float, VerifiedKey]] = {}

    def get(self, key_hash: str) -> VerifiedKey | None:
        row = self._rows.get(key_hash)
        if row is None:
            return None
        if self._monotonic() >= row[0]:
            self._rows.pop(key_hash, None)
            return None
        return row[1]

    def put(self, key_hash: str, verified: VerifiedKey) -> None:
        # Only keys that exist get in, so the bound is met only by an installation with very many keys: start over.
        if len(self._rows) >= _SIZE_MAX:
            self._rows.clear()
        self._rows[key_hash] = (self._monotonic() + self._ttl_s, verified)

    def drop(self, key_hash: str) -> None:
        self._rows.pop(key_hash, None)


CACHE: Final = KeyCache()
"""The cache of this process."""
