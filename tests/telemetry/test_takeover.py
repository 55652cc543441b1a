"""Taking a shard over from a process that was stopped, cut off or killed, whatever it was in the middle of."""

import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry.adapters import shards
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.models import Position
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.ticks import Tick

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stopped():
    """A session of a process that does nothing any more."""
    with psycopg.connect(settings.ZAITU_DATABASE_URL) as session:
        yield session


def ended(session):
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT")
    return True


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(shards, "WRITE_S", 0.3)


def test_a_process_stopped_while_it_stores_does_not_hold_its_shard(stopped):
    before = shards.shard_take(3)
    stopped.execute("UPDATE telemetry_shard SET sequence = 7 WHERE number = 3")
    began = time.monotonic()
    taken = shards.shard_take(3)
    assert time.monotonic() - began < 5
    assert (taken.epoch, taken.sequence) == (before.epoch + 1, 0)
    assert ended(stopped)


def test_a_process_stopped_in_the_middle_of_a_copy_does_not_hold_its_shard(stopped):
    shards.shard_take(3)
    stopped.execute("SELECT FROM telemetry_shard WHERE number = 3 FOR NO KEY UPDATE")
    stopped.execute("CREATE TEMPORARY TABLE rows (number int)")
    copying = stopped.cursor().copy("COPY rows FROM STDIN")
    copying.__enter__().write(b"1\n")
    assert shards.shard_take(3).epoch == 2
    with pytest.raises(psycopg.OperationalError):
        copying.__exit__(None, None, None)


def test_a_process_stopped_before_its_copied_rows_are_counted_keeps_no_transaction_open(stopped):
    shards.shard_take(3)
    stopped.execute("SELECT pg_advisory_xact_lock_shared(%s, 3)", [shards._COPYING])
    stopped.execute("CREATE TEMPORARY TABLE rows (number int)")
    began = time.monotonic()
    assert shards.shard_take(4).epoch == 1
    stopped.execute("SELECT 1")
    assert shards.shard_take(3).epoch == 2
    assert time.monotonic() - began < shards.WRITE_S, "nobody waits for it"
    assert ended(stopped)


def test_a_process_stopped_while_it_shares_out_does_not_stop_the_others(stopped):
    stopped.execute("SELECT pg_advisory_xact_lock(%s)", [shards._SHARING])
    assert shards.shards_share("a", 2, ()) == {0, 1}
    assert ended(stopped)


def test_a_tick_that_is_being_stored_is_waited_for(stopped, monkeypatch):
    monkeypatch.setattr(shards, "WRITE_S", 30)
    shards.shard_take(3)
    stopped.execute("UPDATE telemetry_shard SET sequence = 7 WHERE number = 3")
    later = threading.Timer(1, stopped.commit)
    later.start()
    assert shards.shard_take(3).sequence == 7
    later.join()


def told(number, since, seconds, *, received_at):
    reports = [
        Report(terminal=number, fix=make.fix(since + timedelta(seconds=second), 31 + second / 1000))
        for second in seconds
    ]
    return Tick(received_at=received_at, columns=columns_of(reports, received_at=received_at))


def test_a_tick_that_waited_in_the_stream_for_an_hour_is_not_forgotten_by_a_restart():
    number, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    received_at = now - timedelta(hours=1)
    since = received_at - timedelta(minutes=5)
    engine = Engine()
    engine.open(now)
    engine.store(engine.prepare(told(number, since, range(5), received_at=received_at), sequence=11))
    engine.flush(now)
    engine.store(engine.prepare(told(number, since, range(5, 9), received_at=received_at), sequence=12))
    # It is killed here, and what a gateway had not heard confirmed comes again.
    engine = Engine()
    engine.open(now + timedelta(seconds=20))
    again = engine.store(engine.prepare(told(number, since, range(9), received_at=received_at), sequence=13))
    assert (again.stored, again.duplicates) == (0, 9)
    assert Position.objects.count() == 9
