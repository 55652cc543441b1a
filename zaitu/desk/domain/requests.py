"""What a customer may ask to have changed, and what we must know for it. A request changes no order by itself."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.phones import phone_normal
from zaitu.kernel.words import shown


class Change(StrEnum):
    TIME = "time"
    ADDRESS = "address"
    RECEIVER = "receiver"
    CONTACTLESS = "contactless"
    """Put down at a place, with a photo."""
    PICKUP = "pickup"
    """Fetched by the customer instead of delivered."""


CHANGE_TEXTS: Final = {
    Change.TIME: "改送达时间",
    Change.ADDRESS: "改送货地址",
    Change.RECEIVER: "换收货人",
    Change.CONTACTLESS: "放到指定位置",
    Change.PICKUP: "改为自提",
}
FIELDS: Final[Mapping[Change, tuple[str, ...]]] = {
    Change.TIME: ("day", "slot"),
    Change.ADDRESS: ("address",),
    Change.RECEIVER: ("name", "phone"),
    Change.CONTACTLESS: ("place",),
    Change.PICKUP: ("day",),
}
"""All are needed."""
FIELD_TEXTS: Final = {
    "day": "日期",
    "slot": "时段",
    "address": "新地址",
    "name": "收货人",
    "phone": "手机号",
    "place": "放置位置",
}
SLOTS: Final = {"morning": "上午", "afternoon": "下午", "evening": "晚上 18:00 后", "any": "全天都可以"}
DAYS_AHEAD: Final = 30
_LENGTHS: Final = {"address": (5, 200), "name": (1, 40), "place": (2, 100)}


def change_checked(change: str, fields: Mapping[str, str], *, today: date) -> tuple[Change, dict[str, str]]:
    """What is asked, with only the fields it needs. Raises Invalid naming every wrong field. `today` is the Chinese date."""
    if change not in {known.value for known in Change}:
        raise Invalid("请选择要改什么", fields={"change": "请选择要改什么"})
    asked = Change(change)
    kept: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name in FIELDS[asked]:
        try:
            kept[name] = _field(name, shown(fields.get(name, "")), today)
        except Invalid as error:
            wrong[name] = error.message
    if wrong:
        raise Invalid("请补全要改的内容", fields=wrong)
    return asked, kept


def _field(name: str, text: str, today: date) -> str:
    if name == "day":
        return _day(text, today)
    if name == "slot":
        if text not in SLOTS:
            raise Invalid("请选择时段")
        return text
    if name == "phone":
        try:
            return phone_normal(text)
        except Invalid:
            raise Invalid("请填写正确的手机号") from None
    least, most = _LENGTHS[name]
    if not least <= len(text) <= most:
        raise Invalid(f"请填写{FIELD_TEXTS[name]}（{least}–{most} 个字）")
    return text


def _day(text: str, today: date) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid("请选择日期") from None
    if not today <= day <= today + timedelta(days=DAYS_AHEAD):
        raise Invalid(f"请选择今天起 {DAYS_AHEAD} 天内的日期")
    return day.isoformat()


def change_words(change: Change, fields: Mapping[str, str]) -> str:
    """One line for lists and search: 改送达时间：2026-11-28 下午."""
    said = [SLOTS.get(fields[name], fields[name]) for name in FIELDS[change] if fields.get(name)]
    return f"{CHANGE_TEXTS[change]}：{' '.join(said)}"
