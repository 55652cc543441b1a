"""How statuses look and read."""

from datetime import timedelta
from typing import Final

from django.utils.translation import get_language

from zaitu.journey.public import DETAIL_TEXTS, STATUS_TEXTS, Detail, Status
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
