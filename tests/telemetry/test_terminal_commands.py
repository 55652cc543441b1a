"""Commands to terminals: what goes over the wire, and what becomes of it. Real sockets."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from tests.network import make as network_make
from tests.running import free_port
from tests.telemetry import make
from tests.telemetry.commanding import ask, ended, nothing_comes, reply, row
from zaitu.kernel import bus as kernel_bus
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.jt808 import encode
from zaitu.telemetry.codecs.jt808.encode import body_of
from zaitu.telemetry.domain.commands import OPEN_MAX
from zaitu.telemetry.models import Position, TerminalCommand
from zaitu.telemetry.services import commands

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH, command_look_s=0.1, command_answer_s=1.0) as one:
        yield one


@pytest.fixture
def wire(wire):
    wire.sign_in()
    return wire


@pytest.mark.parametrize("version", ["2011", "2013", "2019"])
def test_a_text_reaches_the_terminal_in_its_version_and_its_reply_ends_the_command(gateway, version):
    number, _, _ = make.terminal()
    wire = make.Wire(gateway.port, number, version)
    wire.sign_in()
    command = ask(number)
    message = wire.receive()
    assert message.header.msg_id == 0x8300
    assert message.header.phone_padded == number.zfill(20 if version == "2019" else 12)
    kind = {"flags": ["notice", "speak"], "kind": "notice"} if version == "2019" else {"flags": ["speak"]}
    assert message.fields == {**kind, "text": "前方修路，请走 G42"}
    assert make.eventually(lambda: row(command).state == "sent")
    assert row(command).answered_at is None
    reply(wire, message)
    assert ended(command) == ("done", "")
    assert row(command).answered_at >= row(command).sent_at >= row(command).asked_at
    assert nothing_comes(wire)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (1, ("refused", "failed")),
        (2, ("refused", "malformed")),
        (3, ("unsupported", "")),
        (4, ("refused", "failed")),
    ],
)
def test_what_the_terminal_cannot_do_is_said_as_it_answers(wire, result, outcome):
    command = ask(wire.uplink.phone)
    reply(wire, wire.receive(), result)
    assert ended(command) == outcome


def test_two_commands_under_way_are_told_apart_by_their_numbers(wire):
    number = wire.uplink.phone
    first, second = ask(number), ask(number, "restart", confirm=number)
    messages = [wire.receive(), wire.receive()]
    assert [one.header.msg_id for one in messages] == [0x8300, 0x8105]
    assert messages[0].header.serial + 1 == messages[1].header.serial
    reply(wire, messages[1], 3)
    assert ended(second) == ("unsupported", "")
    assert row(first).state == "sent"
    reply(wire, messages[0])
    assert ended(first) == ("done", "")


def test_a_reply_to_something_else_or_with_another_number_ends_nothing(wire):
    command = ask(wire.uplink.phone)
    message = wire.receive()
    reply(wire, message, msg_id=0x8103)
    wire.send(
        wire.uplink.frame(0x0001, struct.pack(">HHB", message.header.serial + 5 & 0xFFFF, 0x8300, 0))[1]
    )
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert row(command).state == "sent"
    reply(wire, message)
    assert ended(command) == ("done", "")


def test_a_terminal_that_is_not_connected_gets_the_command_when_it_authenticates(gateway):
    number, _, _ = make.terminal()
    command = ask(number)
    wire = make.Wire(gateway.port, number)
    time.sleep(0.3)
    assert row(command).state == "queued"
    wire.sign_in()
    reply(wire, wire.receive())
    assert ended(command) == ("done", "")
    assert row(command).attempts == 1


def test_a_terminal_that_never_connects_lets_the_command_expire_and_that_is_said(gateway):
    number, _, _ = make.terminal()
    command = ask(number)
    TerminalCommand.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    (shown,) = telemetry.command_list(actor=make.ACTOR, terminal=number).rows
    assert (shown.state, shown.why, shown.open) == ("expired", "offline", False)
    assert ended(command) == ("expired", "offline")
    wire = make.Wire(gateway.port, number)
    wire.sign_in()
    assert nothing_comes(wire)


def test_a_terminal_that_never_answers_is_not_asked_again_on_the_same_connection(wire):
    command = ask(wire.uplink.phone)
    message = wire.receive()
    assert ended(command) == ("expired", "unanswered")
    assert nothing_comes(wire)
    reply(wire, message)  # too late
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert row(command).state == "expired"


def test_what_was_sent_on_a_connection_that_broke_is_sent_once_more_and_no_third_time(gateway, wire):
    command = ask(wire.uplink.phone)
    assert wire.receive().header.msg_id == 0x8300
    wire.close()
    assert make.eventually(lambda: row(command).state == "queued")
    second = make.Wire(gateway.port, wire.uplink.phone)
    second.sign_in()
    assert second.receive().header.msg_id == 0x8300
    assert row(command).attempts == 2
    second.close()
    assert ended(command) == ("expired", "unanswered")
    third = make.Wire(gateway.port, wire.uplink.phone)
    third.sign_in()
    assert nothing_comes(third)


def test_authenticating_again_on_the_same_connection_sends_nothing_twice(wire):
    command = ask(wire.uplink.phone)
    message = wire.receive()
    wire.sign_in()
    assert nothing_comes(wire, 0.5)
    reply(wire, message)
    assert ended(command) == ("done", "")


def test_of_two_gateways_the_one_that_has_the_terminal_sends_and_only_once(bus, settings):
    settings.ZAITU_BUS_PATH = str(bus[0])
    number, other, _ = make.terminal()[0], make.terminal()[0], None
    limits = {"command_look_s": 0.1, "command_answer_s": 5.0}
    with (
        make.gateway(bus[0], **limits) as first,
        make.gateway(bus[0], number=2, **limits) as second,
    ):
        here, there = make.Wire(first.port, other), make.Wire(second.port, number)
        here.sign_in()
        code = there.sign_in()
        time.sleep(0.5)  # both have subscribed
        command = ask(number)
        message = there.receive()
        assert nothing_comes(here, 0.5)
        # It goes to the first gateway before it has answered: sent once more there.
        moved = make.Wire(first.port, number)
        assert moved.result(moved.uplink.authenticate(code)) == 0
        again = moved.receive()
        assert again.fields == message.fields
        reply(moved, again)
        assert ended(command) == ("done", "")
        assert row(command).attempts == 2


def test_two_gateways_that_claim_at_once_share_the_rows_without_overlap():
    number, _, _ = make.terminal()
    asked = {ask(number).id for _ in range(OPEN_MAX)}
    ready = threading.Barrier(4)

    def claim(_):
        try:
            ready.wait(10)
            return [one.id for one in commands.commands_claim({number}, {}, now=clock.now())]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        claimed = [one for part in threads.map(claim, range(4)) for one in part]
    assert sorted(claimed) == sorted(asked)


@pytest.fixture
def apart(tmp_path):
    """A gateway in a process of its own, to be killed."""
    port = free_port()
    environment = os.environ | {
        "ZAITU_HOME": str(tmp_path / "home"),
        "ZAITU_DATABASE_URL": settings.ZAITU_DATABASE_URL,
    }
    words = ["gateway", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "gateway.log").open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "zaitu.config.cli", *words], env=environment, stdout=sink, stderr=sink
        )
    try:
        assert make.eventually(lambda: _listens(port), 60), (tmp_path / "gateway.log").read_text("utf-8")
        yield port, process
    finally:
        process.kill()
        process.wait(10)


def _listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_a_gateway_killed_after_sending_leaves_the_command_to_the_next_one(apart):
    port, process = apart
    number, _, _ = make.terminal()
    wire = make.Wire(port, number)
    code = wire.sign_in()
    command = ask(number)
    assert wire.receive(20).header.msg_id == 0x8300
    process.kill()
    assert wire.closed_within(10)
    wire.close()
    assert (row(command).state, row(command).attempts) == ("sent", 1)
    with make.gateway(settings.ZAITU_BUS_PATH, command_look_s=0.1) as gateway:
        again = make.Wire(gateway.port, number)
        assert again.result(again.uplink.authenticate(code)) == 0
        message = again.receive()
        assert message.header.msg_id == 0x8300
        # What the dead one may still have had to say changes nothing.
        assert not commands.command_answered(
            command.id, 1, telemetry.CommandState.REFUSED, now=clock.now(), answer={}
        )
        reply(again, message)
        assert ended(command) == ("done", "")
        assert row(command).attempts == 2


def test_what_was_sent_on_the_connection_a_terminal_has_now_is_not_claimed_again():
    number, _, _ = make.terminal()
    ask(number)
    arrived = clock.now()
    # A look that began before the terminal came, and ended after, has sent it; the next look finds the terminal new.
    assert len(commands.commands_claim({number}, {}, now=clock.now())) == 1
    assert commands.commands_claim({number}, {number: arrived}, now=clock.now()) == []
    assert len(commands.commands_claim((), {number: clock.now()}, now=clock.now())) == 1


def test_a_gateway_that_stops_gives_back_what_was_not_answered():
    number, _, _ = make.terminal()
    with make.gateway(settings.ZAITU_BUS_PATH, command_look_s=0.1) as gateway:
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        command = ask(number)
        assert wire.receive().header.msg_id == 0x8300
    assert (row(command).state, row(command).attempts) == ("queued", 1)


def test_a_command_is_sent_at_once_when_the_bus_tells_of_it(bus, settings):
    settings.ZAITU_BUS_PATH = str(bus[0])
    number, _, _ = make.terminal()
    with make.gateway(bus[0], command_look_s=30.0) as gateway:
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        time.sleep(0.5)  # it has subscribed, and looked
        ask(number)
        assert wire.receive(3.0).header.msg_id == 0x8300


def test_a_message_from_code_without_a_loop_reaches_the_bus_or_says_that_it_did_not(bus, tmp_path):
    path, heard = bus
    assert kernel_bus.tell(path, "fix.9", {"x": 1})
    assert make.eventually(lambda: ("fix.9", {"x": 1}) in heard)
    assert not kernel_bus.tell(tmp_path / "nobody.sock", "fix.9", {})


def test_an_asked_position_is_stored_as_any_other_and_acknowledged(wire):
    command = ask(wire.uplink.phone, "locate")
    message = wire.receive()
    assert message.header.msg_id == 0x8201
    reply(wire, message)  # some say first that they have heard
    now = clock.now().replace(microsecond=0)
    body = struct.pack(">H", message.header.serial) + encode.position_body(make.place(now, 30.5, 114.3))
    answer = wire.ask(wire.uplink.frame(0x0201, body))
    assert answer.fields["result"] == 0
    assert Position.objects.filter(vehicle_id=wire.vehicle_id, at=now, lat=30.5).count() == 1
    assert ended(command) == ("done", "")
    assert row(command).answer == {"at": now.isoformat(), "lat": 30.5, "lon": 114.3, "speed_kmh": 60.0}
    # An answer nobody asked for is a position all the same.
    later = struct.pack(">H", 999) + encode.position_body(make.place(now + timedelta(seconds=5), 30.6))
    assert wire.result(wire.uplink.frame(0x0201, later)) == 0
    assert Position.objects.count() == 2


def test_an_asked_position_that_never_comes_is_not_done_because_the_question_was_heard(wire):
    command = ask(wire.uplink.phone, "locate")
    reply(wire, wire.receive())
    assert ended(command) == ("expired", "unanswered")


def test_parameters_are_read_and_their_secrets_are_not_kept(wire):
    command = ask(wire.uplink.phone, "parameters_ask")
    message = wire.receive()
    assert message.header.msg_id == 0x8104
    told = [
        {"id": "0x0001", "value": 30},
        {"id": "0x0012", "value": "geheim"},
        {"id": "0x0040", "value": "13912345678"},
        {"id": "0x0013", "value": "zt.example.com"},
    ]
    body = body_of(0x0104, {"reply_serial": message.header.serial, "parameters": told})
    assert wire.result(wire.uplink.frame(0x0104, body)) == 0
    assert ended(command) == ("done", "")
    kept = {one["name"]: one["value"] for one in row(command).answer["parameters"]}
    assert kept == {
        "heartbeat_s": 30,
        "apn_password": "••••",
        "platform_phone": "••••5678",
        "server": "zt.example.com",
    }


def test_parameters_asked_by_name_and_set_go_out_with_the_standards_numbers(wire):
    ask(wire.uplink.phone, "parameters_ask", names=["heartbeat_s", "server"])
    assert wire.receive().fields == {"ids": ["0x0001", "0x0013"]}
    ask(wire.uplink.phone, "parameters_set", heartbeat_s="30", default_interval_s=15)
    assert wire.receive().fields == {
        "parameters": [
            {"id": "0x0001", "name": "heartbeat_s", "value": 30},
            {"id": "0x0029", "name": "default_interval_s", "value": 15},
        ]
    }


def test_another_server_needs_the_terminals_number_once_more(wire):
    number = wire.uplink.phone
    for confirm in ({}, {"confirm": "13900000000"}):
        with pytest.raises(Invalid) as refused:
            ask(number, "parameters_set", server="zt.example.com", tcp_port=7018, **confirm)
        assert set(refused.value.fields) == {"confirm"}
    assert TerminalCommand.objects.count() == 0
    ask(number, "parameters_set", server="zt.example.com", tcp_port=7018, confirm=number)
    assert {one["value"] for one in wire.receive().fields["parameters"]} == {7018, "zt.example.com"}


def test_a_photo_is_ended_by_its_own_answer_or_by_the_plain_reply_of_old_terminals(wire):
    taken = ask(wire.uplink.phone, "photo", channel=2)
    message = wire.receive()
    assert (message.header.msg_id, message.fields["channel"], message.fields["count"]) == (0x8801, 2, 1)
    answer = {"reply_serial": message.header.serial, "result": "taken", "media_ids": [7]}
    assert wire.result(wire.uplink.frame(0x0805, body_of(0x0805, answer))) == 0
    assert ended(taken) == ("done", "")
    assert row(taken).answer == {"result": "taken", "media_ids": [7]}
    old = ask(wire.uplink.phone, "photo")
    reply(wire, wire.receive())
    assert ended(old) == ("done", "")
    missing = ask(wire.uplink.phone, "photo", channel=9)
    body = struct.pack(">HB", wire.receive().header.serial, 2)
    assert wire.result(wire.uplink.frame(0x0805, body)) == 0
    assert ended(missing) == ("unsupported", "")


SQUARE = ((31.0, 121.0), (31.0, 121.1), (31.1, 121.1), (31.1, 121.0))
KITE = ((31.0, 121.0), (31.05, 121.1), (31.1, 121.0))


@pytest.mark.parametrize(
    ("fence", "set_by", "deleted_by"),
    [(None, 0x8600, 0x8601), (SQUARE, 0x8602, 0x8603), (KITE, 0x8604, 0x8605)],
)
def test_a_stations_yard_is_set_and_deleted_in_the_shape_it_was_set_in(wire, fence, set_by, deleted_by):
    station = network_make.station("WH01", fence=fence, radius_m=400)
    command = ask(wire.uplink.phone, "fence_set", station="WH01")
    message = wire.receive()
    assert message.header.msg_id == set_by
    area = message.fields if fence is KITE else message.fields["areas"][0]
    assert area["id"] == station.id
    assert "platform_told_in" in area["attributes"]
    if fence is None:
        assert (area["lat"], area["lon"], area["radius_m"]) == (station.lat, station.lon, 400)
    elif fence is SQUARE:
        assert (area["top_lat"], area["right_lon"], area["bottom_lat"]) == (31.1, 121.1, 31.0)
    else:
        assert [(point["lat"], point["lon"]) for point in area["points"]] == list(KITE)
    reply(wire, message)
    assert ended(command) == ("done", "")
    # The yard is drawn anew; the terminal still has the old shape.
    network_make.station("WH01", fence=((30.0, 120.0), (30.1, 120.3), (30.2, 120.1)))
    ask(wire.uplink.phone, "fence_delete", station="WH01")
    gone = wire.receive()
    assert (gone.header.msg_id, gone.fields) == (deleted_by, {"ids": [station.id]})


def test_a_long_route_goes_out_in_parts_and_is_done_when_the_last_is_acknowledged(wire):
    for code, lat in (("A1", 30.0), ("B1", 31.0)):
        network_make.station(code, lat=lat, lon=121.0)
    points = tuple((30.0 + step / 500, 121.0 + step % 2 / 1000) for step in range(501))
    stops = (
        network.LineStopDraft(station="A1", arrive_after_min=0),
        network.LineStopDraft(station="B1", arrive_after_min=120),
    )
    network.line_put(
        actor=make.ACTOR, draft=network.LineDraft(code="AB", name="甲乙线", stops=stops, points=points)
    )
    command = ask(wire.uplink.phone, "route_set", line="AB")
    parts = [wire.receive()]
    while len(parts) < parts[0].header.package.total:
        parts.append(wire.receive())
    assert {part.header.msg_id for part in parts} == {0x8606}
    assert [part.header.serial for part in parts] == list(
        range(parts[0].header.serial, parts[0].header.serial + len(parts))
    )
    reply(wire, parts[0])
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert row(command).state == "sent"
    reply(wire, parts[-1])
    assert ended(command) == ("done", "")
    assert len(row(command).parameters["route"]["points"]) == 200
    assert row(command).parameters["route"]["points"][-1] == pytest.approx([31.0, 121.0], abs=0.01)
    ask(wire.uplink.phone, "route_delete", line="AB")
    assert wire.receive().header.msg_id == 0x8607


def test_a_part_that_is_refused_ends_the_whole(wire):
    network_make.station(
        "BIG", fence=tuple((30.0 + step / 1e4, 121.0 + step * step / 1e6) for step in range(200))
    )
    command = ask(wire.uplink.phone, "fence_set", station="BIG")
    reply(wire, wire.receive(), 1)
    assert ended(command) == ("refused", "failed")
