"""The FastAGI server: one connection for each call, answered by the conversation in threads."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from django.db import connections

from zaitu.hotline import public as hotline
from zaitu.kernel import logs
from zaitu.kernel.errors import ZaituError
from zaitu.kernel.principal import Principal, system
from zaitu.portal.ivr import agi
from zaitu.portal.ivr.agi import HungUp, NotAgi
from zaitu.portal.ivr.answering import Incoming, answer
from zaitu.portal.ivr.session import Heard

T = TypeVar("T")

DOOR: Final = "agi"
CALLS_MAX: Final = 500
"""At once; more are turned away, and their dialplan goes on without us."""
_HEAD_S: Final = 10
_SAY_S: Final = 120
"""Longer than any prompt takes to be said."""
_ANSWER_S: Final = 10
_BETWEEN_MS: Final = 3_000
"""Between two keys; a lone 0 is a person after so long."""
_PEEK_MS: Final = 20
_ACTOR: Final = system("agi")
_THREADS: Final = 8
_PERSON: Final[Mapping[str, Any]] = {
    "then": "person",
    "waybill": "",
    "verified": "",
    "why": "",
    "summary": "",
}

log = logs.logger("portal.ivr")


class AgiServer:
    """Belongs to one event loop."""

    def __init__(self, *, host: str, port: int, say: str, actor: Principal = _ACTOR) -> None:
        """`say`: the command by which the Asterisk speaks, with `{text}` (ZAITU_IVR_AGI_SAY)."""
        self._host, self._port, self._say, self._actor = host, port, say, actor
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ivr")
        self._calls: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The one it listens on."""
        assert self._server is not None  # noqa: S101  asked after `start`
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Raises OSError when it cannot listen there."""
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, limit=agi.LINE_MAX, backlog=CALLS_MAX
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._calls) >= CALLS_MAX:
            log.warning("a call was turned away: too many at once")
            writer.close()
            return
        call = asyncio.create_task(self._call(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(reader, writer)
        call_id = ""
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await line.head()
            call_id = head.get("agi_uniqueid", "")
            if not call_id:
                raise NotAgi  # noqa: TRY301  one place says so
            await self._converse(line, call_id, agi.caller_of(head))
        except (NotAgi, ValueError):
            log.info("a connection did not speak AGI")
        except (HungUp, OSError, TimeoutError, EOFError):
            log.debug("a caller hung up")
        except Exception:
            log.exception("a call failed")
            await line.give_up()
        finally:
            if call_id:
                await self._ended(call_id)
            writer.close()

    async def _converse(self, line: "_Line", call_id: str, caller: str) -> None:
        await line.ask("ANSWER", within_s=_ANSWER_S)
        heard: Heard | None = None
        while True:
            told = await self._answer(Incoming(door=DOOR, call_id=call_id, caller=caller, heard=heard))
            keys = await self._told(line, told)
            if told["then"] != "listen":
                return await line.leave(told)
            heard = Heard(keys=await _collected(line, keys, told["digits_max"], told["wait_s"]))

    async def _answer(self, incoming: Incoming) -> Mapping[str, Any]:
        """The turn; a person, when the house cannot answer."""
        try:
            return await self._in_thread(lambda: answer(self._actor, incoming))
        except ZaituError as error:
            log.warning("a turn was not answered", error=error.code)
        except Exception:
            log.exception("a turn was not answered")
        return _PERSON

    async def _told(self, line: "_Line", told: Mapping[str, Any]) -> str:
        """Say it; a key that is pressed meanwhile ends it at the next sentence and is the first of the turn."""
        for number, command in enumerate(agi.said(self._say, told.get("say", ""))):
            if number and told["then"] == "listen":
                key = await line.key(_PEEK_MS)
                if key:
                    return key
            done = await line.ask(command, within_s=_SAY_S)
            if done.result == -1:
                raise HungUp
            if done.code != 200 or done.result == -2:
                log.error("the Asterisk cannot speak: see ZAITU_IVR_AGI_SAY", code=done.code)
                break
        return ""

    async def _ended(self, call_id: str) -> None:
        with contextlib.suppress(Exception):  # the timer ends what we could not
            await self._in_thread(lambda: hotline.call_end(actor=self._actor, door=DOOR, call_id=call_id))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def run() -> T:
            try:
                return work()
            finally:
                connections.close_all()  # back to the pool: this thread serves many

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


async def _collected(line: "_Line", keys: str, digits_max: int, wait_s: int) -> str:
    """The keys of one turn; fewer, or none, when the caller is slow."""
    while not (keys and agi.whole(keys, digits_max)):
        key = await line.key(_BETWEEN_MS if keys else wait_s * 1000)
        if not key:
            break
        keys = (keys + key)[-64:]
    return keys


class _Line:
    """One connection: commands out, answers in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def head(self) -> dict[str, str]:
        head: dict[str, str] = {}
        for _ in range(agi.HEAD_LINES_MAX):
            line = await self._read()
            if not line:
                return head
            name, value = agi.head_line(line)
            head[name] = value
        raise NotAgi

    async def ask(self, command: str, *, within_s: float) -> agi.Answer:
        """Raises HungUp, NotAgi, TimeoutError."""
        self._writer.write(f"{command}\n".encode())
        async with asyncio.timeout(within_s):
            await self._writer.drain()
            answer = agi.answer_line(await self._read())
            more = answer.more
            for _ in range(agi.HEAD_LINES_MAX):
                if not more:
                    return answer
                more = not (await self._read()).startswith(f"{answer.code} ")
        raise NotAgi

    async def key(self, wait_ms: int) -> str:
        """The next key, or nothing. Raises HungUp."""
        answer = await self.ask(f"WAIT FOR DIGIT {wait_ms}", within_s=wait_ms / 1000 + _ANSWER_S)
        if answer.result < 0:
            raise HungUp
        key = chr(answer.result) if 0 < answer.result < 128 else ""
        return key if key in "0123456789*#" else ""

    async def leave(self, told: Mapping[str, Any]) -> None:
        """Hand on what the dialplan needs, or hang up."""
        if told["then"] == "hang_up":
            await self.ask("HANGUP", within_s=_ANSWER_S)
            return
        for name, key in (("THEN", "then"), ("WAYBILL", "waybill"), ("VERIFIED", "verified"), ("WHY", "why")):
            await self.ask(agi.variable(f"ZAITU_{name}", told[key]), within_s=_ANSWER_S)
        await self.ask(agi.variable("ZAITU_SUMMARY", told["summary"]), within_s=_ANSWER_S)

    async def give_up(self) -> None:
        """After a mistake of ours: the dialplan goes on with a person."""
        with contextlib.suppress(Exception):
            await self.leave(_PERSON)

    async def _read(self) -> str:
        line = await self._reader.readline()  # ValueError for a line that is too long
        if not line.endswith(b"\n"):
            raise HungUp
        return line.decode("utf-8", "replace").strip("\r\n")
