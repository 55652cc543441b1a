"""The relay is killed, and loses its database, while it works."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from tests.kernel import make
from tests.kernel.make import Happened
from zaitu.kernel import outbox
from zaitu.kernel.models import OutboxHold, OutboxPoison, OutboxRow
from zaitu.kernel.relay import Relay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]
ROOT = Path(__file__).resolve().parents[2]
TABLES = ("kernel_test_heard", "kernel_test_heard_again")


@pytest.fixture
def heard():
    """What handlers wrote down in the database, per handler, in order."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TABLE {table} (thing text, number int, id bigserial)")

    def read() -> list[list[tuple[str, int]]]:
        with connection.cursor() as cursor:
            found = []
            for table in TABLES:
                cursor.execute(f"SELECT thing, number FROM {table} ORDER BY id")
                found.append(cursor.fetchall())
            return found

    yield read
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {', '.join(TABLES)}")


def start_relay(slow_s: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("relay_process.py")), str(slow_s)],
        env={**os.environ, "ZAITU_DATABASE_URL": settings.ZAITU_DATABASE_URL, "PYTHONPATH": str(ROOT)},
    )


def wait_until(true, *, seconds=30.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_kill_9_in_the_middle_of_work_loses_and_repeats_nothing(heard):
    events = [Happened(thing=f"thing:{n % 5}", number=n) for n in range(400)]
    with transaction.atomic():
        outbox.put(*events)
    dice = random.Random(9)
    for kill in (True, True, True, False):
        before = OutboxRow.objects.count()
        relay = start_relay(0.003)
        wait_until(lambda before=before: OutboxRow.objects.count() < before)
        if kill:
            time.sleep(dice.uniform(0.0, 0.3))
            assert OutboxRow.objects.exists(), "it is killed in the middle of work"
        else:
            wait_until(lambda: not OutboxRow.objects.exists())
        relay.kill()
        relay.wait()
    for written in heard():
        assert sorted(written) == sorted((event.thing, event.number) for event in events)
        for thing in {event.thing for event in events}:
            numbers = [number for name, number in written if name == thing]
            assert numbers == sorted(numbers)


def test_a_lost_connection_is_no_fault_of_the_event_and_the_relay_comes_back():
    """As when PostgreSQL restarts: every connection of the relay is cut, again and again."""
    ear: list[int] = []
    stop = threading.Event()

    def listens(event: Happened) -> None:
        ear.append(event.number)
        time.sleep(0.005)

    def relay() -> None:
        Relay({Happened: [listens]}, batch=10).run(stop, poll_s=0.01)
        connection.close()

    with transaction.atomic():
        outbox.put(*(Happened(thing="a", number=n) for n in range(60)))
    runner = threading.Thread(target=relay)
    runner.start()
    with make.connect() as axe:
        for _ in range(2):
            had = len(ear)
            wait_until(lambda had=had: len(ear) > had)
            axe.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.close()
        wait_until(lambda: axe.execute("SELECT count(*) FROM kernel_outboxrow").fetchone() == (0,))
    stop.set()
    runner.join()
    connection.close()
    assert sorted(set(ear)) == list(range(60))
    assert ear == sorted(ear), "a repeated event comes before the next one"
    assert not OutboxPoison.objects.exists()
    assert not OutboxHold.objects.exists()


def test_a_handler_whose_connection_is_cut_has_not_tried():
    def cut_off(_event: Happened) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with transaction.atomic():
        outbox.put(Happened(thing="a", number=1))
    with pytest.raises(OperationalError):
        Relay({Happened: [cut_off]}).drain()
    connection.close()
    assert not OutboxHold.objects.exists()
    assert Relay({Happened: [lambda _event: None]}).drain() == 1
