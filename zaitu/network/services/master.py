"""One station, product, vehicle, driver or line at a time, as a person edits it."""

from collections.abc import Callable

from django.db import IntegrityError, transaction

from zaitu.access import public as access
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.network import selectors
from zaitu.network.domain import checks
from zaitu.network.domain.lines import line_placed
from zaitu.network.domain.views import (
    DriverDraft,
    DriverView,
    LineDraft,
    LineView,
    ProductDraft,
    ProductView,
    StationDraft,
    StationView,
    VehicleDraft,
    VehicleView,
)
from zaitu.network.services import store


def station_put(*, actor: Principal, draft: StationDraft) -> StationView:
    checked = checks.station_checked(draft)
    _write(actor, f"station:{checked.code}", lambda: store.stations_store([checked]))
    return selectors.station_view(selectors.station(checked.code))


def product_put(*, actor: Principal, draft: ProductDraft) -> ProductView:
    checked = checks.product_checked(draft)
    _write(actor, f"product:{checked.code}", lambda: store.products_store([checked]))
    return selectors.product_view(selectors.product(checked.code))


def vehicle_put(*, actor: Principal, draft: VehicleDraft) -> VehicleView:
    checked = checks.vehicle_checked(draft)
    _write(actor, f"vehicle:{checked.plate}", lambda: store.vehicles_store([checked]))
    return selectors.vehicle_view(selectors.vehicle(checked.plate))


def driver_put(*, actor: Principal, draft: DriverDraft) -> DriverView:
    checked = checks.driver_checked(draft)
    try:
        _write(actor, f"driver:{checked.code}", lambda: store.drivers_store([checked]))
    except IntegrityError as error:
        raise Conflict("没有这个登录账号，或它已属于另一位司机") from error
    return selectors.driver_view(selectors.driver(checked.code))


@transaction.atomic
def driver_phone(*, actor: Principal, code: str, reason: str) -> str:
    reason = reason.strip()[:200]
    if not reason:
        raise Invalid("请写明查看原因", fields={"reason": "请写明查看原因"})
    driver = selectors.driver(code)
    access.audit(
        actor=actor,
        action="personal.read",
        subject=f"driver:{driver.code}",
        detail={"fields": ["phone"], "reason": reason},
    )
    return driver.phone


def line_put(*, actor: Principal, draft: LineDraft) -> LineView:
    """Store a line; its stops are laid on its road anew. Raises Invalid."""
    codes = {checks.plain(stop.station) for stop in draft.stops}
    products = {product.code for product in selectors.products()}
    placed = line_placed(draft, stations=selectors.stations_by_codes(codes), products=products)
    _write(actor, f"line:{placed.draft.code}", lambda: store.lines_store([placed]))
    return selectors.line(placed.draft.code)


@transaction.atomic
def _write(actor: Principal, subject: str, write: Callable[[], store.Stored]) -> None:
    """Write and audit together; what changed nothing is not audited."""
    stored = write()
    if stored.created or stored.updated:
        action = "network.create" if stored.created else "network.update"
        access.audit(actor=actor, action=action, subject=subject)
