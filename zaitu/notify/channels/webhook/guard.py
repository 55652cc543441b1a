"""Webhooks must not become a way into our own network: names are looked up once, judged, and connected to as judged.

A name may point elsewhere a moment later (DNS rebinding), so the address that was judged is the one connected to,
while TLS still checks the certificate against the name. One clock runs over the whole exchange: a receiver that
answers one byte every few seconds holds a courier no longer than a silent one.
"""

import socket
from collections.abc import Iterable
from typing import Any

import httpcore

from zaitu.notify.channels.deadline import Deadline, Timed
from zaitu.notify.domain.endpoints import is_public


class PrivateAddress(Exception):
    """The name leads to an address that is not on the open internet."""


def addresses(host: str, port: int, *, private_allowed: bool) -> list[str]:
    """The addresses of a host that may be connected to; raises PrivateAddress when there is none, OSError when unknown."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in dict.fromkeys(found) if private_allowed or is_public(address)]
    if not allowed:
        raise PrivateAddress(host)
    return allowed


class GuardedBackend(httpcore.NetworkBackend):
    """httpcore's way to the network: judged addresses only, within a deadline."""

    def __init__(self, deadline: Deadline, *, private_allowed: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._private_allowed = private_allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(host)
        for address in addresses(host, port, private_allowed=self._private_allowed):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left_s(), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return Timed(stream, self._deadline)
        raise failed
