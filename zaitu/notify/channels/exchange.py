"""Exchanges with a provider over HTTPS: connections are kept between messages, and one clock runs over each exchange."""

import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

import zaitu
from zaitu.notify.channels.deadline import Deadline, Timed
from zaitu.notify.domain.delivery import Answer, Verdict

TIMEOUT_S: Final = 15
UNKNOWN_WAIT_S: Final = 60
"""Before a message of which nobody knows whether it was taken is sent again: a receipt mostly comes sooner."""
_IDLE_S: Final = 30.0
_LINES: Final = 64
_BODY_MAX: Final = 64_000


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    """At most 64 kB of it."""


class Exchange:
    """With one address; for several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        """As the Host header has it: providers want it signed."""
        self._url = f"{parts.scheme}://{parts.netloc}/"
        self._clock = _ThreadClock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls() if parts.scheme == "https" else None,
            network_backend=_Backend(self._clock),
            max_connections=_LINES,
            keepalive_expiry=_IDLE_S,
        )

    def post(self, headers: Mapping[str, str], content: bytes = b"", *, query: str = "") -> Reply:
        """Raises what httpcore raises (see `of_error`), at the latest after `TIMEOUT_S`."""
        self._clock.start(TIMEOUT_S)
        sent = {
            "host": self.host,
            "content-length": str(len(content)),
            "user-agent": f"Zaitu/{zaitu.__version__}",
        } | dict(headers)
        address = f"{self._url}?{query}" if query else self._url
        with self._pool.stream("POST", address, headers=list(sent.items()), content=content) as reply:
            body = b""
            for part in reply.iter_stream():
                body += part
                if len(body) > _BODY_MAX:
                    break
            return Reply(reply.status, body[:_BODY_MAX])

    def close(self) -> None:
        self._pool.close()


FAILURES: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError)
"""What `Exchange.post` may raise."""


def of_error(error: Exception) -> Answer:
    """No reply. As long as nothing was offered, messages keep their tries; afterwards it may have been taken."""
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        cause = error.__cause__ or error.__context__
        note = "短信服务商的证书无效" if isinstance(cause, ssl.SSLError) else "连接不上短信服务商"
        return Answer(verdict=Verdict.PAUSE, rests=True, note=note)
    late = isinstance(error, httpcore.TimeoutException)
    return Answer(
        verdict=Verdict.RETRY,
        rests=True,
        retry_after_s=UNKNOWN_WAIT_S,
        note="短信服务商没有及时应答，可能已发出" if late else "短信服务商中断了连接，可能已发出",
    )


class _ThreadClock(threading.local):
    """The deadline of the exchange this thread is in: connections outlive exchanges and are used by one thread at a time."""

    deadline: Deadline | None = None

    def start(self, seconds: float) -> None:
        self.deadline = Deadline(seconds)

    def left_s(self) -> float:
        return self.deadline.left_s() if self.deadline else float(TIMEOUT_S)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, clock: _ThreadClock) -> None:
        self._inner = httpcore.SyncBackend()
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, self._clock.left_s(), local_address, socket_options)
        return Timed(stream, self._clock)


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()
