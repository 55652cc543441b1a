"""What answers which path: hot reads, devices and health are bare ASGI, everything else is Django with its static files."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import get_resolver
from servestatic import ServeStaticASGI

from zaitu.config import health
from zaitu.config.limits import BodyLimit
from zaitu.portal import hot
from zaitu.telemetry import public as telemetry

_TRACK: Final = "/api/v1/track/"
_EXACT: Final[Mapping[str, Any]] = {
    "/healthz/live": health.live,
    "/healthz/ready": health.Ready(),
    "/metrics": health.metrics,
    "/osmand": telemetry.osmand,
    "/osmand/": telemetry.osmand,
}
_django = ServeStaticASGI(get_asgi_application(), root=settings.STATIC_ROOT, prefix=settings.STATIC_URL)


async def _dispatch(scope: Any, receive: Any, send: Any) -> None:
    await _EXACT.get(scope["path"], _django)(scope, receive, send)


_limited = BodyLimit(_dispatch, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"].startswith(_TRACK):  # first and bare: it takes no body, and most requests are this one
        await hot.application(scope, receive, send)
    else:
        await _limited(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    """Parts with connections of their own open them with the process and close them with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # Before the first request: it need not wait for all pages' code, nor be the one that finds it broken.
            get_resolver().url_patterns  # noqa: B018  loads them
            await telemetry.osmand_open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hot.application.stop()
            await telemetry.osmand_close()
            await send({"type": "lifespan.shutdown.complete"})
            return
