"""kill -9 of the sending process: nothing is lost, at most what was in flight is repeated, under the same id."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings
from django.db import connection

from tests.notify import make
from tests.notify.receivers import Reply
from zaitu.notify import public as notify
from zaitu.notify.models import Attempt, Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def couriers_process(settings):
    """Starts `zaitu couriers` as a process of its own on this test's database; all are ended afterwards."""
    started = []

    def start() -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "ZAITU_DATABASE_URL": django_settings.ZAITU_DATABASE_URL,
            "ZAITU_SMTP_URL": settings.ZAITU_SMTP_URL,
            "ZAITU_WEBHOOK_PRIVATE_ALLOWED": "true",
        }
        command = [sys.executable, "-m", "zaitu.config.cli", "couriers"]
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    connection.close()


def leases_run_out() -> None:
    """Instead of waiting out the lease of a courier that was killed."""
    Message.objects.filter(state="sending").update(next_at=make.AT)


def test_a_webhook_in_flight_at_the_kill_is_repeated_with_the_same_id(receiver, couriers_process):
    process = couriers_process()
    receiver.replies = [Reply(before=lambda: os.kill(process.pid, signal.SIGKILL)), Reply()]
    make.endpoint(receiver.url)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert Message.objects.get().state == "sending"
    leases_run_out()
    couriers_process()
    make.until(lambda: Message.objects.get().state == "sent", within_s=30)
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert list(Attempt.objects.values_list("verdict", flat=True)) == ["interrupted", "taken"]


def test_mail_between_sent_and_recorded_is_repeated_with_the_same_message_id(mail, couriers_process):
    process = couriers_process()

    def kill() -> None:
        if len(mail.mails) == 1:
            os.kill(process.pid, signal.SIGKILL)

    mail.data = kill
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),)))
    assert process.wait(timeout=30) == -signal.SIGKILL
    leases_run_out()
    couriers_process()
    make.until(lambda: Message.objects.get().state == "sent", within_s=30)
    assert len(mail.mails) == 2
    assert len({got["Message-ID"] for got in mail.mails}) == 1


def test_killed_again_and_again_under_load_loses_nothing_and_repeats_only_what_was_in_flight(
    receiver, couriers_process
):
    receiver.replies = [Reply(delay_s=0.02)]
    for number in range(6):
        make.endpoint(receiver.url, customer_code=f"C{number}")
    notices = [make.notice(customer_code=f"C{n % 6}") for n in range(240)]
    notify.tell_many(actor=make.SYSTEM, notices=notices)
    kills = 3
    for _ in range(kills):
        process = couriers_process()
        got = len(receiver.got)
        make.until(lambda got=got: len(receiver.got) >= got + 30, within_s=30)
        process.kill()
        process.wait()
        leases_run_out()
    couriers_process()
    make.until(lambda: Message.objects.filter(state="sent").count() == 240, within_s=60)
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(set(ids)) == 240
    assert len(ids) - 240 <= kills * 6 * 2, "at most two in flight to each endpoint at each kill"


def test_two_processes_share_the_work_without_sending_anything_twice(receiver, couriers_process):
    for number in range(4):
        make.endpoint(receiver.url, customer_code=f"C{number}")
    notify.tell_many(actor=make.SYSTEM, notices=[make.notice(customer_code=f"C{n % 4}") for n in range(200)])
    couriers_process()
    couriers_process()
    make.until(lambda: Message.objects.filter(state="sent").count() == 200, within_s=60)
    assert len(receiver.got) == 200


def test_told_to_stop_it_finishes_what_is_on_its_way(receiver, couriers_process):
    process = couriers_process()
    receiver.replies = [Reply(delay_s=1.5)]
    make.endpoint(receiver.url)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    make.until(lambda: receiver.got, within_s=30)
    began = time.monotonic()
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - began < 5
    assert Message.objects.get().state == "sent"
