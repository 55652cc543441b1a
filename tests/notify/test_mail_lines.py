"""Lines to the mail server: kept for the next mail, let go when idle, opened anew when the server has hung up."""

import threading

import pytest

from tests.notify import make
from zaitu.notify import public as notify
from zaitu.notify.channels.email import lines
from zaitu.notify.models import Attempt, Message
from zaitu.notify.services import courier

pytestmark = pytest.mark.django_db(transaction=True)


def tell(*names: str) -> None:
    to = tuple(make.recipient(f"{name}@example.cn", f"contact:{name}") for name in names)
    notify.tell(actor=make.SYSTEM, notice=make.notice(to=to))


def sent(count: int):
    return make.until(lambda: Message.objects.filter(state="sent").count() == count, within_s=30)


def verdicts() -> set[str]:
    return set(Attempt.objects.values_list("verdict", flat=True))


def test_many_mails_go_over_no_more_lines_than_there_are_hands(mail, couriers):
    tell(*(f"p{number}" for number in range(40)))
    sent(40)
    assert len(mail.mails) == 40
    assert len(mail.lines) <= courier.SLOTS["email"]


def test_the_next_mail_goes_over_the_same_line(mail, couriers):
    for number in range(3):
        tell(f"p{number}")
        sent(number + 1)
    assert len(mail.lines) == 1


def test_an_idle_line_is_closed(mail, couriers, monkeypatch):
    monkeypatch.setattr(lines, "IDLE_S", 0.5)
    tell("first")
    sent(1)
    make.until(lambda: mail.open_lines == 0)


@pytest.mark.parametrize("hung_up", ["closed", "said 421"])
def test_when_the_server_has_hung_up_a_new_line_is_opened_and_no_try_is_lost(mail, couriers, hung_up):
    tell("first")
    sent(1)
    if hung_up == "closed":
        mail.controller.loop.call_soon_threadsafe(mail.lines[0].close)
        make.until(lambda: mail.open_lines == 0)
    else:
        replies = iter(["421 4.7.0 too many messages in this session"])
        mail.mail = lambda: next(replies, None)
    tell("second")
    sent(2)
    assert len(mail.lines) == 2
    assert verdicts() == {"taken"}
    assert list(Message.objects.values_list("attempts", flat=True)) == [1, 1]


def test_a_server_that_wants_no_mail_at_all_is_believed_on_a_new_line(mail, couriers):
    tell("first")
    sent(1)
    mail.mail = lambda: "421 4.3.2 shutting down"
    tell("second")
    message = make.until(lambda: Message.objects.filter(state="queued").exclude(note="").first())
    assert "暂停服务" in message.note
    assert message.attempts == 0


def test_a_refused_receiver_takes_nothing_from_the_next_mail(mail, couriers):
    mail.rcpt = lambda address: "550 no such user" if address.startswith("bad") else None
    for name in ("first", "bad", "third"):
        tell(name)
        make.until(lambda name=name: not Message.objects.filter(state__in=["queued", "sending"]).exists())
    assert [got["To"] for got in mail.mails] == ["first@example.cn", "third@example.cn"]
    assert Message.objects.get(state="failed").address == "bad@example.cn"


def test_a_mail_cut_off_while_it_is_taken_is_tried_again_under_the_same_id(mail, couriers):
    tell("first")
    sent(1)

    def cut() -> None:
        if len(mail.mails) == 2:
            mail.lines[-1].close()

    mail.data = cut
    tell("second")
    sent(2)
    repeated = mail.mails[1:]
    assert len({got["Message-ID"] for got in repeated}) == 1
    assert len(repeated) == 2
    assert list(Attempt.objects.order_by("id").values_list("verdict", flat=True)) == [
        "taken",
        "retry",
        "taken",
    ]


def test_told_to_stop_couriers_leave_no_line_open(mail, transactional_db):
    stop = threading.Event()
    working = threading.Thread(target=notify.deliver_until, args=(stop,))
    working.start()
    tell("first")
    sent(1)
    assert mail.open_lines == 1
    stop.set()
    working.join(30)
    make.until(lambda: mail.open_lines == 0)


def test_couriers_say_that_they_work_only_while_the_database_answers_them(mail, monkeypatch):
    monkeypatch.setattr(courier, "_ALIVE_S", 0.05)
    monkeypatch.setattr(courier, "_LOOKED_S", 1.5)
    beats: list[int] = []
    away = threading.Event()

    def asked(channel, **given):
        if away.is_set():
            raise courier.OperationalError("the database is away")
        return []

    monkeypatch.setattr(courier, "claim", asked)
    stop = threading.Event()
    working = threading.Thread(
        target=notify.deliver_until, args=(stop,), kwargs={"alive": lambda: beats.append(1)}
    )
    working.start()
    make.until(lambda: len(beats) > 3)
    away.set()
    make.until(lambda: _quiet(beats))
    away.clear()
    before = len(beats)
    make.until(lambda: len(beats) > before)
    stop.set()
    working.join(30)


def _quiet(beats: list[int]) -> bool:
    before = len(beats)
    threading.Event().wait(0.5)
    return len(beats) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_broken_courier_ends_them_all_so_that_the_process_is_started_anew(mail, monkeypatch):
    def broken(channel, **given):
        if channel == "webhook":
            raise AssertionError("a mistake of ours")
        return []

    monkeypatch.setattr(courier, "claim", broken)
    with pytest.raises(RuntimeError, match="courier"):
        notify.deliver_until(threading.Event())
