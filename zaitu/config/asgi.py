"""What answers which path: hot reads and health are bare ASGI, everything else is Django with its static files."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

from zaitu.config import health
from zaitu.config.limits import BodyLimit

_pages = get_asgi_application()

from zaitu.portal.hot import application as tracking  # noqa: E402  needs the models that the line above has loaded
from zaitu.portal.wire import PREFIX as TRACK_PREFIX  # noqa: E402

_django = ServeStaticASGI(_pages, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL)
_EXACT: Final[Mapping[str, Any]] = {
    "/healthz/live": health.live,
    "/healthz/ready": health.Ready(),
    "/metrics": health.metrics,
}


async def _dispatch(scope: Any, receive: Any, send: Any) -> None:
    await _EXACT.get(scope["path"], _django)(scope, receive, send)


_http = BodyLimit(_dispatch, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"].startswith(TRACK_PREFIX):
        await tracking(scope, receive, send)  # reads no body, so nothing of it needs a limit
    else:
        await _http(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await tracking.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
