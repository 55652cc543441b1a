"""`scripts/test` runs browsers' tests beside the others: both statuses count, and Ctrl-C ends both."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.running import gone, until
from tools.test_runs import status_of

ROOT = Path(__file__).parents[2]
PASSES = "def test_it(): pass\n"
FAILS = "def test_it(): assert False\n"
SLEEPS = """
import time
from pathlib import Path
def test_it():
    Path("{name}.began").touch()
    try:
        time.sleep(60)
    finally:
        Path("{name}.ended").touch()
"""
_ONLY_XDIST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
"""All our plugins together take seconds to load."""


@pytest.fixture
def start(tmp_path):
    """Starts both runs: a browser's test and another one."""
    started = []

    def run(*, browser: str, other: str) -> subprocess.Popen[str]:
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
        (tmp_path / "test_browser.py").write_text(
            f"import pytest\npytestmark = pytest.mark.browser\n{browser}"
        )
        (tmp_path / "test_other.py").write_text(other)
        environment = {
            "PYTHONPATH": str(ROOT),
            "PATH": "/usr/bin:/bin",
            "ZAITU_TEST_PROCESSES": "1",
        } | _ONLY_XDIST
        command = [sys.executable, "-m", "tools.test_runs", "."]
        started.append(
            subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("browser", "other"), [(FAILS, PASSES), (PASSES, FAILS)], ids=["browser", "other"])
def test_both_runs_are_told_and_one_failure_is_enough(start, browser, other):
    process = start(browser=browser, other=other)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert (said.count("1 passed"), said.count("1 failed")) == (1, 1)
    assert "Tests in browsers" in said


def test_interrupted_both_runs_clean_up_and_end(start, tmp_path):
    process = start(browser=SLEEPS.format(name="browser"), other=SLEEPS.format(name="other"))
    until(lambda: {path.name for path in tmp_path.glob("*.began")} == {"browser.began", "other.began"})
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert {path.name for path in tmp_path.glob("*.ended")} == {"browser.ended", "other.ended"}
    assert gone(family, 5) == []


@pytest.mark.parametrize(
    ("statuses", "named", "status"),
    [
        ([0, 0], False, 0),
        ([0, 5], True, 0),
        ([5, 0], True, 0),
        ([0, 5], False, 5),
        ([5, 5], True, 5),
        ([5, 1], True, 1),
    ],
)
def test_a_run_may_find_nothing_only_when_tests_were_named_that_the_other_has(statuses, named, status):
    assert status_of(statuses, named=named) == status
