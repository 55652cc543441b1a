"""A line to an operator's gateway, CMPP 2.0, CMPP 3.0 and SMPP alike: kept up, a window, long SMS, receipts acknowledged once kept."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError

from tests.notify import make
from tests.notify.operator_server import Reaction, running
from tests.notify.operators import DIALECTS, LONG, PHONE, SHORT, Ear, gateway_of, parcel, sending, use
from zaitu.notify.channels.operators import kept
from zaitu.notify.channels.operators import line as lines
from zaitu.notify.channels.operators import send as sends
from zaitu.notify.channels.operators import session as sessions
from zaitu.notify.domain.delivery import Verdict
from zaitu.notify.models import SmsPart

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=DIALECTS)
def gateway(request, settings, monkeypatch):
    settings.ZAITU_SMS_SIGN = "顺驰物流"
    monkeypatch.setattr(lines, "PAUSE_FIRST_S", 0.1)
    monkeypatch.setattr(lines, "SLOW_DOWN_S", (0.05, 0.05, 0.05))
    with running(gateway_of(request.param)) as found:
        use(settings, found)
        yield found


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def sender(gateway, settings, ear):
    with sending(settings, ear) as found:
        make.until(lambda: gateway.open_lines)
        yield found


# Messages


def test_a_message_is_taken_with_its_name_and_signature(gateway, sender):
    answer = sender(parcel())
    assert (answer.verdict, answer.ref, answer.parts) == (Verdict.TAKEN, gateway.got[0].ref, 1)
    assert gateway.got[0].text == f"【顺驰物流】{SHORT}"
    assert gateway.got[0].to.removeprefix("86") == PHONE


def test_a_long_message_goes_in_parts_of_67_and_is_named_by_the_last(gateway, sender):
    sent = parcel(LONG)
    answer = sender(sent)
    assert (answer.verdict, answer.parts, answer.ref) == (Verdict.TAKEN, 3, gateway.got[-1].ref)
    assert [(got.number, got.total, len(got.content)) for got in gateway.got] == [
        (1, 3, 140),
        (2, 3, 140),
        (3, 3, 86),
    ]
    assert {got.content[3] for got in gateway.got} == {int(sent.id[-2:], 16)}
    assert "".join(got.text for got in gateway.got) == f"【顺驰物流】{LONG}"


def test_no_character_outside_the_basic_plane_is_cut_in_two(gateway, sender):
    text = "货" * 60 + "🚚" * 40
    sender(parcel(text))
    assert [len(got.content) for got in gateway.got] == [138, 138, 34], (
        "66 units, where a 67th would be half a truck"
    )
    assert "".join(got.text for got in gateway.got) == f"【顺驰物流】{text}"


@pytest.mark.parametrize("address", ["02161234567", "4008123456", "02161234567-805"])
def test_a_number_without_sms_is_told_without_asking_the_gateway(gateway, sender, address):
    assert sender(parcel(address=address)).verdict is Verdict.NEVER
    assert gateway.got == []


def test_a_message_of_more_than_ten_parts_is_refused_before_any_is_sent(gateway, sender):
    answer = sender(parcel("长" * 700))
    assert (answer.verdict, answer.reason) == (Verdict.NEVER, "length")
    assert gateway.got == []


def test_sixteen_hands_share_one_line_and_its_window_is_never_exceeded(gateway, settings, ear):
    use(settings, gateway, window=5)
    gateway.react = lambda _got: Reaction(delay_s=0.02)
    with sending(settings, ear) as sender, ThreadPoolExecutor(16) as hands:
        answers = list(hands.map(lambda _: sender(parcel()), range(100)))
    assert {answer.verdict for answer in answers} == {Verdict.TAKEN}
    assert len({answer.ref for answer in answers}) == len(gateway.got) == 100
    assert gateway.widest == 5
    assert len(gateway.binds) == 1


def test_answers_out_of_order_reach_the_message_they_belong_to(gateway, sender):
    gateway.react = lambda got: Reaction(delay_s=0.3 if got.text.endswith("0") else 0.0)
    with ThreadPoolExecutor(16) as hands:
        answers = list(hands.map(lambda n: sender(parcel(f"第{n}")), range(20)))
    refs = {got.text: got.ref for got in gateway.got}
    assert [answer.ref for answer in answers] == [refs[f"【顺驰物流】第{n}"] for n in range(20)]


def test_no_more_messages_a_second_leave_than_are_allowed(gateway, settings, ear):
    settings_rate = gateway.url.replace("rate=0", "rate=40")
    settings.ZAITU_CMPP_URL = settings.ZAITU_SMPP_URL = settings_rate
    with sending(settings, ear) as sender, ThreadPoolExecutor(16) as hands:
        make.until(lambda: gateway.open_lines)
        began = time.monotonic()
        list(hands.map(lambda _: sender(parcel()), range(21)))
        assert time.monotonic() - began >= 20 / 40


# The gateway slow, silent, broken


def test_a_busy_gateway_is_left_alone_a_moment_and_asked_again(gateway, sender):
    throttled = 0x58 if gateway.header == 16 else 8
    busy = iter([throttled, throttled])
    gateway.react = lambda _got: Reaction(code=next(busy, 0))
    assert sender(parcel()).verdict is Verdict.TAKEN
    assert len(gateway.got) == 3


def test_a_gateway_that_stays_busy_pauses_the_way(gateway, sender):
    throttled = 0x58 if gateway.header == 16 else 8
    gateway.react = lambda _got: Reaction(code=throttled)
    answer = sender(parcel())
    assert (answer.verdict, answer.rests, answer.code) == (Verdict.PAUSE, True, throttled)
    assert len(gateway.got) == 4


def test_a_message_without_an_answer_is_tried_again_and_keeps_its_place_in_the_window(
    gateway, settings, ear, monkeypatch
):
    monkeypatch.setattr(sends, "TIMEOUT_S", 0.3)
    use(settings, gateway, window=2)
    gateway.react = lambda _got: Reaction(silent=True)
    with sending(settings, ear) as sender:
        make.until(lambda: gateway.open_lines)
        first, second = sender(parcel()), sender(parcel())
        assert (
            (first.verdict, first.reason) == (second.verdict, second.reason) == (Verdict.RETRY, "unanswered")
        )
        third = sender(parcel())
    assert (third.verdict, third.note) == (Verdict.PAUSE, "短信网关来不及应答，排队超时")
    assert len(gateway.got) == 2


def test_what_nobody_answers_frees_its_place_in_the_end(gateway, settings, ear, monkeypatch):
    monkeypatch.setattr(sends, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(sessions, "FORGOTTEN_S", 0.3)
    use(settings, gateway, window=1, beat=1)
    gateway.react = lambda _got: Reaction(silent=True)
    with sending(settings, ear) as sender:
        make.until(lambda: gateway.open_lines)
        sender(parcel())
        gateway.react = lambda _got: Reaction()
        make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)


def test_a_line_that_breaks_while_a_message_waits_leaves_it_unknown_and_is_opened_again(gateway, sender):
    gateway.react = lambda _got: Reaction(hang_up="before")
    answer = sender(parcel())
    assert (answer.verdict, answer.note) == (Verdict.RETRY, "等待应答时连接中断，可能已接收")
    gateway.react = lambda _got: Reaction()
    make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)
    assert len(gateway.binds) == 2


def test_a_gateway_that_is_away_pauses_the_way_at_once_and_is_found_when_it_is_back(gateway, sender):
    gateway.stop()
    make.until(lambda: sender(parcel()).note == "连接不上短信网关")
    began = time.monotonic()
    answer = sender(parcel())
    assert (answer.verdict, answer.rests) == (Verdict.PAUSE, True)
    assert answer.retry_after_s is not None
    assert time.monotonic() - began < 0.5
    gateway.start()
    make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)


def test_a_refused_sign_in_pauses_the_way_and_says_why(gateway, settings, ear):
    gateway.bind_code = 0x0E if gateway.header == 16 else 3
    with sending(settings, ear) as sender:
        make.until(lambda: gateway.binds)
        answer = sender(parcel())
        assert (answer.verdict, answer.rests) == (Verdict.PAUSE, True)
        assert "密码" in answer.note
        assert answer.retry_after_s > 20, "gateways lock accounts that try too often"
    assert gateway.got == []


def test_a_wrong_secret_is_refused_by_the_gateway_itself(gateway, settings, ear):
    settings.ZAITU_CMPP_URL = settings.ZAITU_SMPP_URL = gateway.url.replace(":888888@", ":x@").replace(
        ":pw123456@", ":x@"
    )
    with sending(settings, ear) as sender:
        assert "密码" in sender(parcel()).note


def test_octets_that_are_no_pdu_end_the_line_and_a_new_one_is_opened(gateway, sender):
    gateway.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    make.until(lambda: len(gateway.binds) == 2)
    make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)


def test_a_pdu_that_comes_octet_by_octet_is_read(gateway, sender, ear):
    octets = gateway.deliver(gateway.lines[-1], src=f"86{PHONE}", content=b"ok")
    for octet in octets:
        gateway.say(bytes([octet]))
    make.until(lambda: ear.texts)


def test_whatever_comes_over_the_line_leaves_it_usable(gateway, sender):
    chance = random.Random(808)
    for _ in range(40):
        gateway.say(chance.randbytes(chance.randrange(1, 200)))
        body = chance.randbytes(chance.randrange(0, 120))
        command = chance.choice([1, 2, 4, 5, 6, 8, 9, 0x15]) | chance.choice([0, 0x8000_0000])
        status = b"" if gateway.header == 12 else bytes(4)
        head = (gateway.header + len(body)).to_bytes(4, "big") + command.to_bytes(4, "big") + status
        gateway.say(head + chance.randbytes(4) + body)
        time.sleep(0.005)
    make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN, within_s=20)
    gateway.problems.clear()  # answers to what was never asked are the simulator's doing


def test_a_gateway_too_slow_for_all_parts_gets_the_rest_at_the_next_try(gateway, sender, monkeypatch):
    monkeypatch.setattr(sends, "TIMEOUT_S", 0.5)
    gateway.react = lambda _got: Reaction(delay_s=0.22)
    sent = parcel(LONG)
    first = sender(sent)
    assert (first.verdict, first.reason) in {(Verdict.RETRY, "slow"), (Verdict.RETRY, "unanswered")}
    gateway.react = lambda _got: Reaction()
    assert sender(sent).verdict is Verdict.TAKEN
    assert [got.number for got in gateway.got][:2] == [1, 2]
    assert len(gateway.got) <= 4


# The line itself


def test_a_silent_line_is_tested_and_stays_as_long_as_it_is_answered(gateway, settings, ear):
    use(settings, gateway, beat=1)
    with sending(settings, ear):
        make.until(lambda: gateway.pings >= 2)
        assert gateway.open_lines == 1
        assert len(gateway.binds) == 1


def test_a_line_that_answers_no_test_is_opened_again(gateway, settings, ear):
    gateway.answers_pings = False
    use(settings, gateway, beat=1)
    with sending(settings, ear):
        make.until(lambda: len(gateway.binds) == 2, within_s=15)
    assert gateway.pings >= 2


def test_the_gateways_own_test_is_answered(gateway, sender):
    gateway.say(gateway.ping(gateway.lines[-1]))
    make.until(lambda: gateway.pongs == 1)


def test_closing_signs_off_within_a_second(gateway, settings, ear):
    with sending(settings, ear) as sender:
        make.until(lambda: gateway.open_lines)
        began = time.monotonic()
        sender.close()
        assert time.monotonic() - began < 1
        assert gateway.byes == 1
        assert sender(parcel()).verdict is Verdict.PAUSE
    make.until(lambda: not gateway.open_lines)


def test_closing_takes_no_longer_when_the_gateway_is_away(gateway, settings, ear):
    gateway.stop()
    with sending(settings, ear) as sender:
        sender(parcel())
        began = time.monotonic()
        sender.close()
        assert time.monotonic() - began < 1
    gateway.start()


# Receipts and texts


def test_a_receipt_is_heard_and_acknowledged(gateway, sender, ear):
    ref = sender(parcel()).ref
    (receipt,) = make.until(lambda: ear.receipts)
    assert (receipt.ref, receipt.delivered, receipt.code) == (ref, True, "DELIVRD")
    assert receipt.at.isoformat() == "2026-11-22T07:30:00+00:00"
    make.until(lambda: len(gateway.acks) == 1)
    assert gateway.acks[0][1] == 0


def test_a_receipt_is_acknowledged_only_after_it_has_been_kept(gateway, sender, ear, monkeypatch):
    monkeypatch.setattr(sessions, "_HEAR_AGAIN_S", 0.05)
    ear.broken.set()
    sender(parcel())
    make.until(lambda: ear.calls >= 3)
    assert gateway.acks == []
    assert sender(parcel()).verdict is Verdict.TAKEN, "messages go on meanwhile"
    ear.broken.clear()
    make.until(lambda: len(gateway.acks) == 2)
    assert len(ear.receipts) == 2


def test_a_failed_receipt_says_why(gateway, sender, ear):
    gateway.react = lambda _got: Reaction(receipt="UNDELIV")
    sender(parcel())
    (receipt,) = make.until(lambda: ear.receipts)
    assert (receipt.delivered, receipt.code[:7]) == (False, "UNDELIV")
    assert receipt.note.startswith("无法送达")


def test_a_receipt_that_tells_nothing_final_is_acknowledged_and_left(gateway, sender, ear):
    gateway.react = lambda _got: Reaction(receipt="ACCEPTD")
    sender(parcel())
    make.until(lambda: len(gateway.acks) == 1)
    assert ear.receipts == []


def test_receipts_before_the_answer_and_repeated_ones_are_heard(gateway, sender, ear):
    gateway.react = lambda _got: Reaction(receipt_first=True, receipts=3)
    ref = sender(parcel()).ref
    make.until(lambda: len(gateway.acks) == 3)
    assert [one.ref for one in ear.receipts] == [ref] * 3


def test_a_text_from_a_phone_is_handed_on_in_our_spelling(gateway, sender, ear):
    coded = {"coding": 8} if gateway.header == 16 else {"fmt": 8}
    octets = gateway.deliver(
        gateway.lines[-1], src=f"86{PHONE}", content="退订\0".encode("utf-16-be"), **coded
    )
    gateway.say(octets)
    (text,) = make.until(lambda: ear.texts)
    assert (text.address, text.text) == (PHONE, "退订")
    assert text.ref
    make.until(lambda: len(gateway.acks) == 1)


def test_what_cannot_be_read_is_refused_and_the_line_goes_on(gateway, sender, ear):
    if gateway.header == 16:
        octets = gateway._pdu(5, 9, b"\0\1")
    else:
        octets = gateway.deliver(gateway.lines[-1], src=PHONE, content=b"x" * 59, registered=1)
    gateway.say(octets)
    make.until(lambda: gateway.acks)
    assert gateway.acks[0][1] != 0
    assert sender(parcel()).verdict is Verdict.TAKEN
    assert len(gateway.binds) == 1


# Parts that were taken are not sent again


def test_a_repeat_of_a_long_message_sends_only_the_parts_that_were_not_taken(gateway, settings, sender, ear):
    sent = parcel(LONG)
    gateway.react = lambda got: Reaction(hang_up="before" if got.number == 2 else "")
    assert sender(sent).verdict is Verdict.RETRY
    gateway.react = lambda _got: Reaction()
    with sending(settings, ear) as other:  # another process would know as much
        answer = other(sent)
        assert answer.verdict is Verdict.TAKEN
        assert [got.number for got in gateway.got] == [1, 2, 2, 3]
        assert answer.ref == gateway.got[-1].ref
        # Killed between the answer and its record, it is asked once more.
        assert other(sent).ref == answer.ref
    assert len(gateway.got) == 4
    assert SmsPart.objects.count() == 3


def test_a_part_is_written_down_although_the_database_is_away_for_a_moment(gateway, sender, monkeypatch):
    failures = iter([1, 1])
    write = SmsPart.objects.bulk_create

    def away(*given, **known):
        if next(failures, 0):
            raise OperationalError("away")
        return write(*given, **known)

    monkeypatch.setattr(SmsPart.objects, "bulk_create", away)
    monkeypatch.setattr(kept, "_AGAIN_S", 0.01)
    assert sender(parcel(LONG)).verdict is Verdict.TAKEN
    assert SmsPart.objects.count() == 3


def test_another_text_of_the_same_message_is_sent_whole(gateway, sender):
    sent = parcel(LONG)
    sender(sent)
    sender(parcel(LONG[:-1], pk=sent.id))
    assert len(gateway.got) == 6


def test_a_part_that_is_refused_ends_the_message(gateway, sender):
    bad_number = 0x0B if gateway.header == 16 else 13
    gateway.react = lambda got: Reaction(code=bad_number if got.number == 2 else 0)
    answer = sender(parcel(LONG))
    assert (answer.verdict, answer.code) == (Verdict.NEVER, bad_number)
    assert len(gateway.got) == 2


def test_many_hands_and_lines_that_break_all_the_time_leave_no_hand_waiting(gateway, sender):
    reactions = iter(range(1000))
    gateway.react = lambda _got: Reaction(
        hang_up="before" if next(reactions) % 10 == 9 else "", delay_s=0.005
    )
    done = []

    def hand() -> None:
        done.extend(sender(parcel()).verdict for _ in range(10))

    hands = [threading.Thread(target=hand) for _ in range(16)]
    for one in hands:
        one.start()
    for one in hands:
        one.join(30)
        assert not one.is_alive()
    assert len(done) == 160
    assert Verdict.TAKEN in done
    assert Verdict.NEVER not in done
