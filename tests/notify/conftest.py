import threading
from collections.abc import Iterator

import pytest

from tests.notify.receivers import HttpReceiver, MailServer, http_receiver, mail_server
from zaitu.notify import public as notify


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
