"""Many messages to one person become one, and nobody is woken at night."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine

from tests.notify import make
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.channels import installed
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.preferences import STORM_FROM, STORM_WAIT, Preference, Topic
from zaitu.notify.models import Message
from zaitu.notify.services.bundles import bundles_make
from zaitu.notify.services.preferences import preference_put
from zaitu.notify.services.ways import overdue_go_on

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
"""23:30 in China."""
PERSON = notify.Recipient(person="contact:1", phone="13800005678", email="lihua@example.cn")


@pytest.fixture(autouse=True)
def _sms(settings, monkeypatch):
    settings.ZAITU_SMTP_URL, settings.ZAITU_SMS_PROVIDER = "smtp://127.0.0.1:1", "aliyun"
    monkeypatch.setattr(installed, "usable", lambda: frozenset({Channel.SMS, Channel.EMAIL}))
    monkeypatch.setattr("zaitu.notify.services.planning.usable", installed.usable)
    for module in ("planning", "preferences"):
        monkeypatch.setattr(f"zaitu.notify.services.{module}.USUAL", Preference())


def tell(count=1, *, kind="signed", to=PERSON, first=0):
    notify.tell_many(
        actor=make.SYSTEM,
        notices=[
            make.notice(fact=f"{kind}:{number}", kind=kind, waybill=f"ZT{number:013d}", to=(to,))
            for number in range(first, first + count)
        ],
    )


def prefer(**wanted):
    preference_put(actor=make.SYSTEM, person="contact:1", wanted=Preference(**wanted))


def states():
    return sorted(Message.objects.values_list("state", flat=True))


def test_five_hundred_late_shipments_of_one_person_are_told_in_one_message_with_a_list():
    with time_machine.travel(NOON, tick=False) as now:
        tell(500)
        assert states().count("queued") == STORM_FROM
        assert bundles_make() == 0, "it waits for more"
        now.shift(STORM_WAIT)
        assert bundles_make() == 1
    many = Message.objects.get(purpose="many")
    assert many.subject == "您有 495 票货物有新进展"
    assert Message.objects.filter(state="bundled", bundle=many).count() == 495
    with time_machine.travel(NOON + STORM_WAIT):
        now = clock.now()
        told = [one for one in claim(Channel.SMS, slots=50, now=now, lease_until=now) if one.kind == "many"]
    assert told[0].said.text == ("您有495票货物有新进展：ZT0000000000005 等")


def test_a_storm_that_comes_one_by_one_is_one_too():
    with time_machine.travel(NOON, tick=False) as now:
        for number in range(8):
            tell(first=number)
            now.shift(timedelta(seconds=5))
        now.shift(STORM_WAIT)
        assert bundles_make() == 1
    assert Message.objects.filter(state="bundled").count() == 3


def test_telling_the_same_again_is_no_storm():
    for _ in range(2 * STORM_FROM):
        tell()
    assert states() == ["queued"]


def test_one_that_was_held_alone_is_told_as_itself():
    prefer(digests=(time(18),))
    with time_machine.travel(NOON, tick=False) as now:
        tell(kind="departed")
        assert Message.objects.get().note == "18:00 汇总发送"
        now.shift(timedelta(hours=6))
        assert bundles_make() == 0
    assert states() == ["queued"]


def test_a_digest_gathers_what_may_wait_and_nothing_else():
    prefer(digests=(time(18),))
    with time_machine.travel(NOON, tick=False) as now:
        tell(3, kind="departed")
        tell(kind="signed")
        assert states() == ["held", "held", "held", "queued"]
        now.shift(timedelta(hours=6))
        assert bundles_make() == 1
    words = Message.objects.get(purpose="many").words
    assert "ZT0000000000002" in words


def test_a_storm_at_noon_does_not_take_the_evening_s_digest_along():
    prefer(digests=(time(18),))
    with time_machine.travel(NOON, tick=False) as now:
        tell(3, kind="departed")
        tell(STORM_FROM + 2, kind="signed")
        now.shift(STORM_WAIT)
        assert bundles_make() == 1
        assert Message.objects.filter(state="held", purpose="departed").count() == 3
        now.shift(timedelta(hours=6))
        assert bundles_make() == 1


def test_at_night_an_sms_waits_for_the_morning_and_a_mail_does_not():
    with time_machine.travel(NIGHT, tick=False):
        tell(kind="signed")
        message = Message.objects.get()
        assert (message.channel, message.note) == ("sms", "免打扰时段，08:00 发送")
        assert clock.local(message.next_at).strftime("%H:%M") == "08:00"
        assert message.fall_back_at > message.next_at
        assert claim(Channel.SMS, slots=1, now=clock.now(), lease_until=clock.now()) == []


def test_what_would_be_of_no_use_in_the_morning_goes_by_mail_at_night():
    with time_machine.travel(NIGHT, tick=False):
        tell(kind="soon")
        assert Message.objects.values_list("channel", "state").get() == ("email", "queued")


def test_what_only_a_phone_could_tell_and_would_be_too_late_is_given_up_and_says_why():
    with time_machine.travel(NIGHT, tick=False):
        tell(kind="soon", to=notify.Recipient(person="contact:1", phone="13800005678"))
    message = Message.objects.get()
    assert (message.state, message.note) == ("given_up", "免打扰时段，08:00 发送，届时已过时")


def test_falling_back_at_night_wakes_nobody():
    prefer(channels=(Channel.EMAIL, Channel.SMS))
    with time_machine.travel(NIGHT, tick=False):
        tell(kind="signed")
        assert Message.objects.get().channel == "email"
        Message.objects.update(fall_back_at=clock.now())
        assert overdue_go_on() == 1
        message = Message.objects.get()
        assert (message.channel, clock.local(message.next_at).hour) == ("sms", 8)


def test_a_topic_that_is_switched_off_is_not_written():
    prefer(off=frozenset({Topic.PROGRESS}))
    tell(kind="departed")
    tell(kind="signed")
    assert [one.purpose for one in Message.objects.all()] == ["signed"]


def test_two_couriers_bundle_nothing_twice(django_assert_max_num_queries):
    with time_machine.travel(NOON, tick=False) as now:
        tell(60)
        now.shift(STORM_WAIT)
        with django_assert_max_num_queries(8):
            assert bundles_make() == 1
        assert bundles_make() == 0
