"""Commands to terminals: who may ask what, within which limits, and the operator's words for it."""

import asyncio
import io
import json
import threading
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from tests.telemetry import make
from tests.telemetry.commanding import TEXT, ask, ended, reply, row
from zaitu.access.models import AuditEntry
from zaitu.access.public import RIGHTS, Role
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Kind, Principal, anyone
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.codecs.jt808.commands import downlink
from zaitu.telemetry.codecs.jt808.encode import Uplink
from zaitu.telemetry.domain.commands import OPEN_MAX
from zaitu.telemetry.models import Position, TerminalCommand, UnknownTerminal
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


def staff(*roles):
    rights = frozenset(right for one in roles for right in RIGHTS[one])
    return Principal(kind=Kind.STAFF, name="li.hua", rights=rights, roles=frozenset(roles))


KINDS = {
    "text": TEXT,
    "locate": {},
    "parameters_ask": {},
    "parameters_set": {"heartbeat_s": 30},
    "photo": {},
    "fence_set": {"station": "WH01"},
    "fence_delete": {"station": "WH01"},
    "route_set": {"line": "AB"},
    "route_delete": {"line": "AB"},
    "restart": {},
}


@pytest.mark.parametrize("name", sorted(RIGHTS))
def test_dispatch_sends_texts_and_asks_for_positions_administrators_do_all_and_others_nothing(name):
    number, _, _ = make.terminal()
    actor, may = staff(name), []
    for kind, parameters in KINDS.items():
        try:
            telemetry.command_send(actor=actor, terminal=number, kind=kind, parameters=parameters)
        except Forbidden:
            continue
        except (Invalid, NotFound):  # no such station, nothing confirmed: it was let that far
            pass
        may.append(kind)
    expected = {Role.ADMINISTRATOR: list(KINDS), Role.DISPATCH: ["text", "locate"]}.get(name, [])
    assert may == expected
    assert AuditEntry.objects.filter(action="terminal.command").count() == TerminalCommand.objects.count()
    if not expected:
        assert not TerminalCommand.objects.exists()
        with pytest.raises(Forbidden):
            telemetry.command_list(actor=actor, terminal=number)


@pytest.mark.parametrize(
    "actor",
    [
        anyone(),
        Principal(kind=Kind.LINK, name="link:1", waybill="ZT1", scopes=frozenset({"view"})),
        Principal(kind=Kind.CUSTOMER_KEY, name="k1", customer_code="ACME", scopes=frozenset({"track"})),
    ],
    ids=["stranger", "link holder", "customer key"],
)
def test_outsiders_may_neither_send_nor_look(actor):
    number, _, _ = make.terminal()
    with pytest.raises(Forbidden):
        telemetry.command_send(actor=actor, terminal=number, kind="text", parameters=TEXT)
    with pytest.raises(Forbidden):
        telemetry.command_list(actor=actor, terminal=number)
    assert not TerminalCommand.objects.exists()


def test_dispatch_does_not_see_what_administrators_set(django_assert_num_queries):
    number, _, _ = make.terminal()
    ask(number, "parameters_set", heartbeat_s=30)
    ask(number)
    with django_assert_num_queries(2):
        seen = telemetry.command_list(actor=staff(Role.DISPATCH), terminal=number)
    assert [one.kind for one in seen.rows] == ["text"]
    assert telemetry.command_list(actor=staff(Role.ADMINISTRATOR), terminal=number).total == 2


def test_the_audit_says_who_sent_what_kind_and_not_the_text():
    number, _, _ = make.terminal()
    telemetry.command_send(actor=staff(Role.DISPATCH), terminal=number, kind="text", parameters=TEXT)
    entry = AuditEntry.objects.get(action="terminal.command")
    assert (entry.subject, entry.detail) == (number, {"kind": "text"})
    assert "修路" not in str(entry.detail)


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("dance", {}, "kind"),
        ("text", {"text": " ", "speak": True}, "text"),
        ("text", {"text": "x" * 301, "speak": True}, "text"),
        ("text", {"text": "好的 👍", "speak": True}, "text"),
        ("text", {"text": "a\x00b", "speak": True}, "text"),
        ("text", {"text": "hello"}, "display"),
        ("parameters_set", {}, "default_interval_s"),
        ("parameters_set", {"default_interval_s": "4"}, "default_interval_s"),
        ("parameters_set", {"heartbeat_s": "1e3"}, "heartbeat_s"),
        ("parameters_set", {"heartbeat_s": True}, "heartbeat_s"),
        ("parameters_set", {"server": "a b"}, "server"),
        ("parameters_set", {"server": "x" * 65}, "server"),
        ("parameters_ask", {"names": ["apn_password"]}, "names"),
        ("photo", {"channel": 65}, "channel"),
        ("fence_set", {}, "station"),
        ("route_set", {"line": "x" * 41}, "line"),
        ("restart", {}, "confirm"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(kind, parameters, field):
    number, _, _ = make.terminal()
    with pytest.raises(Invalid) as refused:
        telemetry.command_send(actor=make.ACTOR, terminal=number, kind=kind, parameters=parameters)
    assert set(refused.value.fields) == {field}
    assert not TerminalCommand.objects.exists()


def test_phones_strangers_and_full_queues_are_refused():
    phone, _, _ = make.terminal(kind="osmand")
    with pytest.raises(Invalid):
        ask(phone)
    with pytest.raises(NotFound):
        ask("13900000001")
    with pytest.raises(NotFound):
        ask(make.terminal()[0], "fence_set", station="NONE")
    number, _, _ = make.terminal()
    for _ in range(OPEN_MAX):
        ask(number)
    with pytest.raises(Conflict):
        ask(number)
    assert TerminalCommand.objects.count() == OPEN_MAX


def test_old_commands_go(settings):
    number, _, _ = make.terminal()
    old, new = ask(number), ask(number)
    TerminalCommand.objects.filter(pk=old.id).update(asked_at=clock.now() - commands.KEPT - timedelta(days=1))
    assert commands.commands_trim(clock.now()) == 1
    assert list(TerminalCommand.objects.values_list("id", flat=True)) == [new.id]


def test_every_kind_can_be_written_in_every_version():
    area = {"id": 1, "name": "仓", "shape": "circle", "lat": 31.0, "lon": 121.0, "radius_m": 300}
    route = {"id": 2, "name": "线", "width_m": 200, "points": [[31.0, 121.0], [32.0, 121.0]]}
    for kind in telemetry.CommandKind:
        asked = {"area": area, "route": route, "channel": 1, **TEXT}
        if kind == "parameters_set":
            asked = {"heartbeat_s": 30, "server": "a.cn"}
        for version in ("", "2011", "2013", "2019"):
            msg_id, body = downlink(kind, asked, version)
            assert msg_id >> 12 == 8
            assert isinstance(body, bytes)


def told(*words):
    out = io.StringIO()
    call_command("terminals", *words, stdout=out)
    return out.getvalue().splitlines()


def test_the_operator_sends_a_text_and_waits_for_its_end(wire):
    answers = threading.Thread(target=lambda: reply(wire, wire.receive()))
    answers.start()
    (line,) = told("send", wire.uplink.phone, "text", "请走", "G42", "speak=0", "--wait", "8", "--json")
    answers.join(10)
    said = json.loads(line)
    assert (said["state"], said["kind"], said["asked_by"]) == ("done", "text", "zaitu terminals")
    assert said["parameters"] == {"text": "请走 G42", "urgent": False, "display": True, "speak": False}
    (row_,) = told("commands", wire.uplink.phone)
    assert row_.split("\t")[2:5] == ["text", "done", "-"]


def test_the_operator_sees_one_terminal_finds_it_and_adopts_a_stranger():
    number, _, _ = make.terminal("沪A77777")
    UnknownTerminal.objects.create(
        terminal="13800000001",
        reported_plate="沪A88888",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    make.vehicle("沪A88888")
    shown = json.loads(told("show", number, "--json")[0])
    assert (shown["plate"], shown["last_24_hours"]["positions"]) == ("沪A77777", 0)
    assert f"terminal\t{number}" in told("show", number)
    assert [line.split("\t")[0] for line in told("search", "1380")] == ["13800000001"]
    assert told("list", "--only", "heard") == []
    assert told("adopt", "013800000001") == ["13800000001 is in 沪A88888"]
    assert json.loads(told("list", "--text", "1380", "--json")[0])["plate"] == "沪A88888"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["show", "13900000009"], "zaitu terminals list"),
        (["commands", "13900000009"], "zaitu terminals list"),
        (["adopt", "13900000009"], "zaitu terminals unknown"),
        (["send", "13900000009", "locate"], "zaitu terminals list"),
        (["send", "13900000009", "photo", "2"], "name=value"),
    ],
)
def test_what_the_operator_got_wrong_is_answered_with_what_to_do(words, advice):
    with pytest.raises(CommandError, match=advice):
        call_command("terminals", *words)
    number, _, _ = make.terminal()
    with pytest.raises(CommandError, match="confirm"):
        call_command("terminals", "send", number, "restart")


def test_what_a_terminal_sent_lately_is_counted():
    number, _, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    make.take_in(number, make.fix(now), make.fix(now - timedelta(hours=1), status=0b01))
    make.take_in(number, make.fix(now - timedelta(hours=2)), backfill=True)
    make.take_in(number, make.fix(now - timedelta(hours=30)), backfill=True)
    counts = telemetry.terminal_counts(actor=make.ACTOR, terminal=number)
    assert (counts.positions, counts.backfill, counts.no_fix, counts.clock) == (3, 1, 1, 0)


def test_a_played_terminal_takes_texts_tells_where_it_is_and_supports_nothing_else(gateway):
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)

    async def play(sent):
        link = telemetry.TerminalLink("127.0.0.1", gateway.port, Uplink(number))
        await link.open()
        await link.report(make.place(now, 30.5))
        await link.settle()
        sent += [await sync_to_async(ask)(number, kind) for kind in ("text", "locate", "parameters_ask")]
        await sync_to_async(lambda: [ended(one) for one in sent])()
        await link.close()
        await sync_to_async(connections.close_all)()

    sent = []
    asyncio.run(play(sent))
    assert [row(one).state for one in sent] == ["done", "done", "unsupported"]
    assert row(sent[1]).answer["lat"] == 30.5
    # The position was there already: one row.
    assert Position.objects.filter(vehicle_id=vehicle_id).count() == 1
