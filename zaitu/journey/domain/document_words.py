"""The sentences of the tracking document. Every function gives (Chinese, English); nothing here shows a code to people."""

from typing import Final

from zaitu.journey.domain.document_input import DocumentInput, NodeInput
from zaitu.journey.domain.eta import REASON_TEXTS, Reason
from zaitu.journey.domain.problems import PROBLEMS, Problem
from zaitu.journey.domain.statuses import DETAIL_TEXTS, Detail, Status

Words = tuple[str, str]
NONE: Final[Words] = ("", "")

_AT_PLACE: Final[dict[str, Words]] = {
    "ordered": ("已下单，等待揽收", "Order accepted, waiting for pick-up"),
    "pickup_booked": ("已预约上门揽收", "Pick-up booked"),
    "pickup_failed": ("揽收未成功，将再次联系发货人", "Pick-up failed; we will contact the sender again"),
    "collected": ("{place} 已揽收", "Collected at {place}"),
    "inbound": ("{place} 已入库", "In the warehouse at {place}"),
    "sorted": ("{place} 已分拣", "Sorted at {place}"),
    "rechecked": ("{place} 已复核，件数无误", "Rechecked at {place}, count correct"),
    "loaded": ("{place} 已装车", "Loaded at {place}"),
    "unloaded": ("{place} 已卸车", "Unloaded at {place}"),
    "inspected": ("{place} 已验收", "Inspected at {place}"),
    "departed": ("{place} 已发车", "Departed from {place}"),
    "arrived": ("到达 {place}", "Arrived at {place}"),
    "stop_entered": ("到达 {place}", "Arrived at {place}"),
    "stop_left": ("途经 {place}，已发车", "Passed {place}"),
    "moving": ("运输途中", "On the road"),
    "handed_to_partner": ("{place} 已交合作承运商继续运输", "Handed to a partner carrier at {place}"),
    "out_for_delivery": ("{place} 已安排派送", "Out for delivery from {place}"),
    "ready_for_pickup": ("已到 {place}，请前往自提", "Ready for pick-up at {place}"),
    "arriving_soon": ("预计 2 小时内到达", "Expected within 2 hours"),
    "refused": ("收货人拒收", "Refused by the consignee"),
    "attempt_failed": ("派送未成功", "Delivery attempt failed"),
    "returning": ("{place} 已安排退回", "Being returned from {place}"),
    "returned": ("已退回发货人", "Returned to the sender"),
    "cancelled": ("订单已取消", "Order cancelled"),
    "intercepted": ("已按要求拦截", "Intercepted on request"),
    "lost": ("货物遗失，已转理赔", "Lost; a claim has been opened"),
    "disposed": ("货物已处置", "Disposed of"),
    "reopened": ("信息更正，继续运输", "Corrected; the journey continues"),
    "forwarded": ("已转合作承运商，单号已关联", "Forwarded; the partner's number is linked"),
    "split": ("部分货件分单运输", "Part of it travels under another number"),
    "problem_solved": ("异常已解除", "Problem solved"),
}
"""Event kind → sentence; `{place}` is left out together with its preposition when the place is unknown."""

_NOWHERE: Final[dict[str, Words]] = {
    "collected": ("已揽收", "Collected"),
    "inbound": ("已入库", "In the warehouse"),
    "sorted": ("已分拣", "Sorted"),
    "rechecked": ("已复核，件数无误", "Rechecked, count correct"),
    "loaded": ("已装车", "Loaded"),
    "unloaded": ("已卸车", "Unloaded"),
    "inspected": ("已验收", "Inspected"),
    "departed": ("已发车", "Departed"),
    "arrived": ("已到达", "Arrived"),
    "stop_entered": ("到达途经站点", "At a stop"),
    "stop_left": ("已离开途经站点", "Left a stop"),
    "handed_to_partner": ("已交合作承运商继续运输", "Handed to a partner carrier"),
    "out_for_delivery": ("派送中", "Out for delivery"),
    "ready_for_pickup": ("已到自提点，请前往自提", "Ready for pick-up"),
    "returning": ("退回途中", "Being returned"),
}

_SIGNED: Final[dict[Detail, Words]] = {
    Detail.CONSIGNEE: ("已签收：本人签收", "Signed by the consignee"),
    Detail.ON_BEHALF: ("已签收：他人代收", "Signed on behalf of the consignee"),
    Detail.CONTACTLESS: ("已送达：无接触交付，已拍照", "Delivered without contact, with photo"),
    Detail.PART: ("部分签收", "Partly signed"),
    Detail.WITH_REMARKS: ("已签收，签收人有备注", "Signed with remarks"),
}

_RELATIONS: Final[dict[str, Words]] = {
    "consignee": ("本人签收", "Signed by the consignee"),
    "on_behalf": ("他人代收", "Signed on behalf"),
    "contactless": ("无接触送达", "Contactless"),
}


def _problem(code: str) -> Problem | None:
    try:
        return Problem(code)
    except ValueError:
        return None


def exception_words(code: str) -> tuple[Words, Words]:
    """(what is wrong, what we do about it) of a problem's code; a code we do not know is simply a problem."""
    kind = PROBLEMS[_problem(code) or Problem.OTHER]
    return (kind.zh, kind.en), kind.plan


def eta_reason_words(code: str) -> Words:
    """Why the estimate moved; empty for none."""
    return REASON_TEXTS[Reason(code)] if code else NONE


def relation_words(code: str) -> Words:
    return _RELATIONS.get(code, ("已签收", "Signed"))


def node_words(node: NodeInput) -> Words:
    """One sentence for a line of the history."""
    # Leaving the origin is seen by the truck's fence as well as by a scan: people read the same.
    kind = "departed" if node.detail is Detail.DEPARTED and node.kind == "stop_left" else node.kind
    if kind == "signed":
        zh, en = _SIGNED.get(node.detail, _SIGNED[Detail.CONSIGNEE])
    elif kind in {"problem", "problem_solved", "refused", "attempt_failed"} and node.exception:
        (zh, en), _plan = exception_words(node.exception)
        if kind == "problem_solved":
            zh, en = f"异常已解除：{zh}", f"Solved: {en}"
    elif node.place is None:
        zh, en = _NOWHERE.get(kind) or _AT_PLACE.get(kind) or DETAIL_TEXTS[node.detail]
    else:
        zh, en = _AT_PLACE.get(kind) or DETAIL_TEXTS[node.detail]
        zh, en = zh.replace("{place}", node.place.name), en.replace("{place}", node.place.name)
    if node.pieces is not None:
        zh, en = f"{zh}（{node.pieces} 件）", f"{en} ({node.pieces} pcs)"
    return zh, en


def headline_words(facts: DocumentInput) -> Words:
    """What a person wants to know after the status itself: 已过武汉; 等待揽收; 本人签收."""
    if facts.status is Status.ORDERED and facts.detail is Detail.ACCEPTED:
        return "等待揽收", "Waiting for pick-up"
    if facts.status in {Status.IN_TRANSIT, Status.ARRIVING_SOON}:
        return _road_words(facts)
    if facts.status in {Status.AT_STOP, Status.ARRIVED, Status.READY_FOR_PICKUP} and facts.place:
        return facts.place.name, facts.place.name
    if facts.status is Status.SIGNED:
        zh, en = DETAIL_TEXTS[facts.detail]
        return ("本人签收" if facts.detail is Detail.CONSIGNEE else zh), en
    return DETAIL_TEXTS[facts.detail]


def _road_words(facts: DocumentInput) -> Words:
    if facts.detail not in {Detail.DEPARTED, Detail.MOVING, Detail.LEFT_STOP, Detail.PREDICTED}:
        return DETAIL_TEXTS[facts.detail]
    if facts.status is Status.ARRIVING_SOON:
        city = facts.destination.city or facts.destination.name
        return f"前往{city}", f"To {city}"
    stops = facts.trip.stops if facts.trip else ()
    cities = [stop.place.city for stop in stops]
    passed = [stop.place for stop in stops if stop.state == "passed"]
    if len(passed) > 1:
        last = passed[-1]
        city = last.city if last.city and cities.count(last.city) == 1 else last.name
        return f"已过{city}", f"Past {city}"
    city = facts.origin.city or facts.origin.name
    return f"已从{city}发出", f"Left {city}"
