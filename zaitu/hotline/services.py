"""Writes of calls: a turn, an end, somebody taking over, and what happens to old ones."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from zaitu.hotline.domain.calls import CALL_ID_MAX, SILENT_AFTER, Outcome, Turn, outcome_at_end
from zaitu.hotline.models import Call
from zaitu.kernel import bus, clock
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.phones import phone_normal

Converse = Callable[[Mapping[str, Any] | None, str, int], Turn]
"""(state of the turn before or None, the calling number or nothing, number of the call's row) → the turn."""

TOPIC: Final = "calls"
"""Bus topic on which it is told that the list of waiting calls has changed; which call, and nothing of it."""
_BATCH: Final = 1_000


def call_key(*, door: str, holder: str, call_id: str) -> str:
    return hashlib.sha256(f"{door}\0{holder}\0{call_id}".encode()).hexdigest()


def caller_normal(text: str) -> str:
    """A calling number in the house's spelling; empty for one that is withheld, internal or no number at all."""
    try:
        return phone_normal(text[:40])
    except Invalid:
        return ""


@transaction.atomic
def call_turn(
    *, door: str, holder: str, call_id: str, caller: str, turn: int | None, converse: Converse
) -> Mapping[str, Any]:
    """One turn, answered by `converse` under the call's lock; the answer. The same turn again is the same answer."""
    _must_be_an_id(call_id)
    now = clock.now()
    key = call_key(door=door, holder=holder, call_id=call_id)
    made = Call(
        key=key,
        door=door,
        holder=holder[:60],
        call_id=call_id,
        caller=caller_normal(caller),
        begun_at=now,
        heard_at=now,
    )
    Call.objects.bulk_create([made], ignore_conflicts=True)
    call = Call.objects.select_for_update().get(key=key)
    if call.reply and turn is not None and turn <= call.turn:
        if turn < call.turn:
            raise Conflict("这一轮已经过去")
        again: Mapping[str, Any] = json.loads(call.reply)
        return again
    done = converse(call.state or None, call.caller, call.pk)
    _note(call, done, turn)
    return done.reply


def _must_be_an_id(call_id: str) -> None:
    if not call_id or len(call_id) > CALL_ID_MAX or not call_id.isprintable():
        raise Invalid("通话编号为 1–128 个可见字符", fields={"call_id": "1–128 个可见字符"})


def _note(call: Call, done: Turn, turn: int | None) -> None:
    now = clock.now()
    was = call.outcome
    call.turn = call.turn + 1 if turn is None else turn
    call.state, call.reply = dict(done.state), json.dumps(dict(done.reply), ensure_ascii=False)
    call.waybill, call.told, call.verified = done.waybill, list(done.told), done.verified
    call.asked, call.why, call.heard_at = list(done.asked), done.why, now
    call.person, call.role = done.person or call.person, done.role or call.role
    if done.told and call.answered_at is None:
        call.answered_at = now
    if was == Outcome.RUNNING.value and done.outcome is not Outcome.RUNNING:
        call.outcome, call.ended_at = done.outcome.value, now
        if done.outcome is Outcome.PERSON:
            call.handed_at = now
            _tell_later(call.pk)
    call.save()


def _tell_later(call_id: int) -> None:
    """Losing it costs some seconds: the panel asks again by itself."""
    transaction.on_commit(lambda: bus.tell(settings.ZAITU_BUS_PATH, TOPIC, {"call": call_id}))


@transaction.atomic
def call_end(*, door: str, holder: str, call_id: str) -> bool:
    """The caller or the telephone system has hung up; whether the call was running. Twice without effect."""
    key = call_key(door=door, holder=holder, call_id=call_id)
    call = Call.objects.select_for_update().filter(key=key, outcome=Outcome.RUNNING.value).first()
    if call is None:
        return False
    call.ended_at = clock.now()
    call.outcome = outcome_at_end(told=bool(call.told)).value
    call.save(update_fields=["ended_at", "outcome"])
    return True


@transaction.atomic
def call_take(*, call: Call, username: str) -> None:
    """Raises Conflict when a colleague was quicker; twice by the same person without effect."""
    locked = Call.objects.select_for_update().get(pk=call.pk)
    if locked.handed_at is None:
        raise Conflict("这个通话没有转人工")
    if locked.taken_by not in ("", username):
        raise Conflict("同事已经接起")
    if not locked.taken_by:
        locked.taken_by, locked.taken_at = username, clock.now()
        locked.save(update_fields=["taken_by", "taken_at"])
        _tell_later(locked.pk)


def calls_close() -> int:
    """End the calls of which nothing is heard any more; how many."""
    silent = Call.objects.filter(outcome=Outcome.RUNNING.value, heard_at__lt=clock.now() - SILENT_AFTER)
    told = Case(
        When(Q(answered_at__isnull=False), then=Value(Outcome.SERVED.value)),
        default=Value(Outcome.LEFT.value),
    )
    return silent.update(outcome=told, ended_at=F("heard_at"))


def calls_trim() -> tuple[int, int]:
    """(blanked, deleted): numbers and answers go first, the record later; at most 1,000 of each at a time."""
    now = clock.now()
    whole, kept = (
        timedelta(days=days) for days in (settings.ZAITU_CALL_BLANK_DAYS, settings.ZAITU_CALL_KEEP_DAYS)
    )
    old = Call.objects.filter(begun_at__lt=now - kept).order_by("begun_at").values_list("pk", flat=True)
    deleted, _each = Call.objects.filter(pk__in=list(old[:_BATCH])).delete()
    aged = Call.objects.filter(blanked_at=None, begun_at__lt=now - min(whole, kept)).order_by("begun_at")
    return _blank(list(aged.values_list("pk", flat=True)[:_BATCH])), deleted


def _blank(pks: list[int]) -> int:
    return Call.objects.filter(pk__in=pks).update(
        caller="", person="", state={}, reply="", blanked_at=clock.now()
    )


def person_forget(*, person: str) -> int:
    """Blank who called; what was asked stays. Runs again without effect."""
    return _blank(list(Call.objects.filter(person=person).values_list("pk", flat=True)))
