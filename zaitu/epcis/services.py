"""Capturing: a document is checked, kept once, and told to the journeys it speaks of, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from zaitu.access import public as access
from zaitu.epcis.adapters import gs1_schema
from zaitu.epcis.domain.capturing import EPCS_MAX, EVENTS_MAX, Behaviour, Prepared, prepared
from zaitu.epcis.domain.faults import AlreadyThereFault, CaptureLimitFault, EpcisFault, ValidationFault
from zaitu.epcis.domain.identifiers import Names
from zaitu.epcis.domain.telling import any_epcs_of, numbers_of, prefixes_of, telling
from zaitu.epcis.models import CapturedEvent, CaptureJob
from zaitu.epcis.selectors import names_here, owner_of
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal, Right

_LOCK: Final = 0x45504349
_TOLD_BATCH: Final = 500
"""What a journey takes at once."""
_REFUSALS_KEPT: Final = 100


@dataclass(slots=True)
class _Taken:
    """What became of the events of one document."""

    new: list[CapturedEvent] = field(default_factory=list)
    changed: list[CapturedEvent] = field(default_factory=list)
    repeated: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    told: list[tuple[str, journey.PartnerEvent]] = field(default_factory=list)
    """eventID and what it says of one number."""


class _RolledBack(Exception):
    """Something was wrong with one event, and all or nothing was asked."""


def capture(*, actor: Principal, document: Any, behaviour: Behaviour) -> CaptureJob:
    """Keep a document's events. Raises ValidationFault (rollback: also for one event), CaptureLimitFault."""
    gs1_schema.document_check(document)
    if document["type"] != "EPCISDocument":
        raise ValidationFault("须为 EPCISDocument")
    events = document["epcisBody"]["eventList"]
    if len(events) > EVENTS_MAX:
        raise CaptureLimitFault(f"一个文档最多 {EVENTS_MAX} 个事件")
    ready, errors = _ready(events, behaviour)
    if sum(len(any_epcs_of(one.body)) for _, one in ready) > EPCS_MAX:
        raise CaptureLimitFault(f"一个文档最多 {EPCS_MAX} 个标识")
    began = clock.now()
    context = document["@context"]
    try:
        with transaction.atomic():
            return _captured(actor, context, ready, errors, behaviour, began)
    except _RolledBack as error:
        job = _job(actor, behaviour, began, _Taken(errors=error.args[0]))
        job.save(force_insert=True)
        return job


def event_capture(*, actor: Principal, event: Any) -> tuple[str, bool]:
    """Keep one event: its eventID, and whether it is new. Raises ValidationFault, AlreadyThereFault."""
    gs1_schema.bare_event_check(event)
    one = prepared(event)
    if len(any_epcs_of(event)) > EPCS_MAX:
        raise CaptureLimitFault(f"一个事件最多 {EPCS_MAX} 个标识")
    with transaction.atomic():
        taken = _take(actor, event["@context"], [(0, one)])
        if taken.errors:
            raise AlreadyThereFault(str(taken.errors[0]["detail"]))
        _keep(taken, None)
        _tell(actor, taken)
    return one.event_id, bool(taken.new)


def _ready(
    events: Sequence[Any], behaviour: Behaviour
) -> tuple[list[tuple[int, Prepared]], list[dict[str, Any]]]:
    """Events that are events, with their place in the list, and what is wrong with the others."""
    ready: list[tuple[int, Prepared]] = []
    errors: list[dict[str, Any]] = []
    for place, event in enumerate(events):
        try:
            gs1_schema.event_check(event)
            ready.append((place, prepared(event)))
        except ValidationFault as fault:
            if behaviour is Behaviour.ROLLBACK:
                raise ValidationFault(f"eventList/{place}：{fault.message}") from fault
            errors.append(_error(place, fault))
    return ready, errors


def _error(place: int, fault: EpcisFault) -> dict[str, Any]:
    return {
        "type": f"epcisException:{fault.name}",
        "title": fault.error_code,
        "detail": f"eventList/{place}：{fault.message}",
    }


def _captured(
    actor: Principal,
    context: Any,
    ready: Sequence[tuple[int, Prepared]],
    errors: list[dict[str, Any]],
    behaviour: Behaviour,
    began: datetime,
) -> CaptureJob:
    taken = _take(actor, context, ready)
    if taken.errors and behaviour is Behaviour.ROLLBACK:
        raise _RolledBack(taken.errors)
    taken.errors = errors + taken.errors
    job = _job(actor, behaviour, began, taken)
    job.save(force_insert=True)
    _keep(taken, job)
    job.told = _tell(actor, taken)
    job.finished_at = clock.now()
    job.save(update_fields=["told", "finished_at"])
    access.audit(
        actor=actor,
        action="epcis.capture",
        subject=str(job.pk),
        detail={"new": job.captured, "repeated": job.repeated, "errors": len(job.errors)},
    )
    return job


def _job(actor: Principal, behaviour: Behaviour, began: datetime, taken: _Taken) -> CaptureJob:
    return CaptureJob(
        owner=owner_of(actor),
        key=actor.name[:80],
        behaviour=behaviour.value,
        success=not taken.errors,
        captured=len(taken.new),
        repeated=taken.repeated,
        errors=taken.errors,
        created_at=began,
        finished_at=clock.now(),
    )


def _take(actor: Principal, context: Any, ready: Sequence[tuple[int, Prepared]]) -> _Taken:
    """Sort events into new ones, repeats and those whose eventID stands for another event. One of an owner at a time."""
    owner, now = owner_of(actor), clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, owner])
    ids = [one.event_id for _, one in ready]
    known = {row.event_id: row for row in CapturedEvent.objects.filter(owner=owner, event_id__in=ids)}
    taken, names = _Taken(), names_here()
    for place, one in ready:
        before = known.get(one.event_id)
        if before is None:
            row = _row(owner, one, context, now)
            taken.new.append(row)
            known[one.event_id] = row
            taken.told += _said(one, context, names)
        elif before.fingerprint != one.fingerprint:
            fault = AlreadyThereFault(f"eventID {one.event_id[:200]} 已用于另一事件")
            taken.errors.append(_error(place, fault))
        else:
            taken.repeated += 1
            if one.declared and "errorDeclaration" not in before.body:
                before.body = {**one.body, **_stamps(one, before.recorded_at)}
                taken.changed += [before] if before.pk else []
    return taken


def _row(owner: str, one: Prepared, context: Any, now: datetime) -> CapturedEvent:
    own = one.body.get("@context", [])
    return CapturedEvent(
        owner=owner,
        event_id=one.event_id,
        fingerprint=one.fingerprint,
        body={name: value for name, value in {**one.body, **_stamps(one, now)}.items() if name != "@context"},
        context=[*_listed(context), *(each for each in _listed(own) if each not in _listed(context))],
        recorded_at=now,
        **one.columns(),
    )


def _listed(context: Any) -> list[Any]:
    return context if isinstance(context, list) else [context]


def _stamps(one: Prepared, at: datetime) -> dict[str, str]:
    """What a repository adds to an event."""
    return {"eventID": one.event_id, "recordTime": clock.local(at).isoformat(timespec="milliseconds")}


def _keep(taken: _Taken, job: CaptureJob | None) -> None:
    for row in taken.new:
        row.job = job
    CapturedEvent.objects.bulk_create(taken.new, batch_size=500)
    CapturedEvent.objects.bulk_update(taken.changed, ["body"], batch_size=500)


def _said(one: Prepared, context: Any, names: Names) -> list[tuple[str, journey.PartnerEvent]]:
    """What an event says of each number in it, in our words; nothing when it is none of our kinds, or an error's."""
    found = telling(one.body, names, prefixes_of(context, one.body.get("@context")))
    if found is None or one.declared:
        return []
    place = one.body.get("readPoint") or one.body.get("bizLocation") or {}
    station = names.station_in(str(place.get("id", "")))
    return [
        (
            one.event_id,
            journey.PartnerEvent(
                waybill=number,
                code=found.code,
                text="",
                at=one.at,
                station_code=station,
                dialect=found.dialect,
                key=one.event_id,
                place="" if station else str(place.get("id", ""))[-60:],
            ),
        )
        for number in numbers_of(one.body)
    ]


def _tell(actor: Principal, taken: _Taken) -> dict[str, Any]:
    """Tell the journeys what a partner's events say of what was forwarded to it; a customer's tell nothing."""
    if not actor.partner or not actor.can(Right.PARTNER_EVENTS) or not taken.told:
        return {}
    counts: Counter[str] = Counter()
    refused: list[dict[str, str]] = []
    for start in range(0, len(taken.told), _TOLD_BATCH):
        some = taken.told[start : start + _TOLD_BATCH]
        report = journey.partner_events(
            actor=actor, partner=actor.partner, events=[event for _, event in some]
        )
        for (event_id, event), row in zip(some, report.rows, strict=True):
            counts[row.taken.value] += 1
            if row.refusal is not None:
                refused.append({"eventID": event_id, "number": event.waybill, "code": row.refusal.value})
    return {**counts, "refusals": refused[:_REFUSALS_KEPT]}
