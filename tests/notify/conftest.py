import threading
from collections.abc import Iterator
from datetime import time

import pytest

from tests.notify.receivers import HttpReceiver, MailServer, http_receiver, mail_server
from zaitu.notify import public as notify
from zaitu.notify.domain.preferences import Preference


@pytest.fixture(autouse=True)
def _never_night(monkeypatch) -> None:
    """Whoever has said nothing has no quiet hours here, whatever the clock says."""
    awake = Preference(quiet_from=time(0), quiet_until=time(0))
    for module in ("planning", "preferences"):
        monkeypatch.setattr(f"zaitu.notify.services.{module}.USUAL", awake)


@pytest.fixture
def receiver(settings) -> Iterator[HttpReceiver]:
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    with http_receiver() as running:
        yield running


@pytest.fixture
def mail(settings) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.ZAITU_SMTP_URL = running.url
        settings.ZAITU_MAIL_FROM = "顺驰物流 <no-reply@shunchi.example>"
        yield running


@pytest.fixture
def couriers(transactional_db, monkeypatch) -> Iterator[None]:
    """Couriers running in this process, as in `zaitu couriers`, who look for work more often: two looks are in each test's way."""
    monkeypatch.setattr("zaitu.notify.services.courier._LOOK_S", 0.05)
    stop = threading.Event()
    thread = threading.Thread(target=notify.deliver_until, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive(), "couriers did not stop"
