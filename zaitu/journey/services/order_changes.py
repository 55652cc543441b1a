"""What a customer may still change of an order before its goods are collected, and taking it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.orders import order_checked
from zaitu.journey.domain.statuses import STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.views import ManualEvent, OrderDraft, OrderView, PartyDraft
from zaitu.journey.models import Order, Shipment
from zaitu.journey.selectors.people import people_of
from zaitu.journey.selectors.shipments import visible
from zaitu.journey.services.corrections import reason_checked
from zaitu.journey.services.ledger import Ledger
from zaitu.journey.services.manual import event_record
from zaitu.journey.services.orders import contact_of, order_view, words_of
from zaitu.kernel.errors import Invalid, RuleBroken
from zaitu.kernel.principal import Principal, Right, system
from zaitu.network import public as network

_INSIDE: Final = system("journey.orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """None: as it is."""

    consignor: PartyDraft | None = None
    consignee: PartyDraft | None = None
    weight_kg: float | None = None
    volume_m3: float | None = None
    goods: str | None = None
    remarks: str | None = None
    items: tuple[tuple[str, str, int], ...] | None = None


@transaction.atomic
def order_cancel(*, actor: Principal, waybill: str, reason: str) -> OrderView:
    """Take an order back before its goods are collected; again without effect.

    Raises Forbidden, NotFound, Invalid without a reason, RuleBroken once the goods are with us.
    """
    actor.must(Right.ORDERS_CREATE)
    shipment, order = _locked(actor, waybill)
    if (shipment.status, shipment.detail) != (Status.CLOSED, Detail.CANCELLED):
        _must_be_booked(shipment, "取消")
        draft = ManualEvent(kind=Kind.CANCELLED.value, note=reason_checked(reason), key="order.cancel")
        shipment = event_record(actor=actor, shipment_id=shipment.pk, draft=draft)
    return order_view(shipment, order, existing=True)


@transaction.atomic
def order_change(*, actor: Principal, waybill: str, change: OrderChange) -> OrderView:
    """Put these details in the place of the old ones, before the goods are collected.

    Pieces, product and stations stay: their labels are printed and their ETA is told; who wants others cancels and orders anew.
    Raises Forbidden, NotFound, Invalid with fields, RuleBroken once the goods are with us.
    """
    actor.must(Right.ORDERS_CREATE)
    shipment, order = _locked(actor, waybill)
    _must_be_booked(shipment, "修改")
    wanted = _wanted(change)
    if not wanted:
        raise Invalid("没有要修改的内容")
    draft = order_checked(_draft(shipment, order, wanted))
    ledger = Ledger(actor=actor, ids=[shipment.pk])
    row = ledger.shipments[shipment.pk]
    _put(actor, row, order, draft, wanted)
    # Whoever follows the shipment sees the new details: its document is made anew.
    ledger.touch([row.pk])
    ledger.close()
    access.audit(actor=actor, action="order.change", subject=row.waybill, detail={"fields": sorted(wanted)})
    return order_view(row, order, existing=True)


def _locked(actor: Principal, waybill: str) -> tuple[Shipment, Order]:
    found = visible(actor, waybill)
    shipment = Shipment.objects.select_for_update(no_key=True).get(pk=found.pk)
    return shipment, Order.objects.get(pk=shipment.order_id)


def _must_be_booked(shipment: Shipment, action: str) -> None:
    if shipment.final:
        raise RuleBroken(f"运单{STATUS_TEXTS[Status(shipment.status)][0]}，不能{action}", code="order_over")
    if shipment.status != Status.ORDERED:
        raise RuleBroken(f"货物已揽收，不能{action}，请联系客服改派、拦截或退回", code="order_under_way")
    if shipment.parent_id is not None:
        raise RuleBroken(f"拆出的子单不能{action}", code="order_split")


def _wanted(change: OrderChange) -> dict[str, Any]:
    names = ("consignor", "consignee", "weight_kg", "volume_m3", "goods", "remarks", "items")
    values = {name: getattr(change, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _draft(shipment: Shipment, order: Order, wanted: Mapping[str, Any]) -> OrderDraft:
    """The order as it would be."""
    ids = [pk for pk in (shipment.consignor_contact, shipment.consignee_contact) if pk]
    known = customers.contacts_read(actor=_INSIDE, ids=ids)
    people = {
        "consignor": _party(known.get(shipment.consignor_contact or 0)),
        "consignee": _party(known.get(shipment.consignee_contact or 0)),
    }
    values: dict[str, Any] = {
        "weight_kg": float(shipment.weight_kg),
        "volume_m3": float(shipment.volume_m3),
        "goods": shipment.goods,
        "remarks": order.remarks,
        "items": tuple((sku, name, quantity) for sku, name, quantity in order.items),
    }
    return OrderDraft(
        product=shipment.product,
        from_station=shipment.from_station,
        to_station=shipment.to_station,
        pieces=shipment.pieces_total,
        customer_code=order.customer_code or None,
        cold_min_c=shipment.cold_min_c,
        cold_max_c=shipment.cold_max_c,
        client_ref=order.client_ref,
        **people | values | dict(wanted),
    )


def _party(contact: Any) -> PartyDraft:
    if contact is None:  # erased since
        return PartyDraft(name="", phone="", city="", address="")
    return PartyDraft(
        name=contact.name,
        phone=contact.phone,
        city=contact.city,
        address=contact.address,
        email=contact.email,
    )


def _put(actor: Principal, row: Shipment, order: Order, draft: OrderDraft, wanted: Mapping[str, Any]) -> None:
    names = ["weight_kg", "volume_m3", "goods", "grams"]
    row.weight_kg = Decimal(str(round(draft.weight_kg, 2)))
    row.volume_m3 = Decimal(str(round(draft.volume_m3, 3)))
    row.goods = draft.goods
    stations = network.stations_by_codes({row.from_station, row.to_station})
    customer = draft.customer_code
    name = customers.customer_get(actor=_INSIDE, code=customer).name if customer else ""
    row.grams = words_of(draft, stations, name)
    for role in ("consignor", "consignee"):
        if role in wanted:
            contact = contact_of(actor, draft, role, wanted[role])
            setattr(row, f"{role}_contact", contact)
            setattr(row, f"{role}_tail", customers.contact_tail_index(contact))
            names += [f"{role}_contact", f"{role}_tail"]
    if {"consignor", "consignee"} & wanted.keys():
        people = ((party.name, party.phone) for party in (draft.consignor, draft.consignee))
        row.people = people_of(people, [row.consignor_tail, row.consignee_tail])
        names.append("people")
    row.save(update_fields=names)
    order.remarks, order.items = draft.remarks, [list(item) for item in draft.items]
    order.save(update_fields=["remarks", "items"])
