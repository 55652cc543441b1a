"""The relay against a real PostgreSQL, with transactions that really interleave."""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from tests.kernel import make
from tests.kernel.make import Happened, Noticed
from zaitu.kernel import outbox
from zaitu.kernel.models import OutboxHold, OutboxPoison, OutboxRow
from zaitu.kernel.relay import Relay, Retries

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = Retries(tries=3, first_s=0.0)


class Ear:
    """A handler that remembers what it heard, in memory and in a table, and fails when told to."""

    def __init__(self, name: str = "ear") -> None:
        self.__module__ = "tests.kernel"
        self.__qualname__ = name
        self.heard: list[tuple[str, int]] = []
        self.fails_on: set[tuple[str, int]] = set()

    def __call__(self, event: Happened) -> None:
        fact = (event.thing, event.number)
        self.heard.append(fact)
        if fact in self.fails_on:
            raise ValueError(f"no ear for {fact}")


def put(*events):
    with transaction.atomic():
        outbox.put(*events)


def release_holds():
    """As if the time to retry had come."""
    OutboxHold.objects.update(retry_at="2000-01-01T00:00Z")


def test_events_arrive_once_and_in_order():
    ear = Ear()
    put(*(Happened(thing=f"thing:{n % 7}", number=n) for n in range(500)))
    relay = Relay({Happened: [ear]}, batch=50)
    assert relay.drain() == 500
    assert relay.drain() == 0
    for thing in range(7):
        assert [n for name, n in ear.heard if name == f"thing:{thing}"] == list(range(thing, 500, 7))
    assert not OutboxRow.objects.exists()


def test_an_event_can_only_be_put_beside_its_fact():
    with pytest.raises(RuntimeError, match="transaction"):
        outbox.put(Happened(thing="a", number=1))
    assert not OutboxRow.objects.exists()


def test_an_event_of_a_fact_that_was_rolled_back_never_happened():
    ear = Ear()
    with transaction.atomic():
        outbox.put(Happened(thing="a", number=1))
        transaction.set_rollback(True)
    assert Relay({Happened: [ear]}).drain() == 0
    assert ear.heard == []


@pytest.mark.parametrize("subject", ["", "x" * 101])
def test_a_subject_has_one_to_a_hundred_characters(subject):
    with pytest.raises(ValueError, match="characters"), transaction.atomic():
        outbox.put(Happened(thing=subject, number=1))


def test_a_transaction_that_commits_late_is_neither_skipped_nor_overtaken():
    """The classic way to lose events: a cursor passes number 2 while number 1 is not committed yet."""
    ear = Ear()
    relay = Relay({Happened: [ear]})
    with make.connect(autocommit=False) as early, make.connect(autocommit=False) as late:
        make.put_by(early, Happened(thing="a", number=1))
        make.put_by(late, Happened(thing="a", number=2))
        late.commit()
        assert relay.drain() == 0, "what stands behind a running transaction waits for it"
        early.commit()
    relay.drain()
    assert ear.heard == [("a", 1), ("a", 2)]


def test_who_began_first_but_has_put_nothing_holds_nothing_up():
    ear = Ear()
    relay = Relay({Happened: [ear]})
    with make.connect(autocommit=False) as old, make.connect(autocommit=False) as young:
        old.execute("SELECT pg_current_xact_id()")
        make.put_by(young, Happened(thing="a", number=1))
        young.commit()
        assert relay.drain() == 1
        make.put_by(old, Happened(thing="a", number=2))
        old.commit()
    assert relay.drain() == 1
    assert ear.heard == [("a", 1), ("a", 2)]


def test_a_long_transaction_of_another_database_of_the_server_holds_nothing_up():
    ear = Ear()
    elsewhere = urlsplit(settings.ZAITU_DATABASE_URL)._replace(path="/postgres").geturl()
    with psycopg.connect(elsewhere) as long:
        long.execute("SELECT pg_current_xact_id()")
        put(Happened(thing="a", number=1))
        assert Relay({Happened: [ear]}).drain() == 1


def test_a_transaction_whose_events_were_undone_by_a_savepoint_holds_nothing_up():
    ear = Ear()
    relay = Relay({Happened: [ear]})
    with make.connect(autocommit=False) as doubtful:
        doubtful.execute("SAVEPOINT s")
        make.put_by(doubtful, Happened(thing="a", number=1))
        put(Happened(thing="a", number=2))
        assert relay.drain() == 0
        doubtful.execute("ROLLBACK TO s")
        assert relay.drain() == 1
        make.put_by(doubtful, Happened(thing="a", number=3))
        put(Happened(thing="a", number=4))
        assert relay.drain() == 0
    assert relay.drain() == 2
    assert ear.heard == [("a", 2), ("a", 3), ("a", 4)]


def test_who_holds_deliveries_up_is_counted_and_named_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr("zaitu.kernel.relay._BLOCKED_S", 0.0)
    with make.connect(autocommit=False) as forgotten:
        forgotten.execute("SET application_name = 'forgotten psql'")
        make.put_by(forgotten, Happened(thing="a", number=1))
        forgotten.execute("SELECT '13812345678 is not for the log'")
        put(Happened(thing="a", number=2))
        time.sleep(0.01)
        assert Relay({}).drain() == 0
        assert outbox.backlog().blocked_s > 0
        (pid,) = forgotten.execute("SELECT pg_backend_pid()").fetchone()
    (record,) = [record for record in caplog.records if record.name == "zaitu.kernel.relay"]
    (writer,) = record.msg["writers"]
    assert "deliveries wait" in record.msg["event"]
    assert (writer["pid"], writer["program"], writer["state"]) == (
        pid,
        "forgotten psql",
        "idle in transaction",
    )
    assert writer["since_s"] > 0
    assert "for the log" not in str(record.msg)
    assert outbox.backlog().blocked_s == 0


def test_writers_who_do_not_take_turns_are_heard_in_the_order_of_their_numbers():
    """Of one subject, with commits and rollbacks in any order, under long transactions here and in another database."""
    ear, writers, each = Ear(), 8, 25
    elsewhere = urlsplit(settings.ZAITU_DATABASE_URL)._replace(path="/postgres").geturl()

    def write(writer: int) -> dict[int, int]:
        """What it committed: number of the event → number of the row."""
        dice, kept = random.Random(writer), {}
        with make.connect(autocommit=False) as own:
            for turn in range(each):
                rows = {}
                for n in range(dice.randint(1, 3)):
                    event = writer * 10_000 + turn * 10 + n
                    rows[event] = make.put_by(own, Happened(thing="a", number=event))
                    time.sleep(dice.choice([0, 0, 0.001, 0.01]))
                if dice.random() < 0.2:
                    own.rollback()
                else:
                    own.commit()
                    kept |= rows
        return kept

    with (
        psycopg.connect(elsewhere) as there,
        make.connect(autocommit=False) as here,
        ThreadPoolExecutor(writers) as threads,
    ):
        for long in (there, here):
            long.execute("SELECT pg_current_xact_id()")
        working = [threads.submit(write, writer) for writer in range(writers)]
        relay = Relay({Happened: [ear]}, batch=7)
        while not all(one.done() for one in working) or relay.drain():
            relay.drain()
    number_of = {event: row for one in working for event, row in one.result().items()}
    heard = [number_of[event] for _thing, event in ear.heard]
    assert heard == sorted(heard), "nobody was overtaken"
    assert len(heard) == len(number_of) > 200, "and nobody was forgotten"
    assert not OutboxRow.objects.exists()


def test_a_rolled_back_transaction_holds_nothing_up():
    ear = Ear()
    with make.connect(autocommit=False) as doomed:
        make.put_by(doomed, Happened(thing="a", number=1))
        put(Happened(thing="a", number=2))
        doomed.rollback()
    Relay({Happened: [ear]}).drain()
    assert ear.heard == [("a", 2)]


def test_many_writers_at_once_lose_nothing_and_keep_the_order_of_each_subject():
    """Writers take turns per subject by a row lock, as services do; the relay runs all the while."""
    ear, stop, writers, each = Ear(), threading.Event(), 6, 40

    def write(writer: int) -> None:
        with make.connect(autocommit=False) as own:
            for n in range(each):
                own.execute("SELECT pg_advisory_xact_lock(%s)", [writer % 3])
                make.put_by(own, Happened(thing=f"thing:{writer % 3}", number=writer * 1_000 + n))
                own.commit()

    relay = Relay({Happened: [ear]}, batch=10)
    threads = [threading.Thread(target=write, args=[writer]) for writer in range(writers)]

    def relay_forever() -> None:
        relay.run(stop, poll_s=0.001)
        connection.close()

    runner = threading.Thread(target=relay_forever)
    runner.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while OutboxRow.objects.exists():
        pass
    stop.set()
    runner.join()
    assert len(ear.heard) == len(set(ear.heard)) == writers * each
    for writer in range(writers):
        mine = [n for _, n in ear.heard if n // 1_000 == writer]
        assert mine == sorted(mine)


def test_a_failing_event_holds_its_subject_up_and_no_other():
    ear = Ear()
    ear.fails_on = {("a", 1)}
    put(*(Happened(thing=thing, number=n) for n in (1, 2) for thing in ("a", "b")))
    relay = Relay({Happened: [ear]}, retries=Retries(first_s=60))
    assert relay.drain() == 2
    assert ("a", 2) not in ear.heard
    assert [fact for fact in ear.heard if fact[0] == "b"] == [("b", 1), ("b", 2)]
    hold = OutboxHold.objects.get()
    assert (hold.subject, hold.tries) == ("a", {"tests.kernel.ear": 1})
    assert "no ear" in hold.error

    ear.fails_on.clear()
    assert relay.drain() == 0, "its time has not come"
    release_holds()
    assert relay.drain() == 2
    assert [fact for fact in ear.heard if fact[0] == "a"] == [("a", 1), ("a", 1), ("a", 2)]
    assert not OutboxHold.objects.exists()


def test_waits_double_up_to_the_longest():
    retries = Retries(first_s=1.0, longest_s=20.0)
    assert [retries.wait_s(n) for n in range(1, 8)] == [1, 2, 4, 8, 16, 20, 20]


def test_after_its_last_try_an_event_is_set_aside_and_its_subject_goes_on():
    ear = Ear()
    ear.fails_on = {("a", 1)}
    put(Happened(thing="a", number=1), Happened(thing="a", number=2))
    relay = Relay({Happened: [ear]}, retries=AT_ONCE)
    for _ in range(4):
        relay.drain()
    assert ear.heard == [("a", 1)] * 3 + [("a", 2)]
    poison = OutboxPoison.objects.get()
    assert (poison.subject, poison.handler, poison.tries) == ("a", "tests.kernel.ear", 3)
    assert poison.body == {"thing": "a", "number": 1}
    assert not OutboxRow.objects.exists()
    assert not OutboxHold.objects.exists()


def test_each_event_of_a_subject_has_its_own_tries():
    ear = Ear()
    ear.fails_on = {("a", 1), ("a", 2)}
    put(Happened(thing="a", number=1), Happened(thing="a", number=2))
    relay = Relay({Happened: [ear]}, retries=Retries(first_s=60))
    relay.drain()
    release_holds()
    relay.drain()
    assert OutboxHold.objects.get().tries == {"tests.kernel.ear": 2}
    release_holds()
    ear.fails_on.remove(("a", 1))
    assert relay.drain() == 1
    assert OutboxHold.objects.get().tries == {"tests.kernel.ear": 1}


def test_what_was_set_aside_can_be_queued_again_for_the_handler_that_failed():
    good, bad = Ear("good"), Ear("bad")
    bad.fails_on = {("a", 1)}
    put(Happened(thing="a", number=1))
    relay = Relay({Happened: [good, bad]}, retries=Retries(tries=1))
    relay.drain()
    (poison,) = outbox.poison_list()
    bad.fails_on.clear()
    outbox.poison_requeue(poison.id)
    assert relay.drain() == 1
    assert good.heard == [("a", 1)], "the other handler had it"
    assert bad.heard == [("a", 1), ("a", 1)]
    assert outbox.poison_list() == []


def test_an_event_requeued_for_a_handler_that_is_no_more_is_set_aside_again():
    ear = Ear("renamed")
    ear.fails_on = {("a", 1)}
    put(Happened(thing="a", number=1))
    for _ in range(3):
        Relay({Happened: [ear]}, retries=AT_ONCE).drain()
    outbox.poison_requeue(outbox.poison_list()[0].id)
    for _ in range(3):
        Relay({Happened: [Ear("new name")]}, retries=AT_ONCE).drain()
    (poison,) = outbox.poison_list()
    assert poison.handler == "tests.kernel.renamed"
    assert not OutboxRow.objects.exists()


def test_one_failing_handler_does_not_keep_the_others_waiting_nor_call_them_twice():
    first, bad, last = Ear("first"), Ear("bad"), Ear("last")
    bad.fails_on = {("a", 1)}
    put(Happened(thing="a", number=1))
    relay = Relay({Happened: [first, bad, last]}, retries=Retries(tries=9, first_s=0))
    relay.drain()
    relay.drain()
    bad.fails_on.clear()
    relay.drain()
    assert first.heard == last.heard == [("a", 1)]
    assert bad.heard == [("a", 1)] * 3


def test_what_a_failing_handler_wrote_is_undone_with_it():
    def writes_and_fails(_event: Happened) -> None:
        outbox.changed("written")
        raise ValueError("after writing")

    put(Happened(thing="a", number=1))
    Relay({Happened: [writes_and_fails]}, retries=Retries(first_s=60)).drain()
    assert not OutboxRow.objects.filter(subject="written").exists()


def test_a_broken_sql_statement_in_a_handler_is_a_failed_try_like_any_other():
    def breaks(_event: Happened) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    ear = Ear()
    put(Happened(thing="a", number=1), Happened(thing="b", number=1))
    Relay({Happened: [breaks, ear]}, retries=Retries(first_s=60)).drain()
    assert sorted(ear.heard) == [("a", 1), ("b", 1)]
    assert OutboxHold.objects.count() == 2


def test_an_event_whose_stored_form_no_longer_fits_is_set_aside():
    ear = Ear()
    put(Happened(thing="a", number=1))
    OutboxRow.objects.update(body={"thing": "a"})
    Relay({Happened: [ear]}, retries=Retries(tries=1)).drain()
    assert ear.heard == []
    assert "number" in OutboxPoison.objects.get().error


def test_an_event_that_nobody_hears_is_simply_through():
    put(Noticed(thing="a"))
    assert Relay({}).drain() == 1
    assert not OutboxRow.objects.exists()


def test_a_handler_may_put_events_and_they_follow():
    ear = Ear()

    def passes_on(event: Noticed) -> None:
        outbox.put(Happened(thing=event.thing, number=7))

    put(Noticed(thing="a"))
    assert Relay({Noticed: [passes_on], Happened: [ear]}).drain() == 2
    assert ear.heard == [("a", 7)]


def test_the_same_handler_twice_is_a_mistake_in_the_wiring():
    ear = Ear()
    with pytest.raises(ValueError, match="twice"):
        Relay({Happened: [ear, ear]})


def test_several_relays_share_the_work_without_doing_any_of_it_twice():
    ears = [Ear(), Ear(), Ear()]
    put(*(Happened(thing=f"thing:{n % 40}", number=n) for n in range(400)))
    gate = threading.Barrier(3)

    def work(ear: Ear) -> None:
        gate.wait()
        relay = Relay({Happened: [ear]}, batch=5)
        while OutboxRow.objects.exists():
            relay.drain()
        connection.close()

    threads = [threading.Thread(target=work, args=[ear]) for ear in ears]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = [fact for ear in ears for fact in ear.heard]
    assert len(heard) == len(set(heard)) == 400
    assert not OutboxRow.objects.exists()


def test_a_partition_that_another_relay_works_on_is_left_to_it():
    from zaitu.kernel.relay import _LOCK_CLASS

    ear = Ear()
    put(Happened(thing="a", number=1))
    with make.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_CLASS, outbox.partition_of("a")])
        assert Relay({Happened: [ear]}).drain() == 0
        other.execute("SELECT pg_advisory_unlock_all()")
        assert Relay({Happened: [ear]}).drain() == 1


def test_caches_are_told_the_subjects_of_a_batch_in_one_notification():
    with make.connect() as listener:
        listener.execute("LISTEN zaitu_changed")
        with transaction.atomic():
            outbox.changed("shipment:ZT1", "shipment:ZT1")
        put(Happened(thing="shipment:ZT1", number=1))
        ear = Ear()
        ear.fails_on = {("shipment:ZT1", 1)}
        Relay({Happened: [ear]}, retries=Retries(first_s=60)).drain()
        told = [json.loads(one.payload) for one in listener.notifies(timeout=0.5)]
    assert told == [["shipment:ZT1"]]


def test_many_subjects_are_told_in_payloads_that_postgresql_takes():
    subjects = [f"shipment:{n:04d}{'长' * 40}" for n in range(300)]
    with make.connect() as listener:
        listener.execute("LISTEN zaitu_changed")
        with transaction.atomic():
            outbox.changed(*subjects)
        Relay({}, batch=1_000).drain()
        payloads = [one.payload for one in listener.notifies(timeout=0.5)]
    assert sorted(subject for payload in payloads for subject in json.loads(payload)) == sorted(subjects)
    assert all(len(payload.encode()) < 8_000 for payload in payloads)


def test_the_backlog_is_counted_and_aged():
    assert outbox.backlog() == outbox.Backlog(rows=0, oldest_s=0.0, held=0, poison=0, blocked_s=0.0)
    put(Happened(thing="a", number=1), Happened(thing="b", number=1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_outboxrow SET put_at = now() - interval '90 s'")
    backlog = outbox.backlog()
    assert backlog.rows == 2
    assert 90 <= backlog.oldest_s < 95


def test_a_batch_costs_a_fixed_handful_of_queries(django_assert_num_queries):
    put(*(Noticed(thing="a") for _ in range(50)))
    with django_assert_num_queries(11):
        Relay({}).drain()
