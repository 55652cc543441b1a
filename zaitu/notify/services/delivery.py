"""What one try leads to: the message's next state, the rest of its way, and a line in its history."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.expressions import Case, When

from zaitu.kernel import clock
from zaitu.kernel.crypto import blind_index
from zaitu.notify.domain.callbacks import ADDRESS_INDEX
from zaitu.notify.domain.delivery import OPEN_STATES, SCHEDULE, Answer, Channel, Next, State, Verdict, rest
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.ways import RECEIPTED, leaves
from zaitu.notify.models import Attempt, Message, WebhookEndpoint
from zaitu.notify.selectors import NO_SMTP
from zaitu.notify.services.endpoints import endpoint_disable, off_note
from zaitu.notify.services.robots import robot_disable
from zaitu.notify.services.ways import receipt_awaited, receipts_apply, way_close, way_next

LATE = "过期未发送"


def attempt_record(
    *, parcel: Parcel, provider: str, answer: Answer, step: Next, started: datetime, took_ms: int
) -> None:
    """Write down one try. A courier that lost its lease meanwhile may still say that the message was taken, no more.

    A try that failed while its endpoint was switched off or removed is the last one: what waited for it was given up then.
    One that ends this way, or puts it off for too long, begins the next way to the person.
    """
    _recorded(parcel, provider, answer, step, started, took_ms)
    if answer.ref:
        receipts_apply(provider=provider, refs=[answer.ref])  # it may have come before


@transaction.atomic
def _recorded(
    parcel: Parcel, provider: str, answer: Answer, step: Next, started: datetime, took_ms: int
) -> None:
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
        channel=parcel.channel,
        provider=provider,
        reason=answer.reason[:60],
        ref=answer.ref[:100],
        parts=answer.parts,
        cost_fen=answer.cost_fen,
        **_whither(parcel),
    )
    mine = Message.objects.filter(pk=parcel.id, state__in=OPEN_STATES)
    if answer.verdict is not Verdict.TAKEN:
        mine = mine.filter(claim=parcel.claim)
    now = clock.now()
    if answer.gone and parcel.channel is Channel.ROBOT:
        robot_disable(robot_id=int(parcel.person.removeprefix("robot:")), why=answer.note)
    elif answer.gone and parcel.endpoint_id is None:
        way_close(person=parcel.person, channel=parcel.channel, address=parcel.address, why=answer.note)
    message = mine.select_for_update().first() if parcel.ways_left else None
    if message is not None and _goes_on(message, parcel, answer, step, now):
        return
    mine.update(
        state=State.GIVEN_UP if off else step.state,
        attempts=step.attempts,
        next_at=step.next_at,
        note=off or answer.note,
        sent_at=now if step.state is State.SENT else None,
        fall_back_at=message.fall_back_at if message else None,
    )
    if answer.gone and parcel.endpoint_id is not None:
        endpoint_disable(endpoint_id=parcel.endpoint_id, why=answer.note)
    elif answer.verdict is Verdict.TAKEN and parcel.endpoint_id is not None:
        WebhookEndpoint.objects.filter(pk=parcel.endpoint_id).update(
            failures=0, paused_until=None, last_ok_at=now
        )


def _whither(parcel: Parcel) -> dict[str, str]:
    """Where it went, for channels that tell afterwards."""
    if parcel.channel not in RECEIPTED:
        return {}
    return {"address": parcel.address, "address_index": blind_index(parcel.address, ADDRESS_INDEX)}


def _goes_on(message: Message, parcel: Parcel, answer: Answer, step: Next, now: datetime) -> bool:
    """Whether it is on its next way now."""
    if step.state is State.SENT:
        if answer.ref:  # what has no name has no receipt that could be waited for
            receipt_awaited(message)
        else:
            message.fall_back_at = None
    elif leaves(
        step, since=message.way_since, useful_until=parcel.useful_until, now=now, urgency=parcel.urgency
    ):
        return way_next(message, answer.note)
    return False


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
