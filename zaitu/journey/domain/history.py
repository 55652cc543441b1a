"""What an earlier system hands over on the day a company moves in: orders, trips and what happened to them, already past."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zaitu.journey.domain.views import OrderDraft, TripDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    kind: str
    """A Kind (domain/actions.py) of services.history.MAY_BE."""
    at: datetime
    station: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """As an event keeps it: `code` of a problem, `relation` …; `signer` of a signature goes to the proof, encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTrip:
    key: str
    """The caller's own name for it."""
    draft: TripDraft
    planned_at: datetime
    stops: tuple[tuple[datetime | None, datetime | None], ...]
    """(arrived, departed) by stop, None where it has not been yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    draft: OrderDraft
    """With a `client_ref`: an order that is known already is left as it is."""
    at: datetime
    trip: str = ""
    """Key of the trip it rides on; empty: none yet."""
    events: tuple[PastEvent, ...] = ()
    """Beside what the trip's stops tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    trips: tuple[PastTrip, ...]
    orders: tuple[PastOrder, ...]
    signature: Callable[[PastOrder, PastEvent], bytes] | None = None
    """The image signed with a `signed` event, asked for only where the order is new; None: the earlier system kept none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTaken:
    orders: int
    """Taken now; those that were known are not counted."""
    trips: Mapping[str, str]
    """Key → ref."""
    waybills: Mapping[str, str]
    """`client_ref` → waybill, of all orders handed over, taken now or known before."""
