"""What is kept of a telephone call, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

CALL_ID_MAX: Final = 128
SILENT_AFTER: Final = timedelta(minutes=10)
"""A call of which nothing was heard for so long is over, whether somebody said so or not."""
WAITS: Final = timedelta(minutes=30)
"""A call that was handed over is shown to staff for so long at most."""


class Outcome(StrEnum):
    RUNNING = "running"
    SERVED = "served"
    """An answer was told and nobody was needed."""
    PERSON = "person"
    """Handed to a person."""
    LEFT = "left"
    """Hung up before anything was told."""


OUTCOME_TEXTS: Final[Mapping[Outcome, str]] = {
    Outcome.RUNNING: "通话中",
    Outcome.SERVED: "自助完成",
    Outcome.PERSON: "转人工",
    Outcome.LEFT: "未查询挂断",
}
VERIFIED_TEXTS: Final[Mapping[str, str]] = {"": "未核实", "caller": "来电号码", "tail": "手机号后四位"}
ASKED_TEXTS: Final[Mapping[str, str]] = {
    "status": "状态",
    "details": "签收和位置详情",
    "sms": "短信链接",
    "person": "人工客服",
}
WHY_TEXTS: Final[Mapping[str, str]] = {
    "": "",
    "asked": "要求人工",
    "number": "三次没有查到单号",
    "tail": "三次核对不一致",
    "lost": "三次没有听清",
    "limit": "查询次数过多",
    "long": "通话太长",
}
ROLE_TEXTS: Final[Mapping[str, str]] = {"": "", "consignor": "发货人", "consignee": "收货人"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn of a call has come to."""

    state: Mapping[str, Any]
    """Whatever the conversation needs for the next turn, JSON; nothing about a person."""
    reply: Mapping[str, Any]
    """What was answered, JSON: told again when the same turn is asked for again."""
    waybill: str = ""
    told: tuple[str, ...] = ()
    verified: str = ""
    asked: tuple[str, ...] = ()
    why: str = ""
    outcome: Outcome = Outcome.RUNNING
    person: str = ""
    """`contact:12` when the calling number is a party's."""
    role: str = ""
    """Which party: `consignor` or `consignee`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    id: int
    call_id: str
    """The telephone system's name of the call: its recording is found by it."""
    door: str
    caller: str
    """Masked; empty when it was withheld."""
    role: str
    """发货人, 收货人 or nothing."""
    waybill: str
    told: tuple[str, ...]
    verified: str
    verified_text: str
    asked: tuple[str, ...]
    """In words."""
    why: str
    """In words."""
    outcome: str
    outcome_text: str
    begun_at: datetime
    seconds: int
    handed_at: datetime | None
    taken_by: str
    """User name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQuery:
    """All optional."""

    waybill: str = ""
    outcome: str = ""
    verified: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Of the calls that a query finds."""

    calls: int
    served: int
    handed: int
    left: int
    answer_s: float | None
    """Median seconds from the ring to the first answer."""


def outcome_at_end(*, told: bool) -> Outcome:
    return Outcome.SERVED if told else Outcome.LEFT
