"""Requests that are too large or too slow are refused before they cost memory or hold a connection."""

import json
from asyncio import TimerHandle, Transport
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zaitu.config.wire import Receive, Scope, Send, answer

HEAD_MAX_BYTES: Final = 64 * 1024
"""Request line and headers together."""
HEAD_TIMEOUT_S: Final = 20.0
"""How long a client may take to send them."""
BODY_GRACE_S: Final = 30.0
"""How long a body may take whatever its size; a stall of a mobile network is about so long."""
BODY_MIN_BYTES_S: Final = 2048
"""Beyond that it must have come at this rate since it began: a photo from a phone on a 2G network still does."""


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's fast parser sets no limit to a request's head, and none to how long a body takes: both are set here."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn itself does
        super().connection_made(transport)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: TimerHandle | None = self.loop.call_later(HEAD_TIMEOUT_S, self._too_slow)
        self._in_body = False
        self._body_bytes = 0
        self._body_since = 0.0
        self._body_timer: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        self._body_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                self.send_400_response("Request head too large.")
            elif self._head_timer is None:  # a later request on the same connection comes in pieces
                self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._too_slow)
        elif self._in_body and self._body_timer is None:  # a body that comes with its head needs no clock
            self._body_since = self.loop.time()
            self._body_timer = self.loop.call_later(BODY_GRACE_S, self._look_at_body)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_done()
        self._in_body = True
        self._body_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._body_done()
        super().on_message_complete()

    def _head_done(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._in_head and not self.transport.is_closing():
            self.transport.close()

    def _body_done(self) -> None:
        self._in_body = False
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _look_at_body(self) -> None:
        """Refuse it, or look again when it could be too slow at the earliest."""
        now = self.loop.time()
        if self.flow.read_paused:  # it is we who keep the client waiting
            self._body_since, self._body_bytes = now, 0
        left_s = self._body_since + BODY_GRACE_S + self._body_bytes / BODY_MIN_BYTES_S - now
        if left_s > 0:
            self._body_timer = self.loop.call_later(left_s, self._look_at_body)
        else:
            self._refuse_body()

    def _refuse_body(self) -> None:
        """408 where nothing has been answered yet, and the end of the connection in any case."""
        self._body_done()
        if not self.cycle.response_started and not self.pipeline:
            body = _problem(408, "Request Timeout", "too_slow", "内容上传太慢，请检查网络后重试")
            headers = (
                *self.server_state.default_headers,
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            )
            head = b"".join(b"%s: %s\r\n" % header for header in headers)
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\n" + head + b"\r\n" + body)
        self.cycle.disconnected = True  # what the application may still say is not for this connection
        self.cycle.message_event.set()
        self.transport.close()


def _problem(status: int, title: str, code: str, detail: str) -> bytes:
    """RFC 9457, where Django is not asked."""
    said = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return json.dumps(said, ensure_ascii=False).encode()


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware: a body over the limit is answered 413 (problem+json), announced or not."""

    def __init__(self, app: Any, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _announced(scope) > self._max_bytes:
            await self._refuse(send)
            return
        received = 0
        began = False

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise _TooLarge
            return message

        async def watched(message: Any) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except _TooLarge:
            if not began:
                await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        body = _problem(413, "Content Too Large", "too_large", f"内容超过 {self._max_bytes // 2**20} MB")
        await answer(send, 413, body, "application/problem+json")


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
