"""Stations, products, vehicles, drivers and lines are stored by code: new ones made, changed ones updated, others untouched.

Every function takes many drafts, already checked, and needs a fixed number of queries however many there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from zaitu.kernel import crypto
from zaitu.kernel.errors import Conflict
from zaitu.kernel.geo import Polyline
from zaitu.kernel.rewriting import Batch, Plain, rows_rewrite
from zaitu.kernel.search import grams
from zaitu.network.domain.lines import PlacedLine
from zaitu.network.domain.views import (
    DriverDraft,
    ProductDraft,
    StationDraft,
    VehicleDraft,
)
from zaitu.network.models import Driver, Line, LineStop, ServiceProduct, Station, Vehicle

PHONE_PURPOSE = "phone"
M = TypeVar("M", bound=Model)
StopPlain = tuple[str, int, int, bool, float]
"""A stop without its row: station code, minutes, dwell, key node, metres along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


def stations_store(drafts: Sequence[StationDraft]) -> Stored:
    rows = [
        Station(
            code=draft.code,
            name=draft.name,
            kind=draft.kind,
            province=draft.province,
            city=draft.city,
            address=draft.address,
            lat=draft.lat,
            lon=draft.lon,
            radius_m=draft.radius_m,
            fence=[list(point) for point in draft.fence] if draft.fence else None,
            delivery_opens_min=draft.delivery_hours[0],
            delivery_closes_min=draft.delivery_hours[1],
            active=draft.active,
            grams=grams(f"{draft.code} {draft.name} {draft.province} {draft.city} {draft.address}"),
        )
        for draft in drafts
    ]
    stored, _ = _upsert(Station, "code", rows)
    return stored


def products_store(drafts: Sequence[ProductDraft]) -> Stored:
    rows = [
        ServiceProduct(
            code=draft.code,
            name=draft.name,
            promise_hours=draft.promise_hours,
            cold=draft.cold,
            active=draft.active,
        )
        for draft in drafts
    ]
    stored, _ = _upsert(ServiceProduct, "code", rows)
    return stored


def vehicles_store(drafts: Sequence[VehicleDraft]) -> Stored:
    rows = [
        Vehicle(
            plate=draft.plate,
            kind=draft.kind,
            temp_controlled=draft.temp_controlled,
            capacity_kg=draft.capacity_kg,
            capacity_m3=draft.capacity_m3,
            active=draft.active,
            grams=grams(draft.plate),
        )
        for draft in drafts
    ]
    stored, _ = _upsert(Vehicle, "plate", rows)
    return stored


def drivers_store(drafts: Sequence[DriverDraft], *, keep_user: bool = False) -> Stored:
    """An empty phone keeps the stored one; `keep_user` keeps the stored sign-in too. Phones are in normal form.

    Raises Conflict when a user is another driver already.
    """
    known = {row.code: row for row in Driver.objects.filter(code__in=[draft.code for draft in drafts])}
    rows = []
    for draft in drafts:
        old = known.get(draft.code)
        phone = draft.phone or (old.phone if old else "")
        rows.append(
            Driver(
                code=draft.code,
                name=draft.name,
                phone=phone,
                phone_index=crypto.blind_index(phone, PHONE_PURPOSE) if phone else "",
                user_id=old.user_id if keep_user and old else draft.user_id,
                active=draft.active,
                grams=grams(f"{draft.code} {draft.name}"),
            )
        )
    _users_are_free(rows)
    stored, _ = _upsert(Driver, "code", rows)
    return stored


def keys_rewrite() -> Iterator[Batch]:
    """Drivers' phones under the newest data key, with their indexes."""
    return rows_rewrite("network", {Driver: _indexes})


def _indexes(rows: Mapping[Any, Plain]) -> dict[Any, dict[str, str]]:
    return {pk: {"phone_index": crypto.blind_index(row["phone"], PHONE_PURPOSE)} for pk, row in rows.items()}


def _users_are_free(rows: Sequence[Driver]) -> None:
    wanted = {row.user_id: row.code for row in rows if row.user_id is not None}
    for user_id, code in Driver.objects.filter(user_id__in=wanted).values_list("user_id", "code"):
        if wanted[user_id] != code:
            raise Conflict(f"该登录账号已属于司机 {code}")


def lines_store(lines: Sequence[PlacedLine]) -> Stored:
    products = dict(ServiceProduct.objects.values_list("code", "pk"))
    rows = [
        Line(
            code=line.draft.code,
            name=line.draft.name,
            product_id=products.get(line.draft.product),
            geometry=[list(point) for point in line.draft.points],
            length_m=Polyline(line.draft.points).length_m,
            active=line.draft.active,
            grams=grams(
                " ".join([line.draft.code, line.draft.name, *(place.name for place in line.stations)])
            ),
        )
        for line in lines
    ]
    before = _stops_by_code(line.draft.code for line in lines)
    stored, keys = _upsert(Line, "code", rows)
    moved = [line for line in lines if before.get(line.draft.code) != _stops_plain(line)]
    LineStop.objects.filter(line_id__in=[keys[line.draft.code] for line in moved]).delete()
    LineStop.objects.bulk_create(
        LineStop(
            line_id=keys[line.draft.code],
            seq=seq,
            station_id=place.id,
            along_m=along_m,
            arrive_after_min=stop.arrive_after_min,
            dwell_min=stop.dwell_min,
            key_node=stop.key_node,
        )
        for line in moved
        for seq, (stop, place, along_m) in enumerate(
            zip(line.draft.stops, line.stations, line.alongs_m, strict=True)
        )
    )
    return stored


def _stops_plain(line: PlacedLine) -> list[StopPlain]:
    return [
        (place.code, stop.arrive_after_min, stop.dwell_min, stop.key_node, round(along_m, 3))
        for stop, place, along_m in zip(line.draft.stops, line.stations, line.alongs_m, strict=True)
    ]


def _stops_by_code(codes: Iterable[str]) -> dict[str, list[StopPlain]]:
    found: dict[str, list[StopPlain]] = defaultdict(list)
    stops = LineStop.objects.filter(line__code__in=list(codes)).select_related("line", "station")
    for stop in stops.order_by("line_id", "seq"):
        plain = (
            stop.station.code,
            stop.arrive_after_min,
            stop.dwell_min,
            stop.key_node,
            round(stop.along_m, 3),
        )
        found[stop.line.code].append(plain)
    return found


def _upsert(model: type[M], key: str, rows: Sequence[M]) -> tuple[Stored, dict[str, int]]:
    """Store rows by their unique `key` in three queries; gives also the primary key of each."""
    table: QuerySet[M] = QuerySet(model)
    found = table.filter(**{f"{key}__in": [getattr(row, key) for row in rows]})
    known = {getattr(row, key): row for row in found}
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]  # noqa: SLF001  documented by Django
    changed, created = [], 0
    for row in rows:
        old = known.get(getattr(row, key))
        created += old is None
        if old is None or any(getattr(old, field.attname) != getattr(row, field.attname) for field in fields):
            changed.append(row)
    columns = [field.name for field in fields if field.name != key]
    written = table.bulk_create(changed, update_conflicts=True, unique_fields=[key], update_fields=columns)
    keys = {getattr(row, key): row.pk for row in (*known.values(), *written)}
    stored = Stored(created=created, updated=len(changed) - created, unchanged=len(rows) - len(changed))
    return stored, keys
