"""Coverage-guided fuzzing of every codec: sixty seconds in all here, as long as wanted in `make soak`.

Where atheris cannot be installed hypothesis looks instead, without coverage to guide it.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
SECONDS = 60 // len(TARGETS)
GUIDED = importlib.util.find_spec("atheris") is not None


def seeds(target):
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_holds(target):
    assert seeds(target)
    for seed in seeds(target):
        TARGETS[target](seed.read_bytes())


# Its name says which of the two looked: atheris has no wheel for Pythons above 3.11.
@pytest.mark.parametrize("looker", ["atheris" if GUIDED else "hypothesis"])
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(target, looker, tmp_path):
    LOOKERS[looker](target, tmp_path)


def with_atheris(target, folder):
    found = folder / "corpus"
    found.mkdir()
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.run", target, found, CORPUS / target,
            f"-max_total_time={SECONDS}", "-max_len=2048", "-timeout=10", "-rss_limit_mb=1024",
            "-print_final_stats=1", f"-artifact_prefix={folder}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    executed = re.search(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
    assert executed, done.stderr[-2000:]
    assert int(executed[1]) > 100


def with_hypothesis(target, _folder):
    @given(st.binary(max_size=400) | st.sampled_from([seed.read_bytes() for seed in seeds(target)]))
    @settings(deadline=None, max_examples=2000, suppress_health_check=list(HealthCheck))
    def holds(data):
        TARGETS[target](data)

    holds()


LOOKERS = {"atheris": with_atheris, "hypothesis": with_hypothesis}
