"""Robots in staff's groups."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.public import AlertKind, RobotDraft


@require_GET
@staff(Right.ROBOTS_MANAGE)
def robots(request: StaffRequest) -> HttpResponse:
    return _page(request, Form())


@require_POST
@staff(Right.ROBOTS_MANAGE)
def robot_add(request: StaffRequest) -> HttpResponse:
    form = Form.posted(request)
    draft = RobotDraft(
        name=form.text("name"), url=form.text("url"), secret=form.text("secret"), kinds=form.chosen("kinds")
    )
    try:
        added = notify.robot_add(actor=request.actor, draft=draft)
    except (Invalid, RuleBroken) as error:
        complaint = error if isinstance(error, Invalid) else Invalid(error.message)
        return _page(request, form.failed(complaint), status=422)
    done(request, _("机器人已添加，请发一条测试消息"))
    return redirect("console:robot", robot_id=added.id)


@require_http_methods(["GET", "POST"])
@staff(Right.ROBOTS_MANAGE)
def robot(request: StaffRequest, robot_id: int) -> HttpResponse:
    """One robot with what it was told; a POST tests it, switches it off or on, or removes it."""
    what = request.POST.get("do", "")
    if request.method == "GET":
        return _one(request, robot_id)
    if what == "remove":
        notify.robot_remove(actor=request.actor, robot_id=robot_id)
        done(request, _("机器人已删除"))
        return redirect("console:robots")
    if what == "test":
        try:
            notify.robot_test(actor=request.actor, robot_id=robot_id)
        except RuleBroken as error:
            return _one(request, robot_id, refused=error.message, status=409)
        done(request, _("测试消息已发出，结果稍后显示在提醒记录"))
    elif what in {"disable", "enable"}:
        notify.robot_switch(actor=request.actor, robot_id=robot_id, active=what == "enable")
        done(request, _("机器人已启用") if what == "enable" else _("机器人已停用"))
    return redirect("console:robot", robot_id=robot_id)


def _page(request: StaffRequest, form: Form, *, status: int = 200) -> HttpResponse:
    context = {
        "robots": notify.robots_list(actor=request.actor),
        "kinds": [(kind, *texts) for kind, texts in _kinds().items()],
        "kind_names": _kind_names(),
        "providers": _providers(),
        "form": form,
    }
    return show(request, "console/notify/robots.html", context, status=status)


def _one(request: StaffRequest, robot_id: int, *, refused: str = "", status: int = 200) -> HttpResponse:
    context = {
        "one": notify.robot_get(actor=request.actor, robot_id=robot_id),
        "told": notify.robot_messages(actor=request.actor, robot_id=robot_id),
        "kind_names": _kind_names(),
        "providers": _providers(),
        "refused": refused,
    }
    return show(request, "console/notify/robot.html", context, status=status)


def _kinds() -> dict[str, tuple[str, str]]:
    """Name, and what is meant by it."""
    return {
        AlertKind.EXCEPTION.value: (_("运输异常"), _("货物、车辆或车次出了问题")),
        AlertKind.CUSTOMER.value: (_("客户来询"), _("客户投诉、提问或在等回复")),
        AlertKind.CHANNEL.value: (_("通知渠道"), _("短信、微信等发不出去")),
        AlertKind.SYSTEM.value: (_("系统"), _("系统本身需要处理")),
    }


def _kind_names() -> dict[str, str]:
    return {kind: texts[0] for kind, texts in _kinds().items()}


def _providers() -> dict[str, str]:
    return {"wecom": _("企业微信"), "dingtalk": _("钉钉"), "feishu": _("飞书")}
