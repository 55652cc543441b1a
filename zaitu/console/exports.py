"""Lists as files for a spreadsheet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.http import Http404, HttpResponse

from zaitu.kernel import clock
from zaitu.kernel.sheets_out import FORMATS, Value

__all__ = ["MIMES", "Value", "attached", "minute", "sheet"]

MIMES: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def attached(name: str, form: str, content: bytes) -> HttpResponse:
    """`vehicles-20261122-1530.xlsx`, to be saved."""
    filename = f"{name}-{clock.local(clock.now()):%Y%m%d-%H%M}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return HttpResponse(content, content_type=MIMES.get(form, "application/octet-stream"), headers=headers)


def sheet(name: str, form: str, headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> HttpResponse:
    """Raises Http404 for another form than csv and xlsx."""
    if form not in FORMATS:
        raise Http404
    return attached(name, form, FORMATS[form](headers, rows))


def minute(at: datetime | None) -> str:
    """2026-11-22 15:30 on a Chinese wall clock; empty for none."""
    return f"{clock.local(at):%Y-%m-%d %H:%M}" if at else ""
