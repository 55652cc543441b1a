"""The standard's words, pure: hashes, identifiers, the table of our events, what others' events tell."""

import json
from datetime import UTC, datetime

import pytest

from zaitu.epcis.adapters import gs1_schema
from zaitu.epcis.domain.capturing import prepared, read
from zaitu.epcis.domain.faults import QueryParameterFault, QueryTooComplexFault, ValidationFault
from zaitu.epcis.domain.hashes import event_hash
from zaitu.epcis.domain.identifiers import Names, number_in
from zaitu.epcis.domain.queries import Position, parsed
from zaitu.epcis.domain.showing import SHAPES, contexts, shown
from zaitu.epcis.domain.telling import Telling, numbers_of, prefixes_of, telling
from zaitu.epcis.domain.vocabulary import short
from zaitu.journey.public import Kind, ToldEvent

NAMES = Names("https://t.example.cn")
SPACE = "https://t.example.cn/epcis/ns/"
OBJECT = {
    "type": "ObjectEvent",
    "action": "OBSERVE",
    "eventTime": "2026-11-22T15:20:00.500+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["https://t.example.cn/t/ZT1-002", "https://t.example.cn/t/ZT1-001"],
    "bizStep": "departing",
    "disposition": "in_transit",
    "readPoint": {"id": "https://t.example.cn/epcis/station/SHQP"},
    "bizTransactionList": [{"type": "bol", "bizTransaction": "https://t.example.cn/t/ZT1"}],
    "zaitu:kind": "departed",
}
AGGREGATION = {
    "type": "AggregationEvent",
    "action": "ADD",
    "eventTime": "2026-11-22T15:20:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "parentID": "https://t.example.cn/epcis/trip/T1",
    "childEPCs": ["https://t.example.cn/t/ZT1-001"],
    "bizStep": "loading",
    "disposition": "in_transit",
    "readPoint": {"id": "https://t.example.cn/epcis/station/SHQP"},
    "bizTransactionList": [{"type": "bol", "bizTransaction": "https://t.example.cn/t/ZT1"}],
    "bizLocation": {"id": "https://t.example.cn/epcis/station/SHQP"},
    "zaitu:kind": "loaded",
    "zaitu:event": "17",
    "zaitu:code": "short",
}
TRANSACTION = {
    "type": "TransactionEvent",
    "action": "ADD",
    "eventTime": "2026-11-22T15:20:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["https://t.example.cn/t/ZT1-001"],
    "bizTransactionList": [{"type": "bol", "bizTransaction": "https://t.example.cn/t/ZT1"}],
    "zaitu:kind": "ordered",
}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (OBJECT, "ni:///sha-256;14ed29024f509c5d265306de3676fdbb01c55dd8923d265bd470a19699218791?ver=CBV2.0"),
        (
            AGGREGATION,
            "ni:///sha-256;df4af0a2ed159d4899fddc9949e3d88102e960fdc14d6b7a2258d66ce08c3b32?ver=CBV2.0",
        ),
        (
            TRANSACTION,
            "ni:///sha-256;7ad695ee926ee4a54cfa1a83c3f52093c68b3fed167eca70499f6d17439590a9?ver=CBV2.0",
        ),
    ],
)
def test_the_hash_is_the_one_of_the_reference_implementation(event, expected):
    """Vectors made with epcis_event_hash_generator 1.9.3, the generator that the standard names."""
    assert event_hash(event, SPACE) == expected
    later = event | {"recordTime": "2030-01-01T00:00:00Z", "eventID": "urn:x:1"}
    assert event_hash(later, SPACE) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("shipping", "shipping"),
        ("https://ref.gs1.org/cbv/BizStep-shipping", "shipping"),
        ("cbv:BizStep-shipping", "shipping"),
        ("urn:epcglobal:cbv:bizstep:shipping", "shipping"),
        ("https://ref.gs1.org/cbv/Disp-in_transit", "in_transit"),
        ("https://own.example.cn/bizstep/weighing", "https://own.example.cn/bizstep/weighing"),
    ],
)
def test_a_word_of_the_vocabulary_is_one_word_however_it_is_written(word, expected):
    assert short(word) == expected


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("https://t.example.cn/t/ZT0412883755124", "ZT0412883755124"),
        ("https://id.example.com/waybill/SF123?x=1", "SF123"),
        ("urn:example:waybill:SF123", "SF123"),
        ("urn:epc:id:ginc:0614141.SF123", "SF123"),
        ("https://id.gs1.org/401/0614141SF123", "0614141SF123"),
        ("https://id.example.com/%E5%8D%95/SF%20123/", "SF 123"),
        ("https://", ""),
    ],
)
def test_the_number_in_an_identifier_is_what_comes_last(uri, number):
    assert number_in(uri) == number


def test_names_are_read_as_they_are_written_and_nobody_elses_are():
    assert NAMES.station_in(NAMES.station("SH/QP")) == "SH/QP"
    assert NAMES.goods_in(NAMES.goods("ZT1-001")) == "ZT1-001"
    for other in ("https://t.example.cn/t/ZT1/unlock", "https://t.example.cn.evil.test/t/ZT1", "urn:x:ZT1"):
        assert NAMES.goods_in(other) == ""


def told(kind, **fields):
    at = datetime(2026, 11, 22, 7, 20, tzinfo=UTC)
    values = {
        "id": 7, "waybill": "ZT1", "piece": "", "kind": kind, "at": at, "recorded_at": at,
        "station_code": "SHQP", "trip": "", "code": "",
    }  # fmt: skip
    return ToldEvent(**values | fields)


@pytest.mark.parametrize("trip", ["", "T20261122-001"])
@pytest.mark.parametrize("code", ["", "damaged", "lost", "short", "held"])
@pytest.mark.parametrize("kind", sorted({shape.kind for shape in SHAPES}))
def test_every_event_we_show_fits_one_shape_and_the_gs1_schema(kind, code, trip):
    event = told(Kind(kind), code=code, trip=trip, piece="ZT1-001")
    assert len([shape for shape in SHAPES if shape.fits(event)]) == 1
    body = shown(event, NAMES)
    gs1_schema.event_check(body)
    gs1_schema.bare_event_check({"@context": contexts(NAMES, ()), **body})
    assert body["eventTime"] == "2026-11-22T15:20:00.000+08:00"
    assert body["eventID"].startswith("ni:///sha-256;")


def test_two_events_of_one_instant_have_two_ids_and_one_event_keeps_its_own():
    one, other = told(Kind.DEPARTED), told(Kind.DEPARTED, id=8)
    assert shown(one, NAMES)["eventID"] == shown(one, NAMES)["eventID"] != shown(other, NAMES)["eventID"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"bizStep": "departing", "disposition": "in_transit"}, Telling(dialect="epcis", code="departing")),
        ({"bizStep": "https://ref.gs1.org/cbv/BizStep-arriving"}, Telling(dialect="epcis", code="arriving")),
        ({"bizStep": "accepting", "disposition": "completeness_verified"},
         Telling(dialect="epcis", code="accepting/completeness_verified")),
        ({"bizStep": "inspecting", "disposition": "damaged"}, Telling(dialect="epcis", code="*/damaged")),
        ({"bizStep": "commissioning", "disposition": "active"}, None),
        ({"bizStep": "destroying", "disposition": "destroyed"}, None),
        ({"bizStep": "https://own.example.cn/weighing"}, None),
        ({}, None),
        ({"bizStep": "transporting", "zaitu:kind": "out_for_delivery"},
         Telling(dialect="zaitu", code="out_for_delivery")),
        ({"bizStep": "transporting", "zaitu:kind": "beamed_up"}, Telling(dialect="epcis", code="transporting")),
        ({"bizStep": "transporting", "other:kind": "signed"}, Telling(dialect="epcis", code="transporting")),
    ],
)  # fmt: skip
def test_what_an_event_tells_in_our_words(fields, expected):
    prefixes = prefixes_of([{"zaitu": SPACE}, {"other": "https://other.example.com/"}])
    assert telling(fields, NAMES, prefixes) == expected


def test_goods_are_told_by_their_identifiers_and_else_by_their_waybill():
    papers = [{"type": "bol", "bizTransaction": "urn:example:bol:SF9"}]
    assert numbers_of({"epcList": ["urn:a:1", "urn:b:1", "urn:a:2"], "bizTransactionList": papers}) == [
        "1",
        "2",
    ]
    assert numbers_of({"bizTransactionList": papers}) == ["SF9"]
    assert numbers_of({"parentID": "urn:truck:7", "childEPCs": ["urn:a:3"]}) == ["3"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b"[" * 5_000,
        b'{"a": ' + b"1" * 5_000 + b"}", b"\xff",
    ],
)  # fmt: skip
def test_json_that_cannot_be_kept_is_none(content):
    with pytest.raises(ValidationFault):
        read(content)


def test_an_event_without_an_id_gets_one_of_its_content():
    one = {**OBJECT, "readPoint": {"id": "urn:x:1"}}
    assert prepared(one).event_id == prepared(json.loads(json.dumps(one))).event_id
    assert prepared(one).event_id != prepared({**one, "action": "ADD"}).event_id
    assert prepared({**one, "eventID": "urn:x:2"}).fingerprint == prepared(one).fingerprint


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"eventTime": "0000-01-01T00:00:00Z"}, ValidationFault),
        ({"eventTime": "0001-01-01T00:00:00+14:00"}, ValidationFault),
        ({"eventTime": "2026-12-31T23:59:60Z"}, ValidationFault),
        ({"epcList": ["urn:x:" + "1" * 1000]}, ValidationFault),
    ],
)
def test_what_the_schema_lets_through_and_no_database_takes_is_refused(fields, fault):
    with pytest.raises(fault):
        prepared(OBJECT | fields)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ([("EQ_bizstep", "shipping")], QueryParameterFault),
        ([("EQ_action", "MOVE")], QueryParameterFault),
        ([("EQ_action", "")], QueryParameterFault),
        ([("GE_eventTime", "yesterday")], QueryParameterFault),
        ([("GE_eventTime", "2026-11-22T00:00:00")], QueryParameterFault),
        ([("GE_eventTime", "0001-01-01T00:00:00+14:00")], QueryParameterFault),
        ([("perPage", "0")], QueryParameterFault),
        ([("perPage", "501")], QueryParameterFault),
        ([("perPage", "3"), ("perPage", "4")], QueryParameterFault),
        ([("nextPageToken", "xyz")], QueryParameterFault),
        ([("nextPageToken", "W10")], QueryParameterFault),
        ([("orderBy", "bizStep")], QueryParameterFault),
        ([("eventCountLimit", "3"), ("maxEventCount", "3")], QueryParameterFault),
        ([("MATCH_epc", "urn:epc:idpat:sgtin:0614141.*.*")], QueryTooComplexFault),
        ([("MATCH_epc", "|".join(f"urn:x:{n}" for n in range(51)))], QueryTooComplexFault),
        ([("MATCH_epc", "urn:x:\x00")], QueryParameterFault),
    ],
)
def test_a_question_that_is_none_is_refused(asked, fault):
    with pytest.raises(fault):
        parsed(asked)


def test_a_question_is_read():
    query = parsed(
        [
            ("EQ_bizStep", "cbv:BizStep-shipping|departing"),
            ("EQ_action", "ADD"),
            ("EQ_action", "OBSERVE"),
            ("GE_eventTime", "2026-11-22T00:00:00 08:00"),
            ("orderDirection", "ASC"),
        ]
    )
    assert query.biz_steps == {"shipping", "departing"}
    assert query.actions == {"ADD", "OBSERVE"}
    assert query.at_from == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert not query.newest_first
    place = Position(datetime(2026, 11, 22, tzinfo=UTC), 1, 42)
    assert parsed([("nextPageToken", place.token())]).after == place
