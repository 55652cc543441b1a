"""One terminal's page with its commands, and the gateways' numbers."""

import json
from datetime import timedelta

import pytest

from tests.console import make
from tests.network import make as network
from zaitu.kernel import clock, metrics
from zaitu.kernel.principal import system
from zaitu.network import public as network_public
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.models import Terminal, TerminalCommand
from zaitu.telemetry.services import numbers

pytestmark = pytest.mark.django_db

NUMBER = "13900009999"
PAGE = f"/console/terminals/{NUMBER}"
SEND = f"{PAGE}/send"


@pytest.fixture
def terminal():
    network.vehicle()
    telemetry.terminal_create(
        actor=system("test"), terminal=NUMBER, kind="jt808", plate="沪A12345", from_at=clock.now()
    )


def text_of(answer):
    return answer.content.decode()


def test_the_page_shows_the_device_its_vehicles_and_when_it_was_heard(terminal):
    network.vehicle("沪B22222")
    now = clock.now()
    Terminal.objects.update(last_seen_at=now, maker="BSJ", model="<b>GF</b>", version="2019")
    network_public.terminal_unbind(
        actor=system("test"), terminal=NUMBER, at=clock.now() + timedelta(seconds=1)
    )
    network_public.terminal_bind(
        actor=system("test"), terminal=NUMBER, plate="沪B22222", from_at=clock.now() + timedelta(hours=1)
    )
    text = text_of(make.signed_in("administrator").get(PAGE))
    for word in ("沪A12345", "沪B22222", "车载终端（JT/T 808） 2019", "BSJ", "在线", "还没有发过指令"):
        assert word in text
    assert "<b>GF</b>" not in text
    Terminal.objects.update(last_seen_at=now - timedelta(minutes=11))
    assert "失联" in text_of(make.signed_in("administrator").get(PAGE))


def test_a_text_is_queued_shown_and_the_list_asks_for_itself(terminal):
    client = make.signed_in("dispatch")
    answer = client.post(SEND, {"kind": "text", "text": "请走 G42 <x>", "speak": "1"}, follow=True)
    text = text_of(answer)
    assert "请走 G42 &lt;x&gt;" in text
    assert "等待终端上线" in text
    part = text_of(client.get(f"{PAGE}/commands"))
    assert "<html" not in part
    assert 'hx-trigger="every 2s"' in part
    row = TerminalCommand.objects.get()
    assert (row.kind, row.parameters["speak"], row.parameters["display"]) == ("text", True, False)
    TerminalCommand.objects.update(state="unsupported")
    part = text_of(client.get(f"{PAGE}/commands"))
    assert "终端不支持" in part
    assert 'hx-trigger="every 15s"' in part


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("text", {"text": "", "speak": "1"}, "请填写要发给司机的文字"),
        ("parameters_set", {"server": "a.cn"}, "请再输入一遍终端号确认"),
        ("parameters_set", {"heartbeat_s": "1"}, "心跳间隔（秒）须在 10 到 3600 之间"),
        ("fence_set", {"station": "NONE"}, "没有找到，请从列表中选择"),
        ("route_delete", {"line": ""}, "请选择线路"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_sent(terminal, kind, fields, said):
    answer = make.signed_in("administrator").post(SEND, {"kind": kind, **fields})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "field-error" in text_of(answer)
    assert not TerminalCommand.objects.exists()


def test_english_readers_read_english_errors(terminal):
    client = make.signed_in("administrator")
    client.cookies["lang"] = "en"
    text = text_of(client.post(f"{SEND}?lang=en", {"kind": "parameters_set", "server": "a.cn"}))
    assert "type the terminal&#x27;s number once more" in text


def test_dispatch_sees_texts_and_positions_only_and_cannot_post_the_rest(terminal):
    client = make.signed_in("dispatch")
    text = text_of(client.get(PAGE))
    assert "查询位置" in text
    assert "设置参数" not in text
    answer = client.post(SEND, {"kind": "parameters_set", "heartbeat_s": "30"})
    assert answer.status_code == 403
    assert not TerminalCommand.objects.exists()


def test_an_unknown_number_and_an_unknown_kind_are_told_kindly(terminal):
    client = make.signed_in("administrator")
    assert client.get("/console/terminals/13900000001").status_code == 404
    assert client.get("/console/terminals/zzz").status_code in {404, 422}
    assert client.post(SEND, {"kind": "dance"}).status_code == 422


def test_a_phone_has_no_commands():
    network.vehicle()
    telemetry.terminal_create(actor=system("test"), terminal="77", kind="osmand", plate="沪A12345")
    text = text_of(make.signed_in("administrator").get("/console/terminals/77"))
    assert "手机定位" in text
    assert "发指令" not in text


def test_the_page_of_a_terminal_asks_a_fixed_number_of_queries(terminal, django_assert_max_num_queries):
    for _ in range(15):
        telemetry.command_send(
            actor=system("test"), terminal=NUMBER, kind="text", parameters={"text": "x", "speak": "1"}
        )
    client = make.signed_in("administrator")
    with django_assert_max_num_queries(18):
        client.get(PAGE)


def test_the_vehicles_drawer_leads_to_its_terminal_where_service_can_send_nothing(terminal):
    vehicle = network_public.vehicle_get(actor=system("test"), plate="沪A12345")
    drawer = f"/console/map/vehicles/{vehicle.id}"
    assert f'href="{PAGE}"' in text_of(make.signed_in("dispatch").get(drawer))
    text = text_of(make.signed_in("service").get(PAGE))
    assert "沪A12345" in text
    assert "发指令" not in text


def test_the_list_of_terminals_leads_to_each(terminal):
    assert f'href="{PAGE}"' in text_of(make.signed_in("administrator").get("/console/terminals"))


def told(client):
    return json.loads(client.get("/console/telemetry/live.json").content)


def test_the_gateways_numbers_are_sums_that_grow(terminal):
    client = make.signed_in("manager")
    before = told(client)
    numbers.POSITIONS.labels("stored").inc(7)
    numbers.FACTS.inc(2)
    after = told(client)
    assert after["counters"]["positions.stored"] - before["counters"].get("positions.stored", 0) == 7
    assert after["counters"]["facts"] - before["counters"]["facts"] == 2
    assert set(after["levels"]) == {"connections", "terminals", "waiting", "lag_s"}


def test_the_live_page_has_a_table_beside_each_curve_in_both_languages():
    client = make.signed_in("manager")
    text = text_of(client.get("/console/telemetry/live"))
    assert text.count('role="img"') == text.count("<tbody") == 7
    english = text_of(client.get("/console/telemetry/live?lang=en"))
    assert "Gateway traffic" in english


def test_every_number_of_ours_has_help_and_a_name_with_its_unit():
    families = metrics.families()
    assert {"zaitu_positions", "zaitu_outbox_oldest_s", "zaitu_bus_dropped"} <= set(families)
    for name, family in families.items():
        assert len(family.documentation) > 10, name
        if family.type == "histogram":
            assert name.endswith("_s"), name
        if "seconds" in family.documentation:
            assert name.endswith("_s"), name
