"""The stream that tells browsers that the list of waiting callers has changed; what is in it they ask for themselves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Self
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from zaitu.access.public import request_principal
from zaitu.hotline.public import TOPIC
from zaitu.kernel.bus import BusClient
from zaitu.kernel.errors import NotAuthenticated
from zaitu.kernel.principal import Right

LOOK_S: Final = 0.5
BEAT_S: Final = 15
LIFE_S: Final = 600
"""Then the browser connects again and is asked anew who it is."""


class CallsFeed:
    """How often the list has changed: one bus subscription per process, however many browsers look."""

    def __init__(self, bus_path: str) -> None:
        self._client = BusClient(bus_path)
        self._readers = 0
        self._pump: asyncio.Task[None] | None = None
        self.number = 0

    def __enter__(self) -> Self:
        self._readers += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        return self

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if self._readers == 0 and self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _run(self) -> None:
        async for _topic, _told in self._client.subscribe(TOPIC):
            self.number += 1


_FEEDS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, CallsFeed]] = WeakKeyDictionary()


def _feed() -> CallsFeed:
    loop = asyncio.get_running_loop()
    if loop not in _FEEDS:
        _FEEDS[loop] = CallsFeed(settings.ZAITU_BUS_PATH)
    return _FEEDS[loop]


@require_GET
async def live(request: HttpRequest) -> HttpResponseBase:
    """Event `calls` whenever somebody begins or ceases to wait."""
    try:
        actor = await sync_to_async(request_principal)(request)
    except NotAuthenticated:
        return HttpResponse(status=401)
    if not actor.can(Right.CALLS_READ):
        return HttpResponse(status=403)
    return StreamingHttpResponse(
        _changes(),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes() -> AsyncIterator[bytes]:
    await sync_to_async(
        connections.close_all
    )()  # else every open page would hold one (console/telemetry/live.py)
    with _feed() as feed:
        seen, quiet = feed.number, 0.0
        yield b"retry: 2000\n\n"
        for _ in range(int(LIFE_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            quiet += LOOK_S
            if feed.number != seen:
                seen, quiet = feed.number, 0.0
                yield b"event: calls\ndata: {}\n\n"
            elif quiet >= BEAT_S:
                quiet = 0.0
                yield b": still here\n\n"
