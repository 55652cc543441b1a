"""A tick is worked out while those before are being stored; nothing is committed, or remembered, out of turn."""

import asyncio
import threading
from datetime import timedelta

import numpy as np
import pytest
from django.db import OperationalError

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.behind import Behind
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.models import Position, Shard, VehicleState
from zaitu.telemetry.services.sink import EngineHost, Threads
from zaitu.telemetry.services.ticks import Tick

pytestmark = pytest.mark.django_db(transaction=True)
A_MOMENT_S = 0.3


def tick(number, *seconds):
    now = clock.now()
    reports = [Report(terminal=number, fix=make.fix(now - timedelta(seconds=one))) for one in seconds]
    return Tick(received_at=now, columns=columns_of(reports, received_at=now))


@pytest.fixture
def threads():
    made = [Threads(1, "test") for _ in range(2)]
    yield made
    for one in made:
        one.close()


def test_a_tick_copied_first_is_committed_only_after_the_one_before(threads):
    number, _, _ = make.terminal()
    engine = make.engine()
    first, second = (engine.prepare(tick(number, seconds)) for seconds in (9, 5))
    turn = threading.Event()
    later = threads[1].submit(engine.store_all, [second], after=turn.wait)
    assert not turn.wait(A_MOMENT_S)
    assert (Position.objects.count(), Shard.objects.get().sequence) == (0, 0)
    threads[0].submit(engine.store_all, [first]).result()
    assert Position.objects.count() == 1
    turn.set()
    (outcome,) = later.result(10)
    assert (outcome.stored, Position.objects.count(), Shard.objects.get().sequence) == (1, 2, 2)


def test_a_tick_is_not_stored_when_the_one_before_will_never_be(threads):
    number, _, _ = make.terminal()
    engine = make.engine()

    def never():
        raise RuntimeError("the storing broke")

    later = threads[0].submit(engine.store_all, [engine.prepare(tick(number, 5))], after=never)
    with pytest.raises(RuntimeError, match="broke"):
        later.result(10)
    assert (Position.objects.count(), Shard.objects.get().sequence) == (0, 0)


def test_a_tick_told_again_after_a_commit_whose_answer_was_lost_is_stored_once():
    number, _, _ = make.terminal()
    engine = make.engine()
    prepared = [engine.prepare(tick(number, 9, 5)), engine.prepare(tick(number, 3))]
    assert [one.stored for one in engine.store_all(prepared)] == [2, 1]
    assert [one.stored for one in engine.store_all(prepared)] == [2, 1]
    assert Position.objects.count() == 3


@pytest.fixture
def host(tmp_path):
    """An engine's host in a loop of its own: a function that runs a coroutine there."""
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    bus = BusClient(tmp_path / "nobody.sock")

    async def made():
        return EngineHost(bus, part="test")

    one = run(made()).result(10)
    one.run_there = run
    one.engine.open(clock.now())
    yield one
    for ending in (one.stop(), bus.close()):
        run(ending).result(20)
    loop.call_soon_threadsafe(loop.stop)
    running.join()
    loop.close()


def test_what_memory_holds_is_written_only_when_every_tick_worked_out_is_stored(host, monkeypatch):
    number, vehicle_id, _ = make.terminal()
    may_store, store_all = threading.Event(), host.engine.store_all

    def slowly(prepared, **how):
        may_store.wait(20)
        return store_all(prepared, **how)

    monkeypatch.setattr(host.engine, "store_all", slowly)
    put = host.run_there(host.put(tick(number, 5)))
    flushed = host.run_there(host._alone(host.engine.flush, clock.now(), everything=True))
    with pytest.raises(TimeoutError):
        flushed.result(A_MOMENT_S)
    assert not VehicleState.objects.exists()
    may_store.set()
    assert put.result(10).stored == 1
    flushed.result(10)
    assert VehicleState.objects.get().vehicle_id == vehicle_id


def test_three_ticks_given_at_once_are_stored_in_the_order_they_were_given(host):
    number, _, _ = make.terminal()

    async def all_at_once():
        return await asyncio.gather(*(host.put(tick(number, seconds)) for seconds in (60, 40, 20, 10)))

    outcomes = host.run_there(all_at_once()).result(20)
    assert [(one.stored, one.moved.tolist()) for one in outcomes] == [(1, [0])] * 4
    assert Shard.objects.get().sequence == 4


def test_work_interrupted_by_the_database_goes_on_with_the_tick_it_stopped_at(host, monkeypatch):
    number, _, _ = make.terminal()
    prepare, asked = host.engine.prepare, []

    def interrupted(one, **how):
        asked.append(one)
        if len(asked) == 2:
            raise OperationalError("away for a moment")
        return prepare(one, **how)

    monkeypatch.setattr(host.engine, "prepare", interrupted)
    ticks = [(None, tick(number, 9)), (None, tick(number, 5))]
    outcomes = host.run_there(host.put_all(ticks)).result(20)
    assert [one.stored for one in outcomes] == [1, 1]
    assert [one is ticks[0][1] for one in asked] == [True, False, False]


def test_a_thread_that_repeats_ends_when_it_is_closed():
    threads, tried = Threads(1, "test"), threading.Event()

    def away():
        tried.set()
        raise OperationalError("the database is away")

    waiting = threads.submit(away)
    assert tried.wait(5)
    threads.close()
    with pytest.raises(OperationalError):
        waiting.result(0)


def test_slots_that_wait_longest_come_first_and_keep_their_place_when_named_again():
    behind = Behind()
    for slots in ([7, 3000], [2], [7, 2, 5], []):
        behind.add(np.array(slots, dtype=np.int64))
    assert (len(behind), behind.longest()) == (4, [7, 3000, 2, 5])
    behind.done([7, 2])
    behind.add(np.array([7]))
    assert (behind.longest(2), behind.longest()) == ([3000, 5], [3000, 5, 7])
