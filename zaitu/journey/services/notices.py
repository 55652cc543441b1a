"""Key nodes are told to the people and systems concerned, in the transaction of the node."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings

from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.fold import LEAVING, FoldEvent, Node, State
from zaitu.journey.domain.parties import PartiesView
from zaitu.journey.domain.problems import PROBLEMS, Problem
from zaitu.journey.domain.statuses import DETAIL_TEXTS, STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.words import span
from zaitu.journey.models import Order, Shipment
from zaitu.journey.selectors.gathered import Gathered
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal, system
from zaitu.notify import public as notify

_ACTOR: Final = system("journey.notices")
_BESIDE: Final = frozenset({Kind.PROBLEM, Kind.PROBLEM_SOLVED})
_INTERNAL: Final = frozenset({Problem.NO_UPDATE, Problem.OVER, Problem.RECHECK_MISMATCH, Problem.WRONG_GOODS})
"""What staff have to sort out first: it may be nothing, or not these goods'."""
_NOT_LEFT: Final = frozenset({Status.ORDERED, Status.AWAITING_DEPARTURE})
_MOVING: Final = frozenset({etas.Reason.PROGRESS, etas.Reason.OVERDUE})
LINK_DAYS: Final = 60
"""How long the link in a notice opens the shipment: the longest journey, and a month to look back."""


def link_make(*, actor: Principal, waybill: str) -> str:
    """Token of the link that all notices of a shipment carry."""
    return access.link_issue(actor=actor, waybill=waybill, scopes=frozenset({"view"}), days=LINK_DAYS)


def links_make(*, actor: Principal, waybills: Collection[str]) -> dict[str, str]:
    """The same for many shipments, by waybill."""
    return access.links_issue(actor=actor, waybills=waybills, scopes=frozenset({"view"}), days=LINK_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One thing that the people of one shipment hear."""

    shipment: Shipment
    kind: notify.Kind
    fact: str
    at: datetime
    station: str
    status: Status
    detail: Detail
    words: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str | int | float | None] = field(default_factory=dict)


def tell_nodes(
    *,
    shipments: Iterable[Shipment],
    states: Mapping[int, State],
    gathered: Gathered,
    events: Mapping[int, Sequence[FoldEvent]],
    new_ids: Collection[int],
) -> None:
    """Tell each shipment's newest step if it is new and of a kind people are told of, what is newly wrong, and an ETA that no longer holds.

    The shipments then hold the window that was told, and are to be saved. A step that a later one has overtaken (a backfilled departure after the arrival) is history, not news. Problems and their
    end stand beside the journey and overtake nothing: a truck that leaves with a piece short has left.
    """
    told: list[_Told] = []
    for shipment in shipments:
        state = states[shipment.pk]
        found = [
            *_step(shipment, state, gathered, events[shipment.pk], new_ids),
            *_problems(shipment, state, new_ids),
        ]
        told += found or _correction(shipment, state)
    if told:
        _tell(told, gathered)
    for one in told:
        if one.shipment.eta_to is not None and not one.shipment.final:
            one.shipment.told_from, one.shipment.told_to = one.shipment.eta_from, one.shipment.eta_to


def _step(
    shipment: Shipment,
    state: State,
    gathered: Gathered,
    events: Sequence[FoldEvent],
    new_ids: Collection[int],
) -> Iterator[_Told]:
    newest = next((node for node in reversed(state.nodes) if node.event.kind not in _BESIDE), None)
    if newest is None or newest.event.id not in new_ids:
        return
    known = (one for one in events if one.id not in new_ids)
    if any(_twins(newest.event, one) for one in known if one.id in state.effective):
        return
    kind = _kind(newest, shipment, gathered)
    if kind is not None:
        signed = {"signed_by": DETAIL_TEXTS[newest.detail][0]} if newest.status is Status.SIGNED else {}
        yield _told(shipment, newest, kind, signed)


def _problems(shipment: Shipment, state: State, new_ids: Collection[int]) -> Iterator[_Told]:
    """What is newly wrong and still is: its cause, what is done about it, never who is to blame."""
    for node in state.nodes:
        problem = node.problem
        is_new = node.event.kind is Kind.PROBLEM and node.event.id in new_ids
        if problem is not None and is_new and problem in state.problems and problem not in _INTERNAL:
            said = PROBLEMS[problem]
            words = {"cause": said.zh, "plan": said.plan[0]}
            yield _told(shipment, node, notify.Kind.EXCEPTION, words, {"problem": problem.value})


def _told(
    shipment: Shipment,
    node: Node,
    kind: notify.Kind,
    words: Mapping[str, str],
    data: Mapping[str, str] | None = None,
) -> _Told:
    return _Told(
        shipment=shipment,
        kind=kind,
        fact=f"{shipment.waybill}:{kind.value}:{node.event.id}",
        at=node.event.at,
        station=node.event.station,
        status=node.status,
        detail=node.detail,
        words=words,
        data=data or {},
    )


def _correction(shipment: Shipment, state: State) -> Iterator[_Told]:
    told_from, told_to = shipment.told_from, shipment.told_to
    eta, eta_from, eta_to = shipment.eta, shipment.eta_from, shipment.eta_to
    if shipment.final or not (told_from and told_to and eta and eta_from and eta_to):
        return
    window, later = etas.Window(eta=eta, eta_from=eta_from, eta_to=eta_to), eta_to > told_to
    # That they come earlier is told with the departure: until then plans change.
    if etas.corrects((told_from, told_to), window) and (later or state.status not in _NOT_LEFT):
        yield _Told(
            shipment=shipment,
            kind=notify.Kind.CORRECTION,
            fact=f"{shipment.waybill}:eta:{shipment.version}",
            at=clock.now(),
            station=state.station,
            status=state.status,
            detail=state.detail,
            words={"was": span(told_from, told_to), "cause": _cause(shipment, later=later)},
            data={"eta_was": _instant(told_to)},
        )


def _cause(shipment: Shipment, *, later: bool) -> str:
    if shipment.exception and shipment.exception["code"] not in _INTERNAL:
        return PROBLEMS[Problem(shipment.exception["code"])].zh
    reason = etas.Reason(shipment.eta_reason) if shipment.eta_reason else etas.Reason.PROGRESS
    if reason in _MOVING:
        return "路上比预计慢" if later else "路上比预计快"
    return etas.REASON_TEXTS[reason][0]


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


def _tell(told: list[_Told], gathered: Gathered) -> None:
    ids = {
        contact
        for one in told
        for contact in (one.shipment.consignor_contact, one.shipment.consignee_contact)
        if contact
    }
    people = customers.contacts_read(actor=_ACTOR, ids=ids, reason="notices")
    refs = dict(
        Order.objects.filter(pk__in={one.shipment.order_id for one in told}).values_list("id", "client_ref")
    )
    notify.tell_many(
        actor=_ACTOR,
        notices=[
            notify.Notice(
                fact=one.fact,
                kind=one.kind.value,
                waybill=one.shipment.waybill,
                customer_code=one.shipment.customer_code or None,
                to=_recipients(one.shipment, people),
                params=_params(one, gathered),
                at=one.at,
                data=_data(one, gathered, refs.get(one.shipment.order_id, "")),
            )
            for one in told
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


def _params(told: _Told, gathered: Gathered) -> dict[str, str]:
    shipment, place = told.shipment, gathered.place(told.station)
    origin, destination = gathered.place(shipment.from_station), gathered.place(shipment.to_station)
    words = {
        "status": STATUS_TEXTS[told.status][0],
        "place": place.name if place else "",
        "route": f"{_city(origin)} → {_city(destination)}",
        "pieces": f"{shipment.pieces_total} 件",
        "link": link_url(shipment),
    }
    if shipment.eta_from and shipment.eta_to and not shipment.final:
        words["eta"] = span(shipment.eta_from, shipment.eta_to)
    return {**words, **told.words}


def _city(place: object) -> str:
    return getattr(place, "city", "") or getattr(place, "name", "")


def _data(told: _Told, gathered: Gathered, client_ref: str) -> dict[str, str | int | float | None]:
    shipment, place = told.shipment, gathered.place(told.station)
    return {
        "client_ref": client_ref,
        "status": told.status.value,
        "detail": told.detail.value,
        "place": place.name if place else None,
        "eta": _instant(shipment.eta),
        "eta_from": _instant(shipment.eta_from),
        "eta_to": _instant(shipment.eta_to),
        "pieces": shipment.pieces_total,
        **told.data,
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
