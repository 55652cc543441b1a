"""Webhooks to a real HTTP receiver that checks signatures with the standardwebhooks library."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from tests.notify import make
from tests.notify.receivers import Reply, http_receiver
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.channels.webhook.answers import of_status, retry_after_s
from zaitu.notify.channels.webhook.send import TIMEOUT_S
from zaitu.notify.domain.delivery import JITTER, SCHEDULE
from zaitu.notify.models import Attempt, Message, WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)

DATA = {"status": "in_transit", "place": "武汉中转站", "eta": "2026-11-23T15:20:00+08:00", "pieces": 3}


def tell(**given) -> None:
    notify.tell(actor=make.SYSTEM, notice=make.notice(**({"customer_code": "C001", "data": DATA} | given)))


def only() -> Message:
    return Message.objects.get()


def tries() -> list[tuple[str, int]]:
    return list(Attempt.objects.values_list("verdict", "code"))


def test_the_receiver_can_verify_what_it_gets(receiver, couriers):
    _, secret = make.endpoint(receiver.url)
    tell()
    make.until(lambda: only().state == "sent")
    (got,) = receiver.got
    assert Webhook(secret).verify(got.body, got.headers) == {
        "type": "shipment.departed",
        "timestamp": "2026-11-22T15:20:00.000+08:00",
        "data": {"waybill": "ZT1234567890123", **DATA},
    }
    assert got.headers["webhook-id"] == f"msg_{only().pk.hex}"
    assert got.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body.replace("武汉", "长沙"), got.headers)


@pytest.mark.parametrize("status", [302, 500])
def test_anything_but_2xx_is_tried_again_under_the_same_id(receiver, couriers, status):
    receiver.replies = [
        Reply(status=status, headers={"location": receiver.url + "/elsewhere"}),
        Reply(status=204),
    ]
    _, secret = make.endpoint(receiver.url)
    tell()
    make.until(lambda: only().state == "sent", within_s=15)
    assert tries() == [("retry", status), ("taken", 204)]
    first, second = receiver.got
    assert second.path == "/hook", "redirects are not followed"
    assert 5 <= second.at - first.at < 7
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Webhook(secret).verify(second.body, second.headers)


@pytest.mark.parametrize("status", [300, 301, 303, 307, 308, 400, 401, 403, 404, 409, 422, 500, 501, 503])
def test_every_other_failure_is_retried_too(status):
    assert of_status(status, retry_after="", said="", now=make.AT).verdict == "retry"


def test_gone_switches_the_endpoint_off(receiver, couriers):
    receiver.replies = [Reply(status=410)]
    view, _ = make.endpoint(receiver.url)
    tell()
    make.until(lambda: only().state == "failed")
    (endpoint,) = notify.endpoints_list(actor=make.SYSTEM)
    assert (endpoint.id, endpoint.active, endpoint.note) == (view.id, False, "对方已停用此地址（HTTP 410）")
    tell()
    assert Message.objects.count() == 1


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_throttling_receiver_rests_as_long_as_it_asked_for_and_keeps_its_retries(
    receiver, couriers, status
):
    receiver.replies = [Reply(status=status, headers={"retry-after": "2"}), Reply()]
    make.endpoint(receiver.url)
    tell()
    make.until(Attempt.objects.exists)
    tell()
    make.until(lambda: Message.objects.filter(state="sent").count() == 2)
    assert all(got.at - receiver.got[0].at >= 1.9 for got in receiver.got[1:]), "the others wait too"
    assert sorted(Message.objects.values_list("attempts", flat=True)) == [1, 1]
    assert WebhookEndpoint.objects.get().failures == 0


def test_a_receiver_that_hangs_up_is_tried_again(receiver, couriers):
    receiver.replies = [Reply(drop=True), Reply()]
    make.endpoint(receiver.url)
    tell()
    make.until(lambda: only().state == "sent", within_s=15)
    assert tries() == [("retry", 0), ("taken", 200)]


def test_a_closed_port_is_tried_again(settings, couriers):
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        make.endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}/")
        tell()
        make.until(Attempt.objects.exists)
    assert Attempt.objects.get().answer == "连接不上对方"
    make.until(lambda: only().state == "queued")


def test_an_unknown_host_is_tried_again(couriers):
    make.endpoint("https://no-such-host.invalid/")
    tell()
    make.until(Attempt.objects.exists)
    assert Attempt.objects.get().answer == "找不到对方主机"


def test_an_inner_address_is_refused_for_good_even_when_it_was_registered(receiver, settings, couriers):
    make.endpoint(receiver.url)
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = False
    tell()
    make.until(lambda: only().state == "failed")
    assert receiver.got == []
    assert only().note == "地址指向内部网络，已拒绝发送"


def test_a_silent_and_a_dripping_receiver_are_cut_off_in_time(receiver, couriers, monkeypatch):
    monkeypatch.setattr("zaitu.notify.channels.webhook.send.TIMEOUT_S", 1.0)
    assert TIMEOUT_S == 15
    receiver.replies = [Reply(drip_s=0.1), Reply(delay_s=3), Reply()]
    make.endpoint(receiver.url)
    tell()
    make.until(Attempt.objects.exists)
    attempt = Attempt.objects.get()
    assert (attempt.answer, attempt.verdict) == ("对方没有及时响应", "retry")
    assert 900 <= attempt.took_ms < 2000


def test_a_slow_receiver_does_not_delay_the_others(receiver, couriers):
    receiver.replies = [Reply(delay_s=6)]
    make.endpoint(receiver.url, customer_code="SLOW")
    with http_receiver() as quick:
        make.endpoint(quick.url, customer_code="QUICK")
        for _ in range(40):
            tell(customer_code="SLOW")
        make.until(lambda: len(receiver.got) == 2)
        began = time.monotonic()
        for _ in range(40):
            tell(customer_code="QUICK")
        make.until(
            lambda: Message.objects.filter(customer_code="QUICK", state="sent").count() == 40, within_s=5
        )
        assert time.monotonic() - began < 5
        assert len(receiver.got) == 2, "two at a time to one endpoint"


def test_ten_tries_on_the_published_schedule_then_given_up(receiver, couriers):
    receiver.replies = [Reply(status=500)]
    make.endpoint(receiver.url)
    with time_machine.travel(clock.now(), tick=True) as travel:
        tell()
        for done in range(1, 10):
            make.until(lambda done=done: Attempt.objects.count() == done and only().state == "queued")
            wait = only().next_at - Attempt.objects.latest("id").at
            assert SCHEDULE[done] <= wait <= SCHEDULE[done] * (1 + JITTER) + timedelta(seconds=1)
            travel.shift(wait)
        make.until(lambda: only().state == "given_up")
    assert len(receiver.got) == 10
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


def test_a_test_message_says_what_it_is(receiver, couriers):
    view, _secret = make.endpoint(receiver.url)
    queued = notify.endpoint_test(actor=make.SYSTEM, endpoint_id=view.id)
    make.until(lambda: only().state == "sent")
    assert json.loads(receiver.got[0].body)["type"] == "endpoint.test"
    assert receiver.got[0].headers["webhook-id"] == f"msg_{only().pk.hex}"
    assert queued.id == str(only().pk)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Sun, 22 Nov 2026 07:22:00 GMT", 120),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after_is_read_in_both_forms(header, seconds):
    assert retry_after_s(header, now=datetime(2026, 11, 22, 7, 20, tzinfo=UTC)) == seconds
