"""A rating: stars, then the question of their band, its reasons, and a few words."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.words import shown

CHANGE_WITHIN: Final = timedelta(days=7)
"""After it was given."""
TEXT_MAX: Final = 500
LOW: Final = 2
"""So few stars, or fewer, are a complaint that somebody answers."""


class Band(StrEnum):
    BAD = "bad"
    FAIR = "fair"
    GOOD = "good"


QUESTIONS: Final[Mapping[Band, str]] = {
    Band.BAD: "哪里让您不满意？",
    Band.FAIR: "哪里可以做得更好？",
    Band.GOOD: "哪些地方做得好？",
}
_WANTING: Final = {
    "late": "比预计的晚",
    "untold": "没有提前告知",
    "damaged": "货物或包装有损坏",
    "short": "件数不对",
    "manner": "服务态度",
    "place": "没有送到约定地点",
}
REASONS: Final[Mapping[Band, Mapping[str, str]]] = {
    Band.BAD: _WANTING,
    Band.FAIR: _WANTING,
    Band.GOOD: {
        "on_time": "准时送达",
        "told": "每一步都有告知",
        "intact": "货物完好",
        "kind": "服务热情",
        "careful": "送货上门、摆放仔细",
    },
}


def band_of(stars: int) -> Band:
    """Of 1–5 stars; raises Invalid."""
    if not 1 <= stars <= 5:
        raise Invalid("请选择 1–5 颗星", fields={"stars": "请选择 1–5 颗星"})
    return Band.BAD if stars <= LOW else Band.FAIR if stars == 3 else Band.GOOD


def rating_checked(stars: int, reasons: Collection[str], text: str) -> tuple[tuple[str, ...], str]:
    """The reasons of the band that were ticked, in its order, and the text. Raises Invalid."""
    known = REASONS[band_of(stars)]
    said = shown(text, lines=True)
    if len(said) > TEXT_MAX:
        raise Invalid("评价太长", fields={"text": f"最多 {TEXT_MAX} 个字"})
    return tuple(code for code in known if code in reasons), said


def rating_words(stars: int, reasons: Collection[str], text: str) -> str:
    """As a complaint says it: 评价 2 星：比预计的晚、服务态度。取货打了三次电话."""
    named = "、".join(REASONS[band_of(stars)][code] for code in reasons)
    return f"评价 {stars} 星" + (f"：{named}" if named else "") + (f"。{text}" if text else "")
