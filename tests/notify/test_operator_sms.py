"""SMS over operators' own protocols the whole way: told, carried, answered, receipted; and what happens when something breaks on it."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection

from tests.notify import make
from tests.notify.operator_server import Reaction, running
from tests.notify.operators import DIALECTS, PHONE, gateway_of, use
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.channels.operators import line as lines
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.models import Attempt, ClosedWay, Message, MessageTemplate, ReceiptIn, SmsPart
from zaitu.notify.services import hearing
from zaitu.notify.services.ways import receipts_forget, receipts_take

pytestmark = pytest.mark.django_db(transaction=True)
WINDOW = 16


@pytest.fixture(params=DIALECTS)
def gateway(request, settings, monkeypatch):
    monkeypatch.setattr(lines, "PAUSE_FIRST_S", 0.1)
    monkeypatch.setattr("zaitu.notify.services.courier._LOOK_S", 0.05)
    with running(gateway_of(request.param)) as found:
        use(settings, found)
        yield found


@contextmanager
def carried():
    """Couriers running in this process, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=notify.deliver_until, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive(), "couriers did not stop"


def person(number=1, email="", phone=PHONE):
    return notify.Recipient(person=f"contact:{number}", phone=phone, email=email)


def told(count=1, *, kind="signed", email=""):
    notices = [
        make.notice(kind=kind, waybill=f"ZT{number:013}", to=(person(number, email),))
        for number in range(count)
    ]
    notify.tell_many(actor=make.SYSTEM, notices=notices)
    return notices


def long_template():
    text = "您的货物{waybill}已从{place}发车，" + "一路平安，" * 30
    MessageTemplate.objects.create(
        kind="departed",
        channel="sms",
        language="zh-hans",
        text=text,
        changed_at=clock.now(),
        changed_by="tests",
    )


def in_state(state, count=1):
    return lambda: Message.objects.filter(state=state).count() == count


def test_a_person_is_told_and_the_receipt_says_that_it_arrived(gateway):
    told()
    with carried():
        make.until(in_state("delivered"))
    attempt = Attempt.objects.get()
    assert (attempt.channel, attempt.provider, attempt.verdict) == ("sms", gateway_name(gateway), "taken")
    assert (attempt.ref, attempt.receipt, attempt.parts) == (gateway.got[0].ref, "delivered", 1)
    assert "ZT0000000000000" in gateway.got[0].text


def gateway_name(gateway):
    return "smpp" if gateway.header == 16 else "cmpp"


def test_a_thousand_messages_are_each_taken_once_and_arrive(gateway):
    told(1000)
    with carried():
        make.until(in_state("delivered", 1000), within_s=120)
    assert len(gateway.got) == len({got.text for got in gateway.got}) == 1000
    assert gateway.widest <= WINDOW
    assert Attempt.objects.filter(verdict="taken", receipt="delivered").count() == 1000
    assert ReceiptIn.objects.count() == 1000
    make.until(lambda: len(gateway.acks) == 1000)


def test_a_refused_number_is_told_by_mail(gateway, mail):
    bad_number = 0x0B if gateway_name(gateway) == "smpp" else 13
    gateway.react = lambda _got: Reaction(code=bad_number)
    told(email="lihua@example.cn")
    with carried():
        make.until(in_state("sent"))
    assert len(mail.mails) == 1
    assert list(Attempt.objects.values_list("channel", "verdict")) == [("sms", "never"), ("email", "taken")]


def test_an_sms_that_did_not_arrive_is_followed_by_a_mail(gateway, mail):
    gateway.react = lambda _got: Reaction(receipt="UNDELIV")
    told(email="lihua@example.cn")
    with carried():
        make.until(lambda: mail.mails)
        make.until(in_state("sent"))
    assert Attempt.objects.get(channel="sms").receipt == "failed"


def test_receipts_before_the_answer_twice_and_never_leave_the_right_states(gateway):
    ways = {0: {"receipt_first": True}, 1: {"receipts": 2}, 2: {"receipt": ""}}
    gateway.react = lambda got: Reaction(**ways[int(got.text[got.text.index("ZT") + 14])])
    told(3)
    with carried():
        make.until(in_state("delivered", 2))
        make.until(in_state("sent"))
        make.until(lambda: len(gateway.acks) == 3)
    assert ReceiptIn.objects.count() == 2


@pytest.mark.parametrize("gateway", ["cmpp2", "cmpp3"], indirect=True)  # SMPP has no word for it
def test_a_number_on_the_blacklist_is_not_written_to_again(gateway, mail):
    gateway.react = lambda _got: Reaction(receipt="BLACK")
    told(email="lihua@example.cn")
    with carried():
        make.until(lambda: mail.mails)
    assert ClosedWay.objects.get().address == PHONE


# Long SMS


def test_a_long_sms_has_arrived_when_all_its_parts_have(gateway):
    long_template()
    gateway.receipts_held = True
    told(kind="departed")
    with carried():
        make.until(in_state("sent"))
        parts = len(gateway.got)
        assert parts == Attempt.objects.get().parts > 2
        held, gateway.held = gateway.held, []
        # The last one first: its name is the message's.
        for number, one in enumerate(reversed(held), start=1):
            gateway.held = [one]
            gateway.receipts_let_go()
            make.until(lambda number=number: ReceiptIn.objects.count() == number)
            if number < parts:
                make.until(lambda number=number: len(gateway.acks) == number)
                assert Message.objects.get().state == "sent"
        make.until(in_state("delivered"))


def test_a_long_sms_of_which_a_part_is_lost_is_followed_by_a_mail(gateway, mail):
    long_template()
    gateway.react = lambda got: Reaction(receipt="UNDELIV" if got.number == 2 else "DELIVRD")
    told(kind="departed", email="lihua@example.cn")
    with carried():
        make.until(lambda: mail.mails)
        make.until(lambda: len(gateway.acks) == len(gateway.got))
        make.until(in_state("sent"))
    assert Attempt.objects.get(channel="sms").receipt == "failed"


def test_receipts_of_parts_before_their_answers_count(gateway):
    long_template()
    gateway.react = lambda _got: Reaction(receipt_first=True)
    told(kind="departed")
    with carried():
        make.until(in_state("delivered"))


def test_receipts_that_come_after_a_restart_still_count(gateway):
    long_template()
    gateway.receipts_held = True
    told(kind="departed")
    with carried():
        make.until(in_state("sent"))
    assert gateway.byes == 1
    make.until(lambda: gateway.open_lines == 0)
    with carried():
        make.until(lambda: gateway.open_lines == 1)
        gateway.receipts_let_go()
        make.until(in_state("delivered"))


def test_parts_are_forgotten_with_their_receipts(gateway):
    long_template()
    told(kind="departed")
    with carried():
        make.until(in_state("delivered"))
    assert SmsPart.objects.count() == ReceiptIn.objects.count() == len(gateway.got)
    receipts_forget()
    assert SmsPart.objects.count() == len(gateway.got)
    SmsPart.objects.update(at=make.AT.replace(year=2020))
    receipts_forget()
    assert SmsPart.objects.count() == 0


def test_a_receipt_of_another_message_with_parts_changes_nothing(db):
    receipts_take(provider="cmpp", receipts=[Receipt(ref="1", delivered=True, at=make.AT)])
    assert not Attempt.objects.exists()


# Something breaks


def test_a_receipt_is_acknowledged_only_after_it_is_committed(gateway, monkeypatch):
    refused = []

    def away(**_):
        refused.append(1)
        raise OSError("the database is away")

    monkeypatch.setattr("zaitu.notify.channels.operators.session._HEAR_AGAIN_S", 0.05)
    taken = hearing.receipts_take
    monkeypatch.setattr(hearing, "receipts_take", away)
    told()
    with carried():
        make.until(in_state("sent"))
        make.until(lambda: len(refused) > 2)
        assert gateway.acks == []
        monkeypatch.setattr(hearing, "receipts_take", taken)
        make.until(in_state("delivered"))
        make.until(lambda: len(gateway.acks) == 1)


def test_a_gateway_killed_again_and_again_loses_nothing_and_repeats_only_what_was_in_its_window(gateway):
    gateway.react = lambda _got: Reaction(delay_s=0.02)
    told(300)
    kills = 3
    with carried():
        for number in range(1, kills + 1):
            make.until(lambda number=number: len(gateway.got) >= 60 * number, within_s=60)
            gateway.stop()
            gateway.start()
        make.until(
            lambda: Message.objects.filter(state__in=["sent", "delivered"]).count() == 300, within_s=90
        )
    copies = Counter(got.text for got in gateway.got)
    assert len(copies) == 300
    assert sum(copies.values()) - 300 <= kills * WINDOW
    assert len(gateway.binds) > kills


def test_a_busy_gateway_rests_and_gets_everything_in_the_end(gateway, monkeypatch):
    throttled = 0x58 if gateway_name(gateway) == "smpp" else 8
    monkeypatch.setattr(lines, "SLOW_DOWN_S", (0.01,))
    monkeypatch.setattr("zaitu.notify.domain.delivery.REST_FIRST", timedelta(seconds=0.3))
    monkeypatch.setattr("zaitu.notify.domain.delivery.REST_LONGEST", timedelta(seconds=0.3))
    gateway.react = lambda _got: Reaction(code=throttled if len(gateway.got) < 60 else 0)
    told(20)
    with carried():
        make.until(in_state("delivered", 20), within_s=60)
    assert Attempt.objects.filter(verdict="pause", reason__in=["8", "ESME_RTHROTTLED"]).exists()
    assert not Attempt.objects.filter(verdict="retry").exists()


@pytest.mark.fault
def test_couriers_killed_in_mid_window_lose_nothing_and_repeat_only_what_was_in_it(gateway, settings):
    gateway.react = lambda _got: Reaction(delay_s=0.05)
    told(120)
    name = gateway_name(gateway)
    environment = os.environ | {
        "ZAITU_DATABASE_URL": django_settings.ZAITU_DATABASE_URL,
        "ZAITU_SMS_PROVIDER": name,
        f"ZAITU_{name.upper()}_URL": gateway.url,
    }
    command = [sys.executable, "-m", "zaitu.config.cli", "couriers"]
    first = subprocess.Popen(command, env=environment)
    second = None
    try:
        make.until(lambda: len(gateway.got) >= 40, within_s=60)
        first.kill()
        assert first.wait(timeout=30) == -signal.SIGKILL
        Message.objects.filter(state="sending").update(next_at=make.AT)  # their lease runs out
        second = subprocess.Popen(command, env=environment)
        make.until(
            lambda: Message.objects.filter(state__in=["sent", "delivered"]).count() == 120, within_s=60
        )
        second.terminate()
        assert second.wait(timeout=10) == 0
    finally:
        for process in filter(None, (first, second)):
            process.kill()
            process.wait()
        connection.close()
    copies = Counter(got.text for got in gateway.got)
    assert len(copies) == 120
    assert sum(copies.values()) - 120 <= WINDOW
    assert gateway.byes == 1
