"""What our web server makes of a request: run behind the real proxy, told back as JSON."""

import asyncio
import json
import sys

from zaitu.config import limits
from zaitu.config.env import Env
from zaitu.config.server import serve

_left = 0
"""How many live streams their readers have left."""


async def _echo(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/live":
        await _live(receive, send)
        return
    if scope["path"] == "/lazy":  # somebody who is in no hurry to read what is sent
        await asyncio.sleep(3)
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {
        "scheme": scope["scheme"],
        "client": scope["client"][0],
        "host": headers["host"],
        "size": size,
        "left": _left,
    }
    body = json.dumps(seen).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": body})


async def _live(receive, send):
    global _left  # noqa: PLW0603  one process, one count
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
    )
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await receive()
    if (await receive())["type"] == "http.disconnect":
        _left += 1


app = limits.BodyLimit(_echo, 1 << 20)


async def application(scope, receive, send):
    await (_echo if scope["type"] == "lifespan" else app)(scope, receive, send)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    for name in ("HEAD_TIMEOUT_S", "BODY_GRACE_S", "BODY_MIN_BYTES_S"):
        setattr(limits, name, settings.pop(name.lower(), getattr(limits, name)))
    serve(Env(**settings), app="tests.config.echo:application")
