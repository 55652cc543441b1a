"""How well the rules find what is there and nothing else, and how many rows a second they take."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.records import Measured, load_before
from benchmarks.rules_real import injected, trace_read
from benchmarks.rules_speed import speed
from benchmarks.rules_truth import PUTS, START_S, Drive, Truth, columns_of, drive
from zaitu.telemetry.kernels.fleet import Fleet, Tick, order_of
from zaitu.telemetry.rules.facts import Kind

TRACE: Final = "ZAITU_BENCH_TRACE"
"""Path of a recorded trace; the real one is not ours to hand on."""
RUNS: Final = 3
DRIVES: Final = 60
TICK_S: Final = 30.0
VEHICLES: Final = (1_000, 10_000, 100_000)
ALL: Final = sorted({put.finds for put in PUTS.values() if put.finds} | {Kind.STOP_ENTERED, Kind.STOP_LEFT})
REAL: Final = (Kind.OFF_ROUTE, Kind.STOPPED_TOO_LONG, Kind.LOCK)

Found = tuple[int, Kind, float]
"""(vehicle, what, when it began: seconds after START)."""
Score = dict[Kind, Counter[str]]


def measure(folder: Path) -> Iterator[Measured]:
    before = load_before()
    yield from _measured("generated", [_generated(seed) for seed in range(RUNS)])
    path = os.environ.get(TRACE, "")
    if path:
        fixes = trace_read(Path(path))
        yield from _measured("real", [score(injected(fixes, seed), REAL) for seed in range(RUNS)])
    else:
        print(f"rules: no recorded trace, {TRACE} names none", file=sys.stderr)
    for vehicles in VEHICLES:
        yield speed(vehicles, before)


def _generated(seed: int) -> Score:
    rng = np.random.default_rng(seed)
    return score([drive(rng, _puts(rng)) for _ in range(DRIVES)], ALL)


def _puts(rng: np.random.Generator) -> list[str]:
    chosen = [str(one) for one in rng.choice(sorted(PUTS), 8, replace=False)]
    # It begins at the stop before, so nothing else may lie between.
    if "left_open" in chosen and chosen.index("left_open") % 2:
        place = chosen.index("left_open")
        chosen[place - 1], chosen[place] = chosen[place], chosen[place - 1]
    return chosen


def score(drives: Sequence[Drive], kinds: Sequence[Kind]) -> Score:
    """By kind: how many were `right`, `wrong` (found and not there) and `missed`."""
    found: dict[tuple[int, Kind], list[float]] = {}
    for vehicle, kind, at_s in walk_all(drives):
        found.setdefault((vehicle, kind), []).append(at_s)
    result: Score = {kind: Counter() for kind in kinds}
    for vehicle, one in enumerate(drives):
        for kind in result:
            truths = [truth for truth in one.truths if truth.kind == kind]
            result[kind] += _matched(truths, sorted(found.get((vehicle, kind), [])))
    return result


def _matched(truths: list[Truth], found: list[float]) -> Counter[str]:
    result: Counter[str] = Counter()
    left = list(truths)
    for at_s in found:
        mine = next((truth for truth in left if truth.from_s <= at_s <= truth.to_s), None)
        if mine is None:
            result["wrong"] += 1
            continue
        result["right"] += not mine.optional
        left.remove(mine)
    result["missed"] += sum(not truth.optional for truth in left)
    return result


def walk_all(drives: Sequence[Drive]) -> list[Found]:
    """Every drive's rows as they would come, tick by tick, through one fleet."""
    fleet = Fleet()
    for vehicle, one in enumerate(drives):
        fleet.watch_set(vehicle, one.watch)
    vehicles = np.repeat(np.arange(len(drives)), [len(one.received_s) for one in drives])
    terminals = 10 * vehicles + np.concatenate([one.terminal for one in drives])
    received_s = np.concatenate([one.received_s for one in drives])
    columns = columns_of([one.rows for one in drives])
    devices = np.array([fleet.device(int(terminal)) for terminal in terminals])
    received_us = ((START_S + received_s) * 1e6).astype(np.int64)
    # Afterwards the vehicle is silent because the drive is over.
    ends_us = [(START_S + one.received_s.max()) * 1e6 for one in drives]
    by_time = np.argsort(received_s, kind="stable")
    nows = np.arange(TICK_S, received_s.max() + 3_600, TICK_S)
    found: list[Found] = []
    for rows, now_s in zip(np.split(by_time, np.searchsorted(received_s[by_time], nows)), nows, strict=False):
        # Slots are given in the order asked for, so here they are the vehicles' numbers.
        order = order_of(vehicles, columns.at_us, rows)
        tick = Tick(columns=columns, received_us=received_us, slots=vehicles, devices=devices, order=order)
        facts = [*fleet.walk(tick).facts, *fleet.timer(int((START_S + now_s) * 1e6))]
        found += [
            (int(fact["slot"]), Kind(fact["kind"]), fact["at_us"] / 1e6 - START_S)
            for fact in facts
            if (fact["kind"] != Kind.LOCK or fact["b"]) and fact["fix_us"] <= ends_us[fact["slot"]]
        ]
    return found


def _measured(truth: str, scores: Sequence[Score]) -> Iterator[Measured]:
    for kind in scores[0]:
        params = {
            "truth": truth,
            **{name: sum(one[kind][name] for one in scores) for name in ("right", "wrong", "missed")},
        }
        for name, against in (("precision", "wrong"), ("recall", "missed")):
            yield Measured(
                bench=f"telemetry.rules.{kind.name.lower()}.{name}",
                unit="share",
                runs=[_share(one[kind]["right"], one[kind][against]) for one in scores],
                params=params,
            )


def _share(right: int, against: int) -> float:
    return right / (right + against) if right + against else 1.0
