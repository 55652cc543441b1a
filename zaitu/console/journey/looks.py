"""How statuses look and read."""

from datetime import timedelta
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zaitu.journey.public import DETAIL_TEXTS, PROBLEMS, REPORTABLE, STATUS_TEXTS, Detail, Status
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
