"""What the room shows: frozen, without models. Coordinates are WGS-84 degrees, lengths metres, instants aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TripState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    MISSED = "missed"
    """Planned, and nobody saw it leave (domain/noshow.py); a departure heard of later makes it run."""


TRIP_STATE_TEXTS: dict[TripState, tuple[str, str]] = {
    TripState.PLANNED: ("待发车", "Planned"),
    TripState.RUNNING: ("行驶中", "Running"),
    TripState.DONE: ("已完成", "Done"),
    TripState.CANCELLED: ("已取消", "Cancelled"),
    TripState.MISSED: ("未发车", "Not run"),
}
"""State → (Chinese, English)."""


class LegState(StrEnum):
    PLANNED = "planned"
    ON_BOARD = "on_board"
    DONE = "done"
    LEFT_BEHIND = "left_behind"


class Level(StrEnum):
    """How a scan was received."""

    OK = "ok"
    WARN = "warn"
    """Recorded, and somebody should look."""
    WRONG = "wrong"
    """Not recorded; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    waybill: str
    customer_code: str
    client_ref: str
    status: str
    eta: datetime
    eta_from: datetime
    eta_to: datetime
    pieces: tuple[str, ...]
    """Piece labels, `ZT…-001` onwards."""
    existing: bool = False
    """True when this order had been placed before (same customer, same `client_ref`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    row: int
    """As the spreadsheet counts: the header is row 1. 0: the file as a whole."""
    column: str
    message: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersImported:
    created: int
    existing: int
    """Rows whose order had been placed before."""
    waybills: tuple[str, ...]
    errors: tuple[RowError, ...]
    """At most 200; `failed` counts all."""
    failed: int
    """Rows that made no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripStopView:
    seq: int
    station_code: str
    name: str
    city: str
    lat: float
    lon: float
    along_m: float
    planned_arrival: datetime
    planned_departure: datetime
    eta: datetime | None
    arrived_at: datetime | None
    departed_at: datetime | None
    key_node: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TripView:
    ref: str
    line: str
    """Line code."""
    line_name: str
    plate: str
    vehicle_id: int
    driver: str
    """The driver's name; empty: none named."""
    driver_code: str
    state: str
    """A TripState."""
    state_text: str
    departs_at: datetime
    stops: tuple[TripStopView, ...]
    points: tuple[tuple[float, float], ...]
    length_m: float
    expected: int
    """Pieces assigned."""
    loaded: int
    """Pieces on board or already carried."""
    shipments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pieces of one shipment at one place and kind of scan, or of a whole trip there."""

    expected: int
    scanned: int

    @property
    def short(self) -> int:
        return max(0, self.expected - self.scanned)

    @property
    def over(self) -> int:
        return max(0, self.scanned - self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    waybill: str
    goods: str
    to_station: str
    task: str
    """`load` or `unload`."""
    pieces_expected: int
    pieces_scanned: int
    short: int
    over: int
    held: bool = False
    """A recheck that did not match is open: it is not loaded, and not believed to ride along."""

    @property
    def ok(self) -> bool:
        return self.short == 0 and self.over == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """What a station has to load onto and unload from a trip, and how far it is."""

    trip: str
    plate: str
    station_code: str
    station_name: str
    rows: tuple[SheetRow, ...]
    load: Counts
    unload: Counts
    behind: tuple[SheetRow, ...] = ()
    """What should have boarded here and was left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    waybill: str | None
    piece: str | None
    status: str
    status_text: str
    message: str
    """Chinese, short; says what to do when the level is not ok."""
    level: str
    """A Level."""
    counts: Counts | None
    duplicate: bool
    """This very scan had been received before, or the piece had been scanned here before."""
    event_id: int | None
    shipments: int = 1
    """How many shipments the scan moved (departures and arrivals move a truckload)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRow:
    waybill: str
    status: str
    status_text: str
    detail: str
    detail_text: str
    final: bool
    from_station: str
    from_name: str
    to_station: str
    to_name: str
    goods: str
    pieces: int
    customer_code: str
    trip: str
    plate: str
    ordered_at: datetime
    status_at: datetime
    eta: datetime | None
    eta_planned: datetime | None
    late_min: int
    """Minutes the ETA (or the signature) is after the first promise; 0: not late."""
    exception: Mapping[str, Any] | None
    exception_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """How a shipment stands after an event was taken back."""

    row: ShipmentRow
    said: tuple[str, ...]
    """What became of the rides that a voided forwarding had taken away, in Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    role: str
    """`consignor` or `consignee`."""
    contact_id: int | None
    name: str
    phone: str
    city: str
    address: str
    masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceView:
    label: str
    kind: str
    kind_text: str
    station_code: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    id: int
    kind: str
    text: str
    """What happened, in Chinese."""
    at: datetime
    recorded_at: datetime
    source: str
    source_text: str
    actor: str
    station_code: str
    place: str
    piece: str
    pieces: int | None
    trip: str
    raw_code: str
    raw_text: str
    voided: bool
    idle: bool
    """Without effect on the status: another ending stood already."""
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EtaPointView:
    at: datetime
    eta: datetime
    eta_from: datetime
    eta_to: datetime
    reason: str
    reason_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    event_id: int
    at: datetime
    signer: str
    """Masked unless the reader may see personal data."""
    relation: str
    relation_text: str
    pieces: int
    signature: str
    """File id; empty: none."""
    photos: tuple[str, ...]
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    remarks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    trip: str
    line_name: str
    plate: str
    from_name: str
    to_name: str
    state: str
    state_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentView:
    """Everything known of one shipment."""

    row: ShipmentRow
    weight_kg: float
    volume_m3: float
    cold_min_c: float | None
    cold_max_c: float | None
    product: str
    client_ref: str
    remarks: str
    items: tuple[tuple[str, str, int], ...]
    people: tuple[PersonView, ...]
    pieces: tuple[PieceView, ...]
    events: tuple[EventView, ...]
    """Newest first."""
    legs: tuple[LegView, ...]
    trip: TripView | None
    eta_from: datetime | None
    eta_to: datetime | None
    eta_history: tuple[EtaPointView, ...]
    """Oldest first."""
    proofs: tuple[ProofView, ...]
    parent: str
    children: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]
    """(number, carrier)."""
    document: Mapping[str, Any]
    vehicle_id: int | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelView:
    """What a piece label prints."""

    waybill: str
    label: str
    piece: int
    pieces: int
    from_name: str
    to_name: str
    to_city: str
    goods: str
    product: str
    weight_kg: float
    cold: bool
    consignee: str
    """Masked."""
    consignee_phone: str
    """Masked."""
    consignee_address: str
    """Masked."""
    remarks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackView:
    """The tracking document of one shipment with what joins it at read."""

    waybill: str
    document: Mapping[str, Any]
    vehicle_id: int | None
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What one run of the ETA timer did."""

    trips: int
    stops: int
    shipments: int
    """Shipments whose told ETA changed."""
    soon: int
    """Shipments that became `arriving_soon`."""
    silent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentQuery:
    text: str = ""
    """A waybill or a part of one, a phone or its last four digits, a party's full name, or words of goods, stations, customer."""
    status: str = ""
    station: str = ""
    """Station code, as origin or destination."""
    line: str = ""
    exception: str = ""
    """A problem code, or `any`."""
    customer: str = ""
    ordered_from: datetime | None = None
    ordered_to: datetime | None = None
    open_only: bool = False
    sort: str = "-ordered_at"
    """`ordered_at`, `eta`, `status_at`, each with `-` for newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDraft:
    name: str
    phone: str
    city: str
    address: str
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    product: str
    from_station: str
    to_station: str
    consignor: PartyDraft
    consignee: PartyDraft
    pieces: int
    """1 to 999."""
    weight_kg: float
    volume_m3: float
    goods: str
    customer_code: str | None = None
    """None: a walk-in customer."""
    cold_min_c: float | None = None
    cold_max_c: float | None = None
    remarks: str = ""
    client_ref: str = ""
    """The customer's own number; the same number is the same order."""
    items: tuple[tuple[str, str, int], ...] = ()
    """(sku, name, quantity)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripDraft:
    line: str
    plate: str
    departs_at: datetime
    driver_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDraft:
    kind: str
    """A Kind of SCANS (domain/actions.py)."""
    code: str
    """Waybill or piece label; for `departed` and `arrived` a trip's ref moves everything on board."""
    station_code: str
    at: datetime
    key: str
    """Made by the phone, one per scan: the same key is the same scan."""
    trip: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """`pieces` (a count), `items` {sku: quantity}, `signer`, `relation`, `signature`, `photos`, `place` {lat, lon, acc_m},
    `reason` (a problem code), `note`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEvent:
    """Something recorded at a desk."""

    kind: str
    note: str
    """Why, or what happened; needed."""
    at: datetime | None = None
    """None: now."""
    station_code: str = ""
    code: str = ""
    """Problem code, for `problem` and `problem_solved` (empty: all are solved)."""
    pieces: int | None = None
    """None: all."""
    key: str = ""
    """The same key is the same event."""
