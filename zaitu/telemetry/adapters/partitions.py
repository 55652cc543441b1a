"""Day partitions of the position table, by UTC day of the fix."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection, transaction

BEHIND_DAYS: Final = 8
AHEAD_DAYS: Final = 7
_LOCK: Final = 7_018_001
"""Advisory lock: one process at a time makes partitions."""


def partitions_ensure(now: datetime) -> list[str]:
    """Make the missing partitions from BEHIND_DAYS ago to AHEAD_DAYS ahead; their names.

    A day whose rows already lie in the default partition keeps them there: PostgreSQL would refuse the partition.
    """
    made = []
    for offset in range(-BEHIND_DAYS, AHEAD_DAYS + 1):
        day = now.astimezone(UTC).date() + timedelta(days=offset)
        with transaction.atomic():
            name = _make(day)
        if name:
            made.append(name)
    return made


def _make(day: date) -> str:
    name = f"telemetry_position_{day:%Y%m%d}"
    start = datetime.combine(day, time(), tzinfo=UTC)
    end = start + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return ""
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            """SELECT to_regclass(%s) IS NOT NULL
                   OR EXISTS (SELECT 1 FROM telemetry_position_default WHERE at >= %s AND at < %s)""",
            [name, start, end],
        )
        if cursor.fetchone()[0]:
            return ""
        # A waiting CREATE would hold up every writer behind it: better try again in an hour.
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(
            f"CREATE TABLE {name} PARTITION OF telemetry_position FOR VALUES FROM ('{start:%Y-%m-%d %H:%M:%S+00}')"
            f" TO ('{end:%Y-%m-%d %H:%M:%S+00}')"
        )
    return name
