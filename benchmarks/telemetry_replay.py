"""Frames from memory straight into ingest, without a socket: what decoding, rules and storing can do together.

`python -m benchmarks.telemetry_replay --vehicles N --rows R --seconds S --runs K` in an installation whose test vehicles are prepared;
one JSON object a run. Frames are written beforehand, a piece at a time, so that writing them costs nothing of the measured time.
"""

import argparse
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import django
import numpy as np
import numpy.typing as npt
from django.db import connection

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaitu.config.settings")
    django.setup()

from zaitu.kernel import clock
from zaitu.telemetry.adapters.partitions import partitions_ensure
from zaitu.telemetry.adapters.simulator.fleet import fleet_make
from zaitu.telemetry.adapters.simulator.plan import Plan
from zaitu.telemetry.codecs.columns import microseconds
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.reading import read
from zaitu.telemetry.kernels.compiled import bare
from zaitu.telemetry.kernels.simulated import Fleet
from zaitu.telemetry.kernels.simulated_frames import put_block
from zaitu.telemetry.models import Position
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.line import Storing, TickLine
from zaitu.telemetry.services.ticks import Tick

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_FRAME_MAX: Final = 122
_PIECE: Final = 2_000_000
"""Frames written at once, before the clock runs on."""
_CHORES_S: Final = 1.0
_UNDER_WAY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """A tick's frames as they came in: one of each terminal after the other."""

    wire: Bytes
    pieces: Ints
    """(frames, 3): the terminal (from 0), and where its frame starts and ends in `wire`, delimiters included."""


class Feed:
    """The gateway's way behind its sockets: read, find facts, store. The one place that knows how that is called.

    As in the gateway a tick is worked out while the one before is stored and the next one read.
    """

    def __init__(self, terminals: Sequence[str]) -> None:
        self._connections = Connections(Limits(connections=len(terminals)))
        self._slots = np.array([self._connections.open() for _ in terminals])
        for slot, terminal in zip(self._slots.tolist(), terminals, strict=True):
            self._connections.authenticated(slot, terminal)
        self._engine = Engine()
        self._engine.open(clock.now())
        self._line = TickLine(self._engine, "bench")
        self._storing: deque[Future[Storing]] = deque()
        self._chores: list[Future[object]] = []
        self._chores_s = time.monotonic()

    def feed(self, ticks: Ticks) -> int:
        """Take a tick; how many rows of those before were stored meanwhile."""
        now, pieces = clock.now(), ticks.pieces.copy()
        pieces[:, 0] = self._slots[pieces[:, 0]]
        tick = Tick(
            received_at=now, columns=read(ticks.wire, pieces, self._connections, microseconds(now)).columns
        )
        stored = self.stored(but=_UNDER_WAY - 1)
        if time.monotonic() - self._chores_s >= _CHORES_S:
            self._chores_s = time.monotonic()
            for chore in (self._engine.refresh, self._engine.flush, self._engine.settle, self._engine.timer):
                self._chores.append(self._line.alone(chore, clock.now()))
        self._storing.append(self._line.put([(None, tick)]))
        return stored

    def stored(self, *, but: int = 0) -> int:
        """Wait for all ticks but the last ones; their rows."""
        stored = 0
        while len(self._storing) > but:
            stored += sum(outcome.stored for outcome in self._storing.popleft().result().result())
        return stored

    def close(self) -> None:
        """Write what memory holds and end."""
        for chore in self._chores:
            chore.result()  # raises what went wrong in it
        self._line.alone(self._engine.flush, clock.now()).result()
        self._line.close()
        connection.close()


@bare
def _frames_write(fleet: Fleet, first: int, wire: Bytes, pieces: Ints) -> int:
    """Frames `first` … of the endless round, as many as there are pieces; the bytes they take."""
    rows, at = len(fleet.terminals), 0
    for number in range(len(pieces)):
        turn = first + number
        pieces[number, 0], pieces[number, 1] = turn % rows, at
        at = put_block(fleet, turn % rows, turn // rows & 0xFFFF, turn // rows, wire, at)
        pieces[number, 2] = at
    return at


class Source:
    def __init__(self, vehicles: int, rows: int, begin_s: float, piece: int = _PIECE) -> None:
        """`rows`: of a tick. `piece`: frames written at once."""
        self._fleet = fleet_make(Plan(vehicles=vehicles), {})
        self._fleet.terminals["begin_s"] = begin_s
        self._rows = rows
        self._next = 0
        count = max(piece // rows, 1) * rows
        self._wire = np.zeros(count * _FRAME_MAX, np.uint8)
        self._pieces = np.zeros((count, 3), np.int64)

    def piece(self) -> Iterator[Ticks]:
        """The next ticks, all written before the first is given out."""
        used = _frames_write(self._fleet, self._next, self._wire, self._pieces)
        self._next += len(self._pieces)
        for start in range(0, len(self._pieces), self._rows):
            pieces = self._pieces[start : start + self._rows]
            yield Ticks(wire=self._wire[:used], pieces=pieces)


def run(feed: Feed, source: Source, seconds: float) -> tuple[int, int, float]:
    """(frames fed, rows stored, seconds of feeding)."""
    fed, stored, spent_s = 0, 0, 0.0
    while spent_s < seconds:
        ticks = list(source.piece())
        began = time.perf_counter()
        for one in ticks:
            stored += feed.feed(one)
            fed += len(one.pieces)
            if spent_s + time.perf_counter() - began >= seconds:
                break
        stored += feed.stored()
        spent_s += time.perf_counter() - began
    return fed, stored, spent_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True, help="frames a tick")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--runs", type=int, required=True)
    wanted = parser.parse_args()
    now = clock.now()
    partitions_ensure(now)
    # Vehicles' clocks run far faster than ours: from the beginning of the day, whose partition is the one being written.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    source = Source(wanted.vehicles, wanted.rows, midnight.timestamp())
    feed = Feed([simulated.number(index) for index in range(1, wanted.vehicles + 1)])
    run(feed, source, 1.0)  # everything compiled and warm
    for _ in range(wanted.runs):
        before = Position.objects.count()
        fed, stored, seconds = run(feed, source, wanted.seconds)
        counted = Position.objects.count() - before
        print(json.dumps({"rows": fed, "stored": stored, "seconds": seconds, "counted": counted}), flush=True)
    feed.close()


if __name__ == "__main__":
    main()
