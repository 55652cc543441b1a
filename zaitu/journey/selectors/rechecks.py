"""Which goods an open recheck keeps off the trucks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.fold import FoldEvent, Frame, fold
from zaitu.journey.domain.problems import Problem
from zaitu.journey.models import JourneyEvent, Shipment
from zaitu.journey.selectors.gathered import events_of, frame_of

_CODE: Final = Problem.RECHECK_MISMATCH.value


def mismatch_open(frame: Frame, events: Sequence[FoldEvent], until: datetime | None = None) -> bool:
    """Whether a recheck that did not match is not settled: by all that is known, or by what had happened `until` then."""
    if not any(event.data.get("code") == _CODE for event in events):
        return False
    # A voiding is told after what it takes back, which never happened.
    known = [event for event in events if until is None or event.at <= until or event.kind is Kind.VOIDED]
    return _CODE in fold(frame, known).problems


def mismatched(shipments: Collection[Shipment]) -> set[int]:
    """Those with an open mismatch, by id; two queries for any number."""
    told = JourneyEvent.objects.filter(
        shipment_id__in=[row.pk for row in shipments], kind=Kind.PROBLEM, data__code=_CODE
    )
    events = events_of(set(told.values_list("shipment_id", flat=True)))
    return {row.pk for row in shipments if row.pk in events and mismatch_open(frame_of(row), events[row.pk])}
