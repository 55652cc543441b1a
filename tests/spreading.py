"""Which process runs which test (pytest-xdist)."""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = frozenset(
    {
        "tests/architecture/test_contracts.py",
        "tests/architecture/test_wheel.py",
        "tests/config/test_backups.py",
        "tests/demo/test_company.py",
        "tests/telemetry/test_faults.py",
    }
)
"""Modules that make something once for all their tests, in seconds: one process runs them whole. All others are spread by test.

`--dist loadgroup` and its mark would say the same, but with pytest 9.2 they group nothing (pytest-xdist issue 1386).
"""


class Spreading(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module in TOGETHER else nodeid
