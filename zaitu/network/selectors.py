"""Reads of the network: rows become views here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from zaitu.kernel.errors import NotFound
from zaitu.kernel.geo import distance_m
from zaitu.kernel.pages import Page
from zaitu.kernel.phones import phone_masked
from zaitu.kernel.search import query_grams
from zaitu.network.domain import checks
from zaitu.network.domain.views import (
    BindingView,
    DriverView,
    LineStopView,
    LineView,
    Only,
    ProductView,
    StationView,
    VehicleView,
)
from zaitu.network.models import Driver, Line, LineStop, ServiceProduct, Station, TerminalBinding, Vehicle

PAGE_SIZE = 50
PIECE = 200
"""Rows held in memory at once when all are read."""

M = TypeVar("M", bound=Model)
V = TypeVar("V")


def station_view(row: Station) -> StationView:
    return StationView(
        id=row.pk,
        code=row.code,
        name=row.name,
        kind=row.kind,
        city=row.city,
        province=row.province,
        address=row.address,
        lat=row.lat,
        lon=row.lon,
        radius_m=row.radius_m,
        fence=tuple((lat, lon) for lat, lon in row.fence) if row.fence else None,
        delivery_hours=(row.delivery_opens_min, row.delivery_closes_min),
        active=row.active,
    )


def product_view(row: ServiceProduct) -> ProductView:
    return ProductView(
        id=row.pk,
        code=row.code,
        name=row.name,
        promise_hours=row.promise_hours,
        cold=row.cold,
        active=row.active,
    )


def vehicle_view(row: Vehicle) -> VehicleView:
    return VehicleView(
        id=row.pk,
        plate=row.plate,
        kind=row.kind,
        temp_controlled=row.temp_controlled,
        capacity_kg=row.capacity_kg,
        capacity_m3=row.capacity_m3,
        active=row.active,
    )


def driver_view(row: Driver) -> DriverView:
    return DriverView(
        id=row.pk,
        code=row.code,
        name=row.name,
        user_id=row.user_id,
        phone=phone_masked(row.phone),
        active=row.active,
    )


def line_views(rows: Sequence[Line]) -> list[LineView]:
    """Lines with their stops and stations: one query however many lines. The rows come with their product."""
    stops: dict[int, list[LineStopView]] = defaultdict(list)
    of_lines = LineStop.objects.filter(line__in=[row.pk for row in rows]).select_related("station")
    for stop in of_lines.order_by("line_id", "seq"):
        view = LineStopView(
            seq=stop.seq,
            station=station_view(stop.station),
            along_m=stop.along_m,
            arrive_after_min=stop.arrive_after_min,
            dwell_min=stop.dwell_min,
            key_node=stop.key_node,
        )
        stops[stop.line_id].append(view)
    return [
        LineView(
            id=row.pk,
            code=row.code,
            name=row.name,
            product=row.product.code if row.product else "",
            stops=tuple(stops[row.pk]),
            points=tuple((lat, lon) for lat, lon in row.geometry),
            length_m=row.length_m,
            active=row.active,
        )
        for row in rows
    ]


def binding_view(row: TerminalBinding) -> BindingView:
    """The row comes with its vehicle."""
    return BindingView(
        terminal=row.terminal,
        vehicle_id=row.vehicle_id,
        plate=row.vehicle.plate,
        from_at=row.from_at,
        to_at=row.to_at,
    )


def stations(*, only: Only, page: int) -> Page[StationView]:
    return _page(_only(Station.objects.order_by("code"), only), page, _each(station_view))


def station(code: str) -> Station:
    return _one(Station.objects.filter(code=checks.plain(code)), f"没有编码为 {code} 的站点")


def station_nearest(lat: float, lon: float) -> tuple[StationView, float] | None:
    """All are looked at: a company has hundreds of stations, not millions."""
    found = [(distance_m(lat, lon, row.lat, row.lon), row) for row in Station.objects.filter(active=True)]
    if not found:
        return None
    metres, row = min(found, key=lambda one: one[0])
    return station_view(row), metres


def stations_by_codes(codes: Iterable[str]) -> dict[str, StationView]:
    return {row.code: station_view(row) for row in Station.objects.filter(code__in=set(codes))}


def lines(*, only: Only, page: int) -> Page[LineView]:
    return _page(_only(_lines().order_by("code"), only), page, line_views)


def line(code: str) -> LineView:
    return line_views([_one(_lines().filter(code=checks.plain(code)), f"没有编码为 {code} 的线路")])[0]


def lines_by_codes(codes: Iterable[str]) -> dict[str, LineView]:
    return {view.code: view for view in line_views(list(_lines().filter(code__in=set(codes))))}


def _lines() -> QuerySet[Line]:
    return Line.objects.select_related("product")


def vehicles(*, only: Only, page: int) -> Page[VehicleView]:
    return _page(_vehicles(only), page, _each(vehicle_view))


def _vehicles(only: Only) -> QuerySet[Vehicle]:
    """A part of a plate may be short and mixed (沪A), which grams do not hold."""
    rows = _only(Vehicle.objects.order_by("plate"), replace(only, text=""))
    return rows.filter(plate__icontains="".join(only.text.split())) if only.text else rows


def vehicle(plate: str) -> Vehicle:
    return _one(Vehicle.objects.filter(plate=checks.plate_normal(plate)), f"没有车牌号为 {plate} 的车辆")


def vehicle_ids(plates: Iterable[str]) -> dict[str, int]:
    return dict(Vehicle.objects.filter(plate__in=set(plates)).values_list("plate", "pk"))


def vehicles_by_ids(ids: Iterable[int]) -> dict[int, VehicleView]:
    return {row.pk: vehicle_view(row) for row in Vehicle.objects.filter(pk__in=set(ids))}


def drivers(*, only: Only, page: int) -> Page[DriverView]:
    return _page(_only(Driver.objects.order_by("code"), only), page, _each(driver_view))


def driver(code: str) -> Driver:
    return _one(Driver.objects.filter(code=checks.plain(code)), f"没有编码为 {code} 的司机")


def drivers_by_ids(ids: Iterable[int]) -> dict[int, DriverView]:
    return {row.pk: driver_view(row) for row in Driver.objects.filter(pk__in=set(ids))}


def drivers_by_codes(codes: Iterable[str]) -> dict[str, DriverView]:
    return {row.code: driver_view(row) for row in Driver.objects.filter(code__in=set(codes))}


def driver_of_user(user_id: int) -> DriverView | None:
    row = Driver.objects.filter(user_id=user_id).first()
    return driver_view(row) if row else None


def product(code: str) -> ServiceProduct:
    return _one(ServiceProduct.objects.filter(code=checks.plain(code)), f"没有编码为 {code} 的产品")


def products() -> tuple[ProductView, ...]:
    return tuple(product_view(row) for row in ServiceProduct.objects.order_by("code"))


def bindings_of(terminals: Iterable[str]) -> list[BindingView]:
    rows = TerminalBinding.objects.filter(terminal__in=set(terminals)).select_related("vehicle")
    return [binding_view(row) for row in rows.order_by("terminal", "from_at")]


def bindings_changed(since: int) -> tuple[int, frozenset[str]]:
    """Terminals whose stays changed in transactions numbered `since` or later, and the mark to ask with next time. Two queries.

    A number is settled only when all before it are, so the next mark is the oldest transaction still running; what changed is
    told again until then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (mark,) = cursor.fetchone()
    changed = TerminalBinding.pgh_event_model.objects.filter(transaction__gte=since)  # type: ignore[attr-defined]
    return mark, frozenset(changed.values_list("terminal", flat=True).distinct()) if since else frozenset()


def bindings_of_vehicle(vehicle_id: int) -> list[BindingView]:
    rows = TerminalBinding.objects.filter(vehicle_id=vehicle_id).select_related("vehicle")
    return [binding_view(row) for row in rows.order_by("from_at")]


def _found(rows: QuerySet[M], text: str) -> QuerySet[M]:
    """Rows that hold every gram of the words asked for."""
    grams = query_grams(text)
    return rows.filter(grams__contains=grams) if grams else rows


def _only(rows: QuerySet[M], only: Only) -> QuerySet[M]:
    if only.kind:
        rows = rows.filter(kind=only.kind)
    if only.active is not None:
        rows = rows.filter(active=only.active)
    return _found(rows, only.text)


def _page(rows: QuerySet[M], page: int, views: Callable[[Sequence[M]], list[V]]) -> Page[V]:
    page = max(1, page)
    start = (page - 1) * PAGE_SIZE
    shown = views(list(rows[start : start + PAGE_SIZE]))
    return Page(rows=tuple(shown), total=rows.count(), page=page, size=PAGE_SIZE)


def _each(view: Callable[[M], V]) -> Callable[[Sequence[M]], list[V]]:
    return lambda rows: [view(row) for row in rows]


def _one(rows: QuerySet[M], message: str) -> M:
    row = rows.first()
    if row is None:
        raise NotFound(message)
    return row


def _all(rows: QuerySet[M], views: Callable[[Sequence[M]], list[V]]) -> Iterator[V]:
    """Every row, a piece at a time."""
    left = rows.iterator(chunk_size=PIECE)
    while piece := list(islice(left, PIECE)):
        yield from views(piece)


def stations_all(only: Only) -> Iterator[StationView]:
    return _all(_only(Station.objects.order_by("code"), only), _each(station_view))


def vehicles_all(only: Only) -> Iterator[VehicleView]:
    return _all(_vehicles(only), _each(vehicle_view))


def driver_rows_all(only: Only) -> Iterator[Driver]:
    """With whole phones: the caller asks who may see them."""
    return _only(Driver.objects.order_by("code"), only).iterator(chunk_size=PIECE)


def bindings_all() -> Iterator[BindingView]:
    rows = TerminalBinding.objects.select_related("vehicle").order_by("terminal", "from_at")
    return _all(rows, _each(binding_view))


def lines_all(only: Only) -> Iterator[LineView]:
    return _all(_only(_lines().order_by("code"), only), line_views)
