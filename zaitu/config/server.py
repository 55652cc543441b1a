"""The web server: one uvicorn process; several share the port (SO_REUSEPORT), so the kernel spreads connections evenly."""

import errno
import socket
from typing import Final

import uvicorn

from zaitu.config.env import Env
from zaitu.config.ready import Ready, ReadyHttp, nothing_ready
from zaitu.kernel.errors import Unavailable

_BACKLOG: Final = 2048
_STOP_S: Final = 5
"""How long open answers (live updates) may go on after the server was asked to stop."""
_KEEP_ALIVE_S: Final = 75
"""Longer than reverse proxies keep their side (60 s), so that they never send into a closing connection."""


def reserve(host: str, port: int) -> socket.socket:
    """The port, held without listening, so that nobody else takes it and our children can share it.

    Raises Unavailable when something listens there already, or the address is not this machine's.
    """
    for share in (
        False,
        True,
    ):  # asked alone first: with SO_REUSEPORT set, another Zaitu's port would look free
        reserved = _socket(host)
        if share:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind((host, port))
            if not share:
                reserved.listen(1)
        except OSError as error:
            reserved.close()
            raise _refused(host, port, error) from None
        if not share:
            reserved.close()
    return reserved


def serve(env: Env, app: str = "zaitu.config.asgi:application", *, ready: Ready = nothing_ready) -> None:
    """Answer HTTP(S) until SIGTERM. Raises Unavailable when it cannot listen there."""
    listening = _socket(env.http_host)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((env.http_host, env.http_port))
    except OSError as error:
        listening.close()
        raise _refused(env.http_host, env.http_port, error) from None
    listening.listen(_BACKLOG)
    config = uvicorn.Config(
        app,
        http=ReadyHttp.asking(ready),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,  # query strings carry phone tails
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=env.trusted_proxies,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
        ssl_certfile=env.tls_certificate,
        ssl_keyfile=env.tls_private_key,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _refused(host: str, port: int, error: OSError) -> Unavailable:
    """Which of the two is at fault: the address or the port."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return Unavailable(
            f"本机没有地址 {host}（{error.strerror}）：请检查 ZAITU_HTTP_HOST 与 ZAITU_JT808_HOST"
        )
    if error.errno == errno.EACCES:
        return Unavailable(f"没有权限监听端口 {port}：请用 1024 以上的端口")
    return Unavailable(f"端口 {port} 不可用（{error.strerror}）：可能已有程序占用")


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
