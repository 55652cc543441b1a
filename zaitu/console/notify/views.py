"""Webhook endpoints of customers."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.customers import public as customers
from zaitu.kernel.errors import Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.public import EndpointDraft, Kind


@require_safe
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
        _must_be_whole(request, code, form.text("url"))
        draft = EndpointDraft(customer_code=code, url=form.text("url"), kinds=form.chosen("kinds"))
        _view, secret = notify.endpoint_put(actor=request.actor, draft=draft)
    except (Invalid, RuleBroken) as error:
        complaint = error if isinstance(error, Invalid) else Invalid(error.message)
        return _page(request, form.failed(complaint), status=422)
    return _page(request, Form(), secret=secret)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.WEBHOOKS_MANAGE)
def webhook(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    """One endpoint with what was sent to it; a POST tests it, switches it off or on, renews its secret, or removes it."""
    what = request.POST.get("do", "")
    if request.method != "POST":
        return _one(request, endpoint_id)
    if what == "secret":
        secret = notify.endpoint_secret_renew(actor=request.actor, endpoint_id=endpoint_id)
        return _one(request, endpoint_id, secret=secret)
    if what == "remove":
        notify.endpoint_remove(actor=request.actor, endpoint_id=endpoint_id)
        done(request, _("推送地址已删除"))
        return redirect("console:webhooks")
    if what == "test":
        try:
            notify.endpoint_test(actor=request.actor, endpoint_id=endpoint_id)
        except RuleBroken as error:
            return _one(request, endpoint_id, refused=error.message, status=409)
        done(request, _("测试消息已发出，结果稍后显示在推送记录"))
    elif what in {"disable", "enable"}:
        notify.endpoint_switch(actor=request.actor, endpoint_id=endpoint_id, active=what == "enable")
        done(request, _("推送地址已启用") if what == "enable" else _("推送地址已停用"))
    return redirect("console:webhook", endpoint_id=endpoint_id)


@require_POST
@staff(Right.WEBHOOKS_MANAGE)
def webhook_redeliver(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    """Send one of the messages on its page again."""
    message_id = Form.posted(request).text("message")
    try:
        notify.redeliver(actor=request.actor, endpoint_id=endpoint_id, message_id=message_id)
    except RuleBroken as error:
        return _one(request, endpoint_id, refused=error.message, status=409)
    done(request, _("消息已重新排队"))
    return redirect("console:webhook", endpoint_id=endpoint_id)


def _must_be_whole(request: StaffRequest, code: str, url: str) -> None:
    """Raises Invalid at both fields at once."""
    wrong = {} if url else {"url": _("请填写网址")}
    if not code:
        wrong["customer_code"] = _("请选择客户")
    else:
        try:
            customers.customer_get(actor=request.actor, code=code)
        except NotFound:
            wrong["customer_code"] = _("没有这个客户，请从列表中选择")
    if wrong:
        raise Invalid(fields=wrong)


def _page(request: StaffRequest, form: Form, *, secret: str = "", status: int = 200) -> HttpResponse:
    endpoints = notify.endpoints_list(actor=request.actor)
    context = {
        "endpoints": endpoints,
        "callbacks": notify.callbacks_list(actor=request.actor),
        "customers": customers.customer_names(
            actor=request.actor, codes={one.customer_code for one in endpoints}
        ),
        "kinds": [(kind, text, "") for kind, text in _kind_names().items()],
        "kind_names": _kind_names(),
        "form": form,
        "secret": secret,
    }
    return show(request, "console/notify/webhooks.html", context, status=status)


def _one(
    request: StaffRequest, endpoint_id: int, *, secret: str = "", refused: str = "", status: int = 200
) -> HttpResponse:
    endpoint = notify.endpoint_get(actor=request.actor, endpoint_id=endpoint_id)
    code = endpoint.customer_code
    context = {
        "one": endpoint,
        "customer": customers.customer_names(actor=request.actor, codes={code}).get(code, code),
        "page": notify.deliveries_of(actor=request.actor, endpoint_id=endpoint_id, page=page_number(request)),
        "query": query_without_page(request),
        "kind_names": _kind_names(),
        "secret": secret,
        "refused": refused,
    }
    return show(request, "console/notify/webhook.html", context, status=status)


def _kind_names() -> dict[str, str]:
    return {
        Kind.ACCEPTED.value: _("下单"),
        Kind.DEPARTED.value: _("发车"),
        Kind.STOP.value: _("途经"),
        Kind.SOON.value: _("即将送达"),
        Kind.SIGNED.value: _("签收"),
        Kind.EXCEPTION.value: _("运输异常"),
        Kind.CORRECTION.value: _("送达时间变更"),
    }
