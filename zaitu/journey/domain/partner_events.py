"""What a partner's system may tell of shipments we gave it, and how each row of a batch is answered."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zaitu.journey.domain import mappings
from zaitu.journey.domain.actions import Kind

BATCH_MAX: Final = 500
AHEAD: Final = timedelta(minutes=5)
BEHIND: Final = timedelta(days=30)
"""An event further off than this is a wrong clock, or history that nobody is told any more."""
ID_MAX: Final = 64
PLACE_MAX: Final = 60
OURS_TO_DECIDE: Final = frozenset({Kind.CANCELLED, Kind.DISPOSED})
"""What ends a shipment by somebody's decision, which is not a carrier's."""
_PHONE: Final = re.compile(r"(?<!\d)(1[3-9]\d)\d{8}(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerEvent:
    """What a partner's system says of one of our shipments."""

    waybill: str
    """Ours or the partner's number."""
    code: str
    text: str
    at: datetime | None
    """Aware; None: what stood there is no time."""
    station_code: str = ""
    dialect: str = "kuaidi100"
    """Whose code list: a key of domain/mappings.py."""
    key: str = ""
    """The partner's id of the event; empty: recognised by code, time and place."""
    place: str = ""
    """Where, in the partner's own words, at most 60 characters; for us, not for those who track."""


class Taken(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """Told before; nothing is recorded again."""
    REFUSED = "refused"


class Refusal(StrEnum):
    UNKNOWN_NUMBER = "unknown_number"
    """None of ours, or not given to this partner: to the partner that is the same."""
    BAD_TIME = "bad_time"
    IN_FUTURE = "in_future"
    TOO_OLD = "too_old"
    UNKNOWN_CODE = "unknown_code"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_STATION = "unknown_station"
    ID_REUSED = "id_reused"


REFUSAL_TEXTS: Final[dict[Refusal, str]] = {
    Refusal.UNKNOWN_NUMBER: "没有这个单号，或没有转给贵方",
    Refusal.BAD_TIME: "时间须为 ISO 8601 并带时区，如 2026-11-22T15:20:00+08:00",
    Refusal.IN_FUTURE: "时间晚于现在，请核对时钟和时区",
    Refusal.TOO_OLD: "时间早于 30 天前，不再接收",
    Refusal.UNKNOWN_CODE: "没有这个状态代码",
    Refusal.NOT_ALLOWED: "这种状态须由承运公司登记",
    Refusal.UNKNOWN_STATION: "没有这个站点编码；不是我方站点请写在 place",
    Refusal.ID_REUSED: "这个 id 已用于另一事件，请换一个",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerRow:
    """The answer to one event, in the order of the batch."""

    taken: Taken
    refusal: Refusal | None = None
    """Set when it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerReport:
    recorded: int
    repeated: int
    """Told before."""
    unknown: tuple[str, ...]
    """Numbers that are none of ours."""
    rows: tuple[PartnerRow, ...] = ()


def refusal_of(event: PartnerEvent, *, now: datetime, stations: frozenset[str]) -> Refusal | None:
    """What is wrong with an event by itself; None: nothing."""
    if event.at is None or event.at.tzinfo is None:
        return Refusal.BAD_TIME
    if event.at > now + AHEAD:
        return Refusal.IN_FUTURE
    if event.at < now - BEHIND:
        return Refusal.TOO_OLD
    if event.dialect == mappings.OWN and event.code.strip() not in mappings.DIALECTS[mappings.OWN]:
        return Refusal.UNKNOWN_CODE
    if event.station_code and event.station_code not in stations:
        return Refusal.UNKNOWN_STATION
    return None


def phones_masked(text: str) -> str:
    """`138********` for each mobile number: partners write the courier's and the consignee's into their sentences."""
    return _PHONE.sub(r"\1********", text)
