"""An engine keeps what it read in memory; each test has a database of its own, so each gets its own engine."""

from collections.abc import Iterator

import pytest

from tests.telemetry import make


@pytest.fixture(autouse=True)
def _fresh_engine() -> Iterator[None]:
    make.engine_forget()
    yield
    make.engine_forget()
