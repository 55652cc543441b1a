"""Old partitions go into files and, later, away."""

import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from zaitu.kernel import logs
from zaitu.telemetry.adapters import archive, partitions
from zaitu.telemetry.domain.store import Part
from zaitu.telemetry.models import ArchivedPart

_FORGOTTEN_S: Final = 86_400.0
"""A file of which no row tells stays so long: a backup that is being made may know it."""

log = logs.logger("telemetry.archive")


def positions_archive(now: datetime) -> list[str]:
    """Move partitions that are older than the setting into files; their names. Not in a transaction; may run twice.

    One that fails is logged and left for the next time. Raises what the database raises while it is away.
    """
    old = now - timedelta(days=settings.ZAITU_POSITIONS_ONLINE_DAYS)
    moved = []
    with partitions.keeping() as mine:
        for part in [one for one in partitions.parts() if mine and one.end <= old]:
            try:
                if _archive(part, now):
                    moved.append(part.name)
            except (OSError, ValueError, OperationalError, archive.Unreadable):
                log.exception("a partition could not be archived; trying again later", partition=part.name)
    return moved


def _archive(part: Part, now: datetime) -> bool:
    """Whether it lies in a file now; not if fixes came for it meanwhile."""
    before = archive.same(part)
    if before[0]:
        found = archive.written(part)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(f"LOCK TABLE {part.name} IN ACCESS EXCLUSIVE MODE")
        if archive.same(part) != before:
            return False
        if before[0]:
            ArchivedPart.objects.create(
                name=part.name, start=part.start, end=part.end, rows=found.rows, size_bytes=found.size_bytes,
                sha256=found.sha256, archived_at=now,
            )  # fmt: skip
        cursor.execute(f"DROP TABLE {part.name}")
    log.info("positions archived", partition=part.name, rows=before[0])
    return bool(before[0])


def positions_forget(now: datetime) -> int:
    """Delete positions older than the setting, wherever they lie; how many rows went. May run twice."""
    old = now - timedelta(days=settings.ZAITU_POSITIONS_KEEP_DAYS)
    expired = ArchivedPart.objects.filter(end__lte=old)
    gone: int = expired.aggregate(rows=Sum("rows", default=0))["rows"]
    expired.delete()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {partitions.DEFAULT} WHERE at < %s", [old])  # noqa: S608  names of our own only
        gone += cursor.rowcount
    known = set(ArchivedPart.objects.values_list("name", flat=True))
    for name, written_s in archive.file_names().items():
        if name not in known and time.time() - written_s > _FORGOTTEN_S:
            archive.path_of(name).unlink(missing_ok=True)
    return gone
