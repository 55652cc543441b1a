import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import postgres15
from tests.config.proxies import ROOT, Certificate
from tests.running import Installation, copy_of, free_port, until
from zaitu.kernel import clock


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a PostgreSQL 15 its tests are taken out, and the end of the run says so (tests/conftest.py)."""
    if not postgres15.there_is_one():
        out = [item for item in items if "postgres15" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)


@pytest.fixture(scope="session", name="postgres15")
def _postgres15() -> Iterator[str]:
    """A superuser's address on a PostgreSQL 15."""
    with postgres15.running() as url:
        yield url


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's user can reach (pytest's own tmp_path is private to us)."""
    path = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    path.chmod(0o711)
    yield path
    rmtree(path, ignore_errors=True)


@pytest.fixture
def installation(place: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Installation]]:
    """Makes installations that are stopped after the test; `new=False`: begins with a home that was started before."""
    made: list[Installation] = []

    def make(name: str = "home", *, new: bool = True, **settings: object) -> Installation:
        if not new:
            copy_of(request.getfixturevalue("started_before"), place / name)
        made.append(Installation(place / name, **settings))
        return made[-1]

    yield make
    for one in made:
        one.ensure_stopped()


@pytest.fixture
def echo() -> Iterator[Callable[..., str]]:
    """Starts our server before the echo; gives its address."""
    processes = []

    def start(**settings):
        port = free_port()
        settings = {"http_host": "127.0.0.1", "http_port": port, **settings}
        processes.append(
            subprocess.Popen([sys.executable, "-m", "tests.config.echo", json.dumps(settings)], cwd=ROOT)
        )
        until(lambda: processes[-1].poll() is not None or _listens(port))
        assert processes[-1].poll() is None
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A self-made certificate for localhost."""
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
    return Certificate(folder / "fullchain.pem", folder / "privkey.pem")
