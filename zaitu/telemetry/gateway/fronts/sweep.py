"""An epoll set of our own: once a tick every socket that has something is read by a kernel, without an object for each."""

import contextlib
import select
import socket
from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import Bytes, Ints
from zaitu.telemetry.gateway.fronts.front import READ_BYTES, TICK_BYTES, House, listening
from zaitu.telemetry.kernels import sockets

_ACCEPT_MAX: Final = 2_000
"""Connections taken in one tick, so that a storm of them does not hold up those that are there."""
_NO_FD: Final = -1


class SweepFront:
    def __init__(self, house: House, slots: int) -> None:
        self._house = house
        self._epoll = select.epoll()
        self._listener: socket.socket | None = None
        self._sockets: dict[int, socket.socket] = {}
        """By slot."""
        self._fd_of: Ints = np.full(slots, _NO_FD, dtype=np.int64)
        self._slot_of: Ints = np.full(1024, -1, dtype=np.int64)
        """By file descriptor."""
        self._received = np.empty(TICK_BYTES, dtype=np.uint8)
        self._waiting: dict[int, bytearray] = {}
        self._closing: set[int] = set()
        """To be closed when nothing waits any more."""

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1]) if self._listener else 0

    async def start(self, host: str, port: int) -> None:
        self._listener = listening(host, port)

    def stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def gather(self) -> tuple[Bytes, Ints]:
        self._accept()
        for slot in list(self._waiting):
            self._send_waiting(slot)
        # One socket with data or an end: the level stays until it is read, so who has no turn now has it next time.
        fds: Ints = np.array([fd for fd, _ in self._epoll.poll(0, len(self._sockets) + 1)], dtype=np.int64)
        slots = self._slot_of[fds]
        pieces = np.empty((len(fds), 3), dtype=np.int64)
        silent = np.empty(len(fds), dtype=np.int64)
        count, quiet, _ = sockets.sockets_receive(fds, slots, READ_BYTES, self._received, pieces, silent)
        for index in silent[:quiet].tolist():
            self._look(int(slots[index]))
        return self._received, pieces[:count]

    def send(self, out: Bytes, runs: Ints, count: int) -> None:
        runs = runs[:count]
        sent = np.empty(count, dtype=np.int64)
        if self._waiting:
            behind = np.isin(runs[:, 0], list(self._waiting))
            for slot, start, end in runs[behind].tolist():
                self._waiting[slot] += out[start:end].tobytes()
            runs = runs[~behind]
        sockets.sockets_send(self._fd_of, runs, len(runs), out, sent)
        for run in np.flatnonzero(sent[: len(runs)] < runs[:, 2] - runs[:, 1]).tolist():
            slot, start, end = runs[run].tolist()
            if slot in self._sockets:
                self._waiting[slot] = bytearray(out[start + max(int(sent[run]), 0) : end].tobytes())

    def close(self, slot: int, *, softly: bool = False) -> None:
        if softly and slot in self._waiting:
            self._closing.add(slot)
            return
        one = self._sockets.pop(slot, None)
        if one is None:
            return
        fd = one.fileno()
        with contextlib.suppress(OSError):
            self._epoll.unregister(fd)
        if not softly:
            # Reset at once: nothing lingers for a peer that does not read.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()
        self._slot_of[fd] = -1
        self._fd_of[slot] = _NO_FD
        self._waiting.pop(slot, None)
        self._closing.discard(slot)
        self._house.ended(slot)

    def unsent(self) -> dict[int, int]:
        return {slot: len(waiting) for slot, waiting in self._waiting.items()}

    def _accept(self) -> None:
        for _ in range(_ACCEPT_MAX):
            if self._listener is None:
                return
            try:
                one, _peer = self._listener.accept()
            except OSError:
                # Nobody waits, or no file descriptors are left; who waits is asked again next time.
                return
            slot = self._house.opened()
            if slot < 0:
                one.close()
                continue
            one.settimeout(0)
            fd = one.fileno()
            if fd >= len(self._slot_of):
                grown = np.full(max(fd + 1, 2 * len(self._slot_of)), -1, dtype=np.int64)
                grown[: len(self._slot_of)] = self._slot_of
                self._slot_of = grown
            self._sockets[slot] = one
            self._fd_of[slot] = fd
            self._slot_of[fd] = slot
            self._epoll.register(fd, select.EPOLLIN | select.EPOLLRDHUP)

    def _look(self, slot: int) -> None:
        """A socket said that it has something and gave nothing: closed by its peer, or broken."""
        try:
            if self._sockets[slot].recv(1, socket.MSG_PEEK):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close(slot)

    def _send_waiting(self, slot: int) -> None:
        waiting = self._waiting[slot]
        try:
            sent = self._sockets[slot].send(waiting)
        except BlockingIOError:
            return
        except OSError:
            self.close(slot)
            return
        del waiting[:sent]
        if not waiting:
            del self._waiting[slot]
            if slot in self._closing:
                self.close(slot, softly=True)
