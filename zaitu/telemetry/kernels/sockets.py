"""Receiving from and sending to many sockets without a Python object for each: recv and send of the C library.

Linux. Sockets must be non-blocking; nothing here waits.
"""

from typing import Any, Final

from numba import types

from zaitu.telemetry.codecs.columns import Bytes, Ints
from zaitu.telemetry.kernels.compiled import kernel

_CALL: Final = types.intp(types.intc, types.voidptr, types.uintp, types.intc)
# By name, not by address: compiled code that holds an address cannot be kept for the next start.
_recv: Any = types.ExternalFunction("recv", _CALL)
_send: Any = types.ExternalFunction("send", _CALL)
_NOWAIT: Final = 0x40
_NOSIGNAL: Final = 0x4000


@kernel
def sockets_receive(
    fds: Ints, slots: Ints, each: int, received: Bytes, pieces: Ints, silent: Ints
) -> tuple[int, int, int]:
    """Read at most `each` bytes from each socket into `received`, one after the other, until it is full.

    (pieces, silent, sockets looked at): `pieces` get (slot, start, end); `silent` the indexes of sockets that gave nothing: they
    are closed or broken, or had nothing to give.
    """
    at, count, quiet = 0, 0, 0
    for index in range(len(fds)):
        room = len(received) - at
        if room < each:
            return count, quiet, index
        got = _recv(fds[index], received[at:].ctypes, each, _NOWAIT)
        if got > 0:
            pieces[count, 0], pieces[count, 1], pieces[count, 2] = slots[index], at, at + got
            at += got
            count += 1
        else:
            silent[quiet] = index
            quiet += 1
    return count, quiet, len(fds)


@kernel
def sockets_send(fds: Ints, runs: Ints, count: int, out: Bytes, sent: Ints) -> None:
    """Send each run (slot, start, end in `out`) to its slot's socket; `sent`: bytes taken, −1 when the socket refused."""
    for run in range(count):
        start, end = runs[run, 1], runs[run, 2]
        sent[run] = _send(fds[runs[run, 0]], out[start:].ctypes, end - start, _NOWAIT | _NOSIGNAL)
