"""Pieces of many owners in one array."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import Ints

Rows = npt.NDArray[Any]

_GARBAGE_MIN: Final = 4_096


class Arena:
    """Rows that owners put in and give back piece by piece; the owner keeps where its piece starts.

    Nothing moves until `compact`, which the owner calls when `wasteful`: then more than half of the rows is garbage.
    """

    def __init__(self, blank: Rows) -> None:
        """`blank`: an array of no rows, whose type and columns the arena takes."""
        self.rows: Rows = blank
        self.used = 0
        self._garbage = 0

    def put(self, piece: Rows) -> int:
        """Where it starts."""
        start, end = self.used, self.used + len(piece)
        if end > len(self.rows):
            grown = np.zeros((max(end, 2 * len(self.rows)), *self.rows.shape[1:]), self.rows.dtype)
            grown[:start] = self.rows[:start]
            self.rows = grown
        self.rows[start:end] = piece
        self.used = end
        return start

    def drop(self, length: int) -> None:
        self._garbage += length

    @property
    def wasteful(self) -> bool:
        return self._garbage > _GARBAGE_MIN and 2 * self._garbage > self.used

    def compact(self, starts: Ints, lengths: Ints) -> Ints:
        """Push the pieces that are still owned together; where each starts now. No two pieces may overlap."""
        ends = np.cumsum(lengths)
        moved: Ints = ends - lengths
        total = int(ends[-1]) if len(ends) else 0
        kept = np.repeat(starts - moved, lengths) + np.arange(total)
        self.rows = self.rows[kept]
        self.used, self._garbage = total, 0
        return moved
