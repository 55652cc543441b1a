"""Reading one vehicle's track from a table of many rows, and from the archive.

`python -m benchmarks.telemetry_track --rows N --runs K` in an empty installation; one JSON object.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import django
from django.db import connection

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaitu.config.settings")
    django.setup()

from zaitu.kernel import clock
from zaitu.telemetry.adapters import partitions
from zaitu.telemetry.adapters.tracks import TRACK_MAX, track
from zaitu.telemetry.domain.store import Part
from zaitu.telemetry.services.archive import positions_archive

DAYS: Final = 10
VEHICLES: Final = 5_000
_READS: Final = 200
_FILL: Final = """
INSERT INTO telemetry_position (terminal_id, at, digest, vehicle_id, received_at, lat, lon, altitude_m, speed_kmh, course_deg,
                                flags, alarm, status, odometer_m, items)
SELECT vehicle, at, hashint8extended(vehicle, fix), vehicle, at, 31 + fix * 0.0001, 121.4 + vehicle * 0.00001, 12, 61.5, 90, 3, 0, 3,
       fix * 100, '\\x010400000c1b03020000'
  FROM generate_series(0, %(fixes)s - 1) AS fix,
       LATERAL (SELECT %(start)s + fix * %(every)s * interval '1 second') AS told (at),
       generate_series(1, %(vehicles)s) AS vehicle"""


def filled(rows: int, now: datetime) -> Iterator[Part]:
    """So many rows over the days before today, as they would have come in: by time, vehicle after vehicle."""
    fixes = rows // DAYS // VEHICLES
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for behind in range(DAYS, 0, -1):
        start = midnight - timedelta(days=behind)
        partitions.partitions_ensure(start)  # as of that day: not yet over, so without b-trees
        (part,) = [one for one in partitions.parts() if one.start == start]
        with connection.cursor() as cursor:
            cursor.execute(
                _FILL,
                {"fixes": fixes, "start": start, "every": 86_400 / fixes, "vehicles": VEHICLES},
            )
        partitions.index(part)
        yield part


def waits(parts: list[Part], length: timedelta, runs: int) -> tuple[list[float], int]:
    """(median milliseconds of each run, rows of the last read); another vehicle and time each time."""
    chosen = random.Random(length.total_seconds())
    medians, found = [], 0
    for _ in range(runs):
        spent = []
        for _ in range(_READS):
            part = chosen.choice(parts)
            start = part.start + (part.end - part.start - length) * chosen.random()
            vehicle = chosen.randint(1, VEHICLES)
            began = time.perf_counter()
            found = len(track(vehicle, start, start + length, TRACK_MAX))
            spent.append((time.perf_counter() - began) * 1000)
        medians.append(statistics.median(spent))
    return medians, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    wanted = parser.parse_args()
    now = clock.now()
    began = time.monotonic()
    parts = list(filled(wanted.rows, now))
    told: dict[str, Any] = {"filled_s": round(time.monotonic() - began)}
    for name, length in (("hour", timedelta(hours=1)), ("day", timedelta(days=1))):
        told[f"{name}_ms"], told[f"{name}_rows"] = waits(parts, length, wanted.runs)
    began = time.monotonic()
    # As if the first day had become old.
    django.conf.settings.ZAITU_POSITIONS_ONLINE_DAYS = DAYS - 1
    archived = positions_archive(now)
    told["archived_s"] = round(time.monotonic() - began)
    old = [part for part in parts if part.name in archived]
    told["archived_day_ms"], _ = waits(old, timedelta(days=1), wanted.runs)
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
