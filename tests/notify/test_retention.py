"""What happens to messages in time, and what waits: blanked, deleted, counted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction

from tests.notify import make
from zaitu.customers.events import ContactErased
from zaitu.kernel import clock, metrics
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.models import Attempt, Message, ReceiptIn
from zaitu.notify.services import retention
from zaitu.notify.services.ways import receipts_take

pytestmark = pytest.mark.django_db
ANSWER = "收件地址被拒收：550 <lihua@example.cn> no such user"


def told(state: str, *, days: float, person: str = "contact:1") -> Message:
    """A message that was written so many days ago, with one try."""
    notice = make.notice(to=(make.recipient(person=person),))
    notify.tell(actor=make.SYSTEM, notice=notice)
    Message.objects.filter(fact=notice.fact).update(
        state=state, note=ANSWER, created_at=clock.now() - timedelta(days=days)
    )
    message = Message.objects.get(fact=notice.fact)
    Attempt.objects.create(
        message=message, at=clock.now(), took_ms=1, verdict="never", code=550, answer=ANSWER
    )
    return message


def trim() -> tuple[int, int]:
    return notify.messages_trim(actor=make.SYSTEM)


def test_after_its_days_nothing_personal_is_left_of_a_message(settings):
    settings.ZAITU_MESSAGE_BLANK_DAYS = 90
    old, young = told("failed", days=91), told("sent", days=89)
    assert trim() == (1, 0)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.address, old.words, old.note) == ("", "{}", "收件地址被拒收")
    assert (young.address, young.note) == ("lihua@example.cn", ANSWER)
    assert "contact:1" in old.person, "who was told stays on record"
    answers = dict(Attempt.objects.values_list("message_id", "answer"))
    assert answers == {old.pk: "收件地址被拒收", young.pk: ANSWER}
    view = notify.messages_of(actor=make.SYSTEM, waybill=old.waybill)[1]
    assert (view.to, view.tries[0].code) == ("***", 550)
    assert trim() == (0, 0), "once is enough"


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_a_message_still_to_be_told_is_never_touched(state):
    message = told(state, days=5000)
    assert trim() == (0, 0)
    message.refresh_from_db()
    assert message.address == "lihua@example.cn"


def test_receipts_are_forgotten_when_no_provider_repeats_them_any_more():
    receipts = [Receipt(ref="r", delivered=True, at=make.AT)]
    receipts_take(provider="aliyun", receipts=receipts)
    with time_machine.travel(clock.now() + timedelta(days=13), tick=False):
        trim()
        assert ReceiptIn.objects.exists()
    with time_machine.travel(clock.now() + timedelta(days=15), tick=False):
        trim()
        assert not ReceiptIn.objects.exists()


def test_later_the_message_and_its_tries_are_deleted(settings):
    settings.ZAITU_MESSAGE_KEEP_DAYS = 400
    told("sent", days=401)
    kept = told("sent", days=399)
    assert trim() == (2, 1)
    assert list(Message.objects.all()) == [kept]
    assert list(Attempt.objects.values_list("message_id", flat=True)) == [kept.pk]


def test_who_keeps_messages_shorter_than_their_words_loses_both_then(settings):
    settings.ZAITU_MESSAGE_BLANK_DAYS, settings.ZAITU_MESSAGE_KEEP_DAYS = 90, 30
    told("given_up", days=31)
    assert trim() == (1, 1)
    assert not Message.objects.exists()


def test_it_goes_in_batches_and_what_one_run_does_not_reach_is_the_next_runs(monkeypatch):
    monkeypatch.setattr(retention, "_BATCH", 2)
    monkeypatch.setattr(retention, "_BATCHES", 2)
    for _ in range(5):
        told("sent", days=500)
    assert trim() == (4, 4)
    assert trim() == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_somebody_holds_is_left_for_the_next_run():
    held, free = told("sent", days=500), told("sent", days=501)

    def elsewhere():
        try:
            return trim()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        Message.objects.select_for_update().get(pk=held.pk)
        assert other.submit(elsewhere).result(20) == (1, 1)
    assert not Message.objects.filter(pk=free.pk).exists()
    assert trim() == (1, 1)


@pytest.mark.parametrize("index", ["notify_whole", "notify_blanked"])
def test_what_is_due_is_found_by_an_index(index):
    looked = {
        "notify_whole": "SELECT id FROM notify_message WHERE blanked_at IS NULL AND created_at < now()"
        " AND NOT (state IN ('queued', 'sending')) ORDER BY created_at LIMIT 1000",
        "notify_blanked": "SELECT id FROM notify_message WHERE blanked_at IS NOT NULL AND created_at < now()"
        " ORDER BY created_at LIMIT 1000",
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {looked[index]}")
        assert index in str(cursor.fetchall())


def test_people_may_not_have_messages_deleted():
    told("sent", days=500)
    with pytest.raises(Forbidden):
        notify.messages_trim(actor=make.staff(*Right))
    assert Message.objects.get().address


def test_an_erased_person_is_not_in_the_answers_of_mail_servers_either():
    theirs, other = told("failed", days=1), told("failed", days=1, person="contact:2")
    notify.on_contact_erased(ContactErased(contact_id=1))
    answers = dict(Attempt.objects.values_list("message_id", "answer"))
    assert answers == {theirs.pk: "收件地址被拒收", other.pk: ANSWER}
    theirs.refresh_from_db()
    assert (theirs.address, theirs.note) == ("", "收件地址被拒收")


def test_what_waits_is_among_the_numbers_by_channel_and_state():
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False):
        told("queued", days=0.5)
        told("queued", days=0.25)
        told("sending", days=0)
        told("sent", days=3)
        lines = metrics.render()[0].decode().splitlines()
    assert 'zaitu_messages{channel="email",state="queued"} 2.0' in lines
    assert 'zaitu_messages{channel="email",state="sending"} 1.0' in lines
    assert 'zaitu_messages{channel="webhook",state="queued"} 0.0' in lines
    assert 'zaitu_messages_oldest_s{channel="email",state="queued"} 43200.0' in lines
    assert 'zaitu_messages_oldest_s{channel="webhook",state="sending"} 0.0' in lines
