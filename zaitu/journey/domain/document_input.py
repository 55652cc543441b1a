"""What the tracking document is built from: everything a page may show about one shipment, without people and without position."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zaitu.journey.domain.statuses import Detail, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceInput:
    code: str
    name: str
    """As stored, or the code itself when the station is unknown to us (a partner's)."""
    city: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInput:
    """One line of the node history, oldest first in `DocumentInput.nodes`."""

    at: datetime
    kind: str
    """The event kind (domain/actions.py) that made this node."""
    status: Status
    detail: Detail
    """Status and detail after the event."""
    place: PlaceInput | None
    pieces: int | None = None
    """Set when the node speaks of some pieces only."""
    exception: str = ""
    """Problem code (domain/problems.py) when the node raises or solves one."""
    number: str = ""
    """The other number, for forwarded and split."""
    by_partner: bool = False
    """A partner carrier told it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInput:
    seq: int
    place: PlaceInput
    along_m: float
    """Metres from the start of the trip's route."""
    state: str
    """`passed`, `here` or `ahead`."""
    key_node: bool
    planned_arrival: datetime
    eta: datetime | None
    arrived_at: datetime | None
    departed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TripInput:
    """The trip it is on or planned for; its points are joined at read (`journey_trip.points`)."""

    ref: str
    line_code: str
    line_name: str
    length_m: float
    leg_from_m: float
    leg_to_m: float
    """The part of the route this shipment rides."""
    on_board: bool
    stops: tuple[StopInput, ...]
    """From where it boards to where it leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofInput:
    at: datetime
    relation: str
    """A SignerRelation (domain/signing.py)."""
    pieces: int
    signature: str = ""
    """File id; empty: none."""
    photos: tuple[str, ...] = ()
    """File ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInput:
    waybill: str
    status: Status
    detail: Detail
    status_at: datetime
    final: bool
    signed_at: datetime | None
    place: PlaceInput | None
    """Where the last event with a place happened."""
    exception: Mapping[str, Any] | None
    """{code, level, cause, party, action_required, plan, eta_delta, since}; `party` is for staff only."""
    eta: datetime | None
    eta_from: datetime | None
    eta_to: datetime | None
    eta_planned: datetime | None
    eta_reason: str
    product: str
    goods: str
    pieces_total: int
    signed_pieces: int
    cold_band_c: tuple[float | None, float | None]
    origin: PlaceInput
    destination: PlaceInput
    nodes: tuple[NodeInput, ...]
    """Oldest first."""
    trip: TripInput | None
    proofs: tuple[ProofInput, ...]
    parent: str
    """Waybill this one was split from; empty: none."""
    children: tuple[str, ...]
    """Waybills split from this one."""
    numbers: tuple[tuple[str, str], ...]
    """(number, carrier) of partners it was forwarded to."""
    version: int
    updated_at: datetime
