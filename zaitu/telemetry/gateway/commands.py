"""Commands on their way: claimed as rows, sent to the terminals connected here, matched with what they answer.

What waits is looked for when a terminal has authenticated, when the bus says so, and every few seconds: truth is rows. A number of ours
belongs to one connection, so what was sent on one that is gone can no longer be answered; it is given back, and sent once more.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from zaitu.kernel import clock, logs
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.codecs.jt808 import Header, Message, Result, encode, messages
from zaitu.telemetry.codecs.jt808.commands import ANSWERED_BY, NEEDS_ANSWER, downlink
from zaitu.telemetry.codecs.jt808.encode import split
from zaitu.telemetry.domain.commands import State, Why
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.services import commands
from zaitu.telemetry.services.commands import Claimed
from zaitu.telemetry.services.threads import Threads

_RESULTS: Final[Mapping[int, tuple[State, str]]] = {
    Result.OK: (State.DONE, ""),
    Result.FAILED: (State.REFUSED, Why.FAILED),
    Result.MALFORMED: (State.REFUSED, Why.MALFORMED),
    Result.UNSUPPORTED: (State.UNSUPPORTED, ""),
}
_OTHER_RESULT: Final = (State.REFUSED, Why.FAILED)
_PHOTO_RESULTS: Final = {
    "taken": Result.OK,
    "failed": Result.FAILED,
    "no_such_channel": Result.UNSUPPORTED,
}
_STOP_S: Final = 2.0
_HIDDEN: Final = "••••"

log = logs.logger("telemetry.gateway")


class Line(Protocol):
    """The session of a terminal that has authenticated."""

    slot: int
    terminal: str
    form: Header | None
    """How it writes: of its last 0x0102."""
    gone: bool


@dataclass(slots=True, kw_only=True)
class _Sent:
    claimed: Claimed
    msg_id: int
    serials: list[int]
    until_s: float
    """Monotonic."""
    accepted: bool = False
    """It was received, and the real answer is still to come."""


class CommandDesk:
    """Of one gateway; belongs to its event loop."""

    def __init__(
        self,
        *,
        send: Callable[[int, Callable[[int], bytes]], None],
        database: Threads,
        limits: Limits,
    ) -> None:
        """`send`: House.send."""
        self._send_frame = send
        self._database = database
        self._limits = limits
        self._lines: dict[str, Line] = {}
        """By terminal; the newest connection."""
        self._sent: dict[Line, dict[int, _Sent]] = {}
        """By our number."""
        self._fresh: dict[str, datetime] = {}
        """Terminals that have connected since the last look, and when: what was sent to them later came by this connection."""
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, line: Line) -> None:
        """A terminal has authenticated, perhaps not for the first time on this connection."""
        if line in self._sent:
            return
        self._sent[line] = {}
        self._lines[line.terminal] = line
        self._fresh[line.terminal] = clock.now()
        self._wake.set()

    def left(self, line: Line) -> None:
        """Its connection is gone."""
        sent = self._sent.pop(line, {})
        if self._lines.get(line.terminal) is line:
            del self._lines[line.terminal]
        claims = {(one.claimed.id, one.claimed.attempt) for one in sent.values()}
        if claims:
            self._start(self._give_back(claims, sent=True))

    async def listen(self, bus: BusClient) -> None:
        """Follow what is told of new commands, until cancelled."""
        async for topic, _payload in bus.subscribe("command.*"):
            if topic.removeprefix("command.") in self._lines:
                self._wake.set()

    async def run(self) -> None:
        """Look for commands, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._limits.command_look_s)
            self._wake.clear()
            try:
                await self._look()
            except Exception:
                log.exception("commands could not be looked at; trying again")
                await asyncio.sleep(self._limits.command_look_s)

    async def close(self) -> None:
        """Write down what is known; not for longer than _STOP_S, since the next gateway finds out by itself."""
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=_STOP_S)
            for task in late:
                task.cancel()

    async def answered(self, line: Line, message: Message) -> None:
        """A terminal's answer; one that nobody waits for is dropped."""
        serial = message.fields.get("reply_serial")
        one = self._sent.get(line, {}).get(-1 if serial is None else serial)
        if one is None:
            return
        if message.header.msg_id == messages.TERMINAL_REPLY:
            if message.fields["reply_id"] == f"0x{one.msg_id:04x}":
                await self._replied(line, one, message.fields["reply_serial"], message.fields["result"])
        elif message.header.msg_id == ANSWERED_BY.get(one.claimed.kind):
            state, why = State.DONE, ""
            if message.header.msg_id == messages.PHOTO_ANSWER:
                state, why = _RESULTS[_PHOTO_RESULTS.get(message.fields["result"], 1)]
            await self._end(line, one, state, why, answer_of(message))

    async def _replied(self, line: Line, one: _Sent, serial: int, result: int) -> None:
        if result == 0 and (one.claimed.kind in ANSWERED_BY or serial != one.serials[-1]):
            # More will come; of a message in parts some terminals answer each, some the first, some the last.
            one.accepted = True
            return
        state, why = _RESULTS.get(result, _OTHER_RESULT)
        await self._end(line, one, state, why, {})

    async def _end(self, line: Line, one: _Sent, state: State, why: str, answer: Mapping[str, Any]) -> None:
        self._forget(line, one)
        numbers.COMMANDS.labels(state.value).inc()
        await self._database.call(
            commands.command_answered,
            one.claimed.id,
            one.claimed.attempt,
            state,
            now=clock.now(),
            why=why,
            answer=answer,
        )

    def _forget(self, line: Line, one: _Sent) -> None:
        for serial in one.serials:
            self._sent.get(line, {}).pop(serial, None)

    async def _look(self) -> None:
        now = clock.now()
        await self._late()
        if await self._database.call(commands.commands_expire, now=now):
            log.info("commands have expired")
        fresh, self._fresh = self._fresh, {}
        waiting = await self._database.call(commands.commands_waiting, now=now)
        here = waiting & self._lines.keys()
        if here or fresh:
            claimed = await self._database.call(commands.commands_claim, here, fresh, now=clock.now())
            for one in claimed:
                await self._send(one)

    async def _late(self) -> None:
        now_s = time.monotonic()
        late = {
            one.claimed.id: (line, one)
            for line, sent in self._sent.items()
            for one in sent.values()
            if one.until_s < now_s
        }
        for line, one in late.values():
            if one.accepted and one.claimed.kind not in NEEDS_ANSWER:
                await self._end(line, one, State.DONE, "", {})
            else:
                await self._end(line, one, State.EXPIRED, Why.UNANSWERED, {})

    async def _send(self, claimed: Claimed) -> None:
        line = self._lines.get(claimed.terminal)
        if line is None or line.gone or line.form is None:
            await self._give_back({(claimed.id, claimed.attempt)}, sent=False)
            return
        version = claimed.version or ("2019" if line.form.long_form else "2013")
        one = _Sent(
            claimed=claimed, msg_id=0, serials=[], until_s=time.monotonic() + self._limits.command_answer_s
        )
        try:
            one.msg_id, body = downlink(claimed.kind, claimed.parameters, version)
        except (ValueError, KeyError, TypeError):
            log.exception("a command cannot be written", kind=claimed.kind, version=version)
            await self._end(line, one, State.REFUSED, Why.UNWRITABLE, {})
            return
        for package, piece in split(body):
            self._send_frame(line.slot, _framed(line.form, one, package, piece))
        self._sent[line].update(dict.fromkeys(one.serials, one))
        log.info("command sent", kind=claimed.kind, terminal=claimed.terminal, attempt=claimed.attempt)

    async def _give_back(self, claims: set[tuple[int, int]], *, sent: bool) -> None:
        await self._database.call(commands.commands_back, claims, sent=sent, now=clock.now())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("commands could not be given back", error=type(task.exception()).__name__)


def _framed(form: Header, one: _Sent, package: Any, piece: bytes) -> Callable[[int], bytes]:
    def frame(serial: int) -> bytes:
        one.serials.append(serial)
        return encode.frame(
            one.msg_id,
            piece,
            phone_bcd=form.phone_bcd,
            serial=serial,
            protocol=form.protocol,
            package=package,
            version_bit=form.version_bit,
        )

    return frame


def answer_of(message: Message) -> dict[str, Any]:
    """What is kept of an answer: passwords are not, and of phones the last four digits."""
    if message.fixes:
        fix = message.fixes[0]
        return {
            "at": None if fix.time is None else fix.time.isoformat(),
            "lat": fix.lat if fix.fixed else None,
            "lon": fix.lon if fix.fixed else None,
            "speed_kmh": fix.speed_kmh,
        }
    told = {key: value for key, value in message.fields.items() if key != "reply_serial"}
    if "parameters" in told:
        told["parameters"] = [_shown(one) for one in told["parameters"]]
    return told


def _shown(parameter: Mapping[str, Any]) -> dict[str, Any]:
    name, value = parameter["name"] or "", parameter["value"]
    if name.endswith(("_password", "_user")):
        value = _HIDDEN
    elif name.endswith("_phone") and value:
        value = _HIDDEN + str(value)[-4:]
    return {**parameter, "value": value}
