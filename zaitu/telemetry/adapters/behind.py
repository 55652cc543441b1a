"""Slots whose rows in the database are behind what memory knows of them."""

import numpy as np

from zaitu.telemetry.codecs.columns import Ints


class Behind:
    def __init__(self) -> None:
        self._since: Ints = np.zeros(0, dtype=np.int64)
        """By slot: the number of the call of `add` since which it waits; 0: it does not."""
        self._number = 0

    def __len__(self) -> int:
        return int(np.count_nonzero(self._since))

    def add(self, slots: Ints) -> None:
        """May name a slot twice; none is negative. Those that wait already keep their places."""
        if not len(slots):
            return
        top = int(slots.max())
        if top >= len(self._since):
            grown = np.zeros(max(2 * len(self._since), top + 1024), dtype=np.int64)
            grown[: len(self._since)] = self._since
            self._since = grown
        self._number += 1
        self._since[slots[self._since[slots] == 0]] = self._number

    def longest(self, count: int | None = None) -> list[int]:
        """Those that have waited longest, at most `count` of them."""
        slots = np.flatnonzero(self._since)
        longest: list[int] = slots[np.argsort(self._since[slots], kind="stable")][:count].tolist()
        return longest

    def done(self, slots: list[int]) -> None:
        """They are written."""
        self._since[slots] = 0
