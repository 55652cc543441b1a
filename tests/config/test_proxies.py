"""Behind the real proxies, with the recipes of docs/deploy."""

import time

import pytest

from tests.config import proxies
from tests.running import until

LIED = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
HOST = {"sni_hostname": proxies.HOST}


@pytest.fixture(params=[proxies.nginx, proxies.caddy], ids=["nginx", "caddy"])
def proxy(request, echo, place, certificate):
    """The proxy before our server, which tells what it sees of a request."""
    with request.param(place, echo(), certificate) as running:
        yield running


@pytest.fixture
def client(proxy):
    with proxy.asking() as asking:
        yield asking


def test_behind_a_proxy_the_client_is_seen_as_it_is_and_cannot_lie_about_itself(proxy, client):
    for headers in ({}, LIED):
        seen = client.get(f"{proxy.secure}/", headers=headers, extensions=HOST).json()
        assert (seen["client"], seen["scheme"], seen["host"]) == (proxies.CLIENT, "https", proxies.HOST)


def test_a_proxy_sends_plain_http_to_https(proxy, client):
    answer = client.get(f"{proxy.plain}/t/ZT1?x=1")
    assert answer.status_code == proxy.redirects_with
    assert answer.headers["location"] == f"https://{proxies.HOST}/t/ZT1?x=1"


def test_live_updates_pass_a_proxy_at_once(proxy, client):
    began = time.monotonic()
    with client.stream("GET", f"{proxy.secure}/live", extensions=HOST) as answer:
        assert next(answer.iter_lines()) == "data: first"
    assert time.monotonic() - began < 5


def test_when_a_page_is_closed_its_live_updates_end_behind_the_proxy_too(proxy, client):
    with client.stream("GET", f"{proxy.secure}/live", extensions=HOST) as answer:
        lines = answer.iter_lines()  # held: forgotten, it would close the connection
        next(lines)
        assert client.get(f"{proxy.secure}/", extensions=HOST).json()["left"] == 0
    until(lambda: client.get(f"{proxy.secure}/", extensions=HOST).json()["left"] == 1, 5)


def test_a_photo_passes_a_proxy_whole(proxy, client):
    assert (
        client.post(f"{proxy.secure}/", content=b"x" * (1 << 20), extensions=HOST).json()["size"] == 1 << 20
    )
