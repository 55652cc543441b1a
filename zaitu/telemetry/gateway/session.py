"""The conversation on one connection beside the positions: a terminal registers (0x0100), authenticates (0x0102), then reports.

Until it has authenticated every frame comes here; afterwards only those that kernels do not read. They are taken one after the other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.jt808 import FrameError, Header, Message, encode, messages
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.codecs.jt808.header import header_claims
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.commands import CommandDesk
from zaitu.telemetry.gateway.intake import Entry
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.signin import SignIns
from zaitu.telemetry.services import quarantine, terminals
from zaitu.telemetry.services.numbers import POSITIONS
from zaitu.telemetry.services.sink import Threads
from zaitu.telemetry.services.terminals import Registrant

OK: Final = 0
FAILED: Final = 1
MALFORMED: Final = 2
UNSUPPORTED: Final = 3

_REFUSED_WITH: Final = {
    "rsa_encrypted": UNSUPPORTED,
    "unknown_encryption": UNSUPPORTED,
    "short_body": MALFORMED,
}
"""Frames whose header is whole are answered, others cannot be."""

log = logs.logger("telemetry.gateway")


class House(Protocol):
    """What a session needs of its gateway."""

    limits: Limits
    database: Threads
    sign_ins: SignIns
    commands: CommandDesk
    heard: set[str]

    async def authenticated(self, session: "Session") -> None:
        """The terminal is who it says: its other connections are dead."""

    def settled(self, session: "Session") -> None:
        """It is authenticated and has nothing left to read: kernels may take its positions."""

    def put(self, entry: Entry) -> None: ...

    def send(self, slot: int, frame: Callable[[int], bytes]) -> None:
        """Send what `frame` makes of our next number."""

    def good(self, slot: int) -> None:
        """A frame could be read."""

    def bad(self, slot: int) -> None: ...

    def close(self, slot: int, why: str, *, softly: bool = False) -> None: ...


class Session:
    def __init__(self, house: House, slot: int) -> None:
        self._house = house
        self._waiting: deque[bytes] = deque()
        self._working: asyncio.Task[None] | None = None
        self._unstored = 0
        """Entries given to the intake and not yet stored."""
        self._refusals = 0
        self._set_aside = 0
        self.slot = slot
        self.terminal = ""
        """Set by a right 0x0102."""
        self.form: Header | None = None
        """Of that 0x0102: commands are written in its form."""
        self.gone = False

    def feed(self, content: bytes) -> None:
        """A frame: header and body."""
        if len(self._waiting) >= self._house.limits.waiting:
            self._house.close(self.slot, "flood")
            return
        self._waiting.append(content)
        if self._working is None:
            self._working = asyncio.create_task(self._work())

    def end(self) -> None:
        """The connection is gone."""
        self.gone = True
        self._waiting.clear()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._frame(self._waiting.popleft())
        except Exception:
            log.exception("a session failed")
            self._house.close(self.slot, "failed")
        finally:
            self._working = None
            self._settle()

    def _settle(self) -> None:
        if self.terminal and not self.gone and not self._unstored:
            self._house.settled(self)

    async def _frame(self, content: bytes) -> None:
        try:
            message = messages.decode_plain(content)
        except FrameError as error:
            self._bad(content, error)
            return
        self._house.good(self.slot)
        header = message.header
        handle = self._HANDLERS.get(header.msg_id)
        numbers.FRAMES.labels(f"0x{header.msg_id:04x}" if handle else "other").inc()
        if header.package is not None or handle is None:
            # Parts of a message cannot be put together yet: said, so that the terminal does not wait.
            self.answer(header, UNSUPPORTED)
        else:
            await handle(self, message, content)

    def _bad(self, content: bytes, error: FrameError) -> None:
        numbers.BAD_FRAMES.labels(error.code).inc()
        self._house.bad(self.slot)
        if error.code in _REFUSED_WITH:
            header = header_claims(content)
            if header is not None:
                self.answer(header, _REFUSED_WITH[error.code])

    async def _register(self, message: Message, _content: bytes) -> None:
        fields = message.fields
        who = Registrant(
            terminal=message.header.phone,
            version=message.version,
            maker=fields["maker"],
            model=fields["model"],
            device_id=fields["terminal_id"],
            # Colour 0: no plate yet, the field holds the chassis number.
            plate=fields["plate"] if fields["plate_color"] else "",
        )
        verdict, code = await self._house.database.call(terminals.terminal_register, who, now=clock.now())
        body = encode.register_reply_body(message.header, verdict, code)
        self._send(message.header, messages.REGISTER_REPLY, body)
        if verdict:
            self._refused()

    async def _authenticate(self, message: Message, _content: bytes) -> None:
        terminal = message.header.phone
        # A connection stays with the terminal that authenticated first.
        right = self.terminal in {"", terminal} and await self._house.sign_ins.right(
            terminal, message.fields["auth"]
        )
        if right and not self.gone:
            self.terminal, self.form = terminal, message.header
            await self._house.authenticated(self)
            self.answer(message.header, OK)
        else:
            self.answer(message.header, FAILED)
            self._refused()

    def _refused(self) -> None:
        """Each refusal costs a look into the database; who keeps guessing is cut."""
        self._refusals += 1
        if self._refusals >= self._house.limits.refusals:
            self._house.close(self.slot, "refused", softly=True)

    async def _heartbeat(self, message: Message, _content: bytes) -> None:
        known = self._is(message.header)
        if known:
            self._house.heard.add(self.terminal)
        self.answer(message.header, OK if known else FAILED)

    async def _logout(self, message: Message, _content: bytes) -> None:
        self.answer(message.header, OK if self._is(message.header) else FAILED)
        self._house.close(self.slot, "logout", softly=True)

    async def _positions(self, message: Message, content: bytes) -> None:
        if not self._is(message.header):
            await self._stranger(message, content)
            return
        if "skipped" in message.fields or message.fields.get("count", len(message.fixes)) != len(
            message.fixes
        ):
            # Kept before the answer: once it is acknowledged the terminal forgets it.
            POSITIONS.labels("unreadable").inc()
            await self._put_aside(message, content, quarantine.UNREADABLE)
        if message.fixes:
            self._unstored += 1
            self._house.put(Entry(sender=self, message=message))
        else:
            self.answer(message.header, OK if message.fields.get("count") == 0 else MALFORMED)

    async def _stranger(self, message: Message, content: bytes) -> None:
        """Positions before authentication are kept aside and answered 1; the terminal will send them again."""
        await self._put_aside(message, content, quarantine.STRANGER)
        POSITIONS.labels("stranger").inc(len(message.fixes))
        self.answer(message.header, FAILED)

    async def _put_aside(self, message: Message, content: bytes, reason: str) -> None:
        """Into the quarantine, so many of one connection."""
        if self._set_aside >= self._house.limits.set_aside:
            return
        self._set_aside += 1
        await self._house.database.call(
            quarantine.frame_set_aside,
            terminal=message.header.phone,
            content=wrap(content)[1:-1],
            reason=reason,
            now=clock.now(),
        )

    async def _reply(self, message: Message, _content: bytes) -> None:
        """A terminal's 0x0001, which is not answered."""
        if self._is(message.header):
            await self._house.commands.answered(self, message)

    async def _command_answer(self, message: Message, _content: bytes) -> None:
        """An answer with content, acknowledged when it is written down."""
        if self._is(message.header):
            await self._house.commands.answered(self, message)
            self.answer(message.header, OK)
        else:
            self.answer(message.header, FAILED)

    async def _position_answer(self, message: Message, content: bytes) -> None:
        """0x0201: an answer, and a position as any other."""
        if self._is(message.header):
            await self._house.commands.answered(self, message)
        await self._positions(message, content)

    def _is(self, header: Header) -> bool:
        """Is this frame from the terminal that authenticated here? One number may not speak for another."""
        return bool(self.terminal) and header.phone == self.terminal

    def stored(self, header: Header, result: int) -> None:
        """An entry is safe: acknowledge it."""
        self._unstored -= 1
        self.answer(header, result)
        if self._working is None:
            self._settle()

    def answer(self, header: Header, result: int) -> None:
        self._send(header, messages.REPLY, encode.reply_body(header, result))

    def _send(self, to: Header, msg_id: int, body: bytes) -> None:
        if not self.gone:
            self._house.send(self.slot, lambda serial: encode.answer(to, msg_id, body, serial=serial))

    _HANDLERS: Final[dict[int, Callable[["Session", Message, bytes], Awaitable[None]]]] = {
        messages.TERMINAL_REPLY: _reply,
        messages.PARAMETERS: _command_answer,
        messages.PHOTO_ANSWER: _command_answer,
        messages.POSITION_ANSWER: _position_answer,
        messages.HEARTBEAT: _heartbeat,
        messages.LOGOUT: _logout,
        messages.REGISTER: _register,
        messages.AUTHENTICATE: _authenticate,
        messages.POSITION: _positions,
        messages.BATCH: _positions,
    }
