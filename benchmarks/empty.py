"""The yardstick for Python: an empty answer by the server that serves the product, with its limits and settings."""

from typing import Any

from zaitu.config.env import env
from zaitu.config.server import serve

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
_BODY = {"type": "http.response.body", "body": b""}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": f"{message['type']}.complete"})
        return
    await send(_START)
    await send(_BODY)


if __name__ == "__main__":
    serve(env(), "benchmarks.empty:application")
