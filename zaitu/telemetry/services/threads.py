"""Blocking database work beside an event loop."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection

from zaitu.kernel import heartbeat, logs
from zaitu.telemetry.services import numbers

P = ParamSpec("P")
R = TypeVar("R")

_PAUSE_FIRST_S: Final = 0.1
_PAUSE_LONGEST_S: Final = 2.0

log = logs.logger("telemetry.threads")


class Threads:
    """Each call takes one; what fails because PostgreSQL is away is repeated there until it is back."""

    def __init__(self, count: int, part: str) -> None:
        """`part`: whose heartbeat it is when the database has answered."""
        self._part = part
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"{part}-db")
        self._closing = threading.Event()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result. Repeats it while the database is away; raises its other errors."""
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs))

    def submit(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """`call`, from any thread. One thread takes one function after the other, and the next not before the repeated one has succeeded."""
        return self._threads.submit(lambda: self._patiently(function, *args, **kwargs))

    def _patiently(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        pause_s = _PAUSE_FIRST_S
        while True:
            try:
                result = _careful(function, *args, **kwargs)
            except (OperationalError, InterfaceError, InternalError) as error:
                # PostgreSQL restarting or read only, a deadlock, a full disk: the same call may succeed in a moment.
                numbers.RETRIES.inc()
                log.warning("the database did not answer; repeating", error=type(error).__name__)
                if self._closing.wait(pause_s):
                    raise
                pause_s = min(pause_s * 2, _PAUSE_LONGEST_S)
            else:
                heartbeat.beat(self._part)
                return result

    def end(self) -> None:
        """From now on nothing is repeated."""
        self._closing.set()

    def close(self) -> None:
        """`end`, and wait for what runs."""
        self.end()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _careful(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        # Back to the pool, which asks each connection whether it lives before it hands it out again.
        connection.close()
