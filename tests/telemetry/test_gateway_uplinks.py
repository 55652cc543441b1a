"""Pictures, drivers' cards, waybills and makers' items over real sockets: kept, shown to whom, and answered when they are committed."""

import io
import json
import os
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from tests.telemetry import make
from zaitu.access.models import AuditEntry
from zaitu.kernel import clock, crypto
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, Unavailable
from zaitu.kernel.models import OutboxRow
from zaitu.kernel.principal import Kind, Principal, Right
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.jt808 import encode, messages
from zaitu.telemetry.codecs.jt808.encode import Registration, position_body
from zaitu.telemetry.codecs.jt808.header import Package
from zaitu.telemetry.codecs.jt808.parts import PartLimits
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.models import MediaFile, Position, Terminal, TerminalReport
from zaitu.telemetry.services import uplinks
from zaitu.telemetry.services.media import media_forget
from zaitu.telemetry.services.uplinks import reports_forget

pytestmark = pytest.mark.django_db(transaction=True)
MEDIA = {"media_id": 7, "media_kind": "image", "media_format": "jpeg", "event": "door_opened", "channel": 2}


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def gateway(settings):
    with make.gateway(settings.ZAITU_BUS_PATH, parts=PartLimits(quiet_s=0.2, patience_s=0.4)) as one:
        yield one


@pytest.fixture
def wire(gateway):
    return signed_in(gateway)


def signed_in(gateway, version="2013", **who):
    number, vehicle_id, _ = make.terminal()
    one = make.Wire(gateway.port, number, version)
    one.vehicle_id = vehicle_id
    one.sign_in(Registration(**who))
    return one


def somebody_with(*rights):
    return Principal(kind=Kind.STAFF, name="somebody", user_id=1, rights=frozenset(rights))


def picture(size=(200, 150)):
    out = io.BytesIO()
    # Noise does not compress: some frames' worth of bytes.
    Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3)).save(out, "JPEG")
    return out.getvalue()


def send_picture(wire, content, **fields):
    """The answers to the last part: 0x8001 and 0x8800."""
    place = make.place(clock.now() - timedelta(minutes=5), 30.6, 114.3)
    *parts, last = wire.uplink.message(
        messages.MEDIA_DATA, encode.media_body(MEDIA | fields, content, place, wire.uplink.version)
    )
    assert all(wire.result(part) == 0 for part in parts)
    wire.send(last[1])
    return wire.receive(), wire.receive()


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_picture_in_parts_is_kept_sealed_and_then_acknowledged(gateway, version):
    wire, content = signed_in(gateway, version), picture()
    assert len(content) > 3 * 1023
    reply, done = send_picture(wire, content)
    assert reply.fields["result"] == 0
    assert (done.header.msg_id, done.fields) == (messages.MEDIA_REPLY, {"media_id": 7})
    row = MediaFile.objects.get()
    assert (row.terminal, row.vehicle_id, row.kind, row.format) == (
        wire.uplink.phone, wire.vehicle_id, "image", "jpeg",
    )  # fmt: skip
    assert (row.event, row.channel, row.lat, row.lon) == ("door_opened", 2, 30.6, 114.3)
    assert clock.now() - row.taken_at < timedelta(minutes=6)
    stored = Path(default_storage.path(row.path)).read_bytes()
    assert crypto.is_sealed(stored)
    assert content[:40] not in stored
    assert telemetry.media_read(actor=make.ACTOR, media_id=str(row.pk)) == (content, "image/jpeg")
    assert AuditEntry.objects.get(action="media.read").subject == wire.uplink.phone


def test_a_picture_sent_again_is_acknowledged_and_kept_once(wire):
    content = picture()
    for _ in range(2):
        assert send_picture(wire, content)[1].fields == {"media_id": 7}
    assert MediaFile.objects.count() == 1
    send_picture(wire, picture())
    assert MediaFile.objects.count() == 2


def test_missing_parts_of_a_picture_are_asked_for_by_its_number(wire):
    body = encode.media_body(MEDIA, picture(), make.place(clock.now()))
    first, second, *rest = wire.uplink.message(messages.MEDIA_DATA, body)
    assert wire.result(first) == 0
    for part in rest:
        wire.send(part[1])
    ask = next(
        one for one in iter(lambda: wire.receive(5), None) if one.header.msg_id == messages.MEDIA_REPLY
    )
    assert ask.fields == {"media_id": 7, "numbers": [2]}
    assert not MediaFile.objects.exists()
    wire.send(second[1])
    told = [wire.receive() for _ in range(3)]
    assert told[-1].fields == {"media_id": 7}
    assert MediaFile.objects.count() == 1


def test_a_terminal_may_send_so_much_a_day(wire, settings):
    settings.ZAITU_MEDIA_DAY_MB = 1
    MediaFile.objects.create(
        terminal=wire.uplink.phone, media_id=1, channel=1, taken_at=clock.now(), received_at=clock.now(),
        size_bytes=1024 * 1024,
    )  # fmt: skip
    body = encode.media_body(MEDIA, b"\xff\xd8\xff" + bytes(50), make.place(clock.now()))
    assert wire.result(wire.uplink.frame(messages.MEDIA_DATA, body)) == 1
    MediaFile.objects.update(received_at=clock.now() - timedelta(days=2))
    wire.send(wire.uplink.frame(messages.MEDIA_DATA, body)[1])
    assert wire.receive().fields["result"] == 0


def test_an_empty_picture_is_answered_2(wire):
    body = encode.media_body(MEDIA, b"", make.place(clock.now()))
    assert wire.result(wire.uplink.frame(messages.MEDIA_DATA, body)) == 2


def test_pictures_are_for_those_who_may_see_positions(wire):
    send_picture(wire, picture())
    key = str(MediaFile.objects.get().pk)
    nobody, somebody = somebody_with(), somebody_with(Right.POSITIONS_READ)
    for call in (
        lambda actor: telemetry.media_read(actor=actor, media_id=key),
        lambda actor: telemetry.media_list(actor=actor, terminal=wire.uplink.phone),
        lambda actor: telemetry.reports_list(actor=actor, terminal=wire.uplink.phone),
        lambda actor: telemetry.terminal_view(actor=actor, terminal=wire.uplink.phone),
    ):
        with pytest.raises(Forbidden):
            call(nobody)
        assert call(somebody) is not None
    for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(NotFound):
            telemetry.media_read(actor=somebody, media_id=wrong)
    Path(default_storage.path(MediaFile.objects.get().path)).unlink()
    with pytest.raises(Unavailable):
        telemetry.media_read(actor=somebody, media_id=key)
    assert telemetry.media_list(actor=somebody, vehicle_id=wire.vehicle_id).total == 1
    assert telemetry.media_list(actor=somebody, vehicle_id=wire.vehicle_id + 1).total == 0


def test_files_go_with_positions_a_day_after_their_rows(wire, settings):
    send_picture(wire, picture())
    path = Path(default_storage.path(MediaFile.objects.get().path))
    later = clock.now() + timedelta(days=settings.ZAITU_POSITIONS_KEEP_DAYS + 1)
    assert media_forget(clock.now()) == 0
    assert (media_forget(later - timedelta(days=2)), path.exists()) == (0, True)
    row = MediaFile.objects.get()
    MediaFile.objects.all().delete()
    assert (media_forget(clock.now()), path.exists()) == (0, True)
    row.save(force_insert=True)
    assert media_forget(later) == 1
    assert not path.exists()


CARD = {
    "card": "in", "time_utc": "2026-11-20T08:00:00Z", "result": "read", "name": "王小明", "certificate": "310101198001011234",
    "authority": "上海", "valid_until": "20300101",
}  # fmt: skip


def card_body(wire, **fields):
    at = (clock.now() - timedelta(hours=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return encode.body_of(messages.DRIVER_CARD, CARD | {"time_utc": at} | fields, wire.uplink.version)


def test_a_drivers_card_is_kept_encrypted_shown_masked_and_read_on_record(wire):
    body = card_body(wire)
    for _ in range(2):  # the answer was lost
        assert wire.result(wire.uplink.frame(messages.DRIVER_CARD, body)) == 0
    row = TerminalReport.objects.get()
    assert (row.kind, row.vehicle_id) == ("driver_card", wire.vehicle_id)
    raw = TerminalReport.objects.extra(select={"raw": "body::text"}).values_list("raw", flat=True)[0]
    assert "王小明" not in raw
    (shown,) = telemetry.reports_list(actor=make.ACTOR, terminal=wire.uplink.phone)
    assert (shown.body["name"], shown.body["certificate"], shown.hidden) == ("王**", "****1234", True)
    assert (shown.body["card"], shown.body["authority"]) == ("in", "上海")
    with pytest.raises(Forbidden):
        telemetry.report_read(actor=somebody_with(Right.POSITIONS_READ), report_id=row.pk, reason="核对司机")
    reader = somebody_with(Right.POSITIONS_READ, Right.PERSONAL_READ)
    assert telemetry.report_read(actor=reader, report_id=row.pk, reason="核对司机").body["name"] == "王小明"
    entry = AuditEntry.objects.get(action="personal.read")
    assert (entry.subject, entry.detail["reason"]) == (f"terminal:{wire.uplink.phone}", "核对司机")
    with pytest.raises(Invalid):
        telemetry.report_read(actor=reader, report_id=row.pk, reason=" ")


def test_of_a_waybill_only_its_length_is_shown_to_everybody(wire):
    body = encode.body_of(messages.WAYBILL, {"text": "收货人李四 13800001111"})
    assert wire.result(wire.uplink.frame(messages.WAYBILL, body)) == 0
    (shown,) = telemetry.reports_list(actor=make.ACTOR, terminal=wire.uplink.phone)
    assert (shown.kind, dict(shown.body), shown.hidden) == ("waybill", {"length": 17}, True)


def test_a_long_waybill_in_parts_is_kept_whole(wire):
    text = "货" * 900
    parts = wire.uplink.message(messages.WAYBILL, encode.body_of(messages.WAYBILL, {"text": text}))
    assert len(parts) == 2
    assert [wire.result(part) for part in parts] == [0, 0]
    assert json.loads(TerminalReport.objects.get().body)["text"] == text


def test_a_media_event_is_noted(wire):
    assert (
        wire.result(wire.uplink.frame(messages.MEDIA_EVENT, encode.body_of(messages.MEDIA_EVENT, MEDIA))) == 0
    )
    (shown,) = telemetry.reports_list(actor=make.ACTOR, terminal=wire.uplink.phone)
    assert (shown.kind, shown.body["event"], shown.hidden) == ("media", "door_opened", False)


def test_reports_are_bounded_a_day_and_forgotten_with_positions(wire, monkeypatch, settings):
    monkeypatch.setattr(uplinks, "PER_DAY", 1)
    assert wire.result(wire.uplink.frame(messages.DRIVER_CARD, card_body(wire))) == 0
    assert wire.result(wire.uplink.frame(messages.DRIVER_CARD, card_body(wire, card="out"))) == 1
    assert reports_forget(clock.now()) == 0
    assert reports_forget(clock.now() + timedelta(days=settings.ZAITU_POSITIONS_KEEP_DAYS + 1)) == 1


@pytest.mark.parametrize(
    "msg_id", [messages.WAYBILL, messages.DRIVER_CARD, messages.MEDIA_EVENT, messages.MEDIA_DATA]
)
def test_nothing_is_kept_before_authentication(gateway, msg_id):
    number, _, _ = make.terminal()
    wire = make.Wire(gateway.port, number)
    assert wire.result(wire.uplink.frame(msg_id, b"\x01" + bytes.fromhex("261120080000") + bytes(60))) == 1
    assert not TerminalReport.objects.exists()
    assert not MediaFile.objects.exists()


def test_reports_before_the_whole_is_here_are_not_kept(wire):
    part = wire.uplink.frame(messages.WAYBILL, bytes(20), package=Package(total=2, number=1))
    assert wire.result(part) == 0
    assert not TerminalReport.objects.exists()


# Makers


def test_a_locks_items_are_read_as_the_model_says_and_who_opened_it_is_kept(gateway):
    wire = signed_in(gateway, model="JT709A", maker="JT")
    body = position_body(make.place(clock.now()))
    assert (
        wire.result(
            wire.uplink.frame(messages.POSITION, body + bytes.fromhex("0b0522") + bytes.fromhex("00003009"))
        )
        == 0
    )
    row = Position.objects.get()
    assert LockEvent(row.lock_events) == LockEvent.OPENED
    assert row.extra == {"lock_code": 0x22, "lock_card": "0000012297"}
    told = OutboxRow.objects.filter(name="telemetry.lock_reported")
    assert [one.body["event"] for one in told] == ["opened"]


def test_the_same_place_with_another_lock_event_is_no_repetition_and_a_plain_repeat_is(gateway):
    wire = signed_in(gateway, model="JT709A")
    block = position_body(make.place(clock.now()))
    opened, refused = block + bytes.fromhex("0b0522000030090"[:-1]), block + bytes.fromhex("0b052300003009")
    for body in (block, opened, refused, opened, refused, block):
        assert wire.result(wire.uplink.frame(messages.POSITION, body)) == 0
    assert sorted(LockEvent(row.lock_events or 0) for row in Position.objects.all()) == [
        LockEvent(0), LockEvent.OPENED, LockEvent.UNAUTHORISED_CARD,
    ]  # fmt: skip


def test_kernels_keep_events_of_an_unchanged_place_apart_too(wire):
    block = position_body(make.place(clock.now()))
    inside, other = (block + bytes.fromhex(f"120601000000{area}00") for area in ("05", "06"))
    for body in (inside, other, inside):
        assert wire.result(wire.uplink.frame(messages.POSITION, body)) == 0
    assert Position.objects.count() == 2


@pytest.mark.parametrize(("profile", "temp"), [("magnitude", -2.3), ("complement", None), ("", -2.3)])
def test_the_profile_an_administrator_sets_decides_the_sign(gateway, profile, temp):
    number, _, _ = make.terminal()
    telemetry.terminal_profile_set(actor=make.ACTOR, terminal=number, profile=profile)
    wire = make.Wire(gateway.port, number)
    wire.sign_in()
    body = position_body(make.place(clock.now())) + bytes.fromhex("51028017")
    assert wire.result(wire.uplink.frame(messages.POSITION, body)) == 0
    assert Position.objects.get().temps_c == [temp]
    assert AuditEntry.objects.get(action="terminal.profile").detail == {"profile": profile}


def test_a_profile_set_wins_over_the_model(gateway):
    number, _, _ = make.terminal()
    telemetry.terminal_profile_set(actor=make.ACTOR, terminal=number, profile="standard")
    wire = make.Wire(gateway.port, number)
    wire.sign_in(Registration(model="JT709A"))
    body = position_body(make.place(clock.now())) + bytes.fromhex("0b052200003009")
    assert wire.result(wire.uplink.frame(messages.POSITION, body)) == 0
    assert Position.objects.get().lock_events is None


def test_a_profile_is_one_of_those_there_are_and_an_administrators_to_set():
    number, _, _ = make.terminal()
    with pytest.raises(Invalid, match="可用"):
        telemetry.terminal_profile_set(actor=make.ACTOR, terminal=number, profile="none")
    with pytest.raises(Invalid, match="可用"):
        telemetry.terminal_create(actor=make.ACTOR, terminal="1", kind="jt808", plate="沪A1", profile="none")
    with pytest.raises(Forbidden):
        telemetry.terminal_profile_set(actor=somebody_with(Right.POSITIONS_READ), terminal=number, profile="")
    with pytest.raises(NotFound):
        telemetry.terminal_profile_set(actor=make.ACTOR, terminal="4711", profile="")
    assert Terminal.objects.get().profile == ""
