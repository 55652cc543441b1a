"""What one try leads to: the message's next state, the rest of its way, and a line in its history."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.expressions import Case, When

from zaitu.kernel import clock
from zaitu.notify.domain.delivery import OPEN_STATES, SCHEDULE, Answer, Channel, Next, State, Verdict, rest
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.models import Attempt, Message, WebhookEndpoint
from zaitu.notify.selectors import NO_SMTP
from zaitu.notify.services.endpoints import endpoint_disable, off_note

LATE = "过期未发送"


@transaction.atomic
def attempt_record(*, parcel: Parcel, answer: Answer, step: Next, started: datetime, took_ms: int) -> None:
    """Write down one try. A courier that lost its lease meanwhile may still say that the message was taken, no more.

    A try that failed while its endpoint was switched off or removed is the last one: what waited for it was given up then.
    """
    off = ""
    if step.state is State.QUEUED and parcel.endpoint_id is not None:
        off = off_note(parcel.endpoint_id)
    Attempt.objects.create(
        message_id=parcel.id,
        at=started,
        took_ms=took_ms,
        verdict=answer.verdict,
        code=answer.code,
        answer=answer.note,
    )
    mine = Message.objects.filter(pk=parcel.id, state__in=OPEN_STATES)
    if answer.verdict is not Verdict.TAKEN:
        mine = mine.filter(claim=parcel.claim)
    now = clock.now()
    mine.update(
        state=State.GIVEN_UP if off else step.state,
        attempts=step.attempts,
        next_at=step.next_at,
        note=off or answer.note,
        sent_at=now if step.state is State.SENT else None,
    )
    if answer.gone and parcel.endpoint_id is not None:
        endpoint_disable(endpoint_id=parcel.endpoint_id, why=answer.note)
    elif answer.verdict is Verdict.TAKEN and parcel.endpoint_id is not None:
        WebhookEndpoint.objects.filter(pk=parcel.endpoint_id).update(
            failures=0, paused_until=None, last_ok_at=now
        )


def endpoint_rest(*, endpoint_id: int, answer: Answer, started: datetime) -> timedelta:
    """Let an endpoint rest, and say how long. Tries that were on their way together count as one failure in a row."""
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
        now = clock.now()
        if endpoint.paused_until is None or endpoint.paused_until <= started:
            endpoint.failures += 1
        until = now + rest(endpoint.failures, answer.retry_after_s)
        endpoint.paused_until = max(until, endpoint.paused_until or until)
        endpoint.save(update_fields=["failures", "paused_until"])
        return endpoint.paused_until - now


def hopeless_give_up() -> int:
    """Give up what would come too late, and what has brought down ten couriers; returns how many."""
    now = clock.now()
    no_smtp = Q(channel=Channel.EMAIL) if not settings.ZAITU_SMTP_URL else Q(pk=None)
    return Message.objects.filter(
        Q(useful_until__lt=now) | Q(attempts__gte=len(SCHEDULE)), state__in=OPEN_STATES, next_at__lte=now
    ).update(state=State.GIVEN_UP, note=Case(When(no_smtp, then=Value(NO_SMTP)), default=Value(LATE)))
