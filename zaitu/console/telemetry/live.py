"""The one Server-Sent Events stream of a browser: fixes of the fleet, gathered for a second."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from zaitu.access.public import request_principal
from zaitu.console.telemetry.feed import Fix, fleet_feed
from zaitu.kernel.errors import NotAuthenticated
from zaitu.kernel.principal import Right

GATHER_S: Final = 1.0
BEAT_S: Final = 15
"""A comment this often keeps proxies from closing the stream, and finds out when the browser has gone."""
LIFE_S: Final = 600
"""Then the browser connects again and is asked anew who it is: somebody switched off sees the map no longer than this."""
_SHOWN: Final = ("lat", "lon", "speed_kmh", "course_deg", "at", "trip")


@require_GET
async def live(request: HttpRequest) -> HttpResponseBase:
    """Events `fixes` with [{id, lat, lon, speed_kmh, course_deg, at, trip}]."""
    try:
        actor = await sync_to_async(request_principal)(request)
    except NotAuthenticated:
        return HttpResponse(status=401)
    if not actor.can(Right.POSITIONS_READ):
        return HttpResponse(status=403)
    return StreamingHttpResponse(
        _fixes(),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _fixes() -> AsyncIterator[bytes]:
    # Who asks was read from the database in this request's own thread, which lives as long as the stream: give the
    # connection back, or sixteen open maps would take the whole pool.
    await sync_to_async(connections.close_all)()
    with fleet_feed() as feed:
        seen = feed.number
        yield b"retry: 2000\n\n"
        quiet = 0.0
        for _ in range(int(LIFE_S / GATHER_S)):
            await asyncio.sleep(GATHER_S)
            newest, fixes = feed.number, feed.after(seen)
            seen, quiet = newest, 0.0 if fixes else quiet + GATHER_S
            if fixes:
                yield _event("fixes", [_shown(fix) for fix in fixes])
            elif quiet >= BEAT_S:
                quiet = 0.0
                yield b": still here\n\n"


def _shown(fix: Fix) -> dict[str, Any]:
    return {"id": fix["vehicle_id"], **{name: fix.get(name) for name in _SHOWN}}


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
