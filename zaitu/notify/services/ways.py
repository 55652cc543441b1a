"""From one way to the next, and what comes back afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.notify.domain.delivery import CHANNEL_TEXTS, OPEN_STATES, Channel, State
from zaitu.notify.domain.ways import PATIENCE, RECEIPTED, Receipt, Urgency, Way, ways_pack, ways_unpack
from zaitu.notify.models import Attempt, ClosedWay, Message, ReceiptIn, SmsPart
from zaitu.notify.services.preferences import way_at

_AT_ONCE: Final = 500
_KEEP_RECEIPTS: Final = timedelta(days=14)
"""Longer than any provider repeats one."""
FAILED = "failed"
DELIVERED = "delivered"


def way_begin(message: Message, ways: Sequence[Way], *, at: datetime) -> None:
    """Put a message on the first of these ways (at least one), to be told at `at`; the caller saves it."""
    way, *left = ways
    message.channel, message.address, message.ways = way.channel, way.address, ways_pack(left)
    message.way_since = at
    message.fall_back_at = at + PATIENCE[Urgency(message.urgency)] if left else None


def way_next(message: Message, why: str) -> bool:
    """Put a locked message on its next way, to be sent as soon as it may be, and save it; False: there is none."""
    urgency, left = Urgency(message.urgency), ways_unpack(message.ways)
    while left and (at := way_at(message.person, left[0].channel, urgency)) > message.useful_until:
        left.pop(0)  # quiet hours until it is of no use
    if not left:
        return False
    way_begin(message, left, at=at)
    message.state, message.attempts, message.next_at = State.QUEUED, 0, at
    message.claim += 1  # whoever still carries it on the old way has lost it
    message.note = f"{why}，改用{CHANNEL_TEXTS[left[0].channel]}"[:300]
    message.save(
        update_fields=[
            "channel", "address", "ways", "way_since", "fall_back_at", "state", "attempts", "next_at", "claim", "note",
        ]
    )  # fmt: skip
    return True


def receipt_awaited(message: Message) -> None:
    """It was taken: when the next way is used unless a receipt comes; the caller saves it."""
    awaited = bool(message.ways) and message.channel in RECEIPTED
    message.fall_back_at = clock.now() + PATIENCE[Urgency(message.urgency)] if awaited else None


def overdue_go_on() -> int:
    """Take the next way for messages whose way has not told them in time; how many. Call it every few seconds."""
    now = clock.now()
    with transaction.atomic():
        # One being sent this moment is looked at again afterwards.
        due = Message.objects.filter(fall_back_at__lte=now).exclude(state=State.SENDING, next_at__gt=now)
        moved = 0
        for message in due.select_for_update(skip_locked=True).order_by("fall_back_at")[:_AT_ONCE]:
            on = CHANNEL_TEXTS[Channel(message.channel)]
            why = f"{on}没有送达回执" if message.state == State.SENT else f"{on}一直没有发出"
            waits = message.useful_until > now and message.state in {*OPEN_STATES, State.SENT}
            if waits and way_next(message, why):
                moved += 1
            else:
                message.fall_back_at = None
                message.save(update_fields=["fall_back_at"])
    return moved


def way_close(*, person: str, channel: Channel, address: str, why: str) -> None:
    """This person cannot be reached so any more; repeating it changes nothing."""
    ClosedWay.objects.update_or_create(
        person=person, channel=channel, defaults={"address": address, "why": why, "closed_at": clock.now()}
    )


@transaction.atomic
def way_open(*, actor: Principal, person: str, channel: Channel) -> None:
    """The person can be reached so again: has subscribed once more, or has asked staff."""
    gone, _ = ClosedWay.objects.filter(person=person, channel=channel).delete()
    if gone:
        audit(actor=actor, action="way.open", subject=person, detail={"channel": channel.value})


def way_leave(*, person: str, channel: Channel, address: str, why: str) -> int:
    """What still waits to go to this address takes its next way, or is not told; how many. In the caller's transaction."""
    waiting = Message.objects.filter(person=person, channel=channel, state=State.QUEUED)
    left = 0
    for message in waiting.select_for_update():
        if message.address == address:
            if not way_next(message, why):
                message.state, message.fall_back_at, message.note = State.FAILED, None, why
                message.save(update_fields=["state", "fall_back_at", "note"])
            left += 1
    return left


def ways_closed(persons: Iterable[str]) -> Mapping[tuple[str, str], str]:
    """Addresses that are closed, by person and channel. One query."""
    rows = ClosedWay.objects.filter(person__in=set(persons))
    return {(row.person, row.channel): row.address for row in rows}


def receipts_take(*, provider: str, receipts: Iterable[Receipt]) -> int:
    """Keep what a provider tells and let it work; how many were new. May be told again, in any order, before the try is recorded."""
    now = clock.now()
    rows = [
        ReceiptIn(
            provider=provider,
            ref=receipt.ref,
            delivered=receipt.delivered,
            at=receipt.at,
            code=receipt.code[:40],
            note=receipt.note[:300],
            gone=receipt.gone,
            received_at=now,
        )
        for receipt in receipts
        if receipt.ref
    ]
    refs = {row.ref for row in rows}
    known = ReceiptIn.objects.filter(provider=provider, ref__in=refs).count()
    ReceiptIn.objects.bulk_create(rows, ignore_conflicts=True)
    # Committed before we look for the tries: whoever records one meanwhile looks for receipts afterwards.
    receipts_apply(provider=provider, refs=refs)
    return ReceiptIn.objects.filter(provider=provider, ref__in=refs).count() - known


def receipts_apply(*, provider: str, refs: Iterable[str]) -> None:
    """Let receipts that have come work on the tries that are recorded; again without effect.

    A try that was cut into parts with receipts of their own (`SmsPart`) has arrived when all of them have, and has failed
    when one of them has.
    """
    named = set(refs)
    parts = SmsPart.objects.filter(provider=provider)
    wholes = dict(
        parts.filter(whole__in=parts.filter(ref__in=named).values("whole")).values_list("ref", "whole")
    )
    asked = named | wholes.keys()
    tries = list(Attempt.objects.filter(provider=provider, ref__in=asked).exclude(receipt=DELIVERED))
    said: dict[str, ReceiptIn] = {}
    if tries:
        for row in ReceiptIn.objects.filter(provider=provider, ref__in=asked):
            if row.ref not in said or row.delivered:
                said[row.ref] = row
    for attempt in tries:
        whole = wholes.get(attempt.ref)
        together = [ref for ref, its in wholes.items() if its == whole] if whole else [attempt.ref]
        if (receipt := _joined([said.get(ref) for ref in together])) is not None:
            _apply(attempt, receipt)


def _joined(said: Sequence[ReceiptIn | None]) -> ReceiptIn | None:
    """What the receipts of all parts say together: the first that failed, or the last to arrive when none is missing."""
    known = [one for one in said if one is not None]
    failed = [one for one in known if not one.delivered]
    if failed:
        return min(failed, key=lambda one: one.at)
    return max(known, key=lambda one: one.at) if len(known) == len(said) else None


@transaction.atomic
def _apply(attempt: Attempt, receipt: ReceiptIn) -> None:
    message = Message.objects.select_for_update().filter(pk=attempt.message_id).first()
    result = DELIVERED if receipt.delivered else FAILED
    changed = (
        Attempt.objects.filter(pk=attempt.pk)
        .exclude(receipt__in=[DELIVERED, result])
        .update(receipt=result, receipt_at=receipt.at, receipt_note=receipt.note)
    )
    if message is None or not changed:
        return
    if receipt.delivered:
        message.delivered_at = message.delivered_at or receipt.at
        if message.state in {*OPEN_STATES, State.SENT, State.FAILED, State.GIVEN_UP}:
            message.state, message.fall_back_at = State.DELIVERED, None
            message.claim = F("claim") + 1  # a later way that is being tried is no longer needed
        message.save(update_fields=["delivered_at", "state", "fall_back_at", "claim"])
        return
    if receipt.gone and attempt.address:
        # The try's address, not the message's: it may be on its next way.
        way_close(
            person=message.person, channel=Channel(attempt.channel), address=attempt.address, why=receipt.note
        )
    if message.state == State.SENT and message.channel == attempt.channel:
        why = f"{CHANNEL_TEXTS[Channel(attempt.channel)]}未送达"
        if message.useful_until <= clock.now() or not way_next(message, why):
            message.state, message.fall_back_at = State.FAILED, None
            message.note = f"{why}：{receipt.note or receipt.code}"[:300]
            message.save(update_fields=["state", "fall_back_at", "note"])


def receipts_forget() -> int:
    """Delete receipts that nobody asks for any more, and what ties parts together; how many receipts."""
    old = clock.now() - _KEEP_RECEIPTS
    SmsPart.objects.filter(at__lt=old).delete()
    gone, _ = ReceiptIn.objects.filter(received_at__lt=old).delete()
    return gone
