"""One clock over a whole exchange: a receiver that answers one byte every few seconds holds a courier no longer than a silent one."""

import time
from typing import Any, Protocol

import httpcore


class Clock(Protocol):
    def left_s(self) -> float:
        """More than zero; raises httpcore.ReadTimeout when the time is over."""


class Deadline:
    """Seconds left of one exchange."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        """More than zero; raises httpcore.ReadTimeout when the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the exchange took too long")
        return left


class Timed(httpcore.NetworkStream):
    """A stream every wait of which ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Clock) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left_s())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return Timed(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
