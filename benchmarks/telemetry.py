"""How much the gateway takes in: simulated terminals on the same cores, everything acknowledged after commit and counted afterwards."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, Final

from benchmarks import telemetry_peer, telemetry_visible
from benchmarks.installation import free_ports
from benchmarks.records import ROOT, Measured, load_before
from benchmarks.telemetry_stack import Stack, listening
from benchmarks.telemetry_stream import SHARDS, server_version, stored_s, streaming

RUNS: Final = 3
QUICK_S: Final = 4.0
WATCHED: Final = 5_000
"""Vehicles with a watch: stops, and a road of 500 vertices."""
SHARES: Final = {"sockets_5000": 0.65, "sockets_18000": 0.85}
"""Of what is taken at full speed is sent when waits are measured: at full speed they only say how long the queue is."""
QUEUED: Final = 8
"""Frames of a terminal on their way at most at full speed."""
VOID_BELOW: Final = 4_000
"""A per-message server slower than this was hindered, and nothing is to be compared with it."""
CURVE_VEHICLES: Final = (1_000, 10_000, 100_000)
CURVE_ROWS: Final = (50, 500, 5_000, 50_000)
_TICK_ROWS: Final = 5_000
_REPLAY_ROWS: Final = 20_000
"""Of a tick where nobody waits for an answer."""
_IDLE: Final = 100_000
_TRACK_ROWS: Final = 100_000_000
_GATEWAY_HOLDS: Final = 19_000
"""Connections of one process: many systems allow 20,000 files."""
_WARM_S: Final = 2.0
_AT_MOST: Final = 400_000
"""Rows a second that no run exceeds: so far back fix times begin while the speed is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    seconds: float
    quick: bool = False
    case: str = ""
    """Empty: all."""

    def count(self, usual: int) -> int:
        """So many vehicles, or a twentieth of them."""
        return max(usual // 20, 50) if self.quick else usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of `zaitu simulate`."""

    rate: float
    p99_ms: float
    acked: int
    counted: int
    summary: dict[str, Any]
    us: dict[str, float]
    """Microseconds of a core per position, by who used them."""


def measure(folder: Path, how: How) -> Iterator[Measured]:
    """All in one run, one after the other."""
    rates: dict[str, float] = {}
    if how.case != "visible":
        with Stack(folder) as stack:
            for name, case in CASES.items():
                if how.case in {"", name} and case is not None:
                    for one in case(stack, how, rates):
                        rates[one.bench] = statistics.median(one.runs)
                        yield one
    if how.case in {"", "visible"}:
        yield visible(folder, how, rates.get("telemetry.sockets_5000.rows_per_s", 0.0))


Case = Callable[[Stack, How, dict[str, float]], Iterator[Measured]]


def sockets_5000(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """5,000 connections, all watched, four frames at once (a read finds several)."""
    yield from _sockets(stack, how, "sockets_5000", vehicles=how.count(5_000), burst=4)


def sockets_18000(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """18,000 connections, one frame at once: every read finds one."""
    yield from _sockets(stack, how, "sockets_18000", vehicles=how.count(18_000), burst=1)


def _sockets(stack: Stack, how: How, name: str, *, vehicles: int, burst: int) -> Iterator[Measured]:
    before = load_before()
    watched = min(vehicles, how.count(WATCHED))
    stack.prepare(vehicles, watched=watched)
    stack.empty()
    words = ("--vehicles", vehicles, "--burst", burst)
    measured_s = RUNS * (how.seconds + _WARM_S)
    probed_s = _WARM_S + max(how.seconds / 2, 4.0)
    with stack.gateways() as ports:
        at_full = (*words, "--window", QUEUED, "--warm", _WARM_S, "--seconds")
        # Everything loaded and compiled.
        _run(stack, ports, *at_full, _WARM_S + 1, *_behind(vehicles, _WARM_S + 1 + probed_s + measured_s))
        full = _run(stack, ports, *at_full, probed_s, *_behind(vehicles, probed_s + measured_s))
        offered = round(full.rate * SHARES[name])
        if not offered:
            raise RuntimeError(f"{name}: nothing was acknowledged at full speed")
        # Fix times go on from run to run and end now.
        behind = [(RUNS - run) * (offered / vehicles + 1) * (how.seconds + _WARM_S) for run in range(RUNS)]
        runs = [
            _run(
                stack, ports, *words, "--rate", offered, "--behind", round(before_s),
                "--seconds", how.seconds + _WARM_S, "--warm", _WARM_S,
            )
            for before_s in behind
        ]  # fmt: skip
    params = {
        "connections": vehicles,
        "watched": watched,
        "frames_at_once": burst,
        "offered_rows_per_s": offered,
        "full_speed_rows_per_s": full.rate,
        **_params(how, runs, before),
    }
    yield _rows(f"telemetry.{name}.rows_per_s", runs, params)
    yield _rows(f"telemetry.{name}.ack_p99_ms", runs, params, unit="ms")


def per_message(stack: Stack, how: How, rates: dict[str, float]) -> Iterator[Measured]:
    """The usual server beside it (telemetry_peer.py), into the same table."""
    before, vehicles = load_before(), how.count(5_000)
    stack.prepare(vehicles)
    stack.empty()
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "benchmarks.telemetry_peer", str(port), stack.database_url]
    with stack.running([command]) as stack.processes:
        listening(port, stack.processes)
        runs = [
            _run(
                stack, [port], "--vehicles", vehicles, "--window", QUEUED, "--warm", _WARM_S,
                "--seconds", how.seconds + _WARM_S, *_behind(vehicles, (RUNS - run) * (how.seconds + _WARM_S)),
            )
            for run in range(RUNS)
        ]  # fmt: skip
    rate = statistics.median(run.rate for run in runs)
    ours = rates.get("telemetry.sockets_5000.rows_per_s")
    params = {
        "connections": vehicles,
        "server": f"asyncio on uvloop, asyncpg pool of {telemetry_peer.POOL}, one INSERT and commit per message into the same table, then the acknowledgement",
        "void": rate < VOID_BELOW,
        "ours_times_as_fast": None if ours is None else round(ours / rate, 1),
        **_params(how, runs, before),
    }
    yield _rows("telemetry.per_message.rows_per_s", runs, params)


def jetstream(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """As sockets_5000, with a stream between the gateway and one or two workers; a row counts when it is stored."""
    vehicles = how.count(5_000)
    stack.prepare(vehicles, watched=vehicles)
    for workers in (1, 2):
        before = load_before()
        stack.empty()
        words = ("--vehicles", vehicles, "--burst", 4, "--window", QUEUED)
        with streaming(stack, workers) as ports:
            # Everything loaded and compiled.
            _streamed(
                stack,
                ports,
                *words,
                *_behind(vehicles, _WARM_S + 1 + RUNS * how.seconds),
                seconds=_WARM_S + 1,
            )
            runs = [
                _streamed(
                    stack, ports, *words, *_behind(vehicles, (RUNS - run) * how.seconds), seconds=how.seconds
                )
                for run in range(RUNS)
            ]
        params = {
            "workers": workers,
            "gateways": 1,
            "shards": SHARDS,
            "connections": vehicles,
            "watched": vehicles,
            "server": f"nats-server {server_version()}, one replica, sync_interval always",
            "rate": "rows stored, by the time from the first report until the last was in the table",
            "us_per_row_are": "the gateway with the workers; the NATS server is in none of them",
            "acknowledged_rows_per_s": [run.summary["rate"] for run in runs],
            **_params(how, runs, before),
        }
        name = (
            "telemetry.jetstream.rows_per_s" if workers == 1 else "telemetry.jetstream.two_workers_rows_per_s"
        )
        yield _rows(name, runs, params)


def _streamed(stack: Stack, ports: Sequence[int], *words: object, seconds: float) -> Run:
    """A run, and what was waiting to be stored when the terminals had ended."""
    rows = stack.count()
    run = _run(stack, ports, *words, "--seconds", seconds)
    behind_s = stored_s(stack, rows + run.acked)
    return replaced(run, rate=run.acked / (seconds + behind_s), counted=stack.count() - rows)


def _behind(vehicles: int, seconds: float) -> tuple[object, ...]:
    """Let fixes begin so long ago that so many seconds of sending end now at the latest, and lie in the partition of today."""
    return "--behind", round(seconds * (_AT_MOST / vehicles + 1))


def replay(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """Frames from memory straight into ingest, all vehicles watched."""
    vehicles = how.count(WATCHED)
    stack.prepare(vehicles, watched=vehicles)
    yield _fed(stack, "telemetry.replay.rows_per_s", vehicles, _REPLAY_ROWS, how.seconds)


def curve(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """What a row costs with the number of vehicles and of rows in a tick."""
    seconds = min(how.seconds, 5.0)
    for vehicles in map(how.count, CURVE_VEHICLES):
        stack.prepare(vehicles, watched=min(vehicles, how.count(CURVE_VEHICLES[1])))
        yield _fed(stack, f"telemetry.curve.vehicles_{vehicles}.rows_per_s", vehicles, _TICK_ROWS, seconds)
    for rows in CURVE_ROWS:
        vehicles = how.count(CURVE_VEHICLES[1])
        yield _fed(stack, f"telemetry.curve.tick_{rows}.rows_per_s", vehicles, rows, seconds)


def _fed(stack: Stack, bench: str, vehicles: int, rows: int, seconds: float) -> Measured:
    before = load_before()
    stack.empty()
    said = _python(
        stack,
        "telemetry_replay",
        "--vehicles",
        vehicles,
        "--rows",
        rows,
        "--seconds",
        seconds,
        "--runs",
        RUNS,
    )
    runs = [json.loads(line) for line in said]
    return Measured(
        bench=bench,
        unit="rows/s",
        runs=[run["stored"] / run["seconds"] for run in runs],
        acked=[run["stored"] for run in runs],
        counted=[run["counted"] for run in runs],
        params={
            "fed": [run["rows"] for run in runs],
            "vehicles": vehicles,
            "rows_a_tick": rows,
            "seconds": seconds,
            "load_before": before,
        },
    )


def idle(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """Terminals that only beat, over as many gateways as files allow; what these weigh together, once everybody is in."""
    before, vehicles = load_before(), how.count(_IDLE)
    stack.prepare(vehicles)
    stack.empty()
    weights: list[float] = []

    def weigh(said: dict[str, Any]) -> None:
        if said["connected"] == vehicles:
            weights.append(sum(one.memory_info().rss for one in stack.processes) / 1e6)

    with stack.gateways(-(-vehicles // _GATEWAY_HOLDS)) as ports:
        summary = stack.simulate(
            ports, "--vehicles", vehicles, "--idle", "--seconds", max(how.seconds, 5.0), "--opening", 1_500,
            "--heartbeat", 5 if how.quick else 60, sample=weigh,
        )  # fmt: skip
    kept = [weights[round(at * (len(weights) - 1) / (RUNS - 1))] for at in range(RUNS)] if weights else []
    yield Measured(
        bench="telemetry.idle_100k.rss_mb",
        unit="MB (1000² bytes)",
        runs=kept,
        params={
            "connections": summary["connected"],
            "gateways": len(ports),
            "heartbeats": summary["sent"],
            "answered": summary["acked"],
            "reconnects": summary["reconnects"],
            "answer_p99_ms": summary["p99_ms"],
            "seconds": how.seconds,
            "runs_are": "first, middle and last second with everybody connected",
            "load_before": before,
        },
    )


def track(stack: Stack, how: How, _rates: dict[str, float]) -> Iterator[Measured]:
    """One vehicle's hour and day out of a hundred million rows, and a day out of the archive."""
    before, rows = load_before(), _TRACK_ROWS // 100 if how.quick else _TRACK_ROWS
    stack.empty()
    told = json.loads(_python(stack, "telemetry_track", "--rows", rows, "--runs", RUNS)[-1])
    for name in ("hour", "day", "archived_day"):
        params = {
            "rows": rows,
            "rows_read": told.get(f"{name}_rows", told["day_rows"]),
            "load_before": before,
        }
        if name == "archived_day":
            params["archived_s"] = told["archived_s"]
        yield Measured(bench=f"telemetry.track_{name}_ms", unit="ms", runs=told[f"{name}_ms"], params=params)


def _python(stack: Stack, module: str, *words: object) -> list[str]:
    """A module of the benchmarks in that installation; its lines. Raises RuntimeError with its last words when it failed."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)],
        env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()


def visible(folder: Path, how: How, taken: float) -> Measured:
    """The whole product; at a quarter of what sockets_5000 took (or, measured alone, at 1,000 rows/s)."""
    before, vehicles = load_before(), how.count(5_000)
    rate = round(taken / 4) or 1_000
    with telemetry_visible.running(folder) as installation:
        seen = telemetry_visible.measure(
            installation, vehicles=vehicles, rate=rate, seconds=how.seconds, runs=RUNS
        )
    return Measured(
        bench="telemetry.visible_p99_ms",
        unit="ms",
        runs=[_share(waits, 0.99) for waits in seen.waits_ms],
        params={
            "from": "fix handed to the socket by the terminal",
            "to": "event on the live feed of the shipment, opened with the right tail",
            "p50_ms": [round(_share(waits, 0.5), 1) for waits in seen.waits_ms],
            "offered_rows_per_s": rate,
            "rows_per_s": seen.rate,
            "connections": vehicles + seen.feeds,
            "feeds": seen.feeds,
            "fixes": [len(waits) for waits in seen.waits_ms],
            "seconds": how.seconds,
            "load_before": before,
        },
    )


def _run(stack: Stack, ports: Sequence[int], *words: object) -> Run:
    rows, cpu_s = stack.count(), stack.cpu_s()
    summary = stack.simulate(ports, *words)
    used = {name: spent - cpu_s[name] for name, spent in stack.cpu_s().items()}
    acked = max(summary["acked"], 1)
    us = {name: round(spent / acked * 1e6, 1) for name, spent in used.items()}
    us["generator"], us["generator_system"] = summary["user_us"], summary["system_us"]
    return Run(
        rate=summary["rate"],
        p99_ms=summary["p99_ms"] or float("nan"),
        acked=summary["acked"],
        counted=stack.count() - rows,
        summary=summary,
        us=us,
    )


def _params(how: How, runs: Sequence[Run], before: float) -> dict[str, Any]:
    kept = ("sent", "refused", "held", "reconnects", "unanswered", "p50_ms", "p95_ms", "p99_ms", "max_ms")
    return {
        "seconds": how.seconds,
        **{name: [run.summary[name] for run in runs] for name in kept},
        "us_per_row": [run.us for run in runs],
        "load_before": before,
    }


def _rows(bench: str, runs: Sequence[Run], params: dict[str, Any], unit: str = "rows/s") -> Measured:
    return Measured(
        bench=bench,
        unit=unit,
        runs=[run.rate if unit == "rows/s" else run.p99_ms for run in runs],
        acked=[run.acked for run in runs],
        counted=[run.counted for run in runs],
        params=params,
    )


def _share(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not pass."""
    return sorted(values)[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


CASES: Final[dict[str, Case | None]] = {
    "sockets_5000": sockets_5000,
    "per_message": per_message,
    "jetstream": jetstream,
    "sockets_18000": sockets_18000,
    "replay": replay,
    "curve": curve,
    "idle": idle,
    "track": track,
    "visible": None,
}
"""In this order; `visible` needs a whole product of its own."""
