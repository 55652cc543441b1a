"""The two runs of the tests, beside each other: `python -m tools.test_runs` with pytest's own arguments.

Playwright keeps an event loop running in its process, which other tests must not find: browsers have a run of their own. What it
says is kept in a file and shown whole when it ends. Ctrl-C ends both.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import IO, Final

PROCESSES: Final = os.environ.get("ZAITU_TEST_PROCESSES") or "3"
"""Of the run without browsers: one more than cores, since many tests wait for processes of theirs."""
_NOTHING_COLLECTED: Final = 5


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when both runs passed."""
    runs: list[subprocess.Popen[bytes]] = []

    def end(_signum: int, _frame: FrameType | None) -> None:
        for run in runs:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)  # as a terminal does: xdist's processes clean up too

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, end)
    with tempfile.TemporaryFile("w+") as said:
        runs.append(_start(["-m", "browser", *arguments], said))
        runs.append(_start(["-m", "not browser", "-n", PROCESSES, *arguments], None))
        browsers, others = runs
        telling = threading.Thread(target=_tell, args=(browsers, said), kwargs={"named": bool(arguments)})
        telling.start()
        statuses = [others.wait(), browsers.wait()]
        telling.join()
    return status_of(statuses, named=bool(arguments))


def status_of(statuses: Sequence[int], *, named: bool) -> int:
    """The first failed run's. `named`: one run may find nothing when the arguments name tests of the other only."""
    nothing = named and any(status != _NOTHING_COLLECTED for status in statuses)
    return next(
        (status for status in statuses if status and not (nothing and status == _NOTHING_COLLECTED)), 0
    )


def _start(arguments: Sequence[str], output: IO[str] | None) -> subprocess.Popen[bytes]:
    """In a process group of its own, so that a signal reaches it once, from us."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        process_group=0,
    )


def _tell(browsers: subprocess.Popen[bytes], said: IO[str], *, named: bool) -> None:
    began = time.monotonic()
    if browsers.wait() == _NOTHING_COLLECTED and named:
        return
    said.seek(0)
    print(f"\n\033[1mTests in browsers ({time.monotonic() - began:.0f} s, beside the others)\033[0m")
    shutil.copyfileobj(said, sys.stdout)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
