"""Terminals and the live map."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from tests.access import make as people
from tests.console import make
from tests.journey import make as journey
from tests.network import make as network
from zaitu.console.telemetry.feed import FleetFeed
from zaitu.journey.models import Trip, TripStop
from zaitu.kernel import clock
from zaitu.kernel.bus import BusServer
from zaitu.network.models import TerminalBinding
from zaitu.telemetry.models import MediaFile, Terminal, TerminalReport, UnknownTerminal, VehicleState
from zaitu.telemetry.services.media import Sent, media_store

pytestmark = pytest.mark.django_db


def heard(vehicle_id, *, ago=timedelta(seconds=5), **fields):
    now = clock.now()
    return VehicleState.objects.create(
        vehicle_id=vehicle_id,
        **{
            "at": now - ago,
            "received_at": now - ago,
            "lat": 31.2,
            "lon": 121.4,
            "speed_kmh": 72.0,
            "course_deg": 90,
        }
        | fields,
    )


def unknown(terminal="13900009999"):
    now = clock.now()
    return UnknownTerminal.objects.create(
        terminal=terminal, reported_plate="沪A12345", maker="<i>ZT</i>", first_seen_at=now, last_seen_at=now
    )


def test_an_unknown_terminal_is_adopted_into_a_vehicle():
    network.vehicle()
    unknown()
    client = make.signed_in("administrator")
    text = client.get("/console/terminals").content.decode()
    assert "13900009999" in text
    assert "<i>ZT</i>" not in text
    assert (
        client.post("/console/terminals/adopt", {"terminal": "13900009999", "plate": "沪A12345"}).status_code
        == 302
    )
    assert TerminalBinding.objects.get().terminal == "13900009999"
    assert Terminal.objects.get().terminal == "13900009999"
    assert "没有等待接入的终端" in client.get("/console/terminals").content.decode()


@pytest.mark.parametrize("plate", ["沪A99999", "", "?"])
def test_adopting_into_no_vehicle_is_refused_beside_the_terminal(plate):
    unknown()
    answer = make.signed_in("administrator").post(
        "/console/terminals/adopt", {"terminal": "13900009999", "plate": plate}
    )
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not Terminal.objects.exists()


def test_a_phone_gets_a_token_that_is_shown_once():
    network.vehicle()
    client = make.signed_in("administrator")
    new = {"terminal": "13900008888", "kind": "osmand", "plate": "沪A12345"}
    text = client.post("/console/terminals/new", new).content.decode()
    token = text.split("<code>")[1].split("</code>")[0]
    assert len(token) >= 16
    assert token not in client.get("/console/terminals").content.decode()


def test_a_terminal_is_taken_out_of_its_vehicle_and_let_register_anew():
    network.vehicle()
    client = make.signed_in("administrator")
    client.post("/console/terminals/new", {"terminal": "13900009999", "kind": "jt808", "plate": "沪A12345"})
    assert client.post("/console/terminals/13900009999/reset").status_code == 302
    client.post("/console/terminals/13900009999/unbind")
    assert TerminalBinding.objects.get().to_at is not None


def test_the_map_starts_from_every_vehicle_heard_of():
    journey.carrier()
    trip = journey.trip()
    silent = network.vehicle("沪B22222")
    network.vehicle("沪C33333")
    heard(trip.vehicle_id)
    heard(silent.id, ago=timedelta(hours=1))
    client = make.signed_in("dispatch")
    found = {
        one["plate"]: one for one in json.loads(client.get("/console/map/fleet.json").content)["vehicles"]
    }
    assert set(found) == {"沪A12345", "沪B22222"}
    assert (found["沪A12345"]["lat"], found["沪A12345"]["speed_kmh"]) == (31.2, 72.0)
    drawer = client.get(f"/console/map/vehicles/{silent.id}", headers={"HX-Request": "true"}).content.decode()
    assert "沪B22222" in drawer
    assert "失联" in drawer
    assert json.loads(client.get(f"/console/map/vehicles/{silent.id}/track.json").content) == {"points": []}


def test_the_number_of_queries_of_the_map_does_not_grow_with_the_fleet(django_assert_max_num_queries):
    for number in range(12):
        heard(network.vehicle(f"沪A{number:05d}").id)
    client = make.signed_in("dispatch")
    with django_assert_max_num_queries(8):
        client.get("/console/map/fleet.json")


def test_what_is_late_is_the_same_on_every_page():
    journey.carrier()
    late, prompt = journey.trip(), journey.trip(plate=network.vehicle("沪B22222").plate)
    for trip, minutes in ((late, 45), (prompt, 20)):
        heard(trip.vehicle_id, trip=trip.ref)
        Trip.objects.filter(ref=trip.ref).update(state="running")
        for stop in TripStop.objects.filter(trip__ref=trip.ref, seq__gt=0):
            stop.eta = stop.planned_arrival + timedelta(minutes=minutes)
            stop.save()
        TripStop.objects.filter(trip__ref=trip.ref, seq=0).update(departed_at=clock.now())
    client = make.signed_in("dispatch")
    found = {one["plate"]: one for one in client.get("/console/map/fleet.json").json()["vehicles"]}
    assert (found[late.plate]["late"], found[late.plate]["late_text"]) == (True, "45 分钟")
    assert found[prompt.plate]["late"] is False
    pages = ["", "trips", f"trips/{late.ref}", f"map/vehicles/{late.vehicle_id}"]
    for page in pages:
        text = client.get(
            f"/console/{page}", headers={"HX-Request": "true"} if "map" in page else {}
        ).content.decode()
        assert "晚 45 分钟" in text, page
        assert "晚 20 分钟" not in text, page
    assert "晚 20" not in client.get(f"/console/trips/{prompt.ref}").content.decode()


def test_a_vehicle_s_drawer_says_where_it_is_and_what_it_drives_next():
    journey.carrier()
    trip = journey.trip()
    heard(trip.vehicle_id, lat=31.2304, lon=121.4737, speed_kmh=0.0)
    text = (
        make.signed_in("dispatch")
        .get(f"/console/map/vehicles/{trip.vehicle_id}", headers={"HX-Request": "true"})
        .content.decode()
    )
    assert "在 上海青浦仓" in text
    assert f"/console/trips/{trip.ref}" in text


def test_terminals_are_filtered_by_whether_they_are_heard_and_exported_so():
    network.vehicle()
    client = make.signed_in("administrator")
    for number in ("13900001111", "13900002222"):
        client.post("/console/terminals/new", {"terminal": number, "kind": "jt808", "plate": "沪A12345"})
    Terminal.objects.filter(terminal="13900001111").update(last_seen_at=clock.now())
    for heard_how, number, other in (
        ("on", "13900001111", "13900002222"),
        ("off", "13900002222", "13900001111"),
    ):
        text = client.get(f"/console/terminals?heard={heard_how}").content.decode()
        assert number in text
        assert other not in text
        rows = (
            client.get(f"/console/terminals.csv?heard={heard_how}").content.decode("utf-8-sig").splitlines()
        )
        assert [row.split(",")[0] for row in rows[1:]] == [number]


async def _until(ready, *, within_s=5.0):
    for _ in range(int(within_s / 0.02)):
        if ready():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not happen in time")


def test_the_feed_hears_the_bus_and_gives_each_reader_what_is_new(tmp_path: Path):
    async def scenario():
        path = tmp_path / "bus.sock"
        async with BusServer(path) as bus:
            feed = FleetFeed(str(path))
            with feed, feed:
                await _until(lambda: bool(bus._subscribers) and any(one.patterns for one in bus._subscribers))
                for vehicle, lat in ((1, 31.0), (2, 32.0), (1, 31.5)):
                    bus.publish(f"fix.{vehicle}", {"vehicle_id": vehicle, "lat": lat})
                await _until(lambda: feed.number == 3)
                assert sorted((fix["vehicle_id"], fix["lat"]) for fix in feed.after(0)) == [
                    (1, 31.5),
                    (2, 32.0),
                ]
                assert [fix["vehicle_id"] for fix in feed.after(2)] == [1]
                assert feed.after(3) == []
            assert feed.after(0) == []

    asyncio.run(scenario())


@pytest.mark.django_db(transaction=True)
def test_the_stream_tells_a_fix_within_two_seconds(tmp_path: Path, settings):
    settings.ZAITU_BUS_PATH = str(tmp_path / "bus.sock")

    async def scenario():
        user = await sync_to_async(people.user)("dispatch", password=None)
        client = AsyncClient()
        await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
        async with BusServer(settings.ZAITU_BUS_PATH) as bus:
            answer = await client.get("/console/map/live")
            assert answer["Content-Type"].startswith("text/event-stream")
            parts = answer.streaming_content.__aiter__()
            assert await anext(parts) == b"retry: 2000\n\n"
            assert await sync_to_async(lambda: connections["default"].connection)() is None, (
                "a stream holds no connection"
            )
            waiting = asyncio.create_task(anext(parts))
            await _until(lambda: any(one.patterns for one in bus._subscribers))
            fix = {
                "vehicle_id": 7,
                "lat": 31.2,
                "lon": 121.4,
                "speed_kmh": 60.0,
                "course_deg": 10,
                "at": "2026-11-22T10:00:00+08:00",
                "trip": "T1",
                "along_m": 5.0,
            }
            bus.publish("fix.7", fix)
            told = (await asyncio.wait_for(waiting, 3)).decode()
            assert told.startswith("event: fixes\ndata: ")
            (shown,) = json.loads(told.split("data: ")[1])
            assert shown == {"id": 7} | {
                name: fix[name] for name in ("lat", "lon", "speed_kmh", "course_deg", "at", "trip")
            }
            await parts.aclose()
        await sync_to_async(connections.close_all)()

    asyncio.run(scenario())


@pytest.mark.parametrize("role", ["warehouse", "driver", "finance"])
def test_who_may_not_see_positions_gets_no_stream(role):
    assert make.signed_in(role).get("/console/map/live").status_code == 403


def a_terminal(plate="沪A12345"):
    network.vehicle(plate)
    make.signed_in("administrator").post(
        "/console/terminals/new", {"terminal": "13900009999", "kind": "jt808", "plate": plate}
    )
    return "13900009999"


def a_picture(number, tmp_path, settings, *, content=b"\xff\xd8\xff<script>"):
    settings.MEDIA_ROOT = str(tmp_path)
    told = {"media_id": 1, "media_kind": "image", "media_format": "jpeg", "event": "timed", "channel": 1}
    media_store(Sent(terminal=number, fields=told, taken_at=None, content=content), now=clock.now())
    return str(MediaFile.objects.get().pk)


def test_a_terminals_page_shows_its_pictures_and_reports_in_few_queries(
    tmp_path, settings, django_assert_max_num_queries
):
    number = a_terminal()
    key = a_picture(number, tmp_path, settings)
    TerminalReport.objects.create(
        terminal=number, kind="driver_card", at=clock.now(), received_at=clock.now(),
        body=json.dumps({"card": "in", "name": "王小明", "certificate": "310101198001011234"}),
    )  # fmt: skip
    client = make.signed_in("dispatch")
    with django_assert_max_num_queries(15):
        text = client.get(f"/console/terminals/{number}").content.decode()
    assert f"/console/terminals/media/{key}" in text
    assert "插卡 · 王** · ****1234" in text
    assert "王小明" not in text
    # Who may not manage terminals sees the profile and no form.
    assert "按型号自动选择" in text
    assert "<select" not in text
    report = TerminalReport.objects.get().pk
    shown = client.post(f"/console/terminals/reports/{report}", {"reason": "核对"}).content.decode()
    assert "王小明" in shown
    assert client.post(f"/console/terminals/reports/{report}").status_code == 422


def test_only_pictures_open_in_the_browser_and_nothing_of_them_runs(tmp_path, settings):
    number = a_terminal()
    client = make.signed_in("dispatch")
    answer = client.get(f"/console/terminals/media/{a_picture(number, tmp_path, settings)}")
    assert (answer["Content-Type"], answer.get("Content-Disposition")) == ("image/jpeg", None)
    assert (answer["X-Content-Type-Options"], "sandbox" in answer["Content-Security-Policy"]) == (
        "nosniff",
        True,
    )
    MediaFile.objects.all().delete()
    answer = client.get(
        f"/console/terminals/media/{a_picture(number, tmp_path, settings, content=b'<html>')}"
    )
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert client.get("/console/terminals/media/4711").status_code == 404
    assert make.signed_in("warehouse").get("/console/terminals/media/4711").status_code == 403


def test_an_administrator_sets_what_the_maker_means(tmp_path):
    number = a_terminal()
    client = make.signed_in("administrator")
    assert client.post(f"/console/terminals/{number}/profile", {"profile": "jointech"}).status_code == 302
    assert Terminal.objects.get().profile == "jointech"
    wrong = client.post(f"/console/terminals/{number}/profile", {"profile": "x"})
    assert (wrong.status_code, "没有设备方案" in wrong.content.decode()) == (422, True)
    assert make.signed_in("dispatch").post(f"/console/terminals/{number}/profile").status_code == 403


def test_a_lock_is_let_in_as_a_lock():
    network.vehicle()
    unknown("8800001234")
    UnknownTerminal.objects.update(kind="elock")
    client = make.signed_in("administrator")
    assert "电子锁" in client.get("/console/terminals").content.decode()
    client.post("/console/terminals/adopt", {"terminal": "8800001234", "plate": "沪A12345"})
    assert Terminal.objects.get().kind == "elock"


def test_the_vehicle_in_the_drawer_leads_to_its_terminals():
    number = a_terminal()
    vehicle_id = TerminalBinding.objects.get().vehicle_id
    text = make.signed_in("dispatch").get(f"/console/map/vehicles/{vehicle_id}").content.decode()
    assert f"/console/terminals/{number}" in text
