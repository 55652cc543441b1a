"""Staff are alerted in their groups: by each robot once, as fast as its provider allows, and not by one that is off."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.notify import make
from tests.notify.contract_server import Odd
from tests.notify.robots_server import ADDRESSES, DINGTALK, FEISHU, KEYS, SECRET, WECOM
from zaitu.access.models import AuditEntry
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.channels.dingtalk.send import sign as dingtalk_sign
from zaitu.notify.channels.feishu.send import sign as feishu_sign
from zaitu.notify.channels.robot.send import Sender
from zaitu.notify.channels.robot.turns import turn
from zaitu.notify.channels.robots import Rate, wait_s
from zaitu.notify.domain.alerts import ALERT_TEXT_MAX, alert_words, plain, robot_address
from zaitu.notify.domain.delivery import Channel, Verdict
from zaitu.notify.models import Attempt, Message, StaffRobot

pytestmark = pytest.mark.django_db
PATHS = {"wecom": WECOM, "dingtalk": DINGTALK, "feishu": FEISHU}
ADMIN = make.staff(Right.ROBOTS_MANAGE)


def robot(provider="dingtalk", **given_):
    signed = {} if provider == "wecom" else {"secret": SECRET}
    known = {"name": f"{provider} 群", "url": ADDRESSES[provider]} | signed
    return notify.robot_add(actor=make.SYSTEM, draft=notify.RobotDraft(**(known | given_)))


def alert(**given_):
    known = {
        "fact": "incident:1:opened",
        "kind": notify.AlertKind.EXCEPTION,
        "title": "车辆失联 2 小时",
        "text": "鄂A12345\n上海 → 成都",
        "link": "https://t.example.cn/console/shipments/ZT1",
        "at": make.AT,
    }
    return notify.Alert(**(known | given_))


def tell(**given_):
    return notify.alert_staff(actor=make.SYSTEM, alert=alert(**given_))


def tried(sender=None):
    """One try of what is due."""
    now = clock.now()
    (parcel,) = claim(Channel.ROBOT, slots=1, now=now, lease_until=now)
    one = sender or Sender()
    answer = one(parcel)
    one.close()
    return answer


# Who is told


def test_each_robot_that_wants_the_kind_is_told_a_fact_once():
    every, some = robot("dingtalk"), robot("feishu", kinds=frozenset({"exception"}))
    robot("wecom", kinds=frozenset({"system"}))
    off = robot("wecom")
    notify.robot_switch(actor=ADMIN, robot_id=off.id, active=False)
    assert [tell(), tell()] == [2, 2]
    assert set(Message.objects.values_list("person", "fact")) == {
        (f"robot:{every.id}", "incident:1:opened"),
        (f"robot:{some.id}", "incident:1:opened"),
    }
    assert tell(fact="other") == 2
    assert Message.objects.count() == 4


@pytest.mark.parametrize("wrong", [{"title": " \n"}, {"fact": ""}, {"fact": "x" * 101}])
def test_an_alert_that_says_nothing_is_refused(wrong):
    robot()
    with pytest.raises(Invalid):
        tell(**wrong)
    assert not Message.objects.exists()


def test_only_staff_and_the_system_alert_staff():
    with pytest.raises(Forbidden):
        notify.alert_staff(actor=make.key("C001", *Right), alert=alert())
    assert notify.alert_staff(actor=make.staff(), alert=alert()) == 0


@given(st.text(max_size=2000), st.text(max_size=200))
def test_no_text_is_too_long_for_any_robot_nor_calls_anybody(text, title):
    words = alert_words(alert(text=text, title=f"题{title}"))
    body = plain(words["title"]) + plain(words["text"])
    assert len(body.encode()) < 2048
    assert len(words["text"]) <= ALERT_TEXT_MAX
    assert not set(body) & set("<>[]`*#_@")


# By each provider


@pytest.mark.parametrize("provider", list(PATHS))
@pytest.mark.django_db(transaction=True)
def test_an_alert_stands_in_the_group(robots, couriers, provider):
    view = robot(provider)
    tell(text="鄂A12345 <@all> **急**")
    make.until(lambda: Message.objects.get().state == "sent")
    ((who, text),) = robots.said
    assert who == provider
    assert "车辆失联 2 小时" in text
    assert "鄂A12345 ＜＠all＞ ＊＊急＊＊" in text
    attempt = Attempt.objects.get()
    assert (attempt.provider, attempt.code, attempt.channel) == (provider, 200, "robot")
    assert notify.robot_get(actor=ADMIN, robot_id=view.id).last_ok_at is not None
    link = "https://t.example.cn/console/shipments/ZT1"
    assert link in robots.asked[0].body.decode()


@pytest.mark.parametrize("provider", list(PATHS))
@pytest.mark.django_db(transaction=True)
def test_a_test_message_arrives(robots, couriers, provider):
    view = robot(provider)
    notify.robot_test(actor=ADMIN, robot_id=view.id)
    make.until(lambda: Message.objects.get().state == "sent")
    assert "在途测试消息" in robots.said[0][1]


def test_the_signatures_are_what_openssl_makes_of_them():
    # printf '1577262236757\nSEC1' | openssl dgst -sha256 -hmac SEC1 -binary | base64
    assert dingtalk_sign("SEC1", "1577262236757") == "ITVtMhBxlMWAso4YOWiyBDr7oDB8KSVHGqHA5hI1Ros="
    # printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '1599360473\ndemo' | xxd -p) -binary | base64
    assert feishu_sign("demo", "1599360473") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


NEVER, RETRY, PAUSE = Verdict.NEVER, Verdict.RETRY, Verdict.PAUSE
ERRORS = [
    ("wecom", -1, RETRY, False, None),
    ("wecom", 45009, PAUSE, False, 60),
    ("wecom", 45033, PAUSE, False, 5),
    ("wecom", 93000, NEVER, True, None),
    ("wecom", 93008, NEVER, True, None),
    ("wecom", 40008, NEVER, False, None),
    ("wecom", 40058, NEVER, False, None),
    ("wecom", 44004, NEVER, False, None),
    ("wecom", 99999, RETRY, False, None),
    ("dingtalk", -1, RETRY, False, None),
    ("dingtalk", 130101, PAUSE, False, 600),
    ("dingtalk", 410100, PAUSE, False, 600),
    ("dingtalk", 310000, PAUSE, False, 300),
    ("dingtalk", 300005, NEVER, True, None),
    ("dingtalk", 400013, NEVER, True, None),
    ("dingtalk", 400101, NEVER, True, None),
    ("dingtalk", 400102, NEVER, True, None),
    ("dingtalk", 400106, NEVER, True, None),
    ("dingtalk", 40035, NEVER, False, None),
    ("dingtalk", 43004, NEVER, False, None),
    ("dingtalk", 400105, NEVER, False, None),
    ("dingtalk", 430101, NEVER, False, None),
    ("dingtalk", 430102, NEVER, False, None),
    ("dingtalk", 430103, NEVER, False, None),
    ("dingtalk", 430104, NEVER, False, None),
    ("dingtalk", 99999, RETRY, False, None),
    ("feishu", 11232, PAUSE, False, 60),
    ("feishu", 9499, NEVER, False, None),
    ("feishu", 19001, NEVER, True, None),
    ("feishu", 19002, NEVER, False, None),
    ("feishu", 19021, PAUSE, False, 300),
    ("feishu", 19022, PAUSE, False, 300),
    ("feishu", 19024, PAUSE, False, 300),
    ("feishu", 99999, RETRY, False, None),
]


@pytest.mark.parametrize(("provider", "code", "verdict", "gone", "wait_s_"), ERRORS)
def test_a_documented_error_says_what_to_do(robots, provider, code, verdict, gone, wait_s_):
    robot(provider)
    tell()
    said = {"code": code, "msg": "why"} if provider == "feishu" else {"errcode": code, "errmsg": "why"}
    robots.odd[PATHS[provider]] = [Odd(said=said)]
    answer = tried()
    assert (answer.verdict, answer.reason, answer.gone) == (verdict, str(code), gone)
    assert (answer.retry_after_s, answer.rests, answer.provider) == (wait_s_, False, provider)
    assert answer.note.endswith(f"（{code}）：why")
    paused = StaffRobot.objects.get().paused_until
    assert (paused is not None) == bool(wait_s_), "this robot rests, others go on"


@pytest.mark.parametrize("provider", list(PATHS))
@pytest.mark.parametrize(
    ("odd", "verdict", "code"),
    [
        (Odd(status=429), PAUSE, 429),
        (Odd(status=502, body=b"<html>"), RETRY, 502),
        (Odd(status=200, body=b"[]"), RETRY, 200),
        (Odd(status=404, said={}), RETRY, 404),
        (Odd(drop=True), RETRY, 0),
    ],
)
def test_what_is_no_answer_is_no_success(robots, provider, odd, verdict, code):
    robot(provider)
    tell()
    robots.odd[PATHS[provider]] = [odd]
    answer = tried()
    assert (answer.verdict, answer.code, answer.provider) == (verdict, code, provider)


def test_a_provider_that_is_away_costs_no_try(settings):
    robot("feishu")
    settings.ZAITU_FEISHU_URL = "http://127.0.0.1:9"
    tell()
    answer = tried()
    assert (answer.verdict, answer.note, answer.retry_after_s) == (PAUSE, "连接不上飞书", 15)


def test_a_wrong_signature_is_told_by_the_contract(robots):
    robot("dingtalk", secret="SECwrong")
    robot("feishu", secret="wrong")
    tell()
    now = clock.now()
    sender = Sender()
    found = {sender(one).reason for one in claim(Channel.ROBOT, slots=2, now=now, lease_until=now)}
    assert found == {"310000", "19021"}
    sender.close()


@pytest.mark.django_db(transaction=True)
def test_a_robot_that_was_taken_out_of_its_group_is_switched_off(robots, couriers):
    view = robot("wecom", url=ADDRESSES["wecom"].replace(KEYS["wecom"], "not-known-1"))
    tell()
    make.until(lambda: Message.objects.get().state == "failed")
    found = notify.robot_get(actor=ADMIN, robot_id=view.id)
    assert not found.active
    assert found.note.startswith("企业微信机器人地址无效或已被移除（93000）")
    assert tell(fact="next") == 0


# How fast

RATES = (Rate(5, 1), Rate(100, 60))


def test_a_turn_is_free_when_the_oldest_that_counts_is_long_enough_ago():
    now = clock.now()
    recent = [now - timedelta(seconds=0.9 - 0.1 * n) for n in range(5)]
    assert wait_s(recent, RATES, now) == pytest.approx(0.1)
    assert wait_s(recent[1:], RATES, now) == 0
    minute = [now - timedelta(seconds=59 - 0.3 * n) for n in range(100)]
    assert wait_s(minute, RATES, now) == pytest.approx(1)
    assert wait_s([], RATES, now) == 0


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_window_ever_holds_more_than_a_rate_allows(gaps):
    now, recent, rates = make.AT, [], (Rate(3, 10), Rate(5, 60))
    for gap in gaps:
        now += timedelta(seconds=gap)
        if wait_s(recent, rates, now) <= 0:
            recent.append(now)
    for rate in rates:
        windows = zip(recent, recent[rate.most :], strict=False)
        assert all((later - first).total_seconds() >= rate.within_s for first, later in windows)
    assert all(a <= b for a, b in pairwise(recent))


@pytest.mark.django_db(transaction=True)
def test_processes_share_a_robots_turns():
    view = robot()
    taken = []

    def courier():
        taken.append(turn(view.id, (Rate(5, 60),), clock.now()) <= 0)
        connection.close()

    couriers = [threading.Thread(target=courier) for _ in range(12)]
    for one in couriers:
        one.start()
    for one in couriers:
        one.join()
    assert sum(taken) == 5


@pytest.mark.django_db(transaction=True)
def test_more_than_a_robot_may_say_waits_without_costing_a_try_and_nothing_is_refused(robots, couriers):
    robot("dingtalk")
    for number in range(23):
        tell(fact=f"f{number}")
    make.until(lambda: Message.objects.filter(state="sent").count() == 20)
    waiting = make.until(
        lambda: (
            (found := Message.objects.filter(state="queued", note__contains="条数已满")).count() == 3
            and found
        )
    )
    for message in waiting:
        assert (message.attempts, message.next_at - clock.now() > timedelta(seconds=20)) == (0, True)
    assert len(robots.said) == len(robots.asked) == 20


@pytest.mark.django_db(transaction=True)
def test_five_a_second_are_shaped_and_all_arrive(robots, couriers):
    robot("feishu")
    for number in range(12):
        tell(fact=f"f{number}")
    make.until(lambda: Message.objects.filter(state="sent").count() == 12, within_s=20)
    assert len(robots.asked) == 12, "none was sent too early"


def test_a_robot_that_rests_is_not_asked(robots):
    view = robot()
    tell()
    StaffRobot.objects.filter(pk=view.id).update(paused_until=clock.now() + timedelta(minutes=9))
    answer = tried()
    assert (answer.verdict, 530 < answer.retry_after_s <= 540) == (PAUSE, True)
    assert robots.asked == []


# Adding and switching


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("", "url"),
        ("https://evil.example/robot/send?access_token=dingtalk-token-1", "url"),
        ("http://oapi.dingtalk.com/robot/send?access_token=dingtalk-token-1", "url"),
        ("https://oapi.dingtalk.com/robot/send", "url"),
        ("https://oapi.dingtalk.com/elsewhere?access_token=dingtalk-token-1", "url"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/../../../x", "url"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "url"),
        ("https://oapi.dingtalk.com:443@evil.example/robot/send?access_token=dingtalk-token-1", "url"),
        ("https://[", "url"),
    ],
)
def test_an_address_of_no_robot_is_refused(url, field):
    with pytest.raises(Invalid) as refused:
        robot(url=url)
    assert set(refused.value.fields) == {field}
    assert not StaffRobot.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "群" * 41}, "name"),
        ({"secret": "有字"}, "secret"),
        ({"secret": "a b"}, "secret"),
        ({"url": ADDRESSES["wecom"], "secret": "SEC"}, "secret"),
        ({"kinds": frozenset({"weather"})}, "kinds"),
    ],
)
def test_a_wrong_field_is_named(wrong, field):
    with pytest.raises(Invalid) as refused:
        robot(**wrong)
    assert set(refused.value.fields) == {field}


@pytest.mark.parametrize("provider", list(PATHS))
def test_only_the_token_of_an_address_is_kept_and_that_encrypted(provider):
    assert robot_address(f" {ADDRESSES[provider]} ") == (provider, KEYS[provider])
    view = robot(provider)
    row = StaffRobot.objects.get()
    assert row.address == KEYS[provider]
    with connection.cursor() as cursor:
        cursor.execute("SELECT address, secret FROM notify_staffrobot")
        assert not {KEYS[provider], SECRET} & set(cursor.fetchone())
    assert KEYS[provider] not in repr(view)
    assert KEYS[provider] not in str(list(AuditEntry.objects.values()))


def test_switching_off_gives_up_what_waits_and_on_again_tells_what_comes():
    view = robot()
    tell()
    notify.robot_switch(actor=ADMIN, robot_id=view.id, active=False)
    assert (Message.objects.get().state, Message.objects.get().note) == ("given_up", "机器人已停用")
    with pytest.raises(RuleBroken):
        notify.robot_test(actor=ADMIN, robot_id=view.id)
    notify.robot_switch(actor=ADMIN, robot_id=view.id, active=True)
    assert tell(fact="next") == 1


def test_a_message_whose_robot_is_off_by_then_is_not_sent(robots):
    view = robot()
    tell()
    StaffRobot.objects.filter(pk=view.id).update(disabled_at=clock.now())
    answer = tried()
    assert (answer.verdict, answer.note, robots.asked) == (NEVER, "机器人已停用或已删除", [])


def test_a_removed_robot_leaves_no_token_behind():
    view = robot()
    tell()
    notify.robot_remove(actor=ADMIN, robot_id=view.id)
    row = StaffRobot.objects.get()
    assert (row.address, row.secret) == ("", "")
    assert Message.objects.get().note == "机器人已删除"
    assert notify.robots_list(actor=ADMIN) == []
    for ask in (notify.robot_get, notify.robot_test, notify.robot_remove, notify.robot_messages):
        with pytest.raises(NotFound):
            ask(actor=ADMIN, robot_id=view.id)


def test_only_one_test_is_on_its_way_at_a_time_and_twenty_robots_are_enough():
    view = robot()
    notify.robot_test(actor=ADMIN, robot_id=view.id)
    with pytest.raises(RuleBroken):
        notify.robot_test(actor=ADMIN, robot_id=view.id)
    assert [one.kind for one in notify.robot_messages(actor=ADMIN, robot_id=view.id)] == ["test"]
    for number in range(19):
        robot(name=f"群 {number}")
    with pytest.raises(RuleBroken):
        robot()


@pytest.mark.parametrize(
    "actor", [make.staff(Right.WEBHOOKS_MANAGE), make.key("C001", Right.WEBHOOKS_MANAGE)]
)
def test_without_the_right_nobody_sees_or_changes_a_robot(actor):
    view = robot()
    refused = [
        lambda: notify.robots_list(actor=actor),
        lambda: notify.robot_get(actor=actor, robot_id=view.id),
        lambda: notify.robot_messages(actor=actor, robot_id=view.id),
        lambda: notify.robot_add(actor=actor, draft=notify.RobotDraft(name="x", url=ADDRESSES["wecom"])),
        lambda: notify.robot_switch(actor=actor, robot_id=view.id, active=False),
        lambda: notify.robot_remove(actor=actor, robot_id=view.id),
        lambda: notify.robot_test(actor=actor, robot_id=view.id),
    ]
    for ask in refused:
        with pytest.raises(Forbidden):
            ask()
    assert StaffRobot.objects.filter(disabled_at=None, removed_at=None).count() == 1
    assert not Message.objects.exists()


def test_what_a_robot_was_told_is_found_by_an_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM notify_message WHERE channel = 'robot' AND person = 'robot:1'"
            " ORDER BY created_at DESC LIMIT 50"
        )
        assert "notify_robot" in str(cursor.fetchall())
