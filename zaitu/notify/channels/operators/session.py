"""One connection to an operator's gateway, from signing in to its end. Everything here runs in the line's own loop."""

import asyncio
import itertools
import logging
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from zaitu.kernel import clock
from zaitu.notify.channels.operators.dialect import (
    Answered,
    Bye,
    Delivered,
    Dialect,
    Garbage,
    Odd,
    Piece,
    Ping,
    Place,
    Told,
    Welcome,
)
from zaitu.notify.channels.operators.framing import frames

log = logging.getLogger(__name__)

Hear = Callable[[Sequence[Delivered]], None]
"""Keeps what was delivered; raises when it could not, and is asked again then."""

BIND_S: Final = 10.0
FORGOTTEN_S: Final = 60.0
"""A message without an answer for so long holds its place in the window no more."""
_HEAR_AGAIN_S: Final = 1.0
_CLOSE_S: Final = 0.2
_QUIET_S: Final = 0.3
_HEARD_AT_ONCE: Final = 200
_UNHEARD_MOST: Final = 10_000
"""More are dropped unanswered: the gateway repeats them. Far above any gateway's own window."""
_SEQ_MOST: Final = 0x7FFF_FFFF
_READ: Final = 65_536
_UNANSWERED_BEATS: Final = 3


class Broken(Exception):
    """The connection has ended, or what comes over it makes no sense."""


class Refused(Exception):
    """The gateway does not let us in; the text says why, in Chinese."""

    def __init__(self, note: str, code: int) -> None:
        self.note, self.code = note, code
        super().__init__(note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """It was never offered."""

    note: str
    code: int = 0
    again_s: int | None = None
    """When the line is tried again, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """It was offered, and nobody knows what became of it."""

    note: str


Outcome = Answered | Unsent | Unanswered


class Session:
    def __init__(
        self,
        dialect: Dialect,
        place: Place,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        hear: tuple[Hear, Executor],
    ) -> None:
        self._dialect, self._place = dialect, place
        self._reader, self._writer = streams
        self._hear, self._hearer = hear
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._numbers = itertools.cycle(range(1, _SEQ_MOST))
        self._slots = asyncio.Semaphore(place.window)
        self._waiting: dict[int, tuple[asyncio.Future[Answered | None], float]] = {}
        """By sequence number; with the instant it was sent."""
        self._unheard: deque[Delivered] = deque()
        self._something = asyncio.Event()
        """There is something in `_unheard`."""
        self._quiet = asyncio.Event()
        """There is nothing in it."""
        self._quiet.set()
        self._heard_at = self._loop.time()
        """When the other side last said anything."""
        self._next_at = self._held_until = 0.0
        self._left = asyncio.Event()
        """Our good-bye was answered."""
        self._over = False

    async def bind(self) -> None:
        """Sign in. Raises Refused, Broken, TimeoutError."""
        self._say(self._dialect.hello(next(self._numbers), clock.now()))
        async with asyncio.timeout(BIND_S):
            while True:
                told = await self._told()
                for at, one in enumerate(told):
                    if isinstance(one, Welcome):
                        if one.refused:
                            raise Refused(one.refused, one.code)
                        for other in told[at + 1 :]:
                            self._take(other)
                        return
                    if isinstance(one, Bye):
                        raise Broken("the gateway says good-bye")

    async def serve(self) -> None:
        """Read, test the line and pass on what was delivered, until it breaks. Raises Broken."""
        chores = [asyncio.ensure_future(one()) for one in (self._read, self._beat, self._pass_on)]
        try:
            done, _ = await asyncio.wait(chores, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in chores:
                one.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            self._end()

    async def submit(self, piece: Piece, until: float) -> Outcome:
        """Offer one SMS and wait for its answer until then (loop time)."""
        if not await self._place_in_window(until):
            return Unsent(note="短信网关来不及应答，排队超时")
        if self._over:
            self._slots.release()
            return Unsent(note="与短信网关的连接已断开")
        seq = next(self._numbers)
        answer: asyncio.Future[Answered | None] = self._loop.create_future()
        answer.add_done_callback(lambda _: self._slots.release())
        self._waiting[seq] = (answer, self._loop.time())
        self._say(self._dialect.submit(seq, piece))
        # Unanswered in time, it keeps its place in the window: the gateway still has it.
        done, _ = await asyncio.wait([answer], timeout=max(until - self._loop.time(), 0.0))
        if not done:
            return Unanswered(note="短信网关没有应答，可能已接收")
        return answer.result() or Unanswered(note="等待应答时连接中断，可能已接收")

    def hold(self, pause_s: float) -> None:
        """Send nothing for so long: the gateway has asked for it."""
        self._held_until = max(self._held_until, self._loop.time() + pause_s)

    async def leave(self) -> None:
        """Say good-bye and wait for the answer; what was delivered before is kept and answered first, if that is soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_QUIET_S):
                await self._quiet.wait()
        self._say(self._dialect.bye(next(self._numbers)))
        await self._left.wait()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()

    async def _place_in_window(self, until: float) -> bool:
        """Whether one of the window's places and a turn were had in time."""
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
                try:
                    await self._turn()
                except BaseException:
                    self._slots.release()
                    raise
        except TimeoutError:
            return False
        return True

    async def _turn(self) -> None:
        """So many a second at most, and none while the gateway wants to be left alone; those that waited then leave one by one."""
        spacing_s = 1 / self._place.rate if self._place.rate else 0.0
        while True:
            now = self._loop.time()
            at = max(now, self._next_at, self._held_until)
            self._next_at = at + spacing_s
            await asyncio.sleep(at - now)
            if self._held_until <= self._loop.time():
                return  # otherwise it has been put off meanwhile

    def _say(self, octets: bytes) -> None:
        if octets and not self._writer.is_closing():
            self._writer.write(octets)

    async def _told(self) -> list[Told]:
        """What has come since, at least one octet. Raises Broken."""
        try:
            octets = await self._reader.read(_READ)
        except OSError as error:
            raise Broken(type(error).__name__) from None
        if not octets:
            raise Broken("the gateway has hung up")
        self._heard_at = self._loop.time()
        self._buffer += octets
        now, dialect = clock.now(), self._dialect
        try:
            whole = frames(self._buffer, shortest=dialect.header, longest=dialect.longest)
            return [dialect.told(frame, now) for frame in whole]
        except Garbage as error:
            raise Broken(f"no PDU: {error}") from None

    async def _read(self) -> None:
        while True:
            for told in await self._told():
                self._take(told)

    def _take(self, told: Told) -> None:
        match told:
            case Answered():
                answer, _ = self._waiting.pop(told.seq, (None, 0.0))
                if answer is not None:
                    answer.set_result(told)
            case Delivered():
                self._delivered(told)
            case Ping():
                self._say(told.answer)
            case Bye():
                self._say(told.answer)
                self._left.set()
                raise Broken("good-bye")
            case Odd():
                log.warning("%s: not understood: %s", self._dialect.provider, told.what)
                self._say(told.answer)

    def _delivered(self, told: Delivered) -> None:
        if len(self._unheard) < _UNHEARD_MOST:
            self._unheard.append(told)
            self._quiet.clear()
            self._something.set()

    async def _beat(self) -> None:
        """Test the line when it is silent, and give up messages that nobody answers."""
        beat, tested_at = self._place.beat_s, 0.0
        while True:
            await asyncio.sleep(beat / 4)
            now = self._loop.time()
            silent = now - self._heard_at
            if silent > beat * _UNANSWERED_BEATS:
                raise Broken("the gateway is silent")
            if silent > beat and now - tested_at > beat:
                tested_at = now
                self._say(self._dialect.ping(next(self._numbers)))
            for seq, (answer, sent_at) in list(self._waiting.items()):
                if now - sent_at > FORGOTTEN_S:
                    del self._waiting[seq]
                    answer.set_result(None)

    async def _pass_on(self) -> None:
        """Have what was delivered kept, and only then answered. What cannot be kept waits, and so does the gateway."""
        while True:
            await self._something.wait()
            some = list(itertools.islice(self._unheard, _HEARD_AT_ONCE))
            try:
                await self._loop.run_in_executor(self._hearer, self._hear, some)
            except Exception as error:  # whatever it is, the gateway must not be told that they were kept
                # Without its text: a database repeats in it what it was given.
                where = traceback.extract_tb(error.__traceback__)[-1]
                log.warning(
                    "%s: receipts wait: %s in %s:%s",
                    self._dialect.provider,
                    type(error).__name__,
                    where.filename,
                    where.lineno,
                )
                await asyncio.sleep(_HEAR_AGAIN_S)
                continue
            for one in some:
                self._say(one.answer)
                self._unheard.popleft()
            if not self._unheard:
                self._something.clear()
                self._quiet.set()

    def _end(self) -> None:
        self._over = True
        self._left.set()
        self._quiet.set()
        for answer, _ in self._waiting.values():
            answer.set_result(None)
        self._waiting.clear()
