"""Messages in several frames over real sockets: what is acknowledged when, and what is asked for again."""

import time
from datetime import timedelta

import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry.codecs.jt808 import encode, messages
from zaitu.telemetry.codecs.jt808.encode import position_body
from zaitu.telemetry.codecs.jt808.header import Package
from zaitu.telemetry.codecs.jt808.parts import PartLimits
from zaitu.telemetry.gateway.parts import PARTS_MAX
from zaitu.telemetry.models import Position

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = PartLimits(quiet_s=0.2, patience_s=0.4, tries=2)


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH, parts=QUICK) as one:
        yield one


@pytest.fixture
def wire(gateway):
    number, vehicle_id, _ = make.terminal()
    one = make.Wire(gateway.port, number)
    one.vehicle_id = vehicle_id
    one.sign_in()
    return one


def batch(count, *, ago=timedelta(hours=1)):
    """The body of a 0x0704 with so many old positions: 30 bytes each, so 60 are two frames."""
    start = clock.now().replace(microsecond=0) - ago
    pieces = [position_body(make.place(start + timedelta(seconds=second))) for second in range(count)]
    return count.to_bytes(2, "big") + b"\x01" + b"".join(len(one).to_bytes(2, "big") + one for one in pieces)


def silent(wire, seconds=0.3):
    with pytest.raises(TimeoutError):
        wire.receive(seconds)
    return True


def test_positions_in_several_frames_are_stored_and_the_last_part_is_acknowledged_after_that(gateway, wire):
    first, *middle, last = wire.uplink.message(messages.BATCH, batch(100))
    assert middle
    for part in (first, *middle):
        assert wire.result(part) == 0
    assert Position.objects.count() == 0
    assert wire.result(last) == 0
    # Acknowledged means stored.
    assert Position.objects.filter(vehicle_id=wire.vehicle_id).count() == 100


def test_a_part_sent_again_is_acknowledged_again_and_nothing_is_stored_twice(wire):
    parts = wire.uplink.message(messages.BATCH, batch(60))
    for _ in range(2):
        assert [wire.result(part) for part in parts] == [0] * len(parts)
    assert Position.objects.count() == 60


def test_the_last_part_waits_until_the_missing_ones_came_which_are_asked_for(wire):
    first, second, third = wire.uplink.message(messages.BATCH, batch(70))
    assert wire.result(first) == 0
    wire.send(third[1])
    ask = wire.receive(5)
    assert ask.header.msg_id == messages.RESEND
    assert ask.fields == {"first_serial": first[0], "numbers": [2]}
    assert Position.objects.count() == 0
    wire.send(second[1])
    answers = {
        answer.fields["reply_serial"]: answer.fields["result"] for answer in (wire.receive(), wire.receive())
    }
    assert answers == {second[0]: 0, third[0]: 0}
    assert Position.objects.count() == 70


def test_asking_is_given_up_and_the_last_part_was_never_acknowledged(wire):
    _, _, third = wire.uplink.message(messages.BATCH, batch(70))
    wire.send(third[1])
    assert [wire.receive(5).header.msg_id for _ in range(2)] == [messages.RESEND] * 2
    assert silent(wire, 2.5)
    assert wire.result(wire.uplink.heartbeat()) == 0


def test_parts_with_jumping_serials_are_joined_when_the_terminal_is_quiet(wire):
    pieces = encode.split(batch(60))
    assert len(pieces) == 2
    (one, first), (two, second) = pieces
    assert wire.result(wire.uplink.frame(messages.BATCH, first, package=one)) == 0
    assert wire.result(wire.uplink.heartbeat()) == 0
    assert wire.result(wire.uplink.frame(messages.BATCH, second, package=two)) == 0
    assert Position.objects.count() == 60


def test_a_gateway_that_died_asks_for_the_parts_it_had(wire, gateway):
    number, _, _ = make.terminal()
    before = make.Wire(gateway.port, number)
    code = before.sign_in()
    parts = before.uplink.message(messages.BATCH, batch(70))
    for part in parts[:-1]:
        assert before.result(part) == 0
    with make.gateway(settings.ZAITU_BUS_PATH, parts=QUICK, number=2) as other:
        after = make.Wire(other.port, number)
        after.uplink.serial = before.uplink.serial
        assert after.result(after.uplink.authenticate(code)) == 0
        after.send(parts[-1][1])
        assert after.receive(5).fields["numbers"] == [1, 2]
        for part in parts[:-1]:
            after.send(part[1])
        told = [after.receive().fields for _ in parts]
        assert {one["reply_serial"]: one["result"] for one in told} == {part[0]: 0 for part in parts}
    assert Position.objects.count() == 70


def test_a_message_that_cannot_be_read_is_answered_2_when_it_is_whole(wire):
    one, two = Package(total=2, number=1), Package(total=2, number=2)
    assert wire.result(wire.uplink.frame(messages.BATCH, b"", package=one)) == 0
    assert wire.result(wire.uplink.frame(messages.BATCH, b"", package=two)) == 2


def test_parts_of_unknown_or_endless_messages_are_refused_at_once(wire):
    unknown = wire.uplink.frame(0x0F01, b"x", package=Package(total=2, number=1))
    assert wire.result(unknown) == 3
    endless = wire.uplink.frame(messages.BATCH, b"x", package=Package(total=PARTS_MAX + 1, number=1))
    assert wire.result(endless) == 3
    wrong = wire.uplink.frame(messages.BATCH, b"x", package=Package(total=2, number=3))
    assert wire.result(wrong) == 2


def test_parts_before_authentication_are_answered_1_and_not_kept(gateway):
    number, _, _ = make.terminal()
    wire = make.Wire(gateway.port, number)
    assert [wire.result(part) for part in wire.uplink.message(messages.BATCH, batch(60))] == [1, 1]
    wire.sign_in()
    time.sleep(1.2)
    assert silent(wire)
