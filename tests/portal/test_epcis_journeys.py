"""EPCIS captured by keys: who sees what of it, and which journeys hear of it."""

import pytest

from tests.epcis.make import document, event
from tests.journey import make as journey
from tests.portal.test_epcis import ROOT, asked, captured, customer, job_of, journeyed, names, problem
from tests.portal.test_partner_events import forwarded, partner_key
from tests.portal.test_track import key_for
from zaitu.epcis.models import CapturedEvent
from zaitu.journey.models import JourneyEvent

__all__ = ["customer", "journeyed", "names"]


@pytest.fixture
def partner(web):
    """A shipment that was forwarded to 顺丰速运, and that carrier's key."""
    journey.carrier()
    return web, partner_key(), forwarded()


# Whose it is


def test_another_key_sees_nothing_of_it(journeyed, names):
    web, key, order = journeyed
    made = captured(web, key, document(event("urn:x:secret", eventID="urn:x:1")))
    epc = names.goods(order.waybill)
    for other in (key_for("C002", "epcis"), partner_key()):
        assert asked(web, other) == []
        assert asked(web, other, MATCH_epc=epc) == []
        problem(web.get(made.headers["location"], headers=other), 404, "NoSuchResourceException")
        problem(web.get(f"{ROOT}/events/urn:x:1", headers=other), 404, "NoSuchResourceException")
        export = web.get(f"{ROOT}/shipments/{order.waybill}", headers=other)
        assert export.status_code in (403, 404)
        # Nor does an eventID of somebody else's stand in its way.
        assert job_of(web, other, captured(web, other, document(event("urn:x:own", eventID="urn:x:1"))))[
            "success"
        ]


def test_keys_without_the_scope_are_refused(web):
    every = key_for("C001", "orders", "track", "events", "labels", "webhooks")
    told_only = partner_key(scopes=frozenset({"partner_events"}))
    for key in (every, told_only):
        problem(web.get(f"{ROOT}/events", headers=key), 403, "SecurityException")
        problem(web.post(f"{ROOT}/capture", json=document(event()), headers=key), 403, "SecurityException")
    problem(web.get(f"{ROOT}/events"), 401, "SecurityException")
    problem(web.get(f"{ROOT}/events", headers={"Authorization": "Bearer x"}), 401, "SecurityException")
    assert not CapturedEvent.objects.exists()


# Told to the journeys


def recorded():
    return JourneyEvent.objects.filter(source__startswith="partner:").order_by("at")


def test_what_a_partner_captures_of_goods_forwarded_to_it_becomes_their_journey(partner, names):
    web, key, order = partner
    doc = document(
        event("urn:example:waybill:SF1234567890", ago_min=40, bizStep="departing"),
        event(
            names.goods(order.waybill),
            ago_min=30,
            bizStep="arriving",
            readPoint={"id": names.station(journey.DESTINATION)},
        ),
        event(names.goods(order.waybill), ago_min=20, bizStep="transporting", **{"zaitu:kind": "out_for_delivery"}),
        event(
            ago_min=10,
            type="TransactionEvent",
            epcList=[],
            bizTransactionList=[{"type": "bol", "bizTransaction": "https://sf.example/w/SF1234567890"}],
            bizStep="accepting",
            disposition="completeness_verified",
        ),
        event("urn:example:waybill:SF0000000000", bizStep="arriving"),
        event("urn:example:waybill:SF1234567890", bizStep="commissioning", disposition="active"),
    )  # fmt: skip
    doc["@context"].append({"zaitu": names.vocabulary})
    job = job_of(web, key, captured(web, key, doc))
    assert job["success"]
    told = job["zaitu:journey"]
    assert (told["accepted"], told["refused"]) == (4, 1)
    assert [(one["number"], one["code"]) for one in told["refusals"]] == [("SF0000000000", "unknown_number")]
    assert [row.kind for row in recorded()] == ["departed", "arrived", "out_for_delivery", "signed"]
    assert recorded()[0].raw_code == "departing"
    assert journey.status(order.waybill) == ("signed", "consignee")
    assert len(asked(web, key)) == 6
    again = job_of(web, key, captured(web, key, doc))
    assert again["zaitu:repeated"] == 6
    assert recorded().count() == 4


def test_a_rolled_back_document_tells_no_journey_anything(partner):
    web, key, order = partner
    captured(web, key, document(event("urn:x:1", eventID="urn:x:1")))
    conflict = event("urn:x:2", eventID="urn:x:1")
    good = event("urn:w:SF1234567890", bizStep="accepting", disposition="completeness_verified")
    assert not job_of(web, key, captured(web, key, document(good, conflict)))["success"]
    assert not recorded().exists()
    assert journey.status(order.waybill)[0] == "in_transit"


def test_a_partner_captures_of_others_goods_and_no_journey_hears_of_it(partner):
    web, key, _order = partner
    other = forwarded("ZTO-99887766", carrier="中通")
    own = journey.collected()
    doc = document(*(event(f"urn:w:{number}") for number in (other.waybill, own.waybill, "ZTO-99887766")))
    told = job_of(web, key, captured(web, key, doc))["zaitu:journey"]
    assert {one["code"] for one in told["refusals"]} == {"unknown_number"}
    assert not recorded().exists()


def test_a_customer_s_events_are_kept_and_tell_no_journey(journeyed, names):
    web, key, order = journeyed
    before = journey.status(order.waybill)
    signed = event(names.goods(order.waybill), bizStep="accepting", disposition="completeness_verified")
    assert job_of(web, key, captured(web, key, document(signed)))["zaitu:journey"] == {}
    assert journey.status(order.waybill) == before
    assert (
        len(asked(web, key, MATCH_epc=names.goods(order.waybill), EQ_disposition="completeness_verified"))
        == 1
    )
