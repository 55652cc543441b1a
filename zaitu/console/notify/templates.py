"""The words of SMS and other short messages."""

from itertools import groupby

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify


@require_GET
@staff(Right.TEMPLATES_EDIT)
def templates(request: StaffRequest) -> HttpResponse:
    """Every event on every channel that says one sentence."""
    found = notify.templates_list(actor=request.actor)
    context = {
        "channels": [
            (channel, list(rows)) for channel, rows in groupby(found, key=lambda view: view.channel.value)
        ],
        "sms_off": not settings.ZAITU_SMS_PROVIDER,
    }
    return show(request, "console/notify/templates.html", context)


@require_http_methods(["GET", "POST"])
@staff(Right.TEMPLATES_EDIT)
def template(request: StaffRequest, channel: str, event: str) -> HttpResponse:
    """One of them; a POST saves it, or brings the default back."""
    if request.method == "GET":
        return _one(request, channel, event, Form())
    form = Form.posted(request)
    if form.text("do") == "reset":
        notify.template_reset(actor=request.actor, channel=channel, kind=event)
        done(request, _("已恢复默认模板"))
        return redirect("console:template", channel=channel, event=event)
    try:
        notify.template_put(actor=request.actor, draft=_draft(form, channel, event))
    except Invalid as error:
        return _one(request, channel, event, form.failed(error), status=422)
    done(request, _("已保存，下一条消息起生效"))
    return redirect("console:templates")


@require_POST
@staff(Right.TEMPLATES_EDIT)
def template_preview(request: StaffRequest, channel: str, event: str) -> HttpResponse:
    """What has been typed so far, as people would read it; what is wrong with it stands in its place."""
    form = Form.posted(request)
    context: dict[str, object] = {"needs_code": False}
    try:
        context["preview"] = notify.template_preview(actor=request.actor, draft=_draft(form, channel, event))
    except Invalid as error:
        context["wrong"] = list(form.failed(error).errors.values())
    return show(request, "console/notify/template_preview.html", context)


def _draft(form: Form, channel: str, event: str) -> notify.TemplateDraft:
    return notify.TemplateDraft(kind=event, channel=channel, text=form.text("text"), code=form.text("code"))


def _one(request: StaffRequest, channel: str, event: str, form: Form, *, status: int = 200) -> HttpResponse:
    one = notify.template_get(actor=request.actor, channel=channel, kind=event)
    context = {
        "one": one,
        "form": form,
        "preview": one.preview,
        "wrong": list(form.errors.values()) or ([one.refused] if one.refused else []),
        "variables": [
            (f"{{{name}}}", about, example)
            for name, (about, example) in notify.VARIABLES.items()
            if name != "link" or not one.needs_code
        ],
    }
    return show(request, "console/notify/template.html", context, status=status)
