"""rules/held.py in a kernel."""

from typing import Any

from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.kernels.compiled import inlined


@inlined
def held_step(
    held: Any,
    at_us: int,
    over: int,
    under: int,
    after_us: int,
    back_us: int,
    gap_us: int,
) -> int:
    """When this sample changes `raised`, since when; NONE: it does not."""
    if not (under if held.raised else over):
        held.since_us = NONE
        return NONE
    if held.since_us == NONE or at_us - held.last_us > gap_us:
        held.since_us = at_us
    held.last_us = at_us
    if at_us - held.since_us < (back_us if held.raised else after_us):
        return NONE
    since_us = held.since_us
    held.since_us = NONE
    held.raised = 1 - held.raised
    return int(since_us)


@inlined
def held_calm(held: Any) -> bool:
    """Not raised, and nothing speaks for it: a sample that is not over would change nothing."""
    return bool(held.raised == 0 and held.since_us == NONE)


@inlined
def held_begins(held: Any, at_us: int, changed_us: int) -> bool:
    """The sample just taken is the first of its run."""
    if changed_us != NONE:
        return bool(held.raised and changed_us == at_us)
    return bool(not held.raised and held.since_us in (NONE, at_us))
