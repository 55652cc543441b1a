"""The query language: parameters of GET …/events, as far as they apply to what is kept (EPCIS 2.0 §8.2.7.1)."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zaitu.epcis.domain.faults import QueryParameterFault, QueryTooComplexFault
from zaitu.epcis.domain.identifiers import URI_MAX
from zaitu.epcis.domain.vocabulary import ACTIONS, EVENT_TYPES, short

PER_PAGE: Final = 30
PER_PAGE_MAX: Final = 500
VALUES_MAX: Final = 50
"""Values of one parameter."""
_BETWEEN: Final = "|"
"""Several values in one parameter; none can hold it."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: events of one instant follow the source and the number in it."""

    at: datetime
    source: int
    id: int

    def token(self) -> str:
        text = json.dumps([self.at.isoformat(), self.source, self.id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    types: frozenset[str] | None = None
    actions: frozenset[str] | None = None
    biz_steps: frozenset[str] | None = None
    dispositions: frozenset[str] | None = None
    at_from: datetime | None = None
    at_before: datetime | None = None
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    read_points: frozenset[str] | None = None
    biz_locations: frozenset[str] | None = None
    epcs: frozenset[str] | None = None
    any_epcs: frozenset[str] | None = None
    parents: frozenset[str] | None = None
    event_ids: frozenset[str] | None = None
    by_recorded: bool = False
    newest_first: bool = True
    per_page: int = PER_PAGE
    at_most: int | None = None
    """eventCountLimit: the first so many and no more, on one page."""
    too_many: int | None = None
    """maxEventCount: refused when there are more."""
    after: Position | None = None


def parsed(asked: Iterable[tuple[str, str]]) -> Query:
    """Raises QueryParameterFault for what it does not know, QueryTooComplexFault for patterns and long lists."""
    together: dict[str, list[str]] = {}
    for name, value in asked:
        together.setdefault(name, []).append(value)
    fields: dict[str, Any] = {}
    for name, values in together.items():
        if name not in _PARAMETERS:
            raise QueryParameterFault(f"不支持的查询参数：{name[:60]}")
        field, read = _PARAMETERS[name]
        fields[field] = read(name, values)
    query = Query(**fields)
    if query.at_most is not None and query.too_many is not None:
        raise QueryParameterFault("eventCountLimit 与 maxEventCount 不能同时使用")
    return query


def _several(name: str, values: Sequence[str]) -> frozenset[str]:
    found = {one.strip() for value in values for one in value.split(_BETWEEN)}
    if "" in found or any("\x00" in one or len(one) > URI_MAX for one in found):
        raise QueryParameterFault(f"{name} 的值为空、过长或含控制字符")
    if len(found) > VALUES_MAX:
        raise QueryTooComplexFault(f"{name} 最多 {VALUES_MAX} 个值")
    return frozenset(found)


def _words(name: str, values: Sequence[str]) -> frozenset[str]:
    return frozenset(short(one) for one in _several(name, values))


def _of(allowed: Sequence[str]) -> Callable[[str, Sequence[str]], frozenset[str]]:
    def read(name: str, values: Sequence[str]) -> frozenset[str]:
        found = _several(name, values)
        if not found <= set(allowed):
            raise QueryParameterFault(f"{name} 只能是 {'、'.join(allowed)}")
        return found

    return read


def _goods(name: str, values: Sequence[str]) -> frozenset[str]:
    found = _several(name, values)
    if any(one.startswith("urn:epc:idpat:") or one.endswith("*") for one in found):
        raise QueryTooComplexFault(f"{name} 不支持模式匹配，请写完整的标识")
    return found


def _instant(name: str, values: Sequence[str]) -> datetime:
    text = _one(name, values).replace(" ", "+")  # a plus sign that nobody encoded
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(text)
        if in_range(at):
            return at
    raise QueryParameterFault(f"{name} 须为 ISO 8601 时间并带时区")


def in_range(at: datetime) -> bool:
    """Aware, and of a time that every zone and the database can hold."""
    return at.tzinfo is not None and 1900 <= at.year <= 2999


def _whole(least: int, most: int) -> Callable[[str, Sequence[str]], int]:
    def read(name: str, values: Sequence[str]) -> int:
        text = _one(name, values)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not least <= number <= most:
            raise QueryParameterFault(f"{name} 须为 {least}–{most} 的整数")
        return number

    return read


def _choice(choices: Mapping[str, bool]) -> Callable[[str, Sequence[str]], bool]:
    def read(name: str, values: Sequence[str]) -> bool:
        text = _one(name, values)
        if text not in choices:
            raise QueryParameterFault(f"{name} 只能是 {'、'.join(choices)}")
        return choices[text]

    return read


def _position(name: str, values: Sequence[str]) -> Position:
    text = _one(name, values)
    with suppress(ValueError, TypeError, OverflowError, RecursionError):
        at, source, pk = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        found = Position(datetime.fromisoformat(at), int(source), int(pk))
        if in_range(found.at) and abs(found.id) < 2**63:
            return found
    raise QueryParameterFault(f"{name} 无效，请使用 Link 中的地址")


def _one(name: str, values: Sequence[str]) -> str:
    if len(values) != 1:
        raise QueryParameterFault(f"{name} 只能有一个值")
    return values[0].strip()


_COUNT: Final = _whole(1, 1_000_000)
_PARAMETERS: Final[dict[str, tuple[str, Callable[[str, Sequence[str]], Any]]]] = {
    "eventType": ("types", _of(EVENT_TYPES)),
    "EQ_action": ("actions", _of(ACTIONS)),
    "EQ_bizStep": ("biz_steps", _words),
    "EQ_disposition": ("dispositions", _words),
    "GE_eventTime": ("at_from", _instant),
    "LT_eventTime": ("at_before", _instant),
    "GE_recordTime": ("recorded_from", _instant),
    "LT_recordTime": ("recorded_before", _instant),
    "EQ_readPoint": ("read_points", _several),
    "EQ_bizLocation": ("biz_locations", _several),
    "MATCH_epc": ("epcs", _goods),
    "MATCH_anyEPC": ("any_epcs", _goods),
    "MATCH_parentID": ("parents", _goods),
    "EQ_eventID": ("event_ids", _several),
    "orderBy": ("by_recorded", _choice({"eventTime": False, "recordTime": True})),
    "orderDirection": ("newest_first", _choice({"DESC": True, "ASC": False})),
    "eventCountLimit": ("at_most", _COUNT),
    "maxEventCount": ("too_many", _COUNT),
    "perPage": ("per_page", _whole(1, PER_PAGE_MAX)),
    "nextPageToken": ("after", _position),
}
NAMES: Final = tuple(_PARAMETERS)
