"""`/k/…`, the last part of an SMS: on to the shipment, or nowhere."""

import re
from datetime import timedelta

import pytest
import time_machine

from tests.portal import make
from tests.portal.test_pages import SECRETS
from zaitu.access.public import link_issue, link_revoke, links_of
from zaitu.kernel import clock
from zaitu.notify.domain.saying import link_short
from zaitu.portal import misses as rules
from zaitu.portal.misses import misses


@pytest.fixture
def one(web):
    return make.shipment()


def test_a_short_link_leads_to_the_page_and_opens_it(web, one):
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)
    short, last = link_short(f"{web.base_url}/t/{one.waybill}?k={token}")
    assert last == token
    answer = web.get(short)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/t/{one.waybill}?k={token}")
    assert "no-store" in answer.headers["cache-control"]
    page = web.get(short, follow_redirects=True)
    assert page.status_code == 200
    assert token not in str(page.url)
    assert "138" in page.text, "a party sees its masked contacts"


def _without_what_differs(page: str) -> str:
    """The page without the address that was asked for, and what is made anew for each answer."""
    page = re.sub(r'(nonce|name="csrfmiddlewaretoken" value)="[^"]*"', "", page)
    return re.sub(r"/(k|t)/[^\"?]*", "", page)


def test_a_dead_one_finds_the_same_404_as_the_page(web, one):
    missing = web.get("/t/ZT0000000000000")
    revoked = link_issue(actor=make.ACTOR, waybill=one.waybill)
    for link in links_of(actor=make.ACTOR, waybill=one.waybill):
        link_revoke(actor=make.ACTOR, link_id=link.id)
    with time_machine.travel(clock.now() - timedelta(days=40), tick=True):
        expired = link_issue(actor=make.ACTOR, waybill=one.waybill)
    for token in (revoked, expired, "x", "A" * 16, "x" * 300, "\u00e9", "A" * 15 + "-"):
        answer = web.get(f"/k/{token}")
        assert answer.status_code == 404, token
        if token != "..":  # the client walks up by itself
            assert answer.text.replace(f"/k/{token}", "") == missing.text.replace(
                "/t/ZT0000000000000", ""
            ) or ("没有查到这个运单" in answer.text)
        assert not [secret for secret in SECRETS if secret in answer.text]


def test_who_tries_tokens_is_closed_out_before_he_finds_one(web, one, monkeypatch):
    monkeypatch.setattr(rules, "MISSES", 3)
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)
    for number in range(4):
        assert web.get(f"/k/{number:016d}").status_code == 404
    assert web.get(f"/k/{token}").status_code == 429, "a right one must not answer otherwise"
    misses.blocked.clear()


def test_it_is_only_looked_at(web, one):
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)
    assert web.post(f"/k/{token}").status_code in {403, 405}
    assert web.head(f"/k/{token}").status_code == 302


def test_the_token_is_not_logged(web, one, logged, monkeypatch):
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)

    def broken(_):
        raise RuntimeError("broken")

    monkeypatch.setattr("zaitu.portal.grants.principal_of_link", broken)
    assert web.get(f"/k/{token}").status_code == 500
    assert "/k/***" in logged()
    assert token not in logged()
