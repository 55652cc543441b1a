"""Requests that are too large are refused before they cost memory."""

import json
from asyncio import TimerHandle, Transport
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zaitu.config.wire import Receive, Scope, Send, answer

HEAD_MAX_BYTES: Final = 64 * 1024
"""Request line and headers together."""
HEAD_TIMEOUT_S: Final = 20.0
"""How long a client may take to send them."""


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's fast parser sets no limit to a request's head: 64 KiB and 20 s here."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn itself does
        super().connection_made(transport)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: TimerHandle | None = self.loop.call_later(HEAD_TIMEOUT_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                self.send_400_response("Request head too large.")
            elif self._head_timer is None:  # a later request on the same connection comes in pieces
                self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._too_slow)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_done()
        super().on_headers_complete()

    def _head_done(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._in_head and not self.transport.is_closing():
            self.transport.close()


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
        said = {
            "type": "about:blank",
            "title": "Content Too Large",
            "status": 413,
            "code": "too_large",
            "detail": f"内容超过 {self._max_bytes // 2**20} MB",
        }
        await answer(send, 413, json.dumps(said, ensure_ascii=False).encode(), "application/problem+json")


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
