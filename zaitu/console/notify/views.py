"""Webhook endpoints of customers."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.customers import public as customers
from zaitu.kernel.errors import Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.public import EndpointDraft, Kind


@require_GET
@staff(Right.WEBHOOKS_MANAGE)
def webhooks(request: StaffRequest) -> HttpResponse:
    return _page(request, Form())


@require_POST
@staff(Right.WEBHOOKS_MANAGE)
def webhook_put(request: StaffRequest) -> HttpResponse:
    """A new endpoint; its secret is in this one answer and never again."""
    form = Form.posted(request)
    code = form.text("customer_code")
    try:
        _customer_must_exist(request, code)
        draft = EndpointDraft(customer_code=code, url=form.text("url"), kinds=form.chosen("kinds"))
        _view, secret = notify.endpoint_put(actor=request.actor, draft=draft)
    except (Invalid, RuleBroken) as error:
        complaint = error if isinstance(error, Invalid) else Invalid(error.message)
        return _page(request, form.failed(complaint), status=422)
    return _page(request, Form(), secret=secret)


@require_POST
@staff(Right.WEBHOOKS_MANAGE)
def webhook_do(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    """Test, renew the secret, or remove."""
    what = request.POST.get("do", "")
    if what == "test":
        try:
            notify.endpoint_test(actor=request.actor, endpoint_id=endpoint_id)
        except RuleBroken as error:
            return _page(request, Form().failed(Invalid(error.message)), status=409)
        done(request, _("测试消息已发出，结果稍后显示在“最近成功”"))
    elif what == "secret":
        return _page(
            request, Form(), secret=notify.endpoint_secret_renew(actor=request.actor, endpoint_id=endpoint_id)
        )
    elif what == "remove":
        notify.endpoint_remove(actor=request.actor, endpoint_id=endpoint_id)
        done(request, _("推送地址已删除"))
    return redirect("console:webhooks")


def _customer_must_exist(request: StaffRequest, code: str) -> None:
    try:
        customers.customer_get(actor=request.actor, code=code)
    except NotFound:
        raise Invalid(fields={"customer_code": _("没有这个客户编号")}) from None


def _page(request: StaffRequest, form: Form, *, secret: str = "", status: int = 200) -> HttpResponse:
    texts = {
        Kind.ACCEPTED: _("下单"),
        Kind.DEPARTED: _("发车"),
        Kind.STOP: _("途经"),
        Kind.SOON: _("即将送达"),
        Kind.SIGNED: _("签收"),
    }
    endpoints = notify.endpoints_list(actor=request.actor)
    context = {
        "endpoints": endpoints,
        "customers": customers.customer_names(
            actor=request.actor, codes={one.customer_code for one in endpoints}
        ),
        "kinds": [(kind.value, text, "") for kind, text in texts.items()],
        "kind_names": {kind.value: text for kind, text in texts.items()},
        "form": form,
        "secret": secret,
    }
    return show(request, "console/notify/webhooks.html", context, status=status)
