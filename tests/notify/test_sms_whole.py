"""The whole path of an SMS: told, carried, taken by the provider, its receipt at our door, and the next way where it fails."""

from datetime import timedelta

import pytest
from django.db import connection

from tests.notify import make
from tests.notify.sms_cases import PHONE, TEXT, call_back, reported, tell
from tests.notify.sms_server import Say
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.domain.ways import PATIENCE, Urgency
from zaitu.notify.models import Attempt, ClosedWay, Message, ReceiptIn
from zaitu.notify.services.ways import overdue_go_on

pytestmark = pytest.mark.usefixtures("sms_template")


def only() -> Message:
    return Message.objects.get()


def state() -> str:
    return Message.objects.values_list("state", flat=True).get()


def mailed(mail) -> bool:
    return bool(mail.mails)


def sent() -> Message:
    make.until(lambda: state() == "sent")
    return only()


def test_a_person_is_told_and_the_receipt_says_that_it_arrived(sms, sms_case, couriers):
    tell()
    sent()
    taken = sms.taken[0]
    assert (taken.number, taken.sign, taken.template) == (sms_case.number, "顺驰物流", sms_case.code)
    assert sms.refused == []
    answer = reported(sms_case, taken)
    assert answer.status == 200
    assert answer.answer in ('{"code": 0, "msg": "接收成功"}', '{"result": 0, "errmsg": "OK"}')
    message = only()
    assert (message.state, message.delivered_at.isoformat()) == ("delivered", "2026-11-22T07:20:04+00:00")
    assert Attempt.objects.get().provider == sms_case.provider


def test_a_receipt_twice_and_late_changes_nothing(sms, sms_case, couriers):
    tell()
    sent()
    for _ in range(2):
        reported(sms_case, sms.taken[0])
    reported(sms_case, sms.taken[0], **sms_case.failed)
    assert state() == "delivered"
    assert ReceiptIn.objects.count() == 2


def test_a_receipt_may_come_before_the_send_returns(sms, sms_case, couriers):
    def at_once(taken):
        try:
            reported(sms_case, taken)
        finally:
            connection.close()

    sms.plan = [Say(before=at_once, delay_s=0.2)]
    tell()
    make.until(lambda: state() == "delivered")


def test_a_receipt_of_a_message_that_is_not_ours_is_kept_and_moves_nothing(sms, sms_case, couriers):
    tell()
    sent()
    other = sms_case.report(sms.taken[0]) | {"out_id": "another", "sid": "another"}
    assert call_back(sms_case, [other]).status == 200
    assert state() == "sent"


def test_a_number_that_is_off_is_told_by_mail(sms, sms_case, couriers, mail):
    tell(email="lihua@example.cn")
    make.until(lambda: Attempt.objects.filter(verdict="taken").exists())
    reported(sms_case, sms.taken[0], **sms_case.failed)
    make.until(lambda: mailed(mail))
    make.until(lambda: state() == "sent")
    assert list(Attempt.objects.order_by("id").values_list("channel", flat=True)) == ["sms", "email"]
    assert Attempt.objects.order_by("id").first().receipt_note.endswith("：停机")


def test_a_refused_template_is_told_by_mail_at_once(sms, sms_case, couriers, mail):
    notify.template_put(
        actor=make.SYSTEM,
        draft=notify.TemplateDraft(
            kind="departed",
            channel="sms",
            text=TEXT,
            code={"aliyun": "SMS_9", "tencent": "9"}[sms_case.provider],
        ),
    )
    tell(email="lihua@example.cn")
    make.until(lambda: mailed(mail))
    assert sms.taken == []
    assert ClosedWay.objects.count() == 0, "it was our template, not the person"


def test_a_number_that_wants_nothing_is_remembered(sms, sms_case, couriers, mail):
    sms.plan = [Say(code=sms_case.blocked, message="黑名单")]
    tell(email="lihua@example.cn")
    make.until(lambda: mailed(mail))
    closed = ClosedWay.objects.get()
    assert (closed.channel, closed.address) == ("sms", PHONE)


def test_a_blacklisting_receipt_that_comes_after_the_next_way_closes_the_number_not_the_mailbox(
    sms, sms_case, couriers, mail
):
    tell(email="lihua@example.cn")
    make.until(lambda: Attempt.objects.filter(verdict="taken").exists())
    Message.objects.update(fall_back_at=clock.now() - timedelta(seconds=1))
    assert overdue_go_on() == 1
    make.until(lambda: mailed(mail))
    reported(sms_case, sms.taken[0], **sms_case.blacklisted)
    closed = ClosedWay.objects.get()
    assert (closed.channel, closed.address) == ("sms", PHONE)


def test_a_number_that_had_too_many_waits_for_as_long_as_it_was_told(sms, sms_case, couriers):
    sms.plan = [Say(code=sms_case.twice_at_once, message="触发分钟级流控Permits:1")]
    tell()
    make.until(lambda: Attempt.objects.exists() and state() == "queued")
    wait_s = (only().next_at - clock.now()).total_seconds()
    assert 20 < wait_s < 70
    tell(person="contact:2", phone="13900001234")
    make.until(lambda: [taken.number[-11:] for taken in sms.taken] == ["13900001234"])


def test_a_provider_that_fails_and_comes_back_gets_what_waited(sms, sms_case, couriers):
    sms.plan = [Say(status=503, body=b"down")]
    tell()
    make.until(lambda: Attempt.objects.filter(verdict="pause").exists())
    assert only().attempts == 0, "it has cost no try"
    sent()
    assert len(sms.taken) == 1


@pytest.mark.parametrize("sms_case", ["aliyun"], indirect=True)
def test_aliyuns_lost_answer_is_not_sent_again_when_its_receipt_came(sms, sms_case, couriers):
    """Tencent's receipt names a number that only the lost answer told."""
    sms.plan = [Say(hang_up=True)]
    tell()
    make.until(lambda: Attempt.objects.filter(verdict="retry").exists())
    reported(sms_case, sms.taken[0])
    assert state() == "delivered"
    assert len(sms.taken) == 1


def test_without_a_receipt_the_person_is_told_by_mail(sms, sms_case, couriers, mail):
    tell(email="lihua@example.cn")
    message = sent()
    assert timedelta(0) < message.fall_back_at - clock.now() <= PATIENCE[Urgency.LATER]
    Message.objects.update(fall_back_at=clock.now() - timedelta(seconds=1))
    overdue_go_on()
    make.until(lambda: mailed(mail))


def test_fifty_people_are_told_in_one_go(sms, sms_case, couriers):
    for number in range(50):
        tell(person=f"contact:{number}", phone=f"138{number:08d}", fact=f"many:{number}")
    make.until(lambda: Message.objects.filter(state="sent").count() == 50, within_s=30)
    assert len({taken.ours for taken in sms.taken}) == len(sms.taken) == 50
