"""The columns of each kind of file, and how a row of values becomes a draft."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.geo import gcj02_to_wgs84
from zaitu.kernel.sheets import EMPTY, Cell, Row
from zaitu.network.domain import checks, hours, sheets
from zaitu.network.domain.bindings import Stay
from zaitu.network.domain.kinds import STATION_KINDS, VEHICLE_KINDS
from zaitu.network.domain.sheets import Column
from zaitu.network.domain.views import (
    DriverDraft,
    LineStopDraft,
    Point,
    ProductDraft,
    RowError,
    StationDraft,
    VehicleDraft,
)

VALUE_SHOWN: Final = 60
"""Characters of a bad value repeated in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingRow:
    terminal: str
    stay: Stay


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """One stop of a line; the line's own columns repeat in each of its rows."""

    code: str
    name: str
    product: str
    active: bool
    seq: int
    stop: LineStopDraft
    road: tuple[Point, ...]
    """The road from here to the next stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    columns: tuple[Column, ...]
    draft: Callable[[Mapping[str, Any]], Any]
    """Values by column key → draft, checked. Raises Invalid."""
    key: str
    """The column that tells rows apart."""


_ACTIVE: Final = Column(key="active", header="启用", parse=sheets.yes, default=True)
_DATUMS: Final = {"wgs84": "WGS-84", "gcj02": "GCJ-02"}


def _station(values: Mapping[str, Any]) -> StationDraft:
    fields = dict(values)
    if fields.pop("datum") == "gcj02":
        fields["lat"], fields["lon"] = gcj02_to_wgs84(*checks.place_checked(fields["lat"], fields["lon"]))
    return checks.station_checked(StationDraft(**fields))


def _binding(values: Mapping[str, Any]) -> BindingRow:
    stay = Stay(plate=values["plate"], from_at=values["from_at"], to_at=values["to_at"])
    return BindingRow(terminal=values["terminal"], stay=stay)


def _line(values: Mapping[str, Any]) -> LineRow:
    stop = LineStopDraft(
        station=values["station"],
        arrive_after_min=values["arrive_after_min"],
        dwell_min=values["dwell_min"],
        key_node=values["key_node"],
    )
    own = {key: values[key] for key in ("code", "name", "product", "active", "seq", "road")}
    return LineRow(stop=stop, **own)


KINDS: Final[dict[str, Kind]] = {
    "stations": Kind(
        key="code",
        columns=(
            Column(key="code", header="站点编码", parse=sheets.code, required=True),
            Column(key="name", header="站点名称", required=True),
            Column(key="kind", header="类型", parse=sheets.one_of(dict(STATION_KINDS)), default="branch"),
            Column(key="province", header="省份"),
            Column(key="city", header="城市", required=True),
            Column(key="address", header="地址"),
            Column(key="lat", header="纬度", parse=sheets.number, required=True),
            Column(key="lon", header="经度", parse=sheets.number, required=True),
            # Coordinates picked on a Chinese map are GCJ-02, up to 600 m off: the file may say so.
            Column(key="datum", header="坐标系", parse=sheets.one_of(dict(_DATUMS)), default="wgs84"),
            Column(key="radius_m", header="围栏半径(米)", parse=sheets.whole, default=300),
            Column(key="fence", header="电子围栏", parse=sheets.points, default=None),
            Column(key="delivery_hours", header="送货时间", parse=hours.hours_parsed, default=hours.DEFAULT),
            _ACTIVE,
        ),
        draft=_station,
    ),
    "vehicles": Kind(
        key="plate",
        columns=(
            Column(key="plate", header="车牌号", parse=sheets.plate, required=True),
            Column(key="kind", header="车型", parse=sheets.one_of(dict(VEHICLE_KINDS)), default="truck"),
            Column(key="temp_controlled", header="温控", parse=sheets.yes, default=False),
            Column(key="capacity_kg", header="载重(公斤)", parse=sheets.whole, default=0),
            Column(key="capacity_m3", header="容积(立方米)", parse=sheets.number, default=0.0),
            _ACTIVE,
        ),
        draft=lambda values: checks.vehicle_checked(VehicleDraft(**values)),
    ),
    "drivers": Kind(
        key="code",
        columns=(
            Column(key="code", header="司机编码", parse=sheets.code, required=True),
            Column(key="name", header="姓名", required=True),
            Column(key="phone", header="手机号", parse=sheets.phone),
            _ACTIVE,
        ),
        draft=lambda values: checks.driver_checked(DriverDraft(**values)),
    ),
    "products": Kind(
        key="code",
        columns=(
            Column(key="code", header="产品编码", parse=sheets.code, required=True),
            Column(key="name", header="产品名称", required=True),
            Column(key="promise_hours", header="承诺时效(小时)", parse=sheets.whole, required=True),
            Column(key="cold", header="冷链", parse=sheets.yes, default=False),
            _ACTIVE,
        ),
        draft=lambda values: checks.product_checked(ProductDraft(**values)),
    ),
    "bindings": Kind(
        key="terminal",
        columns=(
            Column(key="terminal", header="终端号", parse=sheets.terminal, required=True),
            Column(key="plate", header="车牌号", parse=sheets.plate, required=True),
            Column(key="from_at", header="装上时间", parse=sheets.moment, required=True),
            Column(key="to_at", header="拆下时间", parse=sheets.moment, default=None),
        ),
        draft=_binding,
    ),
    "lines": Kind(
        key="code",
        columns=(
            Column(key="code", header="线路编码", parse=sheets.code, required=True),
            Column(key="name", header="线路名称", required=True),
            Column(key="product", header="产品编码", parse=sheets.digits),
            Column(key="seq", header="站序", parse=sheets.whole, required=True),
            Column(key="station", header="站点编码", parse=sheets.code, required=True),
            Column(key="arrive_after_min", header="到达用时(分)", parse=sheets.whole, required=True),
            Column(key="dwell_min", header="停留(分)", parse=sheets.whole, default=0),
            Column(key="key_node", header="重点站", parse=sheets.yes, default=False),
            Column(key="road", header="到下一站的轨迹", parse=sheets.points, default=()),
            _ACTIVE,
        ),
        draft=_line,
    ),
}


def columns_found(kind: Kind, header: Row) -> tuple[dict[str, int] | None, list[RowError]]:
    """Where each column stands; None when a required one is missing or one stands twice. Strange columns are told."""
    known = {_word(column.header): column for column in kind.columns}
    known |= {_word(column.key): column for column in kind.columns}
    places: dict[str, int] = {}
    strange, in_the_way = [], []
    for place, cell in enumerate(header.cells):
        column = known.get(_word(cell.text))
        if column is None:
            message = "不认识这一列,没有导入;列名须与导出的文件相同"
            strange += [RowError(row=header.number, column=cell.text[:VALUE_SHOWN], message=message)] * bool(
                cell.text
            )
        elif column.key in places:
            in_the_way.append(RowError(row=header.number, column=column.header, message="这一列出现了两次"))
        else:
            places[column.key] = place
    in_the_way += [
        RowError(row=header.number, column=column.header, message="缺少这一列")
        for column in kind.columns
        if column.required and column.key not in places
    ]
    return (None if in_the_way else places), [*in_the_way, *strange]


def key_text(kind: Kind, places: Mapping[str, int], row: Row) -> str:
    """What a row, good or bad, says it is about."""
    place = places[kind.key]
    return checks.plain(row.cells[place].text) if place < len(row.cells) else ""


def row_parsed(kind: Kind, places: Mapping[str, int], row: Row) -> tuple[Any, list[RowError]]:
    """The draft of a row, or None and every fault of its cells."""
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for column in kind.columns:
        place = places.get(column.key)
        cell = row.cells[place] if place is not None and place < len(row.cells) else EMPTY
        try:
            values[column.key] = _value(column, cell)
        except Invalid as error:
            errors.append(_error(row, column, error.message, cell.text))
    if errors:
        return None, errors
    try:
        return kind.draft(values), []
    except Invalid as error:
        return None, errors_of(kind, row.number, error, values)


def errors_of(kind: Kind, number: int, error: Invalid, values: Mapping[str, Any]) -> list[RowError]:
    """An Invalid of a whole draft, told by column as far as its fields are columns."""
    headers = {column.key: column.header for column in kind.columns}
    headers["points"] = headers.get("road", "")  # a line's points come from this column of all its rows
    return [
        RowError(
            row=number,
            column=headers.get(key, headers[kind.key]),
            message=message,
            value=str(values.get(key, ""))[:VALUE_SHOWN],
        )
        for key, message in (error.fields or {kind.key: error.message}).items()
    ]


def _value(column: Column, cell: Cell) -> Any:
    if cell.fault:
        raise Invalid(cell.fault)
    if not cell.text:
        if column.required:
            raise Invalid("不能为空")
        return column.default
    return column.parse(cell.text)


def _error(row: Row, column: Column, message: str, value: str) -> RowError:
    return RowError(row=row.number, column=column.header, message=message, value=value[:VALUE_SHOWN])


def _word(text: str) -> str:
    """`* 站点编码(必填)` and `站点编码` are one header."""
    word = checks.plain(text).strip("*")
    return word.removesuffix("(必填)")
