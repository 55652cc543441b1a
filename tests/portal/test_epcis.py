"""`/api/v1/epcis/`: capture and query of EPCIS 2.0 over HTTP, whose events are seen by whom, and errors in the standard's words."""

import json
from datetime import timedelta
from urllib.parse import quote, unquote

import pytest
from time_machine import travel

from tests.epcis.make import CONTEXT, document, event
from tests.journey import make as journey
from tests.portal.test_track import key_for
from zaitu.epcis.adapters import gs1_schema
from zaitu.epcis.domain.identifiers import Names
from zaitu.epcis.models import CapturedEvent, CaptureJob
from zaitu.journey.models import JourneyEvent
from zaitu.kernel import clock

ROOT = "/api/v1/epcis"


@pytest.fixture
def names(settings):
    return Names(settings.ZAITU_PUBLIC_URL.rstrip("/"))


@pytest.fixture
def customer(web):
    return web, key_for("C001", "epcis")


@pytest.fixture
def journeyed(web):
    """A shipment of C001 on a truck, and its customer's key."""
    journey.carrier()
    key = key_for("C001", "epcis")
    with travel(clock.now() - timedelta(hours=3)):
        order = journey.collected(customer_code="C001")
        planned = journey.on_trip(order.waybill)
    with travel(clock.now() - timedelta(hours=2)):
        journey.scan("loaded", order.pieces[0], data={"trip": planned.ref})
    return web, key, order


def captured(web, key, doc, *, status=202, **headers):
    answer = web.post(f"{ROOT}/capture", json=doc, headers=key | headers)
    assert answer.status_code == status, answer.text
    return answer


def job_of(web, key, answer):
    told = web.get(answer.headers["location"], headers=key)
    assert told.status_code == 200, told.text
    return told.json()


def asked(web, key, path="events", **parameters):
    answer = web.get(f"{ROOT}/{path}", params=parameters, headers=key)
    assert answer.status_code == 200, answer.text
    gs1_schema.document_check(answer.json())
    events = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    for one in events:
        gs1_schema.event_check(one)
    return events


def problem(answer, status, name):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"] == f"epcisException:{name}"
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    assert answer.headers.get("gs1-epcis-version", "2.0.0") == "2.0.0"
    return answer.json()


def ids(events):
    return [one["eventID"] for one in events]


# Capture


def test_a_document_is_captured_once_however_often_it_is_sent(customer):
    web, key = customer
    doc = document(event(eventID="urn:uuid:1", **{"example:myField": "x"}), event("urn:x:2", eventID=None))
    first = captured(web, key, doc)
    job = job_of(web, key, first)
    assert (job["success"], job["running"], job["errors"]) == (True, False, [])
    assert (job["zaitu:captured"], job["zaitu:repeated"]) == (2, 0)
    again = job_of(web, key, captured(web, key, doc))
    assert (again["zaitu:captured"], again["zaitu:repeated"]) == (0, 2)
    assert CapturedEvent.objects.count() == 2
    found = asked(web, key)
    assert {one["epcList"][0] for one in found} == {"urn:epc:id:sgtin:0614141.107346.2017", "urn:x:2"}
    assert {one.get("example:myField") for one in found} == {"x", None}
    assert all(one["recordTime"] for one in found)
    assert "urn:uuid:1" in ids(found)


def test_json_ld_is_taken_and_answered(customer):
    web, key = customer
    linked = {"Content-Type": "application/ld+json", "Accept": "application/ld+json"}
    body = json.dumps(document(event())).encode()
    assert web.post(f"{ROOT}/capture", content=body, headers=key | linked).status_code == 202
    answer = web.get(f"{ROOT}/events", headers=key | linked)
    assert answer.headers["content-type"] == "application/ld+json"
    contexts = answer.json()["@context"]
    assert CONTEXT in contexts
    assert {"example": "https://ns.example.com/epcis/"} in contexts


def test_every_answer_tells_the_versions(customer):
    web, key = customer
    for answer in (web.get(f"{ROOT}/eventTypes", headers=key), captured(web, key, document(event()))):
        told = {
            name: answer.headers[f"gs1-{name}"]
            for name in ("epcis-version", "cbv-version", "epcis-min", "epcis-max")
        }
        assert told == {
            "epcis-version": "2.0.0",
            "cbv-version": "2.0.0",
            "epcis-min": "2.0",
            "epcis-max": "2.0",
        }
        assert answer.headers["gs1-epcis-capture-limit"] == "500"
    assert "TransformationEvent" in web.get(f"{ROOT}/eventTypes", headers=key).json()["member"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "EPCISQueryDocument"},
        {"type": "Nothing"},
        {"schemaVersion": 2.0},
        {"creationDate": "yesterday"},
        {"epcisBody": {}},
        {"epcisBody": {"eventList": [event(epcList=["no uri"])]}},
        {"epcisBody": {"eventList": [event(eventTime="2026-11-22 12:00")]}},
        {"epcisBody": {"eventList": [event(eventTimeZoneOffset="+8")]}},
        {"epcisBody": {"eventList": [event(bizStep="flying")]}},
        {"epcisBody": {"eventList": [event(action="LOOK")]}},
        {"epcisBody": {"eventList": [event(colour="red")]}},
        {"epcisBody": {"eventList": [event(eventTime=None)]}},
        {"epcisBody": {"eventList": [event(type="Event")]}},
        {"epcisBody": {"eventList": ["event"]}},
        {"epcisBody": {"eventList": [event(), event(eventTime="0000-01-01T00:00:00Z")]}},
    ],
)
def test_what_is_no_document_is_refused_whole(customer, wrong):
    web, key = customer
    told = problem(captured(web, key, document() | wrong, status=400), 400, "ValidationException")
    assert told["detail"]
    assert not CapturedEvent.objects.exists()
    assert not CaptureJob.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"a": NaN}', b"[" * 9_000, b"\xff"])
def test_a_body_that_is_no_document_is_a_validation_exception(customer, body):
    web, key = customer
    for path in ("capture", "events"):
        problem(web.post(f"{ROOT}/{path}", content=body, headers=key), 400, "ValidationException")


def test_proceed_takes_what_is_right_and_says_what_is_not(customer):
    web, key = customer
    doc = document(
        event(eventID="urn:x:good"), event(bizStep="flying"), event(eventID="urn:x:good", ago_min=9)
    )
    answer = captured(web, key, doc, **{"GS1-Capture-Error-Behaviour": "proceed"})
    job = job_of(web, key, answer)
    assert (job["success"], job["captureErrorBehaviour"], job["zaitu:captured"]) == (False, "proceed", 1)
    assert [one["type"] for one in job["errors"]] == [
        "epcisException:ValidationException", "epcisException:ResourceAlreadyExistsException",
    ]  # fmt: skip
    assert "eventList/1" in job["errors"][0]["detail"]
    assert ids(asked(web, key)) == ["urn:x:good"]


def test_rollback_keeps_nothing_of_a_document_with_a_conflict(customer):
    web, key = customer
    captured(web, key, document(event(eventID="urn:x:1")))
    job = job_of(web, key, captured(web, key, document(event(eventID="urn:x:2"), event("urn:x:other", eventID="urn:x:1"))))  # fmt: skip
    assert (job["success"], job["captureErrorBehaviour"], job["zaitu:captured"]) == (False, "rollback", 0)
    assert job["errors"][0]["type"] == "epcisException:ResourceAlreadyExistsException"
    assert ids(asked(web, key)) == ["urn:x:1"]


def test_limits_of_a_document(customer):
    web, key = customer
    many = document(*(event(f"urn:x:{n}") for n in range(501)))
    problem(captured(web, key, many, status=413), 413, "CaptureLimitExceededException")
    large = web.post(f"{ROOT}/capture", content=b" " * (1024 * 1024 + 1), headers=key)
    problem(large, 413, "CaptureLimitExceededException")
    crowd = document(event(epcList=[f"urn:x:{n}" for n in range(5_001)]))
    problem(captured(web, key, crowd, status=413), 413, "CaptureLimitExceededException")
    full = document(*(event(f"urn:x:{n}") for n in range(500)))
    assert job_of(web, key, captured(web, key, full))["zaitu:captured"] == 500


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"GS1-EPCIS-Version": "1.2"}, 406, "NotAcceptableException"),
        ({"GS1-EPCIS-Min": "2.1"}, 406, "NotAcceptableException"),
        ({"GS1-EPCIS-Max": "1.2"}, 406, "NotAcceptableException"),
        ({"GS1-EPCIS-Min": "x"}, 406, "NotAcceptableException"),
        ({"Accept": "application/xml"}, 406, "NotAcceptableException"),
        ({"Content-Type": "application/xml"}, 415, "UnsupportedMediaTypeException"),
        ({"GS1-Capture-Error-Behaviour": "explode"}, 400, "ValidationException"),
    ],
)
def test_what_is_asked_for_and_not_given(customer, headers, status, name):
    web, key = customer
    body = json.dumps(document(event())).encode()
    answer = web.post(f"{ROOT}/capture", content=body, headers=key | headers)
    problem(answer, status, name)
    assert not CapturedEvent.objects.exists()


def test_one_event_is_captured_and_found_again(customer):
    web, key = customer
    one = {"@context": CONTEXT, **event(eventID="ni:///sha-256;abc?ver=CBV2.0")}
    first, second = (web.post(f"{ROOT}/events", json=one, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    again = web.get(first.headers["location"], headers=key)
    assert again.json()["eventID"] == unquote(first.headers["location"].rpartition("/events/")[2])
    other = web.post(f"{ROOT}/events", json=one | {"action": "ADD"}, headers=key)
    problem(other, 409, "ResourceAlreadyExistsException")
    no_context = {name: value for name, value in one.items() if name != "@context"}
    problem(web.post(f"{ROOT}/events", json=no_context, headers=key), 400, "ValidationException")
    problem(web.get(f"{ROOT}/events/urn:x:nothing", headers=key), 404, "NoSuchResourceException")


def test_an_error_declaration_is_kept_with_the_event_it_takes_back(customer):
    web, key = customer
    one = event(eventID="urn:x:1")
    captured(web, key, document(one))
    declared = one | {
        "errorDeclaration": {"declarationTime": "2026-11-22T12:00:00Z", "reason": "did_not_occur"}
    }
    assert job_of(web, key, captured(web, key, document(declared)))["success"]
    assert asked(web, key)[0]["errorDeclaration"]["reason"] == "did_not_occur"


# Query


def test_each_parameter_finds_what_it_says(customer):
    web, key = customer
    here, there = {"id": "https://x.example/here"}, {"id": "https://x.example/there"}
    captured(
        web,
        key,
        document(
            event("urn:x:a", eventID="urn:x:1", ago_min=30, readPoint=here, bizLocation=here),
            event("urn:x:b", eventID="urn:x:2", ago_min=20, bizStep="arriving", readPoint=there, action="ADD"),
            event(eventID="urn:x:3", ago_min=10, type="AggregationEvent", epcList=None, parentID="urn:x:p",
                  childEPCs=["urn:x:a"], bizStep="loading", disposition="active"),
        ),
    )  # fmt: skip
    middle = clock.local(clock.now() - timedelta(minutes=15)).isoformat()
    for parameters, expected in (
        ({}, [3, 2, 1]),
        ({"orderDirection": "ASC"}, [1, 2, 3]),
        ({"eventType": "AggregationEvent"}, [3]),
        ({"EQ_action": "ADD"}, [2]),
        ({"EQ_bizStep": "https://ref.gs1.org/cbv/BizStep-arriving|loading"}, [3, 2]),
        ({"EQ_disposition": "active"}, [3]),
        ({"GE_eventTime": middle}, [3]),
        ({"LT_eventTime": middle}, [2, 1]),
        ({"GE_recordTime": middle}, [3, 2, 1]),
        ({"LT_recordTime": middle}, []),
        ({"EQ_readPoint": here["id"]}, [1]),
        ({"EQ_bizLocation": here["id"]}, [1]),
        ({"MATCH_epc": "urn:x:a"}, [3, 1]),
        ({"MATCH_epc": "urn:x:p"}, []),
        ({"MATCH_anyEPC": "urn:x:p"}, [3]),
        ({"MATCH_parentID": "urn:x:p"}, [3]),
        ({"EQ_eventID": "urn:x:2|urn:x:9"}, [2]),
        ({"eventCountLimit": 2}, [3, 2]),
        ({"maxEventCount": 3}, [3, 2, 1]),
    ):
        assert ids(asked(web, key, **parameters)) == [f"urn:x:{n}" for n in expected], parameters
    for path, expected in (
        (f"epcs/{quote('urn:x:a', safe='')}/events", [3, 1]),
        ("bizSteps/arriving/events", [2]),
        (f"readPoints/{quote(there['id'], safe='')}/events", [2]),
        (f"bizLocations/{quote(here['id'], safe='')}/events", [1]),
        ("dispositions/in_transit/events", [2, 1]),
        ("eventTypes/AggregationEvent/events", [3]),
    ):
        assert ids(asked(web, key, path)) == [f"urn:x:{n}" for n in expected], path
    problem(web.get(f"{ROOT}/events?maxEventCount=2", headers=key), 413, "QueryTooLargeException")


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("events?EQ_colour=red", 400, "QueryParameterException"),
        ("events?perPage=x", 400, "QueryParameterException"),
        ("events?GE_eventTime=now", 400, "QueryParameterException"),
        ("events?nextPageToken=x", 400, "QueryParameterException"),
        ("epcs/urn:x:a/events?MATCH_epc=urn:x:b", 400, "QueryParameterException"),
        ("events?MATCH_epc=urn:epc:idpat:sgtin:1.*.*", 413, "QueryTooComplexException"),
        ("events?EQ_bizStep=" + "x" * 9_000, 414, "URITooLongException"),
        ("eventTypes/Nothing/events", 404, "NoSuchResourceException"),
        ("capture/nothing", 404, "NoSuchResourceException"),
        ("capture/00000000-0000-0000-0000-000000000000", 404, "NoSuchResourceException"),
        ("shipments/ZT0000000000000", 404, "NoSuchResourceException"),
    ],
)
def test_a_question_that_is_none_is_told_so(customer, path, status, name):
    web, key = customer
    problem(web.get(f"{ROOT}/{path}", headers=key), status, name)


@pytest.mark.parametrize("direction", ["DESC", "ASC"])
@pytest.mark.parametrize("order", ["eventTime", "recordTime"])
def test_pages_follow_each_other_and_skip_nothing(journeyed, order, direction):
    web, key, _order = journeyed
    at = asked(web, key)[0]["eventTime"]
    captured(web, key, document(*(event(f"urn:x:{n}", eventTime=at) for n in range(7))))
    whole = ids(asked(web, key, orderBy=order, orderDirection=direction))
    assert len(whole) == len(set(whole)) > 7
    answer = web.get(f"{ROOT}/events?perPage=2&orderBy={order}&orderDirection={direction}", headers=key)
    paged = []
    while True:
        paged += ids(answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"])
        if "link" not in answer.headers:
            break
        answer = web.get(answer.links["next"]["url"], headers=key)
    assert paged == whole


# Our journeys


def test_a_customer_finds_the_journey_of_its_shipment(journeyed, names):
    web, key, order = journeyed
    found = asked(web, key, MATCH_epc=names.goods(order.waybill), orderDirection="ASC")
    assert [(one["type"], one.get("bizStep", ""), one["action"]) for one in found] == [
        ("TransactionEvent", "", "ADD"),
        ("ObjectEvent", "accepting", "OBSERVE"),
        ("AggregationEvent", "loading", "ADD"),
    ]
    assert found[2]["childEPCs"] == [names.goods(order.pieces[0])]
    assert found[2]["readPoint"] == {"id": names.station(journey.ORIGIN)}
    assert all(one["eventTimeZoneOffset"] == "+08:00" for one in found)
    other_piece = asked(web, key, MATCH_epc=names.goods(order.pieces[1]))
    assert "loading" not in {one.get("bizStep") for one in other_piece}
    assert len(asked(web, key, EQ_bizStep="loading", EQ_readPoint=names.station(journey.ORIGIN))) == 1
    assert asked(web, key, EQ_readPoint=names.station(journey.HUB)) == []
    exported = web.get(f"{ROOT}/shipments/{order.waybill}", headers=key).json()
    assert exported["type"] == "EPCISDocument"
    assert exported["epcisBody"]["eventList"] == found
    gs1_schema.document_check(exported)


def test_our_own_export_can_be_captured_again(journeyed):
    web, key, order = journeyed
    exported = web.get(f"{ROOT}/shipments/{order.waybill}", headers=key).json()
    assert job_of(web, key, captured(web, key, exported))["success"]


def test_what_was_taken_back_is_not_shown(journeyed):
    web, key, order = journeyed
    loaded = JourneyEvent.objects.get(kind="loaded")
    journey.journey.event_void(actor=journey.TEST, event_id=loaded.pk, reason="装错车")
    steps = {one.get("bizStep") for one in asked(web, key, "events")}
    assert "loading" not in steps
    assert order.waybill


def test_a_query_that_takes_too_long_is_too_complex(customer, monkeypatch):
    web, key = customer
    from django.db import OperationalError
    from psycopg.errors import QueryCanceled

    def slow(*_args):
        raise OperationalError("canceling statement") from QueryCanceled()

    monkeypatch.setattr("zaitu.epcis.selectors._found", slow)
    problem(web.get(f"{ROOT}/events", headers=key), 413, "QueryTooComplexException")


def test_the_document_describes_the_paths(web):
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    for path, method in (
        ("capture", "post"),
        ("events", "get"),
        ("events", "post"),
        ("epcs/{value}/events", "get"),
    ):
        assert {"401", "403", "406", "413"} <= set(paths[f"{ROOT}/{path}"][method]["responses"])
    assert "202" in paths[f"{ROOT}/capture"]["post"]["responses"]
