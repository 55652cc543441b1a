"""One terminal: what it is, the pictures it sent, what it told beside positions."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.telemetry.asking import panel
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Right
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.public import ReportView

KINDS: Final[Mapping[str, Any]] = {
    "jt808": gettext_lazy("车载终端（JT/T 808）"),
    "elock": gettext_lazy("电子锁"),
    "mqtt": gettext_lazy("传感器"),
    "osmand": gettext_lazy("手机定位"),
}
_PROFILES: Final[Mapping[str, Any]] = {
    "": gettext_lazy("按型号自动选择"),
    "standard": gettext_lazy("部标，不含厂商扩展"),
    "magnitude": gettext_lazy("部标，零下温度用符号位"),
    "complement": gettext_lazy("部标，零下温度用补码"),
    "jointech": gettext_lazy("久通电子锁（JT70x）"),
    "padlock": gettext_lazy("挂锁（G-300、G-360、G-508）"),
    "huabao": gettext_lazy("蓝牙锁（华宝）"),
    "wide_ids": gettext_lazy("附加信息编号两字节"),
    "wide": gettext_lazy("附加信息编号和长度两字节"),
}
_MEDIA: Final[Mapping[str, Any]] = {
    "image": gettext_lazy("照片"),
    "audio": gettext_lazy("录音"),
    "video": gettext_lazy("录像"),
}
_EVENTS: Final[Mapping[str, Any]] = {
    "asked": gettext_lazy("平台下发"),
    "timed": gettext_lazy("定时"),
    "robbery": gettext_lazy("抢劫报警"),
    "collision": gettext_lazy("碰撞侧翻"),
    "door_opened": gettext_lazy("开门"),
    "door_closed": gettext_lazy("关门"),
}
_CARDS: Final[Mapping[str, Any]] = {"in": gettext_lazy("插卡"), "out": gettext_lazy("拔卡")}
_REPORTS: Final[Mapping[str, Any]] = {
    "driver_card": gettext_lazy("驾驶员卡"),
    "waybill": gettext_lazy("电子运单"),
    "media": gettext_lazy("拍摄"),
}
_JPEG: Final = "image/jpeg"


def profile_choices() -> list[tuple[str, str]]:
    """Those that telemetry has, by their words; one without words by its name."""
    return [(name, str(_PROFILES.get(name, name))) for name in ("", *telemetry.PROFILES)]


@require_safe
@staff(Right.POSITIONS_READ)
def terminal(request: StaffRequest, terminal: str) -> HttpResponse:
    return page(request, terminal, Form())


@require_POST
@staff(Right.TERMINALS_MANAGE)
def terminal_profile(request: StaffRequest, terminal: str) -> HttpResponse:
    form = Form.posted(request)
    try:
        telemetry.terminal_profile_set(actor=request.actor, terminal=terminal, profile=form.text("profile"))
    except Invalid as error:
        return page(request, terminal, form.failed(error), status=422)
    done(request, _("已保存，终端下次连接时生效"))
    return redirect("console:terminal", terminal)


@require_safe
@staff(Right.POSITIONS_READ)
def media(request: StaffRequest, media_id: str) -> HttpResponse:
    """A file as the terminal sent it; reading it goes on record. Only pictures open, everything else is saved."""
    content, mime = telemetry.media_read(actor=request.actor, media_id=media_id)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    if mime != _JPEG:
        headers["Content-Disposition"] = f'attachment; filename="{media_id}"'
    return HttpResponse(content, content_type=mime, headers=headers)


@require_POST
@staff(Right.PERSONAL_READ)
def report(request: StaffRequest, report_id: int) -> HttpResponse:
    """Unmasked, in place of the masked words; on record with the reason."""
    found = telemetry.report_read(
        actor=request.actor, report_id=report_id, reason=request.POST.get("reason", "")
    )
    return show(request, "console/telemetry/report.html", {"text": _words(found)})


def page(
    request: StaffRequest,
    number: str,
    form: Form,
    *,
    asked_wrong: Mapping[str, Form] | None = None,
    status: int = 200,
) -> HttpResponse:
    one = telemetry.terminal_view(actor=request.actor, terminal=number)
    pictures = telemetry.media_list(actor=request.actor, terminal=number, page=page_number(request))
    reports = telemetry.reports_list(actor=request.actor, terminal=number)
    context = {
        "one": one,
        "kind": KINDS.get(one.kind, one.kind),
        "profiles": profile_choices(),
        "profile": _PROFILES.get(one.profile, one.profile),
        "page": pictures,
        "media": [
            (row, _MEDIA.get(row.kind, _("其他")), _EVENTS.get(row.event, _("其他"))) for row in pictures.rows
        ],
        "reports": [(row, _REPORTS.get(row.kind, row.kind), _words(row)) for row in reports],
        **panel(request, one, asked_wrong or {}),
        "form": form,
        "query": query_without_page(request),
    }
    return show(request, "console/telemetry/terminal.html", context, status=status)


def _words(row: ReportView) -> str:
    """What it says, in a line."""
    body = row.body
    if row.kind == "waybill":
        return str(body["text"]) if "text" in body else _("%(n)d 个字") % {"n": body["length"]}
    if row.kind == "media":
        event = _EVENTS.get(str(body.get("event")), _("其他"))
        return _("%(event)s，通道 %(channel)s") % {"event": event, "channel": body.get("channel")}
    said = [
        str(_CARDS[body["card"]]) if body.get("card") in _CARDS else "",
        *(str(body.get(name) or "") for name in ("name", "certificate", "id_number", "authority")),
    ]
    return " · ".join(word for word in said if word)
