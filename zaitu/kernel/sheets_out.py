"""Tables as CSV (UTF-8 with a BOM, so that Excel sees the encoding) or Excel; texts can never become formulas."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from zaitu.kernel.errors import TooLarge
from zaitu.kernel.sheets import guarded

Value = str | int | float
CELL_MAX: Final = 32_767
"""Characters of one Excel cell."""


def csv_written(headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(headers)
    writer.writerows([guarded(value) if isinstance(value, str) else value for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx_written(headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Raises TooLarge when a text is longer than a cell holds."""
    # 8 MB that only who writes a workbook needs.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    def cell(text: str) -> Any:
        made = WriteOnlyCell(sheet, text)
        made.data_type = "s"
        made.number_format = "@"  # text: Excel keeps leading zeros when it is edited
        return made

    book = Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    sheet.freeze_panes = "A2"
    sheet.append(list(headers))
    try:
        for row in rows:
            sheet.append([cell(_fitting(value)) if isinstance(value, str) else value for value in row])
    except BaseException:
        sheet.close()  # rows go through a file of its own, which would stay open
        raise
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fitting(text: str) -> str:
    if len(text) > CELL_MAX:
        raise TooLarge("有内容超过 Excel 单元格的长度，请导出 CSV")
    return guarded(text)


FORMATS: Final[dict[str, Callable[[Sequence[str], Iterable[Sequence[Value]]], bytes]]] = {
    "csv": csv_written,
    "xlsx": xlsx_written,
}
