"""What staff records at a desk: events from outside the field."""

from typing import Final

from django.db import transaction
from django.db.models import Q

from zaitu.access import public as access
from zaitu.journey.domain.actions import TEXTS, Kind
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import Status
from zaitu.journey.domain.views import ManualEvent
from zaitu.journey.models import Proof, Shipment
from zaitu.journey.services.corrections import MANUAL, reason_checked
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal

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
