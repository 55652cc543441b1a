"""The web server by itself."""

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


def test_the_server_does_not_name_itself(echo):
    assert "server" not in _get(echo()).headers


@pytest.mark.fault
def test_with_tls_files_the_product_speaks_https(installation, certificate):
    running = installation(new=False, tls_certificate=certificate.chain, tls_private_key=certificate.key).up()
    assert running.get("/healthz/ready").json() == {"status": "ready"}
    until(lambda: f"https://localhost:{running.http_port}/" in running.said())
