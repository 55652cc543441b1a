"""Free text that means harm is shown as text; the search finds only what one may see."""

import pytest

from tests.access import make as people
from tests.console import make
from tests.customers import make as customers
from tests.journey import make as journey
from tests.network import make as network

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def harmless(text):
    return "<script>alert(1)" not in text and "<img src=x" not in text and ">49<" not in text


def test_hostile_text_in_every_field_stays_text_on_every_page():
    network.three_stations()
    network.station("EVIL", "站" + EVIL[:50], network.SHANGHAI, address=EVIL, city="上海")
    journey.carrier()
    customers.customer("ACME", name=EVIL[:80])
    network.driver(name=EVIL[:40])
    people.user("service", username="evil.user", name=EVIL[:60], password=None)
    waybill = journey.order(
        goods=EVIL,
        remarks=EVIL,
        client_ref=EVIL[:60],
        customer_code="ACME",
        consignee=journey.party(name=EVIL[:50], address=EVIL),
        items=((EVIL[:30], EVIL[:50], 2),),
    ).waybill
    trip = journey.on_trip(waybill, driver_code="D001")
    client = make.signed_in("administrator")
    client.post(f"/console/shipments/{waybill}/events", {"kind": "problem", "code": "damaged", "note": EVIL})
    pages = [
        "",
        "shipments",
        f"shipments?q={EVIL}",
        f"shipments?station={EVIL}&customer={EVIL}&from={EVIL}",
        f"shipments/{waybill}",
        f"shipments/{waybill}?drawer",
        f"trips/{trip.ref}",
        f"trips?q={EVIL}",
        "network/stations",
        "network/stations/EVIL/edit",
        "network/drivers",
        f"network/lines?q={EVIL}",
        "customers",
        "customers/ACME/edit",
        "users",
        "users/evil.user/edit",
        "audit",
        f"audit?subject={EVIL}",
        f"search?q={EVIL}",
        "terminals",
    ]
    assert [page for page in pages if not harmless(client.get(f"/console/{page}").content.decode())] == []
    revealed = client.post(f"/console/shipments/{waybill}/people", {"reason": EVIL}).content.decode()
    assert "&lt;script&gt;" in revealed
    assert harmless(revealed)
    refused = client.post("/console/orders/new", {"goods": EVIL, "consignee.name": EVIL}).content.decode()
    assert harmless(refused)


def test_the_search_finds_waybills_vehicles_stations_and_pages():
    world = make.world()
    client = make.signed_in("dispatch")
    for q, found in (
        (world.waybill[2:8], f"/console/shipments/{world.waybill}"),
        ("A12345", f"/console/map#{world.vehicle_id}"),
        ("青浦", "station=SHQP"),
        (world.trip, f"/console/trips/{world.trip}"),
        ("安排", "/console/trips/new"),
        ("沪A", f"/console/map#{world.vehicle_id}"),
        ("5678", f"/console/shipments/{world.waybill}"),
        ("精密", "customer=ACME"),
        ("修改密码", "/console/me"),
    ):
        assert found in client.get("/console/search", {"q": q}).content.decode(), q
    assert "没有找到" in client.get("/console/search", {"q": "火星火星"}).content.decode()


def test_the_search_gives_nothing_one_may_not_open():
    make.world()
    text = make.signed_in("driver").get("/console/search", {"q": "用户"}).content.decode()
    assert "/console/users" not in text
    assert (
        "/console/map#"
        not in make.signed_in("driver").get("/console/search", {"q": "A12345"}).content.decode()
    )
