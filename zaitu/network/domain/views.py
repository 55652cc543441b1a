"""What the room shows and what it is told: frozen, without models.

Coordinates are WGS-84 degrees, lengths metres, instants aware UTC.
"""

from dataclasses import dataclass
from datetime import datetime

from zaitu.network.domain import hours
from zaitu.network.domain.hours import Hours

Point = tuple[float, float]
"""(lat, lon), WGS-84 degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Narrows a list, and what is exported of it. Empty: everything."""

    text: str = ""
    """Words of code, name, city or plate that must all occur."""
    kind: str = ""
    """Of a station or vehicle."""
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationView:
    id: int
    code: str
    name: str
    kind: str
    """A StationKind."""
    city: str
    province: str
    address: str
    lat: float
    lon: float
    radius_m: int
    fence: tuple[Point, ...] | None
    """Polygon of the yard; None: the circle of `radius_m`."""
    delivery_hours: Hours = hours.DEFAULT
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDraft:
    code: str
    name: str
    city: str
    lat: float
    lon: float
    kind: str = "branch"
    province: str = ""
    address: str = ""
    radius_m: int = 300
    """50 to 5,000."""
    fence: tuple[Point, ...] | None = None
    delivery_hours: Hours = hours.DEFAULT
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView:
    id: int
    code: str
    name: str
    promise_hours: int
    cold: bool
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    code: str
    name: str
    promise_hours: int
    """Hours from collection to the door, 1 to 720."""
    cold: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStopView:
    seq: int
    """From 0."""
    station: StationView
    along_m: float
    """Metres from the line's first point, along its geometry."""
    arrive_after_min: int
    """Planned minutes from departure at the first stop to arrival here."""
    dwell_min: int
    key_node: bool
    """Customers are told when this stop is passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    id: int
    code: str
    name: str
    product: str
    """Product code; empty: any product."""
    stops: tuple[LineStopView, ...]
    points: tuple[Point, ...]
    length_m: float
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStopDraft:
    station: str
    """Station code."""
    arrive_after_min: int
    dwell_min: int = 0
    key_node: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDraft:
    code: str
    name: str
    stops: tuple[LineStopDraft, ...]
    product: str = ""
    points: tuple[Point, ...] = ()
    """The road driven; empty: straight from stop to stop."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleView:
    id: int
    plate: str
    kind: str
    """A VehicleKind."""
    temp_controlled: bool
    capacity_kg: int = 0
    """0: not stated."""
    capacity_m3: float = 0.0
    """0: not stated."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleDraft:
    plate: str
    kind: str = "truck"
    temp_controlled: bool = False
    capacity_kg: int = 0
    capacity_m3: float = 0.0
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyView:
    name: str = ""
    """Empty: not named yet."""
    hotline: str = ""
    """As people dial it, `400-820-0000`; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverView:
    id: int
    code: str
    name: str
    user_id: int | None
    phone: str = ""
    """Masked, unless asked for by `driver_phone`."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverDraft:
    code: str
    name: str
    phone: str = ""
    """Empty: keep what is stored."""
    user_id: int | None = None
    """The user this driver signs in as."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingView:
    terminal: str
    """Digits without leading zeros."""
    vehicle_id: int
    plate: str
    from_at: datetime
    to_at: datetime | None
    """None: still in this vehicle."""

    def holds(self, at: datetime) -> bool:
        """Whether the terminal is in this vehicle then."""
        return self.from_at <= at and (self.to_at is None or at < self.to_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    row: int
    """As the spreadsheet counts: the header is row 1. 0: the file as a whole."""
    column: str
    message: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    created: int
    updated: int
    errors: tuple[RowError, ...]
    """At most MAX_ERRORS; `failed` counts all."""
    unchanged: int = 0
    failed: int = 0
    """Rows that were not stored."""
