"""One asyncio protocol a connection: what uvloop does best, with TLS if wanted."""

import asyncio
import ssl
from typing import Final, cast

import numpy as np

from zaitu.telemetry.codecs.columns import Bytes, Ints
from zaitu.telemetry.gateway.fronts.front import READ_BYTES, TICK_BYTES, House, listening

_HANDSHAKE_S: Final = 20.0


class ProtocolFront:
    def __init__(self, house: House, *, tls: ssl.SSLContext | None = None) -> None:
        self._house = house
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._lines: dict[int, _Line] = {}
        """By slot."""
        self._some: set[int] = set()
        """Slots that received something since the last gathering."""
        self._held = 0
        self.scratch = memoryview(bytearray(READ_BYTES))
        """All lines read into it in turn: what one read brings is bounded, and an idle line holds no buffer."""

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else 0

    async def start(self, host: str, port: int) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Line(self),
            sock=listening(host, port),
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE_S if self._tls else None,
        )

    def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    def gather(self) -> tuple[Bytes, Ints]:
        parts: list[bytearray] = []
        pieces = np.empty((len(self._some), 3), dtype=np.int64)
        at = 0
        for index, slot in enumerate(self._some):
            part = self._lines[slot].taken()
            pieces[index] = slot, at, at + len(part)
            at += len(part)
            parts.append(part)
        self._some.clear()
        self._held = 0
        return np.frombuffer(bytearray().join(parts), dtype=np.uint8), pieces

    def send(self, out: Bytes, runs: Ints, count: int) -> None:
        for slot, start, end in runs[:count].tolist():
            line = self._lines.get(slot)
            if line is not None:
                line.transport.write(out[start:end].tobytes())

    def close(self, slot: int, *, softly: bool = False) -> None:
        line = self._lines.get(slot)
        if line is None:
            return
        if softly:
            line.transport.close()
        else:
            line.transport.abort()

    def unsent(self) -> dict[int, int]:
        sizes = ((slot, line.transport.get_write_buffer_size()) for slot, line in self._lines.items())
        return {slot: size for slot, size in sizes if size}

    def opened(self, line: "_Line") -> int:
        slot = self._house.opened()
        if slot >= 0:
            self._lines[slot] = line
        return slot

    def received(self, slot: int, size: int) -> bool:
        """Whether as much lies here as one tick may hold."""
        self._some.add(slot)
        self._held += size
        return self._held >= TICK_BYTES

    def ended(self, slot: int) -> None:
        del self._lines[slot]
        self._some.discard(slot)
        self._house.ended(slot)


class _Line(asyncio.BufferedProtocol):
    __slots__ = ("_front", "_paused", "_received", "slot", "transport")

    transport: asyncio.Transport

    def __init__(self, front: ProtocolFront) -> None:
        self._front = front
        self._received = bytearray()
        self._paused = False
        self.slot = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.slot = self._front.opened(self)
        if self.slot < 0:
            self.transport.abort()

    def get_buffer(self, _wanted: int) -> memoryview:
        return self._front.scratch

    def buffer_updated(self, size: int) -> None:
        if self.slot < 0:
            return
        self._received += self._front.scratch[:size]
        full = self._front.received(self.slot, size)
        if (full or len(self._received) >= READ_BYTES) and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def taken(self) -> bytearray:
        taken, self._received = self._received, bytearray()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return taken

    def connection_lost(self, _error: Exception | None) -> None:
        if self.slot >= 0:
            self._front.ended(self.slot)
            self.slot = -1
