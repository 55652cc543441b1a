"""Run the measurements: one JSON object a line."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import rules, start, telemetry, tracking
from benchmarks.records import Measured, tell


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", default="", help="a part (tracking, start, rules, telemetry) or a case (telemetry.idle)"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of a run of telemetry")
    parser.add_argument(
        "--quick", action="store_true", help="telemetry: small and short, to see that it works"
    )
    wanted = parser.parse_args()
    part, _, case = wanted.only.partition(".")
    how = telemetry.How(
        seconds=telemetry.QUICK_S if wanted.quick else wanted.seconds, quick=wanted.quick, case=case
    )
    parts: dict[str, Callable[[Path], Iterator[Measured]]] = {
        "tracking": tracking.measure,
        "start": start.measure,
        "rules": rules.measure,
        "telemetry": lambda folder: telemetry.measure(folder, how),
    }
    if part not in {"", *parts} or case not in {"", *(telemetry.CASES if part == "telemetry" else ())}:
        parser.error(f"there is no {wanted.only}")
    for name, measure in parts.items():
        if part in {"", name}:
            with tempfile.TemporaryDirectory(prefix="zaitu-bench-") as made:
                folder = Path(made)
                folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's database runs as another user
                _tell_all(measure(folder))


def _tell_all(measured: Iterator[Measured]) -> None:
    for one in measured:
        tell(one)


if __name__ == "__main__":
    main()
