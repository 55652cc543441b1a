"""Today at a glance, the search over everything, and how the installation is."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zaitu.access import public as access
from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.home.questions import by_channel
from zaitu.console.journey.lateness import late_min, running_trips
from zaitu.console.navigation import navigation
from zaitu.customers import public as customers
from zaitu.journey import public as journey
from zaitu.journey.public import ShipmentQuery
from zaitu.kernel import outbox
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry

_FOUND: Final = 6
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that opens the records behind it."""

    name: str
    value: int
    icon: str
    address: str
    tone: str = ""


@require_safe
@staff()
def home(request: StaffRequest) -> HttpResponse:
    actor = request.actor
    context: dict[str, Any] = {"numbers": _devices(actor)}
    if actor.can(Right.SHIPMENTS_READ):
        running = running_trips(actor)
        query = ShipmentQuery(exception="any", open_only=True, sort="-status_at")
        late = [(late_min(trip), trip) for trip in running if late_min(trip)]
        context |= {
            "numbers": [*_goods(actor), _on_the_road(len(running)), *_devices(actor)],
            "troubled": journey.shipments_search(actor=actor, query=query, size=_SHOWN).rows,
            "late_trips": sorted(late, key=lambda pair: -pair[0])[:_SHOWN],
            "running": len(running),
        }
    return show(request, "console/home/home.html", context)


def _goods(actor: Principal) -> list[Number]:
    shipments = reverse("console:shipments")

    def number(name: str, icon: str, address: str, tone: str = "", **query: Any) -> Number:
        page = journey.shipments_search(actor=actor, query=ShipmentQuery(**query), size=1)
        return Number(name=name, value=page.total, icon=icon, address=f"{shipments}?{address}", tone=tone)

    return [
        number(
            _("有异常"), "alert-triangle", "exception=any&open=1", "danger", exception="any", open_only=True
        ),
        number(_("待发车"), "truck-loading", "status=awaiting_departure", status="awaiting_departure"),
        number(_("在途"), "truck", "status=in_transit", status="in_transit"),
        number(_("即将送达"), "truck-delivery", "status=arriving_soon", status="arriving_soon"),
        number(_("已到达待派送"), "map-pin", "status=arrived", status="arrived"),
    ]


def _on_the_road(trips: int) -> Number:
    address = f"{reverse('console:trips')}?state=running"
    return Number(name=_("在跑车次"), value=trips, icon="route", address=address)


def _devices(actor: Principal) -> list[Number]:
    if not actor.can(Right.TERMINALS_MANAGE):
        return []
    waiting = len(telemetry.unknown_terminals(actor=actor))
    address = reverse("console:terminals")
    return [
        Number(
            name=_("待接入终端"), value=waiting, icon="gps", address=address, tone="warn" if waiting else ""
        )
    ]


@staff()
def nowhere(request: StaffRequest, rest: str) -> HttpResponse:
    """Any other address: said inside the console, where one can go on."""
    raise NotFound(_("没有这个页面"))


@require_safe
@staff()
def search(request: StaffRequest) -> HttpResponse:
    """Waybills, phones, vehicles, trips, customers, stations, pages and actions; what somebody may not see is not found."""
    text = request.GET.get("q", "").strip()[:60]
    found = _found(request.actor, text) if text else {}
    pages = _pages(request, text)
    context = {"q": text, "pages": pages, **found, "nothing": not pages and not any(found.values())}
    return show(request, "console/parts/found.html", context)


def _found(actor: Principal, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if actor.can(Right.SHIPMENTS_READ):
        query = ShipmentQuery(text=text)
        page = _quietly(lambda: journey.shipments_search(actor=actor, query=query, size=_FOUND))
        found["shipments"] = page and page.rows
        found["more"] = max(0, page.total - _FOUND) if page else 0
        found["trips"] = _quietly(lambda: journey.trips_list(actor=actor, text=text).rows[:_FOUND])
    if actor.can(Right.NETWORK_READ):
        found["vehicles"] = network.vehicles_list(actor=actor, text=text).rows[:_FOUND]
        found["stations"] = network.stations_list(actor=actor, text=text).rows[:_FOUND]
    if actor.can(Right.CUSTOMERS_READ):
        found["customers"] = customers.customers_search(actor=actor, text=text).rows[:_FOUND]
    return found


def _quietly(read: Any) -> Any:
    """A half-typed number is no error while somebody types."""
    try:
        return read()
    except Invalid:
        return None


def _pages(request: StaffRequest, text: str) -> list[Any]:
    entries = [entry for _title, group in navigation(request.actor, "") for entry in group]
    actions = [
        (Right.ORDERS_CREATE, _("下单"), "plus", reverse("console:order-new")),
        (Right.ORDERS_CREATE, _("批量下单"), "file-import", reverse("console:orders-import")),
        (Right.TRIPS_PLAN, _("安排车次"), "plus", reverse("console:trip-new")),
        (Right.CUSTOMERS_EDIT, _("新建客户"), "plus", reverse("console:customer-new")),
        (Right.USERS_MANAGE, _("新建用户"), "plus", reverse("console:user-new")),
        (None, _("修改密码"), "lock", reverse("console:me")),
    ]
    pages = [(str(entry.name), entry.icon, entry.address) for entry in entries]
    pages += [
        (name, icon, address)
        for right, name, icon, address in actions
        if right is None or request.actor.can(right)
    ]
    return [page for page in pages if text.lower() in page[0].lower()][: _FOUND if text else 20]


@require_safe
@staff(Right.USERS_MANAGE)
def health(request: StaffRequest) -> HttpResponse:
    """What waits in the outbox, and what was set aside."""
    context = {"backlog": outbox.backlog(), "poison": outbox.poison_list(), "channels": by_channel()}
    return show(request, "console/home/health.html", context)


@require_POST
@staff(Right.USERS_MANAGE)
def poison(request: StaffRequest, poison_id: int) -> HttpResponse:
    """Give a set-aside event to its handler once more, or give it up."""
    again = request.POST.get("do") == "again"
    if again:
        outbox.poison_requeue(poison_id)
    else:
        outbox.poison_drop(poison_id)
    access.audit(
        actor=request.actor, action="outbox.requeue" if again else "outbox.drop", subject=f"event:{poison_id}"
    )
    done(request, _("已重新排队") if again else _("已放弃"))
    return redirect("console:health")
