"""How statuses look and read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from zaitu.journey.public import (
    DETAIL_TEXTS,
    ETA_REASON_TEXTS,
    EVENT_TEXTS,
    PARTNER_CODES,
    PROBLEMS,
    RELATION_TEXTS,
    REPORTABLE,
    STATUS_TEXTS,
    TRIP_STATE_TEXTS,
    Detail,
    EventView,
    LegState,
    Problem,
    Status,
)
from zaitu.kernel.principal import Principal, Right
from zaitu.ui.times import span_text

LATE_AFTER_S: Final = 15 * 60
"""A record that arrives later than this after the fact is marked."""
_TONES: Final = {
    Status.ORDERED: ("neutral", "file-text"),
    Status.AWAITING_DEPARTURE: ("neutral", "truck-loading"),
    Status.IN_TRANSIT: ("now", "truck"),
    Status.AT_STOP: ("now", "building-warehouse"),
    Status.ARRIVED: ("primary", "map-pin"),
    Status.ARRIVING_SOON: ("now", "truck-delivery"),
    Status.READY_FOR_PICKUP: ("primary", "package"),
    Status.SIGNED: ("done", "circle-check"),
    Status.RETURNED: ("neutral", "arrow-back-up"),
    Status.CLOSED: ("neutral", "circle-x"),
}


def language() -> int:
    """Which of a pair (Chinese, English) is shown."""
    return 1 if (get_language() or "").startswith("en") else 0


def tone(status: str) -> tuple[str, str]:
    """Colour and icon of a status pill."""
    return _TONES[Status(status)]


def status_text(status: str) -> str:
    return STATUS_TEXTS[Status(status)][language()]


def detail_text(detail: str) -> str:
    return DETAIL_TEXTS[Detail(detail)][language()]


_PARTNER: Final = "partner:"
_SOURCES: Final[Mapping[str, Any]] = {
    "order": gettext_lazy("下单"),
    "scan": gettext_lazy("扫描"),
    "fact": gettext_lazy("车辆定位"),
    "timer": gettext_lazy("系统预计"),
    "manual": gettext_lazy("人工登记"),
    "import": gettext_lazy("原系统导入"),
}
_LEGS: Final[Mapping[LegState, Any]] = {
    LegState.PLANNED: gettext_lazy("待装车"),
    LegState.ON_BOARD: gettext_lazy("在车上"),
    LegState.DONE: gettext_lazy("已到站"),
    LegState.LEFT_BEHIND: gettext_lazy("未随车"),
}


def _of(table: Mapping[Any, tuple[str, str]], code: str) -> str:
    """The words of a code in a (Chinese, English) table of the journey; a code without words says nothing."""
    return table[code][language()] if code in table else ""


def kind_text(kind: str) -> str:
    """装车."""
    return _of(EVENT_TEXTS, kind)


def event_text(event: EventView) -> str:
    """装车; 派送未成功：联系不上收货人."""
    what, why = kind_text(event.kind), problem_text(event.data)
    if not why or why == what:
        return what
    return f"{what}: {why}" if language() else f"{what}：{why}"


def problem_text(overlay: Mapping[str, Any] | None) -> str:
    """货物破损; empty when nothing is wrong."""
    code = str(overlay.get("code", "")) if overlay else ""
    if code not in set(Problem):
        return ""
    kind = PROBLEMS[Problem(code)]
    return (kind.zh, kind.en)[language()]


def since(overlay: Mapping[str, Any] | None) -> datetime | None:
    """When it began to be wrong."""
    told = overlay.get("since") if overlay else None
    return datetime.fromisoformat(told) if told else None


def source_text(source: str) -> str:
    """How it became known: 扫描, 车辆定位; a partner by name."""
    if source.startswith(_PARTNER):
        return source.removeprefix(_PARTNER)
    return str(_SOURCES.get(source, ""))


def original(event: EventView) -> str:
    """What a partner wrote: its code and sentence. A code of our own list says what the event says already."""
    code = "" if event.raw_code in PARTNER_CODES["zaitu"] else event.raw_code
    return f"{code} {event.raw_text}".strip()


def leg_text(state: str) -> str:
    return str(_LEGS[LegState(state)])


def trip_state_text(state: str) -> str:
    return _of(TRIP_STATE_TEXTS, state)


def reason_text(code: str) -> str:
    """Why an estimate is what it is."""
    return _of(ETA_REASON_TEXTS, code)


def relation_text(code: str) -> str:
    """本人签收."""
    return _of(RELATION_TEXTS, code)


def span(minutes: int) -> str:
    """1 小时 40 分 from 100."""
    return span_text(timedelta(minutes=minutes), lang=get_language() or "")


def problem_choices() -> list[tuple[str, str]]:
    """What can be wrong, in the order people meet it."""
    return [(code.value, (PROBLEMS[code].zh, PROBLEMS[code].en)[language()]) for code in REPORTABLE]


def manual_choices(actor: Principal) -> list[tuple[str, str]]:
    """What this person may record at the desk."""
    told = [
        ("problem", _("登记异常")),
        ("problem_solved", _("异常解除")),
        ("pickup_booked", _("已预约揽收")),
        ("pickup_failed", _("揽收未成功")),
        ("ready_for_pickup", _("已到自提点")),
        ("returning", _("退回")),
        ("cancelled", _("取消运单")),
    ]
    corrected = [
        ("collected", _("补录揽收")),
        ("intercepted", _("拦截")),
        ("returned", _("发货人已收回")),
        ("lost", _("遗失结案")),
        ("disposed", _("处置结案")),
    ]
    return [*told, *(corrected if actor.can(Right.SHIPMENTS_CORRECT) else [])]
