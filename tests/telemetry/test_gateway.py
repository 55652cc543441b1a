"""Real sockets: who may speak, what is answered, and when."""

import asyncio
import struct
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DataError

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.models import OutboxRow
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters import positions
from zaitu.telemetry.codecs.jt808 import encode
from zaitu.telemetry.codecs.jt808.encode import Registration
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.gateway.server import Gateway, Setup
from zaitu.telemetry.models import Position, Quarantine, Terminal, UnknownTerminal, VehicleState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("version", ["2011", "2013", "2019"])
def test_a_terminal_registers_authenticates_and_reports(gateway, version):
    number, vehicle_id, _ = make.terminal()
    wire = make.Wire(gateway.port, number, version)
    wire.sign_in(Registration(maker="BSJ", model="GF-06", terminal_id="A1", plate="沪A00001"))
    now = clock.now().replace(microsecond=0)
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert wire.result(wire.uplink.position(make.place(now, 30.6, 114.3))) == 0
    # Acknowledged means stored.
    assert Position.objects.filter(vehicle_id=vehicle_id, at=now, lat=30.6).count() == 1
    old = [make.place(now - timedelta(minutes=minute)) for minute in range(1, 60)]
    for told in wire.uplink.batches(old):
        assert wire.result(told) == 0
    assert Position.objects.count() == 60
    row = Terminal.objects.get(terminal=number)
    assert (row.version, row.maker, row.model, row.device_id) == (version, "BSJ", "GF-06", "A1")
    assert wire.result(wire.uplink.logout()) == 0
    assert wire.closed_within(5)


def test_answers_echo_phone_and_form_and_are_numbered(gateway):
    number, _, _ = make.terminal()
    wire = make.Wire(gateway.port, number, "2019")
    first = wire.ask(wire.uplink.register(Registration()))
    second = wire.ask(wire.uplink.authenticate(first.fields["auth"]))
    third = wire.ask(wire.uplink.heartbeat())
    assert [answer.header.serial for answer in (first, second, third)] == [0, 1, 2]
    assert {answer.header.protocol for answer in (first, second, third)} == {1}
    assert first.header.phone_padded == number.zfill(20)
    assert (first.header.msg_id, second.header.msg_id) == (0x8100, 0x8001)
    assert second.fields == {"reply_serial": 1, "reply_id": "0x0102", "result": 0}


def test_a_stranger_is_refused_listed_and_told_of(gateway):
    wire = make.Wire(gateway.port, "13900001111")
    answer = wire.ask(wire.uplink.register(Registration(maker="ABC", terminal_id="9", plate="京A12345")))
    assert answer.fields == {"reply_serial": 0, "result": 4, "auth": ""}
    assert wire.result(wire.uplink.authenticate("guess")) == 1
    row = UnknownTerminal.objects.get()
    assert (row.terminal, row.maker, row.reported_plate, row.attempts) == (
        "13900001111",
        "ABC",
        "京A12345",
        2,
    )
    assert OutboxRow.objects.filter(name="telemetry.terminal_seen").count() == 1
    car = make.vehicle()
    telemetry.terminal_adopt(actor=make.ACTOR, terminal="013900001111", plate=car.plate)
    assert telemetry.unknown_terminals(actor=make.ACTOR) == []
    assert wire.sign_in(Registration(terminal_id="9"))


def test_fixes_before_authentication_are_set_aside_and_answered_1(wire):
    told = wire.uplink.position(make.place(clock.now()))
    assert wire.result(told) == 1
    assert wire.result(wire.uplink.heartbeat()) == 1
    assert Position.objects.count() == 0
    row = Quarantine.objects.get()
    assert (row.reason, row.terminal) == ("unauthenticated", wire.uplink.phone)
    assert wrap_of(bytes(row.content)) == told[1]
    wire.sign_in()
    assert wire.result(told) == 0
    assert Position.objects.count() == 1


def wrap_of(content):
    return b"\x7e" + content + b"\x7e"


def test_a_wrong_code_is_answered_1_and_five_of_them_close(wire):
    wire.sign_in()
    other = make.Wire(wire.socket.getpeername()[1], wire.uplink.phone)
    for _ in range(5):
        assert other.result(other.uplink.authenticate("0000000000000000")) == 1
    assert other.closed_within(5)
    assert wire.result(wire.uplink.heartbeat()) == 0


def test_a_new_registration_makes_the_old_code_void(wire):
    first = wire.sign_in(Registration(terminal_id="T1"))
    assert wire.sign_in(Registration(terminal_id="T1")) != first
    assert wire.result(wire.uplink.authenticate(first)) == 1
    assert first not in Terminal.objects.values_list("auth_code_hash", flat=True)


def test_a_code_authenticates_on_a_later_connection_in_either_form(gateway, wire):
    code = wire.sign_in()
    long = make.Wire(gateway.port, wire.uplink.phone, "2019")
    assert long.result(long.uplink.authenticate(code)) == 0
    # Some terminals send the old body under the new header.
    bare = encode.authenticate_body(code, "2013")
    assert long.result(long.uplink.frame(0x0102, bare)) == 0


def test_registrations_are_refused_for_the_reasons_of_the_standard(gateway, wire):
    wire.sign_in(Registration(terminal_id="MINE"))
    thief = wire.uplink.register(Registration(terminal_id="OTHER"))
    assert wire.result(thief) == 3
    telemetry.terminal_reset(actor=make.ACTOR, terminal=wire.uplink.phone)
    assert wire.sign_in(Registration(terminal_id="OTHER"))

    number, _, _ = make.terminal()
    taken = Terminal.objects.get(terminal=wire.uplink.phone).plate
    other = make.Wire(gateway.port, number)
    assert other.result(other.uplink.register(Registration(plate=taken))) == 1
    network.terminal_unbind(actor=make.ACTOR, terminal=number, at=clock.now())
    assert other.result(other.uplink.register(Registration(plate=""))) == 2


def test_one_number_may_not_speak_for_another_on_its_connection(wire):
    wire.sign_in()
    number, _, _ = make.terminal()
    stolen = encode.Uplink(number)
    assert wire.result(stolen.position(make.place(clock.now()))) == 1
    assert Position.objects.count() == 0


def test_unknown_messages_and_rsa_are_answered_3_and_replies_are_not_answered(wire):
    wire.sign_in()
    assert wire.result(wire.uplink.frame(0x0F01, b"abc")) == 3
    phone = bytes.fromhex(wire.uplink.phone.zfill(12))
    assert wire.result((78, wrap(struct.pack(">HH6sH", 0x0200, 28 | 0x0400, phone, 78) + bytes(28)))) == 3
    wire.send(wire.uplink.frame(0x0001, struct.pack(">HHB", 0, 0x8300, 0))[1])
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert Position.objects.count() == 0


def test_a_short_position_is_answered_2(wire):
    wire.sign_in()
    assert wire.result(wire.uplink.frame(0x0200, bytes(20))) == 2


def test_garbage_halves_overlong_and_shared_delimiters_do_not_cost_the_good_frames(wire):
    wire.sign_in()
    now = clock.now()
    good = [wire.uplink.position(make.place(now - timedelta(seconds=second)))[1] for second in range(4)]
    spoiled = bytearray(wire.uplink.position(make.place(now))[1])
    spoiled[20] ^= 0x01
    stream = (
        b"\x00garbage"
        + good[0]
        + good[1][1:]  # shares its delimiter with the frame before
        + b"\x7e\x7e\x7e"
        + b"\x7e"
        + bytes(5000)  # longer than any frame
        + b"\x7e"
        + bytes(spoiled)
        + b"half a frame"
        + good[2]
        + b"\x7e"  # a stray delimiter
        + good[3]
    )
    for at in range(0, len(stream), 7):
        wire.send(stream[at : at + 7])
    assert [wire.receive().fields["result"] for _ in range(4)] == [0, 0, 0, 0]
    assert Position.objects.count() == 4


def test_a_clock_in_2007_or_in_the_future_does_not_stop_the_connection(wire):
    wire.sign_in()
    for claimed in ("2007-01-13T10:00:00", "2040-01-01T00:00:00"):
        assert wire.result(wire.uplink.position(make.place(make.moment(claimed)))) == 0
    assert wire.result(wire.uplink.position(make.place(clock.now()))) == 0
    assert Position.objects.count() == 3


def test_a_duplicate_is_acknowledged_again_and_stored_once(wire):
    wire.sign_in()
    place = make.place(clock.now())
    told = wire.uplink.position(place)
    assert [wire.result(told), wire.result(told), wire.result(wire.uplink.position(place))] == [0, 0, 0]
    assert Position.objects.count() == 1


def test_a_second_connection_of_a_terminal_takes_over_and_the_first_is_closed(gateway, wire):
    code = wire.sign_in()
    second = make.Wire(gateway.port, wire.uplink.phone)
    assert second.result(second.uplink.authenticate(code)) == 0
    assert wire.closed_within(5)
    assert second.result(second.uplink.heartbeat()) == 0


def test_unknown_terminals_are_capped_and_the_oldest_go(monkeypatch, gateway):
    monkeypatch.setattr("zaitu.telemetry.services.terminals.UNKNOWN_MAX", 3)
    for number in range(5):
        wire = make.Wire(gateway.port, f"1370000000{number}")
        wire.ask(wire.uplink.register(Registration()))
        wire.close()
    listed = [view.terminal for view in telemetry.unknown_terminals(actor=make.ACTOR)]
    assert listed == ["13700000004", "13700000003", "13700000002"]


@pytest.mark.parametrize(
    ("limits", "act"),
    [
        ({"authenticate_s": 0.5}, lambda wire: wire.send(wire.uplink.heartbeat()[1])),
        ({"idle_s": 0.5}, lambda wire: wire.sign_in()),
        ({"half_frame_s": 0.5}, lambda wire: wire.send(b"\x7e\x02\x00")),
        ({"bad_frames": 3}, lambda wire: wire.send(b"\x7ebad frame number one\x7e" * 5)),
        ({"junk_bytes": 100}, lambda wire: wire.send(b"GET / HTTP/1.1\r\n" * 20)),
    ],
    ids=[
        "never authenticates",
        "says nothing",
        "half a frame for ever",
        "only bad frames",
        "another protocol",
    ],
)
def test_connections_that_misbehave_are_closed(limits, act):
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, **limits) as gateway:
        wire = make.Wire(gateway.port, number)
        act(wire)
        assert wire.closed_within(5)


def test_half_a_frame_fed_slowly_does_not_count_as_a_sign_of_life():
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, half_frame_s=1.0) as gateway:
        wire = make.Wire(gateway.port, number)
        began = time.monotonic()
        wire.send(b"\x7e")
        with suppress(ConnectionError):  # closed between the look and the byte
            while not wire.closed_within(0.1) and time.monotonic() - began < 6:
                wire.send(b"\x01")
        assert time.monotonic() - began < 4


def test_a_terminal_that_does_not_read_its_answers_is_closed():
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, unread_bytes=2_000, unread_s=1.0) as gateway:
        wire = make.Wire(gateway.port, number, read_buffer=4_096)
        heartbeat = wire.uplink.heartbeat()[1]
        began = time.monotonic()
        with pytest.raises(OSError, match=r"reset|Broken|timed out"):
            send_for(wire, heartbeat * 2_000, 20)
        assert time.monotonic() - began < 20


def send_for(wire, data, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        wire.send(data)


def test_more_connections_than_allowed_are_turned_away():
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, connections=1) as gateway:
        first = make.Wire(gateway.port, number)
        first.sign_in()
        assert make.Wire(gateway.port, number).closed_within(5)
        assert first.result(first.uplink.heartbeat()) == 0


def test_what_was_received_is_stored_and_acknowledged_before_the_gateway_ends():
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, tick_s=0.5) as gateway:
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        wire.send(wire.uplink.position(make.place(clock.now()))[1])
        time.sleep(0.2)
        make.outlives_the_gateway(wire)
    assert wire.receive().fields["result"] == 0
    wire.close()
    assert Position.objects.count() == 1


def test_heartbeats_keep_the_last_seen_time(monkeypatch):
    monkeypatch.setattr("zaitu.telemetry.gateway.server._HEARD_S", 0.1)
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH) as gateway:
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        signed_in_at = Terminal.objects.get().last_seen_at
        wire.ask(wire.uplink.heartbeat())
        assert make.eventually(lambda: Terminal.objects.get().last_seen_at > signed_in_at)


def test_a_terminal_that_connects_to_another_process_leaves_the_first(bus):
    number, _, _ = make.terminal()
    with make.gateway(bus[0]) as first, make.gateway(bus[0], number=2) as second:
        old = make.Wire(first.port, number)
        code = old.sign_in()
        time.sleep(0.5)  # both have subscribed
        new = make.Wire(second.port, number)
        assert new.result(new.uplink.authenticate(code)) == 0
        assert old.closed_within(5)
        assert new.result(new.uplink.heartbeat()) == 0


def test_a_further_gateway_stores_through_the_first_and_waits_while_it_is_away(bus, settings):
    settings.ZAITU_BUS_PATH = str(bus[0])
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    with make.gateway(bus[0], number=2) as further:
        wire = make.Wire(further.port, number)
        wire.sign_in()
        with make.gateway(bus[0]):
            assert wire.result(wire.uplink.position(make.place(now - timedelta(seconds=10), 30.4))) == 0
        wire.send(wire.uplink.position(make.place(now, 30.5))[1])
        with pytest.raises(TimeoutError):
            wire.receive(1.0)
        with make.gateway(bus[0]):
            assert wire.receive().fields["result"] == 0
    assert list(Position.objects.order_by("at").values_list("lat", flat=True)) == [30.4, 30.5]
    assert VehicleState.objects.get(vehicle_id=vehicle_id).lat == 30.5


def test_live_fixes_are_told_on_the_bus_after_they_are_stored_and_old_ones_are_not(bus):
    path, heard = bus
    number, vehicle_id, _ = make.terminal()
    with make.gateway(path) as gateway:
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        now = clock.now().replace(microsecond=0)
        wire.ask(wire.uplink.position(make.place(now, 30.5)))
        for told in wire.uplink.batches([make.place(now - timedelta(hours=1), 29.0)]):
            wire.ask(told)
        assert make.eventually(lambda: heard)
    ((topic, payload),) = heard
    assert topic == f"fix.{vehicle_id}"
    assert payload == {
        "vehicle_id": vehicle_id,
        "at": now.isoformat(),
        "lat": 30.5,
        "lon": 121.4,
        "speed_kmh": 60.0,
        "course_deg": 0,
        "along_m": None,
        "trip": "",
    }


def test_a_connection_stays_with_the_terminal_that_authenticated_first(gateway, wire):
    wire.sign_in()
    number, _, _ = make.terminal()
    other = make.Wire(gateway.port, number)
    code = other.sign_in()
    assert wire.result(encode.Uplink(number).authenticate(code)) == 1
    assert wire.result(wire.uplink.heartbeat()) == 0


def test_a_frame_the_database_refuses_costs_only_itself(monkeypatch, wire):
    wire.sign_in()
    now = clock.now().replace(microsecond=0)

    copy = positions.positions_copy

    def poisoned(packed, **where):
        if struct.pack(">d", 44.0) in packed:
            raise DataError("cannot be stored")
        copy(packed, **where)

    monkeypatch.setattr(positions, "positions_copy", poisoned)
    frames = [
        wire.uplink.position(make.place(now - timedelta(seconds=second), 44.0 if second == 3 else 31.0))
        for second in range(6)
    ]
    wire.send(b"".join(frame for _, frame in frames))
    results = {
        answer.fields["reply_serial"]: answer.fields["result"] for answer in (wire.receive() for _ in frames)
    }
    assert sorted(results.values()) == [0, 0, 0, 0, 0, 2]
    assert Position.objects.count() == 5
    assert Quarantine.objects.get().reason == "unstorable"


def test_a_gateway_that_can_store_no_more_ends_to_be_started_anew(monkeypatch):
    def breaks():
        raise RuntimeError("the storing broke")

    async def serve():
        one = Gateway(Setup(tick_s=0.01, bus_path=settings.ZAITU_BUS_PATH))
        await one.start("127.0.0.1", 0)
        monkeypatch.setattr(one._intake, "_gather", breaks)
        await asyncio.wait_for(one.run(asyncio.Event()), 20)

    with pytest.raises(RuntimeError, match="the storing broke"):
        asyncio.run(serve())
