"""How positions lie in partitions, and when a partition has its b-trees (ADR 75). Times are aware, UTC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

BEHIND: Final = timedelta(days=8)
"""Terminals hold back fixes for days: older ones lie in the default partition."""
AHEAD: Final = timedelta(days=2)
"""Made ahead: the keeper may be away so long before fixes go to the default partition."""
CLOSED_AFTER: Final = timedelta(minutes=30)
"""A partition is closed so long after its end: what comes later are stragglers."""
HOURLY_FROM_ROWS: Final = 50_000_000
"""Rows a day from which a partition holds an hour."""
CALM_ROWS_S: Final = 20_000.0
BUSY_ROWS_S: Final = 40_000.0
"""Two b-trees cost more than the row itself: they are kept from the start while it is calm, and given up while it is busy."""
READ_WHOLE_BYTES: Final = 64 * 1024**2
"""Without b-trees a row is looked for by reading: half a million rows take a twentieth of a second."""
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One partition: rows with start ≤ at < end."""

    name: str
    start: datetime
    end: datetime
    indexed: bool = False
    """Whether a terminal's and a vehicle's rows are found by b-tree."""
    burdened: bool = False
    """Whether rows written to it are put into a b-tree; one whose building was killed is filled, but found by nobody."""
    size_bytes: int = 0
    """Of its rows, without b-trees."""


def span(rows_a_day: int) -> timedelta:
    """What a new partition covers: a day, or an hour where a day would be too large to be read while it is written."""
    return _HOUR if rows_a_day >= HOURLY_FROM_ROWS else _DAY


def missing(there: Iterable[Part], now: datetime, ahead: timedelta) -> list[Part]:
    """Partitions to be made from BEHIND ago until AHEAD from now, oldest first; none overlaps one that is there.

    `ahead`: the span of those that are not yet over; what is over by days is made a day at a time. Stretches that
    partitions there cover in part are filled hour by hour. Those that are closed already are to be indexed at once.
    """
    taken = sorted((part.start, part.end) for part in there)
    start = datetime.combine((now - BEHIND).astimezone(UTC).date(), time(), tzinfo=UTC)
    today = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    wanted: list[Part] = []
    while start < now + AHEAD:
        whole = _DAY if start < today else ahead
        for length in (whole, _HOUR):
            pieces = [
                (start + number * length, start + (number + 1) * length) for number in range(_DAY // length)
            ]
            if length == _HOUR or not any(_overlaps(piece, taken) for piece in pieces):
                break
        wanted += [_part(*piece, now) for piece in pieces if not _overlaps(piece, taken)]
        start += _DAY
    return wanted


def closed(part: Part, now: datetime) -> bool:
    return part.end + CLOSED_AFTER <= now


def to_index(parts: Iterable[Part], rows_s: float, now: datetime) -> list[Part]:
    """Those that are to get their b-trees, the newest first: closed ones always, others while it is calm (`rows_s` now)."""
    wanted = [
        part
        for part in parts
        if not part.indexed and (closed(part, now) or (rows_s < CALM_ROWS_S and part.start <= now))
    ]
    return sorted(wanted, key=lambda part: part.start, reverse=True)


def to_shed(parts: Iterable[Part], rows_s: float, now: datetime) -> list[Part]:
    """Those that are to lose their b-trees, whole or not: the ones that are being written, while it is busy."""
    if rows_s <= BUSY_ROWS_S:
        return []
    return [part for part in parts if part.burdened and part.start <= now < part.end]


def _part(start: datetime, end: datetime, now: datetime) -> Part:
    part = Part(name=name(start, end), start=start, end=end)
    return Part(name=part.name, start=start, end=end, indexed=closed(part, now))


def name(start: datetime, end: datetime) -> str:
    """`telemetry_position_20261127` of a day, `…_20261127_14` of an hour."""
    return f"telemetry_position_{start:%Y%m%d}" + (f"_{start:%H}" if end - start < _DAY else "")


def _overlaps(piece: tuple[datetime, datetime], taken: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(start < piece[1] and piece[0] < end for start, end in taken)
