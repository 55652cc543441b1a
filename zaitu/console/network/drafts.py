"""Forms of the network into drafts."""

from typing import Any

from django.utils.translation import gettext as _

from zaitu.access import public as access
from zaitu.console.forms import Form
from zaitu.console.network.line_stops import stops_of
from zaitu.console.words import said
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network
from zaitu.network.public import (
    DriverDraft,
    LineDraft,
    LineStopDraft,
    ProductDraft,
    StationDraft,
    VehicleDraft,
)


def station_save(actor: Principal, code: str, form: Form) -> None:
    before = network.station_get(actor=actor, code=code) if code else None
    network.station_put(
        actor=actor,
        draft=StationDraft(
            code=code or form.text("code"),
            name=form.text("name"),
            kind=form.text("kind"),
            province=form.text("province"),
            city=form.text("city"),
            address=form.text("address"),
            lat=form.any_number("lat"),
            lon=form.any_number("lon"),
            radius_m=form.any_whole("radius_m", 300),
            fence=before.fence if before else None,
            delivery_hours=_delivery_hours(form),
            active=_active(form, code),
        ),
    )


def _delivery_hours(form: Form) -> tuple[int, int]:
    """Empty: the usual ones; what cannot be read becomes a span that the room refuses."""
    try:
        typed = form.text("delivery_hours")
        return network.hours_parsed(typed) if typed else network.DELIVERY_HOURS
    except Invalid:
        return (0, 0)


def line_save(actor: Principal, code: str, form: Form) -> None:
    """The road of an existing line stays while its stops stay."""
    stops = _stops(form, code)
    before = network.line_get(actor=actor, code=code) if code else None
    same = before is not None and [stop.station.code for stop in before.stops] == [
        stop.station for stop in stops
    ]
    network.line_put(
        actor=actor,
        draft=LineDraft(
            code=code or form.text("code"),
            name=form.text("name"),
            product=form.text("product"),
            stops=stops,
            points=before.points if before and same else (),
            active=_active(form, code),
        ),
    )


def _stops(form: Form, code: str) -> tuple[LineStopDraft, ...]:
    """Raises Invalid; where the stops cannot be read, the room does not come to complain of the rest, so this does."""
    try:
        return stops_of(form)
    except Invalid as error:
        needed = {} if code else {"code": _("请填写线路编码")}
        needed["name"] = _("请填写线路名称")
        missing = {name: text for name, text in needed.items() if not form.text(name)}
        raise Invalid(error.message, fields={**missing, **error.fields}) from None


def vehicle_save(actor: Principal, code: str, form: Form) -> None:
    network.vehicle_put(
        actor=actor,
        draft=VehicleDraft(
            plate=code or form.text("plate"),
            kind=form.text("kind"),
            temp_controlled=form.ticked("temp_controlled"),
            capacity_kg=form.any_whole("capacity_kg", 0),
            capacity_m3=form.any_number("capacity_m3", 0.0),
            active=_active(form, code),
        ),
    )


def driver_save(actor: Principal, code: str, form: Form) -> None:
    before = network.drivers_by_codes([code]).get(code) if code else None
    network.driver_put(
        actor=actor,
        draft=DriverDraft(
            code=code or form.text("code"),
            name=form.text("name"),
            phone=form.text("phone"),
            user_id=_user_id(actor, form, before.user_id if before else None),
            active=_active(form, code),
        ),
    )


def product_save(actor: Principal, code: str, form: Form) -> None:
    network.product_put(
        actor=actor,
        draft=ProductDraft(
            code=code or form.text("code"),
            name=form.text("name"),
            promise_hours=form.any_whole("promise_hours"),
            cold=form.ticked("cold"),
            active=_active(form, code),
        ),
    )


def choices(actor: Principal, kind: str, row: Any) -> dict[str, Any]:
    """What the selects of a form offer."""
    if kind == "stations":
        return {
            "station_kinds": [(key.value, said(text)) for key, text in network.STATION_KINDS.items()],
            "hours": network.hours_text(row.delivery_hours if row else network.DELIVERY_HOURS),
        }
    if kind == "vehicles":
        return {"vehicle_kinds": [(key.value, said(text)) for key, text in network.VEHICLE_KINDS.items()]}
    if kind == "lines":
        products = [(one.code, one.name) for one in network.products_list(actor=actor)]
        return {"products": products}
    if kind == "drivers" and actor.can(Right.USERS_MANAGE):
        drivers = [user for user in access.users_list(actor=actor).rows if "driver" in user.roles]
        return {"users": [(user.id, user.name or user.username) for user in drivers]}
    return {}


def _user_id(actor: Principal, form: Form, before: int | None) -> int | None:
    """Only who manages users may say whose account a driver has; for others it stays."""
    if not actor.can(Right.USERS_MANAGE):
        return before
    return form.whole("user_id") if form.text("user_id") else None


def _active(form: Form, code: str) -> bool:
    """A new one is in use; an existing one as ticked."""
    return form.ticked("active") or not code
