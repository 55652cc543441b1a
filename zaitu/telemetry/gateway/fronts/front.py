"""What the gateway asks of whoever holds its sockets."""

import socket
from typing import Final, Protocol

from zaitu.telemetry.codecs.columns import Bytes, Ints

READ_BYTES: Final = 8 * 1024
"""Of one connection in one tick; the rest waits in the kernel, and then at the terminal."""
TICK_BYTES: Final = 4 * 1024 * 1024
"""Of all connections in one tick."""
SEND_BUFFER: Final = 32 * 1024
"""Bytes the kernel holds for a terminal that does not read; the default grows to megabytes."""
BACKLOG: Final = 8_192
"""Terminals that may wait to be accepted; the system's own limit (net.core.somaxconn) still holds."""


class Front(Protocol):
    """Connections come and go by themselves (`Connections.open`, `House.ended`); the gateway reads and answers in ticks."""

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""

    def gather(self) -> tuple[Bytes, Ints]:
        """What came since the last time: bytes, and (slot, start, end) of each connection's piece; valid until the next call."""

    def send(self, out: Bytes, runs: Ints, count: int) -> None:
        """Send the runs (slot, start, end in `out`); what a terminal does not take waits."""

    def close(self, slot: int, *, softly: bool = False) -> None:
        """Drop a connection now; softly: after what was sent has been taken."""

    def unsent(self) -> dict[int, int]:
        """Bytes waiting by slot, of connections that have any."""

    def stop_listening(self) -> None: ...


class House(Protocol):
    """What a front tells its gateway."""

    def opened(self) -> int:
        """A connection came: its slot, or −1 to turn it away."""

    def ended(self, slot: int) -> None:
        """A connection is gone; its slot must not be used any more."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that several gateway processes may share. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # connections inherit it
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.bind((host, port))
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one
