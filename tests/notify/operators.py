"""Makers for the tests of operators' lines."""

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.notify import make
from tests.notify.cmpp_server import CmppServer
from tests.notify.operator_server import OperatorServer
from tests.notify.smpp_server import SmppServer
from zaitu.notify.channels.cmpp.send import Sender as CmppSender
from zaitu.notify.channels.operators.send import OperatorSender
from zaitu.notify.channels.smpp.send import Sender as SmppSender
from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.saying import Said
from zaitu.notify.domain.ways import Receipt, Urgency

PHONE = "13800005678"
SHORT = "您的货物ZT1已签收"
LONG = "您的货物已从武汉中转站发车，" * 12  # 168 characters: three parts
DIALECTS = ("cmpp2", "cmpp3", "smpp")


def gateway_of(dialect: str) -> OperatorServer:
    return SmppServer() if dialect == "smpp" else CmppServer(v3=dialect == "cmpp3")


def use(settings: Any, gateway: Any, **asked: int) -> None:
    """Let the settings name it; its simulator is running."""
    url = gateway.url + "".join(f"&{name}={value}" for name, value in asked.items())
    provider = "smpp" if isinstance(gateway, SmppServer) else "cmpp"
    settings.ZAITU_SMS_PROVIDER = provider
    setattr(settings, f"ZAITU_{provider.upper()}_URL", url)


class Ear:
    """Stands where notify's own hearer would: keeps what it hears, or refuses."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.texts: list[Heard] = []
        self.calls = 0
        self.broken = threading.Event()
        """While set, nothing can be kept."""

    def __call__(self, provider: str, receipts: Sequence[Receipt], texts: Sequence[Heard]) -> None:
        self.calls += 1
        if self.broken.is_set():
            raise OSError("the database is away")
        self.receipts += receipts
        self.texts += texts


@contextmanager
def sending(settings: Any, ear: Ear) -> Iterator[OperatorSender]:
    sender = (SmppSender if settings.ZAITU_SMS_PROVIDER == "smpp" else CmppSender)()
    sender.listen(ear)
    yield sender
    sender.close()


def parcel(text: str = SHORT, address: str = PHONE, pk: str = "") -> Parcel:
    return Parcel(
        id=pk or uuid.uuid4().hex,
        claim=1,
        kind=Kind.SIGNED,
        waybill="ZT1",
        person="contact:1",
        address=address,
        secret="",
        words={},
        at=make.AT,
        useful_until=make.AT,
        attempts=1,
        endpoint_id=None,
        channel=Channel.SMS,
        urgency=Urgency.USUAL,
        said=Said(text=text, link="", code="", variables=()),
        ways_left=False,
    )
