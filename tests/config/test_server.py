"""The web server by itself."""

import json
import socket
import time

import httpx
import pytest

from tests.running import until

LIED = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https"}


def _get(url, **options):
    return httpx.get(url, verify=False, trust_env=False, timeout=10, **options)  # noqa: S501  self-made certificate


def test_forwarded_headers_are_believed_from_a_trusted_proxy_only(echo):
    seen = _get(echo(trusted_proxies="127.0.0.1"), headers=LIED).json()
    assert (seen["client"], seen["scheme"]) == ("8.8.8.8", "https")
    seen = _get(echo(trusted_proxies="10.9.0.0/16"), headers=LIED).json()
    assert (seen["client"], seen["scheme"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    "body", [b"x" * (2 << 20), iter([b"x" * (1 << 19)] * 4)], ids=["announced", "in-chunks"]
)
def test_a_body_over_the_limit_is_answered_413(echo, body):
    answer = httpx.post(echo(), content=body, trust_env=False, timeout=10)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "too_large"


def test_a_body_within_the_limit_arrives_whole(echo):
    answer = httpx.post(echo(), content=b"x" * (1 << 20), trust_env=False, timeout=10)
    assert answer.json()["size"] == 1 << 20


def _raw(url, *pieces, then_s=0.0):
    """What the server says to these bytes until it closes."""
    host, port = url.removeprefix("http://").split(":")
    said = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            time.sleep(then_s)
            while data := connection.recv(65536):
                said += data
        except ConnectionError:
            pass
    return said


def test_an_endless_head_is_cut_off(echo):
    url = echo()
    said = _raw(url, b"GET / HTTP/1.1\r\nhost: x\r\n", *[b"x-more: " + b"y" * 8000 + b"\r\n"] * 20)
    assert said == b"" or said.startswith(b"HTTP/1.1 400")
    assert _raw(url, b"GET /" + b"z" * 200_000)[:12] in {b"", b"HTTP/1.1 400"}
    assert _get(url).status_code == 200


def test_a_slow_head_is_cut_off_and_the_next_one_on_a_kept_connection_too(echo):
    url = echo(head_timeout_s=1.0)
    began = time.monotonic()
    assert _raw(url, b"GET / HTTP/1.1\r\nhost: x\r\n") == b""
    said = _raw(url, b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nho")
    assert said.count(b"200 OK") == 1
    assert 2 <= time.monotonic() - began < 8


POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def _drip(url, head, piece, every_s, for_s):
    """What the server says to a head and then a piece of body every so often, and after how many seconds it closed."""
    host, port = url.removeprefix("http://").split(":")
    said, began = b"", time.monotonic()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head)
        connection.settimeout(every_s)
        while True:
            try:
                if time.monotonic() - began < for_s:
                    connection.sendall(piece)
                data = connection.recv(65536)
            except TimeoutError:
                assert time.monotonic() - began < for_s + 10, "never closed"
                continue
            except ConnectionError:
                data = b""
            said += data
            if not data:
                return said, time.monotonic() - began


def _refused_as_too_slow(said):
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (408, "too_slow")


@pytest.mark.parametrize(
    ("head", "piece"),
    [(POST, b""), (POST, b"x"), (CHUNKED, b"1\r\nx\r\n")],
    ids=["nothing", "a byte at a time", "in chunks"],
)
def test_a_body_that_hardly_comes_is_refused(echo, head, piece):
    said, after_s = _drip(echo(body_grace_s=1.0), head, piece, 0.1, 20)
    _refused_as_too_slow(said)
    assert 1 <= after_s < 4


def test_a_body_that_takes_long_but_keeps_coming_arrives_whole(echo):
    url = echo(body_grace_s=1.0, body_min_bytes_s=1000)
    ended = POST.replace(b"host: x", b"host: x\r\nconnection: close")
    said, after_s = _drip(url, ended, b"x" * 200, 0.1, 20)  # twice as fast as it must be, for three seconds
    assert b'"size": 6000' in said
    assert after_s > 2


def test_a_body_slower_than_it_must_be_is_refused_when_its_time_is_up(echo):
    url = echo(body_grace_s=1.0, body_min_bytes_s=1000)
    said, after_s = _drip(url, POST, b"x" * 50, 0.1, 20)  # half as fast: 1 s and what its bytes have bought
    _refused_as_too_slow(said)
    assert 1.5 <= after_s < 5


def test_a_client_is_not_blamed_for_an_application_that_is_slow_to_read(echo):
    url = echo(body_grace_s=1.0, body_min_bytes_s=1 << 30)
    answer = httpx.post(f"{url}/lazy", content=b"x" * 1_000_000, trust_env=False, timeout=20)
    assert answer.json()["size"] == 1_000_000


def test_a_slow_body_is_cut_off_also_when_its_answer_has_begun_and_on_a_kept_connection(echo):
    url = echo(body_grace_s=1.0)
    said, after_s = _drip(url, POST.replace(b"POST /", b"POST /live"), b"x", 0.1, 20)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"408" not in said
    assert after_s < 4
    said, _ = _drip(url, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + POST, b"x", 0.1, 20)
    first, _, second = said.partition(b"HTTP/1.1 408")
    assert first.startswith(b"HTTP/1.1 200 ")
    _refused_as_too_slow(b"HTTP/1.1 408" + second)


def test_the_server_does_not_name_itself(echo):
    assert "server" not in _get(echo()).headers


@pytest.mark.fault
def test_with_tls_files_the_product_speaks_https(installation, certificate):
    running = installation(new=False, tls_certificate=certificate.chain, tls_private_key=certificate.key).up()
    assert running.get("/healthz/ready").json() == {"status": "ready"}
    until(lambda: f"https://localhost:{running.http_port}/" in running.said())
