"""The tracking document: the API's exact shape, words in both languages, and nothing that strangers may not know."""

import json
import random
import re

import pytest

from tests.journey import facts as make
from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.coarse import PRECISION_M, coarse
from zaitu.journey.domain.document import Position, answer, build, details
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import DETAILS, Detail, Status
from zaitu.kernel.geo import Polyline, distance_m

API_KEYS = {
    "waybill", "status", "status_text", "detail", "eta", "eta_from", "eta_to", "position", "nodes", "exception"
}  # fmt: skip
EXCEPTION = {
    "code": "delay_vehicle",
    "level": 2,
    "cause": "司机张三手机没电",
    "party": "carrier",
    "action_required": False,
    "plan": "换车",
    "eta_delta": 100,
    "since": "2026-11-22T13:00:00+08:00",
}


def api(document, lang="zh", position=None):
    return json.loads(answer(document["api"][lang], position))


def position(**more):
    values = {
        "lat": 30.5,
        "lon": 112.25,
        "precision_m": 20,
        "at": make.NOW,
        "course_deg": 270,
        "along_m": 1_012_345.0,
    }
    return Position(**(values | more))


def test_a_document_of_an_earlier_version_says_nothing_of_partners_and_is_answered():
    document = build(make.facts())
    for node in document["nodes"]:
        del node["by_partner"]
    assert not any(node["by_partner"] for node in api(document, position=position())["nodes"])


def test_the_answer_has_exactly_the_promised_shape():
    body = api(build(make.facts()), position=position())
    assert set(body) == API_KEYS
    assert set(body["position"]) == {"lat", "lon", "precision_m", "at"}
    assert all(
        set(node) == {"at", "status", "detail", "place", "text", "by_partner"} for node in body["nodes"]
    )
    assert body["status"] == "in_transit"
    assert body["status_text"] == "在途"
    assert body["detail"] == "left_stop"
    assert body["eta"] == "2026-11-22T16:00:00+08:00"


def test_nodes_come_newest_first_with_sentences_in_both_languages():
    document = build(make.facts())
    assert [node["text"] for node in api(document)["nodes"]] == [
        "途经 武汉中转站，已发车",
        "上海青浦仓 已发车",
        "已下单，等待揽收",
    ]
    assert api(document, "en")["nodes"][0]["text"] == "Passed 武汉中转站"
    assert api(document, "en")["status_text"] == "In transit"


def test_leaving_the_origin_is_a_departure_whoever_saw_it():
    left = make.node("stop_left", Status.IN_TRANSIT, Detail.DEPARTED)
    assert build(make.facts(nodes=(left,)))["nodes"][0]["text"]["zh"] == "上海青浦仓 已发车"


def test_instants_of_an_exception_carry_beijings_offset():
    document = build(make.facts(exception=EXCEPTION | {"since": "2026-11-22T05:00:00+00:00"}))
    assert document["exception"]["since"] == "2026-11-22T13:00:00+08:00"


def test_before_the_first_scan_it_says_ordered_and_waiting_for_pick_up():
    document = build(
        make.facts(
            status=Status.ORDERED, detail=Detail.ACCEPTED, trip=None, place=None, nodes=make.facts().nodes[:1]
        )
    )
    assert (document["status_text"]["zh"], document["headline"]["zh"]) == ("已下单", "等待揽收")
    assert api(document)["position"] is None


def test_the_headline_names_the_last_city_passed():
    assert build(make.facts())["headline"] == {"zh": "已过武汉", "en": "Past 武汉"}
    stops = (make.stop(0, make.SHANGHAI, 0, "passed"), make.stop(1, make.WUHAN, 830_000, "ahead"))
    assert build(make.facts(trip=make.trip(stops=stops)))["headline"]["zh"] == "已从上海发出"


def test_without_a_vehicle_goods_lie_at_the_station_of_the_last_scan():
    lying = build(make.facts(status=Status.AT_STOP, detail=Detail.AT_STOP))
    assert api(lying)["position"] == {
        "lat": 30.58,
        "lon": 114.27,
        "precision_m": 1000,
        "at": "2026-11-22T14:00:00+08:00",
    }
    assert api(build(make.facts()))["position"] is None, "on the road without a fix nobody knows"
    assert api(build(make.signed()))["position"] is None, "a journey that is over shows no place"


def test_the_responsible_party_and_typed_words_never_reach_a_stranger():
    document = build(make.facts(exception=EXCEPTION))
    body = answer(document["api"]["zh"], None)
    assert "carrier" not in body
    assert "张三" not in body
    assert json.loads(body)["exception"] == {
        "code": "delay_vehicle",
        "level": 2,
        "text": "车辆故障延误",
        "plan": "正在抢修或换车",
        "action_required": False,
        "eta_delta_min": 100,
        "since": "2026-11-22T13:00:00+08:00",
    }
    told = details(document, lang="zh", contacts=[])
    assert told["exception_note"] == {"cause": "司机张三手机没电", "plan": "换车"}


def test_partner_numbers_and_proofs_are_for_parties_only():
    document = build(make.signed())
    body = answer(document["api"]["zh"], None)
    assert "SF1234567890" not in body
    assert '"f1"' not in body
    told = details(document, lang="zh", contacts=[])
    assert told["partner_numbers"] == [{"number": "SF1234567890", "carrier": "顺丰"}]
    assert told["proofs"][0]["relation"] == "他人代收"


def test_free_text_cannot_break_out_of_the_answer():
    evil = '</script>"},"position":{"lat":1}\n'
    place = make.PlaceInput(code="X", name=evil, city=evil, lat=1.0, lon=2.0)
    document = build(
        make.facts(nodes=(make.node("arrived", Status.AT_STOP, Detail.AT_STOP, place=place),), place=place)
    )
    body = api(document, position=position())
    assert body["nodes"][0]["place"] == evil
    assert body["position"]["lat"] == 30.5


@pytest.mark.parametrize("kind", sorted(Kind))
@pytest.mark.parametrize("place", [make.WUHAN, None])
def test_every_kind_of_event_has_a_sentence_without_codes(kind, place):
    for status, found in DETAILS.items():
        for detail in found:
            document = build(make.facts(nodes=(make.node(kind.value, status, detail, place=place),)))
            text = document["nodes"][0]["text"]
            assert text["en"]
            assert "{" not in text["zh"] + text["en"]
            assert not re.search(r"[a-z]+_[a-z]+", text["zh"] + text["en"])
            assert re.search(r"[\u4e00-\u9fff]", text["zh"])


@pytest.mark.parametrize("problem", sorted(Problem))
def test_every_problem_reads_as_a_sentence(problem):
    document = build(make.facts(exception=EXCEPTION | {"code": problem.value}))
    assert re.search(r"[\u4e00-\u9fff]", document["exception"]["text"]["zh"])
    assert re.search(r"[A-Za-z]", document["exception"]["plan"]["en"])


def test_an_unknown_problem_code_is_simply_a_problem():
    assert (
        build(make.facts(exception=EXCEPTION | {"code": "new_one"}))["exception"]["text"]["zh"] == "运输异常"
    )


def test_a_shown_position_is_never_more_than_a_kilometre_from_the_true_one():
    chance = random.Random(7)
    route = Polyline([(31.0 + chance.uniform(-0.2, 0.2), 121.0 - step * 0.05) for step in range(200)])
    for _ in range(2_000):
        lat, lon = route.at(chance.uniform(0, route.length_m))
        true = position(lat=lat + chance.gauss(0, 0.004), lon=lon + chance.gauss(0, 0.004), along_m=None)
        shown = coarse(true, route)
        assert distance_m(true.lat, true.lon, shown.lat, shown.lon) <= PRECISION_M == shown.precision_m


@pytest.mark.parametrize("lat", [0.0, 18.2, 31.0, 45.5, 53.4])
def test_off_any_route_a_cell_of_a_hundredth_degree_keeps_the_kilometre(lat):
    chance = random.Random(11)
    for _ in range(500):
        true = position(lat=lat + chance.random(), lon=100 + chance.random(), along_m=None)
        shown = coarse(true, None)
        assert distance_m(true.lat, true.lon, shown.lat, shown.lon) <= PRECISION_M


def test_within_one_kilometre_of_route_a_stranger_sees_one_point_only():
    route = Polyline([(30.0, 114.0), (30.0, 115.0)])
    shown = set()
    for metre in range(50_500, 51_500, 20):
        lat, lon = route.at(metre + 1)
        point = coarse(position(lat=lat, lon=lon, along_m=metre + 1.0), route)
        shown.add((point.lat, point.lon, point.along_m))
    assert len(shown) == 1
