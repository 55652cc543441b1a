"""Run the measurements: one JSON object a line."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Final

from benchmarks import rules, start, tracking
from benchmarks.records import tell

PARTS: Final = {"tracking": tracking.measure, "start": start.measure, "rules": rules.measure}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="one part instead of all")
    wanted = parser.parse_args().only
    for name, measure in PARTS.items():
        if wanted in {None, name}:
            with tempfile.TemporaryDirectory(prefix="zaitu-bench-") as made:
                folder = Path(made)
                folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's database runs as another user
                for measured in measure(folder):
                    tell(measured)


if __name__ == "__main__":
    main()
