"""The ten core statuses and their details, with the words people see. Order of the statuses is the order of a usual journey."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    ORDERED = "ordered"
    AWAITING_DEPARTURE = "awaiting_departure"
    IN_TRANSIT = "in_transit"
    AT_STOP = "at_stop"
    ARRIVED = "arrived"
    ARRIVING_SOON = "arriving_soon"
    READY_FOR_PICKUP = "ready_for_pickup"
    SIGNED = "signed"
    RETURNED = "returned"
    CLOSED = "closed"


class Detail(StrEnum):
    ACCEPTED = "accepted"
    PICKUP_BOOKED = "pickup_booked"
    PICKUP_FAILED = "pickup_failed"
    COLLECTED = "collected"
    INBOUND = "inbound"
    SORTED = "sorted"
    RECHECKED = "rechecked"
    LOADED = "loaded"
    DEPARTED = "departed"
    MOVING = "moving"
    LEFT_STOP = "left_stop"
    HANDED_TO_PARTNER = "handed_to_partner"
    OUT_FOR_DELIVERY = "out_for_delivery"
    RETURNING = "returning"
    AT_STOP = "at_stop"
    DESTINATION = "destination"
    UNLOADED = "unloaded"
    INSPECTED = "inspected"
    AWAITING_APPOINTMENT = "awaiting_appointment"
    PREDICTED = "predicted"
    PLACED = "placed"
    CONSIGNEE = "consignee"
    ON_BEHALF = "on_behalf"
    CONTACTLESS = "contactless"
    PART = "part"
    WITH_REMARKS = "with_remarks"
    RECEIVED_BACK = "received_back"
    CANCELLED = "cancelled"
    INTERCEPTED = "intercepted"
    LOST = "lost"
    DISPOSED = "disposed"


STATUS_TEXTS: Final[dict[Status, tuple[str, str]]] = {
    Status.ORDERED: ("已下单", "Ordered"),
    Status.AWAITING_DEPARTURE: ("待发车", "Awaiting departure"),
    Status.IN_TRANSIT: ("在途", "In transit"),
    Status.AT_STOP: ("途经站点", "At a stop"),
    Status.ARRIVED: ("已到达", "Arrived"),
    Status.ARRIVING_SOON: ("即将送达", "Arriving soon"),
    Status.READY_FOR_PICKUP: ("待自提", "Ready for pick-up"),
    Status.SIGNED: ("已签收", "Signed"),
    Status.RETURNED: ("已退回", "Returned"),
    Status.CLOSED: ("已终止", "Closed"),
}
"""Status → (Chinese, English)."""

DETAIL_TEXTS: Final[dict[Detail, tuple[str, str]]] = {
    Detail.ACCEPTED: ("已受理", "Accepted"),
    Detail.PICKUP_BOOKED: ("已预约揽收", "Pick-up booked"),
    Detail.PICKUP_FAILED: ("揽收未成功", "Pick-up failed"),
    Detail.COLLECTED: ("已揽收", "Collected"),
    Detail.INBOUND: ("已入库", "In the warehouse"),
    Detail.SORTED: ("已分拣", "Sorted"),
    Detail.RECHECKED: ("已复核", "Rechecked"),
    Detail.LOADED: ("已装车", "Loaded"),
    Detail.DEPARTED: ("已发车", "Departed"),
    Detail.MOVING: ("运输中", "Moving"),
    Detail.LEFT_STOP: ("已离开站点", "Left a stop"),
    Detail.HANDED_TO_PARTNER: ("已交合作承运商", "Handed to a partner"),
    Detail.OUT_FOR_DELIVERY: ("派送中", "Out for delivery"),
    Detail.RETURNING: ("退回途中", "Returning"),
    Detail.AT_STOP: ("停靠站点", "At a stop"),
    Detail.DESTINATION: ("到达目的站", "At the destination station"),
    Detail.UNLOADED: ("已卸车", "Unloaded"),
    Detail.INSPECTED: ("已验收", "Inspected"),
    Detail.AWAITING_APPOINTMENT: ("等待预约送货", "Waiting for an appointment"),
    Detail.PREDICTED: ("预计 2 小时内到达", "Expected within 2 hours"),
    Detail.PLACED: ("已到自提点", "At the pick-up point"),
    Detail.CONSIGNEE: ("收货人签收", "Signed by the consignee"),
    Detail.ON_BEHALF: ("他人代收", "Signed on behalf"),
    Detail.CONTACTLESS: ("无接触送达", "Contactless, with photo"),
    Detail.PART: ("部分签收", "Partly signed"),
    Detail.WITH_REMARKS: ("签收有备注", "Signed with remarks"),
    Detail.RECEIVED_BACK: ("发货人已收回", "Received back by the sender"),
    Detail.CANCELLED: ("已取消", "Cancelled"),
    Detail.INTERCEPTED: ("已拦截", "Intercepted"),
    Detail.LOST: ("货物遗失", "Lost"),
    Detail.DISPOSED: ("已处置", "Disposed of"),
}
"""Detail → (Chinese, English)."""

DETAILS: Final[dict[Status, frozenset[Detail]]] = {
    Status.ORDERED: frozenset({Detail.ACCEPTED, Detail.PICKUP_BOOKED, Detail.PICKUP_FAILED}),
    Status.AWAITING_DEPARTURE: frozenset(
        {Detail.COLLECTED, Detail.INBOUND, Detail.SORTED, Detail.RECHECKED, Detail.LOADED}
    ),
    Status.IN_TRANSIT: frozenset(
        {
            Detail.DEPARTED,
            Detail.MOVING,
            Detail.LEFT_STOP,
            Detail.HANDED_TO_PARTNER,
            Detail.OUT_FOR_DELIVERY,
            Detail.RETURNING,
        }
    ),
    Status.AT_STOP: frozenset({Detail.AT_STOP}),
    Status.ARRIVED: frozenset(
        {Detail.DESTINATION, Detail.UNLOADED, Detail.INSPECTED, Detail.AWAITING_APPOINTMENT}
    ),
    Status.ARRIVING_SOON: frozenset({Detail.PREDICTED}),
    Status.READY_FOR_PICKUP: frozenset({Detail.PLACED}),
    Status.SIGNED: frozenset(
        {Detail.CONSIGNEE, Detail.ON_BEHALF, Detail.CONTACTLESS, Detail.PART, Detail.WITH_REMARKS}
    ),
    Status.RETURNED: frozenset({Detail.RECEIVED_BACK}),
    Status.CLOSED: frozenset({Detail.CANCELLED, Detail.INTERCEPTED, Detail.LOST, Detail.DISPOSED}),
}
"""Which details a status can have."""

ENDINGS: Final = frozenset({Status.SIGNED, Status.RETURNED, Status.CLOSED})
"""Statuses that end a journey once every piece is accounted for."""
