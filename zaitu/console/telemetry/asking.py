"""What a terminal was asked and may be asked, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zaitu.access import public as access
from zaitu.console.door import StaffRequest
from zaitu.console.forms import Form
from zaitu.console.words import listed
from zaitu.kernel import clock
from zaitu.kernel.principal import Right
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.public import CommandView, TerminalView

SENDERS: Final = (Right.COMMANDS_TELL, Right.COMMANDS_MANAGE)
KINDS: Final[Mapping[str, Any]] = {
    "text": gettext_lazy("给司机发文字"),
    "locate": gettext_lazy("查询位置"),
    "parameters_ask": gettext_lazy("查询参数"),
    "parameters_set": gettext_lazy("设置参数"),
    "photo": gettext_lazy("拍照"),
    "fence_set": gettext_lazy("下发围栏"),
    "fence_delete": gettext_lazy("删除围栏"),
    "route_set": gettext_lazy("下发路线"),
    "route_delete": gettext_lazy("删除路线"),
    "restart": gettext_lazy("重启终端"),
}
_STATES: Final[Mapping[str, tuple[Any, str]]] = {
    "queued": (gettext_lazy("等待终端上线"), ""),
    "sent": (gettext_lazy("已发出，等待回答"), "pill--now"),
    "done": (gettext_lazy("已完成"), "pill--done"),
    "refused": (gettext_lazy("终端拒绝"), "pill--danger"),
    "unsupported": (gettext_lazy("终端不支持"), "pill--warn"),
    "expired": (gettext_lazy("已过期"), "pill--warn"),
}
_WHY: Final[Mapping[str, Any]] = {
    "offline": gettext_lazy("10 分钟内终端没有上线"),
    "unanswered": gettext_lazy("已发给终端，但没有收到回答"),
    "failed": gettext_lazy("终端执行失败"),
    "malformed": gettext_lazy("终端不认识这条消息"),
    "unwritable": gettext_lazy("终端换了协议版本，这条消息写不出来"),
}
_PARAMETERS: Final[Mapping[str, Any]] = {
    "heartbeat_s": gettext_lazy("心跳间隔（秒）"),
    "default_interval_s": gettext_lazy("上报间隔（秒）"),
    "sleep_interval_s": gettext_lazy("休眠上报间隔（秒）"),
    "sos_interval_s": gettext_lazy("紧急上报间隔（秒）"),
    "server": gettext_lazy("服务器地址"),
    "tcp_port": gettext_lazy("服务器端口"),
    "report_mode": gettext_lazy("上报方式"),
    "max_kmh": gettext_lazy("最高速度（公里/时）"),
    "max_driving_s": gettext_lazy("连续驾驶上限（秒）"),
    "max_parking_s": gettext_lazy("停车上限（秒）"),
}
_SETTABLE: Final = ("default_interval_s", "heartbeat_s", "sleep_interval_s", "sos_interval_s")
_SHOWS: Final[Mapping[str, Any]] = {
    "display": gettext_lazy("屏幕显示"),
    "speak": gettext_lazy("语音播读"),
    "urgent": gettext_lazy("紧急"),
}


def panel(request: StaffRequest, view: TerminalView, failed: Mapping[str, Form]) -> dict[str, Any]:
    """For the page of a terminal: what it sent lately, its vehicles, forms to ask it, and what it was asked.

    `failed`: forms that were refused, by their group.
    """
    now = clock.now()
    stays = sorted(network.bindings_of([view.terminal]), key=lambda stay: stay.from_at, reverse=True)
    context = {
        "silent": view.last_seen_at is None or now - view.last_seen_at > telemetry.SILENT_AFTER,
        "stays": [(stay, stay.to_at is None or stay.to_at > now) for stay in stays[:20]],
        "counts": telemetry.terminal_counts(actor=request.actor, terminal=view.terminal),
        "forms": {kind: failed.get(kind, Form()) for kind in map(group, KINDS)},
        "refused": next((form.message for form in failed.values() if not form.errors), ""),
        "settable": [(name, _PARAMETERS[name]) for name in _SETTABLE],
        "shows": _SHOWS,
        "sends": view.kind == "jt808" and any(request.actor.can(right) for right in SENDERS),
    }
    return context | (asked(request, view.terminal) if context["sends"] else {})


def group(kind: str) -> str:
    """Setting and deleting share a form."""
    return kind.replace("_delete", "_set")


def asked(request: StaffRequest, terminal: str) -> dict[str, Any]:
    page = telemetry.command_list(actor=request.actor, terminal=terminal)
    waits = any(one.open for one in page.rows)
    return {
        "terminal": terminal,
        "rows": [_row(one) for one in page.rows],
        "names": access.staff_names(actor=request.actor, usernames={one.asked_by for one in page.rows}),
        "again_s": 2 if waits else 15,
    }


def _row(one: CommandView) -> dict[str, Any]:
    state, tone = _STATES[one.state]
    return {
        "command": one,
        "kind": KINDS[one.kind],
        "what": _what(one),
        "state": state,
        "tone": tone,
        "why": _WHY.get(one.why, ""),
        "answer": list(_answer(one)),
    }


def _what(one: CommandView) -> str:
    asked = one.parameters
    if one.kind == "text":
        return f"“{asked['text']}” · {listed(str(text) for name, text in _SHOWS.items() if asked.get(name))}"
    if one.kind == "photo":
        return _("镜头 %(channel)s") % {"channel": asked["channel"]}
    if one.kind == "parameters_set":
        return listed(f"{_PARAMETERS[name]} {value}" for name, value in asked.items())
    return str(asked.get("name", ""))


def _answer(one: CommandView) -> Iterator[tuple[str, str]]:
    """(name, value) pairs of what came back."""
    told = one.answer
    if one.kind == "locate" and told.get("lat") is not None:
        yield _("位置"), f"{told['lat']:.5f}, {told['lon']:.5f}"
    elif one.kind == "locate" and told:
        yield _("位置"), _("终端没有定位")
    for parameter in told.get("parameters", ()):
        name = parameter["name"]
        yield (
            str(_PARAMETERS.get(name, "")) or _("参数 %(id)s") % {"id": parameter["id"]},
            str(parameter["value"]),
        )
    for number in told.get("media_ids", ()):
        yield _("照片编号"), str(number)
