"""A per-message server, written as the usual ones are: every message is read, stored and committed by itself, then acknowledged.

asyncio on uvloop, a pool of 20 database connections (asyncpg), one INSERT into the same table for each position. Terminals are let in
from memory: nothing of a sign-in is stored. `python -m benchmarks.telemetry_peer PORT DATABASE_URL`.
"""

import asyncio
import signal
import struct
import sys
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import asyncpg
import uvloop

POOL: Final = 20
_INSERT: Final = """
INSERT INTO telemetry_position (terminal_id, at, digest, vehicle_id, received_at, lat, lon, altitude_m, speed_kmh, course_deg,
                                flags, alarm, status, odometer_m)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"""
_HEAD: Final = struct.Struct(">HH6sH")
_BLOCK: Final = struct.Struct(">IIIIhHH6s")
_REGISTER, _AUTHENTICATE, _POSITION = 0x0100, 0x0102, 0x0200
_CHINA: Final = timedelta(hours=8)


def frame(content: bytes) -> bytes:
    check = 0
    for byte in content:
        check ^= byte
    content += bytes([check])
    return b"\x7e" + content.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


class Session(asyncio.Protocol):
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._rest = b""
        self._serial = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *pieces, self._rest = (self._rest + data).split(b"\x7e")
        for piece in pieces:
            if piece:
                self._message(piece.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d"))

    def _message(self, content: bytes) -> None:
        check = 0
        for byte in content:
            check ^= byte
        if check:
            return
        msg_id, _, phone, serial = _HEAD.unpack_from(content)
        if msg_id == _POSITION:
            task = asyncio.create_task(self._store(content, phone, serial))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif msg_id == _REGISTER:
            self._send(0x8100, phone, struct.pack(">HB", serial, 0) + b"code")
        else:
            self._send(0x8001, phone, struct.pack(">HHB", serial, msg_id, 0))

    async def _store(self, content: bytes, phone: bytes, serial: int) -> None:
        alarm, status, lat, lon, altitude_m, speed, course, bcd = _BLOCK.unpack_from(content, 12)
        items, odometer_m = content[40:-1], None
        while len(items) >= 2:
            if items[0] == 0x01:
                odometer_m = int.from_bytes(items[2:6], "big") * 100
            items = items[2 + items[1] :]
        year, month, day, hour, minute, second = map(int, (f"{byte:02x}" for byte in bcd))
        at = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC) - _CHINA
        block = content[12:40]
        await self._pool.execute(
            _INSERT,
            int(phone.hex()), at, zlib.crc32(block) << 31 | zlib.adler32(block) >> 1, None, datetime.now(UTC),
            lat / 1e6, lon / 1e6, altitude_m, speed / 10, course, status & 3, alarm, status, odometer_m,
        )  # fmt: skip
        self._send(0x8001, phone, struct.pack(">HHB", serial, _POSITION, 0))

    def _send(self, msg_id: int, phone: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame(_HEAD.pack(msg_id, len(body), phone, self._serial) + body))
            self._serial = self._serial + 1 & 0xFFFF


async def serve(port: int, database_url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncpg.create_pool(database_url, min_size=POOL, max_size=POOL) as pool:
        server = await asyncio.get_running_loop().create_server(
            lambda: Session(pool), "127.0.0.1", port, backlog=4096
        )
        await stop.wait()
        server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
