"""`/api/v1/`: orders, events, labels and keys, and every mistake answered as a problem document."""

import json
import re

import httpx
import pytest
from django.db import InterfaceError, OperationalError

from tests.network import make as network
from tests.portal import make
from tests.portal.test_track import key_for
from zaitu.access.public import key_issue
from zaitu.kernel.waybills import waybill_make
from zaitu.portal.api.english import ENGLISH
from zaitu.ui import labels
from zaitu.ui.labels.press import COMPILERS, Press

ORDER = {
    "product": "LTL",
    "from_station": "SHQP",
    "to_station": "CDQB",
    "consignor": {"name": "李发货", "phone": "13900004321", "city": "上海", "address": "青浦区华新镇 1 号"},
    "consignee": {"name": "王小明", "phone": "13812345678", "city": "成都", "address": "青白江区城厢镇 8 号"},
    "pieces": 3,
    "weight_kg": 90.5,
    "volume_m3": 0.6,
    "goods": "电机配件",
}
ALL = ("orders", "track", "events", "labels")


@pytest.fixture
def house(web):
    """Two stations, a product, and a customer's key with every scope."""
    network.line()
    network.product()
    return web, key_for("C001", *ALL)


def placed(web, key, **more):
    answer = web.post("/api/v1/orders", json=ORDER | more, headers=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == code
    assert answer.json()["status"] == status
    return answer.json()


def test_an_order_gets_a_number_an_eta_and_piece_labels(house):
    web, key = house
    order = placed(web, key, client_ref="PO-1")
    assert order["pieces"] == [f"{order['waybill']}-00{n}" for n in (1, 2, 3)]
    assert order["eta_from"] <= order["eta"] <= order["eta_to"]
    assert order["status_text"] == "已下单"
    assert order["tracking_url"].endswith(f"/t/{order['waybill']}")
    again = web.get(f"/api/v1/orders/{order['waybill']}", headers=key).json()
    assert (again["client_ref"], again["pieces"]) == ("PO-1", order["pieces"])
    tracked = web.get(f"/api/v1/track/{order['waybill']}").json()
    assert (tracked["status"], tracked["nodes"][0]["text"]) == ("ordered", "已下单，等待揽收")


@pytest.mark.parametrize("by", ["client_ref", "Idempotency-Key"])
def test_the_same_order_twice_is_one_order(house, by):
    web, key = house
    body = ORDER | ({"client_ref": "PO-7"} if by == "client_ref" else {})
    headers = key | ({} if by == "client_ref" else {"Idempotency-Key": "PO-7"})
    first = web.post("/api/v1/orders", json=body, headers=headers)
    second = web.post("/api/v1/orders", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["waybill"] == second.json()["waybill"]
    problem(web.post("/api/v1/orders", json=body | {"pieces": 4}, headers=headers), 409, "conflict")


def test_wrong_fields_are_named_and_nothing_is_made(house):
    web, key = house
    from zaitu.journey.models import Shipment

    wrong = ORDER | {"pieces": 0, "consignee": ORDER["consignee"] | {"phone": ""}, "colour": "red"}
    fields = problem(web.post("/api/v1/orders", json=wrong, headers=key), 422, "invalid")["fields"]
    assert fields == {
        "pieces": "不能小于 1",
        "consignee.phone": "至少 5 个字",
        "colour": "没有这个字段",
    }
    english = web.post("/api/v1/orders", json=wrong, headers=key | {"Accept-Language": "en-GB"})
    assert problem(english, 422, "invalid")["fields"]["colour"] == "Extra inputs are not permitted"
    rule = problem(
        web.post("/api/v1/orders", json=ORDER | {"to_station": "NOWHERE"}, headers=key), 422, "invalid"
    )
    assert "to_station" in rule["fields"]
    assert Shipment.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"pieces": True}, "pieces"),
        ({"pieces": "3"}, "pieces"),
        ({"pieces": 3.0}, "pieces"),
        ({"weight_kg": "90"}, "weight_kg"),
        ({"volume_m3": True}, "volume_m3"),
        ({"items": [{"sku": "A", "name": "刀片", "quantity": "2"}]}, "items.0.quantity"),
        ({"goods": "刀具\u202efdp.exe"}, "goods"),
        ({"remarks": "\u2066小心\u2069"}, "remarks"),
        ({"items": [{"sku": "A", "name": "刀\u202e片", "quantity": 2}]}, "items"),
        ({"consignee": ORDER["consignee"] | {"name": "王\u200f小明"}}, "consignee.name"),
        ({"customer_code": "NOBODY"}, "customer_code"),
    ],
)
def test_numbers_are_numbers_and_words_hide_nothing(house, wrong, field):
    web, key = house
    answer = problem(web.post("/api/v1/orders", json=ORDER | wrong, headers=key), 422, "invalid")
    assert set(answer["fields"]) == {field}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/api/v1/orders", b"{not json", 400, "bad_request"),
        ("POST", "/api/v1/orders", b'"' + b"x" * 300_000 + b'"', 413, "too_large"),
        ("POST", "/api/v1/orders", json.dumps(ORDER | {"goods": "a\x00b"}).encode(), 422, "invalid"),
        ("POST", "/api/v1/orders", json.dumps(ORDER | {"goods": "\ud800"}).encode(), 422, "invalid"),
        ("POST", "/api/v1/orders", json.dumps(ORDER | {"weight_kg": float("nan")}).encode(), 422, "invalid"),
        ("POST", "/api/v1/orders", b"\xff\xfe{}", 400, "bad_request"),
        ("POST", "/api/v1/orders", b"[" * 100_000, 400, "bad_request"),
        ("POST", "/api/v1/orders", b"", 422, "invalid"),
        ("POST", "/api/v1/orders", b"[]", 422, "invalid"),
        ("POST", "/api/v1/orders", b"null", 422, "invalid"),
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("GET", "/api/", None, 404, "not_found"),
        ("GET", "/api/v2/orders", None, 404, "not_found"),
        ("POST", "/api/v1/nothing", b"{}", 404, "not_found"),
        ("GET", "/api/v1/orders/%00", None, 400, "bad_request"),
        ("GET", "/api/v1/orders/" + "x" * 41, None, 422, "invalid"),
        ("GET", "/api/v1/track/", None, 404, "not_found"),
        ("GET", "/api/v1/track/%FF", None, 404, "not_found"),
        ("POST", "/api/v1/track/ZT1", b"{}", 405, "method_not_allowed"),
        ("PATCH", "/api/v1/key", b"{}", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/orders", None, 405, "method_not_allowed"),
        ("GET", "/api/v1/shipments/hello/labels.pdf?first=0", None, 422, "invalid"),
    ],
)
def test_every_mistake_is_a_problem_document(house, method, path, content, status, code):
    web, key = house
    problem(web.request(method, path, content=content, headers=key), status, code)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"],
)
def test_what_says_that_it_is_no_json_is_not_read_as_json(house, kind):
    web, key = house
    body = json.dumps(ORDER).encode()
    answer = web.post("/api/v1/orders", content=body, headers=key | {"Content-Type": kind})
    problem(answer, 415, "unsupported_media_type")
    for said in ("application/json; charset=utf-8", "application/vnd.api+json"):
        assert (
            web.post("/api/v1/orders", content=body, headers=key | {"Content-Type": said}).status_code == 201
        )


@pytest.mark.parametrize("path", ["/api/v1/key", "/api/v1/track/{w}", "/api/v1/track/{w}/live"])
def test_a_mistake_of_ours_is_a_problem_document_too(house, monkeypatch, path):
    web, key = house
    order = placed(web, key)

    def broken(*_args, **_named):
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("zaitu.portal.api.routes.key_rate_per_min", broken)
    monkeypatch.setattr("zaitu.portal.visits.Visits.visit", broken)
    answer = web.get(path.format(w=order["waybill"]), headers=key)
    problem(answer, 500, "server_error")
    assert "mistake" not in answer.text


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_503_and_when_to_come_back(house, monkeypatch, error):
    web, key = house

    def away(*_args, **_named):
        raise error("server closed the connection unexpectedly")

    monkeypatch.setattr("zaitu.portal.api.routes.key_rate_per_min", away)
    answer = web.get("/api/v1/key", headers=key)
    problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_without_a_key_nothing_is_said(house):
    web, _key = house
    for path in ("/api/v1/key", "/api/v1/orders/ZT1", "/api/v1/shipments/ZT1/events"):
        answer = web.get(path)
        problem(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("/api/v1/orders/{w}", "orders"),
        ("/api/v1/shipments/{w}/events", "events"),
        ("/api/v1/shipments/{w}/labels.pdf", "labels"),
    ],
)
def test_another_customers_shipment_and_none_at_all_are_the_same_404(house, path, needs):
    web, key = house
    order = placed(web, key)
    other = key_for("C002", *ALL)
    theirs = web.get(path.format(w=order["waybill"]), headers=other)
    unknown = web.get(path.format(w=waybill_make("ZT")), headers=other)
    problem(theirs, 404, "not_found")
    assert theirs.content == unknown.content
    narrow = key_for("C001", *(set(ALL) - {needs}))
    problem(web.get(path.format(w=order["waybill"]), headers=narrow), 403, "forbidden")
    assert web.get(path.format(w=order["waybill"]), headers=key).status_code == 200


def test_events_tell_what_happened(house):
    web, key = house
    order = placed(web, key)
    events = web.get(f"/api/v1/shipments/{order['waybill']}/events", headers=key).json()["events"]
    assert [event["kind"] for event in events] == ["ordered"]
    told = [events[0]["at"], events[0]["recorded_at"], order["eta"], order["eta_from"], order["eta_to"]]
    assert {at[-6:] for at in told} == {"+08:00"}, "as on the tracking path"
    assert "王小明" not in json.dumps(events, ensure_ascii=False)


def test_labels_are_one_page_a_piece_and_take_text_as_text(house):
    web, key = house
    order = placed(web, key, goods="#panic() *粗* $x$ </svg>", remarks='#read("/etc/passwd")')
    pdf = web.get(f"/api/v1/shipments/{order['waybill']}/labels.pdf", headers=key)
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert b"/Type/Pages/Count 3/" in pdf.content
    one = web.get(f"/api/v1/shipments/{order['waybill']}/labels.pdf?first=2&last=2", headers=key)
    assert b"/Type/Pages/Count 1/" in one.content


def test_where_too_many_labels_are_being_made_one_is_told_when_to_come_back(house, monkeypatch):
    web, key = house
    order = placed(web, key)
    monkeypatch.setattr(labels, "_press", Press(waiting=-COMPILERS))
    answer = web.get(f"/api/v1/shipments/{order['waybill']}/labels.pdf", headers=key)
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == str(answer.json()["retry_after_s"]) == "5"


def test_a_key_can_be_checked(house):
    web, key = house
    health = web.get("/api/v1/key", headers=key).json()
    assert health["customer_code"] == "C001"
    assert health["scopes"] == sorted(ALL)


def test_a_key_is_slowed_at_its_own_rate(house):
    web, _key = house
    _view, raw = key_issue(
        actor=make.ACTOR, customer_code="C001", name="slow", scopes=frozenset({"orders"}), rate_per_min=3
    )
    slow = {"Authorization": f"Bearer {raw}"}
    statuses = [web.get("/api/v1/key", headers=slow).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert int(web.get("/api/v1/key", headers=slow).headers["retry-after"]) > 0


def test_the_openapi_document_is_valid_and_lists_every_path(web):
    from openapi_spec_validator import validate

    schema = web.get("/api/v1/openapi.json").json()
    validate(schema)
    assert set(schema["paths"]) == {
        "/api/v1/key",
        "/api/v1/orders",
        "/api/v1/orders/{waybill}",
        "/api/v1/shipments/{waybill}/events",
        "/api/v1/shipments/{waybill}/labels.pdf",
        "/api/v1/track/{waybill}",
        "/api/v1/track/{waybill}/live",
        "/api/v1/partner/events",
        "/api/v1/webhooks",
        "/api/v1/webhooks/{webhook_id}",
        "/api/v1/webhooks/{webhook_id}/secret",
        "/api/v1/webhooks/{webhook_id}/enable",
        "/api/v1/webhooks/{webhook_id}/disable",
        "/api/v1/webhooks/{webhook_id}/test",
        "/api/v1/webhooks/{webhook_id}/deliveries",
        "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        "/api/v1/bulk/orders",
        "/api/v1/bulk/tracks",
        "/api/v1/changes",
        "/api/v1/orders/{waybill}/cancel",
        "/api/v1/shipments/{waybill}/proofs",
        "/api/v1/shipments/{waybill}/files/{file_id}",
        "/api/v1/epcis/capture",
        "/api/v1/epcis/capture/{capture_id}",
        "/api/v1/epcis/events",
        "/api/v1/epcis/events/{event_id}",
        "/api/v1/epcis/eventTypes",
        "/api/v1/epcis/shipments/{waybill}",
        *(
            f"/api/v1/epcis/{name}/{{value}}/events"
            for name in ("epcs", "bizSteps", "readPoints", "bizLocations", "dispositions", "eventTypes")
        ),
    }


def test_the_document_is_english_for_who_reads_english(web):
    def said(part, *, key=""):
        if isinstance(part, dict):
            return {text for name, value in part.items() for text in said(value, key=name)}
        if isinstance(part, list):
            return {text for value in part for text in said(value)}
        return {part} if key in {"summary", "description"} else set()

    chinese, english = (
        web.get("/api/v1/openapi.json", headers={"Cookie": f"zaitu_lang={lang}"}).json()
        for lang in ("zh", "en")
    )
    assert "下单" in said(chinese)
    # A place name in an example is what it is.
    assert [
        text for text in said(english) if re.search(r"[\u4e00-\u9fff]", text.replace("成都武侯营业部", ""))
    ] == []
    node = web.get("/ivr/v1/openapi.json").json()
    assert said(chinese) | said(node) >= set(ENGLISH), "nothing is translated that nobody says"
    assert json.dumps(chinese).count('"$ref"') == json.dumps(english).count('"$ref"')


def test_the_docs_page_needs_nobody_elses_files(web):
    page = web.get("/api/v1/docs")
    assert page.status_code == 200
    assert "cdn" not in page.text
    assert "'unsafe-eval'" not in page.headers["content-security-policy"]
