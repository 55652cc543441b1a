"""Old positions in files: moved, read as before, forgotten; and the faults on the way."""

from datetime import timedelta

import pytest
from django.db import connection

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters import archive, partitions
from zaitu.telemetry.models import ArchivedPart, Position
from zaitu.telemetry.services.archive import positions_archive, positions_forget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _home(tmp_path, settings):
    settings.ZAITU_ARCHIVE = str(tmp_path / "archive")
    settings.ZAITU_POSITIONS_ONLINE_DAYS = 3


@pytest.fixture
def drive():
    """(terminal, vehicle id, its start): three hours, five days ago; and an hour of today."""
    partitions.partitions_ensure(clock.now())
    number, vehicle_id, _ = make.terminal()
    start = clock.now().replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=5)
    old = [
        make.fix(start + timedelta(minutes=step), 31 + step / 1000, temps_c=(4.0 + step / 100, -18.5))
        for step in range(180)
    ]
    make.take_in(number, *old, backfill=True)
    make.take_in(number, make.fix(clock.now() - timedelta(seconds=30), 32.0))
    return number, vehicle_id, start


def track(vehicle_id, start, end=None, limit=1000):
    return telemetry.track(
        actor=make.ACTOR, vehicle_id=vehicle_id, start=start, end=end or clock.now(), limit=limit
    )


def test_an_archived_track_is_read_as_before(drive):
    _, vehicle_id, start = drive
    before, warm = (
        track(vehicle_id, start),
        telemetry.temps(actor=make.ACTOR, vehicle_id=vehicle_id, start=start, end=clock.now(), limit=50),
    )
    whole = list(Position.objects.order_by("at").values())
    names = positions_archive(clock.now())
    assert names == [f"telemetry_position_{start:%Y%m%d}"]
    assert Position.objects.count() == 1
    assert ArchivedPart.objects.get().rows == 180
    assert track(vehicle_id, start) == before
    assert len(before) == 181
    assert (
        telemetry.temps(actor=make.ACTOR, vehicle_id=vehicle_id, start=start, end=clock.now(), limit=50)
        == warm
    )
    assert track(vehicle_id, start + timedelta(minutes=10), limit=3) == before[10:13]
    assert track(vehicle_id, start, start + timedelta(minutes=2)) == before[:2]
    assert track(vehicle_id + 1, start) == []
    columns = [field.name for field in Position._meta.concrete_fields]
    stored = archive.rows_read(columns, vehicle_id, start, clock.now(), having="at", limit=1000)
    assert [
        {**dict(zip(columns, row, strict=True)), "items": bytes(row[columns.index("items")])}
        for row in stored
    ] == [{**row, "items": bytes(row["items"])} for row in whole[:-1]]


def test_a_track_read_while_its_partition_is_archived_is_whole(drive, monkeypatch):
    _, vehicle_id, start = drive
    before, read = track(vehicle_id, start), archive.rows_read

    def archived_meanwhile(*asked, **how):
        found = read(*asked, **how)
        positions_archive(clock.now())
        return found

    monkeypatch.setattr(archive, "rows_read", archived_meanwhile)
    assert track(vehicle_id, start) == before


def test_a_fix_that_is_archived_is_known_when_it_is_sent_again(drive):
    number, vehicle_id, start = drive
    positions_archive(clock.now())
    make.engine(anew=True)
    again = make.fix(start + timedelta(minutes=7), 31.007, temps_c=(4.07, -18.5))
    late = make.fix(start + timedelta(minutes=7, seconds=30), 31.0075)
    outcome = make.take_in(number, again, late, backfill=True)
    assert (outcome.stored, outcome.duplicates) == (1, 1)
    assert [
        point.lat for point in track(vehicle_id, start + timedelta(minutes=7), start + timedelta(minutes=9))
    ] == [
        31.007,
        31.0075,
        31.008,
    ]


def test_fixes_that_come_while_the_file_is_written_keep_the_partition(drive, monkeypatch):
    number, vehicle_id, start = drive
    write = archive.written

    def written(part):
        found = write(part)
        make.take_in(number, make.fix(start + timedelta(hours=9), 35.0), backfill=True)
        return found

    monkeypatch.setattr(archive, "written", written)
    assert positions_archive(clock.now()) == []
    assert Position.objects.count() == 182
    assert len(track(vehicle_id, start)) == 182, "the file is not read before its row is there"
    monkeypatch.undo()
    assert len(positions_archive(clock.now())) == 1
    assert len(track(vehicle_id, start)) == 182


def test_a_full_disk_costs_nothing_but_the_try(drive, monkeypatch):
    _, vehicle_id, start = drive

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_rows_out", full)
    assert positions_archive(clock.now()) == []
    assert len(track(vehicle_id, start)) == 181
    assert list(archive.file_names()) == []


def test_a_file_that_differs_from_its_partition_is_thrown_away(drive, monkeypatch):
    _, vehicle_id, start = drive
    monkeypatch.setattr(archive, "same", lambda part: (1, 2, None, None))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert positions_archive(clock.now()) == []
    monkeypatch.undo()
    assert list(archive.file_names()) == []
    assert len(track(vehicle_id, start)) == 181


def test_an_empty_partition_just_goes():
    partitions.partitions_ensure(clock.now())
    assert positions_archive(clock.now()) == []
    assert all(part.end > clock.now() - timedelta(days=3) for part in partitions.parts())
    assert ArchivedPart.objects.count() == 0


def test_what_is_too_old_is_forgotten_and_its_file_a_day_later(drive, settings, monkeypatch):
    number, vehicle_id, start = drive
    make.take_in(number, make.fix(clock.now() - timedelta(days=30), 30.0), backfill=True)
    positions_archive(clock.now())
    settings.ZAITU_POSITIONS_KEEP_DAYS = 4
    assert positions_forget(clock.now()) == 181
    assert len(track(vehicle_id, start - timedelta(days=40))) == 1
    assert len(archive.file_names()) == 1
    monkeypatch.setattr("zaitu.telemetry.services.archive._FORGOTTEN_S", -1.0)
    assert positions_forget(clock.now()) == 0
    assert archive.file_names() == {}


def test_a_recent_track_asks_the_archive_nothing(drive, django_assert_num_queries):
    _, vehicle_id, start = drive
    positions_archive(clock.now())
    with django_assert_num_queries(1):
        track(vehicle_id, clock.now() - timedelta(days=1))
    with django_assert_num_queries(4):
        track(vehicle_id, start)
