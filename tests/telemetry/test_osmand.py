"""Phones over HTTP: the ASGI callable itself, against the real database."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.bus import BusClient
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.models import Position
from zaitu.telemetry.services.door import Door, door_path
from zaitu.telemetry.services.host import EngineHost

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def phone():
    number, vehicle_id, token = make.terminal(kind="osmand")
    assert len(token) >= 24
    return number, vehicle_id, token


async def asked(scope, receive, send):
    """One request, with the engine behind the real door."""
    bus = BusClient(settings.ZAITU_BUS_PATH)
    host = EngineHost(bus, part="gateway")
    door = Door(door_path(settings.ZAITU_BUS_PATH), host)
    await host.start()
    await door.open()
    await telemetry.osmand_open()
    try:
        await telemetry.osmand(scope, receive, send)
    finally:
        await telemetry.osmand_close()
        await door.close()
        await host.stop()
        await bus.close()


def call(method="GET", query="", body=b"", pieces=1):
    sent = []
    size = max(1, -(-len(body) // pieces))
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    coming = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/osmand",
        "query_string": query.encode(),
        "headers": [],
    }
    asyncio.run(asked(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


def seconds(at):
    return str(int(at.timestamp()))


def test_the_query_form_is_stored_and_its_speed_is_in_knots(phone):
    _, vehicle_id, token = phone
    now = clock.now().replace(microsecond=0)
    words = {
        "id": token, "lat": 30.5, "lon": 114.3, "timestamp": seconds(now), "speed": 30, "bearing": 91.4,
        "altitude": 23.7, "accuracy": 5, "batt": 88, "hdop": 1.2,
    }  # fmt: skip
    assert call("GET", urlencode(words)) == (200, "")
    row = Position.objects.get()
    assert (row.vehicle_id, row.at, row.lat, row.lon) == (vehicle_id, now, 30.5, 114.3)
    assert row.speed_kmh == pytest.approx(55.56)
    assert (row.course_deg, row.altitude_m) == (91, 24)
    assert row.extra == {"accuracy_m": 5.0, "battery_pct": 88.0, "hdop": 1.2}
    assert telemetry.latest(actor=make.ACTOR, vehicle_ids=[vehicle_id])[vehicle_id].lat == 30.5


@pytest.mark.parametrize(
    "written",
    [seconds, lambda at: str(int(at.timestamp() * 1000)), lambda at: at.isoformat().replace("+00:00", "Z")],
    ids=["seconds", "milliseconds", "ISO 8601"],
)
def test_every_way_to_write_the_time_is_one_instant(phone, written):
    now = clock.now().replace(microsecond=0)
    assert call("POST", urlencode({"id": phone[2], "lat": 1, "lon": 2, "timestamp": written(now)}))[0] == 200
    assert Position.objects.get().at == now


def test_a_posted_form_is_the_same_as_a_query(phone):
    words = urlencode({"id": phone[2], "lat": 30, "lon": 114, "timestamp": seconds(clock.now())})
    assert call("POST", "", words.encode(), pieces=3)[0] == 200
    assert Position.objects.count() == 1


def test_the_json_form_is_stored_and_its_speed_is_in_metres_per_second(phone):
    now = clock.now().replace(microsecond=0)
    location = {
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "coords": {
            "latitude": 30.1,
            "longitude": 114.2,
            "accuracy": 9,
            "speed": 10,
            "heading": 270,
            "altitude": 5,
        },
        "odometer": 1234.5,
        "battery": {"level": 0.5, "is_charging": False},
        "is_moving": True,
    }
    assert call("POST", "", json.dumps({"device_id": phone[2], "location": location}).encode())[0] == 200
    row = Position.objects.get()
    assert (row.lat, row.speed_kmh, row.course_deg, row.odometer_m) == (30.1, 36.0, 270, 1234)
    assert row.extra["battery_pct"] == 50.0


def test_what_the_json_form_does_not_know_is_not_known(phone):
    coords = {"latitude": 30.1, "longitude": 114.2, "speed": -1, "heading": -1}
    body = {"device_id": phone[2], "location": {"timestamp": clock.now().isoformat(), "coords": coords}}
    assert call("POST", "", json.dumps(body).encode())[0] == 200
    assert (Position.objects.get().speed_kmh, Position.objects.get().course_deg) == (None, None)


def test_the_same_report_again_is_answered_200_and_stored_once(phone):
    words = urlencode({"id": phone[2], "lat": 30, "lon": 114, "timestamp": seconds(clock.now())})
    assert [call("GET", words)[0], call("GET", words)[0]] == [200, 200]
    assert Position.objects.count() == 1


def test_without_a_time_it_counts_when_it_came(phone):
    assert call("GET", urlencode({"id": phone[2], "lat": 30, "lon": 114}))[0] == 200
    assert abs((Position.objects.get().at - clock.now()).total_seconds()) < 30


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"lat": 30, "lon": 114}, 400),
        ({"id": "TOKEN", "lat": "north", "lon": 114}, 400),
        ({"id": "TOKEN", "lat": 91, "lon": 114}, 400),
        ({"id": "TOKEN", "lat": "nan", "lon": 114}, 400),
        ({"id": "TOKEN", "lon": 114}, 400),
        ({"id": "TOKEN", "lat": 30, "lon": 114, "timestamp": "yesterday"}, 400),
        ({"id": "TOKEN", "lat": 30, "lon": 114, "timestamp": "1e300"}, 400),
        ({"id": "not-a-token", "lat": 30, "lon": 114}, 401),
        ({"id": "NUMBER", "lat": 30, "lon": 114}, 401),
    ],
)
def test_what_is_no_position_of_a_known_phone_is_refused_and_not_stored(phone, words, status):
    words = {name: {"TOKEN": phone[2], "NUMBER": phone[0]}.get(value, value) for name, value in words.items()}
    assert call("GET", urlencode(words))[0] == status
    assert Position.objects.count() == 0


def test_a_terminals_number_is_no_token():
    number, _, token = make.terminal()
    assert token == ""
    assert call("GET", urlencode({"id": number, "lat": 1, "lon": 2}))[0] == 401


def test_other_methods_and_large_bodies_are_refused(phone):
    assert call("PUT")[0] == 405
    assert call("POST", "", b"{" + b" " * 300_000, pieces=5)[0] == 413
    assert call("POST", "", b"{broken")[0] == 400
    many = [{"timestamp": AT.isoformat(), "coords": {"latitude": 1, "longitude": 2}}] * 501
    assert call("POST", "", json.dumps({"device_id": phone[2], "location": many}).encode())[0] == 400
