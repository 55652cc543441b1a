"""Other numbers of a shipment: handed to a partner (转单), and a part that travels on its own (拆单)."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zaitu.console.door import StaffRequest, done, staff
from zaitu.console.forms import Form
from zaitu.console.journey.shipments import shipment_page
from zaitu.journey import public as journey
from zaitu.kernel.errors import Conflict, Invalid, RuleBroken
from zaitu.kernel.principal import Right


@require_POST
@staff(Right.TRIPS_PLAN)
def forward(request: StaffRequest, waybill: str) -> HttpResponse:
    """The goods travel on with a partner, under the partner's number."""
    form = Form.posted(request)
    try:
        journey.shipment_forward(
            actor=request.actor,
            waybill=waybill,
            number=form.text("number"),
            carrier=form.text("carrier"),
            station_code=form.text("station_code"),
        )
    except (Invalid, RuleBroken, Conflict) as error:
        return shipment_page(request, waybill, forms={"forwarding": _failed(form, error)}, status=422)
    done(request, _("已转单，合作方单号也能查到这票货"))
    return redirect("console:shipment", waybill=waybill)


@require_POST
@staff(Right.TRIPS_PLAN)
def split(request: StaffRequest, waybill: str) -> HttpResponse:
    """The ticked pieces travel on under a number of their own."""
    form = Form.posted(request)
    labels = sorted(form.chosen("labels"))
    try:
        part = journey.shipment_split(actor=request.actor, waybill=waybill, labels=labels)
    except (Invalid, RuleBroken, Conflict) as error:
        return shipment_page(request, waybill, forms={"splitting": _failed(form, error)}, status=422)
    said = _("已拆出 %(n)s 件，子单 %(waybill)s；货件标签不变") % {"n": part.pieces, "waybill": part.waybill}
    done(request, said)
    return redirect("console:shipment", waybill=waybill)


def _failed(form: Form, error: Invalid | RuleBroken | Conflict) -> Form:
    """A refusal that names no field stands above the form."""
    return form.failed(error if isinstance(error, Invalid) else Invalid(error.message))
