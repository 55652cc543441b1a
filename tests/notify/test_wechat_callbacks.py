"""What WeChat pushes: is it WeChat, what does it say, and what comes of it once."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notify import make as messages
from tests.notify import wechat_make as make
from tests.notify.wechat_server import event_json, event_xml, pushed
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.channels.wechat import callbacks
from zaitu.notify.channels.wechat.callbacks import Forged, Secrets, opened, verified, xml_read
from zaitu.notify.channels.wechat.receipts import news
from zaitu.notify.models import CallbackSeen, ReceiptIn, SubscriptionCredit
from zaitu.notify.services.wechat import callbacks_forget

KNOWN = Secrets(
    token="spamtest", aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", appid="wx2c2769f8efd9abc2"
)
"""Of the example that WeChat publishes with its own programs; the two vectors are from there too."""
AT = datetime.fromtimestamp(1409735669, UTC)
NONCE = "1320562132"
SEALED = (
    "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXp"
    "bUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlp"
    "Kn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD"
    "1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE="
)
SIGNATURE = "5d197aaffba7e9b25a30732f161a50dee96bd5fa"


def known_query(**given_):
    return {"timestamp": "1409735669", "nonce": NONCE, "msg_signature": SIGNATURE} | given_


def xml(sealed=SEALED):
    return (
        f"<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    )


def test_the_published_message_is_opened():
    message = opened(known_query(), xml(), KNOWN, now=AT)
    assert message == {
        "ToUserName": "gh_10f6c3c3ac5a",
        "FromUserName": "oyORnuP8q7ou2gfYjqLzSIWZf0rs",
        "CreateTime": "1409735668",
        "MsgType": "text",
        "Content": "abcdteT",
        "MsgId": "6054768590064713728",
    }


def test_the_published_signature_of_an_address_is_right():
    query = {
        "timestamp": "1409735669",
        "nonce": NONCE,
        "signature": "16120ec1b8dbb870f510d87ce6bc2463eae6ca1a",
    }
    verified(query, KNOWN, now=AT)


def test_json_is_opened_as_well_as_xml():
    body = json.dumps({"ToUserName": "gh", "Encrypt": SEALED}).encode()
    assert opened(known_query(), body, KNOWN, now=AT)["MsgId"] == "6054768590064713728"


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_is_decrypted(message, random):
    assert callbacks.decrypted(callbacks.encrypted(message, KNOWN, random=random), KNOWN) == message


@pytest.mark.parametrize(
    ("query", "body", "secrets", "now"),
    [
        (known_query(msg_signature="0" * 40), xml(), KNOWN, AT),
        (known_query(msg_signature=""), xml(), KNOWN, AT),
        (known_query(msg_signature="签名"), xml(), KNOWN, AT),
        (known_query(nonce=""), xml(), KNOWN, AT),
        (known_query(timestamp="now"), xml(), KNOWN, AT),
        (known_query(timestamp="²"), xml(), KNOWN, AT),
        (known_query(timestamp="9" * 30), xml(), KNOWN, AT),
        (known_query(), xml(), KNOWN, AT + timedelta(seconds=301)),
        (known_query(), xml(), KNOWN, AT - timedelta(seconds=301)),
        (known_query(), xml(SEALED[:-8] + "AAAAAAA="), KNOWN, AT),
        (known_query(), b"<xml><Content>plain</Content></xml>", KNOWN, AT),
        (known_query(), b"", KNOWN, AT),
        (known_query(), b"{", KNOWN, AT),
        (known_query(), b"[]", KNOWN, AT),
        (known_query(), b"\xff\xfe\x00", KNOWN, AT),
        (known_query(), b" " * 70_000, KNOWN, AT),
        (known_query(), xml(), Secrets(token="", aes_key="", appid=""), AT),
        (known_query(), xml(), Secrets(token="other", aes_key=KNOWN.aes_key, appid=KNOWN.appid), AT),
        (known_query(), xml(), Secrets(token="spamtest", aes_key=KNOWN.aes_key, appid="wx3"), AT),
        (known_query(), xml(), Secrets(token="spamtest", aes_key="A" * 43, appid=KNOWN.appid), AT),
    ],
)
def test_what_is_not_wechats_is_refused(query, body, secrets, now):
    with pytest.raises(Forged):
        opened(query, body, secrets, now=now)


@pytest.mark.parametrize("sealed", ["", "AAAA", "A" * 44, "不是", SEALED[:64]])
def test_what_cannot_be_decrypted_is_refused(sealed):
    with pytest.raises(Forged):
        callbacks.decrypted(sealed, KNOWN)


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<xml><FromUserName>&lol2;</FromUserName></xml>"""
FILE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><FromUserName>&e;</FromUserName></xml>'


@pytest.mark.parametrize(
    "body", [BOMB, FILE, "<!DOCTYPE xml><xml/>", "<xml>&unknown;</xml>", "<a>" * 20 + "</a>" * 20, "<xml>"]
)
def test_entities_document_types_and_deep_trees_are_refused(body):
    with pytest.raises((ValueError, callbacks.expat.ExpatError)):
        xml_read(body.encode())
    plain = Secrets(token="spamtest", aes_key="", appid="")
    query, sent = pushed(body, plain)
    with pytest.raises(Forged):
        opened(query, sent, plain, now=clock.now())


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(body):
    plain = Secrets(token="spamtest", aes_key="", appid="")
    query, _ = pushed("", plain)
    try:
        news(opened(query, body, plain, now=clock.now()))
    except Forged:
        return


# What it says

LIST = "<List><TemplateId><![CDATA[{}]]></TemplateId><SubscribeStatusString><![CDATA[{}]]></SubscribeStatusString></List>"


def popup(*entries):
    inside = "".join(LIST.format(*entry) for entry in entries)
    return event_xml(
        make.WHO, "subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{inside}</SubscribeMsgPopupEvent>"
    )


@pytest.mark.parametrize(
    "entries",
    [
        {"TemplateId": "t1", "SubscribeStatusString": "accept", "PopupScene": "0"},
        [{"TemplateId": "t1", "SubscribeStatusString": "accept"}],
        [{"TemplateId": "t1", "SubscribeStatusString": "accept"}, {"SubscribeStatusString": "accept"}, 1],
    ],
)
def test_json_events_come_as_one_entry_or_several(entries):
    told = news(json.loads(event_json(make.WHO, "subscribe_msg_popup_event", entries)))
    assert (told.accepted, told.refused, told.openid) == (("t1",), (), make.WHO)
    nested = {
        "FromUserName": make.WHO,
        "Event": "subscribe_msg_popup_event",
        "SubscribeMsgPopupEvent": {"List": entries},
    }
    assert news(nested).accepted == ("t1",)


@pytest.mark.parametrize(
    ("status", "delivered", "gone", "note"),
    [
        ("success", True, False, "已送达"),
        ("failed:user block", False, True, "对方已拒收公众号消息"),
        ("failed: user block", False, True, "对方已拒收公众号消息"),
        ("failed: system failed", False, False, "微信投递失败"),
        ("failed: else", False, False, "没有送达"),
    ],
)
def test_the_fate_of_a_template_message(status, delivered, gone, note):
    inside = f"<MsgID>200163836</MsgID><Status><![CDATA[{status}]]></Status>"
    (receipt,) = news(
        xml_read(event_xml(make.WHO, "TEMPLATESENDJOBFINISH", inside, at=1409735668).encode())
    ).receipts
    assert (receipt.ref, receipt.delivered, receipt.gone, receipt.note) == (
        "200163836",
        delivered,
        gone,
        note,
    )
    assert receipt.at == datetime.fromtimestamp(1409735668, UTC)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"Event": "CLICK"},
        {"Event": ["x"]},
        {"Event": "subscribe_msg_sent_event", "List": "x"},
        {"CreateTime": "later"},
    ],
)
def test_what_is_no_news_is_none(message):
    told = news(message)
    assert (told.receipts, told.sent, told.accepted, told.refused, told.follows) == ((), (), (), (), None)


# What comes of it

pytestmark = pytest.mark.django_db


@pytest.fixture
def push(client, weixin):
    """Push a message to our door; its answer."""

    def send(message, *, provider="mini", shape="xml", again=False, secrets=None, **how):
        query, body = pushed(message, secrets or weixin.callback, shape=shape, **how)
        for _ in range(1 + again):
            answer = client.post(f"/callbacks/{provider}", body, content_type="text/xml", query_params=query)
        return answer.status_code, answer.content.decode()

    return send


def left_by_template():
    return dict(SubscriptionCredit.objects.values_list("template", "left"))


def test_wechat_is_answered_when_it_asks_whether_the_address_is_ours(client, weixin):
    query, _ = pushed("", weixin.callback)
    answer = client.get("/callbacks/wechat", query_params=query | {"echostr": "5837397576500011341"})
    assert (answer.status_code, answer.content) == (200, b"5837397576500011341")
    assert answer["Content-Type"].startswith("text/plain")
    wrong = client.get("/callbacks/wechat", query_params=query | {"echostr": "1", "signature": "0" * 40})
    assert (wrong.status_code, wrong.content) == (403, b"")
    html = client.get("/callbacks/wechat", query_params=query | {"echostr": "<script>1"})
    assert html.content == b"script1"


def test_an_acceptance_is_counted_and_wechat_thanked(push):
    assert push(popup(("t1", "accept"), ("t2", "accept"), ("t3", "reject"))) == (200, "success")
    assert left_by_template() == {"t1": 1, "t2": 1}
    assert SubscriptionCredit.objects.first().openid == make.WHO


def test_json_in_both_shapes_is_taken(push):
    message = event_json(
        make.WHO, "subscribe_msg_popup_event", {"TemplateId": "t1", "SubscribeStatusString": "accept"}
    )
    assert push(message, shape="json") == (200, "success")
    assert left_by_template() == {"t1": 1}


def test_plain_messages_are_taken_where_no_key_is_set(push, settings, weixin):
    settings.ZAITU_MINI_AES_KEY = ""
    plain = Secrets(token=weixin.callback.token, aes_key="", appid=weixin.appid)
    assert push(popup(("t1", "accept")), secrets=plain) == (200, "success")
    assert left_by_template() == {"t1": 1}


def test_plain_messages_are_refused_where_a_key_is_set(push, weixin):
    plain = Secrets(token=weixin.callback.token, aes_key="", appid=weixin.appid)
    assert push(popup(("t1", "accept")), secrets=plain)[0] == 403
    assert left_by_template() == {}


def test_nobody_is_believed_while_no_token_is_set(push, settings, client, weixin):
    settings.ZAITU_MINI_CALLBACK_TOKEN = ""
    assert push(popup(("t1", "accept")))[0] == 403
    query, _ = pushed("", Secrets(token="", aes_key="", appid=""))
    assert client.get("/callbacks/mini", query_params=query | {"echostr": "1"}).status_code == 403


def test_the_same_told_again_counts_once(push, weixin):
    message = popup(("t1", "accept"))
    assert push(message, again=True) == (200, "success"), "the same query"
    assert push(message) == (200, "success"), "repeated under a new signature"
    assert left_by_template() == {"t1": 1}


def test_another_body_under_a_used_signature_is_refused(client, settings, weixin):
    settings.ZAITU_MINI_AES_KEY = ""
    plain = Secrets(token=weixin.callback.token, aes_key="", appid=weixin.appid)
    query, body = pushed(popup(("t1", "accept")), plain)
    first = client.post("/callbacks/mini", body, content_type="text/xml", query_params=query)
    forged = popup(("t2", "accept")).encode()
    second = client.post("/callbacks/mini", forged, content_type="text/xml", query_params=query)
    assert (first.status_code, second.status_code) == (200, 403)
    assert left_by_template() == {"t1": 1}


def test_yesterdays_message_is_refused(push):
    assert push(popup(("t1", "accept")), at=time.time() - 400)[0] == 403
    assert left_by_template() == {}


def test_who_takes_an_agreement_back_has_none_left(push):
    make.credit(5)
    entry = {"TemplateId": make.TMPL, "SubscribeStatusString": "reject"}
    push(event_json(make.WHO, "subscribe_msg_change_event", entry), shape="json")
    assert make.left() == 0
    accepted = entry | {"SubscribeStatusString": "accept"}
    push(event_json(make.WHO, "subscribe_msg_change_event", accepted), shape="json")
    assert make.left() == 0, "a setting is no agreement to one more message"


def test_page_and_event_tell_one_tap_of_which_one_counts(push):
    actor = messages.SYSTEM
    told = {"channel": "mini", "openid": make.WHO, "template": "t1"}
    assert notify.subscription_accepted(actor=actor, **told)
    push(popup(("t1", "accept")))
    assert left_by_template() == {"t1": 1}
    assert notify.subscription_accepted(actor=actor, **told), "a second tap"
    assert left_by_template() == {"t1": 2}


def test_only_the_system_says_who_somebody_is():
    for actor in (messages.staff(*Right), messages.key("C001", *Right)):
        with pytest.raises(Forbidden):
            notify.wechat_bind(actor=actor, person="contact:1", channel="mini", openid="o1")
        with pytest.raises(Forbidden):
            notify.subscription_accepted(actor=actor, channel="mini", openid="o1", template="t")
    for wrong in (
        {"channel": "sms"},
        {"channel": "x"},
        {"openid": ""},
        {"openid": "中"},
        {"openid": "o" * 65},
    ):
        with pytest.raises(Invalid):
            notify.wechat_bind(
                actor=messages.SYSTEM, **({"person": "contact:1", "channel": "mini", "openid": "o1"} | wrong)
            )


def test_a_receipt_that_comes_before_the_try_is_kept(push):
    inside = "<MsgID>42</MsgID><Status><![CDATA[success]]></Status>"
    push(event_xml(make.WHO, "TEMPLATESENDJOBFINISH", inside), provider="wechat", again=True)
    row = ReceiptIn.objects.get()
    assert (row.provider, row.ref, row.delivered) == ("wechat", "42", True)


def test_a_fate_that_nobody_knows_yet_is_asked_for_again_and_later_kept(push):
    entry = {"TemplateId": "t1", "MsgID": "42", "ErrorCode": "0", "ErrorStatus": "success"}
    now = event_json(make.WHO, "subscribe_msg_sent_event", entry)
    assert push(now, shape="json")[0] == 503
    assert not CallbackSeen.objects.exists()
    before = event_json(make.WHO, "subscribe_msg_sent_event", entry, at=time.time() - 60)
    assert push(before, shape="json") == (200, "success")
    assert ReceiptIn.objects.get().ref == "42"


def test_what_was_told_is_forgotten_after_a_day(push):
    push(popup(("t1", "accept")))
    assert (CallbackSeen.objects.count(), callbacks_forget()) == (2, 0)
    CallbackSeen.objects.update(seen_at=clock.now() - timedelta(days=2))
    notify.messages_trim(actor=messages.SYSTEM)
    assert not CallbackSeen.objects.exists()


def test_agreements_of_long_ago_are_forgotten_with_the_messages(push, settings):
    settings.ZAITU_MESSAGE_KEEP_DAYS = 400
    push(popup(("t1", "accept"), ("t2", "accept")))
    SubscriptionCredit.objects.filter(template="t1").update(accepted_at=clock.now() - timedelta(days=401))
    SubscriptionCredit.objects.filter(template="t2").update(accepted_at=clock.now() - timedelta(days=399))
    notify.messages_trim(actor=messages.SYSTEM)
    assert left_by_template() == {"t2": 1}
