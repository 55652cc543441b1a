"""Loaded first (`-p tests.engine`): gives the session a home and a PostgreSQL of its own before Django reads its settings.

The controller starts the server; xdist workers inherit its address and get a home and a database each.
ZAITU_TEST_DATABASE_URL runs the tests on another server (its role must be allowed to create databases).
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer

_BASE = "ZAITU_TEST_BASE"
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if not _worker:
    os.environ[_BASE] = tempfile.mkdtemp(prefix="zaitu-test-")
base = Path(os.environ[_BASE])
_engine_home = Home(base / "engine")
for _name in [
    name for name in os.environ if name.startswith("ZAITU_") and not name.startswith("ZAITU_TEST_")
]:
    del os.environ[_name]  # the developer's own settings must not decide whether a test passes
os.environ["ZAITU_HOME"] = str(base / (_worker or "home"))
os.environ["ZAITU_DATABASE_URL"] = os.environ.get("ZAITU_TEST_DATABASE_URL") or _engine_home.database_url()
_server = PostgresServer(_engine_home, durable=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", default="var/shots", help="folder for the pictures that browser tests take")


def pytest_configure(config: pytest.Config) -> None:
    if _worker or config.option.collectonly:
        return
    base.chmod(0o711)  # `nobody` walks through it when we are root
    if not os.environ.get("ZAITU_TEST_DATABASE_URL"):
        _server.start()


def pytest_unconfigure() -> None:
    if not _worker:
        _server.stop()
        shutil.rmtree(base, ignore_errors=True)
