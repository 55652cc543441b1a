import asyncio
import threading

import pytest
import time_machine
from django.db import connection

from zaitu.kernel import db, limits
from zaitu.kernel.limits import Window
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


def test_a_window_in_memory_slides_too(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("zaitu.kernel.limits.time.monotonic", lambda: now[0])
    window = Window(3, 10)
    assert [window.hit("a") for _ in range(4)] == [0, 0, 0, 11]
    assert window.hit("b") == 0
    now[0] += 9.5
    assert window.hit("a") == 1
    now[0] += 0.6
    assert [window.hit("a") for _ in range(4)][:3] == [0, 0, 0]


def test_a_window_remembers_a_bounded_number_of_keys():
    window = Window(1, 60, keys=100)
    for n in range(1_000):
        assert window.hit(str(n)) == 0
    assert len(window._hits) == 100
    assert window.hit("999") > 0
