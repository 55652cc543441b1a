"""The partitions of the position table: their catalogue, their making, their b-trees."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from zaitu.kernel import logs
from zaitu.telemetry.domain import store
from zaitu.telemetry.domain.store import Part

DEFAULT: Final = "telemetry_position_default"
MOVED_MAX: Final = 1_000_000
"""So many rows of the default partition are moved into a new one; with more it is left unmade."""
_MAKING: Final = 7_018_001
_KEEPING: Final = 7_018_003
_SUMMARISING: Final = 7_018_004
"""Advisory locks: one process at a time makes partitions, one keeps them, one summarises them."""
_UNFINISHED_PAGES: Final = 512
"""At the end of a table: writers fill them still, and a row into a summarised range costs a look at its summary."""
_SUMMARISED_PAGES: Final = 10_000
"""At once; some tens of milliseconds."""
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '2s'"
"""Whoever waits for a table's lock holds up every writer behind him: better try again later."""
_INDEXES: Final = (
    ("terminal", "(terminal_id, at)"),
    # With what a track shows: a vehicle's day lies on some dozen pages of the index, and on thousands of the table.
    (
        "vehicle",
        "(vehicle_id, at) INCLUDE (lat, lon, speed_kmh, course_deg, flags) WHERE vehicle_id IS NOT NULL",
    ),
)
_VACUUMED_LATER: Final = "ALTER TABLE {} SET (autovacuum_enabled = off)"
"""There is nothing to clean in a partition that is only written, and a vacuum every minute takes half a core from the writers."""

log = logs.logger("telemetry.partitions")


def keeping() -> AbstractContextManager[bool]:
    """Whether this process is the one that keeps the partitions, until the end of the block."""
    return _locked(_KEEPING)


def summarising() -> AbstractContextManager[bool]:
    """The same of the one that summarises them."""
    return _locked(_SUMMARISING)


@contextmanager
def _locked(number: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        mine = cursor.fetchone()[0]
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def parts() -> list[Part]:
    """Every partition but the default one, oldest first. One query of the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"""SELECT name, substring(bounds FROM 'FROM \(''([^'']+)')::timestamptz AS start,
                       substring(bounds FROM 'TO \(''([^'']+)')::timestamptz,
                       coalesce(array_length(valid, 1), 0) = %s AND true = ALL (valid), valid IS NOT NULL,
                       pg_relation_size(oid)
                  FROM (SELECT part.oid, part.relname AS name, pg_get_expr(part.relpartbound, part.oid) AS bounds,
                               (SELECT array_agg(index.indisvalid) FROM pg_index AS index JOIN pg_class AS named ON named.oid = index.indexrelid
                                 WHERE index.indrelid = part.oid
                                   AND named.relname = ANY (SELECT part.relname || '_' || unnest(%s::text[]))) AS valid
                          FROM pg_inherits JOIN pg_class AS part ON part.oid = pg_inherits.inhrelid
                         WHERE pg_inherits.inhparent = 'telemetry_position'::regclass AND part.relname <> %s) AS part
                 ORDER BY start""",
            [len(_INDEXES), [kind for kind, _ in _INDEXES], DEFAULT],
        )
        return [
            Part(name=name, start=start, end=end, indexed=indexed, burdened=burdened, size_bytes=size)
            for name, start, end, indexed, burdened, size in cursor
        ]


def rows_written() -> dict[str, int]:
    """By partition: rows inserted since the server's counting began, a second behind. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins FROM pg_stat_user_tables WHERE relname LIKE 'telemetry\\_position\\_%%'"
        )
        return dict(cursor.fetchall())


def partitions_ensure(now: datetime) -> list[str]:
    """Make the partitions that are missing from 8 days ago to 2 days ahead; their names.

    Rows of theirs that lie in the default partition move into them.
    """
    there = parts()
    written = rows_written()
    days = [
        sum(written.get(part.name, 0) for part in there if part.start.date() == day)
        for day in {part.start.date() for part in there}
    ]
    made = []
    for part in store.missing(there, now, store.span(max(days, default=0))):
        with transaction.atomic():
            if _make(part):
                made.append(part.name)
    return made


def _make(part: Part) -> bool:
    bounds = {"start": part.start, "end": part.end}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s), to_regclass(%s)", [_MAKING, part.name])
        if cursor.fetchone()[1] is not None:
            return False
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {DEFAULT} WHERE at >= %(start)s AND at < %(end)s LIMIT {MOVED_MAX + 1}) AS found",  # noqa: S608  names of our own only
            bounds,
        )
        misplaced = cursor.fetchone()[0]
        if misplaced > MOVED_MAX:
            log.warning("too many rows lie in the default partition; they stay there", partition=part.name)
            return False
        cursor.execute(_LOCK_TIMEOUT)
        cursor.execute(f"CREATE TABLE {part.name} (LIKE telemetry_position INCLUDING ALL)")
        if misplaced:
            cursor.execute(
                f"WITH moved AS (DELETE FROM {DEFAULT} WHERE at >= %(start)s AND at < %(end)s RETURNING *)"  # noqa: S608  names of our own only
                f" INSERT INTO {part.name} SELECT * FROM moved",
                bounds,
            )
        cursor.execute(
            f"CREATE INDEX {part.name}_at ON {part.name} USING brin (at timestamptz_minmax_multi_ops)"
        )
        if part.indexed:
            for kind, columns in _INDEXES:
                cursor.execute(f"CREATE INDEX {part.name}_{kind} ON {part.name} {columns}")
        else:
            cursor.execute(_VACUUMED_LATER.format(part.name))
        cursor.execute(
            f"ALTER TABLE telemetry_position ATTACH PARTITION {part.name}"
            f" FOR VALUES FROM ('{part.start.isoformat()}') TO ('{part.end.isoformat()}')"
        )
    return True


def index(part: Part) -> None:
    """Build its b-trees while it is written to. Not in a transaction."""
    with connection.cursor() as cursor:
        # First, so that whoever kills us does not leave a partition that is never vacuumed.
        cursor.execute(f"ALTER TABLE {part.name} RESET (autovacuum_enabled)")
        for kind, columns in _INDEXES:
            name = f"{part.name}_{kind}"
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
            found = cursor.fetchone()
            if found == (True,):
                continue
            if found is not None:  # a building that was killed
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {part.name} {columns}")
        # At a pace that leaves the disk to the writers; frozen, its pages need never be written again.
        cursor.execute("SET vacuum_cost_delay = '2ms'; SET vacuum_cost_limit = 1000")
        try:
            cursor.execute(f"VACUUM (FREEZE, ANALYZE, SKIP_LOCKED) {part.name}")
        finally:
            cursor.execute("RESET vacuum_cost_delay; RESET vacuum_cost_limit")


def shed(part: Part) -> None:
    """Give up its b-trees while it is written to. Not in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_VACUUMED_LATER.format(part.name))
        for kind, _ in _INDEXES:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part.name}_{kind}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brin:
    name: str
    pages: int
    """Of the table, in one range."""


def brins(part: Part) -> list[Brin]:
    """One query of the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT named.relname,
                      coalesce(substring(array_to_string(named.reloptions, ',') FROM 'pages_per_range=(\\d+)')::int, 128)
                 FROM pg_index AS index JOIN pg_class AS named ON named.oid = index.indexrelid
                 JOIN pg_am ON pg_am.oid = named.relam
                WHERE index.indrelid = to_regclass(%s) AND pg_am.amname = 'brin' ORDER BY 1""",
            [part.name],
        )
        return [Brin(name=name, pages=pages) for name, pages in cursor]


def summarise(part: Part, brin: Brin, begin: int) -> int:
    """Summarise ranges from page `begin` on that are full, a limited number; the page to go on at. Own transactions.

    Those that are summarised already are passed over. While the partition is being indexed or vacuumed nothing is done: who builds
    an index waits for us, and we must not wait for him.
    """
    done = 0
    while not done:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_NO_WAITING)
                cursor.execute(
                    _SUMMARISE,
                    {
                        "brin": brin.name, "table": part.name, "begin": begin, "pages": brin.pages,
                        "most": _SUMMARISED_PAGES, "unfinished": _UNFINISHED_PAGES,
                    },
                )  # fmt: skip
                ranges, done, begin = cursor.fetchone()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            return begin
        begin += ranges * brin.pages
        if not ranges:
            break
    return begin


_NO_WAITING: Final = "SET LOCAL lock_timeout = '50ms'"
# `begin` lies behind the end after a TRUNCATE.
_SUMMARISE: Final = """
WITH size AS (
     SELECT greatest(pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint - %(unfinished)s, 0) AS pages),
begun AS (SELECT least(%(begin)s::bigint, pages / %(pages)s * %(pages)s) AS page FROM size)
SELECT count(each.page), coalesce(sum(brin_summarize_range(%(brin)s::regclass, each.page)), 0), begun.page
  FROM begun CROSS JOIN size
  LEFT JOIN LATERAL generate_series(
       begun.page, least(begun.page + %(most)s, size.pages) - %(pages)s, %(pages)s) AS each (page) ON true
 GROUP BY begun.page"""
