"""Old partitions as Parquet files, written and read with DuckDB. A file's rows lie by vehicle and time: one vehicle's day is a few pages.

DuckDB weighs 12 MB, and most processes never open a file: it is loaded with the first.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection

from zaitu.kernel import clock
from zaitu.telemetry.adapters.copying import copying
from zaitu.telemetry.domain.store import Part
from zaitu.telemetry.models import ArchivedPart

if TYPE_CHECKING:
    import duckdb

_COLUMNS: Final = (
    # name, how PostgreSQL writes it, how DuckDB reads that, what it becomes
    ("terminal_id", "terminal_id", "BIGINT", "terminal_id"),
    ("at", "(extract(epoch FROM at) * 1000000)::bigint", "BIGINT", 'make_timestamptz("at")'),
    ("digest", "digest", "BIGINT", "digest"),
    ("vehicle_id", "vehicle_id", "BIGINT", "vehicle_id"),
    (
        "received_at",
        "(extract(epoch FROM received_at) * 1000000)::bigint",
        "BIGINT",
        "make_timestamptz(received_at)",
    ),
    ("lat", "lat", "DOUBLE", "lat"),
    ("lon", "lon", "DOUBLE", "lon"),
    ("altitude_m", "altitude_m", "SMALLINT", "altitude_m"),
    ("speed_kmh", "speed_kmh", "DOUBLE", "speed_kmh"),
    ("course_deg", "course_deg", "SMALLINT", "course_deg"),
    ("flags", "flags", "SMALLINT", "flags"),
    ("alarm", "alarm", "BIGINT", "alarm"),
    ("status", "status", "BIGINT", "status"),
    ("odometer_m", "odometer_m", "BIGINT", "odometer_m"),
    ("temps_c", "to_json(temps_c)", "VARCHAR", "CAST(json(temps_c) AS DOUBLE[])"),
    ("humidity_pct", "humidity_pct", "DOUBLE", "humidity_pct"),
    ("battery_pct", "battery_pct", "DOUBLE", "battery_pct"),
    ("shock_g", "shock_g", "DOUBLE", "shock_g"),
    ("lock_events", "lock_events", "SMALLINT", "lock_events"),
    ("lock_closed", "lock_closed", "BOOLEAN", "lock_closed"),
    ("items", "encode(items, 'hex')", "VARCHAR", "from_hex(items)"),
    ("extra", "extra", "VARCHAR", "extra"),
)
_SAME: Final = 'count(*), coalesce(bit_xor(digest), 0), min("at"), max("at")'
"""What must be equal of a partition and its file. Quoted: DuckDB keeps the word `at` for itself."""


_MODEST: Final[dict[str, str | bool | int | float | list[str]]] = {"threads": 1, "memory_limit": "1GB"}


class Unreadable(Exception):
    """A file is missing or not what we wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    rows: int
    size_bytes: int
    sha256: str


def path_of(name: str) -> Path:
    """Where a partition's file lies."""
    return Path(settings.ZAITU_ARCHIVE, f"{name}.parquet")


def written(part: Part) -> Written:
    """Write a partition's file and read it back; it is whole and on the disk afterwards.

    Raises OSError (the disk is full), Unreadable, ValueError when what is read differs from the partition.
    """
    target = path_of(part.name)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Beside the archive: a backup that is being made must not find half a file in it.
    with tempfile.TemporaryDirectory(prefix=".archiving-", dir=target.parent.parent) as folder:
        rows, whole = Path(folder, "rows.csv"), Path(folder, "whole.parquet")
        _rows_out(part, rows)
        with _duckdb(folder) as files:
            columns = ", ".join(f"'{name}': '{kind}'" for name, _, kind, _ in _COLUMNS)
            becomes = ", ".join(f'{what} AS "{name}"' for name, _, _, what in _COLUMNS)
            files.execute(
                f"COPY (SELECT {becomes} FROM read_csv(?, header = false, columns = {{{columns}}}, nullstr = ''))"  # noqa: S608  names of our own only
                " TO ? (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
                [str(rows), str(whole)],
            )
            (found,) = files.execute(f"SELECT {_SAME} FROM read_parquet(?)", [str(whole)]).fetchall()  # noqa: S608  names of our own only
        if _utc(found) != same(part):
            raise ValueError(f"{part.name} and its file are not the same")
        with whole.open("rb") as file:
            os.fsync(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        whole.chmod(0o600)
        whole.replace(target)
    return Written(rows=int(found[0]), size_bytes=target.stat().st_size, sha256=sha256)


def same(part: Part) -> tuple[Any, ...]:
    """Of a partition, what its file must have too."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_SAME} FROM {part.name}")  # noqa: S608  names of our own only
        return _utc(cursor.fetchone())


def _utc(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(one.astimezone(UTC) if isinstance(one, datetime) else one for one in row)


def _rows_out(part: Part, target: Path) -> None:
    selected = ", ".join(f"{how} AS {name}" for name, how, _, _ in _COLUMNS)
    with (
        target.open("wb") as file,
        copying(
            f"COPY (SELECT {selected} FROM {part.name} ORDER BY {part.name}.vehicle_id, {part.name}.at)"  # noqa: S608  names of our own only
            " TO STDOUT (FORMAT csv)"
        ) as rows,
    ):
        for piece in rows:
            file.write(piece)


@contextmanager
def _duckdb(folder: str) -> "Iterator[duckdb.DuckDBPyConnection]":
    """For writing: may use the disk, and is gone afterwards."""
    import duckdb  # noqa: PLC0415  see above

    with _told_apart(), duckdb.connect(config={**_MODEST, "temp_directory": folder}) as files:
        files.execute("SET TimeZone = 'UTC'")
        yield files


@contextmanager
def _reading() -> "Iterator[duckdb.DuckDBPyConnection]":
    with _told_apart(), _reader().cursor() as files:
        yield files


@cache
def _reader() -> "duckdb.DuckDBPyConnection":
    """One engine a process, made at the first look into the archive: making one takes longer than reading a vehicle's day."""
    import duckdb  # noqa: PLC0415  see above

    files = duckdb.connect(config=_MODEST)
    files.execute("SET GLOBAL TimeZone = 'UTC'")
    return files


@contextmanager
def _told_apart() -> Iterator[None]:
    """Raises Unreadable for what DuckDB raises."""
    import duckdb  # noqa: PLC0415  see above

    try:
        yield
    except duckdb.Error as error:
        raise Unreadable(str(error)) from error


def covering(start: datetime, end: datetime) -> list[str]:
    """Paths of the files with rows from `start` until before `end`, oldest first. One query, none where all is online."""
    if start >= clock.now() - timedelta(days=settings.ZAITU_POSITIONS_ONLINE_DAYS):
        return []
    names = (
        ArchivedPart.objects.filter(start__lt=end, end__gt=start)
        .order_by("start")
        .values_list("name", flat=True)
    )
    return [str(path_of(name)) for name in names]


def rows_read(
    columns: Sequence[str], vehicle_id: int, start: datetime, end: datetime, *, having: str, limit: int
) -> list[tuple[Any, ...]]:
    """These columns of a vehicle's archived rows from `start` until before `end`, oldest first, the first `limit` of them.

    `having`: a column that must not be null. A query of the catalogue, and the files of that time.
    """
    paths = covering(start, end)
    if not paths:
        return []
    with _reading() as files:
        found = files.execute(
            f"""SELECT {", ".join(f'"{column}"' for column in columns)} FROM read_parquet(?)
                 WHERE vehicle_id = ? AND "at" >= ? AND "at" < ? AND "{having}" IS NOT NULL ORDER BY "at" LIMIT ?""",  # noqa: S608  names of our own only
            [paths, vehicle_id, start, end, limit],
        ).fetchall()
    return [_utc(row) for row in found]


def stored(wanted: Sequence[tuple[int, int, datetime, int]]) -> set[int]:
    """Which of these (number, terminal id, fix time, digest) are in a file, by number."""
    instants = [at for _, _, at, _ in wanted]
    if not instants:
        return set()
    paths = covering(min(instants), max(instants) + datetime.resolution)
    if not paths:
        return set()
    with _reading() as files:
        found = files.execute(
            'SELECT terminal_id, "at", digest FROM read_parquet(?) WHERE list_contains(?, terminal_id) AND list_contains(?, "at")',
            [paths, [one[1] for one in wanted], instants],
        ).fetchall()
    there = {_utc(row) for row in found}
    return {number for number, terminal_id, at, digest in wanted if (terminal_id, at, digest) in there}


def file_names() -> dict[str, float]:
    """Names of the partitions whose files lie here, with when each was written (seconds since 1970 UTC)."""
    folder = Path(settings.ZAITU_ARCHIVE)
    return {path.stem: path.stat().st_mtime for path in folder.glob("*.parquet")}
