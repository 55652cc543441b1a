"""One try to hand a message to WeChat: tokens, agreements, fields, and every documented answer."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from tests.notify import wechat_make as make
from tests.notify.contract_server import Odd
from tests.notify.wechat_server import BIZSEND, SUBSCRIBE, TEMPLATE, TOKEN
from zaitu.kernel import clock
from zaitu.notify.channels.mini.send import Sender as Mini
from zaitu.notify.channels.wechat.send import Sender as Wechat
from zaitu.notify.domain.delivery import Channel, Verdict
from zaitu.notify.domain.saying import Said
from zaitu.notify.models import ProviderToken, SubscriptionCredit

pytestmark = pytest.mark.django_db


@pytest.fixture
def mini(weixin):
    sender = Mini()
    yield sender
    sender.close()


@pytest.fixture
def wechat(weixin):
    sender = Wechat()
    yield sender
    sender.close()


def error(code, said="error"):
    return Odd(said={"errcode": code, "errmsg": said})


def test_a_subscription_message_uses_one_agreement(mini, weixin):
    make.credit(2)
    answer = mini(make.parcel())
    ((msgid, body),) = weixin.sent
    assert (answer.verdict, answer.ref, make.left()) == (Verdict.TAKEN, msgid, 1)
    assert body == {
        "touser": make.WHO,
        "template_id": make.TMPL,
        "page": "pages/track/index?waybill=ZT1234567890123&k=Q7mX2kT9",
        "miniprogram_state": "formal",
        "lang": "zh_CN",
        "data": {
            "thing1": {"value": "武汉中转站"},
            "time2": {"value": "2026年11月23日 15:20~2026年11月23日 16:00"},
            "character_string3": {"value": "ZT1234567890123"},
        },
    }


def test_a_template_message_goes_to_followers_and_twice_is_once(wechat, weixin):
    first, again = wechat(make.parcel(Channel.WECHAT)), wechat(make.parcel(Channel.WECHAT))
    ((msgid, body),) = weixin.sent
    assert first.ref == again.ref == msgid
    assert body["url"] == "https://t.example.cn/k/Q7mX2kT9"
    assert not SubscriptionCredit.objects.exists(), "followers need not agree"


def test_a_subscription_notice_of_the_service_account_needs_an_agreement(wechat, weixin, settings):
    settings.ZAITU_WECHAT_MESSAGES = "subscribe"
    make.credit(1, channel=Channel.WECHAT)
    assert wechat(make.parcel(Channel.WECHAT)).verdict is Verdict.TAKEN
    assert [one.path for one in weixin.asked] == [TOKEN, BIZSEND]
    assert wechat(make.parcel(Channel.WECHAT)).note == "没有订阅次数"


@pytest.mark.parametrize("left", [None, 0])
def test_without_an_agreement_nothing_is_sent_and_the_next_way_taken(mini, weixin, left):
    if left is not None:
        make.credit(left)
    answer = mini(make.parcel())
    assert (answer.verdict, answer.note, answer.gone) == (Verdict.NEVER, "没有订阅次数", False)
    assert weixin.asked == []


@pytest.mark.django_db(transaction=True)
def test_many_couriers_never_use_one_agreement_twice(mini, weixin):
    make.credit(3)
    weixin.agreed[make.WHO, make.TMPL] = 99
    answers = []

    def courier():
        answers.append(mini(make.parcel()).verdict)
        connection.close()

    couriers = [threading.Thread(target=courier) for _ in range(8)]
    for one in couriers:
        one.start()
    for one in couriers:
        one.join()
    assert sorted(answers) == ["never"] * 5 + ["taken"] * 3
    assert (make.left(), len(weixin.sent)) == (0, 3)


def test_when_wechat_knows_better_no_agreement_is_left(mini, weixin):
    make.credit(5)
    weixin.agreed.clear()
    answer = mini(make.parcel())
    assert (answer.verdict, answer.reason, answer.gone) == (Verdict.NEVER, "43101", False)
    assert make.left() == 0


NEVER, RETRY, PAUSE = Verdict.NEVER, Verdict.RETRY, Verdict.PAUSE
ERRORS = [
    (-1, RETRY, "微信系统繁忙", False),
    (40003, NEVER, "openid 不属于这个账号", False),
    (43004, NEVER, "对方没有关注公众号", True),
    (43117, RETRY, "对方收到的消息过于频繁", False),
    (40037, NEVER, "模板编号不正确", False),
    (41030, NEVER, "小程序页面路径不正确", False),
    (40165, NEVER, "小程序页面路径不正确", False),
    (47001, NEVER, "微信看不懂消息格式", False),
    (47003, NEVER, "模板字段填写不符合要求", False),
    (40013, PAUSE, "AppID 不正确", False),
    (40125, PAUSE, "AppSecret 不正确", False),
    (40164, PAUSE, "服务器地址不在微信 IP 白名单", False),
    (45009, PAUSE, "今天的调用次数已用完", False),
    (45011, PAUSE, "调用过于频繁", False),
    (48001, PAUSE, "账号没有这个接口的权限", False),
    (48004, PAUSE, "接口已被微信封禁", False),
    (50002, PAUSE, "账号使用受限", False),
    (61007, PAUSE, "第三方平台没有获得授权", False),
    (99999, RETRY, "微信没有接收", False),
]


@pytest.mark.parametrize(("code", "verdict", "note", "gone"), ERRORS)
def test_a_documented_error_says_what_to_do_and_gives_the_agreement_back(
    mini, weixin, code, verdict, note, gone
):
    make.credit(1)
    weixin.odd[SUBSCRIBE] = [error(code, "argument invalid! data.thing1.value invalid")]
    answer = mini(make.parcel())
    assert (answer.verdict, answer.reason, answer.gone) == (verdict, str(code), gone)
    assert answer.note == f"{note}（{code}）：argument invalid! data.thing1.value invalid"
    assert answer.rests == (verdict is PAUSE)
    assert make.left() == 1


@pytest.mark.parametrize(("code", "verdict", "note", "gone"), ERRORS)
def test_the_service_account_reads_the_same_errors(wechat, weixin, code, verdict, note, gone):
    weixin.odd[TEMPLATE] = [error(code)]
    answer = wechat(make.parcel(Channel.WECHAT))
    assert (answer.verdict, answer.reason, answer.gone) == (verdict, str(code), gone)


def test_the_contract_itself_refuses_a_stranger_a_wrong_template_and_a_wrong_page(mini, weixin, settings):
    make.credit(9)
    weixin.people.clear()
    assert mini(make.parcel()).reason == "40003"
    weixin.people = {make.WHO}
    weixin.templates = {"other": ()}
    assert mini(make.parcel()).reason == "40037"
    weixin.templates = {make.TMPL: ("thing1", "number2")}
    answer = mini(make.parcel())
    assert (answer.reason, "data.number2.value" in answer.note) == ("47003", True), "it names the field"
    settings.ZAITU_MINI_PAGE = "/pages/track"
    weixin.templates = {make.TMPL: make.FIELDS}
    assert mini(make.parcel()).reason == "41030"
    assert make.left() == 9


def test_who_does_not_follow_is_not_told_that_way_again(wechat, weixin):
    weixin.followers.clear()
    assert wechat(make.parcel(Channel.WECHAT)).gone


@pytest.mark.parametrize(
    "given",
    [
        Said(text="", link="", code="", variables=(), fields=(("thing1", "武汉"),)),
        Said(text="您的货物", link="", code="tmpl", variables=()),
    ],
)
def test_without_a_template_nothing_is_sent(mini, weixin, given):
    make.credit(1)
    answer = mini(make.parcel(said=given))
    assert (answer.verdict, answer.note, make.left(), weixin.asked) == (NEVER, "没有配置微信模板", 1, [])


def test_words_that_do_not_fit_are_refused_before_they_are_sent(mini, weixin):
    make.credit(1)
    said = Said(text="", link="", code=make.TMPL, variables=(), fields=(("time2", "—"),))
    answer = mini(make.parcel(said=said))
    assert (answer.reason, answer.note) == ("47003", "模板字段 time2 填不下要说的内容")
    assert (make.left(), weixin.asked) == (1, [])


# What is no answer


def test_a_connection_that_cannot_be_made_costs_nothing(mini, settings):
    make.credit(1)
    ProviderToken.objects.create(
        app=f"mini:{settings.ZAITU_MINI_APPID}",
        token="known",
        expires_at=clock.now() + timedelta(hours=1),
        renew_at=clock.now() + timedelta(hours=1),
    )
    settings.ZAITU_WECHAT_URL = "http://127.0.0.1:9"
    answer = mini(make.parcel())
    assert (answer.verdict, answer.rests, answer.note) == (PAUSE, True, "连接不上微信")
    assert make.left() == 1


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (Odd(drop=True, taken=True), "与微信的连接中断，可能已发出"),
        (Odd(delay_s=1.5, taken=True), "微信没有及时回应，可能已发出"),
    ],
)
def test_when_nobody_knows_whether_it_was_taken_the_agreement_is_gone_and_there_is_time_for_a_receipt(
    weixin, monkeypatch, odd, note
):
    monkeypatch.setattr("zaitu.notify.channels.wechat.client.TIMEOUT_S", 0.5)
    sender = Mini()
    make.credit(2)
    weixin.odd[SUBSCRIBE] = [odd]
    answer = sender(make.parcel())
    assert (answer.verdict, answer.retry_after_s, answer.note) == (RETRY, 60, note)
    assert make.left() == 1
    sender.close()


@pytest.mark.parametrize(
    ("odd", "verdict"),
    [
        (Odd(status=502, body=b"<html>bad gateway</html>"), PAUSE),
        (Odd(status=429, body=b""), PAUSE),
        (Odd(status=500, body=b"oops"), RETRY),
        (Odd(status=200, body=b"<html>"), RETRY),
        (Odd(status=200, body=b"[1]"), RETRY),
        (Odd(status=200, body=b'{"errcode":"0"}'), RETRY),
        (Odd(status=302, body=b""), RETRY),
    ],
)
def test_an_answer_that_is_none_is_no_success(mini, weixin, odd, verdict):
    make.credit(1)
    weixin.odd[SUBSCRIBE] = [odd]
    answer = mini(make.parcel())
    assert (answer.verdict, answer.code) == (verdict, odd.status)
    assert make.left() == 0, "it may have been taken"


def test_connections_are_kept_between_messages(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 5
    for _ in range(5):
        mini(make.parcel())
    assert (len(weixin.sent), weixin.connections) == (5, 1)


# Tokens


def test_the_token_is_asked_for_once_and_kept_encrypted(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 2
    mini(make.parcel())
    other = Mini()
    other(make.parcel())
    other.close()
    assert len(weixin.to(TOKEN)) == 1
    row = ProviderToken.objects.get()
    assert (row.token, row.app) == (weixin.token, f"mini:{weixin.appid}")
    assert len(row.token) > 512
    assert timedelta(seconds=7190) < row.expires_at - clock.now() <= timedelta(seconds=7200)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM notify_providertoken")
        assert weixin.token not in cursor.fetchone()[0]


def test_each_app_has_a_token_of_its_own(mini, wechat, weixin):
    make.credit(1)
    mini(make.parcel())
    wechat(make.parcel(Channel.WECHAT))
    assert ProviderToken.objects.count() == 2


@pytest.mark.parametrize("code", [40001, 40014, 41001, 42001])
def test_a_token_that_died_in_mid_batch_is_renewed_once_and_the_message_sent(mini, weixin, code):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 2
    mini(make.parcel())
    weixin.odd[SUBSCRIBE] = [error(code)]
    assert mini(make.parcel()).verdict is Verdict.TAKEN
    assert [one.json()["force_refresh"] for one in weixin.to(TOKEN)] == [False, True]
    assert len(weixin.sent) == 2


def test_a_token_that_somebody_else_killed_is_renewed(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 2
    mini(make.parcel())
    weixin.kill_token()
    assert mini(make.parcel()).verdict is Verdict.TAKEN


def test_what_another_process_has_got_meanwhile_is_used_without_asking(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 4
    other = Mini()
    mini(make.parcel())
    other(make.parcel())
    weixin.kill_token()
    assert mini(make.parcel()).verdict is Verdict.TAKEN
    assert other(make.parcel()).verdict is Verdict.TAKEN
    assert len(weixin.to(TOKEN)) == 2, "the first, and one that was forced"
    other.close()


def test_a_new_token_is_forced_at_most_once_a_minute(mini, weixin):
    make.credit(9)
    weixin.odd[SUBSCRIBE] = [error(40001) for _ in range(9)]
    first = mini(make.parcel())
    assert (first.verdict, first.reason, first.rests) == (PAUSE, "40001", True)
    second = mini(make.parcel())
    assert (second.verdict, second.note) == (PAUSE, "微信令牌刚换过，仍不被接受")
    assert len(weixin.forced) == 1
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        mini(make.parcel())
        assert len(weixin.forced) == 2
    assert make.left() == 9


def test_a_token_is_renewed_before_it_ends(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 2
    mini(make.parcel())
    first = weixin.token
    with time_machine.travel(clock.now() + timedelta(seconds=7200 - 200), tick=True):
        assert mini(make.parcel()).verdict is Verdict.TAKEN
    assert weixin.token != first
    assert not weixin.forced
    assert first in weixin.tokens, "both live in the last minutes"


def test_while_the_old_token_lives_a_failed_renewal_does_not_matter(mini, weixin):
    make.credit(5)
    weixin.agreed[make.WHO, make.TMPL] = 2
    mini(make.parcel())
    weixin.odd[TOKEN] = [error(-1)]
    with time_machine.travel(clock.now() + timedelta(seconds=7200 - 200), tick=True):
        assert mini(make.parcel()).verdict is Verdict.TAKEN


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (error(40125, "invalid appsecret"), "取不到微信令牌，AppSecret 不正确（40125）：invalid appsecret"),
        (
            error(40164, "invalid ip 1.2.3.4"),
            "取不到微信令牌，服务器地址不在微信 IP 白名单（40164）：invalid ip 1.2.3.4",
        ),
        (error(40013), "取不到微信令牌，AppID 不正确（40013）：error"),
        (error(45009), "取不到微信令牌，今天的调用次数已用完（45009）：error"),
        (error(-1), "取不到微信令牌，微信系统繁忙（-1）：error"),
        (Odd(status=500, body=b"x"), "取不到微信令牌，微信回应 HTTP 500"),
        (Odd(said={"access_token": "", "expires_in": 7200}), "取不到微信令牌，微信回应 HTTP 200"),
        (Odd(drop=True), "取不到微信令牌，与微信的连接中断"),
    ],
)
def test_without_a_token_everything_waits_and_no_agreement_is_lost(mini, weixin, odd, note):
    make.credit(1)
    weixin.odd[TOKEN] = [odd]
    answer = mini(make.parcel())
    assert (answer.verdict, answer.rests, answer.note) == (PAUSE, True, note)
    assert make.left() == 1
    assert mini(make.parcel()).verdict is Verdict.TAKEN, "it comes back by itself"


@pytest.mark.django_db(transaction=True)
def test_while_tokens_are_slow_to_be_refused_couriers_do_not_wait_one_after_the_other(mini, weixin):
    make.credit(9)
    weixin.odd[TOKEN] = [Odd(said={"errcode": -1, "errmsg": "busy"}, delay_s=1) for _ in range(9)]
    answers = []

    def courier():
        answers.append(mini(make.parcel()).reason)
        connection.close()

    threads = [threading.Thread(target=courier) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == ["-1"] * 6
    assert len(weixin.to(TOKEN)) == 1
    assert make.left() == 9


@pytest.mark.django_db(transaction=True)
def test_couriers_that_find_the_token_dead_at_once_force_one_new_one(weixin):
    make.credit(20)
    weixin.agreed[make.WHO, make.TMPL] = 20
    senders = [Mini() for _ in range(4)]  # each as in a process of its own
    for sender in senders:
        sender(make.parcel())
    weixin.kill_token()
    answers = []

    def courier(sender):
        answers.extend(sender(make.parcel()).verdict for _ in range(2))
        connection.close()

    threads = [threading.Thread(target=courier, args=[sender]) for sender in senders]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [Verdict.TAKEN] * 8
    assert len(weixin.forced) == 1
    for sender in senders:
        sender.close()
