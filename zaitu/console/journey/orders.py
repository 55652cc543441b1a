"""Placing an order, and many at once from a file."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zaitu.console.door import StaffRequest, show, staff
from zaitu.console.forms import Form
from zaitu.console.network.views import uploaded
from zaitu.journey import public as journey
from zaitu.journey.public import OrderDraft, PartyDraft
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.ORDERS_CREATE)
def order_new(request: StaffRequest) -> HttpResponse:
    """A form that keeps what was typed; then the waybill, the time it arrives, and its labels."""
    context = {"products": _products(request.actor)}
    if request.method != "POST":
        return show(request, "console/journey/order.html", {**context, "form": Form()})
    form = Form.posted(request)
    own: dict[str, str] = {}
    try:
        order = journey.order_create(actor=request.actor, draft=_draft(form, own))
    except (Invalid, RuleBroken) as error:
        fields = {**error.fields, **own} if isinstance(error, Invalid) else own
        failed = form.failed(Invalid(error.message if not fields else "", fields=fields))
        return show(request, "console/journey/order.html", {**context, "form": failed}, status=422)
    return show(request, "console/journey/ordered.html", {"order": order, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.ORDERS_CREATE)
def orders_import(request: StaffRequest) -> HttpResponse:
    """Good rows become orders, bad ones are told by row and column."""
    context: dict[str, Any] = {"form": Form()}
    if request.method != "POST":
        return show(request, "console/journey/orders_import.html", context)
    try:
        name, content = uploaded(request)
        context["report"] = journey.orders_import(actor=request.actor, filename=name, content=content)
    except Invalid as error:
        context["form"] = Form().failed(error)
        return show(request, "console/journey/orders_import.html", context, status=422)
    return show(request, "console/journey/orders_import.html", context)


@require_safe
@staff(Right.ORDERS_CREATE)
def orders_template(request: StaffRequest) -> HttpResponse:
    """The headers of the order file, with one example row."""
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
    return HttpResponse(
        "\ufeff" + journey.orders_template(), content_type="text/csv; charset=utf-8", headers=headers
    )


def _products(actor: Principal) -> list[tuple[str, str, bool]]:
    """(code, name, cold) of what can be ordered; cold chain, which asks for more, comes last."""
    found = [one for one in network.products_list(actor=actor) if one.active]
    return [(one.code, one.name, one.cold) for one in sorted(found, key=lambda one: one.cold)]


def _draft(form: Form, own: dict[str, str]) -> OrderDraft:
    """What was typed; what cannot be read is told in `own`, and stands there as something the room refuses."""
    return OrderDraft(
        customer_code=form.text("customer_code") or None,
        product=form.text("product"),
        from_station=form.text("from_station"),
        to_station=form.text("to_station"),
        consignor=_party(form, "consignor"),
        consignee=_party(form, "consignee"),
        pieces=_pieces(form),
        weight_kg=form.any_number("weight_kg"),
        volume_m3=form.any_number("volume_m3", 0.0),
        goods=form.text("goods"),
        cold_min_c=form.any_number("cold_min_c") if form.text("cold_min_c") else None,
        cold_max_c=form.any_number("cold_max_c") if form.text("cold_max_c") else None,
        remarks=form.text("remarks"),
        client_ref=form.text("client_ref"),
        items=_items(form, own),
    )


def _pieces(form: Form) -> int:
    pieces = form.any_number("pieces")
    return int(pieces) if pieces.is_integer() else 0


def _party(form: Form, role: str) -> PartyDraft:
    values = {name: form.text(f"{role}.{name}") for name in ("name", "phone", "city", "address", "email")}
    return PartyDraft(**values)


def _items(form: Form, own: dict[str, str]) -> tuple[tuple[str, str, int], ...]:
    """One a line: code, name, quantity."""
    items = []
    for number, row in enumerate(form.values.get("items", "").splitlines(), start=1):
        words = row.replace("，", ",").split(",") if "," in row.replace("，", ",") else row.split()
        words = [word.strip() for word in words if word.strip()]
        if not words:
            continue
        if len(words) != 3 or not words[2].isascii() or not words[2].isdigit():
            own["items"] = _("第 %(n)d 行应为：货号 名称 数量") % {"n": number}
            return (("", "", 0),)
        items.append((words[0], words[1], int(words[2])))
    return tuple(items)
