"""Questions are counted by channel and by what became of them, warm answers too."""

import time

import pytest

from tests.portal import make
from zaitu.kernel.metrics import families
from zaitu.kernel.waybills import waybill_make


def counts(channel):
    """Outcome → questions, and how many answers were timed."""
    told = families()
    found = {
        one.labels["outcome"]: one.value
        for one in told["zaitu_questions"].samples
        if one.name.endswith("_total") and one.labels["channel"] == channel
    }
    timed = [
        one.value
        for one in told["zaitu_question_answer_s"].samples
        if one.name.endswith("_count") and one.labels["channel"] == channel
    ]
    return found, sum(timed)


def more(channel, before):
    (was, timed_before), (now, timed) = before, counts(channel)
    grown = {name: now[name] - was.get(name, 0) for name in now if now[name] != was.get(name, 0)}
    return grown, timed - timed_before


def test_the_api_counts_cold_and_warm_answers_and_what_it_does_not_know(web):
    one = make.shipment()
    before = counts("api")
    for _ in range(5):
        assert web.get(f"/api/v1/track/{one.waybill}").status_code == 200
    web.get(f"/api/v1/track/{waybill_make('ZT')}")
    web.get(f"/api/v1/track/{one.waybill}", params={"phone_tail": "5678"})
    deadline = time.monotonic() + 5
    while more("api", before) != ({"answered": 6, "unknown": 1}, 6):
        assert time.monotonic() < deadline, more("api", before)
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("path", "outcome"), [("/t/{waybill}", "answered"), ("/t/ZT0000000000001", "unknown")]
)
def test_the_page_counts_what_is_asked_of_it(web, path, outcome):
    one = make.shipment()
    before = counts("page")
    web.get(path.format(waybill=one.waybill))
    assert more("page", before) == ({outcome: 1}, 1 if outcome == "answered" else 0)


def test_an_open_page_that_looks_again_has_asked_nothing_new(web):
    one = make.shipment()
    before = counts("page")
    web.get(f"/t/{one.waybill}", params={"part": "live"})
    assert more("page", before) == ({}, 0)
