"""E-mail over a real SMTP connection."""

import socket

import pytest
import time_machine

from tests.notify import make
from zaitu.kernel import clock
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.notify.models import Attempt, Message

pytestmark = pytest.mark.django_db(transaction=True)


def tell(*recipients: notify.Recipient, **given) -> None:
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=recipients, **given))


def only() -> Message:
    return Message.objects.get()


def test_a_departure_arrives_as_plain_text_and_html(mail, couriers):
    tell(make.recipient("李华 <lihua@example.cn>"))
    make.until(lambda: only().state == "sent")
    (got,) = mail.mails
    plain = got.get_body(("plain",)).get_content()
    html = got.get_body(("html",)).get_content()
    for text in (plain, html):
        assert "您的货物已从武汉中转站发车，预计11月23日 15:20–16:00送达。" in text
        assert "https://t.example.cn/t/ZT1" in text
        assert "11月22日 15:20" in text, "the fact's time, on a Chinese clock"
        assert "顺驰物流" in text
        assert "客服热线" not in text
    assert got["From"] == "顺驰物流 <no-reply@shunchi.example>"
    assert got["Subject"].strip() == "运单 ZT1234567890123 已发车，预计11月23日 15:20–16:00送达"
    assert got["Message-ID"] == f"<{only().pk.hex}@shunchi.example>"
    assert only().sent_at is not None
    assert Attempt.objects.get().code == 250


def test_the_company_and_its_hotline_are_in_the_mail_as_they_are_when_it_is_sent(mail, couriers):
    network.company_put(
        actor=make.SYSTEM, company=network.CompanyView(name="顺驰供应链", hotline="400-820-0000")
    )
    tell(make.recipient())
    make.until(lambda: only().state == "sent")
    for part in ("plain", "html"):
        text = mail.mails[0].get_body((part,)).get_content()
        assert "顺驰供应链" in text
        assert "客服热线 400-820-0000" in text
    assert mail.mails[0]["From"] == "顺驰物流 <no-reply@shunchi.example>", "the sender is the settings'"


def test_what_people_typed_is_escaped_in_html(mail, couriers):
    tell(make.recipient(), params={"place": "<script>alert(1)</script>"})
    make.until(lambda: only().state == "sent")
    assert "<script>" not in mail.mails[0].get_body(("html",)).get_content()


def test_a_refused_address_fails_at_once_and_says_why(mail, couriers):
    mail.rcpt = lambda _: "550 5.1.1 no such user"
    tell(make.recipient())
    make.until(lambda: only().state == "failed")
    (view,) = notify.messages_of(actor=make.SYSTEM, waybill="ZT1234567890123")
    assert "收件地址被拒收" in view.note
    assert "no such user" in view.note
    assert [(t.code, t.answer) for t in view.tries] == [(550, view.note)]


def test_an_answer_that_no_database_can_hold_is_kept_without_what_it_cannot(mail, couriers):
    mail.rcpt = lambda _: "550 no\x00such user"
    tell(make.recipient())
    make.until(lambda: only().state == "failed")
    assert only().note == "收件地址被拒收：550 no such user"


def test_a_busy_mailbox_is_tried_again(mail, couriers):
    replies = iter(["451 4.2.1 try later"])
    mail.data = lambda: next(replies, None)
    tell(make.recipient())
    make.until(lambda: only().state == "sent", within_s=15)
    assert list(Attempt.objects.values_list("verdict", "code")) == [("retry", 451), ("taken", 250)]
    assert mail.mails[0]["Message-ID"] == mail.mails[1]["Message-ID"]


def test_one_bad_address_does_not_hold_up_the_others(mail, couriers):
    mail.rcpt = lambda address: "550 no" if address.startswith("bad") else None
    tell(*(make.recipient(f"{name}@example.cn", f"contact:{name}") for name in ("bad", "good", "fine")))
    make.until(lambda: Message.objects.filter(state="sent").count() == 2)
    make.until(lambda: Message.objects.filter(state="failed").count() == 1)


def test_an_address_with_a_line_break_is_never_sent(mail, couriers):
    tell(make.recipient("a@example.cn\r\nBcc: all@example.cn"))
    make.until(lambda: only().state == "failed")
    assert mail.mails == []


def test_a_server_that_is_away_costs_no_retries(settings, couriers):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.ZAITU_SMTP_URL = f"smtp://127.0.0.1:{unused.getsockname()[1]}"
        tell(make.recipient())
        make.until(Attempt.objects.exists)
        message = make.until(
            lambda: Message.objects.filter(state="queued", note="连接不上发信服务器").first()
        )
    assert message.attempts == 0
    assert message.next_at > clock.now()


def test_without_a_mail_server_mail_waits_and_is_given_up_after_a_day(settings, couriers):
    settings.ZAITU_SMTP_URL = ""
    tell(make.recipient())
    from zaitu.notify.services.delivery import hopeless_give_up

    assert hopeless_give_up() == 0
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as travel:
        travel.shift(25 * 3600)
        assert hopeless_give_up() == 1
    assert (only().state, only().note) == ("given_up", "未配置发信服务器")


def test_a_test_drive_of_every_kind(mail, couriers):
    for kind in ("accepted", "departed", "stop", "soon", "signed"):
        tell(make.recipient(), kind=kind)
    make.until(lambda: Message.objects.filter(state="sent").count() == 5)
    assert len({got["Subject"] for got in mail.mails}) == 5
