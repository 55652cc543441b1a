"""A terminal's end of a JT/T 808 connection: registers, authenticates, reports, remembers what was not acknowledged.

Of commands it takes texts to the driver and says where it is; the rest it does not support, and says so.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, Message, Result, decode, messages
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink, batch_packs, position_body

ANSWER_WITHIN_S: Final = 30.0
"""Without an answer for so long the connection counts as dead."""
WINDOW: Final = 64
"""Frames under way before the next waits."""
_REFUSALS: Final = {
    1: "the vehicle has another registered terminal",
    2: "the terminal is in no vehicle",
    3: "another device is registered with this number: say which with --terminal-id, or let the next one register anew with `zaitu terminals reset`",
    4: "no such terminal: let it in first",
}


class Refused(Exception):
    """The platform does not want this terminal; trying again will not help."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Of positions."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    resent: int = 0
    """Among `sent`: again, after a broken connection."""


class TerminalLink:
    """One terminal; `open` again after a ConnectionError."""

    def __init__(
        self, host: str, port: int, uplink: Uplink, *, who: Registration | None = None, code: str = ""
    ) -> None:
        """`code`: from an earlier registration; without one it registers as `who`."""
        self.host, self.port = host, port
        self.uplink = uplink
        self.who = who or Registration()
        self.code = code
        self.tally = Tally()
        self._pending: dict[int, Sequence[Place]] = {}
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._room = asyncio.Event()
        self._heard_s = 0.0
        self._newest: Place | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> list[Place]:
        """Connect and authenticate; the places sent before and never acknowledged. Raises Refused, OSError, TimeoutError."""
        await self.close()
        reader, self._writer = await asyncio.open_connection(self.host, self.port)
        self._heard_s = time.monotonic()
        self._listening = asyncio.create_task(self._listen(reader))
        unsure = [place for places in self._pending.values() for place in places]
        self._pending.clear()
        if not (self.code and await self._authenticated()):
            await self._register()
            if not await self._authenticated():
                raise Refused("the authorisation code is not accepted")
        self.tally.resent += len(unsure)
        return unsure

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._writer = self._listening = None

    async def _register(self) -> None:
        answer = await self._ask(self.uplink.register(self.who))
        result = answer.fields["result"]
        if result:
            raise Refused(_REFUSALS.get(result, f"registration refused ({result})"))
        self.code = answer.fields["auth"]

    async def _authenticated(self) -> bool:
        answer = await self._ask(self.uplink.authenticate(self.code))
        return bool(answer.fields["result"] == 0)

    async def _ask(self, told: tuple[int, bytes]) -> Message:
        serial, frame = told
        self._answers[serial] = asyncio.get_running_loop().create_future()
        try:
            await self._write(frame)
            return await asyncio.wait_for(self._answers[serial], ANSWER_WITHIN_S)
        finally:
            del self._answers[serial]

    async def heartbeat(self) -> None:
        await self._write(self.uplink.heartbeat()[1])

    async def report(self, place: Place) -> None:
        """Send a position; waits for room in the window. Raises ConnectionError when the connection is dead."""
        self._newest = place
        await self._report([place], self.uplink.position(place))

    async def report_stored(self, places: list[Place]) -> None:
        """Send positions stored while there was no network, as batches (0x0704 type 1). Raises ConnectionError.

        Takes from the list what it has sent; that comes back from `open` if it is never acknowledged.
        """
        for carried, body in batch_packs(places, backfill=True):
            await self._until(WINDOW - 1)
            del places[: len(carried)]
            await self._report(carried, self.uplink.frame(messages.BATCH, body))

    async def _report(self, places: Sequence[Place], told: tuple[int, bytes]) -> None:
        await self._until(WINDOW - 1)
        serial, frame = told
        self._pending[serial] = places
        self.tally.sent += len(places)
        await self._write(frame)

    async def settle(self) -> None:
        """Wait until everything sent is answered. Raises ConnectionError when the connection is dead."""
        await self._until(0)

    async def _until(self, pending: int) -> None:
        while len(self._pending) > pending:
            self._room.clear()
            if self._listening is None or self._listening.done():
                raise ConnectionError("closed by the platform")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), 1.0)
            if self._pending and time.monotonic() - self._heard_s > ANSWER_WITHIN_S:
                raise ConnectionError("the platform does not answer")

    async def _write(self, frame: bytes) -> None:
        if self._writer is None or self._listening is None or self._listening.done():
            raise ConnectionError("not connected")
        self._writer.write(frame)
        await self._writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        deframer = Deframer()
        try:
            while data := await reader.read(65536):
                self._heard_s = time.monotonic()
                for content in deframer.feed(data):
                    with contextlib.suppress(FrameError):
                        await self._heard(decode(content))
        except OSError:
            pass
        finally:
            self._room.set()
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("closed by the platform"))

    async def _heard(self, message: Message) -> None:
        header = message.header
        if header.msg_id in {messages.REPLY, messages.REGISTER_REPLY}:
            self._answered(message)
        elif header.msg_id == messages.POSITION_ASK and self._newest is not None:
            told = struct.pack(">H", header.serial) + position_body(self._newest)
            await self._write(self.uplink.frame(messages.POSITION_ANSWER, told)[1])
        else:
            result = Result.OK if header.msg_id == messages.TEXT_TO_DRIVER else Result.UNSUPPORTED
            told = struct.pack(">HHB", header.serial, header.msg_id, result)
            await self._write(self.uplink.frame(messages.TERMINAL_REPLY, told)[1])

    def _answered(self, message: Message) -> None:
        serial = message.fields.get("reply_serial")
        if serial is None:
            return
        if serial in self._answers and not self._answers[serial].done():
            self._answers[serial].set_result(message)
        places = self._pending.pop(serial, None)
        if places is not None:
            if message.fields["result"] in {0, 4}:
                self.tally.acknowledged += len(places)
            else:
                self.tally.refused += len(places)
            self._room.set()
