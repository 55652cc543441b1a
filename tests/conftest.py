"""What every test may ask for. The PostgreSQL behind them: tests/engine.py."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.emptying import empty


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
