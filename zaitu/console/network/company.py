"""What the company is called."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Right
from zaitu.network import public as network


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.COMPANY_EDIT)
def company(request: StaffRequest) -> HttpResponse:
    context = {
        "company": network.company(),
        "prefix": settings.ZAITU_WAYBILL_PREFIX,
        "public_url": settings.ZAITU_PUBLIC_URL,
    }
    if request.method != "POST":
        return show(request, "console/network/company.html", {**context, "form": Form()})
    form = Form.posted(request)
    draft = network.CompanyView(name=form.text("name"), hotline=form.text("hotline"))
    try:
        network.company_put(actor=request.actor, company=draft)
    except Invalid as error:
        return show(
            request, "console/network/company.html", {**context, "form": form.failed(error)}, status=422
        )
    done(request, _("已保存"))
    return redirect("console:company")
