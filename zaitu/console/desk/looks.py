"""How conversations look and read."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from zaitu.desk import public as desk

KINDS: Final = {
    desk.Kind.QUESTION: (_("提问"), "message-circle"),
    desk.Kind.REQUEST: (_("改约"), "calendar-event"),
    desk.Kind.COMPLAINT: (_("投诉"), "flag"),
}
"""Name and icon."""
STATES: Final = {
    desk.State.OPEN: (_("待回复"), "warn"),
    desk.State.ANSWERED: (_("已回复"), "done"),
    desk.State.CLOSED: (_("已关闭"), "neutral"),
    desk.State.REOPENED: (_("重新打开"), "warn"),
}
"""Name and tone."""
STATE_CHIPS: Final = (
    ("", _("全部")),
    ("waiting", _("待回复")),
    ("open", _("未关闭")),
    ("closed", _("已关闭")),
)
STEPS: Final = {
    desk.What.CLOSED: _("关闭了工单"),
    desk.What.REOPENED: _("重新打开了工单"),
    desk.What.TAKEN: _("改了跟进人"),
}
ROLES: Final = {"consignee": _("收货人"), "consignor": _("发货人")}
CHANGES: Final = {
    desk.Change.TIME: _("改送达时间"),
    desk.Change.ADDRESS: _("改送货地址"),
    desk.Change.RECEIVER: _("换收货人"),
    desk.Change.CONTACTLESS: _("放到指定位置"),
    desk.Change.PICKUP: _("改为自提"),
}
FIELDS: Final = {
    "day": _("日期"),
    "slot": _("时段"),
    "address": _("新地址"),
    "name": _("收货人"),
    "phone": _("手机号"),
    "place": _("放置位置"),
}
SLOTS: Final = {
    "morning": _("上午"),
    "afternoon": _("下午"),
    "evening": _("晚上 18:00 后"),
    "any": _("全天都可以"),
}
REASONS: Final = {
    "late": _("比预计的晚"),
    "untold": _("没有提前告知"),
    "damaged": _("货物或包装有损坏"),
    "short": _("件数不对"),
    "manner": _("服务态度"),
    "place": _("没有送到约定地点"),
    "on_time": _("准时送达"),
    "told": _("每一步都有告知"),
    "intact": _("货物完好"),
    "kind": _("服务热情"),
    "careful": _("送货上门、摆放仔细"),
}


def ticket(one: desk.TicketView) -> dict[str, Any]:
    name, icon = KINDS[one.kind]
    state, tone = STATES[one.state]
    return {
        "one": one,
        "name": CHANGES[one.change] if one.change else name,
        "icon": icon,
        "state": state,
        "tone": tone,
        "closed": one.state is desk.State.CLOSED,
        "fields": [(FIELDS[field], SLOTS.get(value, value)) for field, value in one.fields.items()],
    }


def rating(one: desk.RatingView | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "stars": "★" * one.stars + "☆" * (5 - one.stars),
        "number": one.stars,
        "reasons": [REASONS[code] for code in one.reasons],
        "text": one.text,
        "at": one.created_at,
    }
