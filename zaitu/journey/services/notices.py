"""Key nodes are told to the people and systems concerned, in the transaction of the node."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.fold import LEAVING, FoldEvent, Node, State
from zaitu.journey.domain.parties import PartiesView
from zaitu.journey.domain.statuses import DETAIL_TEXTS, STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.words import span
from zaitu.journey.models import Order, Shipment
from zaitu.journey.selectors.gathered import Gathered
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal, system
from zaitu.notify import public as notify

_ACTOR: Final = system("journey.notices")
_BESIDE: Final = frozenset({Kind.PROBLEM, Kind.PROBLEM_SOLVED})
LINK_DAYS: Final = 60
"""How long the link in a notice opens the shipment: the longest journey, and a month to look back."""


def link_make(*, actor: Principal, waybill: str) -> str:
    """Token of the link that all notices of a shipment carry."""
    return access.link_issue(actor=actor, waybill=waybill, scopes=frozenset({"view"}), days=LINK_DAYS)


def links_make(*, actor: Principal, waybills: Collection[str]) -> dict[str, str]:
    """The same for many shipments, by waybill."""
    return access.links_issue(actor=actor, waybills=waybills, scopes=frozenset({"view"}), days=LINK_DAYS)


def tell_nodes(
    *,
    shipments: Iterable[Shipment],
    states: Mapping[int, State],
    gathered: Gathered,
    events: Mapping[int, Sequence[FoldEvent]],
    new_ids: Collection[int],
) -> None:
    """Tell each shipment's newest step if it is new and of a kind people are told of.

    A step that a later one has overtaken (a backfilled departure after the arrival) is history, not news. Problems and their
    end stand beside the journey and overtake nothing: a truck that leaves with a piece short has left.
    """
    told: list[tuple[Shipment, Node, notify.Kind]] = []
    for shipment in shipments:
        steps = (node for node in reversed(states[shipment.pk].nodes) if node.event.kind not in _BESIDE)
        newest = next(steps, None)
        if newest is None or newest.event.id not in new_ids:
            continue
        known = (one for one in events[shipment.pk] if one.id not in new_ids)
        if any(_twins(newest.event, one) for one in known if one.id in states[shipment.pk].effective):
            continue
        kind = _kind(newest, shipment, gathered)
        if kind is not None:
            told.append((shipment, newest, kind))
    if told:
        _tell(told, gathered)


def _twins(event: FoldEvent, known: FoldEvent) -> bool:
    """A departure that another teller told before, with a later time: people have heard of it."""
    both_leave = event.kind in LEAVING and known.kind in LEAVING
    return both_leave and known.station == event.station and known.at >= event.at


_TOLD: Final = {
    Kind.ORDERED: notify.Kind.ACCEPTED,
    Kind.ARRIVING_SOON: notify.Kind.SOON,
    Kind.SIGNED: notify.Kind.SIGNED,
}


def _kind(node: Node, shipment: Shipment, gathered: Gathered) -> notify.Kind | None:
    """By the event: a split or a correction on the road finds the status of the departure, and is none."""
    if node.event.kind not in LEAVING:
        return _TOLD.get(node.event.kind)
    if node.detail is Detail.DEPARTED:
        return notify.Kind.DEPARTED
    is_key = gathered.key_node(gathered.leg(shipment.pk), node.event.station)
    return notify.Kind.STOP if is_key else None


def _tell(told: list[tuple[Shipment, Node, notify.Kind]], gathered: Gathered) -> None:
    ids = {
        contact
        for shipment, _, _ in told
        for contact in (shipment.consignor_contact, shipment.consignee_contact)
        if contact
    }
    people = customers.contacts_read(actor=_ACTOR, ids=ids, reason="notices")
    refs = dict(
        Order.objects.filter(pk__in={shipment.order_id for shipment, _, _ in told}).values_list(
            "id", "client_ref"
        )
    )
    notify.tell_many(
        actor=_ACTOR,
        notices=[
            notify.Notice(
                fact=f"{shipment.waybill}:{kind.value}:{node.event.id}",
                kind=kind.value,
                waybill=shipment.waybill,
                customer_code=shipment.customer_code or None,
                to=_recipients(shipment, people),
                params=_params(shipment, node, gathered),
                at=node.event.at,
                data=_data(shipment, node, gathered, refs.get(shipment.order_id, "")),
            )
            for shipment, node, kind in told
        ],
    )


def _recipients(
    shipment: Shipment, people: Mapping[int, customers.ContactView]
) -> tuple[notify.Recipient, ...]:
    ids = dict.fromkeys((shipment.consignor_contact, shipment.consignee_contact))
    return tuple(
        notify.Recipient(person=f"contact:{pk}", email=people[pk].email, phone=people[pk].phone)
        for pk in ids
        if pk is not None and pk in people
    )


def _params(shipment: Shipment, node: Node, gathered: Gathered) -> dict[str, str]:
    place = gathered.place(node.event.station)
    origin, destination = gathered.place(shipment.from_station), gathered.place(shipment.to_station)
    words = {
        "status": STATUS_TEXTS[node.status][0],
        "place": place.name if place else "",
        "route": f"{_city(origin)} → {_city(destination)}",
        "pieces": f"{shipment.pieces_total} 件",
        "link": link_url(shipment),
    }
    if shipment.eta_from and shipment.eta_to and not shipment.final:
        words["eta"] = span(shipment.eta_from, shipment.eta_to)
    if node.status is Status.SIGNED:
        words["signed_by"] = DETAIL_TEXTS[node.detail][0]
    return words


def _city(place: object) -> str:
    return getattr(place, "city", "") or getattr(place, "name", "")


def _data(
    shipment: Shipment, node: Node, gathered: Gathered, client_ref: str
) -> dict[str, str | int | float | None]:
    place = gathered.place(node.event.station)
    return {
        "client_ref": client_ref,
        "status": node.status.value,
        "detail": node.detail.value,
        "place": place.name if place else None,
        "eta": _instant(shipment.eta),
        "eta_from": _instant(shipment.eta_from),
        "eta_to": _instant(shipment.eta_to),
        "pieces": shipment.pieces_total,
    }


def _instant(at: datetime | None) -> str | None:
    """As the API tells it."""
    return clock.local(at).isoformat() if at else None


def link_url(shipment: Shipment) -> str:
    return f"{settings.ZAITU_PUBLIC_URL}/t/{shipment.waybill}?k={shipment.notice_link}"


def parties_of(shipment: Shipment) -> PartiesView:
    return PartiesView(
        waybill=shipment.waybill,
        consignor=shipment.consignor_contact,
        consignee=shipment.consignee_contact,
        customer_code=shipment.customer_code,
        link=link_url(shipment),
        signed_at=shipment.signed_at,
    )
