"""`POST /api/v1/partner/events`: a carrier tells of shipments that were forwarded to it, and of no others."""

from datetime import timedelta

import pytest
from time_machine import travel

from tests.console import make as console
from tests.journey import make as journey
from tests.portal.test_api import problem
from tests.portal.test_track import key_for
from zaitu.access.models import AuditEntry
from zaitu.access.public import CARRIER_SCOPES, key_issue
from zaitu.journey.models import JourneyEvent
from zaitu.journey.public import shipment_forward, shipment_split
from zaitu.kernel import clock

PATH = "/api/v1/partner/events"


def partner_key(partner="顺丰速运", scopes=CARRIER_SCOPES, **more):
    _view, raw = key_issue(actor=journey.TEST, partner=partner, name="回传", scopes=scopes, **more)
    return {"Authorization": f"Bearer {raw}"}


def forwarded(number="SF1234567890", carrier="顺丰速运", **fields):
    """Two hours ago."""
    with travel(clock.now() - timedelta(hours=2)):
        order = journey.collected(**fields)
        shipment_forward(actor=journey.TEST, waybill=order.waybill, number=number, carrier=carrier)
    return order


@pytest.fixture
def house(web):
    """A shipment that was forwarded to 顺丰速运, and that carrier's key."""
    journey.carrier()
    return web, partner_key(), forwarded()


def event(number, code="out_for_delivery", ago_min=5, **fields):
    at = clock.local(clock.now() - timedelta(minutes=ago_min)).isoformat()
    return {"id": f"{code}-{ago_min}", "number": number, "code": code, "at": at} | fields


def told(web, key, *events):
    answer = web.post(PATH, json={"events": list(events)}, headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def results(body):
    return [(row["result"], row["code"]) for row in body["results"]]


def recorded():
    return JourneyEvent.objects.filter(source__startswith="partner:")


def test_each_row_is_answered_and_the_batch_can_be_sent_again(house):
    web, key, order = house
    batch = (
        event("SF1234567890", "arrived", 30),
        event(order.waybill, "out_for_delivery", 10, place="成都武侯营业部"),
        event("SF0000000000", "signed", 5),
    )
    first = told(web, key, *batch)
    assert (first["accepted"], first["duplicate"], first["refused"]) == (2, 0, 1)
    assert results(first) == [("accepted", ""), ("accepted", ""), ("refused", "unknown_number")]
    assert first["results"][2]["reason"] == "没有这个单号，或没有转给贵方"
    assert [row["id"] for row in first["results"]] == [one["id"] for one in batch]
    again = told(web, key, *batch)
    assert results(again) == [("duplicate", ""), ("duplicate", ""), ("refused", "unknown_number")]
    assert recorded().count() == 2
    assert journey.status(order.waybill) == ("in_transit", "out_for_delivery")
    entry = AuditEntry.objects.filter(action="events.partner").earliest("id")
    assert (entry.kind, entry.subject, entry.detail) == ("partner_key", "顺丰速运", {"recorded": 2, "of": 3})


def test_what_a_partner_tells_is_shown_with_its_source_on_both_pages(house):
    web, key, order = house
    told(
        web,
        key,
        event(
            order.waybill, "20", 5, codes="kuaidi100", text="张师傅 13812345678 派件", place="成都武侯营业部"
        ),
        event(order.waybill, "signed_on_behalf", 1),
    )
    row = recorded().earliest("at")
    assert (row.source, row.raw_code, row.raw_text, row.actor != "") == (
        "partner:顺丰速运",
        "20",
        "张师傅 138******** 派件",
        True,
    )
    page = console.signed_in("service").get(f"/console/shipments/{order.waybill}").content.decode()
    for said in ("合作方 顺丰速运", "成都武侯营业部", "张师傅 138******** 派件"):
        assert said in page
    assert "signed_on_behalf" not in page
    tracking = web.get(f"/t/{order.waybill}").text
    assert "合作方上报" in tracking
    for inside in ("顺丰", "张师傅", "武侯"):
        assert inside not in tracking
    nodes = web.get(f"/api/v1/track/{order.waybill}").json()["nodes"]
    assert [node["by_partner"] for node in nodes if node["status"] == "signed"] == [True]
    assert nodes[-1]["by_partner"] is False
    english = web.get(f"/t/{order.waybill}", params={"lang": "en"}).text
    assert "told by a partner" in english


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"at": "2026-11-22 15:20"}, "bad_time"),
        ({"at": "gestern"}, "bad_time"),
        ({"at": "9999-99-99T00:00:00Z"}, "bad_time"),
        ({"at": "2020-01-01T00:00:00+08:00"}, "too_old"),
        ({"at": "2199-01-01T00:00:00+08:00"}, "in_future"),
        ({"code": "beamed_up"}, "unknown_code"),
        ({"code": "401", "codes": "kuaidi100"}, "not_allowed"),
        ({"code": "Exception_021", "codes": "aftership"}, "not_allowed"),
        ({"station": "NOWHERE"}, "unknown_station"),
        ({"number": "ZT0000000000000"}, "unknown_number"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_are_taken(house, fields, code):
    web, key, order = house
    body = told(web, key, event(order.waybill, ago_min=20), event(order.waybill, ago_min=10) | fields)
    assert results(body) == [("accepted", ""), ("refused", code)]
    assert body["results"][1]["reason"]
    assert recorded().count() == 1


def test_an_id_used_for_another_event_is_refused_also_within_one_batch(house):
    web, key, order = house
    one, other = event(order.waybill, "arrived", 20, id="7"), event(order.waybill, "signed", 5, id="7")
    assert results(told(web, key, one, other)) == [("accepted", ""), ("refused", "id_reused")]
    assert results(told(web, key, other)) == [("refused", "id_reused")]
    assert journey.status(order.waybill)[0] == "arrived"


def test_what_comes_after_the_end_is_kept_and_changes_nothing(house):
    web, key, order = house
    told(web, key, event(order.waybill, "signed", 10))
    assert results(told(web, key, event(order.waybill, "returned", 5))) == [("accepted", "")]
    assert journey.status(order.waybill) == ("signed", "consignee")


def test_an_event_that_was_voided_does_not_come_back(house):
    web, key, order = house
    signed = event(order.waybill, "signed", 10)
    told(web, key, signed)
    journey.journey.event_void(actor=journey.TEST, event_id=recorded().get().pk, reason="派错人")
    assert results(told(web, key, signed)) == [("duplicate", "")]
    assert journey.status(order.waybill) == ("in_transit", "handed_to_partner")


def test_another_carrier_s_shipment_is_a_number_nobody_has(house):
    web, key, order = house
    other = forwarded("ZTO-99887766", carrier="中通")
    own = journey.collected()
    unforwarded, nothing = (
        told(web, key, event(number, "signed"))["results"][0] for number in (own.waybill, "ZT0000000000000")
    )
    assert {**unforwarded, "number": ""} == {**nothing, "number": ""}
    for number in (other.waybill, "ZTO-99887766", other.pieces[0]):
        assert results(told(web, key, event(number, "signed"))) == [("refused", "unknown_number")]
    assert not recorded().exists()
    theirs = partner_key("中通")
    assert results(told(web, theirs, event("zto-99887766", "arrived"))) == [("accepted", "")]
    assert results(told(web, theirs, event(order.waybill, "signed"))) == [("refused", "unknown_number")]
    assert recorded().get().source == "partner:中通"


def test_after_a_forwarding_was_voided_its_partner_tells_no_more(house):
    web, key, order = house
    wrong = JourneyEvent.objects.get(kind="forwarded")
    journey.journey.event_void(actor=journey.TEST, event_id=wrong.pk, reason="转错了")
    for number in (order.waybill, "SF1234567890"):
        assert results(told(web, key, event(number, "signed"))) == [("refused", "unknown_number")]


def test_two_carriers_may_have_the_same_number(house):
    web, key, order = house
    other = forwarded("SF1234567890", carrier="中通")
    told(web, key, event("SF1234567890", "arrived"))
    assert recorded().get().shipment.waybill == order.waybill
    told(web, partner_key("中通"), event("SF1234567890", "arrived"))
    assert recorded().latest("id").shipment.waybill == other.waybill


def test_keys_without_the_scope_are_refused_and_write_nothing(house):
    web, _key, order = house
    customer = key_for("C001", "orders", "track", "events", "labels", "webhooks")
    problem(web.post(PATH, json={"events": [event(order.waybill)]}, headers=customer), 403, "forbidden")
    problem(web.post(PATH, json={"events": [event(order.waybill)]}), 401, "not_authenticated")
    assert not recorded().exists()


def test_a_partner_s_key_opens_nothing_else(house):
    web, key, order = house
    body = web.get("/api/v1/key", headers=key).json()
    assert (body["partner"], body["customer_code"], body["scopes"]) == (
        "顺丰速运",
        "",
        ["epcis", "partner_events"],
    )
    for path in (
        f"orders/{order.waybill}",
        f"shipments/{order.waybill}/events",
        f"shipments/{order.waybill}/labels.pdf",
        "webhooks",
        f"track/{order.waybill}",
        "track/SF1234567890",
    ):
        problem(web.get(f"/api/v1/{path}", headers=key), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({}, "events"),
        ({"events": [{"id": "1"}]}, "events.0.number"),
        ({"events": [event("ZT1", id="")]}, "events.0.id"),
        ({"events": [event("ZT1", id="x" * 65)]}, "events.0.id"),
        ({"events": [event("ZT1", codes="dhl")]}, "events.0.codes"),
        ({"events": [event("ZT1", text="x" * 301)]}, "events.0.text"),
        ({"events": [event("ZT1", place="x" * 61)]}, "events.0.place"),
        ({"events": [event("ZT1", partner="中通")]}, "events.0.partner"),
        ({"events": [event(f"ZT{n}") for n in range(501)]}, "events"),
    ],
)
def test_a_batch_in_another_shape_is_refused_whole(house, body, field):
    web, key, _order = house
    assert field in problem(web.post(PATH, json=body, headers=key), 422, "invalid")["fields"]
    assert not recorded().exists()


def test_a_batch_that_is_too_large_is_refused(house):
    web, key, _order = house
    content = b'{"events": [' + b" " * 300_000 + b"]}"
    problem(web.post(PATH, content=content, headers=key), 413, "too_large")


def test_the_document_describes_the_operation(house):
    web, _key, _order = house
    operation = web.get("/api/v1/openapi.json").json()["paths"][PATH]["post"]
    assert {"200", "401", "403", "413", "422", "429"} <= set(operation["responses"])


def test_pieces_that_were_split_off_after_the_forwarding_are_not_the_partner_s(house):
    web, key, order = house
    part = shipment_split(actor=journey.TEST, waybill=order.waybill, labels=[order.pieces[0]])
    assert results(told(web, key, event(part.waybill, "signed"))) == [("refused", "unknown_number")]
    assert results(told(web, key, event("SF1234567890", "arrived"))) == [("accepted", "")]


def test_a_full_batch_takes_as_many_queries_whatever_it_holds(house, django_assert_max_num_queries):
    _web, _key, order = house
    from zaitu.journey.public import PartnerEvent, partner_events
    from zaitu.kernel.principal import Kind, Principal, Right

    actor = Principal(
        kind=Kind.PARTNER_KEY, name="k1", partner="顺丰速运", rights=frozenset({Right.PARTNER_EVENTS})
    )
    orders = [order, *(forwarded(f"SF22222222{n:02}") for n in range(20))]
    events = [
        PartnerEvent(
            waybill=one.waybill,
            code="moving",
            text="",
            at=clock.now() - timedelta(minutes=n),
            dialect="zaitu",
            key=f"{one.waybill}{n}",
        )
        for one in orders
        for n in range(20)
    ]
    with django_assert_max_num_queries(40):
        report = partner_events(actor=actor, partner="顺丰速运", events=events)
    assert report.recorded == 420
