"""Placing an order: one order, its shipment and pieces, the first ETA and the notice, in one transaction."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.orders import order_checked, piece_label
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.journey.domain.views import OrderDraft, OrderView, PartyDraft
from zaitu.journey.models import Order, Piece, Shipment
from zaitu.journey.selectors.people import people_of
from zaitu.journey.selectors.rides import next_ride
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.notices import link_make
from zaitu.kernel import clock
from zaitu.kernel.crypto import fingerprint, fingerprint_fits
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal, system
from zaitu.kernel.search import grams
from zaitu.kernel.waybills import waybill_make
from zaitu.network import public as network

SOURCE: Final = "order"
_ORDER: Final = "journey order"
_INSIDE: Final = system("journey.orders")


def order_create(*, actor: Principal, draft: OrderDraft) -> OrderView:
    """Place an order, or find the one placed before under the same customer and `client_ref`.

    Raises Invalid naming everything that is wrong, and Conflict when that number stands for another content.
    """
    wrong: dict[str, str] = {}
    try:
        draft = order_checked(draft)
    except Invalid as error:
        wrong |= error.fields
    found = None if wrong else _placed_before(draft)
    if found is not None:
        return found
    places = network.stations_by_codes({draft.from_station, draft.to_station})
    wrong |= {**_wrong_places(draft, places), **_wrong_people(draft)}
    if wrong:
        raise Invalid("订单资料有误：" + "；".join(dict.fromkeys(wrong.values())), fields=wrong)
    try:
        with transaction.atomic():
            return _place(actor, draft, places)
    except IntegrityError:
        # Somebody placed the same order while we did: the unique index made us wait for them.
        found = _placed_before(draft)
        if found is None:
            raise
        return found


def _placed_before(draft: OrderDraft) -> OrderView | None:
    if not draft.client_ref:
        return None
    order = Order.objects.filter(customer_code=draft.customer_code or "", client_ref=draft.client_ref).first()
    if order is None:
        return None
    shipment = Shipment.objects.filter(order_id=order.pk, parent=None).get()
    if not fingerprint_fits(order.fingerprint, _text(draft), _ORDER):
        raise Conflict(
            f"客户单号 {draft.client_ref} 已用于运单 {shipment.waybill}，内容不同，请更换单号或核对"
        )
    return order_view(shipment, order, existing=True)


def order_view(shipment: Shipment, order: Order, *, existing: bool = False) -> OrderView:
    labels = Piece.objects.filter(shipment_id=shipment.pk).order_by("seq").values_list("label", flat=True)
    assert shipment.eta is not None  # noqa: S101  set when the order was placed
    return OrderView(
        waybill=shipment.waybill,
        customer_code=order.customer_code,
        client_ref=order.client_ref,
        status=shipment.status,
        eta=shipment.eta,
        eta_from=shipment.eta_from or shipment.eta,
        eta_to=shipment.eta_to or shipment.eta,
        pieces=tuple(labels),
        existing=existing,
    )


def fingerprint_of(draft: OrderDraft) -> str:
    return fingerprint(_text(draft), _ORDER)


def _text(draft: OrderDraft) -> str:
    return json.dumps(asdict(draft), sort_keys=True, ensure_ascii=False, default=str)


def _wrong_places(draft: OrderDraft, stations: Mapping[str, network.StationView]) -> dict[str, str]:
    """Stations and product that are not ours."""
    ends = (("from_station", "始发站", draft.from_station), ("to_station", "目的站", draft.to_station))
    wrong = {
        field: f"没有编码为 {code} 的站点" if code else f"请选择{what}"
        for field, what, code in ends
        if code not in stations or not stations[code].active
    }
    products = {one.code for one in network.products_list(actor=_INSIDE) if one.active}
    if draft.product not in products:
        wrong["product"] = f"没有编码为 {draft.product} 的产品" if draft.product else "请选择产品"
    return wrong


def _wrong_people(draft: OrderDraft) -> dict[str, str]:
    """What the parties' details lack, and a customer we do not have."""
    wrong: dict[str, str] = {}
    for role, party in (("consignor", draft.consignor), ("consignee", draft.consignee)):
        try:
            customers.contact_check(_contact(draft, party))
        except Invalid as error:
            wrong |= {f"{role}.{field}": message for field, message in error.fields.items()}
    code = draft.customer_code
    if code and code not in customers.customer_names(actor=_INSIDE, codes=[code]):
        wrong["customer_code"] = f"没有编号为 {code} 的客户"
    return wrong


def _place(actor: Principal, draft: OrderDraft, stations: dict[str, network.StationView]) -> OrderView:
    now = clock.now()
    order = Order.objects.create(
        customer_code=draft.customer_code or "",
        client_ref=draft.client_ref,
        fingerprint=fingerprint_of(draft),
        product=draft.product,
        items=[list(item) for item in draft.items],
        remarks=draft.remarks,
        created_by=actor.name[:80],
        created_at=now,
    )
    shipment = _shipment(actor, draft, order, stations)
    Piece.objects.bulk_create(
        Piece(shipment=shipment, seq=seq, label=piece_label(shipment.waybill, seq))
        for seq in range(1, draft.pieces + 1)
    )
    ledger = Ledger(actor=actor, ids=[shipment.pk])
    ledger.add(NewEvent(shipment_id=shipment.pk, kind=Kind.ORDERED, source=SOURCE, key="ordered", at=now))
    ledger.retime(shipment.pk, *eta_at_acceptance(draft, stations[draft.to_station], now))
    ledger.close()
    access.audit(
        actor=actor,
        action="order.create",
        subject=shipment.waybill,
        detail={"customer": order.customer_code, "client_ref": order.client_ref, "pieces": draft.pieces},
    )
    return order_view(ledger.shipments[shipment.pk], order)


def _shipment(
    actor: Principal, draft: OrderDraft, order: Order, stations: dict[str, network.StationView]
) -> Shipment:
    contacts = (
        contact_of(actor, draft, "consignor", draft.consignor),
        contact_of(actor, draft, "consignee", draft.consignee),
    )
    tails = customers.contact_tail_indexes(contacts)
    row = shipment_row(draft, order, contacts, tails)
    row.notice_link = link_make(actor=system("journey.orders"), waybill=row.waybill)
    row.grams = words_of(draft, stations, _customer_name(draft))
    row.save(force_insert=True)
    return row


def _customer_name(draft: OrderDraft) -> str:
    if not draft.customer_code:
        return ""
    return customers.customer_get(actor=_INSIDE, code=draft.customer_code).name


def shipment_row(
    draft: OrderDraft, order: Order, contacts: tuple[int, int], tails: Mapping[int, str]
) -> Shipment:
    """The shipment of an order under a new waybill, not saved yet, without link and search words.

    `contacts`: consignor and consignee; `tails`: the blind index of each one's last four digits.
    """
    consignor, consignee = contacts
    return Shipment(
        waybill=waybill_make(settings.ZAITU_WAYBILL_PREFIX),
        order=order,
        customer_code=order.customer_code,
        product=draft.product,
        from_station=draft.from_station,
        to_station=draft.to_station,
        consignor_contact=consignor,
        consignee_contact=consignee,
        consignor_tail=tails.get(consignor, ""),
        consignee_tail=tails.get(consignee, ""),
        people=_people(draft, [tails.get(contact, "") for contact in contacts]),
        pieces_total=draft.pieces,
        weight_kg=Decimal(str(round(draft.weight_kg, 2))),
        volume_m3=Decimal(str(round(draft.volume_m3, 3))),
        goods=draft.goods,
        cold_min_c=draft.cold_min_c,
        cold_max_c=draft.cold_max_c,
        ordered_at=order.created_at,
        status=Status.ORDERED.value,
        detail=Detail.ACCEPTED.value,
        status_at=order.created_at,
        changed_at=order.created_at,
    )


def contact_of(actor: Principal, draft: OrderDraft, role: str, party: PartyDraft) -> int:
    with _at_party(role):
        return customers.contact_put(actor=actor, draft=_contact(draft, party))


def contact_drafted(draft: OrderDraft, role: str, party: PartyDraft) -> customers.ContactDraft:
    """A party as a contact, checked. Raises Invalid at the party's fields."""
    contact = _contact(draft, party)
    with _at_party(role):
        customers.contact_check(contact)
    return contact


@contextmanager
def _at_party(role: str) -> Iterator[None]:
    """Complaints of a contact name the party it is."""
    try:
        yield
    except Invalid as error:
        who = "发货人" if role == "consignor" else "收货人"
        wrong = {f"{role}.{field}": message for field, message in error.fields.items()}
        raise Invalid(
            f"{who}资料有误：" + ("；".join(wrong.values()) or error.message), fields=wrong
        ) from error


def _contact(draft: OrderDraft, party: PartyDraft) -> customers.ContactDraft:
    return customers.ContactDraft(
        name=party.name,
        phone=party.phone,
        city=party.city,
        address=party.address,
        email=party.email,
        customer_code=draft.customer_code,
    )


def _people(draft: OrderDraft, tails: Iterable[str]) -> list[str]:
    return people_of(((party.name, party.phone) for party in (draft.consignor, draft.consignee)), tails)


def words_of(draft: OrderDraft, stations: Mapping[str, network.StationView], customer_name: str) -> list[str]:
    """What the shipment is found by in the list; nothing personal."""
    words = [draft.goods, draft.client_ref, draft.customer_code or "", customer_name]
    for code in (draft.from_station, draft.to_station):
        words += [stations[code].name, stations[code].city]
    return grams(" ".join(words))


def eta_at_acceptance(
    draft: OrderDraft, destination: network.StationView, now: datetime
) -> tuple[etas.Window, etas.Reason]:
    """By the next departure that goes there, else by what the product promises."""
    ride = next_ride(draft.from_station, draft.to_station, now)
    if ride is not None:
        return etas.window(ride.arrives_at + last_mile(destination.kind), now), etas.Reason.SCHEDULE
    promise = next(
        product for product in network.products_list(actor=_INSIDE) if product.code == draft.product
    )
    return etas.window(now + timedelta(hours=promise.promise_hours), now), etas.Reason.PROMISE


def last_mile(station_kind: str) -> timedelta:
    """A truck that goes to the customer's own dock needs no van after it."""
    return timedelta(0) if station_kind == network.StationKind.CUSTOMER else etas.LAST_MILE
