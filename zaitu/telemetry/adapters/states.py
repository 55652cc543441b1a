"""What the rules remember of each vehicle, as a document in its row: written with the facts it has led to, read at start."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.functions import Mod

from zaitu.telemetry import models
from zaitu.telemetry.adapters.newest import newest_blank
from zaitu.telemetry.codecs.columns import NONE, PROBES, microseconds
from zaitu.telemetry.kernels.layout import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    vehicle_id: int
    trip: str
    """What it was computed for; empty: nothing was watched."""
    at_us: int
    """Fix time it stands at; NONE: before the first. Fixes up to it must not be walked again."""
    lat: float
    lon: float
    along_m: float
    """NaN: not on a route."""
    off_m: float
    rules: dict[str, Any]
    """kernels.document; empty: nothing was ever told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    newest: Records
    """One record of newest.NEWEST."""
    document: Document


def states_of(shard: int, shard_count: int) -> Iterator[Stored]:
    """Every vehicle of a shard that has had a fix or a watch. One query."""
    rows = models.VehicleState.objects.annotate(shard=Mod("vehicle_id", shard_count)).filter(shard=shard)
    for row in rows.iterator(chunk_size=2_000):
        yield Stored(newest=_newest(row), document=_document(row))


def _document(row: models.VehicleState) -> Document:
    return Document(
        vehicle_id=row.pk,
        trip=row.trip,
        at_us=microseconds(row.at) if row.at > models.NEVER else NONE,
        lat=row.lat,
        lon=row.lon,
        along_m=math.nan if row.along_m is None else row.along_m,
        off_m=math.nan if row.off_m is None else row.off_m,
        rules=row.rules,
    )


def _newest(row: models.VehicleState) -> Records:
    one = newest_blank(1)
    if row.at > models.NEVER:
        one["at_us"], one["received_us"] = microseconds(row.at), microseconds(row.received_at)
        one["lat"], one["lon"] = row.lat, row.lon
    if row.speed_kmh is not None:
        one["speed_kmh"] = row.speed_kmh
    one["course_deg"] = NONE if row.course_deg is None else row.course_deg
    one["odometer_m"] = NONE if row.odometer_m is None else row.odometer_m
    one["acc"] = bool(row.acc)
    temps = (row.temps_c or [])[:PROBES]
    one["probes"] = len(temps)
    for probe, temp in enumerate(temps):
        if temp is not None:
            one["temps_c"][0, probe] = temp
    if row.late_from is not None and row.late_seen_at is not None:
        one["late_from_us"], one["late_seen_us"] = microseconds(row.late_from), microseconds(row.late_seen_at)
        one["late_since_us"] = microseconds(row.late_since or row.late_seen_at)
    return one


def rows_ensure(vehicle_ids: Iterable[int]) -> None:
    """A row for each of these that has none. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO telemetry_vehiclestate (vehicle_id, at, received_at, lat, lon, trip)
               SELECT vehicle_id, 'epoch', 'epoch', 0, 0, '' FROM unnest(%s::bigint[]) AS vehicle_id ORDER BY vehicle_id
               ON CONFLICT (vehicle_id) DO NOTHING""",
            [list(vehicle_ids)],
        )


def documents_write(documents: Sequence[Document]) -> None:
    """Documents and the places they stand at. One statement; a vehicle that has no row yet gets one."""
    if not documents:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO telemetry_vehiclestate AS state
                      (vehicle_id, at, received_at, lat, lon, along_m, off_m, trip, rules)
               SELECT vehicle_id, 'epoch'::timestamptz + at_us * interval '1 microsecond', 'epoch', lat, lon, along_m, off_m,
                      trip, rules
                 FROM jsonb_to_recordset(%s::jsonb)
                      AS fresh (vehicle_id bigint, at_us bigint, lat float8, lon float8, along_m float8, off_m float8,
                                trip text, rules jsonb)
                ORDER BY vehicle_id
               ON CONFLICT (vehicle_id) DO UPDATE
                  SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, along_m = excluded.along_m,
                      off_m = excluded.off_m, trip = excluded.trip, rules = excluded.rules""",
            [json.dumps([_packed(one) for one in documents])],
        )


def _packed(one: Document) -> dict[str, Any]:
    known = one.at_us != NONE
    return {
        "vehicle_id": one.vehicle_id,
        "at_us": one.at_us if known else 0,
        "lat": one.lat if known else 0.0,
        "lon": one.lon if known else 0.0,
        "along_m": None if math.isnan(one.along_m) else one.along_m,
        "off_m": None if math.isnan(one.off_m) else one.off_m,
        "trip": one.trip,
        "rules": one.rules,
    }
