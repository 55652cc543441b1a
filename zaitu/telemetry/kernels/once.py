"""Whose each row is and whether it came before, over columns and what is remembered of each terminal."""

from typing import Final, NamedTuple

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Ints
from zaitu.telemetry.kernels.compiled import kernel

RING: Final = 64
"""Fixes remembered of a terminal: more than it sends again after a broken connection."""
FOREVER_US: Final = (1 << 63) - 1

# What is to be done with a row.
NEW, REPEAT, DOUBTFUL, LATE, TIMELESS, STRANGE = 0, 1, 2, 3, 4, 5
"""LATE: older than the newest, and surely not stored. DOUBTFUL: the same, but only the table knows whether it is stored.
TIMELESS: old, and nobody knows when."""

ELSEWHERE: Final = -2
"""Instead of a vehicle: the row's time is outside the cached stay, its vehicle is to be looked up."""

_BACKFILL, _CLOCK = 4, 8


class Memory(NamedTuple):
    """By terminal slot."""

    terminal_id: Ints
    newest_us: Ints
    """Newest fix time; NONE: none yet."""
    ring_at_us: Ints
    """(slots, RING); NONE where the time was lost."""
    ring_digest: Ints
    ring_next: Ints
    """How many were ever remembered."""
    complete_us: Ints
    """Every fix from this time on is among the remembered; NONE: all that there are."""
    vehicle_id: Ints
    """Of the stay that is cached; NONE: in no vehicle then."""
    from_us: Ints
    until_us: Ints
    """The cached stay (or gap) covers from_us ≤ at < until_us."""


def memory(slots: int) -> Memory:
    def ints() -> Ints:
        return np.full(slots, NONE, dtype=np.int64)

    return Memory(
        terminal_id=ints(),
        newest_us=ints(),
        ring_at_us=np.empty((slots, RING), dtype=np.int64),
        ring_digest=np.empty((slots, RING), dtype=np.int64),
        ring_next=np.zeros(slots, dtype=np.int64),
        complete_us=ints(),
        vehicle_id=ints(),
        from_us=ints(),
        until_us=ints(),
    )


def memory_grown(before: Memory, slots: int) -> Memory:
    """The same with room for more."""
    after = memory(slots)
    for old, new in zip(before, after, strict=True):
        new[: len(old)] = old
    return after


@kernel
def rows_judged(
    slot: Ints, at_us: Ints, digest: Ints, flags: Ints, memory: Memory, verdict: Ints, vehicle_id: Ints
) -> int:
    """Judge rows in their order and remember them; how many need another stay than the cached one (`ELSEWHERE`).

    `slot`: of each row's terminal; −1 for strangers.
    """
    elsewhere = 0
    for row in range(len(slot)):
        terminal = slot[row]
        vehicle_id[row] = NONE
        if terminal < 0:
            verdict[row] = STRANGE
            continue
        lost = flags[row] & _CLOCK != 0
        if lost and flags[row] & _BACKFILL != 0:
            verdict[row] = TIMELESS
            continue
        at = at_us[row]
        if memory.from_us[terminal] <= at < memory.until_us[terminal]:
            vehicle_id[row] = memory.vehicle_id[terminal]
        else:
            vehicle_id[row] = ELSEWHERE
            elsewhere += 1
        ring_at = NONE if lost else at
        held = memory.ring_next[terminal]
        if not lost and (memory.newest_us[terminal] == NONE or at > memory.newest_us[terminal]):
            verdict[row] = NEW
            memory.newest_us[terminal] = at
        else:
            # Of the same second as the newest: another report, which rules hear as they hear it at a restart.
            surely = at >= memory.complete_us[terminal]
            again = at == memory.newest_us[terminal] and surely
            verdict[row] = NEW if lost or again else LATE if surely else DOUBTFUL
            for back in range(min(held, RING)):
                place = (held - 1 - back) % RING
                if (
                    memory.ring_digest[terminal, place] == digest[row]
                    and memory.ring_at_us[terminal, place] == ring_at
                ):
                    verdict[row] = REPEAT
                    break
            if verdict[row] == REPEAT:
                continue
        place = held % RING
        if held >= RING and memory.ring_at_us[terminal, place] >= memory.complete_us[terminal]:
            memory.complete_us[terminal] = memory.ring_at_us[terminal, place] + 1
        memory.ring_at_us[terminal, place] = ring_at
        memory.ring_digest[terminal, place] = digest[row]
        memory.ring_next[terminal] = held + 1
    return elsewhere
