"""Addresses with a slash too many or too few, through every door."""

import pytest
from django.test import Client

from tests.console import make as console
from tests.portal import make as portal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/console/shipments/", "/console/shipments"),
        ("/console/shipments/?status=signed&q=%E6%AD%A6%E6%B1%89", "/console/shipments?status=signed&q=%E6%AD%A6%E6%B1%89"),
        ("/console/network/stations/", "/console/network/stations"),
        ("/console/sign-in/", "/console/sign-in"),
        ("/console/orders/new//", "/console/orders/new"),
        ("/console?lang=en", "/console/?lang=en"),
    ],
)  # fmt: skip
def test_staff_are_sent_to_the_page_with_what_they_asked(path, page):
    client = console.signed_in("administrator")
    for ask in (client.get, client.head):
        answer = ask(path)
        assert (answer.status_code, answer["Location"]) == (302, page)
    assert client.get(page, follow=True).status_code == 200


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/field", "/field/"),
        ("/field?lang=en", "/field/?lang=en"),
        ("/field/sign-in/", "/field/sign-in"),
        ("/console", "/console/"),
        ("/privacy/", "/privacy"),
    ],
)
def test_strangers_are_sent_to_open_pages(path, page):
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, page)


def test_the_tracking_page_is_found_with_a_slash_and_keeps_its_query():
    waybill = portal.shipment().waybill
    client = Client()
    assert client.get(f"/t/{waybill}/?lang=en")["Location"] == f"/t/{waybill}?lang=en"
    assert client.get(f"/t/{waybill}/", follow=True).status_code == 200


def test_the_redirect_tells_nobody_what_exists():
    waybill = portal.shipment().waybill
    stranger = Client()
    known, unknown = stranger.get(f"/t/{waybill}/"), stranger.get("/t/ZT0000000000000/")
    assert (known.status_code, unknown.status_code) == (302, 302)
    assert stranger.get("/t/ZT0000000000000/", follow=True).status_code == 404
    for path in ("shipments/", "nothing/", f"shipments/{waybill}/"):
        answer = stranger.get(f"/console/{path}")
        assert answer["Location"].startswith("/console/sign-in?next="), path


@pytest.mark.parametrize(
    "path", ["/console/nothing", "/console/nothing/", "/console/shipments/x/y/z/", "/nothing/", "/nothing", "/t", "/t/",
             "/field/nothing/", "/field/api/nothing/", "/api/v1/orders/", "/console//example.com/"],
)  # fmt: skip
def test_what_has_no_page_stays_not_found(path):
    assert console.signed_in("administrator").get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/console/pick/secrets", "/console/shipments/ZT0000000000000", "/t/ZT0000000000000"]
)
def test_a_page_that_finds_nothing_leads_nowhere_else(path):
    client = console.signed_in("administrator")
    assert client.get(path).status_code == 404
    answer = client.get(f"{path}/", follow=True)
    assert (answer.status_code, len(answer.redirect_chain)) == (404, 1)


@pytest.mark.parametrize("path", ["/console", "/console/shipments/", "/field", "/privacy/"])
def test_no_form_is_moved(path):
    assert console.signed_in("administrator").post(path, {"a": "b"}).status_code == 404


def test_no_line_break_of_an_address_gets_into_the_header():
    answer = console.signed_in("administrator").get("/console/shipments/a%0d%0aSet-Cookie:%20x/?q=%0d%0ay")
    assert answer["Location"] == "/console/shipments/a%0D%0ASet-Cookie:%20x?q=%0d%0ay"
