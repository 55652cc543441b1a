"""`/osmand`: phones report over HTTP; answered 200 only when the position is committed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.db import Error, connection

from zaitu.kernel import clock, logs
from zaitu.kernel.errors import Unavailable
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.osmand import OsmandError, Told, json_parse, query_parse
from zaitu.telemetry.models import Terminal
from zaitu.telemetry.services.sink import Sink
from zaitu.telemetry.services.sinks import sink_made
from zaitu.telemetry.services.terminals import secret_hash
from zaitu.telemetry.services.ticks import Tick

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_MAX: Final = 256 * 1024
"""Bytes."""
_BODY_WITHIN_S: Final = 10.0
_AT_ONCE: Final = 8
"""Requests in the database at a time; others wait."""

log = logs.logger("telemetry.osmand")


class _Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


class _Door:
    """What the door keeps open between requests of this process."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="osmand")


_door = _Door()


async def osmand_open() -> None:
    """For the server's lifespan: positions go to the engine of this machine, or into the stream."""
    _door.sink = sink_made(part="web")
    await _door.sink.start()


async def osmand_close() -> None:
    if _door.sink is not None:
        await _door.sink.stop()
    _door.sink = None


async def osmand(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI. GET or POST with a query string, a form, or JSON; the device's token is its `id`.

    200 stored (or had been), 400 not a position, 401 no such token, 405, 408, 413, 503 try again.
    """
    try:
        await _store(await _told(scope, receive))
    except _Refused as refused:
        await _answer(send, refused.status, refused.text)
    else:
        await _answer(send, 200, "")


async def _store(told: Told) -> None:
    if _door.sink is None:
        raise _Refused(503, "the server is stopping")
    try:
        terminal = await asyncio.get_running_loop().run_in_executor(_door.threads, _terminal, told.token)
        now = clock.now()
        reports = [Report(terminal=terminal, fix=fix) for fix in told.fixes]
        await _door.sink.put(Tick(received_at=now, columns=columns_of(reports, received_at=now)))
    except (Error, Unavailable) as error:
        log.warning("not stored", error=type(error).__name__)
        raise _Refused(503, "try again") from error


def _terminal(token: str) -> str:
    """Whose token it is. Raises _Refused, django.db.Error."""
    try:
        terminals = Terminal.objects.filter(kind="osmand", token_hash=secret_hash(token))
        terminal = terminals.values_list("terminal", flat=True).first()
    finally:
        connection.close()
    if terminal is None:
        raise _Refused(401, "no such device")
    return terminal


async def _told(scope: Scope, receive: Receive) -> Told:
    if scope["method"] not in {"GET", "POST"}:
        raise _Refused(405, "GET or POST")
    query = scope.get("query_string", b"").decode("ascii", "replace")
    try:
        body = await asyncio.wait_for(_body(receive), _BODY_WITHIN_S)
        if body.lstrip()[:1] == b"{":
            return json_parse(body)
        return query_parse(query or body.decode("ascii", "replace"))
    except TimeoutError as error:
        raise _Refused(408, "the request did not arrive in time") from error
    except OsmandError as error:
        raise _Refused(400, str(error)) from error


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "the request broke off")
        body += bytes(message.get("body", b""))
        if len(body) > BODY_MAX:
            raise _Refused(413, f"at most {BODY_MAX} bytes")
        if not message.get("more_body"):
            return body


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
