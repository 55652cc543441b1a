"""One process of simulated terminals, from the first connection to the last acknowledgement."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from zaitu.kernel import clock
from zaitu.telemetry.adapters.simulator.fleet import begin, fleet_make, remembered
from zaitu.telemetry.adapters.simulator.links import Links
from zaitu.telemetry.adapters.simulator.memory import Memory
from zaitu.telemetry.adapters.simulator.plan import Plan
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.kernels.simulated import (
    ACKED,
    BAD,
    BIN_NS,
    FRAMES,
    HELD,
    LOGGED,
    MAX_NS,
    REFUSED,
    RESENT,
    SENT,
    When,
)
from zaitu.telemetry.kernels.simulated_turn import ALL, LEFTOVERS, NOTHING, turn

_SLICE_NS: Final = 20_000_000
"""Between two looks at signals and the clock."""
_SECOND_NS: Final = 1_000_000_000
_PATIENCE_NS: Final = 60 * _SECOND_NS
_COUNTED: Final = {
    "sent": SENT,
    "resent": RESENT,
    "acked": ACKED,
    "refused": REFUSED,
    "held": HELD,
    "frames": FRAMES,
}
_SHARES: Final = (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))


class SimulatorFailed(Exception):
    """The terminals could not do as planned; the message says why."""


@dataclass(slots=True, kw_only=True)
class Told:
    """What has been counted, of one process or of several together."""

    counts: dict[str, int] = field(default_factory=dict)
    """Fixes (with `idle`: heartbeats) sent for the first time, sent again, acknowledged, refused, and not sent because the window
    was full; terminals connected and refused; connections broken; registrations; frames sent, and answers that made no sense."""
    bins: Any = field(default_factory=lambda: np.zeros(0, np.int64))
    """Histogram of the time from a fix to its acknowledgement, 0.1 ms each."""
    max_ns: int = 0
    seconds: float = 0.0
    """That the counts of `measured` are of."""
    measured: int = 0
    """Acknowledged in the measured time."""
    user_s: float = 0.0
    """Processor time of the measured time: ours, and the system's on our behalf."""
    system_s: float = 0.0

    def add(self, other: "Told") -> None:
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self.bins = other.bins.copy() if not len(self.bins) else self.bins + other.bins
        self.max_ns = max(self.max_ns, other.max_ns)
        self.seconds = max(self.seconds, other.seconds)
        self.measured += other.measured
        self.user_s += other.user_s
        self.system_s += other.system_s

    def waits(self) -> dict[str, float | None]:
        """p50_ms, p95_ms, p99_ms and max_ms from fix to acknowledgement; None when nothing was acknowledged."""
        total = int(self.bins.sum())
        if not total:
            return dict.fromkeys([*(name for name, _ in _SHARES), "max_ms"])
        reached = np.cumsum(self.bins)
        found: dict[str, float | None] = {
            name: round((int(np.searchsorted(reached, share * total)) + 1) * BIN_NS / 1e6, 1)
            for name, share in _SHARES
        }
        return found | {"max_ms": round(self.max_ns / 1e6, 1)}


Log = list[tuple[str, int, int]]
"""(terminal, fix time, monotonic nanoseconds when it was sent)."""


@dataclass(slots=True, kw_only=True)
class Ended:
    told: Told
    memory: Memory
    log: Log


class Keeper:
    """What the terminals ask of whoever runs them. This one runs them alone and lets them do as planned."""

    def may_begin(self) -> bool:
        """Asked again and again once everybody has signed in."""
        return True

    def must_end(self) -> bool:
        """Asked every few milliseconds: stop reporting, wait for the last acknowledgements, and end."""
        return False

    def progress(self, told: Told) -> None:
        """Once a second: the newest counts, and the waits of that second."""


class Drive:
    def __init__(self, plan: Plan, memory: Memory, keeper: Keeper) -> None:
        """Raises OSError for a host nobody knows."""
        self._plan, self._memory, self._keeper = plan, memory, keeper
        self._fleet = fleet_make(plan, memory)
        self._links = Links(self._fleet, plan)
        self._cursor = 0
        self._start_ns = time.monotonic_ns()
        self._told_ns = self._start_ns
        self._before = Told(bins=self._fleet.bins.copy())
        self._storm_ns = 0
        self._settled = -1
        """Terminals signed in or refused, and since when so many."""
        self._settled_ns = 0
        self._wall_ns = int(clock.now().timestamp() * 1e9) - time.monotonic_ns()
        self._turn(NOTHING, 0)  # compiled before anybody waits for us

    def run(self) -> Ended:
        """Raises SimulatorFailed."""
        try:
            return self._run()
        finally:
            self._links.close()

    def _run(self) -> Ended:
        begin(self._fleet, self._plan, self._memory, clock.now().timestamp())
        # Idle terminals must not fall silent while the last ones sign in.
        self._until(self._all_in, ALL if self._plan.idle else NOTHING)
        told = self._report()
        drained_ns = time.monotonic_ns() + int(self._plan.drain_s * 1e9)
        self._until(lambda now_ns: self._answered() or now_ns > drained_ns, LEFTOVERS)
        self._tell(time.monotonic_ns())
        told.counts = self._counts()
        return Ended(told=told, memory=remembered(self._fleet, self._plan, self._memory), log=self._log())

    def _all_in(self, now_ns: int) -> bool:
        """Everybody who will be let in is in. Raises SimulatorFailed when nobody more gets in for a minute."""
        settled = self._links.live + len(self._links.refused)
        if settled > self._settled:
            self._settled, self._settled_ns = settled, now_ns
        elif not self._links.settled and now_ns - self._settled_ns > _PATIENCE_NS:
            raise SimulatorFailed(
                f"only {settled} of {self._plan.vehicles} terminals had an answer to their registration"
            )
        return self._keeper.must_end() or (self._links.settled and self._keeper.may_begin())

    def _report(self) -> Told:
        """The planned time; what was measured in it after the warm-up."""
        plan, fleet = self._plan, self._fleet
        if not plan.idle:
            self._cursor = 0
            begin(fleet, plan, self._memory, clock.now().timestamp())
        began_ns = self._start_ns = time.monotonic_ns()
        if plan.idle:
            self._start_ns -= int(self._cursor / plan.turns_per_s * 1e9)
        self._storm_ns = began_ns + int(plan.storm_s * 1e9) if plan.storm_s else 0
        warm_ns = began_ns + int(plan.warm_s * 1e9)
        self._until(lambda now_ns: now_ns >= warm_ns, ALL)
        fleet.tally[MAX_NS], before, bins = 0, int(fleet.tally[ACKED]), fleet.bins.copy()
        since_ns, until_ns = time.monotonic_ns(), began_ns + int(plan.seconds * 1e9)
        since = os.times()
        self._until(lambda now_ns: now_ns >= until_ns, ALL)
        used = os.times()
        return Told(
            bins=fleet.bins - bins,
            max_ns=int(fleet.tally[MAX_NS]),
            seconds=(time.monotonic_ns() - since_ns) / 1e9,
            measured=int(fleet.tally[ACKED]) - before,
            user_s=used.user - since.user,
            system_s=used.system - since.system,
        )

    def _answered(self) -> bool:
        terminals = self._fleet.terminals
        waiting = (terminals["waiting"] > 0) | (terminals["again_at"] < terminals["again"])
        waiting[list(self._links.refused)] = False
        return not waiting.any()

    def _until(self, over: Callable[[int], bool], sending: int) -> None:
        """Turn until it is over, or the keeper wants the end."""
        while not over(now_ns := time.monotonic_ns()) and not (sending == ALL and self._keeper.must_end()):
            self._links.open_due(now_ns)
            if self._storm_ns and now_ns >= self._storm_ns:
                self._storm_ns = 0
                self._links.storm(now_ns)
            self._turn(sending, now_ns + _SLICE_NS)
            if now_ns - self._told_ns >= _SECOND_NS:
                self._links.overdue(now_ns)
                self._tell(now_ns)

    def _turn(self, sending: int, until_ns: int) -> None:
        when = When(start_ns=self._start_ns, until_ns=until_ns, wall_ns=self._wall_ns)
        self._cursor, count = turn(self._fleet, self._links.epoll_fd, sending, self._cursor, when)
        if count:
            self._links.noticed(self._fleet.noticed[:count].tolist(), time.monotonic_ns())

    def _tell(self, now_ns: int) -> None:
        bins, acked = self._fleet.bins.copy(), int(self._fleet.tally[ACKED])
        self._keeper.progress(
            Told(
                counts=self._counts(),
                bins=bins - self._before.bins,
                max_ns=int(self._fleet.tally[MAX_NS]),
                seconds=(now_ns - self._told_ns) / 1e9,
                measured=acked - self._before.measured,
            )
        )
        self._told_ns, self._before = now_ns, Told(bins=bins, measured=acked)

    def _counts(self) -> dict[str, int]:
        tally = self._fleet.tally
        return {name: int(tally[at]) for name, at in _COUNTED.items()} | {
            "bad": int(tally[BAD]),
            "connected": self._links.live,
            "terminals_refused": len(self._links.refused),
            "reconnects": self._links.reconnects,
            "registrations": self._links.registrations,
        }

    def _log(self) -> Log:
        rows = self._fleet.log[: int(self._fleet.tally[LOGGED])]
        return [(simulated.number(self._plan.first + row), at_s, ns) for row, at_s, ns in rows.tolist()]
