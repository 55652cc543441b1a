"""What is said of a shipment, from its tracking document: to everybody, and to parties. Pure; addresses are never said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zaitu.portal.ivr.session import Facts
from zaitu.portal.ivr.spoken import (
    count_spoken,
    digits_spoken,
    distance_spoken,
    instant_spoken,
    span_spoken,
    tidy,
    waybill_spoken,
    window_spoken,
)

_ENDED: Final = {"signed": "已签收", "returned": "已退回发货人", "closed": "运输已终止"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The newest fix of the truck the goods are in."""

    at: datetime
    along_m: float | None
    """Metres along the trip's route; None off it."""


def facts(
    document: Mapping[str, Any],
    *,
    now: datetime,
    surnames: Sequence[tuple[str, str]] = (),
    place: Place | None = None,
) -> Facts:
    """`now` on a Chinese wall clock; `surnames`: role (收货人) and the first character of the name; `place`: only for parties."""
    return Facts(
        waybill=document["waybill"],
        route=_route(document),
        told=tuple(_told(document, now)),
        personal=tuple(_personal(document, now, surnames, place)),
    )


def _route(document: Mapping[str, Any]) -> str:
    ends = [tidy(end["city"] or end["name"]) for end in (document["origin"], document["destination"]) if end]
    return f"从{ends[0]}到{ends[1]}" if len(ends) == 2 else ""


def _told(document: Mapping[str, Any], now: datetime) -> Iterator[str]:
    yield f"运单{waybill_spoken(document['waybill'])}"
    at = instant_spoken(datetime.fromisoformat(document["status_at"]), now)
    if document["final"]:
        # Who signed is for parties: the last node and the headline say it, so neither is read out.
        yield f"{at}{_ENDED[document['status']]}"
        return
    status, headline = document["status_text"]["zh"], document["headline"]["zh"]
    yield tidy(status if headline == status else f"{status}，{headline}")
    yield _expected(document, now)
    if document["nodes"]:
        node = document["nodes"][0]
        told_at = instant_spoken(datetime.fromisoformat(node["at"]), now)
        yield f"最近一次更新是{told_at}，{_node(node)}"
    yield from _exception(document["exception"])


def _node(node: Mapping[str, Any]) -> str:
    """A part signature is a signature: how it was signed is for parties."""
    return (
        "部分货件已签收" if node["kind"] == "signed" else _numbers(tidy(node["text"]["zh"]).replace(" ", ""))
    )


def _expected(document: Mapping[str, Any], now: datetime) -> str:
    start, end = document["eta_from"], document["eta_to"]
    if not start or not end:
        overlay = document["exception"]
        asked = overlay is not None and overlay["action_required"]
        return "送达时间待您确认后再安排" if asked else "预计送达时间待定，安排车次后告知"
    window = window_spoken(datetime.fromisoformat(start), datetime.fromisoformat(end), now)
    reason = document["eta_reason"]["zh"]
    return f"预计{window}送达" + (f"，时间有变化是因为{tidy(reason)}" if reason else "")


def _exception(overlay: Mapping[str, Any] | None) -> Iterator[str]:
    if overlay is None:
        return
    yield f"请注意，{tidy(overlay['text']['zh'])}"
    if overlay["plan"]["zh"]:
        yield f"我们的处理是，{tidy(overlay['plan']['zh'])}"
    if overlay["eta_delta_min"]:
        yield f"大约晚{span_spoken(int(overlay['eta_delta_min']))}"


def _personal(
    document: Mapping[str, Any],
    now: datetime,
    surnames: Sequence[tuple[str, str]],
    place: Place | None,
) -> Iterator[str]:
    for role, surname in surnames:
        yield f"{role}姓{tidy(surname)}"
    for proof in document["proofs"]:
        at = instant_spoken(datetime.fromisoformat(proof["at"]), now)
        yield f"{at}签收{count_spoken(proof['pieces'], '件')}，{tidy(proof['relation']['zh'])}"
    if not document["final"] and place is not None:
        where = _where(document["trip"], place)
        if where:
            yield f"{instant_spoken(place.at, now)}，{where}"
    overlay = document["exception"]
    for label, key in (("异常原因", "cause"), ("处理方案", "plan")):
        if overlay and overlay["note"][key]:
            yield f"{label}，{_numbers(tidy(overlay['note'][key]))}"


def _where(trip: Mapping[str, Any] | None, place: Place) -> str:
    if trip is None or place.along_m is None:
        return ""
    ahead = [stop for stop in trip["stops"] if stop["along_m"] > place.along_m]
    if not ahead:
        return ""
    left = distance_spoken(ahead[0]["along_m"] - place.along_m)
    return f"车辆距离{tidy(ahead[0]['city'] or ahead[0]['name'])}还有{left}"


def _numbers(words: str) -> str:
    """Long runs of digits in a text are read one by one: a synthesiser would count them."""
    said = ""
    run = ""
    for one in [*words, ""]:
        if one.isascii() and one.isdigit():
            run += one
            continue
        said += (digits_spoken(run) if len(run) > 4 else run) + one
        run = ""
    return said
