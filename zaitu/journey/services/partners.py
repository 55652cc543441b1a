"""What partners' systems tell of shipments that were given to them."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from zaitu.access import public as access
from zaitu.journey.domain import mappings
from zaitu.journey.domain.partner_events import (
    BATCH_MAX,
    OURS_TO_DECIDE,
    PLACE_MAX,
    PartnerEvent,
    PartnerReport,
    PartnerRow,
    Refusal,
    Taken,
    phones_masked,
    refusal_of,
)
from zaitu.journey.domain.partner_numbers import partner_number
from zaitu.journey.models import NumberLink, Shipment
from zaitu.journey.selectors.scanning import find
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal
from zaitu.kernel.waybills import Mistyped, waybill_normal
from zaitu.kernel.words import shown
from zaitu.network import public as network


@transaction.atomic
def partner_events(*, actor: Principal, partner: str, events: Sequence[PartnerEvent]) -> PartnerReport:
    """Record what a partner tells; unknown codes of its own list are kept as `moving` with their own words, repeats do nothing.

    A partner's key speaks of shipments forwarded to that partner only; to it others are numbers that nobody has.
    Raises Invalid for an unknown dialect or too many.
    """
    if len(events) > BATCH_MAX:
        raise Invalid(f"一次最多 {BATCH_MAX} 条", fields={"events": f"一次最多 {BATCH_MAX} 条"})
    if unknown := {event.dialect for event in events} - mappings.DIALECTS.keys():
        raise Invalid(f"没有这种代码表：{'、'.join(sorted(unknown))}", fields={"dialect": "没有这种代码表"})
    numbers = {event.waybill for event in events}
    theirs = actor.kind is Who.PARTNER_KEY
    found = _given_to(partner, numbers) if theirs else _ours(numbers)
    stations = frozenset(
        network.stations_by_codes({event.station_code for event in events if event.station_code})
    )
    ledger = Ledger(actor=actor, ids=set(found.values()))
    rows = [_row(ledger, partner, event, found, stations, theirs=theirs) for event in events]
    ledger.close()
    report = PartnerReport(
        recorded=sum(row.taken is Taken.ACCEPTED for row in rows),
        repeated=sum(row.taken is Taken.DUPLICATE for row in rows),
        unknown=tuple(dict.fromkeys(event.waybill for event in events if event.waybill not in found)),
        rows=tuple(rows),
    )
    detail = {"recorded": report.recorded, "of": len(events)}
    access.audit(actor=actor, action="events.partner", subject=partner[:80], detail=detail)
    return report


def _ours(numbers: Iterable[str]) -> dict[str, int]:
    found = {number: find(number) for number in numbers}
    return {number: one.shipment_id for number, one in found.items() if one is not None}


def _given_to(partner: str, numbers: Iterable[str]) -> dict[str, int]:
    """Number as it was told → shipment, of those forwarded to this partner; one query. The newest forwarding has a number."""
    wanted = {number: _spellings(number) for number in numbers}
    spelt = {spelling for several in wanted.values() for spelling in several}
    links = (
        NumberLink.objects.filter(carrier=partner)
        .filter(Q(number__in=spelt) | Q(plain__in=spelt - {""}) | Q(shipment__waybill__in=spelt))
        .order_by("id")
        .values_list("shipment_id", "number", "plain", "shipment__waybill")
    )
    known = {name: pk for pk, *names in links for name in names if name}
    return {
        number: next(known[one] for one in spellings if one in known)
        for number, spellings in wanted.items()
        if any(one in known for one in spellings)
    }


def _spellings(number: str) -> tuple[str, ...]:
    text = number.strip().upper()
    try:
        return text, waybill_normal(text, label=False)
    except Mistyped:
        return text, partner_number(text)


def _row(
    ledger: Ledger,
    partner: str,
    event: PartnerEvent,
    found: dict[str, int],
    stations: frozenset[str],
    *,
    theirs: bool,
) -> PartnerRow:
    shipment = ledger.shipments.get(found.get(event.waybill, 0))
    refusal = (
        Refusal.UNKNOWN_NUMBER if shipment is None else refusal_of(event, now=clock.now(), stations=stations)
    )
    told = mappings.told(event.dialect, event.code)
    if refusal is None and theirs and told.kind in OURS_TO_DECIDE:
        refusal = Refusal.NOT_ALLOWED
    if refusal is not None or shipment is None or event.at is None:
        return PartnerRow(taken=Taken.REFUSED, refusal=refusal)
    new = _event(partner, event, event.at, told, shipment)
    if ledger.add(new):
        return PartnerRow(taken=Taken.ACCEPTED)
    if event.key and not ledger.says(new):
        return PartnerRow(taken=Taken.REFUSED, refusal=Refusal.ID_REUSED)
    return PartnerRow(taken=Taken.DUPLICATE)


def _event(
    partner: str, event: PartnerEvent, at: datetime, told: mappings.Told, shipment: Shipment
) -> NewEvent:
    words = {"code": told.code, "detail": told.detail, "where": shown(phones_masked(event.place))[:PLACE_MAX]}
    data: dict[str, Any] = {name: value for name, value in words.items() if value}
    return NewEvent(
        shipment_id=shipment.pk,
        kind=told.kind,
        source=f"partner:{partner}"[:40],
        key=_key(event, at),
        at=at,
        station=shipment.to_station if told.at_destination else event.station_code,
        raw_code=event.code.strip(),
        raw_text=shown(phones_masked(event.text)),
        data=data,
    )


def _key(event: PartnerEvent, at: datetime) -> str:
    """The partner's own id, or what makes the event itself: code, time and place."""
    text = event.key or f"{event.code} {at.isoformat()} {event.station_code} {event.text}"
    return text if len(text) <= 64 and event.key else hashlib.sha256(text.encode()).hexdigest()[:32]
