"""The live map, and the terminals in the vehicles."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from zaitu.access import public as access
from zaitu.console import exports
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.journey.lateness import late_min, running_trips
from zaitu.console.journey.looks import span
from zaitu.console.telemetry.terminal import KINDS, profile_choices
from zaitu.console.words import said
from zaitu.journey import public as journey
from zaitu.journey.public import TripView
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid, NotFound
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.public import Latest

SILENT_AFTER: Final = timedelta(minutes=10)
_TRACK: Final = timedelta(hours=12)
_GATE_M: Final = 500
"""Before the gate of a station is at the station."""


@ensure_csrf_cookie
@require_safe
@staff(Right.POSITIONS_READ)
def fleet_map(request: StaffRequest) -> HttpResponse:
    states = [
        ("", _("全部")),
        ("moving", _("行驶")),
        ("still", _("停车")),
        ("silent", _("失联")),
        ("alert", _("晚点")),
    ]
    words = {
        "live": _("实时"),
        "waiting": _("连接中断，正在重连"),
        "none": _("还没有车辆上报位置。接入终端后会自动出现。"),
        "nothing": _("没有符合的车辆"),
        "moving": _("行驶"),
        "still": _("停车"),
        "silent": _("失联"),
        "alert": _("晚点"),
        "late": _("晚 {n}"),
        "no_trip": _("没有在跑的车次"),
        "error": _("车辆位置没有取到，10 秒后再试"),
    }
    return show(request, "console/telemetry/map.html", {"states": states, "words": words})


@require_safe
@staff(Right.POSITIONS_READ)
def fleet(request: StaffRequest) -> JsonResponse:
    """Every vehicle with a position: what the map starts from before the stream takes over."""
    newest = telemetry.latest_all(actor=request.actor)
    vehicles = network.vehicles_by_ids(newest)
    trips = _running(request.actor)
    now = clock.now()
    rows = [
        _vehicle(fix, vehicles[key], trips.get(key), now)
        for key, fix in sorted(newest.items())
        if key in vehicles
    ]
    return JsonResponse({"vehicles": rows, "at": now.isoformat()})


@require_safe
@staff(Right.POSITIONS_READ)
def vehicle(request: StaffRequest, vehicle_id: int) -> HttpResponse:
    """One vehicle in the drawer: where, how fast, on which trip, with whom."""
    found = network.vehicles_by_ids([vehicle_id]).get(vehicle_id)
    if found is None:
        raise NotFound(_("没有这辆车"))
    fix = telemetry.latest(actor=request.actor, vehicle_ids=[vehicle_id]).get(vehicle_id)
    trip = _running(request.actor).get(vehicle_id)
    now = clock.now()
    context = {
        "vehicle": found,
        "terminals": _terminals_in(vehicle_id, now),
        "media": telemetry.media_list(actor=request.actor, vehicle_id=vehicle_id, size=3).rows,
        "kind": said(network.VEHICLE_KINDS.get(network.VehicleKind(found.kind), "")),
        "fix": fix,
        "trip": trip,
        "next_trip": None if trip else _next_trip(request.actor, found.plate),
        "near": _near(request.actor, fix) if fix else "",
        "late": late_min(trip) if trip else 0,
        "silent": fix is not None and now - fix.received_at > SILENT_AFTER,
        "temps": [f"{temp:.1f}" for temp in fix.temps_c if temp is not None] if fix else [],
    }
    return show(request, "console/telemetry/vehicle.html", context)


@require_safe
@staff(Right.POSITIONS_READ)
def vehicle_track(request: StaffRequest, vehicle_id: int) -> JsonResponse:
    """The road driven in the last twelve hours, at most 1,000 points."""
    now = clock.now()
    points = telemetry.track(
        actor=request.actor,
        vehicle_id=vehicle_id,
        start=now - _TRACK,
        end=now + timedelta(minutes=1),
        limit=20_000,
    )
    step = max(1, len(points) // 1_000)
    return JsonResponse({"points": [[point.lat, point.lon] for point in points[::step]]})


def _terminals_in(vehicle_id: int, now: datetime) -> list[str]:
    """That are in this vehicle now."""
    stays = network.bindings_of_vehicle(vehicle_id)
    return [one.terminal for one in stays if one.from_at <= now and (one.to_at is None or one.to_at > now)]


def _running(actor: Principal) -> dict[int, TripView]:
    """Running trips by vehicle; positions without the right to shipments are positions alone."""
    if not actor.can(Right.SHIPMENTS_READ):
        return {}
    return {trip.vehicle_id: trip for trip in running_trips(actor)}


def _next_trip(actor: Principal, plate: str) -> TripView | None:
    """The trip it is planned for next."""
    if not actor.can(Right.SHIPMENTS_READ):
        return None
    planned = journey.trips_list(actor=actor, state="planned", text=plate).rows
    return min(
        (trip for trip in planned if trip.plate == plate), key=lambda trip: trip.departs_at, default=None
    )


def _near(actor: Principal, fix: Latest) -> str:
    """上海青浦分拨中心附近 within a station's reach, else so many kilometres from the nearest; a place says more than two numbers."""
    if not actor.can(Right.NETWORK_READ):
        return ""
    found = network.station_nearest(lat=fix.lat, lon=fix.lon)
    if found is None:
        return ""
    station, metres = found
    if metres <= station.radius_m + _GATE_M:
        return _("在 %(station)s") % {"station": station.name}
    return _("距 %(station)s %(km)d 公里") % {"station": station.name, "km": max(1, round(metres / 1000))}


def _vehicle(fix: Latest, found: network.VehicleView, trip: TripView | None, now: datetime) -> dict[str, Any]:
    late = late_min(trip) if trip else 0
    return {
        "id": fix.vehicle_id,
        "plate": found.plate,
        "cold": found.temp_controlled,
        "lat": fix.lat,
        "lon": fix.lon,
        "speed_kmh": fix.speed_kmh,
        "course_deg": fix.course_deg,
        "at": fix.at.isoformat(),
        "late": late > 0,
        "late_text": span(late),
        "trip": trip.ref if trip else "",
        "line": trip.line_name if trip else "",
        "driver": trip.driver if trip else "",
    }


@require_safe
@staff(Right.TERMINALS_MANAGE)
def terminals(request: StaffRequest) -> HttpResponse:
    return _terminals_page(request, Form())


@require_safe
@staff(Right.TERMINALS_MANAGE)
def terminals_export(request: StaffRequest, form: str) -> HttpResponse:
    """The list as filtered, for a spreadsheet."""
    access.audit(actor=request.actor, action="terminals.export", subject="terminals")
    return exports.sheet("terminals", form, _EXPORTED, _exported(request))


_EXPORTED: Final = (
    "终端号", "类型", "协议版本", "车牌", "自报车牌", "厂商", "型号", "设备方案", "注册时间", "最近联系", "最近定位",
)  # fmt: skip
_EXPORT_PAGE: Final = 1_000


def _exported(request: StaffRequest) -> Iterator[list[exports.Value]]:
    text, silent = request.GET.get("q", "").strip()[:60], _HEARD.get(request.GET.get("heard", ""))
    for number in count(1):
        page = telemetry.terminals_list(
            actor=request.actor, text=text, page=number, size=_EXPORT_PAGE, silent=silent
        )
        for one in page.rows:
            times = [exports.minute(at) for at in (one.registered_at, one.last_seen_at, one.last_fix_at)]
            yield [
                one.terminal, one.kind, one.version, one.plate, one.reported_plate, one.maker, one.model, one.profile, *times
            ]  # fmt: skip
        if number >= page.pages:
            return


@require_POST
@staff(Right.TERMINALS_MANAGE)
def terminal_adopt(request: StaffRequest) -> HttpResponse:
    """Let an unknown terminal in, into a vehicle."""
    form = Form.posted(request)
    try:
        telemetry.terminal_adopt(
            actor=request.actor, terminal=form.text("terminal"), plate=form.text("plate")
        )
    except (Invalid, NotFound, Conflict) as error:
        return _terminals_page(request, _failed(form, error), status=422)
    done(
        request,
        _("终端 %(terminal)s 已接入 %(plate)s")
        % {"terminal": form.text("terminal"), "plate": form.text("plate")},
    )
    return redirect("console:terminals")


@require_POST
@staff(Right.TERMINALS_MANAGE)
def terminal_create(request: StaffRequest) -> HttpResponse:
    """A terminal before it has spoken, or a phone; a phone's token is in this one answer and never again."""
    form = Form.posted(request)
    try:
        token = telemetry.terminal_create(
            actor=request.actor,
            terminal=form.text("terminal"),
            kind=form.text("kind"),
            plate=form.text("plate"),
            profile=form.text("profile"),
        )
    except (Invalid, NotFound, Conflict) as error:
        return _terminals_page(request, _failed(form, error), status=422)
    if token is None:
        done(request, _("终端已登记，首次连接时自动注册"))
        return redirect("console:terminals")
    return _terminals_page(request, Form(), token=token)


@require_POST
@staff(Right.TERMINALS_MANAGE)
def terminal_reset(request: StaffRequest, terminal: str) -> HttpResponse:
    telemetry.terminal_reset(actor=request.actor, terminal=terminal)
    done(request, _("终端 %(terminal)s 下次连接时重新注册") % {"terminal": terminal})
    return redirect("console:terminals")


@require_POST
@staff(Right.TERMINALS_MANAGE)
def terminal_unbind(request: StaffRequest, terminal: str) -> HttpResponse:
    network.terminal_unbind(actor=request.actor, terminal=terminal, at=clock.now())
    done(request, _("终端 %(terminal)s 已从车上拆下") % {"terminal": terminal})
    return redirect("console:terminals")


def _failed(form: Form, error: Invalid | NotFound | Conflict) -> Form:
    if isinstance(error, Invalid):
        return form.failed(error)
    where = {"plate": error.message} if isinstance(error, NotFound) else {"terminal": error.message}
    return form.failed(Invalid(error.message, fields=where))


_HEARD: Final[Mapping[str, bool | None]] = {"": None, "on": False, "off": True}
"""`?heard=` → whether the silent ones are asked for."""


def _terminals_page(request: StaffRequest, form: Form, *, token: str = "", status: int = 200) -> HttpResponse:
    text, heard = request.GET.get("q", "").strip()[:60], request.GET.get("heard", "")
    page = telemetry.terminals_list(
        actor=request.actor, text=text, page=page_number(request), silent=_HEARD.get(heard)
    )
    context = {
        "unknown": telemetry.unknown_terminals(actor=request.actor),
        "page": page,
        "heard": heard,
        "states": [("", _("全部")), ("on", _("在线")), ("off", _("失联"))],
        "port": settings.ZAITU_JT808_PORT,
        "kinds": [(kind, str(name)) for kind, name in KINDS.items()],
        "profiles": profile_choices(),
        "form": form,
        "token": token,
        "q": text,
        "query": query_without_page(request),
    }
    return show(request, "console/telemetry/terminals.html", context, status=status)
