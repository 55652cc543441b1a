"""`make soak`, its fuzzing part: every target for a long time, on a corpus that grows in var/fuzz; the outcome goes to docs/soak.md.

ZAITU_SOAK_S: seconds a target, 600 unless told. A finding ends the run with 1 and leaves its input in var/fuzz.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
GROWN = ROOT / "var" / "fuzz"
PAGE = ROOT / "docs" / "soak.md"
HEAD = """# Long runs

`make soak` runs them (`ZAITU_SOAK_S` seconds a target, 600 unless told) and writes this page. A shorter run of the same is part of `make test`.

## Fuzzing
atheris (libFuzzer with the coverage of `zaitu.telemetry.codecs`) feeds each codec bytes; `tests/fuzz/targets.py` says what has to hold:
no error but the codec's own, bounded memory and output, whatever is read can be stored.

"""


def soak(target: str, seconds: int) -> tuple[bool, str]:
    """(nothing found, a row of the table)."""
    grown = GROWN / target
    grown.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.run", target, grown, CORPUS / target,
            f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048",
            "-print_final_stats=1", f"-artifact_prefix={GROWN}/{target}-",
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )  # fmt: skip
    executed = re.search(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode:
        sys.stderr.write(done.stderr[-4000:])
    row = [
        target,
        str(seconds),
        f"{int(executed[1]):,}" if executed else "–",
        covered[-1] if covered else "–",
        str(len(list(grown.iterdir()))),
        "nothing" if not done.returncode else "**a finding**",
    ]
    return done.returncode == 0, f"| {' | '.join(row)} |"


def main() -> int:
    seconds = int(os.environ.get("ZAITU_SOAK_S", "600"))
    outcomes = [soak(target, seconds) for target in TARGETS]
    rows = [row for _, row in outcomes]
    at = datetime.now(UTC).strftime("%Y-%m-%d")
    table = [
        "| target | s | inputs tried | edges covered | inputs that cover more | found |",
        "|---|---|---|---|---|---|",
    ]
    PAGE.write_text(HEAD + f"Run of {at}:\n\n" + "\n".join([*table, *rows]) + "\n", "utf-8")
    sys.stdout.write("\n".join(rows) + "\n")
    return 0 if all(fine for fine, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
