"""PostgreSQL for hot paths: asyncpg beside Django's own connections, on the same address."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
from django.conf import settings

from zaitu.kernel import logs

_RECONNECT_S: Final = 0.5
_STILL_THERE_EVERY_S: Final = 2.0

log = logs.logger("kernel.db")


def connect_args(url: str) -> dict[str, Any]:
    """Arguments of asyncpg for a `postgresql://` address, Unix sockets (`?host=/path`) included."""
    return {"dsn": url, "server_settings": {"application_name": "zaitu", "timezone": "UTC", "jit": "off"}}


async def _json_as_objects(connection: Any) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def pool(*, min_size: int = 1, max_size: int = 8) -> "asyncpg.Pool[Any]":
    """A new pool; the caller closes it. jsonb columns come as Python objects."""
    return await asyncpg.create_pool(
        **connect_args(settings.ZAITU_DATABASE_URL),
        min_size=min_size,
        max_size=max_size,
        command_timeout=10,
        init=_json_as_objects,
    )


async def listen(
    channel: str,
    heard: Callable[[str], None],
    connected: Callable[[], Awaitable[None] | None],
) -> None:
    """Call `heard(payload)` for each NOTIFY until cancelled; `connected()` after every (re)connection.

    What was notified while no connection stood is lost: `connected` must forget whatever it relied on.
    """
    while True:
        try:
            await _listen_once(channel, heard, connected)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            log.warning("listening again", channel=channel, error=type(error).__name__)
        await asyncio.sleep(_RECONNECT_S)


async def _listen_once(
    channel: str, heard: Callable[[str], None], connected: Callable[[], Awaitable[None] | None]
) -> None:
    connection = await asyncpg.connect(**connect_args(settings.ZAITU_DATABASE_URL), timeout=5)
    try:
        await connection.add_listener(channel, lambda *args: heard(str(args[3])))
        done = connected()
        if done is not None:
            await done
        while not connection.is_closed():
            # A dead network does not close a socket: ask, so that silence is known for what it is.
            await connection.fetchval("SELECT 1", timeout=5)
            await asyncio.sleep(_STILL_THERE_EVERY_S)
    finally:
        with contextlib.suppress(Exception):
            await connection.close(timeout=1)
