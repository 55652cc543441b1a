"""Tracking documents and live positions, read beside Django: asyncpg for the hot path, Django's connection for pages.

The vehicle's row of telemetry is joined at read (the one table of another room that is read here, by agreement with telemetry:
`vehicle_id, at, lat, lon, speed_kmh, course_deg, along_m, trip`). Misses that come together are read together: one statement with many
numbers costs a tenth of as many statements.
"""

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
from django.conf import settings
from django.db import connection as django_connection

from zaitu.journey.domain.document import Position
from zaitu.journey.domain.partner_numbers import FOUND_FOR
from zaitu.kernel import clock, db, logs
from zaitu.kernel.errors import Unavailable
from zaitu.kernel.geo import Polyline

_BATCH: Final = 200
_ROUTES: Final = 1_000
EXACT_PRECISION_M: Final = 20
"""What a vehicle terminal's receiver promises in the open (JT/T 794: 15 m)."""

# A row from the epoch is of a vehicle that is watched and was never heard of: it has no place.
_COLUMNS: Final = """
    s.waybill, s.version, s.final, s.customer_code, s.consignor_tail, s.consignee_tail,
    s.vehicle_id, s.trip_id, t.ref AS trip, t.started_at,
    v.at, v.lat, v.lon, v.course_deg, v.along_m, v.trip AS measured_on
  FROM journey_shipment AS s
  LEFT JOIN journey_trip AS t ON t.id = s.trip_id
  LEFT JOIN telemetry_vehiclestate AS v ON v.vehicle_id = s.vehicle_id AND NOT s.final AND v.at > 'epoch'
"""
_API: Final = f"SELECT s.document->'api'->>$2 AS api, {_COLUMNS} WHERE s.waybill = ANY($1::text[])"
_PAGE: Final = f"SELECT s.document - 'api' AS document, s.consignor_contact, s.consignee_contact, t.vehicle_id AS trip_vehicle_id, t.done_at, {_COLUMNS} WHERE s.waybill = %s"

_PARTNERS: Final = """
    SELECT s.waybill, s.customer_code, s.consignor_tail, s.consignee_tail
      FROM journey_numberlink AS n JOIN journey_shipment AS s ON s.id = n.shipment_id
     WHERE n.plain = {} AND n.created_at > {} ORDER BY n.id DESC LIMIT 20"""

log = logs.logger("journey.tracking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One shipment as the hot path needs it."""

    waybill: str
    api: str
    """Encoded answer of the API in one language (domain.document.encoded)."""
    version: int
    final: bool
    customer_code: str
    tails: frozenset[str]
    """Blind indexes of the parties' phone tails."""
    vehicle_id: int | None
    """The vehicle it is in; None when it is in none or its journey is over: then no position may be shown."""
    trip_id: int | None
    trip: str
    since: datetime | None
    """Fixes before this instant belong to an earlier trip of the vehicle."""
    fix: Position | None
    """The vehicle's newest fix, exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedPage:
    """One shipment as a page needs it."""

    tracked: Tracked
    document: Mapping[str, Any]
    contact_ids: tuple[int | None, int | None]
    """Consignor and consignee in the customers room."""
    ride: tuple[int, datetime, datetime | None] | None
    """(vehicle, from, to) of its trip once that has started, also when the journey is over: whose probes measured its cold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A shipment that a partner carries under a number of its own: whose it is, nothing else."""

    waybill: str
    customer_code: str
    tails: frozenset[str]
    """Blind indexes of the parties' phone tails."""


def _forwarded(row: Mapping[str, Any]) -> Forwarded:
    return Forwarded(waybill=row["waybill"], customer_code=row["customer_code"], tails=_tails(row))


def _tails(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(tail for tail in (row["consignor_tail"], row["consignee_tail"]) if tail)


def fix_of(row: Mapping[str, Any], *, trip: str, since: datetime | None) -> Position | None:
    """A fix as a position of this trip's shipments; None when it is older than the trip or has no place."""
    if row["lat"] is None or row["lon"] is None or (since is not None and row["at"] < since):
        return None
    return Position(
        lat=row["lat"],
        lon=row["lon"],
        precision_m=EXACT_PRECISION_M,
        at=row["at"],
        course_deg=row["course_deg"],
        along_m=row["along_m"] if row["measured_on"] == trip else None,
    )


def _tracked(row: Mapping[str, Any], api: str) -> Tracked:
    vehicle_id = None if row["final"] else row["vehicle_id"]
    trip = row["trip"] or ""
    return Tracked(
        waybill=row["waybill"],
        api=api,
        version=row["version"],
        final=row["final"],
        customer_code=row["customer_code"],
        tails=_tails(row),
        vehicle_id=vehicle_id,
        trip_id=row["trip_id"],
        trip=trip,
        since=row["started_at"],
        fix=fix_of(row, trip=trip, since=row["started_at"]) if vehicle_id is not None else None,
    )


class TrackReader:
    """Reads by asyncpg on one connection of its own, which comes back by itself. Belongs to one event loop."""

    def __init__(self) -> None:
        self._connection: asyncpg.Connection[Any] | None = None
        self._waiting: dict[str, dict[str, asyncio.Future[Tracked | None]]] = {}
        self._worker: asyncio.Task[None] | None = None
        self._routes: OrderedDict[int, Polyline | None] = OrderedDict()
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        if self._connection is not None:
            with contextlib.suppress(Exception):
                await self._connection.close(timeout=1)

    async def find(self, waybill: str, *, lang: str) -> Tracked | None:
        """The shipment, or None for no such number. Raises Unavailable while the database does not answer."""
        waiting = self._waiting.setdefault(lang, {})
        found = waiting.get(waybill)
        if found is None:
            found = waiting[waybill] = asyncio.get_running_loop().create_future()
            if self._worker is None or self._worker.done():
                self._worker = asyncio.create_task(self._read_all())
        return await asyncio.shield(found)

    async def forwarded(self, number: str) -> list[Forwarded]:
        """Shipments under this partner's number (`partner_number`), the newest first. Raises Unavailable."""
        rows = await self._fetch(_PARTNERS.format("$1", "$2"), number, clock.now() - FOUND_FOR)
        return [_forwarded(row) for row in rows]

    async def route(self, trip_id: int | None) -> Polyline | None:
        """The trip's route as it is drawn; a planned trip's route does not change, so it is kept."""
        if trip_id is None:
            return None
        if trip_id not in self._routes:
            rows = await self._fetch("SELECT points FROM journey_trip WHERE id = $1", trip_id)
            points = json.loads(rows[0]["points"]) if rows else []
            self._routes[trip_id] = Polyline(points) if len(points) > 1 else None
            if len(self._routes) > _ROUTES:
                self._routes.popitem(last=False)
        return self._routes[trip_id]

    async def fetchrow(self, sql: str, *values: object) -> Any:
        """For kernel.limits, which counts on whatever database handle it is given."""
        rows = await self._fetch(sql, *values)
        return rows[0] if rows else None

    async def execute(self, sql: str, *values: object) -> None:
        await self._fetch(sql, *values)

    async def _read_all(self) -> None:
        while any(self._waiting.values()):
            for lang in list(self._waiting):
                waiting = self._waiting[lang]
                batch = {number: waiting.pop(number) for number in list(waiting)[:_BATCH]}
                if batch:
                    await self._read(batch, lang)

    async def _read(self, batch: dict[str, "asyncio.Future[Tracked | None]"], lang: str) -> None:
        try:
            rows = await self._fetch(_API, list(batch), lang)
        except Unavailable as error:
            for future in batch.values():
                if not future.done():
                    future.set_exception(error)
            return
        found = {row["waybill"]: row for row in rows}
        for waybill, future in batch.items():
            row = found.get(waybill)
            if not future.done():
                future.set_result(None if row is None or row["api"] is None else _tracked(row, row["api"]))

    async def _fetch(self, sql: str, *values: object) -> list[Any]:
        """Twice at most: a connection that a restarted server has closed is only found out by using it."""
        async with self._lock:
            for last in (False, True):
                try:
                    connection = await self._connected()
                    rows: list[Any] = await connection.fetch(sql, *values)
                except (
                    OSError,
                    TimeoutError,
                    asyncpg.PostgresConnectionError,
                    asyncpg.InterfaceError,
                ) as error:
                    await self._drop()
                    if last:
                        log.warning("the database does not answer", error=type(error).__name__)
                        raise Unavailable from error
                except asyncpg.PostgresError as error:
                    log.exception("a tracking query failed")
                    raise Unavailable from error
                else:
                    return rows
        raise AssertionError("unreachable: the second try returns or raises")

    async def _connected(self) -> "asyncpg.Connection[Any]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                **db.connect_args(settings.ZAITU_DATABASE_URL), timeout=5, command_timeout=10
            )
        return self._connection

    async def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def track_page(waybill: str) -> TrackedPage | None:
    """The same by Django's connection, with the whole document; None for no such number. One query."""
    with django_connection.cursor() as cursor:
        cursor.execute(_PAGE, [waybill])
        values = cursor.fetchone()
        if values is None:
            return None
        row: dict[str, Any] = dict(zip((column[0] for column in cursor.description), values, strict=True))
    return TrackedPage(
        tracked=_tracked(row, ""),
        document=json.loads(row["document"]),
        contact_ids=(row["consignor_contact"], row["consignee_contact"]),
        ride=(row["trip_vehicle_id"], row["started_at"], row["done_at"]) if row["started_at"] else None,
    )


def shipments_forwarded(number: str) -> list[Forwarded]:
    """`TrackReader.forwarded` by Django's connection."""
    with django_connection.cursor() as cursor:
        cursor.execute(_PARTNERS.format("%s", "%s"), [number, clock.now() - FOUND_FOR])
        names = [column[0] for column in cursor.description]
        return [_forwarded(dict(zip(names, values, strict=True))) for values in cursor.fetchall()]


def route_points(trip_id: int) -> list[list[float]]:
    """[[lat, lon], …] of a trip, for drawing."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT points FROM journey_trip WHERE id = %s", [trip_id])
        row = cursor.fetchone()
    points: list[list[float]] = [] if row is None else json.loads(row[0])
    return points
