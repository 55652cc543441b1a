"""Electronic locks over real sockets: who is let in, what becomes an event, and the right acknowledgement after the commit."""

import json
import socket
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.models import OutboxRow
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.elock import decode
from zaitu.telemetry.codecs.elock.encode import LockEventPlace, LockPlace, event_sentence, position_frame
from zaitu.telemetry.codecs.elock.wire import Head, answer_frame, own_frame
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.models import LockMemory, Position, Quarantine, Terminal, UnknownTerminal

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = json.loads((Path(__file__).parent / "data" / "elock.json").read_text("utf-8"))["vectors"]
CLOSED, OPEN = 0x20E0, 0x2060
"""Motor locked or not, string in, cover closed, and an acknowledgement wanted."""


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH, elock_port=0) as one:
        yield one


_wires: list["LockWire"] = []


@pytest.fixture(autouse=True)
def _closed():
    yield
    while _wires:
        _wires.pop().socket.close()


class LockWire:
    """A lock's socket."""

    def __init__(self, port: int) -> None:
        _wires.append(self)
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self._held = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, end: bytes = b")", timeout_s: float = 10.0) -> bytes:
        """The next sentence; with `end` 7e the next frame. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while (at := self._held.find(end, 1)) < 0:
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError("closed by the gateway")
            self._held += data
        told, self._held = self._held[: at + 1], self._held[at + 1 :]
        return told

    def silent(self, seconds: float = 0.4) -> bool:
        with pytest.raises(TimeoutError):
            self.answer(timeout_s=seconds)
        return True


def lock_in(number: str) -> int:
    """Let a lock in; its vehicle."""
    car = make.vehicle()
    telemetry.terminal_create(
        actor=make.ACTOR,
        terminal=number,
        kind="elock",
        plate=car.plate,
        from_at=clock.now() - timedelta(days=30),
    )
    return car.id


@pytest.fixture
def lock(gateway):
    """A lock that is let in, and connected."""
    one = LockWire(gateway.lock_port.port)
    one.number = "8800001234"
    one.vehicle_id = lock_in(one.number)
    return one


def frame(number, at, status=CLOSED, *, index=7, **more):
    return position_frame(number, LockPlace(time=at, lat=31.2, lon=121.4, status=status), index=index, **more)


def told():
    return [
        (one.body["event"], one.body["alarm"])
        for one in OutboxRow.objects.filter(name="telemetry.lock_reported").order_by("id")
    ]


def test_a_report_is_stored_in_utc_and_then_acknowledged_with_its_index(lock):
    at = clock.now().replace(microsecond=0)
    lock.send(frame(lock.number, at, index=0x21))
    assert lock.answer() == b"(P69,0,33)"
    # Acknowledged means stored.
    row = Position.objects.get()
    assert (row.vehicle_id, row.at, row.lock_closed, row.lock_events) == (lock.vehicle_id, at, True, None)
    assert (row.lat, row.lon) == pytest.approx((31.2, 121.4), abs=1e-6)
    assert row.extra["status_word"] == "20e0"
    assert Terminal.objects.get(terminal=lock.number).last_seen_at is not None


def test_an_old_lock_is_answered_in_its_own_words(lock):
    lock.send(frame(lock.number, clock.now(), protocol=0x17))
    assert lock.answer() == b"(P35)"


def test_a_report_sent_again_is_acknowledged_again_and_stored_once(lock):
    at = clock.now().replace(microsecond=0)
    for index in (1, 2):
        lock.send(frame(lock.number, at, index=index))
        assert lock.answer() == b"(P69,0,%d)" % index
    assert Position.objects.count() == 1


def test_opening_and_closing_become_events_that_rules_hear_and_rows_keep(lock):
    start = clock.now().replace(microsecond=0) - timedelta(minutes=10)
    for minute, status in enumerate((CLOSED, CLOSED, OPEN, OPEN, CLOSED)):
        lock.send(frame(lock.number, start + timedelta(minutes=minute), status, index=minute))
        assert lock.answer() == b"(P69,0,%d)" % minute
    kept = [LockEvent(row.lock_events or 0) for row in Position.objects.order_by("at")]
    assert kept == [LockEvent(0), LockEvent(0), LockEvent.OPENED, LockEvent(0), LockEvent.CLOSED]
    # Without a trip nothing says where it may not be opened.
    assert told() == [("opened", False), ("closed", False)]


def test_a_lock_that_was_opened_while_no_gateway_ran_is_known_to_have_been(lock):
    start = clock.now().replace(microsecond=0) - timedelta(minutes=10)
    lock.send(frame(lock.number, start, CLOSED))
    assert lock.answer()
    assert LockMemory.objects.get().closed is True
    with make.gateway(settings.ZAITU_BUS_PATH, elock_port=0, number=2) as other:
        wire = LockWire(other.lock_port.port)
        wire.send(frame(lock.number, start + timedelta(minutes=5), OPEN))
        assert wire.answer()
    assert Position.objects.order_by("-at")[0].lock_events == LockEvent.OPENED
    assert LockMemory.objects.get().closed is False


def test_old_reports_from_a_locks_memory_change_nothing_of_how_it_is(lock):
    now = clock.now().replace(microsecond=0)
    lock.send(frame(lock.number, now, CLOSED))
    assert lock.answer()
    lock.send(frame(lock.number, now - timedelta(hours=1), OPEN, data_type=3))
    assert lock.answer()
    lock.send(frame(lock.number, now + timedelta(seconds=30), CLOSED))
    assert lock.answer()
    assert [row.lock_events for row in Position.objects.all()] == [None] * 3
    assert LockMemory.objects.get().closed is True


def test_who_tried_to_open_it_is_kept_and_told(lock):
    at = clock.now().replace(microsecond=0)
    place = LockPlace(time=at, lat=31.2, lon=121.4)
    wrong = LockEventPlace(place=place, source=2, card="0012260888")
    lock.send(event_sentence(lock.number, wrong, index=19))
    assert lock.answer() == b"(P69,0,19)"
    row = Position.objects.get()
    assert row.lock_events == LockEvent.UNAUTHORISED_CARD
    assert (row.extra["lock_card"], row.extra["lock_source"]) == ("0012260888", "unauthorised_card")
    assert told() == [("unauthorised_card", True)]


def test_a_cut_string_at_the_same_place_and_second_is_its_own_report(lock):
    at = clock.now().replace(microsecond=0)
    for status in (CLOSED, CLOSED | 1 << 3):
        lock.send(frame(lock.number, at, status))
        assert lock.answer()
    assert sorted(row.lock_events or 0 for row in Position.objects.all()) == [0, LockEvent.CUT]
    assert told() == [("cut", True)]


def test_frames_in_pieces_and_together_with_garbage_between_are_all_taken(lock):
    start = clock.now().replace(microsecond=0) - timedelta(minutes=5)
    stream = b"\r\n".join(frame(lock.number, start + timedelta(seconds=n), index=n) for n in range(20))
    stream = b"hello" + stream
    for at in range(0, len(stream), 100):
        lock.send(stream[at : at + 100])
    assert [lock.answer() for _ in range(20)] == [b"(P69,0,%d)" % n for n in range(20)]
    assert Position.objects.count() == 20


def test_a_lock_that_asks_for_the_time_is_told_it_in_utc(lock):
    lock.send(f"({lock.number},P22)".encode())
    told_at = datetime.strptime(lock.answer().decode(), "(P22,%d%m%y%H%M%S)").replace(tzinfo=UTC)
    assert abs(told_at - clock.now()) < timedelta(seconds=10)


def test_a_stranger_is_listed_as_a_lock_not_answered_and_let_in_as_one(gateway):
    wire, at = LockWire(gateway.lock_port.port), clock.now().replace(microsecond=0)
    wire.send(frame("7700001111", at))
    assert wire.silent()
    row = UnknownTerminal.objects.get()
    assert (row.terminal, row.kind) == ("7700001111", "elock")
    assert Quarantine.objects.get().reason == "unauthenticated"
    telemetry.terminal_adopt(actor=make.ACTOR, terminal="7700001111", plate=make.vehicle().plate)
    assert Terminal.objects.get().kind == "elock"
    wire.send(frame("7700001111", at))
    assert wire.answer() == b"(P69,0,7)"
    assert Position.objects.count() == 1


def test_a_jt808_terminal_is_no_lock_and_one_lock_does_not_speak_for_another(gateway, lock):
    tracker, _, _ = make.terminal()
    wire = LockWire(gateway.lock_port.port)
    wire.send(frame(tracker[-10:], clock.now()))
    assert wire.silent()
    lock_in("8800009999")
    lock.send(frame(lock.number, clock.now()))
    assert lock.answer()
    lock.send(frame("8800009999", clock.now()))
    assert lock.silent()
    assert Position.objects.count() == 1


def test_a_second_connection_of_a_lock_closes_the_first(gateway, lock):
    lock.send(frame(lock.number, clock.now()))
    assert lock.answer()
    again = LockWire(gateway.lock_port.port)
    again.send(frame(lock.number, clock.now() + timedelta(seconds=1)))
    assert again.answer()
    with pytest.raises((ConnectionError, OSError)):
        lock.answer(timeout_s=5)


def test_who_never_says_anything_useful_is_cut_off():
    with make.gateway(settings.ZAITU_BUS_PATH, elock_port=0, authenticate_s=0.5, junk_bytes=100) as gateway:
        quiet, noisy = LockWire(gateway.lock_port.port), LockWire(gateway.lock_port.port)
        noisy.send(b"x" * 200)
        for wire in (noisy, quiet):
            with pytest.raises(ConnectionError):
                wire.answer(timeout_s=5)


RECORDED = [row for row in ROWS if row["hex"] and row["kind"] in {"verifyPosition", "verifyPositions"}]


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_recorded_frames_are_stored_and_answered(gateway, number):
    content = bytes.fromhex(RECORDED[number]["hex"])
    report = decode(content)
    lock_in(report.device)
    wire = LockWire(gateway.lock_port.port)
    # The question for the time is answered after what came before it.
    wire.send(content + f"({report.device},P22)".encode())
    answers = [wire.answer()]
    while not answers[-1].startswith(b"(P22,"):
        answers.append(wire.answer())
    assert answers[:-1] == ([] if report.reply is None else [report.reply])
    stored = Position.objects.count() + Quarantine.objects.filter(reason="clock").count()
    assert stored == len({(fix.time, fix.digest) for fix in report.fixes})
    kept = Position.objects.exclude(lock_events=None).first()
    assert LockEvent(kept.lock_events if kept else 0) == report.fixes[0].lock_events


# On the 808 wire

WIRE = "7e55018c418560090010174701022106242122348476113550490700001c06000000074e0000000000000308100000100102020200000a030000000b0803363839363037650c0600000001000afa7e"


def own(number, at, *, serial=71, wants_answer=True, status=0):
    """A 0x5501 as of the recorded one, at another time."""
    body = bytearray(bytes.fromhex(WIRE)[12:-2])
    body[:6] = bytes.fromhex(at.strftime("%d%m%y%H%M%S"))
    body[31:33] = struct.pack(">H", status)
    head = Head(
        msg_id=0x5501, phone_bcd=bytes.fromhex(number.zfill(12)), serial=serial, wants_answer=wants_answer
    )
    return own_frame(head, bytes(body)), answer_frame(head)


@pytest.mark.parametrize("port", ["jt808", "elock"])
def test_a_lock_on_the_808_wire_is_answered_under_its_one_byte_serial(gateway, port):
    number = "856009001017"
    vehicle_id = lock_in(number)
    wire = LockWire(gateway.port if port == "jt808" else gateway.lock_port.port)
    at = clock.now().replace(microsecond=0)
    asked, answer = own(number, at)
    wire.send(asked)
    assert wire.answer(b"\x7e") == answer
    row = Position.objects.get()
    assert (row.vehicle_id, row.at) == (vehicle_id, at)
    assert LockMemory.objects.count() == int(row.lock_closed is not None)
    wire.send(asked)
    assert wire.answer(b"\x7e") == answer
    assert Position.objects.count() == 1


def test_a_strange_lock_on_the_808_wire_is_listed_and_not_answered(gateway):
    wire = LockWire(gateway.port)
    wire.send(own("856009001017", clock.now())[0])
    assert wire.silent()
    assert UnknownTerminal.objects.get().kind == "elock"
    assert not Position.objects.exists()


def test_a_locks_number_does_not_open_jt808_to_anybody(gateway):
    """Its own messages are believed by number; positions of JT/T 808 still want a code."""
    lock_in("856009001017")
    wire = make.Wire(gateway.port, "856009001017")
    wire.send(own("856009001017", clock.now(), wants_answer=False)[0])
    assert wire.result(wire.uplink.position(make.place(clock.now()))) == 1
