"""What every test may ask for. The PostgreSQL behind them: tests/engine.py."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The address that hot paths read names the test database, as Django's own settings do."""
    from django.conf import settings
    from django.db import connection

    before = settings.ZAITU_DATABASE_URL
    name = connection.settings_dict["NAME"]
    settings.ZAITU_DATABASE_URL = urlsplit(before)._replace(path=f"/{name}").geturl()
    yield
    settings.ZAITU_DATABASE_URL = before
