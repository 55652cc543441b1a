"""What every test may ask for. The PostgreSQL behind them: tests/engine.py."""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import postgres15
from tests.emptying import empty
from tests.engine import base
from tests.running import Installation
from tests.spreading import Spreading


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spreading:
    return Spreading(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not postgres15.there_is_one():
        terminalreporter.write_line(f"not run: {postgres15.WHY_NOT}", yellow=True)


@pytest.fixture(autouse=True)
def company_forgotten() -> Iterator[None]:
    """What a process keeps in memory for some seconds must not outlive the test whose row it was."""
    yield
    from zaitu.network.adapters import company

    company.KEPT.empty()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The address that hot paths read names the test database, as Django's own settings do."""
    from django.conf import settings
    from django.db import connection
    from django.test import TransactionTestCase

    before = settings.ZAITU_DATABASE_URL
    name = connection.settings_dict["NAME"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings, "ZAITU_DATABASE_URL", urlsplit(before)._replace(path=f"/{name}").geturl())
        patched.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """The product's own hasher with the least work: with Django's, a sign-in takes 100 MB and a quarter of a second."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    with pytest.MonkeyPatch.context() as patched:
        for cost, least in {"time_cost": 1, "memory_cost": 8, "parallelism": 1}.items():
            patched.setattr(Argon2PasswordHasher, cost, least)
        yield


@pytest.fixture(scope="session")
def started_before() -> Path:
    """A home that has been started and stopped once, for all processes of this run: tables made, static files collected."""
    home = base / "started" / "home"
    home.parent.mkdir(exist_ok=True, mode=0o711)
    with (base / "started.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        whole = home.with_name("whole")
        if not whole.exists():
            first = Installation(home)
            try:
                first.up()
                first.stop()
            finally:
                first.ensure_stopped()
            whole.touch()
    return home
