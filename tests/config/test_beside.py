"""Work that goes on beside the start in a child: waited for, told of when it fails, and never left behind."""

import subprocess
import sys

import pytest

from zaitu.config.management.commands.up import _LOADED_LATER, _must_be_installed
from zaitu.kernel.errors import Unavailable

BEGIN = """
import os, sys, time
from zaitu.config.children import Beside
"""


def _run(code: str, *, within_s: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code], check=False, capture_output=True, text=True, timeout=within_s
    )


def test_it_is_done_in_a_child_and_waited_for():
    done = _run("""
one = Beside("one", lambda: print(os.getppid(), flush=True))
assert one.succeeded() and one.done() and one.succeeded()
print(os.getpid())
""")
    told, ours = done.stdout.split()
    assert told == ours, done.stderr


def test_what_went_wrong_is_told_and_is_no_success():
    done = _run("""
one = Beside("one", lambda: open("/nowhere/at/all"))
print(one.succeeded())
""")
    assert done.stdout == "False\n"
    assert "FileNotFoundError" in done.stderr


def test_it_is_ended_in_the_middle_when_its_parent_must_go():
    done = _run("""
one = Beside("one", lambda: time.sleep(600))
print(one.done())
one.end()
print(one.done(), one.succeeded())
""")
    assert done.stdout == "False\nTrue False\n", done.stderr


def test_it_does_not_outlive_a_parent_that_was_killed():
    # The child has our standard output: it is closed when the child is gone too, or this runs out of time.
    done = _run("""
one = Beside("one", lambda: time.sleep(600))
os.kill(os.getpid(), 9)
""")
    assert done.returncode == -9


def test_a_library_that_is_loaded_later_is_missed_at_the_start():
    _must_be_installed(_LOADED_LATER)
    with pytest.raises(Unavailable, match="no_such_library"):
        _must_be_installed(["json", "no_such_library"])
