"""Frames from memory straight into ingest, without a socket: what decoding, rules and storing can do together.

`python -m benchmarks.telemetry_replay --vehicles N --rows R --seconds S --runs K` in an installation whose test vehicles are prepared;
one JSON object a run. Frames are written beforehand, a piece at a time, so that writing them costs nothing of the measured time.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import django
import numpy as np
import numpy.typing as npt

from zaitu.telemetry.adapters.simulator.fleet import fleet_make
from zaitu.telemetry.adapters.simulator.plan import Plan
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.kernels.compiled import bare
from zaitu.telemetry.kernels.simulated import Fleet
from zaitu.telemetry.kernels.simulated_frames import put_block

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_FRAME_MAX: Final = 122
_PIECE: Final = 1_000_000
"""Frames written at once, before the clock runs on."""
_BEHIND: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """Frames as they would come in: one terminal after the other, each with its next fix."""

    wire: Bytes
    bounds: Ints
    """Where each frame begins and, one more, the last one ends; delimiters included."""
    terminals: list[str]
    """Of the tick's frames, in turn, beginning anew at the end."""
    first: int
    """Index in `terminals` of the first frame's."""


class Feed:
    """The way of the gateway behind its sockets, without acknowledgements: decode a tick, find its facts, store it.

    The one place that knows how the engine is called.
    """

    def __init__(self, terminals: list[str]) -> None:
        from zaitu.kernel import clock
        from zaitu.telemetry.gateway.connections import Connections
        from zaitu.telemetry.gateway.limits import Limits
        from zaitu.telemetry.services.engine import Engine

        self._connections = Connections(Limits(connections=len(terminals)))
        self._slots = np.array([self._connections.open() for _ in terminals], dtype=np.int64)
        for slot, terminal in zip(self._slots.tolist(), terminals, strict=True):
            self._connections.authenticated(slot, terminal)
        self._engine = Engine()
        self._engine.open(clock.now())
        self._flushed_s = time.monotonic()

    def __call__(self, ticks: Ticks) -> None:
        from zaitu.kernel import clock
        from zaitu.telemetry.codecs.columns import microseconds
        from zaitu.telemetry.gateway.reading import read
        from zaitu.telemetry.services.engine import Tick

        now = clock.now()
        turns = (ticks.first + np.arange(len(ticks.bounds) - 1)) % len(self._slots)
        pieces = np.column_stack([self._slots[turns], ticks.bounds[:-1], ticks.bounds[1:]])
        told = read(ticks.wire, pieces, self._connections, microseconds(now))
        self._engine.store(self._engine.prepare(Tick(received_at=now, columns=told.columns)))
        if time.monotonic() > self._flushed_s + 1.0:
            self._engine.flush(now)
            self._flushed_s = time.monotonic()


@bare
def _frames_write(fleet: Fleet, first: int, count: int, wire: Bytes, bounds: Ints) -> int:
    """Frames `first` … of the endless round; the bytes they take."""
    rows, at = len(fleet.terminals), 0
    for number in range(count):
        bounds[number] = at
        turn = first + number
        at = put_block(fleet, turn % rows, turn // rows & 0xFFFF, turn // rows, wire, at)
    bounds[count] = at
    return at


class Source:
    def __init__(self, vehicles: int, rows: int, begin_s: float) -> None:
        plan = Plan(vehicles=vehicles)
        self._fleet = fleet_make(plan, {})
        self._fleet.terminals["begin_s"] = begin_s
        self._terminals = [simulated.number(index) for index in range(1, vehicles + 1)]
        self._rows = rows
        self._next = 0
        piece = max(_PIECE // rows, 1) * rows
        self._wire = np.zeros(piece * _FRAME_MAX, np.uint8)
        self._bounds = np.zeros(piece + 1, np.int64)

    def piece(self) -> Iterator[Ticks]:
        """The next million frames or so, all written before the first tick is given out."""
        count, first = len(self._bounds) - 1, self._next
        _frames_write(self._fleet, first, count, self._wire, self._bounds)
        self._next += count
        for start in range(0, count, self._rows):
            bounds = self._bounds[start : start + self._rows + 1]
            yield Ticks(
                wire=self._wire[bounds[0] : bounds[-1]],
                bounds=bounds - bounds[0],
                terminals=self._terminals,
                first=(first + start) % len(self._terminals),
            )


def run(source: Source, feed: Feed, seconds: float) -> tuple[int, float]:
    """(frames fed, seconds of feeding)."""
    fed, spent_s = 0, 0.0
    while True:
        for ticks in source.piece():
            began = time.perf_counter()
            feed(ticks)
            spent_s += time.perf_counter() - began
            fed += len(ticks.bounds) - 1
            if spent_s >= seconds:
                return fed, spent_s


def _count() -> int:
    from zaitu.telemetry.models import Position

    return Position.objects.count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True, help="frames a tick")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--runs", type=int, required=True)
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaitu.config.settings")
    django.setup()
    from zaitu.kernel import clock
    from zaitu.telemetry.adapters.partitions import partitions_ensure

    now = clock.now()
    partitions_ensure(now)
    source = Source(wanted.vehicles, wanted.rows, (now - _BEHIND).timestamp())
    feed = Feed([simulated.number(index) for index in range(1, wanted.vehicles + 1)])
    run(source, feed, 1.0)  # everything compiled and warm
    for _ in range(wanted.runs):
        before = _count()
        fed, seconds = run(source, feed, wanted.seconds)
        print(json.dumps({"rows": fed, "seconds": seconds, "counted": _count() - before}), flush=True)


if __name__ == "__main__":
    main()
