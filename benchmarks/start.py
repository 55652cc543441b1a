"""How long it takes from the command to an answering installation with the demo company: in an empty home, and again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.installation import Installation
from benchmarks.records import Measured, load_before

RUNS: Final = 3


def measure(folder: Path) -> Iterator[Measured]:
    first: list[float] = []
    again: list[float] = []
    params = {
        "command": "zaitu up --demo",
        "until": "GET /healthz/ready answers 200",
        "load_before": load_before(),
    }
    for run in range(RUNS):
        installation = Installation(folder / f"home{run}")
        installation.home.mkdir()
        for times in (first, again):
            try:
                times.append(installation.start())
            finally:
                installation.stop()
    yield Measured(bench="start.first_s", unit="s", runs=first, params={**params, "home": "empty"})
    yield Measured(
        bench="start.again_s", unit="s", runs=again, params={**params, "home": "as the first left it"}
    )
