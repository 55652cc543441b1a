"""FastAGI over real TCP: an Asterisk's dialogue, and everything that is none."""

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portal import make
from tests.portal.asterisk import Asterisk
from zaitu.hotline.models import Call
from zaitu.portal.ivr import agi
from zaitu.portal.ivr.agi_server import AgiServer
from zaitu.portal.misses import misses

SAY = 'EXEC Espeak "{text}"'


@pytest.fixture
def port(transactional_db):
    misses.blocked.clear()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = AgiServer(host="127.0.0.1", port=0, say=SAY)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield server.port
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def ended(outcome, count=1):
    deadline = time.monotonic() + 10
    while Call.objects.filter(outcome=outcome).count() < count:
        assert time.monotonic() < deadline, list(Call.objects.values_list("outcome", flat=True))
        time.sleep(0.02)


def test_a_whole_call_to_a_person_with_what_the_dialplan_needs(port):
    one = make.shipment()
    call = Asterisk(port, [*f"{one.waybill[2:]}", "2", *"5678", "0"], caller="13700000001").run()
    said = "".join(call.said)
    assert "请输入十三位运单号" in said
    assert "在途，已过武汉" in said
    assert "收货人姓王" in said
    assert said.endswith("正在为您转接人工客服，请稍候。")
    assert call.variables == {
        "ZAITU_THEN": "person",
        "ZAITU_WAYBILL": one.waybill,
        "ZAITU_VERIFIED": "tail",
        "ZAITU_WHY": "asked",
        "ZAITU_SUMMARY": f"运单 {one.waybill}；已核对手机号后四位；问过：状态、签收和位置；来电人要求人工",
    }
    assert Call.objects.get().outcome == "person"


def test_a_star_begins_the_number_anew_and_a_hash_ends_it(port):
    one = make.shipment()
    call = Asterisk(port, [*"99*", *one.waybill[2:], "", "", ""]).run()
    assert "在途" in "".join(call.said)
    call = Asterisk(port, [*"123#"], unique="2").run()
    assert "没有查到这个单号" in "".join(call.said)


def test_a_lone_zero_is_a_person_even_where_a_number_is_awaited(port):
    assert Asterisk(port, ["0", ""]).run().variables["ZAITU_THEN"] == "person"


def test_who_is_silent_after_the_answer_is_hung_up(port):
    one = make.shipment()
    call = Asterisk(port, [*one.waybill[2:]]).run()
    assert call.commands[-1] == "HANGUP"
    ended("served")


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_a_hang_up_at_any_moment_ends_the_call(port, after):
    Asterisk(port, hang_up_after=after).run()
    if after:
        ended("left")
    assert Asterisk(port, ["0", ""], unique="next").run().variables["ZAITU_THEN"] == "person"


def test_an_asterisk_that_says_hangup_in_the_middle_is_believed(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"agi_uniqueid: 7\nagi_callerid: unknown\n\n")
        reader = line.makefile("rb")
        assert reader.readline() == b"ANSWER\n"
        line.sendall(b"200 result=0\n")
        assert reader.readline().startswith(b"EXEC Espeak")
        line.sendall(b"HANGUP\n")
        assert reader.readline() == b""
    ended("left")


def test_an_asterisk_that_cannot_speak_still_hears_keys(port):
    one = make.shipment()
    call = Asterisk(port, [*one.waybill[2:], "0"], speaks=False).run()
    assert call.variables["ZAITU_WAYBILL"] == one.waybill


def test_where_the_database_does_not_answer_the_caller_gets_a_person(port, monkeypatch):
    from django.db import OperationalError

    from zaitu.portal.ivr import agi_server

    def broken(*_args):
        raise OperationalError("gone")

    monkeypatch.setattr(agi_server, "answer", broken)
    assert Asterisk(port).run().variables["ZAITU_THEN"] == "person"


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"agi_uniqueid: 1\n" * 200,
        b"agi_uniqueid: " + b"9" * 5000 + b"\n\n",
        b"agi_callerid: 13812345678\n\n",
        b"agi_uniqueid: 1\nnonsense\n\n",
        b"agi_uniqueid: " + b"9" * 200 + b"\n\n",
        b"agi_uniqueid: \xff\xfe\n\n",
        b"agi_uni",
        b"",
    ],
)
def test_noise_is_dropped_and_the_next_call_is_answered(port, noise):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        while line.recv(4096):
            pass
    assert Asterisk(port, ["0", ""], unique="next").run().variables["ZAITU_THEN"] == "person"


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\n",
        b"200 result=999999999999999999\n",
        b"520-usage\nmore\n520 End\n",
        b"510 no\n",
        b"\n",
        b"2\n",
    ],
)
def test_answers_that_no_asterisk_gives_break_nothing(port, answer):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"agi_uniqueid: 7\n\n")
        reader = line.makefile("rb")
        for _ in range(4):
            if not reader.readline():
                break
            line.sendall(answer)
    assert Asterisk(port, ["0", ""], unique="next").run().variables["ZAITU_THEN"] == "person"


def test_two_hundred_calls_at_once_are_each_answered(port):
    one = make.shipment()

    def ring(number):
        call = Asterisk(port, [*one.waybill[2:], "0"], unique=f"u{number}", caller=f"137{number:08}").run()
        return call.variables.get("ZAITU_WAYBILL") == one.waybill

    with ThreadPoolExecutor(200) as threads:
        assert all(threads.map(ring, range(200)))
    assert Call.objects.filter(outcome="person").count() == 200


@given(text=st.text(max_size=1500))
def test_whatever_is_said_stays_inside_its_line_and_its_quotation_marks(text):
    for command in agi.said(SAY, text):
        assert command.startswith('EXEC Espeak "')
        assert command.count('"') == 2
        assert "\n" not in command
        assert "," not in command
        assert len(command.encode()) <= agi.LINE_MAX


@given(line=st.text(max_size=200))
def test_any_line_is_an_answer_or_refused(line):
    with contextlib.suppress(agi.NotAgi, agi.HungUp):
        assert 100 <= agi.answer_line(line).code <= 999


def test_nothing_of_a_long_text_is_lost():
    text = "请输入运单号，谢谢。" * 100
    assert "".join(one.removeprefix('EXEC Espeak "').removesuffix('"') for one in agi.said(SAY, text)) == text
