"""Contract customers, and erasing a person."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.customers import public as customers
from zaitu.customers.public import CustomerDraft, CustomerKind
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Right


@require_safe
@staff(Right.CUSTOMERS_READ)
def customers_list(request: StaffRequest) -> HttpResponse:
    return _list(request, Form())


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.CUSTOMERS_EDIT)
def customer_edit(request: StaffRequest, code: str = "") -> HttpResponse:
    customer = customers.customer_get(actor=request.actor, code=code) if code else None
    kinds = [(CustomerKind.CONTRACT.value, _("合同客户")), (CustomerKind.RETAIL.value, _("散客"))]
    context = {"customer": customer, "kinds": kinds}
    if request.method != "POST":
        return show(request, "console/customers/customer.html", {**context, "form": Form()})
    form = Form.posted(request)
    try:
        customers.customer_put(
            actor=request.actor,
            draft=CustomerDraft(
                code=code or form.text("code"),
                name=form.text("name"),
                kind=_kind(form.text("kind")),
                email=form.text("email"),
                active=form.ticked("active") or customer is None,
            ),
        )
    except Invalid as error:
        return show(
            request, "console/customers/customer.html", {**context, "form": form.failed(error)}, status=422
        )
    done(request, _("已保存"))
    return redirect("console:customers")


@require_POST
@staff(Right.CUSTOMERS_EDIT)
def person_erase(request: StaffRequest) -> HttpResponse:
    """Blank everything that tells who had this number, after a person's request."""
    form = Form.posted(request)
    try:
        count = customers.person_erase(
            actor=request.actor, phone=form.text("phone"), reason=form.text("reason")
        )
    except Invalid as error:
        wrong = error.fields or {"phone": error.message}
        return _list(request, form.failed(Invalid(error.message, fields=wrong)), status=422)
    done(request, _("已删除 %(count)d 条联系人信息，运单记录保留") % {"count": count})
    return redirect("console:customers")


def _kind(text: str) -> CustomerKind:
    if text not in set(CustomerKind):
        raise Invalid(fields={"kind": _("请选择类型")})
    return CustomerKind(text)


def _list(request: StaffRequest, form: Form, *, status: int = 200) -> HttpResponse:
    text = request.GET.get("q", "")
    context = {
        "page": customers.customers_search(actor=request.actor, text=text, page=page_number(request)),
        "q": text,
        "query": query_without_page(request),
        "form": form,
    }
    return show(request, "console/customers/list.html", context, status=status)
