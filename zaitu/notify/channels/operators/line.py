"""Keeps a connection to an operator's gateway up, in a thread of its own; hands from other threads offer messages to it."""

import asyncio
import contextlib
import logging
import random
import ssl
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import cache
from typing import Final

from zaitu.notify.channels.operators.dialect import Answered, Dialect, Piece, Place
from zaitu.notify.channels.operators.session import Broken, Hear, Outcome, Refused, Session, Unsent

log = logging.getLogger(__name__)

DIAL_S: Final = 10.0
PAUSE_FIRST_S, PAUSE_LONGEST_S = 1.0, 30.0
"""Between two tries to connect: doubled after each that fails."""
PAUSE_REFUSED_S: Final = 30.0
"""After a refused sign-in at least: gateways lock accounts that try too often."""
STEADY_S: Final = 10.0
"""A connection that held so long was a good one: the pauses begin anew."""
SLOW_DOWN_S: Final = (0.5, 1.0, 2.0)
"""How long the line keeps still before a message is offered again that the gateway was too busy for."""
_FRESH: Final = Unsent(note="与短信网关的连接已断开，正在重连")
_GOODBYE_S: Final = 0.7
_SLACK_S: Final = 2.0


class Line:
    def __init__(self, dialect: Dialect, place: Place, hear: Hear) -> None:
        self._dialect, self._place, self._hear = dialect, place, hear
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing, self._settled = asyncio.Event(), asyncio.Event()
        """`_settled`: it is connected, or known not to be."""
        self._session: Session | None = None
        self._down = _FRESH
        self._next_dial = 0.0
        self._hearer = ThreadPoolExecutor(1, thread_name_prefix=f"hears-{dialect.provider}")
        self._thread = threading.Thread(target=self._run, name=f"line-{dialect.provider}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def offer(self, piece: Piece, within_s: float) -> Outcome:
        """Offer one SMS, and return what became of it within that time. For any thread; never raises."""
        if self._loop is None or not self._thread.is_alive():
            return Unsent(note="短信线路已停")
        until = time.monotonic() + within_s  # which is the loop's clock too
        offered = asyncio.run_coroutine_threadsafe(self._offered(piece, until), self._loop)
        try:
            return offered.result(within_s + _SLACK_S)
        except (Late, CancelledError):
            offered.cancel()
            return Unsent(note="短信线路已停")

    def close(self) -> None:
        """Sign off and end; takes a second at most."""
        if self._loop is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_GOODBYE_S + _SLACK_S)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        keeping = asyncio.ensure_future(self._keep())
        await self._closing.wait()
        if self._session is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._session.leave()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        self._hearer.shutdown(wait=False)

    async def _keep(self) -> None:
        """Connect again and again, for ever."""
        pause_s = 0.0
        while True:
            began = time.monotonic()
            try:
                await self._connection()
            except Refused as refused:
                self._is_down(refused.note, refused.code)
                pause_s = max(pause_s, PAUSE_REFUSED_S / 2)
            except ssl.SSLError:
                self._is_down("短信网关的证书无效")
            except TimeoutError:
                self._is_down("短信网关没有响应")
            except (OSError, Broken) as error:
                self._is_down("连接不上短信网关", why=error)
            except Exception:
                log.exception("%s: the line is begun anew", self._dialect.provider)
                self._is_down("短信线路内部错误，已记入日志")
            if time.monotonic() - began > STEADY_S:
                pause_s = 0.0
            pause_s = min(max(pause_s * 2, PAUSE_FIRST_S), PAUSE_LONGEST_S)
            wait_s = pause_s * (1 + 0.2 * random.random())  # noqa: S311  spreads reconnects; guards nothing
            self._next_dial = time.monotonic() + wait_s
            await asyncio.sleep(wait_s)

    async def _connection(self) -> None:
        """One connection from beginning to end. Raises what ended it."""
        place = self._place
        async with asyncio.timeout(DIAL_S):
            streams = await asyncio.open_connection(place.host, place.port, ssl=_tls() if place.tls else None)
        session = Session(self._dialect, place, streams, (self._hear, self._hearer))
        try:
            await session.bind()
            log.info("%s: signed in", self._dialect.provider)
            self._session, self._down = session, _FRESH
            self._settled.set()
            await session.serve()
        finally:
            self._session = None
            session.close()
            await session.closed()

    def _is_down(self, note: str, code: int = 0, why: Exception | None = None) -> None:
        if note != self._down.note:
            log.warning("%s: %s %s", self._dialect.provider, note, why or "")
        self._down = Unsent(note=note, code=code)
        self._settled.set()

    async def _offered(self, piece: Piece, until: float) -> Outcome:
        """Offer it; where the gateway is too busy, once more after a little while."""
        outcome: Outcome = self._down
        for pause_s in (*SLOW_DOWN_S, 0.0):
            try:
                async with asyncio.timeout_at(until):
                    await self._settled.wait()
            except TimeoutError:
                return Unsent(note="短信网关没有响应")
            session = self._session
            if session is None:
                again_s = max(int(self._next_dial - time.monotonic()) + 1, 1)
                return Unsent(note=self._down.note, code=self._down.code, again_s=again_s)
            before, outcome = outcome, await session.submit(piece, until)
            if isinstance(outcome, Unsent) and isinstance(before, Answered):
                return before  # too busy, and no time left
            if not isinstance(outcome, Answered) or outcome.code not in self._dialect.throttled:
                return outcome
            session.hold(pause_s)
        return outcome


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
