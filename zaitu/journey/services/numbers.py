"""Other numbers of a shipment: a partner's (转单), and those of a part that travels on its own (子单). Linked both ways."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from zaitu.access import public as access
from zaitu.journey.domain.actions import ENDING_TABLE, Kind
from zaitu.journey.domain.fold import FoldEvent
from zaitu.journey.domain.partner_numbers import partner_number
from zaitu.journey.domain.views import LegState
from zaitu.journey.models import JourneyEvent, Leg, NumberLink, Piece, Shipment
from zaitu.journey.services.corrections import MANUAL
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.notices import link_make
from zaitu.journey.services.replanning import rides_kept
from zaitu.journey.services.trips import must_hold, rides_locked
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal, system
from zaitu.kernel.waybills import waybill_make
from zaitu.kernel.words import shown

NUMBER_MAX: Final = 40
_INSIDE: Final = system("journey.numbers")


@transaction.atomic
def shipment_forward(
    *, actor: Principal, shipment_id: int, number: str, carrier: str, station_code: str
) -> Shipment:
    """Hand the shipment to a partner under the partner's number; asking for either number finds it. Again without effect.

    Rides of ours that it waits for are off: a truck that leaves without a scan would be believed to have taken it along.
    Raises Invalid, RuleBroken for a finished shipment, Conflict when it has just moved to another trip.
    """
    number, carrier = number.strip().upper(), shown(carrier)
    wrong = {}
    if not 4 <= len(number) <= NUMBER_MAX or not number.isascii() or not number.isprintable():
        wrong["number"] = "合作方单号须为 4–40 位字母、数字或横线"
    if not 0 < len(carrier) <= access.PARTNER_NAME_MAX:
        wrong["carrier"] = f"请填写合作方名称，最多 {access.PARTNER_NAME_MAX} 个字"
    if wrong:
        raise Invalid("转单资料有误", fields=wrong)
    held = rides_locked([shipment_id])
    ledger = Ledger(actor=actor, ids=[shipment_id])
    shipment = ledger.shipments[shipment_id]
    if shipment.final:
        raise RuleBroken("该运单已办结，不能转单")
    if NumberLink.objects.filter(shipment=shipment, number=number, carrier=carrier).exists():
        return shipment
    now = clock.now()
    NumberLink.objects.create(
        shipment=shipment, number=number, plain=partner_number(number), carrier=carrier, created_at=now
    )
    waiting = Leg.objects.filter(shipment=shipment, state=LegState.PLANNED)
    must_hold(held, waiting)
    rides = rides_kept(waiting.select_related("trip"), _forwarding(ledger, shipment_id))
    waiting.delete()
    told: dict[str, Any] = {"number": number, "carrier": carrier}
    for kind, key, data in (
        (Kind.FORWARDED, "forward", {**told, **({"rides": rides} if rides else {})}),
        (Kind.HANDED_TO_PARTNER, "handed", told),
    ):
        ledger.add(
            NewEvent(
                shipment_id=shipment_id,
                kind=kind,
                source=MANUAL,
                key=f"{key}:{number}"[:80],
                at=now,
                station=station_code,
                data=data,
                anew=True,
            )
        )
    ledger.close()
    access.audit(
        actor=actor,
        action="shipment.forward",
        subject=shipment.waybill,
        detail={"number": number, "carrier": carrier},
    )
    return shipment


def _forwarding(ledger: Ledger, shipment_id: int) -> Mapping[str, Any] | None:
    """What the newest forwarding that stands says."""
    state = ledger.state(shipment_id)
    standing = [
        event
        for event in ledger.events[shipment_id]
        if event.kind is Kind.FORWARDED and event.id in state.effective
    ]
    return max(standing, key=lambda event: (event.at, event.id)).data if standing else None


@transaction.atomic
def shipment_split(*, actor: Principal, shipment_id: int, labels: Sequence[str]) -> Shipment:
    """Let some pieces travel under a number of their own (子单), with the history they share; the new shipment.

    Raises Invalid when the labels are not unsettled pieces of it or are all of them, RuleBroken for a finished shipment.
    """
    held = rides_locked([shipment_id])
    ledger = Ledger(actor=actor, ids=[shipment_id])
    parent = ledger.shipments[shipment_id]
    if parent.final:
        raise RuleBroken("该运单已办结，不能拆单")
    rides = list(Leg.objects.filter(shipment=parent).exclude(state=LegState.LEFT_BEHIND))
    must_hold(held, rides)
    pieces = _pieces(parent, ledger, labels)
    child = _child(parent, len(pieces))
    parent.pieces_total -= len(pieces)
    parent.weight_kg -= child.weight_kg
    parent.volume_m3 -= child.volume_m3
    parent.save(update_fields=["pieces_total", "weight_kg", "volume_m3"])
    Piece.objects.filter(pk__in=[piece.pk for piece in pieces]).update(shipment=child)
    Leg.objects.bulk_create(
        Leg(shipment=child, trip_id=leg.trip_id, from_seq=leg.from_seq, to_seq=leg.to_seq, state=leg.state)
        for leg in rides
    )
    _told(actor, ledger, child, {piece.label: piece.pk for piece in pieces})
    access.audit(
        actor=actor,
        action="shipment.split",
        subject=parent.waybill,
        detail={"child": child.waybill, "pieces": len(pieces)},
    )
    return child


def _pieces(parent: Shipment, ledger: Ledger, labels: Sequence[str]) -> list[Piece]:
    wanted = set(labels)
    if not wanted:
        raise Invalid("请选择要拆出的货件", fields={"labels": "请选择要拆出的货件"})
    pieces = list(Piece.objects.filter(shipment=parent, label__in=wanted).order_by("seq"))
    if len(pieces) != len(wanted):
        raise Invalid("请选择本运单的货件", fields={"labels": "有标签不属于本运单"})
    settled = {event.piece for event in ledger.events[parent.pk] if event.kind in ENDING_TABLE}
    if wanted & settled:
        raise Invalid("已签收或已办结的货件不能拆单", fields={"labels": "含已签收的货件"})
    if len(pieces) >= parent.pieces_total - parent.signed_pieces:
        raise Invalid("至少要留一件在原运单", fields={"labels": "至少要留一件在原运单"})
    return pieces


def _child(parent: Shipment, pieces: int) -> Shipment:
    share = Decimal(pieces) / parent.pieces_total
    child = Shipment.objects.get(pk=parent.pk)
    child.pk, child.parent_id = None, parent.pk
    child._state.adding = True  # noqa: SLF001  Django's documented way to copy a row
    child.waybill = waybill_make(settings.ZAITU_WAYBILL_PREFIX)
    child.pieces_total, child.signed_pieces = pieces, 0
    child.weight_kg = round(parent.weight_kg * share, 2)
    child.volume_m3 = round(parent.volume_m3 * share, 3)
    child.notice_link = link_make(actor=_INSIDE, waybill=child.waybill)
    child.version = 0
    child.save(force_insert=True)
    return child


def _told(actor: Principal, ledger: Ledger, child: Shipment, pieces: dict[str, int]) -> None:
    """The child begins with the journey so far, as copies that name their original, and then both know of each other."""
    parent = ledger.shipments[child.parent_id or 0]
    own = Ledger(actor=actor, ids=[child.pk])
    state = ledger.state(parent.pk)
    trips = dict(JourneyEvent.objects.filter(shipment=parent).values_list("id", "trip_id"))
    for event in ledger.events[parent.pk]:
        if event.id in state.effective and _shared(event, pieces):
            own.add(
                NewEvent(
                    shipment_id=child.pk,
                    kind=event.kind,
                    source=event.source,
                    key=f"of:{event.id}",
                    at=event.at,
                    station=event.station,
                    piece=(pieces[event.piece], event.piece) if event.piece else None,
                    trip_id=trips[event.id],
                    data={**event.data, "of": event.id},
                )
            )
    now = clock.now()
    for book, shipment, other in ((ledger, parent, child), (own, child, parent)):
        book.add(
            NewEvent(
                shipment_id=shipment.pk,
                kind=Kind.SPLIT,
                source=MANUAL,
                key=f"split:{other.waybill}",
                at=now,
                data={"number": other.waybill, "pieces": len(pieces)},
            )
        )
        book.close()


def _shared(event: FoldEvent, pieces: dict[str, int]) -> bool:
    """Told of all pieces, or of one that moved; what ended other pieces is not theirs."""
    if event.kind in ENDING_TABLE or event.kind is Kind.SPLIT:
        return False
    return not event.piece or event.piece in pieces
