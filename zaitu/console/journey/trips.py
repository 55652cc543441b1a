"""Planning trips: which line, vehicle and driver, when, and what goes along."""

import re
from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.journey.lateness import late_min
from zaitu.console.journey.looks import language
from zaitu.journey import public as journey
from zaitu.journey.public import TRIP_STATE_TEXTS, ShipmentQuery, TripDraft, TripState
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network

_OFFERED: Final = 100
"""Shipments offered for a trip at once."""
_SEPARATORS: Final = re.compile(r"[\s,，、;；]+")
_TYPED_MAX: Final = 500


@require_safe
@staff(Right.SHIPMENTS_READ)
def trips(request: StaffRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    text = request.GET.get("q", "").strip()
    known = state if state in set(TripState) else ""
    page = journey.trips_list(actor=request.actor, state=known, text=text, page=page_number(request))
    context = {
        "page": page,
        "rows": [(trip, late_min(trip), _next_stop(trip)) for trip in page.rows],
        "state": known,
        "states": [(key.value, texts[language()]) for key, texts in TRIP_STATE_TEXTS.items()],
        "q": text,
        "query": query_without_page(request),
    }
    return show(request, "console/journey/trips.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.TRIPS_PLAN)
def trip_new(request: StaffRequest) -> HttpResponse:
    context = {"departs_at": f"{clock.local(clock.now() + timedelta(hours=1)):%Y-%m-%dT%H:%M}"}
    if request.method != "POST":
        asked = {name: request.GET.get(name, "") for name in ("line", "plate") if request.GET.get(name)}
        return show(request, "console/journey/trip_new.html", {**context, "form": Form(values=asked)})
    form = Form.posted(request)
    try:
        _must_name(request.actor, form)
        trip = journey.trip_plan(
            actor=request.actor,
            draft=TripDraft(
                line=form.text("line"),
                plate=form.text("plate"),
                departs_at=form.local_time("departs_at"),
                driver_code=form.text("driver_code") or None,
            ),
        )
    except (Invalid, NotFound, RuleBroken) as error:
        failed = form.failed(error if isinstance(error, Invalid) else Invalid(error.message))
        return show(request, "console/journey/trip_new.html", {**context, "form": failed}, status=422)
    done(request, _("车次 %(ref)s 已安排，请选择随车的货") % {"ref": trip.ref})
    return redirect("console:trip", trip=trip.ref)


def _must_name(actor: Principal, form: Form) -> None:
    """A line and a vehicle that exist. Raises Invalid at both fields at once: the room complains of one at a time, by code."""
    wrong: dict[str, str] = {}
    if not form.text("line"):
        wrong["line"] = _("请选择线路")
    elif not network.lines_by_codes([form.text("line")]):
        wrong["line"] = _("没有这条线路，请从列表中选择")
    if not form.text("plate"):
        wrong["plate"] = _("请选择车辆")
    else:
        try:
            network.vehicle_get(actor=actor, plate=form.text("plate"))
        except (NotFound, Invalid):
            wrong["plate"] = _("没有这辆车，请从列表中选择")
    if wrong:
        raise Invalid(fields=wrong)


@require_safe
@staff(Right.SHIPMENTS_READ)
def trip(request: StaffRequest, trip: str) -> HttpResponse:
    return _page(request, trip, Form())


@require_POST
@staff(Right.TRIPS_PLAN)
def trip_assign(request: StaffRequest, trip: str) -> HttpResponse:
    """Ticked and typed waybills go along; all or none."""
    form = Form.posted(request)
    typed = [word for word in _SEPARATORS.split(form.text("typed")) if word][:_TYPED_MAX]
    waybills = list(dict.fromkeys([*form.lists.get("waybill", []), *typed]))
    if not waybills:
        return _page(request, trip, form.refused("typed", _("请勾选或填写运单号")), status=422)
    try:
        journey.trip_assign(actor=request.actor, trip=trip, waybills=waybills)
    except (Invalid, NotFound, RuleBroken, Conflict) as error:
        complaint = (
            error if isinstance(error, Invalid) else Invalid(error.message, fields={"typed": error.message})
        )
        return _page(request, trip, form.failed(complaint), status=422)
    done(request, _("已配载 %(n)d 票") % {"n": len(waybills)})
    return redirect("console:trip", trip=trip)


@require_POST
@staff(Right.TRIPS_PLAN)
def trip_cancel(request: StaffRequest, trip: str) -> HttpResponse:
    journey.trip_cancel(actor=request.actor, trip=trip, reason=request.POST.get("reason", ""))
    done(request, _("车次已取消，货物等待下一趟"))
    return redirect("console:trip", trip=trip)


@require_POST
@staff(Right.TRIPS_PLAN)
def trip_finish(request: StaffRequest, trip: str) -> HttpResponse:
    """End a running trip that nobody saw arrive, so that its vehicle is free."""
    journey.trip_finish(actor=request.actor, trip=trip, reason=request.POST.get("reason", ""))
    done(request, _("车次已结束"))
    return redirect("console:trip", trip=trip)


@require_POST
@staff(Right.SHIPMENTS_CORRECT)
def trip_arrival_void(request: StaffRequest, trip: str) -> HttpResponse:
    """A truck that was taken to be at a stop is not there: all its goods are on the road again."""
    journey.trip_arrival_void(
        actor=request.actor,
        trip=trip,
        reason=request.POST.get("reason", ""),
        station_code=request.POST.get("station", ""),
    )
    done(request, _("已撤销到达，车次继续运行"))
    return redirect("console:trip", trip=trip)


def _page(request: StaffRequest, ref: str, form: Form, *, status: int = 200) -> HttpResponse:
    found = journey.trip_get(actor=request.actor, trip=ref)
    asked = request.GET.get("station", "")
    codes = [stop.station_code for stop in found.stops]
    station = asked if asked in codes else codes[0]
    open_for_goods = found.state in {TripState.PLANNED, TripState.RUNNING} and request.actor.can(
        Right.TRIPS_PLAN
    )
    context = {
        "trip": found,
        "late": late_min(found),
        "next_stop": _next_stop(found),
        "reached": _reached(found),
        "sheet": journey.trip_sheet(actor=request.actor, trip=ref, station_code=station),
        "station": station,
        "ahead": any(stop.station_code == station and not _begun(stop) for stop in found.stops),
        "offered": _offered(request, found) if open_for_goods else (),
        "open_for_goods": open_for_goods,
        "form": form,
        "map_points": _map_points(found),
    }
    return show(request, "console/journey/trip.html", context, status=status)


def _reached(found: journey.TripView) -> journey.TripStopView | None:
    """The last stop on the way, or at the end, that the truck is taken to have been at."""
    return next((stop for stop in reversed(found.stops[1:]) if _begun(stop)), None)


def _begun(stop: journey.TripStopView) -> bool:
    """Whether the truck has been here, so that what was not scanned is missing and not still to come."""
    return stop.arrived_at is not None or stop.departed_at is not None


def _next_stop(found: journey.TripView) -> journey.TripStopView | None:
    return next((stop for stop in found.stops if not _begun(stop)), None)


def _offered(request: StaffRequest, found: journey.TripView) -> list[journey.ShipmentRow]:
    """Waiting shipments that this trip passes both stations of, in its direction."""
    order = {stop.station_code: stop.seq for stop in found.stops}
    rows: dict[str, journey.ShipmentRow] = {}
    for status in ("ordered", "awaiting_departure"):
        for stop in found.stops[:-1]:
            query = ShipmentQuery(station=stop.station_code, status=status, sort="ordered_at")
            page = journey.shipments_search(actor=request.actor, query=query, size=_OFFERED)
            rows.update({row.waybill: row for row in page.rows})
    fitting = [
        row
        for row in rows.values()
        if not row.trip and order.get(row.from_station, 99) < order.get(row.to_station, -1)
    ]
    return sorted(fitting, key=lambda row: row.ordered_at)[:_OFFERED]


def _map_points(found: journey.TripView) -> dict[str, object]:
    stops = [
        {
            "lat": stop.lat,
            "lon": stop.lon,
            "name": stop.name,
            "state": "done" if stop.arrived_at or stop.departed_at else "ahead",
        }
        for stop in found.stops
    ]
    return {"points": found.points, "stops": stops, "vehicle": found.vehicle_id}
