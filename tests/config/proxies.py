"""Real reverse proxies with the recipes of docs/deploy, on free ports before an address."""

import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.running import free_port, until

ROOT = Path(__file__).parents[2]
HOST = "t.example.cn"
"""The public name in both recipes."""
CLIENT = "127.0.0.2"
"""Where these requests come from: not where the proxy is, so that an address which was not forwarded shows."""


class Certificate(NamedTuple):
    """Paths of PEM files."""

    chain: Path
    key: Path


class Proxy(NamedTuple):
    plain: str
    secure: str
    redirects_with: int
    """The status that sends plain HTTP to HTTPS."""

    def asking(self) -> httpx.Client:
        """A client at CLIENT; the certificate is self-made."""
        transport = httpx.HTTPTransport(verify=False, local_address=CLIENT)
        return httpx.Client(transport=transport, timeout=10, headers={"Host": HOST})


@contextlib.contextmanager
def nginx(folder: Path, backend: str, certificate: Certificate) -> Iterator[Proxy]:
    """docs/deploy/nginx.conf before `backend` (http://host:port)."""
    plain, secure = free_port(), free_port()
    recipe = _recipe(
        "nginx.conf",
        ("127.0.0.1:8000", backend.removeprefix("http://")),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("/etc/ssl/zaitu/fullchain.pem", str(certificate.chain)),
        ("/etc/ssl/zaitu/privkey.pem", str(certificate.key)),
    )
    temporary = "".join(
        f"{part}_temp_path {folder}/{part};\n"
        for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}{recipe} }}\n"
    )
    with _running(
        [_program("nginx", "usr/sbin"), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"], secure
    ):
        yield Proxy(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}", 301)


@contextlib.contextmanager
def caddy(folder: Path, backend: str, _certificate: Certificate) -> Iterator[Proxy]:
    """docs/deploy/Caddyfile before `backend`. The certificate is of an authority of Caddy's own, not of Let's Encrypt."""
    plain, secure = free_port(), free_port()
    recipe = _recipe("Caddyfile", ("127.0.0.1:8000", backend.removeprefix("http://")))
    (folder / "Caddyfile").write_text(
        f"{{\nadmin off\nlocal_certs\nskip_install_trust\nstorage file_system {folder}/storage\n"
        f"default_bind 127.0.0.1\nhttp_port {plain}\nhttps_port {secure}\n}}\n{recipe}"
    )
    command = [
        _program("caddy", "usr/bin"),
        "run",
        "--config",
        folder / "Caddyfile",
        "--adapter",
        "caddyfile",
    ]
    homes = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with _running(command, secure, **homes):
        yield Proxy(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}", 308)


def _program(name: str, folder: str) -> str:
    """The machine's own, or what scripts/test-tools has unpacked."""
    return shutil.which(name) or str(ROOT / ".venv" / name / folder / name)


def _recipe(name: str, *replaced: tuple[str, str]) -> str:
    text = (ROOT / "docs/deploy" / name).read_text(encoding="utf-8")
    for theirs, ours in replaced:
        assert theirs in text
        text = text.replace(theirs, ours)
    return text


@contextlib.contextmanager
def _running(command: Sequence[str | Path], port: int, **environment: str) -> Iterator[None]:
    """Inside the block it speaks TLS on that port: Caddy listens before it has made its certificate."""
    process = subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", **environment})
    try:
        until(lambda: process.poll() is not None or _speaks_tls(port))
        assert process.poll() is None, f"{command[0]} ended"
        yield
    finally:
        process.terminate()
        process.wait(10)


def _speaks_tls(port: int) -> bool:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST),
    ):
        return True
    return False
