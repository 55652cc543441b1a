"""The terminals' connections: opened a few hundred at a time, signed in (0x0100, 0x0102), and opened again when they break."""

import errno
import heapq
import random
import select
import socket
from collections.abc import Iterable
from typing import Final

import numpy as np

from zaitu.telemetry.adapters.simulator.fleet import code_of
from zaitu.telemetry.adapters.simulator.plan import Plan
from zaitu.telemetry.codecs.jt808 import messages
from zaitu.telemetry.codecs.jt808.encode import Registration, authenticate_body, frame, register_body
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.kernels.simulated import ANSWERED, CLOSED, CONNECTED, Fleet

ANSWER_WITHIN_NS: Final = 30_000_000_000
"""Without an answer for so long a connection counts as dead."""
_PORTS_OF_AN_ADDRESS: Final = 8_000
"""Connections from one loopback address: the system has 28,000 ports, and from 14,000 on it looks long for a free one."""
_BIND_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, so that one port may serve several destinations."""
_AGAIN_S: Final = (0.2, 10.0)
_STORM_S: Final = 1.0
"""After a storm all come back within so long."""
_READ: Final = select.EPOLLIN

_CONNECTING, _REGISTERING, _AUTHENTICATING = range(3)


class Links:
    def __init__(self, fleet: Fleet, plan: Plan) -> None:
        self._fleet, self._plan = fleet, plan
        self._terminals = fleet.terminals
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._due: list[tuple[int, int]] = [(0, row) for row in range(plan.vehicles)]
        """(monotonic ns, row) of connections to be opened; a heap."""
        self._opening: dict[int, tuple[int, int]] = {}
        """Row → (step, since when)."""
        self._tries: dict[int, int] = {}
        self._registered: set[int] = set()
        """Those that have registered in this run."""
        self._family, self._addresses = _resolved(plan)
        self._loopback = self._addresses[0][0].startswith("127.")
        # The ports of the run before are not free for a minute: each run has addresses of its own.
        self._network = f"127.0.{random.randrange(256)}"  # noqa: S311  no secret
        self.live = 0
        """Signed in, as far as we know."""
        self.refused: dict[int, int] = {}
        """Row → why (result of 0x8100 or 0x8001): these stay out."""
        self.reconnects = 0
        """Connections that broke when they were in use."""
        self.registrations = 0

    @property
    def epoll_fd(self) -> int:
        return self._epoll.fileno()

    @property
    def settled(self) -> bool:
        """Everybody is in, or refused for good."""
        return not self._due and not self._opening

    def open_due(self, now_ns: int) -> None:
        """Open what is due, as many as may be opened at once."""
        while self._due and self._due[0][0] <= now_ns and len(self._opening) < self._plan.opening:
            _, row = heapq.heappop(self._due)
            self._open(row, now_ns)

    def noticed(self, rows: Iterable[int], now_ns: int) -> None:
        """Look after the rows that the kernel put before us."""
        for row in rows:
            notice = int(self._terminals["notice"][row])
            self._terminals["notice"][row] = 0
            if notice & CLOSED:
                self._closed(row, now_ns)
            elif notice & ANSWERED:
                self._answered(row, now_ns)
            elif notice & CONNECTED:
                self._connected(row, now_ns)

    def overdue(self, now_ns: int) -> None:
        """Give up connections that have been without an answer for too long."""
        limit_ns = now_ns - ANSWER_WITHIN_NS
        late = [row for row, (_, since_ns) in self._opening.items() if since_ns < limit_ns]
        silent = (
            (self._terminals["live"] == 1)
            & (self._terminals["waiting"] > 0)
            & (self._terminals["heard_ns"] < limit_ns)
        )
        for row in [*late, *np.flatnonzero(silent).tolist()]:
            self._closed(row, now_ns)

    def storm(self, now_ns: int) -> None:
        """Break every connection at once."""
        for row in np.flatnonzero(self._terminals["live"]).tolist():
            self._closed(row, now_ns, within_s=_STORM_S)

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()
        self._epoll.close()

    def _open(self, row: int, now_ns: int) -> None:
        index = self._plan.first + row
        link = socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._loopback:
            link.setsockopt(socket.IPPROTO_IP, _BIND_NO_PORT, 1)
            link.bind((f"{self._network}.{1 + index // _PORTS_OF_AN_ADDRESS % 250}", 0))
        self._sockets[row] = link
        self._terminals["fd"][row] = link.fileno()
        self._fleet.row_of_fd[link.fileno()] = row
        self._opening[row] = (_CONNECTING, now_ns)
        result = link.connect_ex(self._addresses[index % len(self._addresses)])
        if result not in {0, errno.EINPROGRESS}:
            self._closed(row, now_ns)
            return
        self._epoll.register(link.fileno(), select.EPOLLOUT)

    def _connected(self, row: int, now_ns: int) -> None:
        if self._sockets[row].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._closed(row, now_ns)
            return
        self._epoll.modify(self._sockets[row].fileno(), _READ)
        if self._terminals["code"][row]:
            self._authenticate(row, now_ns)
        else:
            self._register(row, now_ns)

    def _register(self, row: int, now_ns: int) -> None:
        index = self._plan.first + row
        who = Registration(
            maker="ZAITU",
            model="SIMULATE",
            terminal_id=simulated.number(index)[-7:],
            plate=simulated.plate(index),
        )
        self.registrations += 1
        self._registered.add(row)
        body = register_body(who, self._plan.protocol)
        self._ask(row, _REGISTERING, messages.REGISTER, body, now_ns)

    def _authenticate(self, row: int, now_ns: int) -> None:
        body = authenticate_body(code_of(self._fleet, row), self._plan.protocol)
        self._ask(row, _AUTHENTICATING, messages.AUTHENTICATE, body, now_ns)

    def _ask(self, row: int, step: int, msg_id: int, body: bytes, now_ns: int) -> None:
        serial = int(self._terminals["serial"][row])
        self._terminals["serial"][row] = serial + 1 & 0xFFFF
        self._opening[row] = (step, now_ns)
        content = frame(
            msg_id,
            body,
            phone_bcd=self._fleet.phones[row].tobytes(),
            serial=serial,
            protocol=1 if self._plan.protocol == "2019" else None,
        )
        try:
            # A fresh socket has room for it.
            self._sockets[row].send(content)
        except OSError:
            self._closed(row, now_ns)

    def _answered(self, row: int, now_ns: int) -> None:
        step, _ = self._opening.get(row, (None, 0))
        result = int(self._terminals["answer"][row])
        if step == _REGISTERING and result == 0 and self._terminals["code"][row]:
            self._authenticate(row, now_ns)
        elif step == _AUTHENTICATING and result == 0:
            del self._opening[row]
            self._tries.pop(row, None)
            self._terminals["live"][row] = 1
            self.live += 1
        elif step == _AUTHENTICATING and row not in self._registered:
            # The code of an earlier run is void: once more from the beginning.
            self._terminals["code"][row] = 0
            self._register(row, now_ns)
        elif step is not None:
            self.refused[row] = result
            self._terminals["code"][row] = 0
            self._drop(row)

    def _closed(self, row: int, now_ns: int, *, within_s: float = 0.0) -> None:
        """A connection is no more: open another soon, and send again what was on its way."""
        if row not in self._opening:
            self.live -= 1
            self.reconnects += 1
        self._drop(row)
        self._to_send_again(row)
        tries = self._tries.get(row, 0)
        self._tries[row] = tries + 1
        wait_s = within_s or min(_AGAIN_S[0] * 2**tries, _AGAIN_S[1])
        heapq.heappush(self._due, (now_ns + int(random.uniform(0, wait_s) * 1e9), row))  # noqa: S311  no secret

    def _drop(self, row: int) -> None:
        self._opening.pop(row, None)
        link = self._sockets.pop(row)
        self._fleet.row_of_fd[link.fileno()] = -1
        link.close()
        for name in ("live", "held", "escape", "inside", "rest", "notice"):
            self._terminals[name][row] = 0
        self._terminals["fd"][row] = -1

    def _to_send_again(self, row: int) -> None:
        fleet, terminals = self._fleet, self._terminals
        at, end = int(terminals["again_at"][row]), int(terminals["again"][row])
        on_way = fleet.sent_block[row][fleet.sent_ns[row] != 0]
        blocks = np.sort(np.concatenate([on_way, fleet.again[row, at:end]]))
        if not self._plan.idle:  # a heartbeat is not worth telling twice
            fleet.again[row, : len(blocks)] = blocks
            terminals["again"][row] = len(blocks)
        terminals["again_at"][row] = 0
        terminals["waiting"][row] = 0
        fleet.sent_ns[row] = 0


def _resolved(plan: Plan) -> tuple[int, list[tuple[str, int]]]:
    """Raises OSError for a host nobody knows."""
    found = [
        socket.getaddrinfo(plan.host, port, type=socket.SOCK_STREAM, family=socket.AF_UNSPEC)[0]
        for port in plan.ports
    ]
    return found[0][0], [(str(one[4][0]), int(one[4][1])) for one in found]
