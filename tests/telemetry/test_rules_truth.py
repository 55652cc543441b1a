"""Drives whose truth is known: everything put into them is found, and nothing else (many more: `make bench ONLY=rules`)."""

import numpy as np

from benchmarks.rules import ALL, score
from benchmarks.rules_truth import PUTS, drive


def test_what_is_put_into_drives_is_found_and_nothing_else():
    rng = np.random.default_rng(3)
    names = sorted(PUTS)
    # Each put into three drives, beside others; a lock is left open at the stop before, so nothing may lie between.
    names.remove("left_open")
    orders = [[*rng.permutation(names)[:7]] for _ in range(11)]
    drives = [drive(rng, ["left_open", *map(str, order)]) for order in orders]
    found = score(drives, ALL)
    assert {kind: dict(+counts) for kind, counts in found.items()} == {
        kind: {"right": counts["right"]} for kind, counts in found.items()
    }
    assert all(counts["right"] for counts in found.values())
