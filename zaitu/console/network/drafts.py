"""Forms of the network into drafts."""

from typing import Any

from django.utils.translation import gettext as _

from zaitu.access import public as access
from zaitu.console.forms import Form
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

_STOPS_MAX = 30


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
            lat=form.number("lat"),
            lon=form.number("lon"),
            radius_m=form.whole("radius_m", 300),
            fence=before.fence if before else None,
            active=_active(form, code),
        ),
    )


def line_save(actor: Principal, code: str, form: Form) -> None:
    """Stops are typed one a line; the road of an existing line stays while its stops stay."""
    stops = _stops(form)
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


def vehicle_save(actor: Principal, code: str, form: Form) -> None:
    network.vehicle_put(
        actor=actor,
        draft=VehicleDraft(
            plate=code or form.text("plate"),
            kind=form.text("kind"),
            temp_controlled=form.ticked("temp_controlled"),
            capacity_kg=form.whole("capacity_kg", 0),
            capacity_m3=form.number("capacity_m3", 0.0),
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
            promise_hours=form.whole("promise_hours"),
            cold=form.ticked("cold"),
            active=_active(form, code),
        ),
    )


def choices(actor: Principal, kind: str, row: Any) -> dict[str, Any]:
    """What the selects of a form offer."""
    if kind == "stations":
        return {"station_kinds": [(key.value, said(text)) for key, text in network.STATION_KINDS.items()]}
    if kind == "vehicles":
        return {"vehicle_kinds": [(key.value, said(text)) for key, text in network.VEHICLE_KINDS.items()]}
    if kind == "lines":
        products = [(one.code, one.name) for one in network.products_list(actor=actor)]
        return {"products": products, "stops_text": stops_text(row) if row else ""}
    if kind == "drivers" and actor.can(Right.USERS_MANAGE):
        drivers = [user for user in access.users_list(actor=actor).rows if "driver" in user.roles]
        return {"users": [(user.id, user.name or user.username) for user in drivers]}
    return {}


def stops_text(line: network.LineView) -> str:
    """The stops of a line as they are typed: code, minutes from departure, minutes of stay, 关键 for a key node."""
    rows = []
    for stop in line.stops:
        key = " 关键" if stop.key_node else ""
        rows.append(f"{stop.station.code} {stop.arrive_after_min} {stop.dwell_min}{key}")
    return "\n".join(rows)


def _stops(form: Form) -> tuple[LineStopDraft, ...]:
    stops = []
    for number, row in enumerate(form.values.get("stops", "").splitlines(), start=1):
        words = row.replace("，", " ").replace(",", " ").split()
        if not words:
            continue
        if (
            len(words) < 2
            or not all(word.isascii() and word.isdigit() for word in words[1:3])
            or len(words) > 4
        ):
            raise Invalid(
                fields={"stops": _("第 %(n)d 行应为：站点编码 到达分钟 停留分钟 [关键]") % {"n": number}}
            )
        stops.append(
            LineStopDraft(
                station=words[0],
                arrive_after_min=int(words[1]),
                dwell_min=int(words[2]) if len(words) > 2 else 0,
                key_node=words[-1] == "关键",
            )
        )
    if not 2 <= len(stops) <= _STOPS_MAX:
        raise Invalid(fields={"stops": _("请填写 2–30 个站点")})
    return tuple(stops)


def _user_id(actor: Principal, form: Form, before: int | None) -> int | None:
    """Only who manages users may say whose account a driver has; for others it stays."""
    if not actor.can(Right.USERS_MANAGE):
        return before
    return form.whole("user_id") if form.text("user_id") else None


def _active(form: Form, code: str) -> bool:
    """A new one is in use; an existing one as ticked."""
    return form.ticked("active") or not code
