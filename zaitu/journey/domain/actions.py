"""The kinds of events and what each does to a shipment: one table, read by the fold, the documents and the tests.

A status is never set, it is folded: `TABLE` says where an event of a kind, at a place, moves a shipment to and from which stages
it may. What is not in the table changes nothing and is kept as history.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from zaitu.journey.domain.statuses import Detail, Status
from zaitu.kernel.principal import Right


class Kind(StrEnum):
    ORDERED = "ordered"
    PICKUP_BOOKED = "pickup_booked"
    PICKUP_FAILED = "pickup_failed"
    COLLECTED = "collected"
    INBOUND = "inbound"
    SORTED = "sorted"
    RECHECKED = "rechecked"
    LOADED = "loaded"
    UNLOADED = "unloaded"
    INSPECTED = "inspected"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    STOP_ENTERED = "stop_entered"
    STOP_LEFT = "stop_left"
    MOVING = "moving"
    HANDED_TO_PARTNER = "handed_to_partner"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"
    ARRIVING_SOON = "arriving_soon"
    SIGNED = "signed"
    REFUSED = "refused"
    ATTEMPT_FAILED = "attempt_failed"
    PROBLEM = "problem"
    PROBLEM_SOLVED = "problem_solved"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    INTERCEPTED = "intercepted"
    LOST = "lost"
    DISPOSED = "disposed"
    REOPENED = "reopened"
    FORWARDED = "forwarded"
    SPLIT = "split"
    VOIDED = "voided"
    ETA_SET = "eta_set"


class Place(StrEnum):
    """Where an event happened, as seen from the shipment."""

    ORIGIN = "origin"
    ON_THE_WAY = "on_the_way"
    DESTINATION = "destination"
    UNKNOWN = "unknown"
    """No station was named, or one that is not ours."""


class Stage(StrEnum):
    """Statuses told apart as far as the next step depends on them."""

    BOOKED = "booked"
    STATION = "station"
    """Waiting at the origin."""
    ROAD = "road"
    """Between origin and destination, moving or at a stop."""
    SOON = "soon"
    ARRIVED = "arrived"
    DELIVERING = "delivering"
    PICKUP = "pickup"
    BACK = "back"
    """On its way back to the sender."""


_STAGE_OF_STATUS: Final[dict[Status, Stage]] = {
    Status.ORDERED: Stage.BOOKED,
    Status.AWAITING_DEPARTURE: Stage.STATION,
    Status.IN_TRANSIT: Stage.ROAD,
    Status.AT_STOP: Stage.ROAD,
    Status.ARRIVED: Stage.ARRIVED,
    Status.ARRIVING_SOON: Stage.SOON,
    Status.READY_FOR_PICKUP: Stage.PICKUP,
}
_STAGE_OF_DETAIL: Final[dict[Detail, Stage]] = {
    Detail.OUT_FOR_DELIVERY: Stage.DELIVERING,
    Detail.RETURNING: Stage.BACK,
}


def stage_of(status: Status, detail: Detail) -> Stage:
    """The stage of an unfinished shipment. Raises KeyError for a status that ends it."""
    return _STAGE_OF_DETAIL.get(detail) or _STAGE_OF_STATUS[status]


@dataclass(frozen=True, slots=True)
class Move:
    status: Status
    detail: Detail
    only_from: frozenset[Stage]
    backwards: bool = False
    """May take a step of STEPS back."""

    def allowed(self, status: Status, detail: Detail) -> bool:
        """Whether an unfinished shipment in this status and detail moves."""
        if stage_of(status, detail) not in self.only_from:
            return False
        if self.status is not status or self.backwards:
            return True
        return STEPS.get(self.detail, 0) >= STEPS.get(detail, 0)


STEPS: Final[dict[Detail, int]] = {
    detail: step
    for details in (
        (Detail.COLLECTED, Detail.INBOUND, Detail.SORTED, Detail.RECHECKED, Detail.LOADED),
        (Detail.DESTINATION, Detail.UNLOADED, Detail.INSPECTED),
    )
    for step, detail in enumerate(details)
}
"""Within one status these go forwards only: the second piece is collected while the first is on the truck already."""


def _from(*stages: Stage) -> frozenset[Stage]:
    return frozenset(stages)


_BEFORE: Final = _from(Stage.BOOKED, Stage.STATION)
_TO_HERE: Final = _BEFORE | {Stage.ROAD}
"""Not yet at the destination; a station that does not scan leaves gaps, so a later fact proves the earlier ones."""
_TO_ARRIVAL: Final = _TO_HERE | {Stage.SOON}
_OPEN: Final = frozenset(Stage) - {Stage.BACK}
_ANY: Final = frozenset(Stage)

_ORIGIN: Final = (Place.ORIGIN, Place.UNKNOWN)
_ANYWHERE: Final = tuple(Place)

_AT_STOP: Final = Move(Status.AT_STOP, Detail.AT_STOP, _TO_HERE)
_AT_DESTINATION: Final = Move(Status.ARRIVED, Detail.DESTINATION, _TO_ARRIVAL)
_UNLOADED: Final = Move(
    Status.ARRIVED, Detail.UNLOADED, _TO_ARRIVAL | {Stage.ARRIVED, Stage.DELIVERING, Stage.PICKUP}
)
_NOT_TAKEN: Final = Move(Status.IN_TRANSIT, Detail.OUT_FOR_DELIVERY, _from(Stage.SOON))
_INSPECTED: Final = Move(Status.ARRIVED, Detail.INSPECTED, _TO_ARRIVAL | {Stage.ARRIVED})


def _rows(kind: Kind, places: Iterable[Place], move: Move) -> dict[tuple[Kind, Place], Move]:
    return {(kind, place): move for place in places}


def _waiting(detail: Detail) -> Move:
    return Move(Status.AWAITING_DEPARTURE, detail, _BEFORE)


TABLE: Final[dict[tuple[Kind, Place], Move]] = {
    **_rows(Kind.PICKUP_BOOKED, _ANYWHERE, Move(Status.ORDERED, Detail.PICKUP_BOOKED, _from(Stage.BOOKED))),
    **_rows(Kind.PICKUP_FAILED, _ANYWHERE, Move(Status.ORDERED, Detail.PICKUP_FAILED, _from(Stage.BOOKED))),
    **_rows(Kind.COLLECTED, _ANYWHERE, _waiting(Detail.COLLECTED)),
    **_rows(Kind.INBOUND, _ORIGIN, _waiting(Detail.INBOUND)),
    (Kind.INBOUND, Place.ON_THE_WAY): _AT_STOP,
    (Kind.INBOUND, Place.DESTINATION): _UNLOADED,
    **_rows(Kind.SORTED, _ORIGIN, _waiting(Detail.SORTED)),
    (Kind.SORTED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.SORTED, Place.DESTINATION): _UNLOADED,
    **_rows(Kind.RECHECKED, _ORIGIN, _waiting(Detail.RECHECKED)),
    (Kind.RECHECKED, Place.ON_THE_WAY): _AT_STOP,
    **_rows(Kind.LOADED, _ORIGIN, _waiting(Detail.LOADED)),
    (Kind.LOADED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.UNLOADED, Place.ORIGIN): Move(Status.AWAITING_DEPARTURE, Detail.INBOUND, _BEFORE, backwards=True),
    (Kind.UNLOADED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.UNLOADED, Place.DESTINATION): _UNLOADED,
    (Kind.INSPECTED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.INSPECTED, Place.DESTINATION): _INSPECTED,
    **_rows(Kind.DEPARTED, _ORIGIN, Move(Status.IN_TRANSIT, Detail.DEPARTED, _TO_HERE)),
    (Kind.DEPARTED, Place.ON_THE_WAY): Move(Status.IN_TRANSIT, Detail.LEFT_STOP, _TO_HERE),
    (Kind.STOP_LEFT, Place.ORIGIN): Move(Status.IN_TRANSIT, Detail.DEPARTED, _BEFORE),
    (Kind.STOP_LEFT, Place.ON_THE_WAY): Move(Status.IN_TRANSIT, Detail.LEFT_STOP, _TO_HERE),
    (Kind.ARRIVED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.ARRIVED, Place.DESTINATION): _AT_DESTINATION,
    (Kind.STOP_ENTERED, Place.ON_THE_WAY): _AT_STOP,
    (Kind.STOP_ENTERED, Place.DESTINATION): _AT_DESTINATION,
    **_rows(Kind.MOVING, _ANYWHERE, Move(Status.IN_TRANSIT, Detail.MOVING, _TO_HERE)),
    **_rows(Kind.HANDED_TO_PARTNER, _ANYWHERE, Move(Status.IN_TRANSIT, Detail.HANDED_TO_PARTNER, _OPEN)),
    **_rows(Kind.OUT_FOR_DELIVERY, _ANYWHERE, Move(Status.IN_TRANSIT, Detail.OUT_FOR_DELIVERY, _ANY)),
    # From ARRIVED too little is known: goods in a warehouse are not arriving until a van takes them out.
    **_rows(
        Kind.ARRIVING_SOON,
        _ANYWHERE,
        Move(Status.ARRIVING_SOON, Detail.PREDICTED, _from(Stage.ROAD, Stage.DELIVERING)),
    ),
    # Goods that were not taken are not arriving any more: they are with the courier until somebody decides.
    **_rows(Kind.REFUSED, _ANYWHERE, _NOT_TAKEN),
    **_rows(Kind.ATTEMPT_FAILED, _ANYWHERE, _NOT_TAKEN),
    **_rows(Kind.READY_FOR_PICKUP, _ANYWHERE, Move(Status.READY_FOR_PICKUP, Detail.PLACED, _OPEN)),
    **_rows(Kind.RETURNING, _ANYWHERE, Move(Status.IN_TRANSIT, Detail.RETURNING, _ANY)),
}
"""(kind, place) → where it moves an unfinished shipment, and from which stages."""

ENDING_TABLE: Final[dict[Kind, tuple[Status, Detail]]] = {
    Kind.SIGNED: (Status.SIGNED, Detail.CONSIGNEE),
    Kind.RETURNED: (Status.RETURNED, Detail.RECEIVED_BACK),
    Kind.CANCELLED: (Status.CLOSED, Detail.CANCELLED),
    Kind.INTERCEPTED: (Status.CLOSED, Detail.INTERCEPTED),
    Kind.LOST: (Status.CLOSED, Detail.LOST),
    Kind.DISPOSED: (Status.CLOSED, Detail.DISPOSED),
}
"""Kinds that settle pieces; when all are settled the shipment is final."""

SIGNED_DETAILS: Final = frozenset(
    {Detail.CONSIGNEE, Detail.ON_BEHALF, Detail.CONTACTLESS, Detail.WITH_REMARKS}
)
"""What a `signed` event may say in data["detail"]."""

ORDER_IN_A_MOMENT: Final[dict[Kind, int]] = {kind: number for number, kind in enumerate(Kind)}
"""Events of one instant are folded in this order, whatever order they came in."""

TEXTS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.ORDERED: ("下单", "Ordered"),
    Kind.PICKUP_BOOKED: ("预约揽收", "Pick-up booked"),
    Kind.PICKUP_FAILED: ("揽收未成功", "Pick-up failed"),
    Kind.COLLECTED: ("揽收", "Collected"),
    Kind.INBOUND: ("入库", "Inbound"),
    Kind.SORTED: ("分拣", "Sorted"),
    Kind.RECHECKED: ("复核", "Rechecked"),
    Kind.LOADED: ("装车", "Loaded"),
    Kind.UNLOADED: ("卸车", "Unloaded"),
    Kind.INSPECTED: ("验收", "Inspected"),
    Kind.DEPARTED: ("发车", "Departed"),
    Kind.ARRIVED: ("到车", "Arrived"),
    Kind.STOP_ENTERED: ("车辆进站", "Vehicle entered the stop"),
    Kind.STOP_LEFT: ("车辆离站", "Vehicle left the stop"),
    Kind.MOVING: ("运输中", "Moving"),
    Kind.HANDED_TO_PARTNER: ("交合作承运商", "Handed to a partner"),
    Kind.OUT_FOR_DELIVERY: ("派送", "Out for delivery"),
    Kind.READY_FOR_PICKUP: ("到自提点", "Ready for pick-up"),
    Kind.ARRIVING_SOON: ("即将到达", "Arriving soon"),
    Kind.SIGNED: ("签收", "Signed"),
    Kind.REFUSED: ("拒收", "Refused"),
    Kind.ATTEMPT_FAILED: ("派送未成功", "Attempt failed"),
    Kind.PROBLEM: ("登记异常", "Problem reported"),
    Kind.PROBLEM_SOLVED: ("异常解除", "Problem solved"),
    Kind.RETURNING: ("退回", "Returning"),
    Kind.RETURNED: ("退回签收", "Returned"),
    Kind.CANCELLED: ("取消", "Cancelled"),
    Kind.INTERCEPTED: ("拦截", "Intercepted"),
    Kind.LOST: ("遗失结案", "Closed as lost"),
    Kind.DISPOSED: ("处置结案", "Closed as disposed of"),
    Kind.REOPENED: ("更正后恢复", "Reopened by correction"),
    Kind.FORWARDED: ("转单", "Forwarded"),
    Kind.SPLIT: ("拆单", "Split"),
    Kind.VOIDED: ("撤销", "Voided"),
    Kind.ETA_SET: ("调整预计时间", "ETA set"),
}
"""Kind → (Chinese, English)."""

SCANS: Final[dict[Kind, Right]] = {
    Kind.COLLECTED: Right.SCAN_WAREHOUSE,
    Kind.INBOUND: Right.SCAN_WAREHOUSE,
    Kind.SORTED: Right.SCAN_WAREHOUSE,
    Kind.RECHECKED: Right.SCAN_WAREHOUSE,
    Kind.LOADED: Right.SCAN_WAREHOUSE,
    Kind.UNLOADED: Right.SCAN_WAREHOUSE,
    Kind.INSPECTED: Right.SCAN_WAREHOUSE,
    Kind.HANDED_TO_PARTNER: Right.SCAN_WAREHOUSE,
    Kind.READY_FOR_PICKUP: Right.SCAN_ROAD,
    Kind.DEPARTED: Right.SCAN_ROAD,
    Kind.ARRIVED: Right.SCAN_ROAD,
    Kind.OUT_FOR_DELIVERY: Right.SCAN_ROAD,
    Kind.SIGNED: Right.SCAN_ROAD,
    Kind.REFUSED: Right.SCAN_ROAD,
    Kind.ATTEMPT_FAILED: Right.SCAN_ROAD,
    Kind.RETURNING: Right.SCAN_ROAD,
    Kind.RETURNED: Right.SCAN_ROAD,
    Kind.PICKUP_FAILED: Right.SCAN_ROAD,
    Kind.PROBLEM: Right.PROBLEM_REPORT,
}
"""What can be scanned in the field, and the right it takes. COLLECTED and UNLOADED are open to SCAN_ROAD too: drivers do both."""

HANDLED: Final = frozenset(
    {
        Kind.COLLECTED,
        Kind.INBOUND,
        Kind.SORTED,
        Kind.RECHECKED,
        Kind.LOADED,
        Kind.UNLOADED,
        Kind.INSPECTED,
        Kind.DEPARTED,
        Kind.ARRIVED,
        Kind.HANDED_TO_PARTNER,
        Kind.OUT_FOR_DELIVERY,
        Kind.READY_FOR_PICKUP,
        *ENDING_TABLE,
    }
)
"""Kinds that say where each piece is: told of the whole waybill they are told of all its pieces."""

ROAD_MAY_TOO: Final = frozenset({Kind.COLLECTED, Kind.LOADED, Kind.UNLOADED})
"""Warehouse scans that a driver alone at a dock does as well."""
