"""Which alarm bits are edges and which are levels, and what changes between two reports.

An edge (SOS, area entered …) stays set until our acknowledgement has come and then clears by itself: its falling says nothing.
A level stays set as long as the condition lasts: it is raised once and cleared once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

EDGES_2013: Final = frozenset({0, 3, 20, 21, 22, 27, 28, 31})
"""2011 and 2013."""
EDGES_2019: Final = frozenset({0, 20, 21, 22, 27, 28})
"""3 (dangerous driving) has become a level, 31 is reserved."""


def _mask(bits: frozenset[int]) -> int:
    return sum(1 << bit for bit in bits)


EDGE_MASK_2013: Final = _mask(EDGES_2013)
EDGE_MASK_2019: Final = _mask(EDGES_2019)
EDGES: Final[Mapping[str, int]] = {"2011": EDGE_MASK_2013, "2013": EDGE_MASK_2013, "2019": EDGE_MASK_2019}
"""By version of the standard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChanges:
    """Words of alarm bits; names.alarm_names gives their names."""

    raised: int
    cleared: int
    """Levels only."""


def alarm_changes(before: int, now: int, *, is_2019: bool) -> AlarmChanges:
    """Between two reports of one terminal in the order of their times; `before` is 0 for its first."""
    edges = EDGE_MASK_2019 if is_2019 else EDGE_MASK_2013
    return AlarmChanges(raised=now & ~before, cleared=before & ~now & ~edges)
