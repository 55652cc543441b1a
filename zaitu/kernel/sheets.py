"""CSV and Excel files as rows of cells, one at a time.

Told apart by their first bytes, never by their name. Nothing in a file is run: formulas are a fault of their cell.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from zaitu.kernel.errors import Invalid, TooLarge

FILE_MAX_BYTES: Final = 10 * 1024 * 1024
ROWS_MAX: Final = 50_000
COLUMNS_MAX: Final = 60
_UNPACKED_MAX_BYTES: Final = 200 * 1024 * 1024
"""A workbook that unpacks to more is a zip bomb, or nothing a person typed."""
_EXACT_DIGITS: Final = 10**15
"""Excel keeps 15 digits of a number."""
_DAMAGED: Final = "Excel 文件已损坏或不是表格，请重新另存"
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_FAULTS: Final = {"f": "单元格是公式，请复制后“粘贴为数值”", "e": "单元格是 Excel 错误值"}

GUARD: Final = "'"
"""Before a text that a spreadsheet would take for a formula; taken off again when such a file comes back."""
_FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠")

csv.field_size_limit(1024 * 1024)  # a line's road stands in one cell; Python's own limit is 128 KiB


@dataclass(frozen=True, slots=True)
class Cell:
    text: str = ""
    """Trimmed; times as `2026-11-22 08:00`, whole numbers without a decimal point."""
    fault: str = ""
    """Why this cell cannot be read at all (a formula, an error value); empty: it can."""


EMPTY: Final = Cell()


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """As the spreadsheet counts, from 1."""
    cells: tuple[Cell, ...]
    fault: str = ""
    """Why the file could not be read from here on; then it is the last row."""


def guarded(text: str) -> str:
    """Safe to open in Excel, WPS or LibreOffice: never a formula."""
    return GUARD + text if text.startswith((GUARD, *_FORMULA_STARTS)) else text


def unguarded(text: str) -> str:
    """The text before `guarded`."""
    return text[1:] if text.startswith(GUARD) and text[1:].startswith((GUARD, *_FORMULA_STARTS)) else text


def rows_read(content: bytes) -> Iterator[Row]:
    """Rows that hold anything. Raises Invalid for what is no table, TooLarge over FILE_MAX_BYTES or ROWS_MAX."""
    if len(content) > FILE_MAX_BYTES:
        raise TooLarge(f"文件超过 {FILE_MAX_BYTES // 1024 // 1024} MB,请拆成几个文件")
    if content.startswith(_OLE):
        raise Invalid("这是旧版 .xls 或带密码的 Excel 文件，请另存为不带密码的 .xlsx 或 CSV")
    rows = _workbook(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    held = 0
    for row in rows:
        if row.fault or any(cell.text or cell.fault for cell in row.cells):
            held += 1
            if held > ROWS_MAX + 1:
                raise TooLarge(f"超过 {ROWS_MAX} 行，请拆成几个文件")
            yield row


def _csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    if "\0" in text:
        raise Invalid("这不是 CSV 或 Excel 文件")
    head = text.partition("\n")[0]
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(number, (), fault="引号不成对或单元格过长，从这一行起没有读取")
            return
        yield Row(number, tuple(Cell(unguarded(text.strip())) for text in record[:COLUMNS_MAX]))


def _decoded(content: bytes) -> str:
    """Chinese Excel saves CSV as GBK, “Unicode text” as UTF-16, “CSV UTF-8” with a BOM."""
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("文字编码无法识别，请另存为“CSV UTF-8”或 .xlsx")


def _workbook(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
    except zipfile.BadZipFile as error:
        raise Invalid(_DAMAGED) from error
    if unpacked > _UNPACKED_MAX_BYTES:
        raise TooLarge("Excel 文件解压后过大，请另存为 CSV")
    from openpyxl import load_workbook  # noqa: PLC0415  8 MB that only who reads a workbook needs

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # files state their size wrongly; believe the rows
    except Exception as error:  # openpyxl raises whatever its parsers meet in a damaged file
        raise Invalid(_DAMAGED) from error
    yield from _sheet(sheet)


def _sheet(sheet: Any) -> Iterator[Row]:
    rows = sheet.iter_rows(max_col=COLUMNS_MAX)
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except Exception:
            yield Row(number, (), fault="Excel 文件从这一行起已损坏，没有读取")
            return
        yield Row(number, tuple(_cell(cell) for cell in cells))


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell()
    if cell.data_type in _FAULTS:
        return Cell(str(value)[:60], _FAULTS[cell.data_type])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, str(cell.number_format))
    return Cell(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date | time) else unguarded(str(value).strip())


def _number(value: float, shown_as: str) -> Cell:
    """Whole numbers lose their `.0`; a format of noughts (`0000`) puts back the zeros that the person sees."""
    if abs(value) >= _EXACT_DIGITS:
        return Cell(str(value), "超过 15 位的数字已被 Excel 截断；请把这一列设为“文本”后重新填写")
    if value != int(value):
        return Cell(repr(value))
    text = str(int(value))
    return Cell(text.zfill(len(shown_as)) if set(shown_as) == {"0"} else text)
