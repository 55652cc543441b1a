"""A partner's number opens together with a right tail, or for the customer who ordered; otherwise nothing tells that it exists."""

import re
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.journey import facts
from tests.portal import make
from tests.portal.test_pages import csrf
from tests.portal.test_track import SHAPE, events, key_for, whole
from zaitu.journey.domain.partner_numbers import partner_number
from zaitu.journey.models import NumberLink
from zaitu.journey.public import TrackReader
from zaitu.kernel import clock
from zaitu.kernel.waybills import waybill_make
from zaitu.portal.partners import BLOCK_TRIES, MISS_WEIGHT, lookup

NUMBER = "SF1234567890123"
"""By its form and check digit it could be a waybill of ours under another prefix; one in ten partners' numbers can."""
OTHER = "73100123456789"


def track(web: httpx.Client, number: str, tail: str = "", **more: object) -> httpx.Response:
    return web.get(f"/api/v1/track/{number}", params={"phone_tail": tail} if tail else {}, **more)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("SF1234567890123", "SF1234567890123"),
        (" sf-1234 5678.90123 ", "SF1234567890123"),
        ("ＳＦ１２３４５６７８", "SF12345678"),
        ("123456", ""),
        ("12345678", "12345678"),
        ("ABCDE12345", ""),
        ("ABCD123456", "ABCD123456"),
        ("SF#1234567890", ""),
        ("顺丰1234567890", ""),
        ("1" * 41, ""),
        ("", ""),
    ],
)
def test_a_number_is_long_enough_or_found_by_nobody(typed, found):
    assert partner_number(typed) == found


def test_numbers_of_our_own_are_not_looked_for_among_partners(settings):
    ours = waybill_make("ZT")
    assert lookup(ours) == ""
    assert lookup(ours[2:]) == ours[2:], "thirteen digits may be a partner's"
    assert lookup(NUMBER) == NUMBER


@pytest.mark.parametrize("tail", ["5678", "4321"])
@pytest.mark.parametrize("spelling", [NUMBER, "sf 1234-5678-9012-3", OTHER, "7310 0123 4567 89"])
def test_with_either_partys_tail_it_finds_the_shipment_whole(web, tail, spelling):
    one = make.shipment()
    make.forwarded(one, NUMBER)
    make.forwarded(one, OTHER, "中通")
    answer = track(web, spelling, tail)
    assert answer.status_code == 200
    assert answer.json()["waybill"] == one.waybill
    assert set(answer.json()) == SHAPE | {"details"}


def test_without_the_tail_or_with_a_wrong_one_nothing_tells_that_it_exists(web):
    short = make.shipment()
    make.forwarded(make.shipment(), NUMBER)
    make.forwarded(short, "88123")
    long_ago = make.forwarded(make.shipment(), "YT8800000000077")
    NumberLink.objects.filter(number=long_ago).update(created_at=clock.now() - timedelta(days=181))
    answers = [
        track(web, waybill_make("ZT")),
        track(web, NUMBER),
        track(web, NUMBER, "0000"),
        track(web, "SF1234567890124", "5678"),
        track(web, "88123", "5678"),
        track(web, long_ago, "5678"),
        track(web, NUMBER, headers=key_for("C002")),
        web.get(f"/api/v1/track/{NUMBER}?k=made-up"),
        web.get(f"/api/v1/track/{NUMBER}/live"),
        web.get(f"/api/v1/track/{NUMBER}/live?phone_tail=0001"),
    ]
    assert {whole(answer) for answer in answers} == {whole(answers[0])}
    assert answers[0].status_code == 404


def test_the_customer_who_ordered_finds_it_by_key(web):
    one = make.shipment(customer_code="C001")
    make.forwarded(one, NUMBER)
    assert track(web, NUMBER, headers=key_for("C001")).json()["waybill"] == one.waybill


def test_one_number_of_two_carriers_opens_the_shipment_whose_party_asks(web):
    one, two = make.shipment(), make.shipment()
    make.forwarded(one, NUMBER)
    make.forwarded(two, NUMBER, "申通")
    two.row.consignee_tail = two.row.consignor_tail = ""
    two.row.save(update_fields=["consignee_tail", "consignor_tail"])
    assert track(web, NUMBER, "5678").json()["waybill"] == one.waybill


def test_five_wrong_tails_and_a_right_one_has_to_wait_however_it_is_spelt(web):
    make.forwarded(make.shipment(), NUMBER)
    for n, spelling in enumerate([NUMBER, NUMBER.lower(), "SF-1234567890123", "SF 1234567890123", NUMBER]):
        assert track(web, spelling, f"000{n}").status_code == 404
    assert track(web, "SF_1234567890123", "5678").status_code == 429


def test_neighbouring_numbers_share_their_tries_so_that_a_row_is_not_swept(web):
    make.forwarded(make.shipment(), NUMBER)
    statuses = [track(web, f"SF1234567890{n:03}", "0000").status_code for n in range(200, 200 + BLOCK_TRIES)]
    with make.server() as other, httpx.Client(base_url=other) as another_process:
        assert set(statuses) == {404}
        assert track(another_process, NUMBER, "5678").status_code == 429
    assert track(web, "SF1234567891123", "0000").status_code == 404


def test_right_tails_use_up_neither_the_number_s_tries_nor_the_row_s(web):
    make.forwarded(make.shipment(), NUMBER)
    for _ in range(BLOCK_TRIES + 1):
        assert track(web, NUMBER, "5678").status_code == 200


def test_a_wrong_guess_at_a_partner_weighs_as_several_misses(web):
    for n in range(120 // MISS_WEIGHT):
        assert track(web, f"SF{n:03}4567890123", "0000").status_code == 404
    assert track(web, make.shipment().waybill).status_code == 200
    track(web, "SF9994567890123", "0000")
    assert track(web, make.shipment().waybill).status_code == 429


def test_the_stream_by_a_partner_s_number_follows_the_shipment(web):
    one = make.shipment()
    make.forwarded(one, NUMBER)
    with web.stream("GET", f"/api/v1/track/{NUMBER}/live?phone_tail=5678") as stream:
        lines = stream.iter_lines()
        assert events(lines, 2)[0][1]["waybill"] == one.waybill
        signed = facts.signed()
        make.changed(one, status=signed.status, detail=signed.detail, final=True)
        assert events(lines, 1)[0][1]["status"] == "signed"


def test_an_ordinary_waybill_costs_no_question_more(db, rf):
    from zaitu.portal.pages import views

    one = make.shipment()
    for tail in ("", "5678"):
        with CaptureQueriesContext(connection) as asked:
            assert views.found(rf.get("/"), one.waybill, tail=tail) is not None
        assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        assert views.found(rf.get("/"), waybill_make("ZT"), tail="5678") is None
    assert len([one for one in asked if "journey_" in one["sql"]]) == 1


def test_the_api_looks_among_partners_only_for_what_is_none_of_ours(web, monkeypatch):
    asked, fetch = [], TrackReader._fetch

    async def counting(self, sql, *values):
        asked.append("partners" if "numberlink" in sql else "attempts" if "attempts" in sql else "shipment")
        return await fetch(self, sql, *values)

    monkeypatch.setattr(TrackReader, "_fetch", counting)
    one = make.shipment()
    track(web, one.waybill)
    assert asked == ["shipment"]
    track(web, waybill_make("ZT"), "5678")
    track(web, make.shipment().waybill, "5678")
    assert asked[1:] == ["attempts", "shipment", "attempts", "shipment", "attempts"]
    track(web, OTHER, "5678")
    assert asked[6:] == ["attempts", "attempts", "partners"]


# Pages


def ask(web: httpx.Client, number: str, tail: str) -> httpx.Response:
    form = {"csrfmiddlewaretoken": csrf(web, web.get("/t/hello")), "q": number, "phone_tail": tail}
    return web.post("/find", data=form)


def test_the_form_for_partners_numbers_leads_to_the_shipment_opened(web):
    one = make.shipment()
    make.forwarded(one, NUMBER)
    found = ask(web, "sf 1234567890123", "5678")
    assert (found.status_code, found.headers["location"]) == (303, f"/t/{one.waybill}")
    assert "王**" in web.get(f"/t/{one.waybill}").text


def test_the_missing_page_offers_it_and_says_the_same_of_all(web):
    make.forwarded(make.shipment(), NUMBER)
    token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
    switch = re.compile(r'href="/[^"]*lang=[^"]*"')

    def shown(page: httpx.Response) -> tuple[int, str]:
        return page.status_code, switch.sub("", token.sub("", page.text))

    pages = [
        web.get(f"/t/{NUMBER}"),
        web.get(f"/t/{waybill_make('ZT')}"),
        ask(web, NUMBER, "0000"),
        ask(web, "SF1234567890124", "5678"),
    ]
    assert {shown(page) for page in pages} == {shown(pages[0])}
    assert pages[0].status_code == 404
    assert 'action="/find"' in pages[0].text


def test_the_query_page_asks_for_the_tail_of_what_can_only_be_a_partner_s(web):
    partner = web.get("/", params={"q": OTHER})
    assert 'action="/find"' in partner.text
    assert f'value="{OTHER}"' in partner.text
    assert web.get("/", params={"q": NUMBER}, follow_redirects=True).text.count('action="/find"') == 1
    assert 'action="/find"' not in web.get("/", params={"q": "12345"}).text


def test_wrong_tails_of_a_partner_s_number_are_counted_with_the_apis(web):
    make.forwarded(make.shipment(), NUMBER)
    for n in range(3):
        assert ask(web, NUMBER, f"000{n}").status_code == 404
    for n in range(2):
        assert track(web, NUMBER, f"100{n}").status_code == 404
    sixth = ask(web, NUMBER, "5678")
    assert sixth.status_code == 404
    assert "Set-Cookie" not in sixth.headers or "zaitu_" not in sixth.headers["Set-Cookie"]
