"""The columns of an order file, and a row of it as an order. Raises nothing: what is wrong is told cell by cell."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zaitu.journey.domain.views import OrderDraft, PartyDraft, RowError
from zaitu.kernel.sheets import Cell, Row

_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(\.\d+)?E\+\d+", re.IGNORECASE)
_LOST: Final = "已被 Excel 变成科学计数法，请把这一列设为“文本”后重新填写"


def _text(text: str) -> str:
    if _SCIENTIFIC.fullmatch(text):
        raise ValueError(_LOST)
    return text


def _number(text: str) -> float:
    try:
        return float(unicodedata.normalize("NFKC", text).replace(",", ""))
    except ValueError:
        raise ValueError("须为数字") from None


def _whole(text: str) -> int:
    value = _number(text)
    if value != int(value):
        raise ValueError("须为整数")
    return int(value)


@dataclass(frozen=True, slots=True)
class Column:
    field: str
    """Field of OrderDraft, a party's with a dot."""
    header: str
    example: str
    parse: Callable[[str], Any] = _text
    required: bool = True
    aliases: tuple[str, ...] = ()


COLUMNS: Final = (
    Column("client_ref", "客户单号", "PO-20261122-01", required=False, aliases=("订单号", "外部单号")),
    Column("customer_code", "客户编码", "", required=False),
    Column("product", "产品编码", "STD", aliases=("产品",)),
    Column("from_station", "始发站编码", "SHA01", aliases=("始发站",)),
    Column("to_station", "目的站编码", "CTU01", aliases=("目的站",)),
    Column("consignor.name", "发货人", "李发货"),
    Column("consignor.phone", "发货电话", "13900001111", aliases=("发货人电话",)),
    Column("consignor.city", "发货城市", "上海"),
    Column("consignor.address", "发货地址", "青浦区华新镇华志路 1 号"),
    Column("consignee.name", "收货人", "王小明"),
    Column("consignee.phone", "收货电话", "13812345678", aliases=("收货人电话",)),
    Column("consignee.city", "收货城市", "成都"),
    Column("consignee.address", "收货地址", "锦江区红星路三段 16 号"),
    Column("consignee.email", "收货邮箱", "", required=False),
    Column("goods", "货物名称", "数控刀具", aliases=("品名",)),
    Column("pieces", "件数", "3", _whole),
    Column("weight_kg", "重量", "120.5", _number, aliases=("重量(公斤)", "重量（公斤）", "重量kg")),
    Column("volume_m3", "体积", "1.2", _number, aliases=("体积(方)", "体积（立方米）", "体积m3")),
    Column("cold_min_c", "最低温度", "", _number, required=False),
    Column("cold_max_c", "最高温度", "", _number, required=False),
    Column("remarks", "备注", "", required=False),
)
_BY_FIELD: Final = {column.field: column for column in COLUMNS}
_BY_HEADER: Final = {
    name.casefold(): column for column in COLUMNS for name in (column.header, column.field, *column.aliases)
}


def template(examples: Mapping[str, str]) -> str:
    """A file to fill in, as CSV: the headers and one example, whose values by field go before the usual ones."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(column.header for column in COLUMNS)
    writer.writerow(examples.get(column.field, column.example) for column in COLUMNS)
    return out.getvalue()


def columns_of(header: Row) -> tuple[dict[int, Column], list[RowError]]:
    """Place of each known column; what the file lacks, and what it has twice. Unknown columns are passed over."""
    found: dict[int, Column] = {}
    errors: list[RowError] = []
    for place, cell in enumerate(header.cells):
        name = unicodedata.normalize("NFKC", cell.text).strip().casefold()
        column = _BY_HEADER.get(name) or _BY_HEADER.get(cell.text.strip().casefold())
        if column is None:
            continue
        if column in found.values():
            message = f"“{column.header}”出现了两列，请只留一列"
            errors.append(
                RowError(row=header.number, column=column.header, message=message, value=_value_of(cell))
            )
        found[place] = column
    errors += [
        RowError(row=header.number, column=column.header, message=f"缺少“{column.header}”一列")
        for column in COLUMNS
        if column.required and column not in found.values()
    ]
    return found, errors


def order_of(row: Row, columns: Mapping[int, Column]) -> OrderDraft | list[RowError]:
    """The order in a row, or what is wrong with it."""
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for place, column in columns.items():
        cell = row.cells[place] if place < len(row.cells) else Cell()
        try:
            values[column.field] = _value(column, cell)
        except ValueError as error:
            errors.append(
                RowError(row=row.number, column=column.header, message=str(error), value=_value_of(cell))
            )
    return errors or _draft(values)


def _value_of(cell: Cell) -> str:
    """What stands there, for the person who looks for it."""
    return cell.text[:60]


def _value(column: Column, cell: Cell) -> Any:
    if cell.fault:
        raise ValueError(cell.fault)
    if not cell.text:
        if column.required:
            raise ValueError("不能为空")
        return None
    return column.parse(cell.text)


def _draft(values: Mapping[str, Any]) -> OrderDraft:
    def party(role: str) -> PartyDraft:
        fields = ("name", "phone", "city", "address")
        return PartyDraft(
            email=values.get(f"{role}.email") or "", **{name: values[f"{role}.{name}"] for name in fields}
        )

    plain = {field: value for field, value in values.items() if "." not in field and value is not None}
    return OrderDraft(consignor=party("consignor"), consignee=party("consignee"), **plain)


def errors_of(
    row: Row, columns: Mapping[int, Column], fields: Mapping[str, str], message: str
) -> list[RowError]:
    """What the order's own rules said, at the columns it is about and with what stands there."""
    if not fields:
        return [RowError(row=row.number, column="", message=message)]
    told = {
        column.field: _value_of(row.cells[place])
        for place, column in columns.items()
        if place < len(row.cells)
    }
    return [
        RowError(
            row=row.number,
            column=_BY_FIELD[field].header if field in _BY_FIELD else field,
            message=text,
            value=told.get(field, ""),
        )
        for field, text in fields.items()
    ]


def cut(errors: Sequence[RowError], most: int) -> tuple[RowError, ...]:
    return tuple(sorted(errors, key=lambda error: error.row)[:most])
