"""What staff records at a desk, and what partners' systems tell: events from outside the field."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from zaitu.access import public as access
from zaitu.journey.domain import mappings
from zaitu.journey.domain.actions import TEXTS, Kind
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import Status
from zaitu.journey.domain.views import ManualEvent, PartnerEvent, PartnerReport
from zaitu.journey.models import Proof, Shipment
from zaitu.journey.selectors.scanning import find
from zaitu.journey.services.corrections import MANUAL, reason_checked
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.network import public as network

BATCH_MAX: Final = 500
FUTURE: Final = timedelta(minutes=5)

RECORDED: Final = frozenset(
    {
        Kind.PICKUP_BOOKED,
        Kind.PICKUP_FAILED,
        Kind.COLLECTED,
        Kind.PROBLEM,
        Kind.PROBLEM_SOLVED,
        Kind.HANDED_TO_PARTNER,
        Kind.READY_FOR_PICKUP,
        Kind.RETURNING,
        Kind.RETURNED,
        Kind.CANCELLED,
        Kind.INTERCEPTED,
        Kind.LOST,
        Kind.DISPOSED,
    }
)
"""Kinds that a desk may record. COLLECTED stands in for a scan that was missed: without one nothing can be delivered or signed."""


@transaction.atomic
def event_record(*, actor: Principal, shipment_id: int, draft: ManualEvent) -> Shipment:
    """Record one event by hand; the same key again does nothing. Raises Invalid, RuleBroken when the state forbids it."""
    if draft.kind not in {kind.value for kind in RECORDED}:
        raise Invalid("不能人工登记这种动作", fields={"kind": "不能人工登记这种动作"})
    kind, note = Kind(draft.kind), reason_checked(draft.note)
    if kind is Kind.PROBLEM and draft.code not in {problem.value for problem in Problem}:
        raise Invalid("请选择异常类型", fields={"code": "请选择异常类型"})
    ledger = Ledger(actor=actor, ids=[shipment_id])
    shipment = ledger.shipments[shipment_id]
    at = min(draft.at or clock.now(), clock.now())
    new = NewEvent(
        shipment_id=shipment_id,
        kind=kind,
        source=MANUAL,
        key=draft.key or f"{kind.value}:{at.isoformat()}",
        at=at,
        station=draft.station_code or (shipment.from_station if kind is Kind.COLLECTED else ""),
        pieces=draft.pieces,
        data={"cause": note, **({"code": draft.code} if draft.code else {})},
    )
    if ledger.add(new):
        _must_be_possible(kind, shipment)
        ledger.close()
        access.audit(
            actor=actor, action=f"event.{kind.value}", subject=shipment.waybill, detail={"code": draft.code}
        )
    return shipment


def _must_be_possible(kind: Kind, shipment: Shipment) -> None:
    if shipment.final and kind is not Kind.PROBLEM_SOLVED and kind is not Kind.PROBLEM:
        raise RuleBroken(f"该运单已办结，不能再{TEXTS[kind][0]}")
    if kind is Kind.CANCELLED and shipment.status != Status.ORDERED:
        raise RuleBroken("货物已揽收，不能取消；可以改为拦截或退回")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    shipment_id: int
    event: PartnerEvent


@transaction.atomic
def partner_events(*, actor: Principal, partner: str, events: Sequence[PartnerEvent]) -> PartnerReport:
    """Record what a partner tells; unknown codes are kept as `moving` with their own words, repeats do nothing.

    Numbers that are not ours are reported back, not an error. Raises Invalid for an unknown dialect or too many.
    """
    if len(events) > BATCH_MAX:
        raise Invalid(f"一次最多 {BATCH_MAX} 条")
    if unknown := {event.dialect for event in events} - mappings.DIALECTS.keys():
        raise Invalid(f"没有这种代码表：{'、'.join(sorted(unknown))}")
    known, missing = _found(events)
    stations = network.stations_by_codes({event.station_code for event in events if event.station_code})
    ledger = Ledger(actor=actor, ids={one.shipment_id for one in known})
    recorded = 0
    for one in known:
        station = one.event.station_code if one.event.station_code in stations else ""
        recorded += ledger.add(_event(partner, one, ledger.shipments[one.shipment_id], station))
    ledger.close()
    access.audit(
        actor=actor,
        action="events.partner",
        subject=partner[:80],
        detail={"recorded": recorded, "of": len(events)},
    )
    return PartnerReport(recorded=recorded, repeated=len(known) - recorded, unknown=tuple(missing))


def _found(events: Sequence[PartnerEvent]) -> tuple[list[_Known], list[str]]:
    numbers = {event.waybill: find(event.waybill) for event in events}
    known = [
        _Known(shipment_id=found.shipment_id, event=event)
        for event in events
        if (found := numbers[event.waybill]) is not None
    ]
    return known, [number for number, found in numbers.items() if found is None]


def _event(partner: str, one: _Known, shipment: Shipment, station: str) -> NewEvent:
    event = one.event
    told = mappings.told(event.dialect, event.code)
    data: dict[str, Any] = {
        name: value for name, value in (("code", told.code), ("detail", told.detail)) if value
    }
    return NewEvent(
        shipment_id=one.shipment_id,
        kind=told.kind,
        source=f"partner:{partner}"[:40],
        key=_key(event),
        at=min(event.at, clock.now() + FUTURE),
        station=shipment.to_station if told.at_destination else station,
        raw_code=event.code,
        raw_text=event.text,
        data=data,
    )


def _key(event: PartnerEvent) -> str:
    """The partner's own id, or what makes the event itself: code, time and place."""
    text = event.key or f"{event.code} {event.at.isoformat()} {event.station_code} {event.text}"
    return text if len(text) <= 64 and event.key else hashlib.sha256(text.encode()).hexdigest()[:32]


@transaction.atomic
def person_forget(*, contact_id: int) -> None:
    """Nobody finds a shipment by an erased person again: the other party is found by number only from then on.

    The signer's name goes too: nearly always it is the same person, and the event keeps who signed in what capacity.
    """
    rows = Shipment.objects.select_for_update(no_key=True).filter(
        Q(consignor_contact=contact_id) | Q(consignee_contact=contact_id)
    )
    for row in rows.only("id", "consignor_contact", "consignee_contact").order_by("id"):
        names = ["people"]
        row.people = []
        for role in ("consignor", "consignee"):
            if getattr(row, f"{role}_contact") == contact_id:
                setattr(row, f"{role}_tail", "")
                names.append(f"{role}_tail")
        row.save(update_fields=names)
        Proof.objects.filter(shipment_id=row.pk).update(signer="")
