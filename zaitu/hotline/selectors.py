"""Reads of calls."""

from datetime import datetime
from typing import Final

from django.db.models import Count, F, Q, QuerySet
from django.db.models.aggregates import Aggregate
from django.db.models.fields import DurationField

from zaitu.hotline.domain.calls import (
    ASKED_TEXTS,
    OUTCOME_TEXTS,
    ROLE_TEXTS,
    VERIFIED_TEXTS,
    WAITS,
    WHY_TEXTS,
    CallFigures,
    CallQuery,
    CallView,
    Outcome,
)
from zaitu.hotline.models import Call
from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.phones import phone_masked

SIZE: Final = 50
_WAITING: Final = 20
"""Handed-over calls that are shown at once."""


class _Median(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


def view(call: Call) -> CallView:
    return CallView(
        id=call.pk,
        call_id=call.call_id,
        door=call.door,
        caller=phone_masked(call.caller) if call.caller else "",
        role=ROLE_TEXTS.get(call.role, ""),
        waybill=call.waybill,
        told=tuple(call.told),
        verified=call.verified,
        verified_text=VERIFIED_TEXTS.get(call.verified, ""),
        asked=tuple(ASKED_TEXTS.get(one, "") for one in call.asked),
        why=WHY_TEXTS.get(call.why, ""),
        outcome=call.outcome,
        outcome_text=OUTCOME_TEXTS[Outcome(call.outcome)],
        begun_at=call.begun_at,
        seconds=max(0, round(((call.ended_at or call.heard_at) - call.begun_at).total_seconds())),
        handed_at=call.handed_at,
        taken_by=call.taken_by,
    )


def _found(query: CallQuery) -> QuerySet[Call]:
    wanted = {
        "waybill": query.waybill,
        "outcome": query.outcome,
        "begun_at__gte": query.since,
        "begun_at__lt": query.until,
    }
    found = Call.objects.filter(**{name: value for name, value in wanted.items() if value})
    return found if query.verified is None else found.filter(verified=query.verified)


def calls(query: CallQuery, page: int) -> Page[CallView]:
    number = max(1, page)
    found = _found(query)
    start = (number - 1) * SIZE
    rows = found.order_by("-begun_at", "-id").defer("state", "reply")[start : start + SIZE]
    return Page(rows=tuple(view(row) for row in rows), total=found.count(), page=number, size=SIZE)


def figures(query: CallQuery) -> CallFigures:
    counted = _found(query).aggregate(
        calls=Count("pk"),
        served=Count("pk", filter=Q(outcome=Outcome.SERVED)),
        handed=Count("pk", filter=Q(outcome=Outcome.PERSON)),
        left=Count("pk", filter=Q(outcome=Outcome.LEFT)),
        answer=_Median(F("answered_at") - F("begun_at"), output_field=DurationField()),
    )
    answer = counted.pop("answer")
    return CallFigures(**counted, answer_s=None if answer is None else answer.total_seconds())


def waiting() -> list[CallView]:
    """Handed over lately and taken up by nobody, the oldest first."""
    since: datetime = clock.now() - WAITS
    rows = (
        Call.objects.filter(handed_at__gte=since, taken_by="").order_by("handed_at").defer("state", "reply")
    )
    return [view(row) for row in rows[:_WAITING]]


def call(call_id: int) -> Call:
    found = Call.objects.filter(pk=call_id).first()
    if found is None:
        raise NotFound("没有这个通话")
    return found
