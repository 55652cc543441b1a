"""One connection: frames in, answers out. A terminal registers (0x0100), authenticates (0x0102), then reports."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, Header, Message, decode, encode, messages
from zaitu.telemetry.codecs.jt808.framing import unescape
from zaitu.telemetry.codecs.jt808.header import header_claims
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.database import Database
from zaitu.telemetry.gateway.intake import Entry, Intake
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.services import quarantine, terminals
from zaitu.telemetry.services.terminals import Registrant

OK: Final = 0
FAILED: Final = 1
MALFORMED: Final = 2
UNSUPPORTED: Final = 3

_READ: Final = 8 * 1024
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
    database: Database
    intake: Intake
    heard: set[str]

    async def taken_over(self, session: "Session") -> None: ...


class Session:
    def __init__(self, gateway: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now_s = time.monotonic()
        self._gateway = gateway
        self._limits = gateway.limits
        self._reader = reader
        self._writer = writer
        self._deframer = Deframer()
        self._serial = 0
        self._outstanding = 0
        self._room = asyncio.Event()
        self._bad_in_a_row = 0
        self._refusals = 0
        self._set_aside = 0
        self._opened_s = self._frame_s = now_s
        self._half_since_s: float | None = None
        self._unread_since_s: float | None = None
        self.terminal = ""
        """Set by a right 0x0102."""
        self.closed_why = ""

    async def run(self) -> None:
        """Until the terminal or we close."""
        while data := await self._reader.read(_READ):
            frames = self._deframer.feed(data)
            if frames or not self._deframer.half:
                self._half_since_s = None
            if self._deframer.half and self._half_since_s is None:
                self._half_since_s = time.monotonic()
            for content in frames:
                await self._frame(content)
            if self._deframer.junk_bytes > self._limits.junk_bytes:
                self.close("junk")

    def close(self, why: str) -> None:
        """Drop the connection now; what was received and not stored will be stored, but not acknowledged here."""
        if not self.closed_why:
            self.closed_why = why
            numbers.CLOSED.labels(why).inc()
            log.info("connection closed", why=why, terminal=self.terminal)
        self._writer.transport.abort()

    def misbehaving(self, now_s: float) -> str:
        """Why this connection should be closed at `now_s` (monotonic); empty: it should not."""
        limits = self._limits
        unread = self._writer.transport.get_write_buffer_size()
        self._unread_since_s = (self._unread_since_s or now_s) if unread else None
        overdue = {
            "unauthenticated": not self.terminal and now_s - self._opened_s > limits.authenticate_s,
            "idle": now_s - self._frame_s > limits.idle_s,
            "half_frame": bool(self._half_since_s)
            and now_s - (self._half_since_s or 0) > limits.half_frame_s,
            "unread": bool(self._unread_since_s) and now_s - (self._unread_since_s or 0) > limits.unread_s,
        }
        return next((why for why, late in overdue.items() if late), "")

    async def _frame(self, content: bytes) -> None:
        if self.closed_why:
            return
        try:
            message = decode(content)
        except FrameError as error:
            self._bad(content, error)
            return
        self._bad_in_a_row = 0
        self._frame_s = time.monotonic()
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
        self._bad_in_a_row += 1
        if self._bad_in_a_row > self._limits.bad_frames:
            self.close("bad_frames")
        elif error.code in _REFUSED_WITH:
            header = header_claims(unescape(content))
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
        verdict, code = await self._gateway.database.call(terminals.terminal_register, who, now=clock.now())
        body = encode.register_reply_body(message.header, verdict, code)
        self._send(message.header, messages.REGISTER_REPLY, body)
        if verdict:
            self._refused()

    async def _authenticate(self, message: Message, _content: bytes) -> None:
        terminal = message.header.phone
        # A connection stays with the terminal that authenticated first.
        right = self.terminal in {"", terminal} and await self._gateway.database.call(
            terminals.terminal_authenticate, terminal=terminal, code=message.fields["auth"], now=clock.now()
        )
        if right:
            self.terminal = terminal
            await self._gateway.taken_over(self)
            self.answer(message.header, OK)
        else:
            self.answer(message.header, FAILED)
            self._refused()

    def _refused(self) -> None:
        """Each refusal costs a look into the database; who keeps guessing is cut."""
        self._refusals += 1
        if self._refusals >= self._limits.refusals:
            self._close_softly("refused")

    async def _heartbeat(self, message: Message, _content: bytes) -> None:
        known = self._is(message.header)
        if known:
            self._gateway.heard.add(self.terminal)
        self.answer(message.header, OK if known else FAILED)

    async def _logout(self, message: Message, _content: bytes) -> None:
        self.answer(message.header, OK if self._is(message.header) else FAILED)
        self._close_softly("logout")

    async def _positions(self, message: Message, content: bytes) -> None:
        if not self._is(message.header):
            await self._stranger(message, content)
            return
        if not message.fixes:
            self.answer(message.header, OK if message.fields.get("count") == 0 else MALFORMED)
            return
        while self._outstanding >= self._limits.outstanding:
            self._room.clear()
            await self._room.wait()
        self._outstanding += 1
        entry = Entry(sender=self, message=message, content=content, read_at_s=time.monotonic())
        await self._gateway.intake.put(entry)

    async def _stranger(self, message: Message, content: bytes) -> None:
        """Positions before authentication are kept aside and answered 1; the terminal will send them again."""
        if self._set_aside < self._limits.set_aside:
            self._set_aside += 1
            await self._gateway.database.call(
                quarantine.frame_set_aside,
                terminal=message.header.phone,
                content=content,
                reason=quarantine.STRANGER,
                now=clock.now(),
            )
        numbers.POSITIONS.labels("stranger").inc(len(message.fixes))
        self.answer(message.header, FAILED)

    async def _ignore(self, _message: Message, _content: bytes) -> None:
        """A terminal's reply to us: nothing waits for one yet, and replies are not answered."""

    def _is(self, header: Header) -> bool:
        """Is this frame from the terminal that authenticated here? One number may not speak for another."""
        return bool(self.terminal) and header.phone == self.terminal

    def stored(self, header: Header, result: int) -> None:
        """A frame taken by the intake is safe: acknowledge it."""
        self._outstanding -= 1
        self._room.set()
        self.answer(header, result)

    def answer(self, header: Header, result: int) -> None:
        self._send(header, messages.REPLY, encode.reply_body(header, result))

    def _send(self, to: Header, msg_id: int, body: bytes) -> None:
        if self._writer.transport.is_closing():
            return
        self._writer.write(encode.answer(to, msg_id, body, serial=self._serial))
        self._serial = self._serial + 1 & 0xFFFF
        if self._writer.transport.get_write_buffer_size() > self._limits.unread_bytes:
            self.close("unread")

    def _close_softly(self, why: str) -> None:
        """Close after the answers have gone out."""
        if not self.closed_why:
            self.closed_why = why
            numbers.CLOSED.labels(why).inc()
        self._writer.close()

    _HANDLERS: Final[dict[int, Callable[["Session", Message, bytes], Awaitable[None]]]] = {
        messages.TERMINAL_REPLY: _ignore,
        messages.HEARTBEAT: _heartbeat,
        messages.LOGOUT: _logout,
        messages.REGISTER: _register,
        messages.AUTHENTICATE: _authenticate,
        messages.POSITION: _positions,
        messages.POSITION_ANSWER: _positions,
        messages.BATCH: _positions,
    }
