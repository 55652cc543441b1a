"""The arrays behind the kernels."""

import resource
from typing import Final

import numpy as np

from zaitu.telemetry.adapters.simulator.memory import Memory, Remembered
from zaitu.telemetry.adapters.simulator.plan import CYCLE, Plan
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.kernels.calls import EVENT_BYTES
from zaitu.telemetry.kernels.simulated import BINS, CARRY, CODE_MAX, TALLIES, TERMINAL, Fleet, Shape
from zaitu.telemetry.kernels.simulated_frames import BLOCK_BYTES

_EVENTS: Final = 1_024
_READ_BYTES: Final = 16 * 1024
_AT_ONCE: Final = 8
"""Frames sent at once when a connection is back."""
_SPARE_FILES: Final = 200


def connections_max() -> int:
    """How many connections this process may hold; the limit is raised to what the system allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - _SPARE_FILES


def fleet_make(plan: Plan, memory: Memory) -> Fleet:
    """All terminals of the plan, none connected."""
    rows = plan.vehicles
    shape = _shape(plan)
    terminals = np.zeros(rows, dtype=TERMINAL)
    terminals["fd"] = -1
    terminals["speed_mps"] = simulated.speeds_mps(plan.first, rows)
    # Another serial each time: an acknowledgement of an earlier run must not look like one of this.
    terminals["serial"] = np.random.default_rng().integers(0, 0x10000, rows)
    order, late = cycle(plan)
    at_once = max(plan.burst, _AT_ONCE) * shape.frame_bytes
    fleet = Fleet(
        shape=shape,
        terminals=terminals,
        phones=_phones(plan),
        codes=np.zeros((rows, CODE_MAX), np.uint8),
        roads=np.zeros((rows, 2, 2), np.int32) if plan.idle else simulated.roads(plan.first, rows),
        carry=np.zeros((rows, CARRY), np.uint8),
        rest=np.zeros((rows, at_once), np.uint8),
        sent_ns=np.zeros((rows, plan.window), np.int64),
        sent_block=np.zeros((rows, plan.window), np.int64),
        sent_serial=np.zeros((rows, plan.window), np.uint16),
        again=np.zeros((rows, plan.window), np.int64),
        order=order,
        late=late,
        row_of_fd=np.full(connections_max() + _SPARE_FILES, -1, np.int32),
        events=np.zeros(_EVENTS * EVENT_BYTES, np.uint8),
        noticed=np.zeros(rows, np.int32),
        tally=np.zeros(TALLIES, np.int64),
        bins=np.zeros(BINS, np.int64),
        log=np.zeros((_log_rows(plan), 3), np.int64),
        plain=np.zeros(1_100, np.uint8),
        out=np.zeros(at_once, np.uint8),
        inbox=np.zeros(_READ_BYTES, np.uint8),
        room=np.zeros(2, np.int64),
    )
    for index, one in memory.items():
        if one.code and 0 <= index - plan.first < rows:
            code_put(fleet, index - plan.first, one.code)
    return fleet


def _shape(plan: Plan) -> Shape:
    header = 17 if plan.protocol == "2019" else 12
    plain = header + 3 + plan.fixes_per_frame * (2 + BLOCK_BYTES) + 1
    return Shape(
        long_form=int(plan.protocol == "2019"),
        fixes=plan.fixes,
        burst=plan.burst,
        window=plan.window,
        frame_bytes=2 * plain + 2,
        spacing_m=simulated.SPACING_M,
        step_s=plan.step_s,
        per_s=plan.turns_per_s,
        logged_from=plan.vehicles - plan.logged,
    )


def cycle(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """(which block of a cycle is sent when, 1 where it comes from memory).

    In the middle of a cycle there is no network: what the terminal records then it sends at the end.
    """
    kept, middle = plan.kept_back, CYCLE // 2 - plan.kept_back // 2
    blocks = list(range(CYCLE))
    order = [*blocks[:middle], *blocks[middle + kept :], *blocks[middle : middle + kept]]
    late = [0] * (CYCLE - kept) + [1] * kept
    return np.array(order, np.int64), np.array(late, np.int64)


def _phones(plan: Plan) -> np.ndarray:
    digits = 20 if plan.protocol == "2019" else 12
    numbers = (
        simulated.number(index).zfill(digits) for index in range(plan.first, plan.first + plan.vehicles)
    )
    packed = bytes.fromhex("".join(numbers))
    return np.frombuffer(packed, np.uint8).reshape(plan.vehicles, digits // 2).copy()


def _log_rows(plan: Plan) -> int:
    if not plan.logged:
        return 0
    return int(plan.logged * (plan.seconds / max(plan.between_turns_s, 0.001) + 1) * plan.burst) + 1_000


def code_put(fleet: Fleet, row: int, code: str) -> None:
    """Remember a terminal's authorisation code; too long a one is forgotten, and the terminal registers."""
    word = code.encode("gbk")
    if len(word) <= CODE_MAX:
        fleet.codes[row, : len(word)] = np.frombuffer(word, np.uint8)
        fleet.terminals["code"][row] = len(word)


def code_of(fleet: Fleet, row: int) -> str:
    size = int(fleet.terminals["code"][row])
    return fleet.codes[row, :size].tobytes().decode("gbk", "replace")


def begin(fleet: Fleet, plan: Plan, memory: Memory, wall_s: float) -> None:
    """Say from when on each terminal has fixes."""
    rows = np.arange(plan.vehicles)
    begin_s = wall_s - plan.before_s + rows / plan.vehicles * plan.between_turns_s
    for index, one in memory.items():
        if 0 <= index - plan.first < plan.vehicles:
            begin_s[index - plan.first] = max(begin_s[index - plan.first], one.last_s + 1)
    fleet.terminals["begin_s"] = begin_s


def remembered(fleet: Fleet, plan: Plan, memory: Memory) -> Memory:
    """What the terminals know at the end of a run."""
    # Of a cycle in which some come late, the newest may have been sent already.
    whole = CYCLE if plan.kept_back else 1
    reached = -(-fleet.terminals["block"] // whole) * whole * max(plan.fixes, 1) * plan.step_s
    last_s = np.where(fleet.terminals["block"] > 0, fleet.terminals["begin_s"] + reached, 0)
    after = {}
    for row in range(plan.vehicles):
        before = memory.get(plan.first + row, Remembered())
        newest_s = before.last_s if plan.idle else max(before.last_s, int(last_s[row]))
        after[plan.first + row] = Remembered(code_of(fleet, row), newest_s)
    return after
