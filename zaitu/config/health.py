"""`/healthz/live`, `/healthz/ready` and `/metrics`: bare ASGI, for supervisors, load balancers and Prometheus."""

import asyncio
import ipaddress
import json
import time
from pathlib import Path
from typing import Any, Final

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from zaitu.config.migrating import shipped
from zaitu.config.wire import Receive, Scope, Send, answer
from zaitu.kernel import heartbeat
from zaitu.kernel.metrics import render

PARTS_FILE: Final = "parts.json"
"""Beside the bus socket: the parts that `zaitu up` keeps running on this machine, and that therefore must beat."""
_PARTS: Final = {
    "worker": "事件处理",
    "jobs": "定时任务",
    "couriers": "消息发送",
    "gateway": "设备网关",
    "ingest": "位置入库",
    "sensors": "传感器接入",
    "ivr": "热线接入",
    "fleet": "演示车队",
}
_ASKED_AT_MOST_EVERY_S: Final = 1.0
_NOT_READY_FOR_S: Final = 0.2
"""A no is looked at again sooner: whoever starts something waits for the yes."""
_ANSWER_S: Final = 3


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """200 while this process answers at all."""
    await answer(send, 200, b'{"status": "live"}', "application/json")


class Ready:
    """200 when everything this machine runs can do its work, else 503 naming the parts that cannot."""

    def __init__(self) -> None:
        self._asked_at = -_ASKED_AT_MOST_EVERY_S
        self._troubles: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._asking:  # many askers cost one look
            lasts_s = _NOT_READY_FOR_S if self._troubles else _ASKED_AT_MOST_EVERY_S
            if time.monotonic() - self._asked_at >= lasts_s:
                self._troubles = {part: text async for part, text in _troubles()}
                self._asked_at = time.monotonic()
        parts = [{"part": part, "message": message} for part, message in self._troubles.items()]
        said = {"status": "not ready", "parts": parts} if parts else {"status": "ready"}
        body = json.dumps(said, ensure_ascii=False).encode()
        await answer(send, 503 if parts else 200, body, "application/json")


async def _troubles() -> Any:
    trouble = await _database_trouble()
    if trouble:
        yield "database", trouble
    if not await _bus_answers():
        yield "bus", "进程间总线没有应答"
    for part in _expected():
        age_s = heartbeat.age_s(part)
        if age_s is None or age_s > heartbeat.STALE_S:
            yield part, f"{_PARTS[_kind(part)]}没有在工作"


async def _database_trouble() -> str:
    """Asked over a connection of its own: a pool may hold dead ones for a while after a restart."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            async with await psycopg.AsyncConnection.connect(settings.ZAITU_DATABASE_URL) as connection:
                found = await connection.execute("SELECT app, name FROM django_migrations")
                applied = frozenset(await found.fetchall())
    except psycopg.errors.UndefinedTable:
        return "数据库还没有建表，请运行 zaitu migrate"
    except (psycopg.Error, OSError, TimeoutError):
        return "数据库没有应答"
    return "" if shipped() <= applied else "数据库需要升级，请运行 zaitu migrate"


async def _bus_answers() -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            _, writer = await asyncio.open_unix_connection(settings.ZAITU_BUS_PATH)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _expected() -> list[str]:
    path = Path(settings.ZAITU_BUS_PATH).with_name(PARTS_FILE)
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []  # web processes alone on a machine
    return [part for part in listed if _kind(part) in _PARTS]


def _kind(part: str) -> str:
    """Of several processes of a kind: `gateway-2` is a gateway."""
    return part.partition("-")[0]


async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
    """All processes' metrics, for askers in private networks only."""
    if not all(_private(address) for address in _askers(scope)):
        await answer(send, 404, b'{"title": "Not Found", "status": 404}', "application/problem+json")
        return
    body, content_type = await sync_to_async(_rendered)()
    await answer(send, 200, body, content_type)


def _rendered() -> tuple[bytes, str]:
    try:
        return render()
    finally:
        connections.close_all()  # outside of Django's requests nobody notices a dead one: the backlog would be gone for good


def _askers(scope: Scope) -> list[str]:
    """The client and whoever it says it asks for: a proxy that is not in ZAITU_TRUSTED_PROXIES is itself a private client."""
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    told = [address.strip() for value in forwarded for address in value.split(",")]
    return [(scope.get("client") or ("",))[0], *told]


def _private(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_private
    except ValueError:
        return False
