"""What a vehicle reported in a period, from the table and the archive's files together."""

from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from zaitu.telemetry.adapters import archive
from zaitu.telemetry.codecs.columns import Flag
from zaitu.telemetry.domain.views import TrackPoint
from zaitu.telemetry.models import Position

TRACK_MAX: Final = 50_000


def track(vehicle_id: int, start: datetime, end: datetime, limit: int) -> list[TrackPoint]:
    """The fixes from `start` until before `end`, oldest first, the first `limit` of them. One query, four for archived days."""
    columns = ("at", "lat", "lon", "speed_kmh", "course_deg", "flags")
    return [
        TrackPoint(
            at=at,
            lat=lat,
            lon=lon,
            speed_kmh=speed_kmh,
            course_deg=course_deg,
            backfill=bool(flags & Flag.BACKFILL),
        )
        for at, lat, lon, speed_kmh, course_deg, flags in _rows(
            columns, vehicle_id, start, end, having="lat", limit=min(limit, TRACK_MAX)
        )
    ]


def temps(
    vehicle_id: int, start: datetime, end: datetime, limit: int
) -> list[tuple[datetime, tuple[float | None, ...]]]:
    """What the probes said from `start` until before `end`, °C per probe, oldest first, evenly thinned to `limit`.

    One query, four for archived days.
    """
    rows = _rows(("at", "temps_c"), vehicle_id, start, end, having="temps_c", limit=TRACK_MAX)
    every = max(1, -(-len(rows) // limit))
    return [(at, tuple(found or ())) for at, found in rows[::every]]


def _rows(
    columns: tuple[str, ...], vehicle_id: int, start: datetime, end: datetime, *, having: str, limit: int
) -> list[tuple[Any, ...]]:
    """Of a vehicle from `start` until before `end` where `having` is not null, wherever they lie; the first is `at`, oldest first."""
    while True:
        files = archive.covering(start, end)
        archived = archive.rows_read(columns, vehicle_id, start, end, having=having, limit=limit)
        found = list(
            Position.objects.filter(
                vehicle_id=vehicle_id, at__gte=start, at__lt=end, **{f"{having}__isnull": False}
            )
            .order_by("at")
            .values_list(*columns)[:limit]
        )
        # A partition that was archived in between is in neither.
        if archive.covering(start, end) == files:
            return list(islice(merge(archived, found, key=itemgetter(0)), limit))
