"""The contract of EPCIS 2.0: capture events, ask for them. Whoever captured an event is the only one who is answered with it.

A customer's key is answered with what happened to its shipments besides. What a partner's key captures of shipments that were
forwarded to it is told to their journeys where it is one of our kinds (domain/telling.py).
"""

from collections.abc import Iterable
from typing import Any

from zaitu.epcis import selectors, services
from zaitu.epcis.domain.capturing import BYTES_MAX, EVENTS_MAX, Behaviour
from zaitu.epcis.domain.capturing import read as _read
from zaitu.epcis.domain.faults import (
    AlreadyThereFault,
    CaptureLimitFault,
    EpcisFault,
    NotAcceptableFault,
    QueryParameterFault,
    QueryTooComplexFault,
    QueryTooLargeFault,
    ValidationFault,
)
from zaitu.epcis.domain.queries import NAMES as PARAMETERS
from zaitu.epcis.domain.queries import Query, parsed
from zaitu.epcis.domain.vocabulary import CONTEXT, EVENT_TYPES
from zaitu.epcis.models import CaptureJob
from zaitu.epcis.selectors import Found
from zaitu.kernel.principal import Principal, Right

__all__ = [
    "BYTES_MAX", "CONTEXT", "EVENTS_MAX", "EVENT_TYPES", "PARAMETERS", "AlreadyThereFault", "Behaviour", "CaptureJob",
    "CaptureLimitFault", "EpcisFault", "Found", "NotAcceptableFault", "Query", "QueryParameterFault",
    "QueryTooComplexFault", "QueryTooLargeFault", "ValidationFault", "capture", "event_capture", "event_get",
    "events_find", "job_get", "shipment_export",
]  # fmt: skip


def capture(*, actor: Principal, content: bytes, behaviour: Behaviour) -> CaptureJob:
    """Keep the events of a document; the same eventID with the same event is kept once.

    `rollback`: nothing is kept unless all can be; a document with an event that is none raises at once.
    `proceed`: what is right is kept, the rest is among the job's errors. Raises Forbidden, ValidationFault, CaptureLimitFault.
    """
    actor.must(Right.EPCIS_CAPTURE)
    return services.capture(actor=actor, document=_read(content), behaviour=behaviour)


def event_capture(*, actor: Principal, content: bytes) -> tuple[str, bool]:
    """Keep one event: its eventID and whether it is new. Raises Forbidden, ValidationFault, CaptureLimitFault, AlreadyThereFault."""
    actor.must(Right.EPCIS_CAPTURE)
    return services.event_capture(actor=actor, event=_read(content))


def job_get(*, actor: Principal, job_id: str) -> CaptureJob:
    """What became of a document. Raises Forbidden, NotFound."""
    actor.must(Right.EPCIS_CAPTURE)
    return selectors.job(actor, job_id)


def event_get(*, actor: Principal, event_id: str) -> dict[str, Any]:
    """An event that the actor captured, with the context it stands in. Raises Forbidden, NotFound."""
    actor.must(Right.EPCIS_CAPTURE)
    row = selectors.captured(actor, event_id)
    return {"@context": row.context, **row.body}


def events_find(*, actor: Principal, asked: Iterable[tuple[str, str]]) -> Found:
    """Parameters of the standard (PARAMETERS), each as often as it is given.

    Raises Forbidden, QueryParameterFault, QueryTooComplexFault, QueryTooLargeFault.
    """
    actor.must(Right.EPCIS_CAPTURE)
    return selectors.found(actor, parsed(asked))


def shipment_export(*, actor: Principal, waybill: str) -> Found:
    """All that happened to one shipment of the actor's, oldest first. Raises Forbidden, NotFound, QueryTooLargeFault."""
    actor.must(Right.EPCIS_CAPTURE)
    return selectors.journey_of(actor, waybill)
