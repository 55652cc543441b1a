"""The web server by itself, and behind a real nginx with the recipe of docs/deploy."""

import json
import shutil
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.running import free_port, until
from zaitu.kernel import clock

ROOT = Path(__file__).parents[2]
LIED = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https"}


def _wait_for(port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing on {port}")


@pytest.fixture
def echo():
    """Starts our server before the echo; gives its address."""
    processes = []

    def start(**settings):
        port = free_port()
        settings = {"http_host": "127.0.0.1", "http_port": port, **settings}
        processes.append(
            subprocess.Popen([sys.executable, "-m", "tests.config.echo", json.dumps(settings)], cwd=ROOT)
        )
        _wait_for(port, processes[-1])
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-made certificate for localhost: (certificate, key)."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "fullchain.pem", folder / "privkey.pem"


@pytest.fixture
def nginx(tmp_path, certificate):
    """The recipe of docs/deploy/nginx.conf before an address; gives (plain, secure) addresses."""
    program = shutil.which("nginx") or str(ROOT / ".venv/nginx/usr/sbin/nginx")
    processes = []

    def start(backend):
        plain, secure = free_port(), free_port()
        recipe = (ROOT / "docs/deploy/nginx.conf").read_text(encoding="utf-8")
        for theirs, ours in (
            ("127.0.0.1:8000", backend.removeprefix("http://")),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
            ("/etc/ssl/zaitu/fullchain.pem", str(certificate[0])),
            ("/etc/ssl/zaitu/privkey.pem", str(certificate[1])),
        ):
            assert theirs in recipe
            recipe = recipe.replace(theirs, ours)
        temporary = "".join(
            f"{part}_temp_path {tmp_path}/{part};\n"
            for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {tmp_path}/pid; error_log stderr;\n"
            f"events {{}}\nhttp {{ access_log off;\n{temporary}{recipe} }}\n"
        )
        processes.append(
            subprocess.Popen([program, "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
        )
        _wait_for(secure, processes[-1])
        return f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(10)


def _get(url, **options):
    return httpx.get(url, verify=False, trust_env=False, timeout=10, **options)  # noqa: S501  self-made certificate


def test_forwarded_headers_are_believed_from_a_trusted_proxy_only(echo):
    seen = _get(echo(trusted_proxies="127.0.0.1"), headers=LIED).json()
    assert (seen["client"], seen["scheme"]) == ("8.8.8.8", "https")
    seen = _get(echo(trusted_proxies="10.9.0.0/16"), headers=LIED).json()
    assert (seen["client"], seen["scheme"]) == ("127.0.0.1", "http")


def test_behind_nginx_the_client_cannot_lie_about_itself(echo, nginx):
    _, secure = nginx(echo())
    seen = _get(f"{secure}/", headers={**LIED, "Host": "t.example.cn"}).json()
    assert (seen["client"], seen["scheme"], seen["host"]) == ("127.0.0.1", "https", "t.example.cn")


def test_nginx_sends_plain_http_to_https(echo, nginx):
    plain, _ = nginx(echo())
    answer = _get(f"{plain}/t/ZT1?x=1", headers={"Host": "t.example.cn"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://t.example.cn/t/ZT1?x=1")


def test_live_updates_pass_nginx_at_once(echo, nginx):
    _, secure = nginx(echo())
    began = time.monotonic()
    with httpx.stream("GET", f"{secure}/live", verify=False, trust_env=False, timeout=10) as answer:  # noqa: S501  self-made
        assert next(answer.iter_lines()) == "data: first"
    assert time.monotonic() - began < 5


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
    running = installation(new=False, tls_certificate=certificate[0], tls_private_key=certificate[1]).up()
    assert running.get("/healthz/ready").json() == {"status": "ready"}
    until(lambda: f"https://localhost:{running.http_port}/" in running.said())
