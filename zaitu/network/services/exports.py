"""Export of a kind of thing as the file that import takes back."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from zaitu.access import public as access
from zaitu.kernel.errors import Invalid
from zaitu.kernel.geo import distance_m
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.sheets_out import FORMATS, Value
from zaitu.network import selectors
from zaitu.network.domain.hours import hours_text
from zaitu.network.domain.kinds import STATION_KINDS, VEHICLE_KINDS, StationKind, VehicleKind
from zaitu.network.domain.moments import moment_text
from zaitu.network.domain.sheets import points_text
from zaitu.network.domain.views import LineView, Only, Point
from zaitu.network.services.imports import kind_of

EVERYTHING: Final = Only()


def export_rows(*, actor: Principal, kind: str, format: str, only: Only = EVERYTHING) -> bytes:  # noqa: A002  the word of the contract
    """Raises Invalid for an unknown kind or format, TooLarge when a line's road does not fit an Excel cell."""
    headers = [column.header for column in kind_of(kind).columns]
    if format not in FORMATS:
        raise Invalid("只能导出 CSV 或 Excel", fields={"format": "unknown"})
    access.audit(actor=actor, action="network.export", subject=kind)
    return FORMATS[format](headers, _ROWS[kind](actor, only))


def _stations(_actor: Principal, only: Only) -> Iterator[Sequence[Value]]:
    for row in selectors.stations_all(only):
        fence = points_text(row.fence) if row.fence else ""
        yield (
            row.code,
            row.name,
            STATION_KINDS[StationKind(row.kind)],
            row.province,
            row.city,
            row.address,
            row.lat,
            row.lon,
            "WGS-84",
            row.radius_m,
            fence,
            hours_text(row.delivery_hours),
            _yes(row.active),
        )


def _vehicles(_actor: Principal, only: Only) -> Iterator[Sequence[Value]]:
    for row in selectors.vehicles_all(only):
        kind = VEHICLE_KINDS[VehicleKind(row.kind)]
        yield row.plate, kind, _yes(row.temp_controlled), row.capacity_kg, row.capacity_m3, _yes(row.active)


def _drivers(actor: Principal, only: Only) -> Iterator[Sequence[Value]]:
    """Phones only for those who keep them; the column is empty otherwise, which an import leaves unchanged."""
    shown = actor.can(Right.PERSONAL_READ) and actor.can(Right.NETWORK_EDIT)
    if shown:
        access.audit(actor=actor, action="personal.read", subject="drivers", detail={"fields": ["phone"]})
    for row in selectors.driver_rows_all(only):
        yield row.code, row.name, row.phone if shown else "", _yes(row.active)


def _products(_actor: Principal, _only: Only) -> Iterator[Sequence[Value]]:
    for row in selectors.products():
        yield row.code, row.name, row.promise_hours, _yes(row.cold), _yes(row.active)


def _bindings(_actor: Principal, _only: Only) -> Iterator[Sequence[Value]]:
    for row in selectors.bindings_all():
        yield row.terminal, row.plate, moment_text(row.from_at), moment_text(row.to_at) if row.to_at else ""


def _lines(_actor: Principal, only: Only) -> Iterator[Sequence[Value]]:
    for line in selectors.lines_all(only):
        for stop, road in zip(line.stops, _roads(line), strict=True):
            yield (
                line.code,
                line.name,
                line.product,
                stop.seq + 1,
                stop.station.code,
                stop.arrive_after_min,
                stop.dwell_min,
                _yes(stop.key_node),
                points_text(road),
                _yes(line.active),
            )


def _roads(line: LineView) -> Iterator[tuple[Point, ...]]:
    """The road's own points, cut at the stops: put together again they are the same road."""
    along_m = [0.0]
    for first, second in pairwise(line.points):
        along_m.append(along_m[-1] + distance_m(*first, *second))
    starts = [0, *(bisect_left(along_m, stop.along_m) for stop in line.stops[1:])]
    for start, end in pairwise([*starts, len(line.points)]):
        yield line.points[start:end]


def _yes(value: bool) -> str:  # noqa: FBT001  a cell's value
    return "是" if value else "否"


_ROWS: Final[dict[str, Callable[[Principal, Only], Iterator[Sequence[Value]]]]] = {
    "stations": _stations,
    "vehicles": _vehicles,
    "drivers": _drivers,
    "products": _products,
    "bindings": _bindings,
    "lines": _lines,
}
