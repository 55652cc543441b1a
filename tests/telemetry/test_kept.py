"""Compiled kernels: a folder a version, compiled into once, taken away when nobody uses it any more."""

import os
import subprocess
import sys
import time

import pytest

from zaitu.telemetry.kernels import kept

START = """
import sys, time
from pathlib import Path
from zaitu.telemetry.kernels import kept
"""
COMES_AND_GOES = (
    START
    + """
import os
until = time.monotonic() + 3
rounds = 0
while time.monotonic() < until:
    kept.used(Path(sys.argv[1], "kernels-old"))
    for _ in range(20):
        assert Path(sys.argv[1], "kernels-old").exists(), "taken away while it was used"
    os.close(kept._held.pop())
    rounds += 1
print(rounds)
"""
)
FORGETS = (
    START
    + """
kept._LEFT = 0
until = time.monotonic() + 3
gone = 0
while time.monotonic() < until:
    gone += len(kept.older_forgotten(Path(sys.argv[1], "kernels-new")))
print(gone)
"""
)
COMPILES = (
    START
    + """
with kept.compiled_once(Path(sys.argv[1])):
    if not kept.is_whole(Path(sys.argv[1])):
        time.sleep(0.5)
        with Path(sys.argv[1], "compiled").open("a") as told:
            told.write("x")
"""
)


@pytest.fixture
def held():
    """What this test holds is let go of afterwards."""
    before = len(kept._held)
    yield
    while len(kept._held) > before:
        os.close(kept._held.pop())


def _folder(parent, name, *, used_s_ago):
    path = parent / f"kernels-{name}"
    (path / "inside").mkdir(parents=True)
    (path / "inside" / "walk.nbc").write_bytes(b"code")
    os.utime(path, (time.time() - used_s_ago,) * 2)
    return path


def test_old_kernel_caches_are_taken_away_but_for_the_latest(tmp_path, held):
    current = tmp_path / "kernels-current"
    kept.used(current)
    latest, older, oldest = (_folder(tmp_path, str(age), used_s_ago=age) for age in (10, 20, 30))
    assert sorted(kept.older_forgotten(current)) == sorted([older, oldest])
    assert sorted(tmp_path.iterdir()) == sorted([current, latest])
    assert (latest / "inside" / "walk.nbc").read_bytes() == b"code"


def test_kernels_that_a_process_of_an_older_version_uses_stay_until_it_ends(tmp_path, held):
    current, older = tmp_path / "kernels-current", _folder(tmp_path, "older", used_s_ago=50)
    _folder(tmp_path, "latest", used_s_ago=10)
    kept.used(current)
    kept.used(older)
    os.utime(older, (time.time() - 50,) * 2)
    assert kept.older_forgotten(current) == []
    assert (older / "inside" / "walk.nbc").exists()
    os.close(kept._held.pop())
    assert kept.older_forgotten(current) == [older]


def test_what_a_killed_process_left_half_taken_away_goes_the_next_time(tmp_path):
    (tmp_path / "forgotten-1-kernels-old" / "inside").mkdir(parents=True)
    kept.older_forgotten(tmp_path / "kernels-current")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_taken_away_from_under_processes_that_start_at_the_same_time(tmp_path):
    scripts = (COMES_AND_GOES, COMES_AND_GOES, FORGETS, FORGETS)
    running = [_run(script, tmp_path) for script in scripts]
    said = [int(one.communicate()[0] or -1) for one in running]
    assert [one.returncode for one in running] == [0, 0, 0, 0]
    assert min(said[:2]) > 0
    assert sum(said[2:]) > 0, "it was taken away now and then, or nothing was tested"


def test_of_processes_that_start_at_once_one_compiles_and_the_others_wait(tmp_path):
    running = [_run(COMPILES, tmp_path) for _ in range(4)]
    assert [_ended(one) for one in running] == [0, 0, 0, 0]
    assert (tmp_path / "compiled").read_text() == "x"
    assert kept.is_whole(tmp_path)


def test_a_compilation_that_fails_is_not_whole(tmp_path):
    with pytest.raises(ZeroDivisionError), kept.compiled_once(tmp_path):
        raise ZeroDivisionError
    assert not kept.is_whole(tmp_path)


def _run(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _ended(process):
    process.communicate()
    return process.returncode
