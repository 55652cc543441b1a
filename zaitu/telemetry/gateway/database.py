"""Blocking database work beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from django.db import DataError, Error, IntegrityError, connection

from zaitu.kernel import heartbeat, logs
from zaitu.telemetry.gateway import numbers

P = ParamSpec("P")
R = TypeVar("R")

PART: Final = "gateway"
_PAUSE_FIRST_S: Final = 0.1
_PAUSE_LONGEST_S: Final = 2.0

log = logs.logger("telemetry.gateway")


class Database:
    """Threads with a connection each; what fails because PostgreSQL is away is repeated until it is back."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="gateway-db")

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result. Repeats it while the database is away; raises its other errors."""
        loop = asyncio.get_running_loop()
        pause_s = _PAUSE_FIRST_S
        while True:
            try:
                result = await loop.run_in_executor(
                    self._threads, lambda: _careful(function, *args, **kwargs)
                )
            except (DataError, IntegrityError):
                raise
            except Error as error:
                # PostgreSQL restarting, a deadlock, a full disk: the same call may succeed in a moment.
                numbers.RETRIES.inc()
                log.warning("the database did not answer; repeating", error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_LONGEST_S)
            else:
                heartbeat.beat(PART)
                return result

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _careful(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        # Back to the pool, which asks each connection whether it lives before it hands it out again.
        connection.close()
