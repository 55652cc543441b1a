"""The whole path by WeChat: a notice, couriers, WeChat, its receipt; and the next way where it does not go."""

import base64
import os
import time
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.notify import make
from tests.notify import wechat_make as wechat
from tests.notify.contract_server import Odd
from tests.notify.wechat_server import SUBSCRIBE, event_json, event_xml, pushed
from zaitu.customers.events import ContactErased
from zaitu.kernel import clock, crypto
from zaitu.notify import public as notify
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.models import (
    Attempt,
    ClosedWay,
    Message,
    MessageTemplate,
    SubscriptionCredit,
    WechatPerson,
)

pytestmark = pytest.mark.django_db(transaction=True)
PERSON = "contact:1"


@pytest.fixture
def bound(weixin, mail):
    """A person with a mailbox, whose openids of both apps are known."""
    for channel in (Channel.MINI, Channel.WECHAT):
        wechat.template(channel)
        notify.wechat_bind(actor=make.SYSTEM, person=PERSON, channel=channel, openid=wechat.WHO)
    return weixin


def tell(**given):
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=(make.recipient(),), **given))


def only() -> Message:
    return Message.objects.get()


def push(server, message, provider, shape="xml"):
    query, body = pushed(message, server.callback, shape=shape)
    return Client().post(f"/callbacks/{provider}", body, content_type="text/xml", query_params=query)


def sent_event(msgid, code="0", status="success"):
    entry = {"TemplateId": wechat.TMPL, "MsgID": msgid, "ErrorCode": code, "ErrorStatus": status}
    return event_json(wechat.WHO, "subscribe_msg_sent_event", entry)


def test_by_the_mini_program_to_its_receipt(bound, mail, couriers):
    wechat.credit(1)
    tell()
    make.until(lambda: only().state == "sent")
    ((msgid, body),) = bound.sent
    assert body["data"]["thing1"] == {"value": "武汉中转站"}
    assert push(bound, sent_event(msgid), "mini", "json").content == b"success"
    message = only()
    assert (message.state, message.channel, message.fall_back_at) == ("delivered", "mini", None)
    attempt = Attempt.objects.get()
    assert (attempt.provider, attempt.ref, attempt.receipt, attempt.code) == ("mini", msgid, "delivered", 200)
    assert mail.mails == []


def test_without_an_agreement_by_the_service_account_to_its_receipt(bound, mail, couriers):
    tell()
    make.until(lambda: only().state == "sent")
    ((msgid, _),) = bound.sent
    inside = f"<MsgID>{msgid}</MsgID><Status><![CDATA[success]]></Status>"
    push(bound, event_xml(wechat.WHO, "TEMPLATESENDJOBFINISH", inside), "wechat")
    assert (only().state, only().channel) == ("delivered", "wechat")
    assert list(Attempt.objects.values_list("channel", "answer")) == [
        ("mini", "没有订阅次数"),
        ("wechat", "微信已接收"),
    ]
    assert mail.mails == []


def test_where_wechat_refuses_the_mail_is_sent(bound, mail, couriers):
    bound.followers.clear()
    tell()
    make.until(lambda: only().state == "sent")
    assert len(mail.mails) == 1
    assert only().note == "发信服务器已接收"
    closed = ClosedWay.objects.get()
    assert (closed.channel, closed.address) == ("wechat", wechat.WHO)
    tell()
    make.until(lambda: Message.objects.filter(state="sent").count() == 2)
    assert Attempt.objects.filter(channel="wechat").count() == 1, "not asked again"


def test_a_failed_receipt_takes_the_next_way(bound, mail, couriers):
    wechat.credit(1)
    tell()
    make.until(lambda: only().state == "sent")
    ((msgid, _),) = bound.sent
    bound.followers.clear()
    push(bound, sent_event(msgid, "10003", "failed"), "mini", "json")
    make.until(lambda: mail.mails)


def test_who_has_blocked_the_account_is_told_by_mail_from_then_on(bound, mail, couriers):
    tell()
    make.until(lambda: only().state == "sent")
    ((msgid, _),) = bound.sent
    inside = f"<MsgID>{msgid}</MsgID><Status><![CDATA[failed:user block]]></Status>"
    push(bound, event_xml(wechat.WHO, "TEMPLATESENDJOBFINISH", inside), "wechat")
    make.until(lambda: mail.mails)
    assert ClosedWay.objects.get().why == "对方已拒收公众号消息"


def test_a_message_that_wechat_has_not_named_finds_its_receipt(bound, mail, couriers):
    bound.names_messages = False
    bound.agreed[wechat.WHO, wechat.TMPL] = 2
    wechat.credit(2)
    for fact in ("one", "two"):
        tell(fact=fact)
        make.until(lambda fact=fact: Message.objects.get(fact=fact).state == "sent")
    assert push(bound, sent_event("71"), "mini", "json").status_code == 200
    assert make.states() == {"one": "delivered", "two": "sent"}
    assert push(bound, sent_event("71"), "mini", "json").status_code == 200
    assert make.states() == {"one": "delivered", "two": "sent"}, "told again, it is of the same message"
    push(bound, sent_event("72"), "mini", "json")
    assert make.states() == {"one": "delivered", "two": "delivered"}


def test_while_wechat_is_away_nothing_is_lost_and_it_goes_on_when_it_is_back(bound, mail, couriers, settings):
    wechat.credit(9)
    address, settings.ZAITU_WECHAT_URL = settings.ZAITU_WECHAT_URL, "http://127.0.0.1:9"
    tell(fact="away")
    make.until(lambda: Attempt.objects.filter(answer="取不到微信令牌，连接不上微信").exists())
    assert SubscriptionCredit.objects.get().left == 9
    settings.ZAITU_WECHAT_URL = address
    make.until(lambda: Message.objects.get(fact="away").state == "sent", within_s=20)
    message = Message.objects.get(fact="away")
    assert (message.channel, message.attempts) == ("mini", 1)
    assert SubscriptionCredit.objects.get().left == 8


def test_when_the_days_quota_is_used_up_the_mail_is_sent_and_wechat_left_alone(bound, mail, couriers):
    wechat.credit(9)
    bound.odd[SUBSCRIBE] = [Odd(said={"errcode": 45009, "errmsg": "reach max api daily quota limit"})]
    WechatPerson.objects.filter(channel="wechat").delete()
    MessageTemplate.objects.update(kind="soon")
    tell(fact="one", kind="soon")
    make.until(lambda: mail.mails)
    tell(fact="two", kind="soon")
    time.sleep(1)
    assert Message.objects.get(fact="two").state == "queued"
    assert len(bound.to(SUBSCRIBE)) == 1
    assert SubscriptionCredit.objects.get().left == 9


def test_a_template_that_maps_nothing_is_left_for_the_next_way(bound, mail, couriers):
    MessageTemplate.objects.update(text="您的货物{waybill}已发车")
    wechat.credit(1)
    tell()
    make.until(lambda: mail.mails)
    assert set(Attempt.objects.exclude(channel="email").values_list("answer", flat=True)) == {
        "没有配置微信模板"
    }


def test_a_token_that_dies_in_the_middle_of_a_batch_costs_nothing(bound, mail, couriers, monkeypatch):
    monkeypatch.setattr("zaitu.notify.domain.preferences.STORM_FROM", 100)
    bound.agreed[wechat.WHO, wechat.TMPL] = 20
    wechat.credit(20)
    for number in range(10):
        tell(fact=f"f{number}")
        if number == 4:
            make.until(lambda: len(bound.sent) >= 3)
            bound.kill_token()
    make.until(lambda: Message.objects.filter(state="sent", channel="mini").count() == 10)
    assert len({body["data"]["thing1"]["value"] for _, body in bound.sent}) == 1
    assert (len(bound.sent), len(bound.forced)) == (10, 1)


def test_a_dropped_answer_is_told_by_its_receipt_or_sent_again_later(bound, mail, couriers):
    wechat.credit(1)
    bound.odd[SUBSCRIBE] = [Odd(drop=True, taken=True)]
    tell()
    make.until(lambda: Attempt.objects.filter(verdict="retry").exists())
    message = make.until(lambda: Message.objects.filter(state="queued", attempts=1).first())
    assert message.next_at - clock.now() > timedelta(seconds=50)
    assert message.channel == "mini"


def test_who_stops_following_is_told_otherwise_and_again_by_wechat_when_back(bound, mail, couriers):
    push(bound, event_xml(wechat.WHO, "unsubscribe", at=time.time() + 2), "wechat")
    assert ClosedWay.objects.get().why == "对方取消关注公众号"
    tell(fact="gone")
    make.until(lambda: Message.objects.get(fact="gone").state == "sent")
    assert Message.objects.get(fact="gone").channel == "email"
    push(bound, event_xml(wechat.WHO, "subscribe", at=time.time() + 4), "wechat")
    tell(fact="back")
    make.until(lambda: Message.objects.get(fact="back").state == "sent")
    assert Message.objects.get(fact="back").channel == "wechat"


@pytest.mark.parametrize(("last", "closed"), [("unsubscribe", True), ("subscribe", False)])
def test_of_events_out_of_order_what_happened_last_counts(bound, last, closed):
    first = {"subscribe": "unsubscribe", "unsubscribe": "subscribe"}[last]
    push(bound, event_xml(wechat.WHO, last, at=time.time() + 9), "wechat")
    push(bound, event_xml(wechat.WHO, first, at=time.time() + 3), "wechat")
    assert ClosedWay.objects.exists() == closed


# Who is reached


def test_persons_are_looked_up_once_for_all_notices(bound):
    for number in range(2, 6):
        notify.wechat_bind(actor=make.SYSTEM, person=f"contact:{number}", channel="mini", openid=f"o{number}")
    notices = [
        make.notice(fact=f"many{number}", to=(make.recipient(person=f"contact:{number % 6}"),))
        for number in range(30)
    ]
    with CaptureQueriesContext(connection) as asked:
        notify.tell_many(actor=make.SYSTEM, notices=notices)
    assert sum("notify_wechatperson" in one["sql"] for one in asked.captured_queries) == 1
    assert Message.objects.filter(channel="mini").count() == 25


def test_the_newest_openid_of_a_person_is_used_and_a_given_one_before_all(bound):
    notify.wechat_bind(actor=make.SYSTEM, person=PERSON, channel="mini", openid="newer")
    tell(fact="bound")
    given = notify.Recipient(person=PERSON, mini_openid="given")
    notify.tell(actor=make.SYSTEM, notice=make.notice(fact="given", to=(given,)))
    addresses = {row.fact: row.address for row in Message.objects.all()}
    assert addresses == {"bound": "newer", "given": "given"}


def test_binding_twice_is_once_and_opens_the_way(bound):
    ClosedWay.objects.create(
        person=PERSON, channel="mini", address=wechat.WHO, why="x", closed_at=clock.now()
    )
    notify.wechat_bind(actor=make.SYSTEM, person=PERSON, channel="mini", openid=wechat.WHO)
    assert WechatPerson.objects.filter(channel="mini").count() == 1
    assert not ClosedWay.objects.exists()


def test_nothing_of_wechat_is_left_of_an_erased_person(bound):
    wechat.credit(2)
    notify.on_contact_erased(ContactErased(contact_id=1))
    assert not WechatPerson.objects.exists()
    assert not SubscriptionCredit.objects.exists()


def test_who_shares_the_openid_keeps_what_was_agreed_to(bound):
    wechat.credit(2)
    notify.wechat_bind(actor=make.SYSTEM, person="contact:2", channel="mini", openid=wechat.WHO)
    notify.on_contact_erased(ContactErased(contact_id=1))
    assert list(WechatPerson.objects.values_list("person", flat=True)) == ["contact:2"]
    assert SubscriptionCredit.objects.get().left == 2


def test_openids_are_found_while_the_data_key_is_changed_and_afterwards(bound, settings):
    wechat.credit(2)
    old = django_settings.ZAITU_DATA_KEY
    new = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.ZAITU_DATA_KEY = f"{new},{old}"
    notify.wechat_bind(actor=make.SYSTEM, person=PERSON, channel="mini", openid=wechat.WHO)
    assert WechatPerson.objects.filter(channel="mini").count() == 1, "found by the older index"
    assert sum(batch.failed for batch in notify.keys_rewrite(actor=make.SYSTEM)) == 0
    settings.ZAITU_DATA_KEY = new
    row = WechatPerson.objects.filter(channel="mini").get()
    assert row.openid_index == crypto.blind_index(wechat.WHO, "wechat openid")
    push(bound, sent_event("1"), "mini", "json")
    assert SubscriptionCredit.objects.get().openid == wechat.WHO
