"""The shipment list, its export, and the page of one shipment."""

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from zaitu.access import public as access
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.journey.looks import manual_choices, problem_choices, status_text
from zaitu.journey import public as journey
from zaitu.journey.public import ManualEvent, ShipmentQuery, ShipmentRow, Status
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.telemetry import public as telemetry
from zaitu.ui.labels import labels_pdf

EXPORT_MAX: Final = 20_000
_EXPORT_PAGE: Final = 200


@require_GET
@staff(Right.SHIPMENTS_READ)
def shipments(request: StaffRequest) -> HttpResponse:
    """The list; HTMX asks for the rows alone."""
    asked, query = _asked(request)
    context = {
        "page": journey.shipments_search(actor=request.actor, query=query, page=page_number(request)),
        "asked": asked,
        "query": query_without_page(request),
        "statuses": [(status.value, status_text(status)) for status in Status],
        "sorts": [
            ("-ordered_at", _("最新下单")),
            ("-status_at", _("最近更新")),
            ("eta", _("最早到达")),
            ("ordered_at", _("最早下单")),
        ],
        "filtered": any(value for name, value in asked.items() if name != "sort"),
    }
    part = "#rows" if request.htmx else ""
    return show(request, f"console/journey/shipments.html{part}", context)


@require_GET
@staff(Right.SHIPMENTS_READ)
def shipments_export(request: StaffRequest) -> HttpResponse:
    """The filtered list as CSV for Excel, at most 20,000 rows; no personal data."""
    _asked_for, query = _asked(request)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "运单号",
            "状态",
            "明细",
            "始发站",
            "目的站",
            "货物",
            "件数",
            "客户",
            "车次",
            "车牌",
            "下单时间",
            "状态时间",
            "预计送达",
            "晚点(分钟)",
            "异常",
        ]
    )
    for number in range(1, EXPORT_MAX // _EXPORT_PAGE + 1):
        page = journey.shipments_search(actor=request.actor, query=query, page=number, size=_EXPORT_PAGE)
        writer.writerows([_cell(value) for value in _csv_row(row)] for row in page.rows)
        if number >= page.pages:
            break
    access.audit(
        actor=request.actor,
        action="shipments.export",
        subject="shipments",
        detail={"query": str(query)[:500]},
    )
    name = f"shipments-{clock.local(clock.now()):%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # With a byte order mark Excel reads it as UTF-8.
    return HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _csv_row(row: ShipmentRow) -> list[Any]:
    return [
        row.waybill,
        row.status_text,
        row.detail_text,
        row.from_name,
        row.to_name,
        row.goods,
        row.pieces,
        row.customer_code,
        row.trip,
        row.plate,
        _minute(row.ordered_at),
        _minute(row.status_at),
        _minute(row.eta),
        row.late_min or "",
        row.exception_text,
    ]


def _minute(at: datetime | None) -> str:
    return f"{clock.local(at):%Y-%m-%d %H:%M}" if at else ""


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _asked(request: StaffRequest) -> tuple[dict[str, str], ShipmentQuery]:
    """What the filters say, as typed and as a query; what is no date or status is no filter."""
    names = ("q", "status", "exception", "station", "line", "customer", "from", "to", "open", "sort")
    asked = {name: request.GET.get(name, "").strip()[:100] for name in names}
    day_from, day_to = _day(asked["from"]), _day(asked["to"])
    sorts = {"ordered_at", "-ordered_at", "eta", "-eta", "status_at", "-status_at"}
    return asked, ShipmentQuery(
        text=asked["q"],
        status=asked["status"] if asked["status"] in set(Status) else "",
        exception=asked["exception"],
        station=asked["station"],
        line=asked["line"],
        customer=asked["customer"],
        ordered_from=day_from,
        ordered_to=day_to + timedelta(days=1) if day_to else None,
        open_only=asked["open"] == "1",
        sort=asked["sort"] if asked["sort"] in sorts else "-ordered_at",
    )


def _day(text: str) -> datetime | None:
    """Midnight in China of a date such as 2026-11-22."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), clock.CHINA)
    except ValueError:
        return None


@require_GET
@staff(Right.SHIPMENTS_READ)
def shipment(request: StaffRequest, waybill: str) -> HttpResponse:
    """Everything known; in the drawer the same without the edges."""
    return shipment_page(request, waybill)


def shipment_page(
    request: StaffRequest, waybill: str, *, form: Form | None = None, link: str = "", status: int = 200
) -> HttpResponse:
    shown = journey.shipment_page(actor=request.actor, waybill=waybill)
    actor = request.actor
    context = {
        "one": shown,
        "row": shown.row,
        "left": _progress(actor, shown),
        "messages_sent": notify.messages_of(actor=actor, waybill=shown.row.waybill)
        if actor.can(Right.MESSAGES_READ)
        else (),
        "links": access.links_of(actor=actor, waybill=shown.row.waybill)
        if actor.can(Right.LINKS_ISSUE)
        else (),
        "link": link,
        "form": form or Form(),
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
    journey.event_void(actor=request.actor, event_id=event_id, reason=request.POST.get("reason", ""))
    done(request, _("事件已撤销，运单状态已重新计算"))
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


@require_GET
@staff(Right.LABELS_PRINT)
def labels(request: StaffRequest, waybill: str) -> HttpResponse:
    """One label per piece, as PDF in the browser's own viewer."""
    printed = journey.labels(actor=request.actor, waybill=waybill)
    pdf = labels_pdf(printed, address=f"{settings.ZAITU_PUBLIC_URL}/t/", company=network.company().name)
    headers = {"Content-Disposition": f'inline; filename="{waybill}.pdf"'}
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)


@require_GET
@staff(Right.SHIPMENTS_READ)
def file(request: StaffRequest, file_id: str) -> HttpResponse:
    """A photo or signature; reading it goes on record."""
    if not request.actor.can(Right.PERSONAL_READ):
        raise Http404
    content, mime = journey.file_read(actor=request.actor, file_id=file_id)
    return HttpResponse(content, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})
