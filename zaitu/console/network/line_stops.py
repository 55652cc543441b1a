"""The stops of a line as rows of its form: which station, how long after departure, how long it stands, whether customers are told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from zaitu.console.forms import Form
from zaitu.kernel.errors import Invalid
from zaitu.network.public import LineStopDraft, LineView

ROWS_MAX: Final = 30
ROWS_FIRST: Final = 3
"""Empty rows of a new line."""
_CLOCK: Final = re.compile(r"(\d{1,3})[:：](\d{2})")


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    station: str = ""
    after: str = ""
    """8:53, hours and minutes after departure."""
    dwell: str = ""
    key: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    """By field: station, after, dwell."""


def rows_of(line: LineView | None, form: Form) -> list[Row]:
    """As typed, else as stored, else a few to begin with."""
    numbers = _numbers(form)
    if numbers:
        return [_typed(form, number) for number in numbers]
    if line is None:
        return [Row(number) for number in range(ROWS_FIRST)]
    return [
        Row(
            number,
            station=stop.station.code,
            after=f"{stop.arrive_after_min // 60}:{stop.arrive_after_min % 60:02d}",
            dwell=str(stop.dwell_min),
            key=stop.key_node,
        )
        for number, stop in enumerate(line.stops)
    ]


def stops_of(form: Form) -> tuple[LineStopDraft, ...]:
    """The rows that say something, in their order. Raises Invalid at every field that cannot be read."""
    wrong: dict[str, str] = {}
    stops = [_stop(row, wrong) for row in (_typed(form, number) for number in _numbers(form)) if _said(row)]
    if wrong:
        raise Invalid(fields=wrong)
    if not 2 <= len(stops) <= ROWS_MAX:
        raise Invalid(fields={"stops": _("请填写 2–30 个站点")})
    return tuple(stops)


def _numbers(form: Form) -> list[int]:
    found = {name.split(".")[1] for name in form.values if name.startswith("stops.") and name.count(".") == 2}
    return sorted(int(number) for number in found if number.isascii() and number.isdigit())[:ROWS_MAX]


def _typed(form: Form, number: int) -> Row:
    names = ("station", "after", "dwell")
    errors = {
        name: form.errors[f"stops.{number}.{name}"]
        for name in names
        if f"stops.{number}.{name}" in form.errors
    }
    station, after, dwell = (form.text(f"stops.{number}.{name}") for name in names)
    return Row(number, station, after, dwell, form.ticked(f"stops.{number}.key"), errors)


def _said(row: Row) -> bool:
    return bool(row.station or row.after)


def _stop(row: Row, wrong: dict[str, str]) -> LineStopDraft:
    if not row.station:
        wrong[f"stops.{row.number}.station"] = _("请选择站点")
    after, dwell = _minutes(row.after), _minutes(row.dwell or "0")
    if after is None:
        wrong[f"stops.{row.number}.after"] = _("如 8:30，或 510 分钟")
    if dwell is None:
        wrong[f"stops.{row.number}.dwell"] = _("请填写整数")
    return LineStopDraft(
        station=row.station, arrive_after_min=after or 0, dwell_min=dwell or 0, key_node=row.key
    )


def _minutes(text: str) -> int | None:
    """8:30, or 510; None for anything else."""
    found = _CLOCK.fullmatch(text)
    if found and int(found[2]) < 60:
        return int(found[1]) * 60 + int(found[2])
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
