"""A tick is worked out while those before are being stored; nothing is committed, or remembered, out of turn."""

import asyncio
import threading
from concurrent.futures import CancelledError
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, ProgrammingError

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.bus import BusClient
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters import positions, shards
from zaitu.telemetry.adapters.behind import Behind
from zaitu.telemetry.adapters.copying import copying
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.models import Position, Quarantine, Shard, VehicleState
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.host import EngineHost
from zaitu.telemetry.services.table import Table
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Tick

pytestmark = pytest.mark.django_db(transaction=True)
A_MOMENT_S = 0.3


REFUSED = {"note": float("inf")}
"""jsonb has no such number."""


def tick(number, *seconds):
    """Fixes so many seconds old."""
    now = clock.now().replace(microsecond=0)
    return tick_of(number, *(make.fix(now - timedelta(seconds=one)) for one in seconds))


def tick_of(number, *fixes):
    now = clock.now()
    reports = [Report(terminal=number, fix=fix) for fix in fixes]
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


def test_what_memory_holds_is_written_only_when_every_tick_worked_out_is_stored(host, blocked):
    number, vehicle_id, _ = make.terminal()
    put = host.run_there(host.put(tick(number, 5)))
    flushed = host.run_there(host._alone(host.engine.flush, clock.now(), everything=True))
    with pytest.raises(TimeoutError):
        flushed.result(A_MOMENT_S)
    assert not VehicleState.objects.exists()
    blocked.set()
    assert put.result(10).stored == 1
    flushed.result(10)
    assert VehicleState.objects.get().vehicle_id == vehicle_id


@pytest.fixture
def blocked(host, monkeypatch):
    """Nothing is stored before this event is set."""
    may_store, store_all = threading.Event(), host.engine.store_all

    def slowly(prepared, **how):
        may_store.wait(20)
        return store_all(prepared, **how)

    monkeypatch.setattr(host.engine, "store_all", slowly)
    yield may_store
    may_store.set()


def test_a_row_that_postgresql_refuses_costs_only_itself_while_the_next_tick_is_copied(host):
    number, _, _ = make.terminal()
    other, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    before, behind = (make.fix(now - timedelta(seconds=seconds)) for seconds in (8, 6))
    refused = Fix(time=now - timedelta(seconds=7), lat=31.2, lon=121.4, fixed=True, extra=REFUSED)
    ticks = (
        tick(number, 9),
        tick_of(number, before, refused, behind),
        tick(other, 5),
    )

    async def all_at_once():
        return await asyncio.gather(*map(host.put, ticks))

    outcomes = host.run_there(all_at_once()).result(20)
    assert [(one.stored, one.unstorable.tolist()) for one in outcomes] == [(1, []), (2, [1]), (1, [])]
    assert Position.objects.count() == 4
    assert Quarantine.objects.get().reason == "unstorable"


def test_a_connection_lost_in_the_middle_of_a_copy_is_made_anew_and_the_tick_stored_once(host, monkeypatch):
    number, _, _ = make.terminal()
    copy, ended = positions.positions_copy, []

    def broken(*packed):
        if ended:
            copy(*packed)
            return
        with copying(positions.copy_into()) as copied, psycopg.connect(settings.ZAITU_DATABASE_URL) as killer:
            ended.append(
                killer.execute("SELECT pg_terminate_backend(%s)", [copied.connection.info.backend_pid])
            )
            for _ in range(50):
                copied.write(b"".join(packed) * 10_000)

    monkeypatch.setattr(positions, "positions_copy", broken)
    assert host.run_there(host.put(tick(number, 5))).result(20).stored == 1
    assert (len(ended), Position.objects.count()) == (1, 1)


def test_ticks_to_be_looked_up_and_others_keep_their_order(host):
    number, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    stored, newest, late = (make.fix(now - timedelta(seconds=seconds)) for seconds in (600, 60, 300))
    make.take_in(number, stored, newest)
    host.engine.open(clock.now() + timedelta(minutes=5))  # what was before is known by the table only
    ticks = (tick(number, 10), tick_of(number, stored), tick(number, 5), tick_of(number, late))

    async def all_at_once():
        return await asyncio.gather(*map(host.put, ticks))

    outcomes = host.run_there(all_at_once()).result(20)
    assert [(one.stored, one.duplicates) for one in outcomes] == [(1, 0), (0, 1), (1, 0), (1, 0)]
    assert Position.objects.count() == 5


def test_when_another_engine_has_taken_the_shard_no_tick_on_its_way_is_stored(host, blocked):
    number, _, _ = make.terminal()
    waiting = [host.run_there(host.put(tick(number, seconds))) for seconds in (9, 5)]
    Engine().open(clock.now())
    blocked.set()
    for one in waiting:
        with pytest.raises(shards.Fenced):
            one.result(20)
    assert not Position.objects.exists()


def test_a_tick_whose_caller_went_away_is_stored_all_the_same(host, blocked):
    number, _, _ = make.terminal()
    put = host.run_there(host.put(tick(number, 5)))
    assert make.eventually(lambda: host._line._newest is not None)
    put.cancel()
    blocked.set()
    assert make.eventually(Position.objects.exists)
    with pytest.raises(CancelledError):
        put.result(5)


def test_a_host_ends_though_the_database_is_away_with_ticks_on_their_way(host, monkeypatch):
    number, _, _ = make.terminal()

    def away(self, *_, **__):
        raise OperationalError("the database is away")

    monkeypatch.setattr(Table, "_copied", away)
    monkeypatch.setattr("zaitu.telemetry.services.host._STOP_S", 0.2)
    waiting = [host.run_there(host.put(tick(number, seconds))) for seconds in (9, 5)]
    assert make.eventually(lambda: host._line._newest is not None)
    host.run_there(host.stop()).result(10)
    for one in waiting:
        with pytest.raises((OperationalError, CancelledError)):
            one.result(5)


def test_four_ticks_given_at_once_are_stored_in_the_order_they_were_given(host):
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


def test_what_no_repetition_will_mend_is_raised_at_once_and_holds_up_nobody(threads):
    def wrong():
        raise ProgrammingError("there is no such column")

    with pytest.raises(ProgrammingError):
        threads[0].submit(wrong).result(5)
    assert threads[0].submit(int).result(5) == 0


def test_slots_that_wait_longest_come_first_and_keep_their_place_when_named_again():
    behind = Behind()
    for slots in ([7, 3000], [2], [7, 2, 5], []):
        behind.add(np.array(slots, dtype=np.int64))
    assert (len(behind), behind.longest()) == (4, [7, 3000, 2, 5])
    behind.done([7, 2])
    behind.add(np.array([7]))
    assert (behind.longest(2), behind.longest()) == ([3000, 5], [3000, 5, 7])


def test_a_terminal_whose_stays_could_not_be_read_is_asked_for_again(monkeypatch):
    engine, bindings_of = make.engine(), network.bindings_of
    number, vehicle_id, _ = make.terminal()

    def away(_names):
        raise OperationalError("away for a moment")

    monkeypatch.setattr(network, "bindings_of", away)
    with pytest.raises(OperationalError):
        engine.prepare(tick(number, 5))
    monkeypatch.setattr(network, "bindings_of", bindings_of)
    assert engine.prepare(tick(number, 5)).owners.vehicle_id.tolist() == [vehicle_id]


def test_watches_that_could_not_be_read_are_looked_at_again(monkeypatch):
    _, vehicle_id, _ = make.terminal()
    engine, now = make.engine(), clock.now()
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(now, make.stop(1, 31.2)))
    watch_set = engine.fleet.watch_set

    def away(*_):
        raise OperationalError("away for a moment")

    monkeypatch.setattr(engine.fleet, "watch_set", away)
    with pytest.raises(OperationalError):
        engine.refresh(now)
    monkeypatch.setattr(engine.fleet, "watch_set", watch_set)
    engine.refresh(now)
    watched = engine.fleet.slots_known([vehicle_id])
    assert [engine.fleet.trips[slot] for slot in watched] == [make.watch(now).trip]


def test_a_silence_that_could_not_be_told_is_told_later_and_never_by_an_engine_that_lost_its_shard(
    monkeypatch,
):
    number, vehicle_id, _ = make.terminal()
    now = clock.now()
    telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=make.watch(now, make.stop(1, 31.2)))
    make.take_in(number, make.fix(now))
    engine, later = make.engine(), now + timedelta(hours=2)
    monkeypatch.setattr("zaitu.kernel.outbox.put", lambda *_: (_ for _ in ()).throw(OperationalError("away")))
    with pytest.raises(OperationalError):
        engine.timer(later)
    monkeypatch.undo()
    Engine().open(now)
    with pytest.raises(shards.Fenced):
        engine.timer(later)
    engine = make.engine(anew=True)
    assert engine.timer(later) == 1
