"""Real sockets: frames that are not as the standard has them."""

import struct
import time
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from tests.telemetry import make
from tests.telemetry.test_gateway import wrap_of
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.columns import Flag
from zaitu.telemetry.codecs.jt808 import encode
from zaitu.telemetry.codecs.jt808.encode import Registration
from zaitu.telemetry.models import Position, Quarantine, Terminal, UnknownTerminal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("long_form", "version_bit"), [(True, False), (False, True), (True, True)])
def test_answers_have_the_form_and_the_version_bit_that_the_terminal_sends(gateway, long_form, version_bit):
    number, _, _ = make.terminal()
    wire = make.Wire(gateway.port, number)
    version = "2019" if long_form else "2013"

    def told(msg_id, body, serial):
        phone_bcd = bytes.fromhex(number.zfill(20 if long_form else 12))
        protocol = 1 if long_form else None
        frame = encode.frame(
            msg_id, body, phone_bcd=phone_bcd, serial=serial, protocol=protocol, version_bit=version_bit
        )
        return serial, frame

    code = wire.ask(told(0x0100, encode.register_body(Registration(), version), 0)).fields["auth"]
    place = encode.position_body(make.place(clock.now()))
    answers = [
        wire.ask(told(0x0102, encode.authenticate_body(code, version), 1)),
        wire.ask(told(0x0002, b"", 2)),
        wire.ask(told(0x0200, place, 3)),
    ]
    assert [answer.fields["result"] for answer in answers] == [0, 0, 0]
    assert {(answer.header.long_form, answer.header.version_bit) for answer in answers} == {
        (long_form, version_bit)
    }


def test_encrypted_coordinates_are_stored_as_no_place(wire):
    wire.sign_in()
    now = clock.now()
    assert wire.result(wire.uplink.position(make.place(now - timedelta(seconds=30), 30.0, 114.0))) == 0
    assert wire.result(wire.uplink.position(make.place(now, 40.0, 100.0, status=0b100011))) == 0
    row = Position.objects.latest("at")
    assert (row.lat, row.lon, row.flags & Flag.FIXED) == (None, None, 0)

    def newest():
        return telemetry.latest(actor=make.ACTOR, vehicle_ids=[wire.vehicle_id]).get(wire.vehicle_id)

    assert make.eventually(newest)
    time.sleep(1.5)  # rows of vehicles are written once a second
    assert (newest().lat, newest().lon) == (30.0, 114.0)


def batch(wire, *pieces, count=3, kind=0):
    return wire.uplink.frame(0x0704, struct.pack(">HB", count, kind) + b"".join(pieces))


def piece(body, wrong_by=0):
    return struct.pack(">H", len(body) + wrong_by) + body


@pytest.mark.parametrize(("kind", "stored"), [(0, 3), (1, 2)], ids=["live", "from memory"])
@pytest.mark.parametrize("wrong_by", [9, -5, 1000])
def test_a_position_without_a_time_behind_a_wrong_length_is_found(wire, kind, stored, wrong_by):
    wire.sign_in()
    first, second, third = bodies_of(30, 20, 10)
    timeless = second[:22] + bytes(6) + second[28:]
    told = batch(wire, piece(first, wrong_by), piece(timeless), piece(third), kind=kind)
    assert wire.result(told) == 0
    assert Position.objects.count() == stored
    reasons = list(Quarantine.objects.values_list("reason", flat=True))
    assert reasons == ["clock"] * (3 - stored)


def bodies_of(*ages):
    now = clock.now()
    return [encode.position_body(make.place(now - timedelta(seconds=age))) for age in ages]


def test_what_is_no_position_in_a_batch_is_counted_and_set_aside(wire):
    wire.sign_in()
    first, second, third = bodies_of(30, 20, 10)
    counted = unreadable()
    told = batch(wire, piece(first, 9), b"\x00\x05hello", piece(second), piece(third), count=4)
    assert wire.result(told) == 0
    assert Position.objects.count() == 3
    assert unreadable() == counted + 1
    row = Quarantine.objects.get()
    assert (row.reason, row.terminal) == ("unreadable", wire.uplink.phone)
    assert wrap_of(bytes(row.content)) == told[1]


def test_a_batch_that_holds_fewer_than_it_says_is_counted_and_set_aside(wire):
    """A length too large by just the next position makes an item of it: only the number tells."""
    wire.sign_in()
    first, second, third = bodies_of(30, 20, 10)
    hidden = piece(first, len(piece(second))) + piece(second)
    counted = unreadable()
    assert wire.result(batch(wire, hidden, piece(third))) == 0
    assert Position.objects.count() == 2
    assert unreadable() == counted + 1
    assert Quarantine.objects.get().reason == "unreadable"


def unreadable():
    return REGISTRY.get_sample_value("zaitu_positions_total", {"outcome": "unreadable"}) or 0


def test_a_number_of_zeros_is_listed_and_told_why_it_is_not_let_in(gateway):
    wire = make.Wire(gateway.port, "0")
    assert wire.result(wire.uplink.register(Registration())) == 4
    assert UnknownTerminal.objects.get().terminal == "0"
    car = make.vehicle()
    for written in ("0", "000000000000", " 00 "):
        with pytest.raises(Invalid, match="终端号全是 0"):
            telemetry.terminal_adopt(actor=make.ACTOR, terminal=written, plate=car.plate)
        with pytest.raises(Invalid, match="终端号全是 0"):
            network.terminal_bind(actor=make.ACTOR, terminal=written, plate=car.plate, from_at=clock.now())
    assert Terminal.objects.count() == 0
