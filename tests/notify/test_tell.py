"""A fact is told once to each person and endpoint, in the transaction it belongs to."""

import json

import pytest
from django.db import connection, transaction

from tests.notify import make
from zaitu.customers.events import ContactErased
from zaitu.kernel.errors import Forbidden, Invalid
from zaitu.kernel.principal import Kind, Principal, Right, anyone
from zaitu.notify import public as notify
from zaitu.notify.models import Message, WebhookEndpoint

pytestmark = pytest.mark.django_db


def test_one_message_for_each_person_with_an_address():
    notice = make.notice(to=(make.recipient("a@example.cn", "contact:1"), make.recipient("", "contact:2")))
    notify.tell(actor=make.SYSTEM, notice=notice)
    assert list(Message.objects.values_list("person", "channel", "state")) == [
        ("contact:1", "email", "queued")
    ]


def test_the_same_fact_told_twice_is_one_message():
    notice = make.notice(to=(make.recipient(),))
    notify.tell(actor=make.SYSTEM, notice=notice)
    before = Message.objects.get().pk
    notify.tell(actor=make.SYSTEM, notice=notice)
    assert Message.objects.get().pk == before


def test_a_fact_that_is_rolled_back_tells_nobody():
    with transaction.atomic():
        notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),)))
        transaction.set_rollback(True)
    assert not Message.objects.exists()


def test_endpoints_hear_only_the_kinds_they_want_and_only_of_their_customer(settings):
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    every, _ = make.endpoint("http://127.0.0.1:9/every")
    make.endpoint("http://127.0.0.1:9/signed", kinds=frozenset({"signed"}))
    make.endpoint("http://127.0.0.1:9/other", customer_code="C002")
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    assert list(Message.objects.values_list("endpoint_id", flat=True)) == [every.id]


def test_a_switched_off_endpoint_hears_nothing(settings):
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    view, _ = make.endpoint("http://127.0.0.1:9/")
    WebhookEndpoint.objects.filter(pk=view.id).update(disabled_at=make.AT)
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001"))
    assert not Message.objects.exists()


def test_two_hundred_notices_take_five_queries(settings, django_assert_num_queries):
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    make.endpoint("http://127.0.0.1:9/")
    notices = [make.notice(customer_code="C001", to=(make.recipient(),)) for _ in range(200)]
    with django_assert_num_queries(5):
        notify.tell_many(actor=make.SYSTEM, notices=notices)
    assert Message.objects.count() == 400


def test_addresses_and_links_are_ciphertext_in_the_database():
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient("lihua@example.cn"),)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM notify_message m")
        (row,) = cursor.fetchone()
    assert "lihua" not in row
    assert "t.example.cn" not in row
    assert Message.objects.get().address == "lihua@example.cn"


def test_an_unknown_kind_is_refused_and_nothing_is_written():
    with pytest.raises(Invalid):
        notify.tell(actor=make.SYSTEM, notice=make.notice(kind="exploded", to=(make.recipient(),)))
    assert not Message.objects.exists()


def test_unknown_words_are_dropped_and_long_ones_cut():
    params = {"place": "很" * 900, "secret": "x", "eta": "  \x07 "}
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),), params=params))
    message = Message.objects.get()
    assert json.loads(message.words) == {"place": "很" * 200}
    assert len(message.subject) <= 60


@pytest.mark.parametrize(
    "actor",
    [
        anyone(),
        make.key("C002", *Right),
        Principal(kind=Kind.LINK, name="link", waybill="ZT9", rights=frozenset(Right)),
    ],
    ids=["stranger", "other customer", "other shipment's link"],
)
def test_who_cannot_cause_a_fact_cannot_have_it_told(actor):
    with pytest.raises(Forbidden):
        notify.tell(actor=actor, notice=make.notice(customer_code="C001", to=(make.recipient(),)))
    assert not Message.objects.exists()


def test_staff_see_messages_with_masked_addresses():
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient("lihua@example.cn"),)))
    (view,) = notify.messages_of(actor=make.staff(Right.MESSAGES_READ), waybill="ZT1234567890123")
    assert view.to == "li***@example.cn"
    assert (view.kind_text, view.channel_text, view.state_text) == ("发车通知", "邮件", "待发送")


def test_without_a_mail_server_messages_say_what_they_wait_for(settings):
    settings.ZAITU_SMTP_URL = ""
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),)))
    (view,) = notify.messages_of(actor=make.SYSTEM, waybill="ZT1234567890123")
    assert (view.state, view.note, view.next_at) == ("queued", "未配置发信服务器", None)


def test_a_customers_key_sees_its_own_messages_only():
    notify.tell(actor=make.SYSTEM, notice=make.notice(customer_code="C001", to=(make.recipient(),)))
    waybill = "ZT1234567890123"
    assert len(notify.messages_of(actor=make.key("C001", Right.MESSAGES_READ), waybill=waybill)) == 1
    assert notify.messages_of(actor=make.key("C002", Right.MESSAGES_READ), waybill=waybill) == []


def test_messages_are_not_for_everybody():
    with pytest.raises(Forbidden):
        notify.messages_of(actor=make.staff(Right.SHIPMENTS_READ), waybill="ZT1")


def test_reading_many_messages_takes_two_queries(django_assert_num_queries):
    notify.tell_many(actor=make.SYSTEM, notices=[make.notice(to=(make.recipient(),)) for _ in range(30)])
    with django_assert_num_queries(2):
        assert len(notify.messages_of(actor=make.SYSTEM, waybill="ZT1234567890123")) == 30


def test_an_erased_person_is_told_nothing_more_and_forgotten():
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),)))
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient("b@example.cn", "contact:2"),)))
    for _ in range(2):
        notify.on_contact_erased(ContactErased(contact_id=1))
    erased, other = Message.objects.order_by("person")
    assert (erased.address, erased.words, erased.state) == ("", "{}", "failed")
    assert (other.address, other.state) == ("b@example.cn", "queued")
