"""The shipment list, its export, and the page of one shipment."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from zaitu.access import public as access
from zaitu.console import exports
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.journey import filters
from zaitu.console.journey.looks import kind_text, manual_choices, problem_choices, status_text
from zaitu.customers import public as customers
from zaitu.journey import public as journey
from zaitu.journey.public import Kind, ManualEvent, ShipmentQuery, ShipmentRow, Status
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.telemetry import public as telemetry
from zaitu.ui.labels import labels_pdf

EXPORT_MAX: Final = 20_000
_EXPORT_PAGE: Final = 200
_CHOSEN_MAX: Final = 200
"""Shipments on a page, and then some."""


@require_safe
@staff(Right.SHIPMENTS_READ)
def shipments(request: StaffRequest) -> HttpResponse:
    """The list; HTMX asks for the rows alone."""
    said = filters.asked(request.GET)
    query = filters.query_of(said)
    page = journey.shipments_search(actor=request.actor, query=query, page=page_number(request))
    context = {
        "page": page,
        "customers": customers.customer_names(
            actor=request.actor, codes={row.customer_code for row in page.rows if row.customer_code}
        ),
        "asked": said,
        "chips": filters.chips(request.actor, said),
        "query": query_without_page(request),
        "columns": _columns(),
        "statuses": [(status.value, status_text(status)) for status in Status],
        "sorts": [
            ("-ordered_at", _("最新下单")),
            ("-status_at", _("最近更新")),
            ("eta", _("最早到达")),
            ("ordered_at", _("最早下单")),
        ],
        "filtered": any(value for name, value in said.items() if name != "sort"),
    }
    part = "#rows" if request.htmx else ""
    return show(request, f"console/journey/shipments.html{part}", context)


def _columns() -> list[tuple[str, str, bool]]:
    """Columns one may hide or show: code, name, whether it is shown at first."""
    return [
        ("route", _("路线"), True),
        ("goods", _("货物"), True),
        ("pieces", _("件数"), True),
        ("customer", pgettext("one", "客户"), False),
        ("eta", _("预计送达"), True),
        ("trip", pgettext("one", "车次"), True),
        ("ordered", _("下单时间"), False),
        ("updated", _("更新"), True),
    ]


@require_safe
@staff(Right.SHIPMENTS_READ)
def shipments_export(request: StaffRequest, form: str) -> HttpResponse:
    """The filtered list for a spreadsheet, at most 20,000 rows; no personal data."""
    query = filters.query_of(filters.asked(request.GET))
    rows = list(_export_rows(request.actor, query))
    codes = {row.customer_code for row in rows if row.customer_code}
    names = customers.customer_names(actor=request.actor, codes=codes)
    access.audit(
        actor=request.actor,
        action="shipments.export",
        subject="shipments",
        detail={"query": str(query)[:500], "rows": len(rows)},
    )
    return exports.sheet("shipments", form, _EXPORTED, (_exported(row, names) for row in rows))


_EXPORTED: Final = (
    "运单号", "状态", "明细", "始发站", "目的站", "货物", "件数", "客户编号", "客户", "车次", "车牌", "下单时间",
    "状态时间", "预计送达", "晚点(分钟)", "异常",
)  # fmt: skip


def _export_rows(actor: Principal, query: ShipmentQuery) -> Iterator[ShipmentRow]:
    for number in range(1, EXPORT_MAX // _EXPORT_PAGE + 1):
        page = journey.shipments_search(actor=actor, query=query, page=number, size=_EXPORT_PAGE)
        yield from page.rows
        if number >= page.pages:
            break


def _exported(row: ShipmentRow, names: Mapping[str, str]) -> list[exports.Value]:
    return [
        row.waybill,
        row.status_text,
        row.detail_text,
        row.from_name,
        row.to_name,
        row.goods,
        row.pieces,
        row.customer_code,
        names.get(row.customer_code, ""),
        row.trip,
        row.plate,
        exports.minute(row.ordered_at),
        exports.minute(row.status_at),
        exports.minute(row.eta),
        row.late_min or "",
        row.exception_text,
    ]


@require_safe
@staff(Right.SHIPMENTS_READ)
def shipment(request: StaffRequest, waybill: str) -> HttpResponse:
    """Everything known; in the drawer the same without the edges."""
    return shipment_page(request, waybill)


def shipment_page(
    request: StaffRequest,
    waybill: str,
    *,
    form: Form | None = None,
    forms: Mapping[str, Form] | None = None,
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    """`forms`: what was typed into `forwarding` or `splitting` and refused."""
    shown = journey.shipment_page(actor=request.actor, waybill=waybill)
    actor = request.actor
    links = access.links_of(actor=actor, waybill=shown.row.waybill) if actor.can(Right.LINKS_ISSUE) else ()
    context = {
        "one": shown,
        "row": shown.row,
        **_named(actor, shown, links),
        "left": _progress(actor, shown),
        "messages_sent": notify.messages_of(actor=actor, waybill=shown.row.waybill)
        if actor.can(Right.MESSAGES_READ)
        else (),
        "links": links,
        "link": link,
        "form": form or Form(),
        **_numbers(actor, shown, forms or {}),
        "manual": manual_choices(actor),
        "problems": problem_choices(),
        "map_points": _map_points(shown) if actor.can(Right.POSITIONS_READ) else None,
    }
    template = (
        "console/journey/shipment_drawer.html"
        if request.htmx and "drawer" in request.GET
        else "console/journey/shipment.html"
    )
    return show(request, template, context, status=status)


def _numbers(actor: Principal, shown: journey.ShipmentView, forms: Mapping[str, Form]) -> dict[str, Any]:
    """Forms for other numbers; pieces that are signed for do not travel on."""
    options = [
        (piece.label, piece.label, kind_text(piece.kind) if piece.kind else _("未扫描"))
        for piece in shown.pieces
        if piece.kind != Kind.SIGNED
    ]
    may = actor.can(Right.TRIPS_PLAN) and not shown.row.final
    return {
        "forwarding": forms.get("forwarding", Form()),
        "splitting": forms.get("splitting", Form()),
        "split_options": options if len(shown.pieces) > 1 else [],
        "partners": journey.partner_names(actor=actor) if may else [],
    }


def _named(actor: Principal, shown: journey.ShipmentView, links: Sequence[access.LinkView]) -> dict[str, Any]:
    """What codes stand for: colleagues who told or issued something, the customer, the product, stations of pieces."""
    people = {event.actor for event in shown.events} | {link.issued_by for link in links}
    code = shown.row.customer_code
    products = {one.code: one.name for one in network.products_list(actor=actor)}
    stations = network.stations_by_codes({piece.station_code for piece in shown.pieces if piece.station_code})
    return {
        "names": access.staff_names(actor=actor, usernames=people),
        "customer": customers.customer_names(actor=actor, codes=[code]).get(code, code) if code else "",
        "product": products.get(shown.product, shown.product),
        "stations": {station.code: station.name for station in stations.values()},
        "pieces_scanned": any(piece.kind for piece in shown.pieces),
    }


def _progress(actor: Principal, shown: journey.ShipmentView) -> dict[str, int]:
    """How far the trip is, in percent of its kilometres: by its truck, else by the last stop passed."""
    if shown.trip is None or not shown.trip.length_m:
        return {}
    passed = [stop.along_m for stop in shown.trip.stops if stop.arrived_at or stop.departed_at]
    if shown.vehicle_id and actor.can(Right.POSITIONS_READ):
        fix = telemetry.latest(actor=actor, vehicle_ids=[shown.vehicle_id]).get(shown.vehicle_id)
        if fix and fix.trip == shown.trip.ref and fix.along_m is not None:
            passed.append(fix.along_m)
    return {"percent": round(100 * max(passed, default=0.0) / shown.trip.length_m)}


def _map_points(shown: journey.ShipmentView) -> dict[str, Any] | None:
    if shown.trip is None:
        return None
    stops = [
        {
            "lat": stop.lat,
            "lon": stop.lon,
            "name": stop.name,
            "state": "done" if stop.arrived_at or stop.departed_at else "ahead",
        }
        for stop in shown.trip.stops
    ]
    return {"points": shown.trip.points, "stops": stops, "vehicle": shown.vehicle_id}


@require_POST
@staff(Right.PERSONAL_READ)
def reveal(request: StaffRequest, waybill: str) -> HttpResponse:
    """The parties unmasked, for a reason that goes on record."""
    reason = request.POST.get("reason", "").strip()
    if len(reason) < 2:
        raise Invalid(_("请写明查看原因"), fields={"reason": _("请写明查看原因")})
    people = journey.people_read(actor=request.actor, waybill=waybill, reason=reason)
    return show(request, "console/journey/parties.html", {"people": people, "waybill": waybill})


@require_POST
@staff(Right.LINKS_ISSUE)
def link_issue(request: StaffRequest, waybill: str) -> HttpResponse:
    """A new link; its address is in this one answer."""
    form = Form.posted(request)
    shown = journey.shipment_page(actor=request.actor, waybill=waybill)
    try:
        token = access.link_issue(
            actor=request.actor,
            waybill=shown.row.waybill,
            scopes=frozenset({"view", "act"} if form.ticked("act") else {"view"}),
            days=form.whole("days", 30),
        )
    except Invalid as error:
        return shipment_page(request, waybill, form=form.failed(error), status=422)
    return shipment_page(
        request, waybill, link=f"{settings.ZAITU_PUBLIC_URL}/t/{shown.row.waybill}?k={token}"
    )


@require_POST
@staff(Right.LINKS_ISSUE)
def link_revoke(request: StaffRequest, waybill: str, link_id: int) -> HttpResponse:
    access.link_revoke(actor=request.actor, link_id=link_id)
    done(request, _("链接已撤销"))
    return redirect("console:shipment", waybill=waybill)


@require_POST
@staff(Right.SHIPMENTS_CORRECT)
def event_void(request: StaffRequest, waybill: str, event_id: int) -> HttpResponse:
    """Take an event back, with the reason on record."""
    voided = journey.event_void(actor=request.actor, event_id=event_id, reason=request.POST.get("reason", ""))
    done(request, "；".join([_("事件已撤销，运单状态已重新计算"), *dict.fromkeys(voided.said)]))
    return redirect("console:shipment", waybill=waybill)


@require_POST
@staff(Right.PROBLEM_REPORT)
def event_record(request: StaffRequest, waybill: str) -> HttpResponse:
    """Record at the desk what happened outside the field: a problem, its end, a return, a cancellation."""
    form = Form.posted(request)
    draft = ManualEvent(kind=form.text("kind"), note=form.text("note"), code=form.text("code"))
    try:
        journey.event_record(actor=request.actor, waybill=waybill, draft=draft)
    except (Invalid, RuleBroken) as error:
        complaint = (
            error if isinstance(error, Invalid) else Invalid(error.message, fields={"kind": error.message})
        )
        return shipment_page(
            request, waybill, form=form.failed(complaint, renamed={"reason": "note"}), status=422
        )
    done(request, _("已登记"))
    return redirect("console:shipment", waybill=waybill)


@require_POST
@staff(Right.SHIPMENTS_CORRECT)
def reopen(request: StaffRequest, waybill: str) -> HttpResponse:
    """A finished shipment goes on, with the reason on record."""
    journey.shipment_reopen(actor=request.actor, waybill=waybill, reason=request.POST.get("reason", ""))
    done(request, _("运单已恢复"))
    return redirect("console:shipment", waybill=waybill)


@require_safe
@staff(Right.LABELS_PRINT)
def labels(request: StaffRequest, waybill: str) -> HttpResponse:
    """One label per piece, as PDF in the browser's own viewer."""
    return _printed(request, [waybill])


@require_POST
@staff(Right.LABELS_PRINT)
def labels_chosen(request: StaffRequest) -> HttpResponse:
    """The labels of the ticked shipments in one PDF."""
    waybills = list(dict.fromkeys(request.POST.getlist("waybill")))[:_CHOSEN_MAX]
    if not waybills:
        raise Invalid(_("请先勾选运单"))
    return _printed(request, waybills)


def _printed(request: StaffRequest, waybills: Sequence[str]) -> HttpResponse:
    printed = [label for one in waybills for label in journey.labels(actor=request.actor, waybill=one)]
    pdf = labels_pdf(printed, address=f"{settings.ZAITU_PUBLIC_URL}/t/", company=network.company().name)
    name = waybills[0] if len(waybills) == 1 else "labels"
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)


@require_safe
@staff(Right.SHIPMENTS_READ)
def file(request: StaffRequest, file_id: str) -> HttpResponse:
    """A photo or signature; reading it goes on record."""
    if not request.actor.can(Right.PERSONAL_READ):
        raise Http404
    content, mime = journey.file_read(actor=request.actor, file_id=file_id)
    return HttpResponse(content, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})
