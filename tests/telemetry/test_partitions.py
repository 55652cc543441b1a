"""Partitions: which there should be, their b-trees, and repetitions found with and without them."""

import itertools
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry.adapters import partitions
from zaitu.telemetry.adapters.doubts import doubts_take
from zaitu.telemetry.codecs.columns import microseconds
from zaitu.telemetry.domain import store
from zaitu.telemetry.domain.store import Part
from zaitu.telemetry.kernels.once import FOREVER_US
from zaitu.telemetry.models import Position
from zaitu.telemetry.services.partitions import Keeper
from zaitu.telemetry.services.prepared import Settled

NOW = datetime(2026, 11, 27, 14, 20, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def part(start: datetime, length: timedelta = DAY, *, indexed: bool = False) -> Part:
    end = start + length
    return Part(name=store.name(start, end), start=start, end=end, indexed=indexed, burdened=indexed)


def test_an_empty_table_gets_days_from_eight_ago_to_two_ahead_and_past_ones_with_b_trees():
    wanted = store.missing([], NOW, DAY)
    assert [one.name[-8:] for one in wanted] == [f"202611{day}" for day in range(19, 30)]
    assert [one.name[-8:] for one in wanted if one.indexed] == [f"202611{day}" for day in range(19, 27)]


def test_a_large_fleet_gets_hours_from_today_on():
    wanted = store.missing([], NOW, store.span(store.HOURLY_FROM_ROWS))
    assert [one.name[-8:] for one in wanted[:8]] == [f"202611{day}" for day in range(19, 27)]
    assert [one.name[-11:] for one in wanted[8:10]] == ["20261127_00", "20261127_01"]
    assert len(wanted) == 8 + 3 * 24
    assert store.span(store.HOURLY_FROM_ROWS - 1) == DAY


def test_a_fleet_that_grew_keeps_today_s_partition_and_gets_hours_where_nothing_is():
    today = part(datetime(2026, 11, 27, tzinfo=UTC))
    names = [one.name for one in store.missing([today], NOW, HOUR)]
    assert not any("20261127" in one for one in names)
    assert "telemetry_position_20261128_00" in names


@given(
    st.sets(st.tuples(st.integers(-9, 3), st.one_of(st.none(), st.integers(0, 23)))),
    st.sampled_from([DAY, HOUR]),
    st.integers(0, 365 * 86_400).map(
        lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    ),
)
def test_partitions_never_overlap_and_leave_no_gap(chosen, span, now):
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    there: list[Part] = []
    for day, hour in sorted(chosen, key=str):
        start = midnight + day * DAY + (hour or 0) * HOUR
        one = part(start, DAY if hour is None else HOUR)
        if not any(other.start < one.end and one.start < other.end for other in there):
            there.append(one)
    every = sorted([*there, *store.missing(there, now, span)], key=lambda one: one.start)
    assert all(before.end <= after.start for before, after in itertools.pairwise(every))
    inside = [one for one in every if one.end > now - store.BEHIND and one.start < now + store.AHEAD]
    assert all(before.end == after.start for before, after in itertools.pairwise(inside))
    assert inside[0].start <= now - store.BEHIND
    assert inside[-1].end >= now + store.AHEAD


@pytest.mark.parametrize(
    ("rows_s", "indexed", "shed"),
    [
        (store.CALM_ROWS_S - 1, ["27", "26"], []),
        (store.BUSY_ROWS_S, ["26"], []),
        (store.BUSY_ROWS_S + 1, ["26"], ["27"]),
    ],
)
def test_the_partition_being_written_has_b_trees_while_it_is_calm_and_loses_them_while_it_is_busy(
    rows_s, indexed, shed
):
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (26, 27, 28)]
    bare = [part(day) for day in days]
    assert [one.name[-2:] for one in store.to_index(bare, rows_s, NOW)] == indexed
    full = [part(day, indexed=True) for day in days]
    assert [one.name[-2:] for one in store.to_shed(full, rows_s, NOW)] == shed


def names(*, indexed: bool) -> list[str]:
    return [one.name for one in partitions.parts() if one.indexed is indexed]


@pytest.mark.django_db
def test_rows_that_lay_in_the_default_partition_move_into_the_new_one():
    number, _, _ = make.terminal()
    make.take_in(
        number, make.fix(clock.now() - timedelta(days=3)), make.fix(clock.now() - timedelta(days=400))
    )
    partitions.partitions_ensure(clock.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM telemetry_position ORDER BY at")
        tables = [name for (name,) in cursor.fetchall()]
    assert tables == [partitions.DEFAULT, f"telemetry_position_{clock.now() - timedelta(days=3):%Y%m%d}"]


@pytest.mark.django_db(transaction=True)
def test_the_keeper_builds_b_trees_beside_the_writers_and_gives_them_up_under_load(monkeypatch):
    number, _, _ = make.terminal()
    partitions.partitions_ensure(clock.now())
    for one in partitions.parts():  # another test's gateway may have kept them
        partitions.shed(one)
    keeper = Keeper()
    keeper.look(clock.now())
    today = f"telemetry_position_{clock.now():%Y%m%d}"
    assert today in names(indexed=False)
    make.take_in(number, make.fix(clock.now()))
    keeper.look(clock.now())
    assert names(indexed=True) == [today], "one a look, so that it can give up in between; the newest first"
    monkeypatch.setattr(keeper, "_rows_s", lambda: store.BUSY_ROWS_S * 2)
    keeper.look(clock.now())
    assert today in names(indexed=False)
    monkeypatch.undo()
    keeper.look(clock.now())
    assert today in names(indexed=False), "once too busy, it waits until it is over"
    over = clock.now() + timedelta(days=1, hours=1)
    for _ in range(2):
        keeper.look(over)
    assert today in names(indexed=True)


def options(name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(reloptions, '{}') FROM pg_class WHERE relname = %s", [name])
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_partition_is_vacuumed_of_itself_only_while_it_has_b_trees():
    partitions.partitions_ensure(clock.now())
    (one, *_) = [one for one in partitions.parts() if not one.indexed]
    assert options(one.name) == ["autovacuum_enabled=off"]
    partitions.index(one)
    assert options(one.name) == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW vacuum_cost_delay")
        assert cursor.fetchone()[0] == "0", "the connection goes back as it was"
    partitions.shed(one)
    assert options(one.name) == ["autovacuum_enabled=off"]


@pytest.mark.django_db(transaction=True)
def test_what_is_written_without_b_trees_is_summarised_up_to_what_is_still_being_filled(monkeypatch):
    partitions.partitions_ensure(clock.now())
    today = next(one for one in partitions.parts() if one.start <= clock.now() < one.end)
    partitions.shed(today)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {today.name}")
        cursor.execute(
            "INSERT INTO telemetry_position (terminal_id, at, digest, received_at, flags, alarm, status)"
            " SELECT 1, %s, n, %s, 0, 0, 0 FROM generate_series(1, 150000) AS n",
            [today.start, today.start],
        )
    monkeypatch.setattr(partitions, "_SUMMARISED_PAGES", 512)
    keeper = Keeper()
    for _ in range(10):
        keeper.summarise(clock.now())
    anew = Keeper()
    anew.summarise(clock.now())
    for brin in partitions.brins(today):
        assert anew._summarised[brin.name] == keeper._summarised[brin.name] > 0, (
            "what is done is passed over at once"
        )
    with connection.cursor() as cursor:
        for brin in partitions.brins(today):
            cursor.execute("SELECT brin_summarize_new_values(%s)", [brin.name])
            left = cursor.fetchone()[0]
            assert 0 < left <= 512 // brin.pages + 1, brin.name
        cursor.execute(f"TRUNCATE {today.name}")
    keeper.summarise(clock.now())
    assert [keeper._summarised[brin.name] for brin in partitions.brins(today)] == [0, 0]


@pytest.mark.django_db(transaction=True)
def test_a_partition_that_is_being_indexed_is_not_summarised_and_nobody_waits_for_the_other(other_connection):
    now = clock.now()
    partitions.partitions_ensure(now)
    today = next(one for one in partitions.parts() if one.start <= now < one.end)
    partitions.shed(today)
    (brin, *_) = partitions.brins(today)
    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"LOCK TABLE {today.name} IN SHARE UPDATE EXCLUSIVE MODE")
        began_s = time.monotonic()
        assert partitions.summarise(today, brin, 0) == 0
        assert time.monotonic() - began_s < 1
        cursor.execute("ROLLBACK")
    partitions.index(today)
    keeper = Keeper()
    keeper.summarise(now)
    assert brin.name not in keeper._summarised


@pytest.mark.django_db(transaction=True)
def test_a_b_tree_whose_building_was_killed_is_built_anew_or_given_up_while_it_is_busy():
    now = clock.now()
    partitions.partitions_ensure(now)
    one = next(one for one in partitions.parts() if one.start <= now < one.end)
    partitions.index(one)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [f"{one.name}_vehicle"]
        )
    assert one.name in names(indexed=False)
    (busy,) = store.to_shed(partitions.parts(), store.BUSY_ROWS_S + 1, now)
    assert (busy.name, busy.indexed, busy.burdened) == (one.name, False, True)
    partitions.index(one)
    assert one.name in names(indexed=True)
    partitions.shed(one)
    assert store.to_shed(partitions.parts(), store.BUSY_ROWS_S + 1, now) == []


@pytest.mark.django_db(transaction=True)
def test_only_one_process_keeps_the_partitions(other_connection):
    partitions.partitions_ensure(clock.now())
    last = partitions.parts()[-1]
    with other_connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {last.name}")
        cursor.execute("SELECT pg_advisory_lock(7018003)")
        keeper = Keeper()
        keeper.look(clock.now())
        assert last.name not in [one.name for one in partitions.parts()]
        cursor.execute("SELECT pg_advisory_unlock(7018003)")
    keeper.look(clock.now())
    assert last.name in [one.name for one in partitions.parts()]


@pytest.fixture
def other_connection():
    other = connection.copy()
    yield other
    other.close()


@pytest.mark.django_db
@pytest.mark.parametrize("b_trees", [True, False])
def test_a_fix_from_long_before_the_restart_is_known_with_and_without_b_trees(b_trees):
    number, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    partitions.partitions_ensure(now)
    if b_trees:
        with connection.cursor() as cursor:
            for one in partitions.parts():
                b_trees_make(cursor, one)
    first = [make.fix(now - timedelta(seconds=10 * step), 31 + step / 1000) for step in range(100, 0, -1)]
    assert make.take_in(number, *first).stored == 100
    later = [make.fix(now - timedelta(days=2, seconds=10 * step), 31.0) for step in range(5)]
    assert make.take_in(number, *later).stored == 5
    make.engine(anew=True)
    again = make.take_in(number, *first[:40], *later, make.fix(now - timedelta(seconds=995), 31.5))
    assert (again.stored, again.duplicates) == (1, 45)
    assert Position.objects.count() == 106


def b_trees_make(cursor, part: Part) -> None:
    cursor.execute(f"CREATE INDEX IF NOT EXISTS {part.name}_terminal ON {part.name} (terminal_id, at)")
    cursor.execute(f"CREATE INDEX IF NOT EXISTS {part.name}_vehicle ON {part.name} (vehicle_id, at)")


def b_trees_seen(engine) -> None:
    """As after some seconds."""
    engine._table.repeats._until_s = 0


@pytest.mark.django_db
def test_what_a_large_partition_without_b_trees_may_hold_already_waits_for_its_b_trees(monkeypatch):
    monkeypatch.setattr("zaitu.telemetry.adapters.repeats.READ_WHOLE_BYTES", 0)
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    partitions.partitions_ensure(now)
    first = [make.fix(now - timedelta(seconds=10 * step), 31 + step / 1000) for step in range(5, 0, -1)]
    assert make.take_in(number, *first).stored == 5
    engine = make.engine(anew=True)
    engine.registry.memory.ring_next[:] = 0  # as long afterwards
    engine.registry.memory.complete_us[:] = FOREVER_US
    missed = make.fix(now - timedelta(seconds=35), 31.5)
    outcome = make.take_in(number, *first[:3], missed)
    assert (outcome.stored, outcome.duplicates, outcome.doubtful) == (0, 0, 4)
    again = make.take_in(number, missed)
    assert again.duplicates == 1, "memory knows it by now"
    assert engine.settle(now).stored == 0, "no b-trees yet"
    assert Position.objects.count() == 5

    with connection.cursor() as cursor:
        for one in partitions.parts():
            b_trees_make(cursor, one)
    b_trees_seen(engine)
    settled = engine.settle(now)
    assert (settled.stored, settled.duplicates) == (1, 3)
    assert Position.objects.count() == 6
    assert engine.newest_of(np.array([engine.fleet.slot(vehicle_id)]))["late_from_us"][0] == microseconds(
        now - timedelta(seconds=35)
    )
    assert engine.settle(now) == Settled(facts=0, failed=0, stored=0, duplicates=0)


@pytest.mark.django_db
def test_a_doubtful_fix_told_twice_is_stored_once_and_each_engine_looks_up_its_own_vehicles(monkeypatch):
    monkeypatch.setattr("zaitu.telemetry.adapters.repeats.READ_WHOLE_BYTES", -1)
    numbers = [make.terminal()[:2] for _ in range(4)]
    now = clock.now().replace(microsecond=0)
    partitions.partitions_ensure(now)
    old = make.fix(now - timedelta(seconds=60))
    make.take_in_all(*((number, make.fix(now)) for number, _ in numbers))
    for _ in range(2):
        engine = make.engine(anew=True)
        engine.registry.memory.complete_us[:] = FOREVER_US
        assert make.take_in_all(*((number, old) for number, _ in numbers)).doubtful == 4
    with connection.cursor() as cursor:
        for one in partitions.parts():
            b_trees_make(cursor, one)
    taken = [doubts_take([], shard, 2, 100) for shard in range(2)]
    assert [(one.rows, one.stored) for one in taken] == [(4, 2), (4, 2)]
    assert sorted(vehicle for one in taken for vehicle in one.late_from_us) == sorted(
        vehicle_id for _, vehicle_id in numbers
    )
    assert Position.objects.count() == 8


@pytest.mark.django_db
def test_a_late_fix_that_memory_is_sure_of_costs_no_look_up(django_assert_num_queries):
    number, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    make.take_in(number, *[make.fix(now - timedelta(seconds=20 * step)) for step in range(30, 0, -1)])
    repeats = make.engine()._table.repeats
    with django_assert_num_queries(0):
        assert repeats.stored_already(None, None, []) == set()
    late = make.take_in(number, make.fix(now - timedelta(seconds=50), 31.9))
    assert (late.stored, late.duplicates) == (1, 0)
    assert repeats._until_s < 0, "the table was never asked"
