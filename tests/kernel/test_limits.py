import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection

from zaitu.kernel import clock, db, limits
from zaitu.kernel.models import Attempts

FIVE, QUARTER_HOUR = 5, 900


def tries(key="tail:ZT1", *, count=1):
    return [limits.attempt(key, FIVE, QUARTER_HOUR) for _ in range(count)]


@pytest.mark.django_db
def test_five_are_allowed_and_the_sixth_is_told_when_to_come_back():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        for _ in range(5):
            assert tries() == [(True, 0)]
            clock.shift(60)
        assert tries() == [(False, 601)]


@pytest.mark.django_db
def test_the_window_slides_and_refused_attempts_lengthen_nothing():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        tries(count=5)
        clock.shift(899)
        assert tries(count=20) == [(False, 2)] * 20
        clock.shift(1)
        assert tries(count=6) == [(True, 0)] * 5 + [(False, 901)]


@pytest.mark.django_db
def test_keys_are_counted_apart_and_not_stored_as_they_are():
    tries("tail:ZT1", count=5)
    assert tries("tail:ZT2") == [(True, 0)]
    assert not Attempts.objects.filter(key__contains="ZT").exists()


@pytest.mark.django_db
def test_what_turned_out_right_is_given_back():
    for _ in range(20):
        assert tries() == [(True, 0)]
        limits.refund("tail:ZT1")
    tries(count=4)
    assert tries(count=2)[1][0] is False


@pytest.mark.django_db
def test_a_refund_of_nothing_is_nothing():
    limits.refund("tail:ZT1")
    tries()
    limits.refund("tail:ZT1")
    limits.refund("tail:ZT1")
    assert [allowed for allowed, _ in tries(count=6)] == [True] * 5 + [False]


@pytest.mark.django_db(transaction=True)
def test_many_processes_guessing_at_once_get_five_guesses_together():
    allowed = []

    def guess():
        allowed.extend(ok for ok, _ in tries(count=5))
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 5


@pytest.mark.django_db(transaction=True)
def test_the_asynchronous_way_shares_the_count():
    async def story():
        pool = await db.pool(max_size=4)
        try:
            answers = await asyncio.gather(
                *(limits.attempt_async(pool, "tail:ZT1", FIVE, QUARTER_HOUR) for _ in range(12))
            )
            await limits.refund_async(pool, "tail:ZT1")
        finally:
            await pool.close()
        return answers

    answers = asyncio.run(story())
    assert sorted(allowed for allowed, _ in answers) == [False] * 7 + [True] * 5
    assert all(0 < wait <= QUARTER_HOUR + 1 for allowed, wait in answers if not allowed)
    assert [allowed for allowed, _ in tries(count=2)] == [True, False]


@pytest.mark.django_db
def test_counts_are_forgotten_when_their_window_is_over():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        tries("old")
        clock.shift(600)
        tries("new")
        clock.shift(400)
        assert limits.forget_old() == 1
        assert Attempts.objects.count() == 1


@pytest.fixture
def rate(monkeypatch):
    """Makes rates as separate processes have them; `rate.later(s)` lets time pass."""
    start, passed = clock.now().replace(microsecond=0), [0.0]
    monkeypatch.setattr(limits, "clock", SimpleNamespace(now=lambda: start + timedelta(seconds=passed[0])))
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: 1_000.0 + passed[0]))

    def make(limit, key="key:a", window_s=60):
        return limits.Rate(key, limit, window_s)

    make.later = lambda s: passed.__setitem__(0, passed[0] + s)
    return make


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 3, 19, 20, 600])
def test_processes_share_one_rate(rate, limit):
    one, other = rate(limit), rate(limit)
    given = [process.ask() for process in (one, other) * (limit + 1)]
    assert given.count(0) == limit
    assert max(given) == 61
    rate.later(61)
    assert one.ask() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 39, 45, 59, 600, 60_000])
def test_a_rate_is_never_more_than_it_says_and_hardly_less(rate, limit):
    process, given = rate(limit), 0
    while process.ask() == 0:
        given += 1
    assert limit * 0.95 <= given <= limit


@pytest.mark.django_db
def test_what_a_process_has_in_hand_is_not_kept_for_later(rate):
    process = rate(600)
    assert process.ask() == 0
    assert process.spend() == 0
    rate.later(60)
    assert process.spend() is None


@pytest.mark.django_db
def test_within_a_portion_and_while_refused_the_database_is_not_asked(rate, django_assert_num_queries):
    process = rate(40)
    with django_assert_num_queries(21):
        while process.ask() == 0:
            pass
    with django_assert_num_queries(0):
        assert process.ask() == process.spend() == 61


@pytest.mark.django_db(transaction=True)
def test_a_burst_takes_no_more_than_it_needs(rate):
    process = rate(600)
    ready = threading.Barrier(40)

    def once(_):
        ready.wait(10)
        try:
            return process.ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(once, range(40))) == [0] * 40
    assert len(Attempts.objects.get().at) == 2, "two portions of thirty"
