"""The phone's JSON: who am I, trips and sheets, a parcel, and actions that arrive once however often they are sent."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from zaitu.access import public as access
from zaitu.field import shapes
from zaitu.field.door import FieldRequest, api
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, TooLarge
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network

FILE_MAX_BYTES: Final = 6 * 1024 * 1024
"""The phone sends about 0.3 MB; more is another program."""
ACTION_MAX_BYTES: Final = 64 * 1024
TRIPS_BEFORE: Final = timedelta(hours=36)
TRIPS_AHEAD: Final = timedelta(hours=24)
LONGEST_TRIP: Final = timedelta(days=5)
UNLOADED_WITHIN: Final = timedelta(hours=24)
"""How long after its last arrival a truck is still offered for unloading."""
REASON_MAX: Final = 100


@require_safe
@never_cache
def session(request: HttpRequest) -> HttpResponse:
    """Sets a fresh CSRF cookie: queued actions outlive the token of the day they were made."""
    get_token(request)
    return HttpResponse(status=204)


@api("GET")
def me(request: FieldRequest) -> dict[str, Any]:
    user = access.user_get(actor=request.actor, username=request.actor.name)
    own = _own_stations(request.actor)
    station = network.stations_by_codes([user.station_code]).get(user.station_code) or next(iter(own), None)
    get_token(request)
    return {
        "id": request.actor.user_id,
        "name": user.name or user.username,
        "roles": [access.ROLE_NAMES[access.Role(role)] for role in user.roles],
        "rights": sorted(right.value for right in request.actor.rights),
        "station": {"code": station.code, "name": station.name} if station else None,
        "own_stations": [one.code for one in own],
        "prefix": settings.ZAITU_WAYBILL_PREFIX,
        "now": clock.now(),
    }


def _own_stations(actor: Principal) -> list[network.StationView]:
    """The stations this person is bound to; none: they work anywhere."""
    own = network.stations_by_codes(access.stations_of(actor=actor) or ())
    return [own[code] for code in sorted(own)]


@api("GET")
def stations(request: FieldRequest) -> dict[str, Any]:
    """Where this person may say they work: at their own stations, or wherever the words say."""
    own = _own_stations(request.actor)
    rows = own or network.stations_list(actor=request.actor, text=request.GET.get("text", "")[:40]).rows
    return {
        "stations": [{"code": row.code, "name": row.name, "city": row.city} for row in rows if row.active]
    }


@api("GET")
def trips(request: FieldRequest) -> dict[str, Any]:
    """Trips of these hours that pass my station, and my own as a driver; mine first, then by departure."""
    station = request.GET.get("station", "")
    driver = network.driver_of_user(request.actor.user_id) if request.actor.user_id else None
    mine = driver.code if driver else ""
    found = [
        trip
        for trip in _trips_of_today(request.actor)
        if (mine and trip.driver_code == mine) or any(stop.station_code == station for stop in trip.stops)
    ]
    found.sort(key=lambda trip: (trip.driver_code != mine, trip.departs_at))
    return {"trips": [shapes.trip(trip) for trip in found]}


def _trips_of_today(actor: Principal) -> Iterator[journey.TripView]:
    """Running ones, those to leave soon or overdue, and those that arrived lately: their goods are still to be unloaded."""
    now = clock.now()
    yield from journey.trips_list(actor=actor, state="running").rows
    for trip in _since(actor, "planned", now - TRIPS_BEFORE):
        if trip.departs_at < now + TRIPS_AHEAD:
            yield trip
    yield from _since(actor, "missed", now - TRIPS_BEFORE)
    for trip in _since(actor, "done", now - LONGEST_TRIP):
        if (trip.stops[-1].arrived_at or trip.departs_at) > now - UNLOADED_WITHIN:
            yield trip


def _since(actor: Principal, state: str, since: datetime) -> Iterator[journey.TripView]:
    """Trips of a state that leave after an instant, newest departure first, page by page."""
    page = 1
    while True:
        found = journey.trips_list(actor=actor, state=state, page=page)
        for trip in found.rows:
            if trip.departs_at < since:
                return
            yield trip
        if page >= found.pages:
            return
        page += 1


@api("GET")
def sheet(request: FieldRequest, ref: str) -> dict[str, Any]:
    found = journey.trip_sheet(actor=request.actor, trip=ref, station_code=request.GET.get("station", ""))
    return shapes.sheet(found)


@api("GET")
def shipment(request: FieldRequest, code: str) -> dict[str, Any]:
    """A parcel by waybill or label. `?for=sign` adds the consignee, for those who deliver; that read is on record."""
    found = journey.shipment_page(actor=request.actor, waybill=code)
    told = shapes.shipment(found)
    if request.GET.get("for") == "sign" and request.actor.can(Right.SCAN_ROAD):
        told["consignee"] = _consignee(request.actor, found.row.waybill)
    return told


def _consignee(actor: Principal, waybill: str) -> dict[str, Any] | None:
    people = journey.people_read(actor=actor, waybill=waybill, reason="派送签收")
    person = next((one for one in people if one.role == "consignee"), None)
    if person is None:
        return None
    return {
        "name": person.name,
        "phone": person.phone,
        "city": person.city,
        "address": person.address,
        "masked": person.masked,
    }


@api("PUT")
def file(request: FieldRequest, file_id: UUID) -> dict[str, Any]:
    """Keep one photo or signature under the id the phone gave it; sent again, it is the same file."""
    if len(request.body) > FILE_MAX_BYTES:
        raise TooLarge(f"照片不能超过 {FILE_MAX_BYTES // 1024 // 1024} MB")
    stored = journey.file_store(
        actor=request.actor,
        waybill=request.GET.get("code", ""),
        kind=request.GET.get("kind", ""),
        content=request.body,
        mime=request.content_type or "",
        file_id=file_id,
    )
    return {"id": stored}


@api("POST")
def actions(request: FieldRequest) -> dict[str, Any]:
    """One action from the phone's queue; the same key again gets the same answer and does nothing more."""
    action = _body(request)
    kind = _text(action, "kind")
    if kind == "undo":
        found = journey.scan_undo(actor=request.actor, key=_text(_data(action), "key"))
    elif kind == "dismiss":
        return {"key": _text(action, "key"), "result": _dismissed(request.actor, action)}
    else:
        found = journey.scan_record(actor=request.actor, draft=_draft(action, kind))
    return {"key": _text(action, "key"), "result": shapes.result(found)}


def _draft(action: Mapping[str, Any], kind: str) -> journey.ScanDraft:
    return journey.ScanDraft(
        kind=kind,
        code=_text(action, "code"),
        station_code=_text(action, "station"),
        trip=_text(action, "trip", blank=True),
        at=_instant(_text(action, "at")),
        key=str(_uuid(_text(action, "key"))),
        data=_data(action),
    )


def _dismissed(actor: Principal, action: Mapping[str, Any]) -> dict[str, Any]:
    """A person put away what the server had refused: nothing happens to the parcel, the reason is on record."""
    data = _data(action)
    access.audit(
        actor=actor,
        action="field.dismiss",
        subject=_text(action, "code", blank=True),
        detail={
            "kind": _text(data, "kind", blank=True)[:20],
            "key": _text(data, "key", blank=True)[:40],
            "reason": _text(data, "reason", blank=True)[:REASON_MAX],
        },
    )
    return {"level": "ok", "message": "", "waybill": None, "counts": None}


def _body(request: HttpRequest) -> Mapping[str, Any]:
    if len(request.body) > ACTION_MAX_BYTES:
        raise TooLarge("这条记录过大")
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Invalid("内容不是 JSON") from None
    if not isinstance(value, dict):
        raise Invalid("内容不是 JSON 对象")
    return value


def _data(action: Mapping[str, Any]) -> Mapping[str, Any]:
    data = action.get("data", {})
    if not isinstance(data, dict):
        raise Invalid("操作内容格式不对", fields={"data": "须为对象"})
    return data


def _text(values: Mapping[str, Any], name: str, *, blank: bool = False) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or "\0" in value or not (value or blank):
        raise Invalid(f"缺少 {name}", fields={name: "须为文字"})
    return value


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("操作编号格式不对", fields={"key": "须为 UUID"}) from None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("时间须带时区", fields={"at": "如 2026-11-22T08:00:00+08:00"})
    return at
