"""Whose each row is and whether it came before, over columns and what is remembered of each terminal."""

from typing import Final, NamedTuple

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel

RING: Final = 64
"""Fixes remembered of a terminal: more than it sends again after a broken connection."""
FOREVER_US: Final = (1 << 63) - 1
GAPS: Final = 4
"""Silences remembered of a terminal: what it kept meanwhile comes soon after the first live fix."""
GAP_US: Final = 60_000_000
"""Shorter silences are not remembered."""

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
    gap_from_us: Ints
    """(slots, GAPS): no fix between, both ends left out, is in the table; NONE: no gap."""
    gap_until_us: Ints
    gap_next: Ints
    """How many were ever remembered."""
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
        gap_from_us=np.full((slots, GAPS), NONE, dtype=np.int64),
        gap_until_us=np.full((slots, GAPS), NONE, dtype=np.int64),
        gap_next=np.zeros(slots, dtype=np.int64),
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


@inlined
def _gap_put(memory: Memory, terminal: int, at: int) -> None:
    """Nothing is newer than the newest: a fix this much later leaves a gap between."""
    newest = memory.newest_us[terminal]
    if newest == NONE or at - newest < GAP_US:
        return
    place = memory.gap_next[terminal] % GAPS
    memory.gap_from_us[terminal, place] = newest
    memory.gap_until_us[terminal, place] = at
    memory.gap_next[terminal] += 1


@inlined
def _gap_cut(memory: Memory, terminal: int, at: int) -> bool:
    """Whether this time lies in a gap; its larger part is a gap afterwards: a terminal empties its memory in one direction."""
    for place in range(min(memory.gap_next[terminal], GAPS)):
        begin, end = memory.gap_from_us[terminal, place], memory.gap_until_us[terminal, place]
        if begin < at < end:
            if at - begin > end - at:
                memory.gap_until_us[terminal, place] = at
            else:
                memory.gap_from_us[terminal, place] = at
            return True
    return False


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
            _gap_put(memory, terminal, at)
            memory.newest_us[terminal] = at
        else:
            # Of the same second as the newest: another report, which rules hear as they hear it at a restart.
            surely = at >= memory.complete_us[terminal]
            surely |= not lost and _gap_cut(memory, terminal, at)
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
