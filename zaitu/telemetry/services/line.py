"""An engine at work: ticks are worked out in one thread while those before are being stored in two others (ADR 86)."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, ParamSpec, TypeVar

from zaitu.telemetry.services.engine import Engine, at_once
from zaitu.telemetry.services.prepared import Prepared
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Outcome, Tick

P = ParamSpec("P")
R = TypeVar("R")
Storing = Future[list[Outcome]]

_SWITCH_S: Final = 0.0005
"""Of the whole process: a thread that has computed without the interpreter's lock gets it back after so long. With Python's 5 ms a
tenth of a busy engine's time was spent waiting for it."""


class TickLine:
    def __init__(self, engine: Engine, part: str) -> None:
        """`part`: whose heartbeat it is when the database has answered."""
        self.engine = engine
        sys.setswitchinterval(_SWITCH_S)
        self._memory = Threads(1, part)
        # While a tick is copied, the one before it is committed; in their order, whoever is ready first.
        self._tables = deque(Threads(1, part) for _ in range(2))
        self._newest: Storing | None = None
        """Of the newest tick worked out."""

    def put(self, ticks: Sequence[tuple[int | None, Tick]]) -> Future[Storing]:
        """Work them out, each with its number where it has one, and store them in one transaction; in the order of the calls."""
        return self._memory.submit(self._begin, ticks, [])

    def _begin(self, ticks: Sequence[tuple[int | None, Tick]], prepared: list[Prepared]) -> Storing:
        """`prepared`: those that were worked out before it had to be repeated."""
        for sequence, tick in ticks[len(prepared) :]:
            prepared.append(self.engine.prepare(tick, sequence=sequence))
        self._tables.rotate()
        self._newest = self._tables[0].submit(self.engine.store_all, prepared, after=_end_of(self._newest))
        return self._newest

    def alone(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """While every tick that was worked out is stored: what is written then is never ahead of the table."""

        def after_storing() -> R:
            _end_of(self._newest)()
            return function(*args, **kwargs)

        return self._memory.submit(after_storing)

    def close(self) -> None:
        """What runs comes to its end."""
        # None may go on repeating while another is waited for that waits for it.
        for threads in (*self._tables, self._memory):
            threads.end()
        for threads in (*self._tables, self._memory):
            threads.close()


def _end_of(storing: Storing | None) -> Callable[[], object]:
    """Returns when that has ended; raises its error."""
    return at_once if storing is None else storing.result
