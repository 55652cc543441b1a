"""Messages in several frames: what is held of them, what is asked for again, and handing them on when they are whole.

A part is acknowledged when it is here, but for the last one and the one that makes the message whole: those when all of it is stored
(ADR 77). A terminal keeps its message until then, so a gateway that dies asks for what it had.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from zaitu.kernel import logs
from zaitu.telemetry.codecs.jt808 import FrameError, Header, Message, Result, encode, messages
from zaitu.telemetry.codecs.jt808.parts import Ask, PartLimits, Parts, Whole
from zaitu.telemetry.codecs.jt808.profiles import Profile
from zaitu.telemetry.gateway import numbers

PARTS_MAX: Final = 256
"""Of a message that is read: 260 kB, some 9,000 positions."""
MEDIA_PARTS_MAX: Final = 4_096
"""Of a picture, sound or film: 4 MB."""
_UNDER_WAY_BYTES: Final = 32 * 1024 * 1024
"""Whole and not yet stored; then no part is taken, and terminals send it again."""
_ANSWERS_MAX: Final = 8_192

_Key = tuple[str, int, int, int, int]
log = logs.logger("telemetry.gateway")


class Talk(Protocol):
    """The session that a terminal's parts came by; it may be gone when they are whole."""

    gone: bool
    profile: Profile

    def reply(self, header: Header, result: int) -> None: ...

    def tell(self, to: Header, msg_id: int, body: bytes) -> None: ...

    def takes(self, header: Header) -> bool:
        """Whether there is somebody for such messages."""

    async def whole(self, message: Message) -> None:
        """Handle it and answer its header, which is the last part's."""


class PartDesk:
    """Of one gateway; belongs to its event loop."""

    def __init__(self, session_of: Callable[[str], Talk | None], limits: PartLimits | None = None) -> None:
        self._session_of = session_of
        self._parts = Parts(limits)
        self._talks: dict[str, Talk] = {}
        """Who sent parts last, by terminal; to be answered when quiet pieces make a message."""
        self._answers: OrderedDict[_Key, int | None] = OrderedDict()
        """What parts that wait for the whole were answered; None: not yet."""
        self._waits: dict[Header, list[tuple[_Key, Header]]] = {}
        """Parts to be answered with a whole, by its closing header."""
        self._whole: deque[tuple[Talk, Whole]] = deque()
        self._working: asyncio.Task[None] | None = None
        self._under_way = 0
        self._given_up = 0

    def take(self, talk: Talk, header: Header, body: bytes) -> None:
        """A part of an authenticated terminal's message."""
        package, key = header.package, _key(header, body)
        if key in self._answers:
            # Sent again; one that is being stored is answered then.
            told = self._answers[key]
            if told is not None:
                talk.reply(header, told)
            return
        most = MEDIA_PARTS_MAX if header.msg_id == messages.MEDIA_DATA else PARTS_MAX
        if package is None or package.total > most or not talk.takes(header):
            talk.reply(header, Result.UNSUPPORTED)
            return
        if self._under_way > _UNDER_WAY_BYTES or header in self._waits:
            return
        try:
            whole = self._parts.add(header, body, time.monotonic())
        except FrameError:
            talk.reply(header, Result.MALFORMED)
            return
        self._talks[header.phone] = talk
        if whole is not None:
            self._finished(talk, whole, (key, header))
        elif package.number < package.total:
            talk.reply(header, Result.OK)
        self._count()

    async def look(self) -> None:
        """Once a second: join what quiet terminals sent, ask for what is missing, give up what does not come."""
        due = self._parts.due(time.monotonic())
        for whole in due.wholes:
            self._finished(self._talks[whole.header.phone], whole)
        for ask in due.asks:
            talk = self._session_of(ask.header.phone)
            if talk is not None:
                numbers.PARTS.labels("asked").inc(len(ask.numbers))
                talk.tell(ask.header, *_asking(ask))
        self._talks = {phone: talk for phone, talk in self._talks.items() if self._parts.holds(phone)}
        self._count()

    def settled(self, talk: Talk, closing: Header, result: int) -> None:
        """A whole message is safe, or refused: answer the parts that waited for it."""
        for key, header in self._waits.pop(closing, ()):
            self._answers[key] = result
            talk.reply(header, result)

    def _finished(self, talk: Talk, whole: Whole, completing: tuple[_Key, Header] | None = None) -> None:
        numbers.PARTS.labels("finished").inc()
        waits = [(_key(whole.closing, whole.tail), whole.closing)]
        if completing is not None and completing[1] != whole.closing:
            waits.append(completing)
        self._waits[whole.closing] = waits
        for key, _ in waits:
            self._answers[key] = None
        while len(self._answers) > _ANSWERS_MAX:
            self._answers.popitem(last=False)
        self._under_way += len(whole.body)
        self._whole.append((talk, whole))
        if self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._whole:
            talk, whole = self._whole.popleft()
            try:
                message = await asyncio.to_thread(whole.read, talk.profile)
                await talk.whole(replace(message, header=whole.closing))
            except FrameError as error:
                numbers.BAD_FRAMES.labels(error.code).inc()
                self.settled(talk, whole.closing, Result.MALFORMED)
            except Exception:
                log.exception("a message in several frames failed")
                self.settled(talk, whole.closing, Result.FAILED)
            finally:
                self._under_way -= len(whole.body)
        self._working = None

    def _count(self) -> None:
        numbers.PARTS_HELD.set(self._parts.held_bytes)
        numbers.PARTS.labels("given_up").inc(self._parts.given_up - self._given_up)
        self._given_up = self._parts.given_up


def _key(header: Header, body: bytes) -> _Key:
    return (
        header.phone,
        header.msg_id,
        header.serial,
        header.package.number if header.package else 0,
        hash(body),
    )


def _asking(ask: Ask) -> tuple[int, bytes]:
    """0x8800 names a picture by its number, which is in part 1; 0x8003 names the serial of part 1."""
    if ask.header.msg_id == messages.MEDIA_DATA and len(ask.beginning) >= 4:
        values = {"media_id": int.from_bytes(ask.beginning[:4], "big"), "numbers": list(ask.numbers)}
        return messages.MEDIA_REPLY, encode.body_of(messages.MEDIA_REPLY, values)
    version = "2019" if ask.header.long_form else "2013"
    return messages.RESEND, encode.resend_body(ask.first_serial, ask.numbers, version)
