"""Codes of 0x0102 looked up together: after a cut thousands of terminals sign in within seconds, and each look-up costs a round trip."""

import asyncio
from collections import deque
from typing import Final

from zaitu.kernel import clock
from zaitu.telemetry.codecs.jt808.profiles import Profile
from zaitu.telemetry.services import terminals
from zaitu.telemetry.services.threads import Threads

_AT_ONCE: Final = 500


class SignIns:
    """Belongs to one event loop."""

    def __init__(self, database: Threads) -> None:
        self._database = database
        self._waiting: deque[tuple[str, str, asyncio.Future[Profile | None]]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def right(self, terminal: str, code: str) -> Profile | None:
        """The terminal's profile if this is the code it was given. Together with all that ask while the last look-up runs."""
        answer: asyncio.Future[Profile | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((terminal, code, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            bunch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            claims = [(terminal, code) for terminal, code, _ in bunch]
            try:
                found = await self._database.call(terminals.terminals_authenticate, claims, now=clock.now())
            except Exception as error:
                for _, _, answer in bunch:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_, _, answer), right in zip(bunch, found, strict=True):
                    if not answer.done():
                        answer.set_result(right)
