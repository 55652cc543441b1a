"""Compiled kernels are kept, and never used when anything they were made of has changed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zaitu

_ASK = """
import numpy as np
from zaitu.telemetry.kernels.devices import shock_step
from zaitu.telemetry.kernels.layout import DEVICE, FACT, blank
device = blank(DEVICE, 1)
told = 0
for at_s in (0, 40):
    told = shock_step(device[0], 5.0, at_s * 1_000_000, 9.0, blank(FACT, 4), told)
print(told)
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A checkout of its own, whose sources may be changed."""
    package = Path(zaitu.__file__).parent
    for name in ("__init__.py", "kernel", "telemetry"):
        source, target = package / name, tmp_path / "zaitu" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir()
            shutil.copy(source, target)
    return tmp_path


def shocks(checkout: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _ASK], cwd=checkout, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_threshold_changed_in_a_rule_is_in_the_kernel_at_the_next_start(copied):
    assert shocks(copied) == 1
    assert list((copied / "zaitu/telemetry/kernels/__pycache__").glob("**/*.nbi"))
    rule = copied / "zaitu/telemetry/rules/shock.py"
    rule.write_text(rule.read_text().replace("QUIET_S: Final = 60.0", "QUIET_S: Final = 30.0"))
    assert shocks(copied) == 2
