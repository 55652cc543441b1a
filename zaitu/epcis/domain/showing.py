"""Our events in the standard's words: one table, read both by what shows events and by what looks for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from zaitu.epcis.domain.hashes import event_hash
from zaitu.epcis.domain.identifiers import Names
from zaitu.epcis.domain.vocabulary import CONTEXT
from zaitu.journey.public import EventLook, Kind, Problem, ToldEvent

PREFIX: Final = "zaitu"
_CHINA: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How events of a kind are written."""

    kind: Kind
    type: str = "ObjectEvent"
    action: str = "OBSERVE"
    biz_step: str = ""
    disposition: str = ""
    stays: bool = False
    """The goods are at that station from now on: it is their bizLocation."""
    on_trip: bool | None = None
    """Only events that name a trip, or only those that name none."""
    codes: frozenset[str] = frozenset()
    """Only events with one of these codes."""
    not_codes: frozenset[str] = frozenset()

    def fits(self, event: ToldEvent) -> bool:
        return (
            event.kind == self.kind
            and (self.on_trip is None or self.on_trip == bool(event.trip))
            and (not self.codes or event.code in self.codes)
            and event.code not in self.not_codes
        )

    def look(self) -> EventLook:
        return EventLook(
            kind=self.kind, on_trip=self.on_trip, codes=self.codes, not_codes=self.not_codes, stays=self.stays
        )


_DAMAGED: Final = frozenset({Problem.DAMAGED.value})
_LOST: Final = frozenset({Problem.LOST.value})
_COUNT: Final = frozenset({Problem.SHORT.value, Problem.OVER.value})
_TOLD_APART: Final = _DAMAGED | _LOST | _COUNT


def _seen(kind: Kind, biz_step: str, disposition: str, *, stays: bool = False, **more: Any) -> Shape:
    return Shape(kind=kind, biz_step=biz_step, disposition=disposition, stays=stays, **more)


def _held(disposition: str, **codes: Any) -> Shape:
    return Shape(kind=Kind.PROBLEM, biz_step="holding", disposition=disposition, **codes)


def _truck(kind: Kind, action: str, biz_step: str, disposition: str, *, stays: bool) -> tuple[Shape, Shape]:
    """Goods that go into a truck or out of it; a scan that names no trip can only say that they were seen."""
    words: dict[str, Any] = {
        "kind": kind, "biz_step": biz_step, "disposition": disposition, "stays": stays
    }  # fmt: skip
    return (
        Shape(type="AggregationEvent", action=action, on_trip=True, **words),
        Shape(on_trip=False, **words),
    )


SHAPES: Final[tuple[Shape, ...]] = (
    Shape(kind=Kind.ORDERED, type="TransactionEvent", action="ADD"),
    _seen(Kind.COLLECTED, "accepting", "in_transit"),
    _seen(Kind.INBOUND, "receiving", "in_progress", stays=True),
    _seen(Kind.SORTED, "staging_outbound", "in_progress", stays=True),
    _seen(Kind.RECHECKED, "inspecting", "completeness_verified", stays=True),
    *_truck(Kind.LOADED, "ADD", "loading", "in_transit", stays=False),
    *_truck(Kind.UNLOADED, "DELETE", "unloading", "in_progress", stays=True),
    _seen(Kind.INSPECTED, "inspecting", "conformant", stays=True),
    _seen(Kind.DEPARTED, "departing", "in_transit"),
    _seen(Kind.STOP_LEFT, "departing", "in_transit"),
    _seen(Kind.ARRIVED, "arriving", "in_transit", stays=True),
    _seen(Kind.STOP_ENTERED, "arriving", "in_transit", stays=True),
    _seen(Kind.MOVING, "transporting", "in_transit"),
    _seen(Kind.HANDED_TO_PARTNER, "shipping", "in_transit"),
    _seen(Kind.OUT_FOR_DELIVERY, "transporting", "in_transit"),
    _seen(Kind.READY_FOR_PICKUP, "storing", "available", stays=True),
    _seen(Kind.SIGNED, "accepting", "completeness_verified"),
    _seen(Kind.REFUSED, "other", "unavailable"),
    _seen(Kind.ATTEMPT_FAILED, "other", "in_progress"),
    _held("damaged", codes=_DAMAGED),
    _held("unknown", codes=_LOST),
    _held("mismatch_quantity", codes=_COUNT),
    _held("in_progress", not_codes=_TOLD_APART),
    _seen(Kind.RETURNING, "shipping", "returned"),
    _seen(Kind.RETURNED, "receiving", "returned"),
    Shape(kind=Kind.CANCELLED, type="TransactionEvent", action="DELETE", biz_step="void_shipping"),
    _seen(Kind.INTERCEPTED, "holding", "unavailable"),
    _seen(Kind.LOST, "other", "unknown"),
    _seen(Kind.DISPOSED, "destroying", "disposed", action="DELETE"),
)
"""What happened to goods. What we planned, promised or corrected is no event of the standard and is not shown."""


def shown(event: ToldEvent, names: Names) -> dict[str, Any]:
    """One of our events. Its eventID is made from what happened and stays the same."""
    shape = next(one for one in SHAPES if one.fits(event))
    goods = [names.goods(event.piece or event.waybill)]
    body: dict[str, Any] = {
        "type": shape.type,
        "eventTime": _instant(event.at),
        "eventTimeZoneOffset": "+08:00",
        "action": shape.action,
    }
    if shape.type == "AggregationEvent":
        body |= {"parentID": names.trip(event.trip), "childEPCs": goods}
    else:
        body["epcList"] = goods
    body |= {
        name: value
        for name, value in {"bizStep": shape.biz_step, "disposition": shape.disposition}.items()
        if value
    }
    if event.station_code:
        place = {"id": names.station(event.station_code)}
        body |= {"readPoint": place} | ({"bizLocation": place} if shape.stays else {})
    body["bizTransactionList"] = [{"type": "bol", "bizTransaction": names.goods(event.waybill)}]
    body |= {f"{PREFIX}:kind": event.kind.value, f"{PREFIX}:event": str(event.id)}
    if event.code:
        body[f"{PREFIX}:code"] = event.code
    return {
        **body,
        "eventID": event_hash(body, names.vocabulary),
        "recordTime": _instant(event.recorded_at),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(_CHINA).isoformat(timespec="milliseconds")


def contexts(names: Names, others: Iterable[Any]) -> list[Any]:
    """What the prefixes of these events mean: the standard's, ours, and what their senders said of theirs."""
    found: list[Any] = [CONTEXT, {PREFIX: names.vocabulary}]
    for context in others:
        for one in context if isinstance(context, list) else [context]:
            if one not in found:
                found.append(one)
    return found
