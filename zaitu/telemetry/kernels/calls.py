"""Calls of the C library for kernels (Linux): sockets, epoll and the clock. What fails gives minus the error number.

Buffers are one-dimensional, contiguous arrays of bytes; `room` is scratch for two numbers. Nothing here blocks but `wait`, for as
long as it is told. (Little-endian machines only, as numba's are.)
"""

import platform
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types

from zaitu.telemetry.kernels.compiled import bare

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

AGAIN: Final = -11
"""EAGAIN: nothing to read, or no room to write."""
READABLE: Final = 0x1
WRITABLE: Final = 0x4
BROKEN: Final = 0x8 | 0x10
EVENT_BYTES: Final = 12 if platform.machine() == "x86_64" else 16
"""Of struct epoll_event, which x86-64 alone packs."""
_EVENT_FD: Final = EVENT_BYTES - 8
_DONTWAIT_NOSIGNAL: Final = 0x40 | 0x4000
_MONOTONIC: Final = 1

_c: Any = types
_send = _c.ExternalFunction("send", _c.int64(_c.int32, _c.voidptr, _c.uint64, _c.int32))
_recv = _c.ExternalFunction("recv", _c.int64(_c.int32, _c.voidptr, _c.uint64, _c.int32))
_epoll_wait = _c.ExternalFunction("epoll_wait", _c.int32(_c.int32, _c.voidptr, _c.int32, _c.int32))
_clock_gettime = _c.ExternalFunction("clock_gettime", _c.int32(_c.int32, _c.voidptr))
_errno = _c.ExternalFunction("__errno_location", _c.voidptr())
_memcpy = _c.ExternalFunction("memcpy", _c.voidptr(_c.voidptr, _c.voidptr, _c.uint64))


@bare
def _result(returned: int, room: Ints) -> int:
    if returned < 0:
        room[0] = 0
        _memcpy(room.ctypes, _errno(), np.uint64(4))
        return -int(room[0])
    return int(returned)


@bare
def send(fd: int, data: Bytes, room: Ints) -> int:
    """Bytes taken, or minus the error number (AGAIN: none now)."""
    flags = np.int32(_DONTWAIT_NOSIGNAL)
    return _result(_send(np.int32(fd), data.ctypes, np.uint64(len(data)), flags), room)


@bare
def receive(fd: int, into: Bytes, room: Ints) -> int:
    """Bytes read, 0 when the peer has closed, or minus the error number (AGAIN: none now)."""
    flags = np.int32(_DONTWAIT_NOSIGNAL)
    return _result(_recv(np.int32(fd), into.ctypes, np.uint64(len(into)), flags), room)


@bare
def wait(epoll_fd: int, events: Bytes, longest_ms: int, room: Ints) -> int:
    """How many of EVENT_BYTES each were written into `events`; minus the error number."""
    most = np.int32(len(events) // EVENT_BYTES)
    return _result(_epoll_wait(np.int32(epoll_fd), events.ctypes, most, np.int32(longest_ms)), room)


@bare
def event_flags(events: Bytes, index: int) -> int:
    at = index * EVENT_BYTES
    return int(events[at]) | int(events[at + 1]) << 8


@bare
def event_fd(events: Bytes, index: int) -> int:
    at = index * EVENT_BYTES + _EVENT_FD
    low = int(events[at]) | int(events[at + 1]) << 8
    return low | int(events[at + 2]) << 16 | int(events[at + 3]) << 24


@bare
def monotonic_ns(room: Ints) -> int:
    """As time.monotonic_ns()."""
    _clock_gettime(np.int32(_MONOTONIC), room.ctypes)
    return int(room[0]) * 1_000_000_000 + int(room[1])
