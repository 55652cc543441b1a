"""Where webhooks may go, and who may say so."""

import base64
from datetime import timedelta

import pytest
from django.db import connection

from tests.notify import make
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.channels.webhook.guard import PrivateAddress, addresses
from zaitu.notify.domain.delivery import Answer, Channel, Next, State, Verdict
from zaitu.notify.domain.endpoints import is_public
from zaitu.notify.models import Attempt, Message, WebhookEndpoint
from zaitu.notify.services.delivery import attempt_record

MANAGE = Right.WEBHOOKS_MANAGE
URL = "https://erp.example.cn/zaitu"


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.cn/",
        "ftp://erp.example.cn/",
        "erp.example.cn",
        "https://",
        "https://user:pw@erp.example.cn/",
        "https://erp.example.cn/#part",
        "https://erp.example.cn:22/",
        "https://erp.example.cn:99999/",
        "https://erp.example.cn/a\r\nX-Evil: 1",
        "https://erp.example.cn/带空格 的",
        "https://[::1",
        "https://erp.example.cn/" + "a" * 500,
    ],
)
@pytest.mark.django_db
def test_addresses_nobody_should_use_are_refused(url):
    with pytest.raises(Invalid):
        make.endpoint(url)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        "0.0.0.0",  # noqa: S104  an address to refuse, not to bind
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::7f00:1"),
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "64:ff9b::a9fe:a9fe"),
    ],
)
def test_inner_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2400:3200::1", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_outer_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "::1"])
def test_names_and_spellings_of_this_machine_are_refused(host):
    with pytest.raises(PrivateAddress):
        addresses(host, 443, private_allowed=False)


@pytest.mark.django_db
def test_the_secret_is_shown_once_and_kept_encrypted():
    view, secret = make.endpoint(URL)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM notify_webhookendpoint e WHERE id = %s", [view.id])
        assert secret.removeprefix("whsec_") not in cursor.fetchone()[0]
    assert secret not in repr(notify.endpoints_list(actor=make.SYSTEM))


@pytest.mark.django_db
def test_a_new_secret_replaces_the_old():
    view, secret = make.endpoint(URL)
    renewed = notify.endpoint_secret_renew(actor=make.key("C001", MANAGE), endpoint_id=view.id)
    assert renewed != secret
    assert WebhookEndpoint.objects.get().secret == renewed


@pytest.mark.django_db
def test_changing_an_endpoint_switches_it_on_again():
    view, _ = make.endpoint(URL)
    WebhookEndpoint.objects.update(disabled_at=make.AT, disabled_why="HTTP 410")
    draft = notify.EndpointDraft(
        customer_code="C001", url=URL + "/2", kinds=frozenset({"signed"}), id=view.id
    )
    changed, secret = notify.endpoint_put(actor=make.key("C001", MANAGE), draft=draft)
    assert (changed.active, changed.url, changed.kinds, secret) == (True, URL + "/2", ("signed",), "")


@pytest.mark.django_db
def test_the_eleventh_endpoint_of_a_customer_is_refused():
    for number in range(10):
        make.endpoint(f"{URL}/{number}")
    with pytest.raises(RuleBroken):
        make.endpoint(f"{URL}/10")
    assert WebhookEndpoint.objects.count() == 10


@pytest.mark.django_db
def test_an_unknown_kind_is_refused():
    with pytest.raises(Invalid):
        make.endpoint(URL, kinds=frozenset({"exploded"}))


@pytest.mark.django_db
def test_removing_gives_up_what_waits():
    view, _ = make.endpoint(URL)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    notify.endpoint_remove(actor=make.SYSTEM, endpoint_id=view.id)
    assert Message.objects.get().state == "given_up"
    assert notify.endpoints_list(actor=make.SYSTEM) == []
    with pytest.raises(NotFound):
        notify.endpoint_remove(actor=make.SYSTEM, endpoint_id=view.id)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["endpoint_secret_renew", "endpoint_remove", "endpoint_test"])
def test_another_customers_endpoint_looks_as_if_it_were_not_there(change):
    view, _ = make.endpoint(URL)
    with pytest.raises(NotFound):
        getattr(notify, change)(actor=make.key("C002", MANAGE), endpoint_id=view.id)
    with pytest.raises(Forbidden):
        getattr(notify, change)(actor=make.key("C001", Right.ORDERS_CREATE), endpoint_id=view.id)
    assert notify.endpoints_list(actor=make.key("C002", MANAGE), customer_code="C001") == []
    assert WebhookEndpoint.objects.get().removed_at is None


@pytest.mark.django_db
def test_a_key_cannot_make_or_take_over_another_customers_endpoint():
    view, _ = make.endpoint(URL)
    with pytest.raises(Forbidden):
        notify.endpoint_put(
            actor=make.key("C002", MANAGE), draft=notify.EndpointDraft(customer_code="C001", url=URL)
        )
    with pytest.raises(NotFound):
        notify.endpoint_put(
            actor=make.key("C002", MANAGE),
            draft=notify.EndpointDraft(customer_code="C002", url="https://evil.example.cn/", id=view.id),
        )
    assert WebhookEndpoint.objects.get().url == URL


@pytest.mark.django_db
def test_endpoints_and_deliveries_are_for_who_manages_them_and_for_their_own_customer_only():
    view, _ = make.endpoint(URL)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    Message.objects.update(state="sent")
    message = str(Message.objects.get().pk)
    calls = (
        lambda actor: notify.endpoint_get(actor=actor, endpoint_id=view.id),
        lambda actor: notify.endpoint_switch(actor=actor, endpoint_id=view.id, active=False),
        lambda actor: notify.deliveries_of(actor=actor, endpoint_id=view.id),
        lambda actor: notify.redeliver(actor=actor, endpoint_id=view.id, message_id=message),
    )
    for call in calls:
        with pytest.raises(Forbidden):
            call(make.staff(Right.MESSAGES_READ))
        with pytest.raises(NotFound):
            call(make.key("C002", MANAGE))
    assert Message.objects.get().state == "sent"
    assert WebhookEndpoint.objects.get().disabled_at is None
    assert (
        notify.redeliver(actor=make.key("C001", MANAGE), endpoint_id=view.id, message_id=message).attempts
        == 0
    )


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["switched off", "removed"])
def test_a_try_that_fails_after_its_endpoint_went_is_the_last_one(how):
    view, _secret = make.endpoint(URL)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    now = clock.now()
    (parcel,) = claim(Channel.WEBHOOK, slots=1, now=now, lease_until=now + timedelta(minutes=1))
    if how == "removed":
        notify.endpoint_remove(actor=make.SYSTEM, endpoint_id=view.id)
    else:
        notify.endpoint_switch(actor=make.SYSTEM, endpoint_id=view.id, active=False)
    failed = Answer(verdict=Verdict.RETRY, note="HTTP 500")
    again = Next(state=State.QUEUED, attempts=1, next_at=now)
    attempt_record(parcel=parcel, provider="", answer=failed, step=again, started=now, took_ms=5)
    message = Message.objects.get()
    assert (message.state, message.note) == (
        "given_up",
        "推送地址已删除" if how == "removed" else "推送地址已停用",
    )
    assert Attempt.objects.get().answer == "HTTP 500"


@pytest.mark.django_db
def test_a_try_that_fails_while_its_endpoint_is_on_is_followed_by_another():
    make.endpoint(URL)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    now = clock.now()
    (parcel,) = claim(Channel.WEBHOOK, slots=1, now=now, lease_until=now + timedelta(minutes=1))
    again = Next(state=State.QUEUED, attempts=1, next_at=now)
    attempt_record(
        parcel=parcel,
        provider="",
        answer=Answer(verdict=Verdict.RETRY, note="HTTP 500"),
        step=again,
        started=now,
        took_ms=5,
    )
    assert Message.objects.get().state == "queued"
