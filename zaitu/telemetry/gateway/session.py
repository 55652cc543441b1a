"""The conversation on one connection beside the positions: a terminal registers (0x0100), authenticates (0x0102), then reports.

Until it has authenticated every frame comes here; afterwards only those that kernels do not read. They are taken one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.elock import ElockError, wire
from zaitu.telemetry.codecs.jt808 import FrameError, Header, Message, Result, encode, messages
from zaitu.telemetry.codecs.jt808.framing import wrap
from zaitu.telemetry.codecs.jt808.header import header_claims
from zaitu.telemetry.codecs.jt808.profiles import STANDARD
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.commands import CommandDesk
from zaitu.telemetry.gateway.intake import Entry, reports_of
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.locks import Lock, LockDesk, says_state
from zaitu.telemetry.gateway.parts import PartDesk
from zaitu.telemetry.gateway.signin import SignIns
from zaitu.telemetry.services import quarantine, terminals, uplinks
from zaitu.telemetry.services.numbers import POSITIONS
from zaitu.telemetry.services.terminals import Registrant
from zaitu.telemetry.services.threads import Threads

_REFUSED_WITH: Final = {
    "rsa_encrypted": Result.UNSUPPORTED,
    "unknown_encryption": Result.UNSUPPORTED,
    "short_body": Result.MALFORMED,
}
"""Frames whose header is whole are answered, others cannot be."""

log = logs.logger("telemetry.gateway")


class House(Protocol):
    """What a session needs of its gateway."""

    limits: Limits
    database: Threads
    sign_ins: SignIns
    commands: CommandDesk
    parts: PartDesk
    locks: LockDesk
    heard: set[str]

    async def authenticated(self, session: "Session") -> None:
        """The terminal is who it says: its other connections are dead."""

    def settled(self, session: "Session") -> None:
        """It is authenticated and has nothing left to read: kernels may take its positions."""

    def admitted(self, slot: int, terminal: str) -> None:
        """It speaks for a lock that is let in by its number."""

    def put(self, entry: Entry) -> None: ...

    def send(self, slot: int, frame: Callable[[int], bytes]) -> None:
        """Send what `frame` makes of our next number."""

    def good(self, slot: int) -> None:
        """A frame could be read."""

    def bad(self, slot: int) -> None: ...

    def close(self, slot: int, why: str, *, softly: bool = False) -> None: ...


class Session:
    """There are tens of thousands, nearly all of them silent: each weighs little."""

    __slots__ = (
        "_house", "_lock", "_refusals", "_set_aside", "_unstored", "_waiting", "_working", "form", "gone", "profile", "slot",
        "terminal",
    )  # fmt: skip

    def __init__(self, house: House, slot: int) -> None:
        self._house = house
        self._waiting: list[bytes] = []
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
        self.profile = STANDARD
        """What its maker means."""
        self._lock: Lock | None = None
        """In the terminal, or the terminal itself."""
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
                await self._frame(self._waiting.pop(0))
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
        if wire.is_own(content):
            await self._locks_own(content)
            return
        try:
            message = messages.decode_plain(content, self.profile)
        except FrameError as error:
            self._bad(content, error)
            return
        self._house.good(self.slot)
        header = message.header
        handle = self._HANDLERS.get(header.msg_id)
        numbers.FRAMES.labels(f"0x{header.msg_id:04x}" if handle else "other").inc()
        if header.package is not None:
            self._part(message)
        elif handle is None:
            # Said, so that the terminal does not wait.
            self.answer(header, Result.UNSUPPORTED)
        else:
            await handle(self, message, content)

    def _part(self, message: Message) -> None:
        if self._is(message.header):
            self._house.parts.take(self, message.header, message.body)
        else:
            self.reply(message.header, Result.FAILED)

    def takes(self, header: Header) -> bool:
        return header.msg_id in self._HANDLERS and header.msg_id != messages.TERMINAL_REPLY

    async def whole(self, message: Message) -> None:
        """A message that came in parts; its header is the last one's."""
        await self._HANDLERS[message.header.msg_id](self, message, message.body)

    def _bad(self, content: bytes, error: FrameError) -> None:
        numbers.BAD_FRAMES.labels(error.code).inc()
        self._house.bad(self.slot)
        if error.code in _REFUSED_WITH:
            header = header_claims(content)
            if header is not None:
                self.reply(header, _REFUSED_WITH[error.code])

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
        self.tell(message.header, messages.REGISTER_REPLY, body)
        if verdict:
            self._refused()

    async def _authenticate(self, message: Message, _content: bytes) -> None:
        terminal = message.header.phone
        # A connection stays with the terminal that authenticated first.
        profile = None
        if self.terminal in {"", terminal}:
            profile = await self._house.sign_ins.right(terminal, message.fields["auth"])
        if profile is not None and not self.gone:
            self.terminal, self.profile, self.form = terminal, profile, message.header
            await self._house.authenticated(self)
            self.answer(message.header, Result.OK)
        else:
            self.answer(message.header, Result.FAILED)
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
        self.answer(message.header, Result.OK if known else Result.FAILED)

    async def _logout(self, message: Message, _content: bytes) -> None:
        self.answer(message.header, Result.OK if self._is(message.header) else Result.FAILED)
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
            await self._put_aside(self.terminal, content, quarantine.UNREADABLE)
        if message.fixes:
            if says_state(message.fixes):
                if self._lock is None:
                    self._lock = await self._house.locks.load(self.terminal)
                done = self._done(message.header)
                self._house.locks.put(self._lock, message.fixes, backfill=message.backfill, done=done)
                return
            reports = reports_of(self.terminal, message.fixes, backfill=message.backfill)
            self._house.put(Entry(reports=reports, done=self._done(message.header)))
        else:
            self.answer(message.header, Result.OK if message.fields.get("count") == 0 else Result.MALFORMED)

    def _done(self, header: Header) -> Callable[[int], None]:
        self._unstored += 1
        return lambda result: self._stored(header, result)

    async def _locks_own(self, content: bytes) -> None:
        """0x5501, 0x5502: a lock under its number, which is all it proves; answered 0x4401 when it is stored, if it asks for that."""
        try:
            report = wire.own_read(content)
        except ElockError as error:
            numbers.BAD_FRAMES.labels(error.code).inc()
            self._house.bad(self.slot)
            return
        self._house.good(self.slot)
        numbers.FRAMES.labels(report.fields["msg_id"]).inc()
        if self._lock is None and not self.terminal:
            self._lock = await self._house.locks.open(report.device)
            if self._lock is not None and not self.gone:
                self._house.admitted(self.slot, report.device)
        if self._lock is None or self._lock.terminal != report.device:
            await self._put_aside(report.device, content, quarantine.STRANGER)
            self._refused()
            return

        def done(result: int) -> None:
            # Also what the database refuses: it is in the quarantine, and would never be taken.
            if report.reply is not None and result != Result.FAILED and not self.gone:
                self._house.send(self.slot, lambda _serial: report.reply or b"")

        self._house.locks.put(self._lock, report.fixes, backfill=report.backfill, done=done)

    async def _stranger(self, message: Message, content: bytes) -> None:
        """Positions before authentication are kept aside and answered 1; the terminal will send them again."""
        await self._put_aside(message.header.phone, content, quarantine.STRANGER)
        POSITIONS.labels("stranger").inc(len(message.fixes))
        self.answer(message.header, Result.FAILED)

    async def _put_aside(self, terminal: str, content: bytes, reason: str) -> None:
        """Into the quarantine, so many of one connection."""
        if self._set_aside >= self._house.limits.set_aside:
            return
        self._set_aside += 1
        await self._house.database.call(
            quarantine.frame_set_aside,
            terminal=terminal,
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
            self.answer(message.header, Result.OK)
        else:
            self.answer(message.header, Result.FAILED)

    async def _position_answer(self, message: Message, content: bytes) -> None:
        """0x0201: an answer, and a position as any other."""
        if self._is(message.header):
            await self._house.commands.answered(self, message)
        await self._positions(message, content)

    async def _uplink(self, message: Message, _content: bytes) -> None:
        """What is neither a position nor talk about the connection."""
        if not self._is(message.header):
            self.answer(message.header, Result.FAILED)
            return
        taken = await self._house.database.call(uplinks.uplink_take, message, now=clock.now())
        self.answer(message.header, taken.result)
        if taken.reply is not None:
            self.tell(message.header, *taken.reply)

    def _is(self, header: Header) -> bool:
        """Is this frame from the terminal that authenticated here? One number may not speak for another."""
        return bool(self.terminal) and header.phone == self.terminal

    def _stored(self, header: Header, result: int) -> None:
        """An entry is safe: acknowledge it."""
        self._unstored -= 1
        self.answer(header, result)
        if self._working is None:
            self._settle()

    def answer(self, header: Header, result: int) -> None:
        """0x8001; of a whole message, to the parts that wait for it."""
        if header.package is None:
            self.reply(header, result)
        else:
            self._house.parts.settled(self, header, result)

    def reply(self, header: Header, result: int) -> None:
        """0x8001 to this frame."""
        self.tell(header, messages.REPLY, encode.reply_body(header, result))

    def tell(self, to: Header, msg_id: int, body: bytes) -> None:
        """A message in the form of `to`."""
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
        **dict.fromkeys(uplinks.TAKEN, _uplink),
    }
