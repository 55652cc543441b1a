"""A person is told once, by one way after the other until one has reached them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notify import make
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.channels import installed
from zaitu.notify.domain.delivery import Answer, Channel, Next, State, Verdict, after
from zaitu.notify.domain.ways import ORDER, PATIENCE, Urgency, leaves, ways_of, ways_unpack
from zaitu.notify.models import Attempt, ClosedWay, Message, ReceiptIn
from zaitu.notify.services.delivery import attempt_record
from zaitu.notify.services.ways import overdue_go_on, receipts_forget, receipts_take

NOW = make.AT
PHONE = "13800005678"
EVERYWHERE = {channel: f"at {channel}" for channel in ORDER}


def order(**given):
    known = {"usable": set(Channel), "urgency": Urgency.USUAL}
    return [way.channel for way in ways_of(EVERYWHERE, **(known | given))]


def test_what_costs_nothing_comes_first_and_nobody_is_called_unless_it_is_urgent():
    assert order() == [Channel.MINI, Channel.WECHAT, Channel.PUSH, Channel.SMS, Channel.EMAIL]
    assert order(urgency=Urgency.URGENT)[-1] is Channel.VOICE


def test_only_what_a_person_has_chosen_is_used_unless_it_is_urgent():
    assert order(chosen=(Channel.EMAIL, Channel.SMS)) == [Channel.EMAIL, Channel.SMS]
    assert order(chosen=(Channel.EMAIL,), urgency=Urgency.URGENT)[:2] == [Channel.EMAIL, Channel.MINI]


@given(
    st.sets(st.sampled_from(ORDER)),
    st.sets(st.sampled_from(ORDER)),
    st.sets(st.sampled_from(ORDER)),
    st.permutations(ORDER).map(lambda all_: tuple(all_[:3])),
    st.sampled_from(Urgency),
)
def test_no_way_is_taken_twice_closed_or_to_nowhere(known, usable, closed, chosen, urgency):
    found = [
        way.channel
        for way in ways_of(
            dict.fromkeys(known, "x"), usable=usable, closed=closed, chosen=chosen, urgency=urgency
        )
    ]
    assert len(found) == len(set(found))
    assert set(found) <= (known & usable) - closed


@pytest.mark.parametrize("urgency", list(Urgency))
def test_a_way_is_left_when_its_next_try_is_too_far_off(urgency):
    def left(after_):
        step = Next(state=State.QUEUED, attempts=1, next_at=NOW + after_)
        return leaves(step, since=NOW, useful_until=NOW + timedelta(days=1), now=NOW, urgency=urgency)

    assert not left(PATIENCE[urgency])
    assert left(PATIENCE[urgency] + timedelta(seconds=1))


def test_what_is_of_no_use_any_more_goes_no_further():
    step = Next(state=State.GIVEN_UP, attempts=1, next_at=NOW)
    assert not leaves(step, since=NOW, useful_until=NOW, now=NOW, urgency=Urgency.USUAL)


# In the database


class Postman:
    """Stands where a channel's sender would; never asked here."""

    provider = "tested"

    def __call__(self, parcel):
        raise AssertionError

    def tidy(self): ...

    def close(self): ...


@pytest.fixture
def told(db, settings, monkeypatch):
    """One message to a person with a phone and a mailbox, on its way by SMS."""
    settings.ZAITU_SMTP_URL, settings.ZAITU_SMS_PROVIDER = "smtp://127.0.0.1:1", "aliyun"
    monkeypatch.setattr(installed, "SENDERS", {**installed.SENDERS, Channel.SMS: Postman})
    person = notify.Recipient(person="contact:1", phone=PHONE, email="lihua@example.cn")
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(person,)))
    return Message.objects.get()


def tried(verdict, **said):
    """One try of what is due; the message afterwards."""
    now = clock.now()
    (parcel,) = [
        one
        for channel in (Channel.SMS, Channel.EMAIL)
        for one in claim(channel, slots=1, now=now, lease_until=now + timedelta(seconds=20))
    ]
    answer = Answer(verdict=verdict, note="对方的话", **said)
    step = after(
        answer,
        attempts=parcel.attempts,
        now=now,
        useful_until=parcel.useful_until,
        wait=timedelta(0),
        jitter=0,
    )
    attempt_record(parcel=parcel, provider="tested", answer=answer, step=step, started=now, took_ms=1)
    return Message.objects.get()


def test_it_begins_on_the_first_way_and_remembers_the_others(told):
    assert (told.channel, told.address) == ("sms", PHONE)
    assert [(way.channel, way.address) for way in ways_unpack(told.ways)] == [("email", "lihua@example.cn")]


def test_a_refused_way_gives_way_to_the_next_at_once(told):
    message = tried(Verdict.NEVER)
    assert (message.state, message.channel, message.address) == ("queued", "email", "lihua@example.cn")
    assert message.note == "对方的话，改用邮件"
    assert tried(Verdict.TAKEN).state == "sent"
    assert list(Attempt.objects.values_list("channel", "provider")) == [
        ("sms", "tested"),
        ("email", "tested"),
    ]


def test_a_retry_that_comes_soon_enough_stays_on_its_way(told):
    assert tried(Verdict.RETRY).channel == "sms"


def test_a_closed_way_is_remembered_and_never_taken_again(told):
    tried(Verdict.NEVER, gone=True)
    assert ClosedWay.objects.get().address == PHONE
    person = notify.Recipient(person="contact:1", phone=PHONE, email="lihua@example.cn")
    moved = notify.Recipient(person="contact:1", phone="13900001234")
    notify.tell(actor=make.SYSTEM, notice=make.notice(fact="next", to=(person,)))
    notify.tell(actor=make.SYSTEM, notice=make.notice(fact="moved", to=(moved,)))
    assert Message.objects.get(fact="next").channel == "email"
    assert Message.objects.get(fact="moved").channel == "sms", "another number is open"


def test_a_receipt_says_that_it_arrived(told):
    assert tried(Verdict.TAKEN, ref="r1").state == "sent"
    assert receipts_take(provider="tested", receipts=[make.receipt()]) == 1
    message = Message.objects.get()
    assert (message.state, message.delivered_at, message.fall_back_at) == ("delivered", NOW, None)
    assert Attempt.objects.get().receipt == "delivered"


def test_a_receipt_may_come_before_the_try_is_recorded(told):
    receipts_take(provider="tested", receipts=[make.receipt()])
    assert tried(Verdict.TAKEN, ref="r1").state == "delivered"


def test_a_receipt_told_twice_or_by_another_provider_changes_nothing(told):
    tried(Verdict.TAKEN, ref="r1")
    receipts_take(provider="other", receipts=[make.receipt()])
    assert Message.objects.get().state == "sent"
    assert [
        receipts_take(provider="tested", receipts=[make.receipt(), make.receipt()]) for _ in range(2)
    ] == [1, 0]
    assert Message.objects.get().state == "delivered"


def test_a_failed_receipt_takes_the_next_way_once(told):
    tried(Verdict.TAKEN, ref="r1")
    for _ in range(2):
        receipts_take(provider="tested", receipts=[make.receipt(delivered=False, note="号码停机")])
    message = Message.objects.get()
    assert (message.state, message.channel, message.note) == ("queued", "email", "短信未送达，改用邮件")


def test_a_person_that_wants_no_more_is_not_told_that_way_again(told):
    tried(Verdict.TAKEN, ref="r1")
    receipts_take(provider="tested", receipts=[make.receipt(delivered=False, gone=True, note="用户退订")])
    assert ClosedWay.objects.get().person == "contact:1"


def test_without_a_receipt_in_time_the_next_way_is_taken(told):
    tried(Verdict.TAKEN, ref="r1")
    assert overdue_go_on() == 0
    Message.objects.update(fall_back_at=clock.now())
    assert overdue_go_on() == 1
    message = Message.objects.get()
    assert (message.channel, message.note) == ("email", "短信没有送达回执，改用邮件")
    assert message.fall_back_at is None, "there is none after it"


def test_what_was_taken_without_a_name_is_not_waited_for(told):
    assert tried(Verdict.TAKEN).fall_back_at is None
    assert overdue_go_on() == 0


def test_a_receipt_that_comes_too_late_stops_the_next_way(told):
    tried(Verdict.TAKEN, ref="r1")
    Message.objects.update(fall_back_at=clock.now())
    overdue_go_on()
    receipts_take(provider="tested", receipts=[make.receipt()])
    assert Message.objects.get().state == "delivered"
    now = clock.now()
    assert claim(Channel.EMAIL, slots=1, now=now, lease_until=now) == []


def test_a_message_whose_way_never_got_to_send_it_goes_on_too(told):
    Message.objects.update(fall_back_at=clock.now() - timedelta(seconds=1))
    assert overdue_go_on() == 1
    assert Message.objects.get().note == "短信一直没有发出，改用邮件"


def test_what_is_being_sent_this_moment_is_left_alone(told):
    now = clock.now()
    claim(Channel.SMS, slots=1, now=now, lease_until=now + timedelta(seconds=20))
    Message.objects.update(fall_back_at=now)
    assert overdue_go_on() == 0


def test_urgent_messages_leave_before_those_that_waited_longer(told):
    Message.objects.update(urgency=Urgency.LATER)
    person = notify.Recipient(person="contact:2", phone=PHONE)
    notify.tell(actor=make.SYSTEM, notice=make.notice(fact="urgent", to=(person,)))
    Message.objects.filter(fact="urgent").update(urgency=Urgency.URGENT)
    now = clock.now()
    assert [one.urgency for one in claim(Channel.SMS, slots=1, now=now, lease_until=now)] == [Urgency.URGENT]


def test_old_receipts_are_forgotten(told):
    receipts_take(provider="tested", receipts=[make.receipt()])
    ReceiptIn.objects.update(received_at=clock.now() - timedelta(days=15))
    assert receipts_forget() == 1
