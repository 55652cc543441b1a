"""One try to hand one message to a customer's system."""

import ssl
from functools import cache
from typing import Final

import httpcore
from django.conf import settings
from standardwebhooks import Webhook

import zaitu
from zaitu.kernel import clock
from zaitu.notify.channels.deadline import Deadline
from zaitu.notify.channels.webhook import answers
from zaitu.notify.channels.webhook.guard import GuardedBackend, PrivateAddress
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.payload import body

TIMEOUT_S: Final = 15
_SAID_BYTES: Final = 2_000


class Sender:
    """A connection of its own for each message: an address is judged anew for each (docs/adr/0071)."""

    provider = ""

    def __call__(self, parcel: Parcel) -> Answer:
        return send(parcel)

    def tidy(self) -> None: ...

    def close(self) -> None: ...


def send(parcel: Parcel) -> Answer:
    """Post the message; never raises for what a receiver may do."""
    private_allowed = settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED
    text = body(parcel.kind, waybill=parcel.waybill, data=parcel.words, at=clock.local(parcel.at))
    backend = GuardedBackend(Deadline(TIMEOUT_S), private_allowed=private_allowed)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as http,
            http.stream(
                "POST", parcel.address, headers=headers(parcel, text), content=text.encode()
            ) as reply,
        ):
            return answers.of_status(
                reply.status, retry_after=_header(reply, b"retry-after"), said=_said(reply), now=clock.now()
            )
    except PrivateAddress:
        return Answer(verdict=Verdict.NEVER, note="地址指向内部网络，已拒绝发送")
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        return answers.of_error(error)
    except (httpcore.UnsupportedProtocol, ValueError):
        return Answer(verdict=Verdict.NEVER, note="网址不正确")


def headers(parcel: Parcel, text: str) -> list[tuple[str, str]]:
    """`webhook-id` stays the same at every try, the timestamp is that of the try; the signature covers both."""
    webhook_id, now = f"msg_{parcel.id}", clock.now()
    return [
        ("content-type", "application/json"),
        ("user-agent", f"Zaitu/{zaitu.__version__}"),
        ("webhook-id", webhook_id),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", Webhook(parcel.secret).sign(webhook_id, now, text)),
    ]


def _header(reply: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in reply.headers if key.lower() == name), "")


def _said(reply: httpcore.Response) -> str:
    """The beginning of the reply, for whoever has to find out why; what goes wrong after the status changes nothing."""
    if 200 <= reply.status < 300:
        return ""
    said = b""
    try:
        for part in reply.iter_stream():
            said += part
            if len(said) >= _SAID_BYTES:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    text = said[:_SAID_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()
