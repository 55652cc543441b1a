"""What memory says of a row is true of the table: nothing stored is called new, and what was kept in a silence is not in doubt."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.telemetry.kernels import once

S = 1_000_000
START = 1_800_000_000 * S
LOST = 8


def heard(memory, *rows):
    """Verdicts of rows (seconds after the start, digest) of terminal 0."""
    verdict, vehicle = (np.empty(len(rows), dtype=np.int64) for _ in range(2))
    at = np.array([START + second * S for second, *_ in rows], dtype=np.int64)
    digest = np.array([number for _, number, *_ in rows], dtype=np.int64)
    flags = np.array([row[2] if len(row) > 2 else 0 for row in rows], dtype=np.int64)
    once.rows_judged(np.zeros(len(rows), dtype=np.int64), at, digest, flags, memory, verdict, vehicle)
    return verdict.tolist()


def known(newest_s):
    """A terminal whose newest stored fix is known, and nothing else of it."""
    memory = once.memory(1)
    memory.terminal_id[0] = 1
    memory.newest_us[0], memory.complete_us[0] = START + newest_s * S, START + newest_s * S + 1
    return memory


def test_hours_kept_in_a_silence_are_surely_new_though_live_fixes_come_between():
    memory = known(0)
    assert heard(memory, (7_200, 0)) == [once.NEW]
    for number, second in enumerate(range(10, 7_200, 10)):
        assert heard(memory, (second, second), (7_201 + number, second)) == [once.LATE, once.NEW]


def test_the_newest_kept_fix_may_come_first():
    memory = known(0)
    heard(memory, (7_200, 0))
    for number, second in enumerate(range(7_190, 0, -10)):
        assert heard(memory, (second, second), (7_201 + number, second)) == [once.LATE, once.NEW]


def test_a_kept_fix_told_again_when_it_is_forgotten_is_in_doubt():
    memory = known(0)
    heard(memory, (7_200, 0), *((second, second) for second in range(10, 7_200, 10)))
    assert heard(memory, (20, 20), (30, 31)) == [once.DOUBTFUL, once.DOUBTFUL]


def test_before_what_a_restart_knows_everything_is_in_doubt():
    assert heard(known(0), (-10, 1), (90, 1), (50, 1)) == [once.DOUBTFUL, once.NEW, once.LATE]


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 400), st.sampled_from([5, 40, 400]))
def test_nothing_that_is_stored_is_ever_called_new(chance, spread_s, step_s):
    """More fixes than are remembered, in any order, again and again."""
    table = {(START - chance.randrange(spread_s) * step_s * S, chance.randrange(3)) for _ in range(spread_s)}
    memory = known((max(table)[0] - START) // S)
    for number in range(400):
        second = chance.randrange(-spread_s, number + spread_s) * step_s
        row = (second, chance.randrange(3), chance.choice([0, 0, 0, 0, LOST]))
        (verdict,) = heard(memory, row)
        if row[2] == LOST:
            continue
        key = (START + second * S, row[1])
        assert verdict == once.DOUBTFUL or (verdict == once.REPEAT) == (key in table)
        table.add(key)
    assert memory.newest_us[0] == max(at for at, _ in table)
