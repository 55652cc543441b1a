"""Ask our own web server whether everything is ready."""

import asyncio
import json
import ssl

from zaitu.config.env import Env

_ANSWER_S = 5.0


async def ready(env: Env) -> str:
    """Empty when `/healthz/ready` says yes; else what is missing, in words."""
    host = "127.0.0.1" if env.http_host in {"0.0.0.0", "::", ""} else env.http_host  # noqa: S104  compared, not bound
    try:
        async with asyncio.timeout(_ANSWER_S):
            status, body = await _get(host, env.http_port, _trusting() if env.tls_certificate else None)
    except (OSError, TimeoutError, ValueError):
        return "网页服务没有应答"
    if status == 200:
        return ""
    return "；".join(part["message"] for part in json.loads(body)["parts"])


async def _get(host: str, port: int, tls: ssl.SSLContext | None) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(b"GET /healthz/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(head.split(b" ", 2)[1]), body


def _trusting() -> ssl.SSLContext:
    """We ask ourselves by loopback: the certificate names another host."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
