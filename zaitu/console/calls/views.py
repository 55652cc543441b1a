"""The record of calls, and who waits for a person."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zaitu.access import public as access
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.words import listed, understood
from zaitu.hotline import public as hotline
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict
from zaitu.kernel.principal import Right
from zaitu.kernel.waybills import Mistyped, waybill_normal

_NAMES: Final = ("waybill", "outcome", "verified", "from", "to")
_NOT_VERIFIED: Final = "no"


@require_safe
@staff(Right.CALLS_READ)
def calls(request: StaffRequest) -> HttpResponse:
    said = {name: request.GET.get(name, "").strip()[:64] for name in _NAMES}
    query = _query(said)
    page = hotline.calls_list(actor=request.actor, query=query, page=page_number(request))
    context = {
        "page": page,
        "rows": [_row(one) for one in page.rows],
        "figures": _figures(hotline.calls_figures(actor=request.actor, query=query)),
        "people": access.staff_names(actor=request.actor, usernames={one.taken_by for one in page.rows}),
        "asked": said,
        "outcomes": list(_outcomes().items()),
        "verifications": list(_verifications().items()),
        "query": query_without_page(request),
        "filtered": any(said.values()),
    }
    return show(request, "console/calls/calls.html", context)


@require_safe
@staff(Right.CALLS_READ)
def waiting(request: StaffRequest) -> HttpResponse:
    """The panel that every page shows while somebody waits."""
    rows = [_row(one) for one in hotline.calls_waiting(actor=request.actor)]
    return show(request, "console/calls/waiting.html", {"rows": rows})


@require_POST
@staff(Right.CALLS_READ)
def take(request: StaffRequest, call: int) -> HttpResponse:
    """Say that one speaks with the caller, and go to what the call is about."""
    try:
        hotline.call_take(actor=request.actor, call=call)
    except Conflict as error:
        done(request, understood(error.message))
        return redirect("console:calls")
    waybill = request.POST.get("waybill", "")
    try:
        return redirect("console:shipment", waybill=waybill_normal(waybill))
    except Mistyped:
        return redirect("console:calls")


def _query(said: dict[str, str]) -> hotline.CallQuery:
    """What is no number, day or word is no filter; a number that is none finds nothing."""
    first, last = _day(said["from"]), _day(said["to"])
    verified = {_NOT_VERIFIED: "", "caller": "caller", "tail": "tail"}.get(said["verified"])
    return hotline.CallQuery(
        waybill=_waybill(said["waybill"]),
        outcome=said["outcome"] if said["outcome"] in set(hotline.Outcome) else "",
        verified=verified,
        since=first,
        until=last + timedelta(days=1) if last else None,
    )


def _waybill(text: str) -> str:
    try:
        return waybill_normal(text) if text else ""
    except Mistyped:
        return text[:20]


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=clock.CHINA)
    except ValueError:
        return None


def _row(one: hotline.CallView) -> dict[str, Any]:
    roles = {"发货人": _("发货人"), "收货人": _("收货人")}
    return {
        "call": one,
        "role": roles.get(one.role, ""),
        "outcome": _outcomes()[one.outcome],
        "verified": _verifications()[one.verified or _NOT_VERIFIED],
        "asked": listed(_asked().get(text, text) for text in one.asked),
        "why": _why().get(one.why, one.why),
    }


def _figures(figures: hotline.CallFigures) -> dict[str, Any]:
    over = figures.served + figures.handed
    return {
        "calls": figures.calls,
        "served": figures.served,
        "handed": figures.handed,
        "left": figures.left,
        "share": round(100 * figures.served / over) if over else None,
        "answer_s": None if figures.answer_s is None else round(figures.answer_s),
    }


def _outcomes() -> dict[str, str]:
    return {
        "running": _("通话中"),
        "served": _("自助完成"),
        "person": _("转人工"),
        "left": _("未查询挂断"),
    }


def _verifications() -> dict[str, str]:
    return {_NOT_VERIFIED: _("未核实"), "caller": _("来电号码"), "tail": _("手机号后四位")}


def _asked() -> dict[str, str]:
    return {
        "状态": _("状态"),
        "签收和位置详情": _("签收和位置详情"),
        "短信链接": _("短信链接"),
        "人工客服": _("人工客服"),
    }


def _why() -> dict[str, str]:
    return {
        "要求人工": _("要求人工"),
        "三次没有查到单号": _("三次没有查到单号"),
        "三次核对不一致": _("三次核对不一致"),
        "三次没有听清": _("三次没有听清"),
        "查询次数过多": _("查询次数过多"),
        "通话太长": _("通话太长"),
    }
