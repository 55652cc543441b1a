"""The network room's contract: the company itself, stations, lines, vehicles, drivers, terminals in vehicles, products.

Reads that end in `_by_ids`, `_by_codes` or `_of` serve other rooms, which authorise their own callers; they hold no
personal data beyond a driver's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from zaitu.kernel.errors import Forbidden
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind, Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house
from zaitu.network import selectors
from zaitu.network.adapters.company import KEPT
from zaitu.network.domain.hours import DEFAULT as DELIVERY_HOURS
from zaitu.network.domain.hours import hours_parsed, hours_text
from zaitu.network.domain.kinds import STATION_KINDS, VEHICLE_KINDS, StationKind, VehicleKind
from zaitu.network.domain.views import (
    BindingView,
    CompanyView,
    DriverDraft,
    DriverView,
    ImportReport,
    LineDraft,
    LineStopDraft,
    LineStopView,
    LineView,
    Only,
    Point,
    ProductDraft,
    ProductView,
    RowError,
    StationDraft,
    StationView,
    VehicleDraft,
    VehicleView,
)
from zaitu.network.services import bindings, exports, imports, master, simulated, store
from zaitu.network.services import company as _company
from zaitu.network.services.exports import EVERYTHING

__all__ = [
    "DELIVERY_HOURS",
    "STATION_KINDS",
    "VEHICLE_KINDS",
    "BindingView",
    "CompanyView",
    "DriverDraft",
    "DriverView",
    "ImportReport",
    "LineDraft",
    "LineStopDraft",
    "LineStopView",
    "LineView",
    "Only",
    "Point",
    "ProductDraft",
    "ProductView",
    "RowError",
    "StationDraft",
    "StationKind",
    "StationView",
    "VehicleDraft",
    "VehicleKind",
    "VehicleView",
    "bindings_changed",
    "bindings_of",
    "bindings_of_vehicle",
    "company",
    "company_known",
    "company_put",
    "driver_of_user",
    "driver_phone",
    "driver_put",
    "drivers_by_codes",
    "drivers_by_ids",
    "drivers_list",
    "export_rows",
    "hours_parsed",
    "hours_text",
    "import_rows",
    "keys_rewrite",
    "line_get",
    "line_put",
    "lines_by_codes",
    "lines_list",
    "product_put",
    "products_list",
    "simulated_forget",
    "simulated_put",
    "station_get",
    "station_nearest",
    "station_put",
    "stations_by_codes",
    "stations_list",
    "terminal_bind",
    "terminal_unbind",
    "vehicle_get",
    "vehicle_put",
    "vehicles_by_ids",
    "vehicles_list",
]


def company() -> CompanyView:
    """What the company is called and how to reach it, for everybody; a change shows within five seconds in every process."""
    return KEPT.read()


def company_known() -> CompanyView:
    """The same from this process's memory only: for pages that say the database does not answer."""
    return KEPT.known()


def company_put(*, actor: Principal, company: CompanyView) -> None:
    """Name the company. Raises Invalid."""
    actor.must(Right.COMPANY_EDIT)
    _company.company_put(actor=actor, company=company)


def stations_list(
    *, actor: Principal, text: str = "", page: int = 1, only: Only = EVERYTHING
) -> Page[StationView]:
    actor.must(Right.NETWORK_READ)
    return selectors.stations(only=replace(only, text=text or only.text), page=page)


def station_get(*, actor: Principal, code: str) -> StationView:
    """Raises NotFound."""
    actor.must(Right.NETWORK_READ)
    return selectors.station_view(selectors.station(code))


def stations_by_codes(codes: Iterable[str]) -> dict[str, StationView]:
    """Unknown codes are left out."""
    return selectors.stations_by_codes(codes)


def station_nearest(*, lat: float, lon: float) -> tuple[StationView, float] | None:
    """The station in use that lies nearest, and how many metres away; None while there is none."""
    return selectors.station_nearest(lat, lon)


def station_put(*, actor: Principal, draft: StationDraft) -> StationView:
    """Make the station of this code, or change it. Raises Invalid."""
    actor.must(Right.NETWORK_EDIT)
    return master.station_put(actor=actor, draft=draft)


def lines_list(*, actor: Principal, text: str = "", page: int = 1, only: Only = EVERYTHING) -> Page[LineView]:
    actor.must(Right.NETWORK_READ)
    return selectors.lines(only=replace(only, text=text or only.text), page=page)


def line_get(*, actor: Principal, code: str) -> LineView:
    """Raises NotFound."""
    actor.must(Right.NETWORK_READ)
    return selectors.line(code)


def lines_by_codes(codes: Iterable[str]) -> dict[str, LineView]:
    """Unknown codes are left out."""
    return selectors.lines_by_codes(codes)


def line_put(*, actor: Principal, draft: LineDraft) -> LineView:
    """Make the line of this code, or change it; each stop's metres along the road are found here.

    Raises Invalid when a station is unknown, lies more than 3 km off the road, or the road passes in another order.
    """
    actor.must(Right.NETWORK_EDIT)
    return master.line_put(actor=actor, draft=draft)


def vehicles_list(
    *, actor: Principal, text: str = "", page: int = 1, only: Only = EVERYTHING
) -> Page[VehicleView]:
    actor.must(Right.NETWORK_READ)
    return selectors.vehicles(only=replace(only, text=text or only.text), page=page)


def vehicle_get(*, actor: Principal, plate: str) -> VehicleView:
    """Raises Invalid for what is no plate, NotFound."""
    actor.must(Right.NETWORK_READ)
    return selectors.vehicle_view(selectors.vehicle(plate))


def vehicles_by_ids(ids: Iterable[int]) -> dict[int, VehicleView]:
    """Unknown ids are left out."""
    return selectors.vehicles_by_ids(ids)


def vehicle_put(*, actor: Principal, draft: VehicleDraft) -> VehicleView:
    """Make the vehicle of this plate, or change it. Raises Invalid."""
    actor.must(Right.NETWORK_EDIT)
    return master.vehicle_put(actor=actor, draft=draft)


def drivers_list(
    *, actor: Principal, text: str = "", page: int = 1, only: Only = EVERYTHING
) -> Page[DriverView]:
    """Phones are masked."""
    actor.must(Right.NETWORK_READ)
    return selectors.drivers(only=replace(only, text=text or only.text), page=page)


def drivers_by_ids(ids: Iterable[int]) -> dict[int, DriverView]:
    """Unknown ids are left out; phones are masked."""
    return selectors.drivers_by_ids(ids)


def drivers_by_codes(codes: Iterable[str]) -> dict[str, DriverView]:
    """Unknown codes are left out; phones are masked."""
    return selectors.drivers_by_codes(codes)


def driver_of_user(user_id: int) -> DriverView | None:
    """The driver who signs in as this user, if any."""
    return selectors.driver_of_user(user_id)


def driver_phone(*, actor: Principal, code: str, reason: str) -> str:
    """The whole number, to call the driver; recorded in the audit with the reason. Raises NotFound, Invalid without a reason."""
    actor.must(Right.PERSONAL_READ)
    return master.driver_phone(actor=actor, code=code, reason=reason)


def driver_put(*, actor: Principal, draft: DriverDraft) -> DriverView:
    """Make the driver of this code, or change it. Raises Invalid, Conflict when the user is another driver's."""
    actor.must(Right.NETWORK_EDIT)
    return master.driver_put(actor=actor, draft=draft)


def products_list(*, actor: Principal) -> tuple[ProductView, ...]:
    """Every product; customers' keys read them too, to order one."""
    return selectors.products()


def product_put(*, actor: Principal, draft: ProductDraft) -> ProductView:
    """Make the product of this code, or change it. Raises Invalid."""
    actor.must(Right.NETWORK_EDIT)
    return master.product_put(actor=actor, draft=draft)


def terminal_bind(*, actor: Principal, terminal: str, plate: str, from_at: datetime) -> None:
    """Put a terminal into a vehicle from an instant on; it leaves the one it was in at that instant.

    Binding it again where it is changes nothing. Raises Invalid, NotFound for an unknown plate,
    Conflict when it was elsewhere at that time.
    """
    actor.must(Right.TERMINALS_MANAGE)
    bindings.terminal_bind(actor=actor, terminal=terminal, plate=plate, from_at=from_at)


def terminal_unbind(*, actor: Principal, terminal: str, at: datetime) -> None:
    """Take a terminal out of its vehicle. Raises Invalid, Conflict when it is in none at that instant."""
    actor.must(Right.TERMINALS_MANAGE)
    bindings.terminal_unbind(actor=actor, terminal=terminal, at=at)


def bindings_of(terminals: Iterable[str]) -> list[BindingView]:
    """Every stay of these terminals (digits without leading zeros), by terminal and time."""
    return selectors.bindings_of(terminals)


def bindings_changed(since: int) -> tuple[int, frozenset[str]]:
    """(next mark, terminals put elsewhere since the mark `since`); 0 begins. For telemetry, which keeps stays in memory."""
    return selectors.bindings_changed(since)


def bindings_of_vehicle(vehicle_id: int) -> list[BindingView]:
    """Every stay of any terminal in this vehicle, by time."""
    return selectors.bindings_of_vehicle(vehicle_id)


def simulated_put(*, actor: Principal, plates: Mapping[str, str], from_at: datetime) -> dict[str, int]:
    """Make test vehicles and bind their terminals: terminal → plate (测A00001 …) in, terminal → vehicle id out.

    For commands only. What is there stays. Raises Forbidden, Invalid for a plate that a real vehicle could have.
    """
    _must_be_system(actor)
    return simulated.simulated_put(actor=actor, plates=plates, from_at=from_at)


def simulated_forget(*, actor: Principal) -> int:
    """Remove every test vehicle with its bindings; how many. Raises Forbidden, Conflict when one has a trip."""
    _must_be_system(actor)
    return simulated.simulated_forget(actor=actor)


def _must_be_system(actor: Principal) -> None:
    if actor.kind is not Kind.SYSTEM:
        raise Forbidden(f"{actor.kind.value} may not make test vehicles")


def import_rows(*, actor: Principal, kind: str, filename: str, content: bytes) -> ImportReport:
    """Store the good rows of a CSV or Excel file (≤ 10 MB, ≤ 50,000 rows) and tell every bad one by row and column.

    `kind`: stations, lines, vehicles, drivers, bindings or products. Things are known by their code: what is there is
    updated, and the same file a second time changes nothing. Raises Invalid for what is no table, TooLarge.
    """
    actor.must(Right.TERMINALS_MANAGE if kind == "bindings" else Right.NETWORK_EDIT)
    return imports.import_rows(actor=actor, kind=kind, filename=filename, content=content)


def export_rows(*, actor: Principal, kind: str, format: str, only: Only = EVERYTHING) -> bytes:  # noqa: A002  the word of the contract
    """The file that `import_rows` takes back; `format` is csv or xlsx. An empty table gives the headers: a template.

    `only` narrows stations, lines, vehicles and drivers.
    Drivers' phones are in it only for those who may read personal data and change the network. Raises Invalid, TooLarge.
    """
    actor.must(Right.NETWORK_READ)
    return exports.export_rows(actor=actor, kind=kind, format=format, only=only)


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write drivers anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return store.keys_rewrite()
