"""Orders in bulk, changes and cancellation, tracks in bulk, changes since a cursor, proofs, ETags."""

import threading
import time

import pytest
from django.db import connection, transaction

from tests.journey import make as journey
from tests.network import make as network
from tests.portal.test_api import ORDER, placed, problem
from tests.portal.test_track import key_for
from zaitu.access.models import AuditEntry
from zaitu.journey.models import JourneyEvent, Order, Shipment

ALL = ("orders", "track", "events", "labels")


@pytest.fixture
def house(web):
    network.line()
    network.product()
    return web, key_for("C001", *ALL)


@pytest.fixture
def carrier(web):
    journey.carrier()
    return web, key_for("C001", *ALL)


# Orders in bulk


def test_each_order_of_a_batch_has_its_own_result_and_a_batch_can_be_sent_again(house):
    web, key = house
    batch = {"orders": [
        ORDER | {"client_ref": "A"}, ORDER | {"pieces": 0, "colour": "red"}, ORDER | {"to_station": "NOWHERE"}, ORDER, {},
    ]}  # fmt: skip
    first = web.post("/api/v1/bulk/orders", json=batch, headers=key | {"Idempotency-Key": "batch-7"})
    assert first.status_code == 200, first.text
    body = first.json()
    assert (body["created"], body["existing"], body["refused"]) == (2, 0, 3)
    assert [row["result"] for row in body["results"]] == [
        "created",
        "refused",
        "refused",
        "created",
        "refused",
    ]
    assert body["results"][1]["fields"] == {"pieces": "不能小于 1", "colour": "没有这个字段"}
    assert body["results"][2]["code"] == "invalid"
    assert "to_station" in body["results"][2]["fields"]
    assert body["results"][3]["client_ref"] == "batch-7#4"
    again = web.post("/api/v1/bulk/orders", json=batch, headers=key | {"Idempotency-Key": "batch-7"}).json()
    assert (again["created"], again["existing"], again["refused"]) == (0, 2, 3)
    assert Shipment.objects.count() == 2
    other = {"orders": [ORDER | {"client_ref": "A", "pieces": 9}]}
    assert web.post("/api/v1/bulk/orders", json=other, headers=key).json()["results"][0]["code"] == "conflict"


@pytest.mark.parametrize("orders", [[], [1], "x", [{}] * 501])
def test_a_batch_in_another_shape_is_refused_whole(house, orders):
    web, key = house
    problem(web.post("/api/v1/bulk/orders", json={"orders": orders}, headers=key), 422, "invalid")
    long = {"Idempotency-Key": "x" * 59}
    problem(web.post("/api/v1/bulk/orders", json={"orders": [ORDER]}, headers=key | long), 422, "invalid")
    assert not Order.objects.exists()


def test_a_batch_may_be_larger_than_an_order_and_not_without_end(house):
    web, key = house
    padding = b" " * 300_000
    assert (
        web.post("/api/v1/bulk/orders", content=b'{"orders": [{}]' + padding + b"}", headers=key).status_code
        == 200
    )
    problem(web.post("/api/v1/bulk/orders", content=b" " * 2_100_000, headers=key), 413, "too_large")


# Changes and cancellation


def test_an_order_is_changed_before_it_is_collected(house):
    web, key = house
    order = placed(web, key, client_ref="PO-1")
    path = f"/api/v1/orders/{order['waybill']}"
    party = ORDER["consignee"] | {"name": "赵六", "phone": "13700008888"}
    edit = {"consignee": party, "goods": "轴承", "weight_kg": 12.5, "remarks": "请先电联"}
    answer = web.patch(path, json=edit, headers=key)
    assert answer.status_code == 200, answer.text
    assert answer.json()["waybill"] == order["waybill"]
    page = journey.page(order["waybill"])
    assert (page.row.goods, page.weight_kg, page.remarks) == ("轴承", 12.5, "请先电联")
    assert page.volume_m3 == ORDER["volume_m3"]
    opened = web.get(f"/api/v1/track/{order['waybill']}", params={"phone_tail": "8888"})
    assert opened.json()["details"]["contacts"][1]["name"] == "赵*"
    assert web.get(f"/api/v1/track/{order['waybill']}", params={"phone_tail": "5678"}).status_code == 404
    entry = AuditEntry.objects.get(action="order.change")
    assert entry.detail == {"fields": ["consignee", "goods", "remarks", "weight_kg"]}
    # The order as it was placed is still that order.
    again = web.post("/api/v1/orders", json=ORDER | {"client_ref": "PO-1"}, headers=key)
    assert (again.status_code, again.json()["waybill"]) == (200, order["waybill"])


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"pieces": 5}, "pieces"),
        ({"to_station": "WHDX"}, "to_station"),
        ({"weight_kg": 0}, "weight_kg"),
        ({"goods": "刀\u202e具"}, "goods"),
        ({"consignee": ORDER["consignee"] | {"phone": "12345"}}, "consignee.phone"),
        ({}, None),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(house, edit, field):
    web, key = house
    order = placed(web, key)
    told = problem(web.patch(f"/api/v1/orders/{order['waybill']}", json=edit, headers=key), 422, "invalid")
    assert field is None or field in told["fields"]
    assert journey.page(order["waybill"]).row.goods == ORDER["goods"]
    assert not AuditEntry.objects.filter(action="order.change").exists()


def test_an_order_is_cancelled_once_and_then_not_changed(house):
    web, key = house
    order = placed(web, key)
    path = f"/api/v1/orders/{order['waybill']}"
    for _ in range(2):
        answer = web.post(f"{path}/cancel", json={"reason": "不发了"}, headers=key)
        assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert JourneyEvent.objects.filter(kind="cancelled").count() == 1
    problem(web.patch(path, json={"goods": "x"}, headers=key), 409, "order_over")
    problem(web.post(f"{path}/cancel", json={"reason": ""}, headers=key), 422, "invalid")


def test_once_the_goods_are_with_us_nothing_is_changed_or_cancelled(carrier):
    web, key = carrier
    order = journey.collected(customer_code="C001")
    path = f"/api/v1/orders/{order.waybill}"
    told = problem(web.post(f"{path}/cancel", json={"reason": "不发了"}, headers=key), 409, "order_under_way")
    assert "已揽收" in told["detail"]
    problem(web.patch(path, json={"goods": "x"}, headers=key), 409, "order_under_way")
    assert journey.status(order.waybill)[0] == "awaiting_departure"


def test_another_customer_s_order_is_none(house):
    web, key = house
    order = placed(web, key)
    other = key_for("C002", *ALL)
    path = f"/api/v1/orders/{order['waybill']}"
    problem(web.patch(path, json={"goods": "x"}, headers=other), 404, "not_found")
    problem(web.post(f"{path}/cancel", json={"reason": "x"}, headers=other), 404, "not_found")
    problem(web.get(f"/api/v1/shipments/{order['waybill']}/proofs", headers=other), 404, "not_found")
    assert web.get("/api/v1/changes", headers=other).json()["changes"] == []
    assert web.post("/api/v1/bulk/tracks", json={"numbers": [order["waybill"]]}, headers=other).json()[
        "results"
    ] == [{"number": order["waybill"], "track": None}]


# Tracks in bulk


def test_many_tracks_at_once_are_the_tracks_one_by_one(house):
    web, key = house
    one, two = placed(web, key), placed(web, key)
    numbers = [two["waybill"], "ZT0000000000000", one["waybill"]]
    results = web.post("/api/v1/bulk/tracks", json={"numbers": numbers}, headers=key).json()["results"]
    assert [row["number"] for row in results] == numbers
    assert results[1]["track"] is None
    alone = web.get(f"/api/v1/track/{one['waybill']}", headers=key).json()
    assert results[2]["track"] == {name: value for name, value in alone.items() if name != "details"} | {
        "details": None
    }
    problem(web.post("/api/v1/bulk/tracks", json={"numbers": ["x"] * 101}, headers=key), 422, "invalid")


# Changes since a cursor. Other tests' transactions run on the same server and hold feeds back for a moment.


def since(web, key, cursor, *, at_least=1):
    """What is told from here, as soon as there is so much of it, and the cursor after it."""
    seen, until = [], time.monotonic() + 15
    while True:
        answer = web.get("/api/v1/changes", params={"cursor": cursor, "limit": 3}, headers=key).json()
        cursor = answer["cursor"]
        seen += answer["changes"]
        if not answer["more"] and (len(seen) >= at_least or time.monotonic() > until):
            return seen, cursor
        if not answer["more"]:
            time.sleep(0.1)


def test_changes_come_once_in_order_and_go_on_from_the_cursor(carrier):
    web, key = carrier
    order = journey.collected(customer_code="C001")
    journey.collected(customer_code=None)
    first, cursor = since(web, key, "0", at_least=2)
    assert [(row["kind"], row["waybill"]) for row in first] == [
        ("ordered", order.waybill),
        ("collected", order.waybill),
    ]
    one = web.get("/api/v1/changes", params={"limit": 1}, headers=key).json()
    assert (one["more"], one["changes"]) == (True, first[:1])
    rest, _ = since(web, key, one["cursor"])
    assert rest == first[1:]
    assert since(web, key, cursor, at_least=0)[0] == []
    wrong = JourneyEvent.objects.get(kind="collected", shipment__waybill=order.waybill)
    journey.journey.event_void(actor=journey.TEST, event_id=wrong.pk, reason="扫错")
    later, _ = since(web, key, cursor)
    assert [(row["kind"], row["takes_back"]) for row in later] == [("voided", wrong.pk)]
    # From the beginning all of it is told again, in the same order.
    assert since(web, key, "0", at_least=3)[0] == first + later


def test_a_cursor_skips_no_event_that_is_committed_after_a_later_one(carrier):
    """A smaller number that is seen later: the cursor waits for it."""
    web, key = carrier
    _, cursor = since(web, key, "0", at_least=0)
    written, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=write_until, args=(written, go_on, 1))
    thread.start()
    assert written.wait(20)
    fast = ordered(2)
    seen = []
    try:
        for _ in range(3):
            answer = web.get("/api/v1/changes", params={"cursor": cursor}, headers=key).json()
            cursor = answer["cursor"]
            seen += [row["waybill"] for row in answer["changes"]]
        assert seen == [], "the later number is held back while the smaller one may still come"
    finally:
        let_go((go_on, thread))
    told, _ = since(web, key, cursor, at_least=2)
    assert len(told) == 2
    assert told[1]["waybill"] == fast


def test_a_feed_goes_on_while_somebody_always_writes(carrier):
    """There is never a moment without a transaction: what had begun before a mark has ended at some time all the same."""
    web, key = carrier
    seen, cursor = [], "0"
    held = []
    for number in range(4):
        began, end = threading.Event(), threading.Event()
        thread = threading.Thread(target=write_until, args=(began, end, number))
        thread.start()
        assert began.wait(20)
        if held:
            let_go(held.pop())
        # What the last one wrote is told while the next one writes.
        told, cursor = since(web, key, cursor, at_least=min(number, 1))
        assert bool(told) == bool(number)
        seen += told
        held.append((end, thread))
    let_go(held.pop())
    told, cursor = since(web, key, cursor)
    assert [row["id"] for row in seen + told] == list(
        JourneyEvent.objects.order_by("id").values_list("id", flat=True)
    )


def ordered(number):
    """Of people whom nobody else writes at the same time."""
    parties = {
        role: journey.party(name=f"{role}{number}", phone=f"1380000{number:04}", email="")
        for role in ("consignor", "consignee")
    }
    return journey.order(customer_code="C001", **parties).waybill


def write_until(began, end, number):
    try:
        with transaction.atomic():
            ordered(number)
            began.set()
            assert end.wait(20)
    finally:
        connection.close()


def let_go(held):
    end, thread = held
    end.set()
    thread.join(20)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", "cursor=" + "9" * 19, "limit=0", "limit=501"])
def test_a_cursor_that_is_none_is_refused(house, query):
    web, key = house
    problem(web.get(f"/api/v1/changes?{query}", headers=key), 422, "invalid")


# Proofs


def test_proofs_and_their_files_are_read_with_the_same_key(carrier):
    web, key = carrier
    order = journey.collected(customer_code="C001")
    journey.sign(order.waybill)
    path = f"/api/v1/shipments/{order.waybill}"
    proof = web.get(f"{path}/proofs", headers=key).json()["proofs"][0]
    assert (proof["signer"], proof["pieces"]) == ("王小明", 3)
    file = web.get(proof["signature"], headers=key)
    assert (file.status_code, file.headers["content-type"].split("/")[0]) == (200, "image")
    assert "no-store" in file.headers["cache-control"]
    other = journey.collected(customer_code="C001")
    foreign = proof["signature"].replace(order.waybill, other.waybill)
    problem(web.get(foreign, headers=key), 404, "not_found")
    problem(web.get(f"{path}/files/nothing", headers=key), 404, "not_found")
    problem(web.get(proof["signature"], headers=key_for("C002", *ALL)), 404, "not_found")
    problem(web.get(proof["signature"]), 401, "not_authenticated")


# ETags


def test_who_has_the_same_already_gets_nothing_twice(house):
    web, key = house
    order = placed(web, key)
    path = f"/api/v1/orders/{order['waybill']}"
    first = web.get(path, headers=key)
    assert first.headers["cache-control"] == "private, no-cache"
    again = web.get(path, headers=key | {"If-None-Match": f'W/"x", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    web.patch(path, json={"goods": "轴承"}, headers=key)
    web.post(f"{path}/cancel", json={"reason": "不发了"}, headers=key)
    changed = web.get(path, headers=key | {"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)
    # What may not be read has no tag to match.
    problem(web.get(path, headers=key_for("C002", *ALL) | {"If-None-Match": "*"}), 404, "not_found")
