"""Reports of electronic locks on their way to the store: what changed since the last report becomes an event, and is remembered.

Whatever language a lock speaks, its positions go through the intake, its state is written after them, and only then it is answered:
a lock that hears nothing sends the report again, and the report finds the state that it was first judged by.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zaitu.kernel import clock, logs
from zaitu.telemetry.codecs.fix import Fix, time_checked
from zaitu.telemetry.codecs.jt808 import Result
from zaitu.telemetry.codecs.locks import LockHistory, LockState
from zaitu.telemetry.gateway.intake import Entry, reports_of
from zaitu.telemetry.services import locks
from zaitu.telemetry.services.threads import Threads

_AFRESH: Final = timedelta(minutes=5)
"""A state that stays is written again so often, so that old reports are known as old after a restart."""

log = logs.logger("telemetry.gateway")


@dataclass(slots=True, kw_only=True)
class Lock:
    """One that is connected here."""

    terminal: str
    history: LockHistory
    stored_at: datetime | None
    stored: LockState


def says_state(fixes: Iterable[Fix]) -> bool:
    return any(fix.lock_closed is not None or fix.cover_closed is not None for fix in fixes)


class LockDesk:
    """Of one gateway; belongs to its event loop."""

    def __init__(self, database: Threads, put: Callable[[Entry], None]) -> None:
        self._database = database
        self._put = put
        self._writing: set[asyncio.Task[None]] = set()

    async def open(self, terminal: str) -> Lock | None:
        """A lock that an administrator has let in; None: it is listed among the unknown."""
        history = await self._database.call(locks.lock_open, terminal, now=clock.now())
        return None if history is None else _lock(terminal, history)

    async def load(self, terminal: str) -> Lock:
        """The lock in a terminal that has authenticated."""
        return _lock(terminal, await self._database.call(locks.history_load, terminal))

    def put(self, lock: Lock, fixes: Iterable[Fix], *, backfill: bool, done: Callable[[int], None]) -> None:
        """To be stored with the next tick; `done` gets the result when all of it is committed.

        Result.OK, Result.MALFORMED (the database refuses it; it is in the quarantine), or Result.FAILED: it is not safe.
        """
        now = clock.now()
        told = [_with_changes(fix, lock.history, now) for fix in fixes]
        at, state = lock.history.at, lock.history.state

        def positions_stored(result: int) -> None:
            old = lock.stored_at is None or (at is not None and at - lock.stored_at >= _AFRESH)
            if at is None or result != Result.OK or (state == lock.stored and not old):
                done(result)
                return
            task = asyncio.create_task(self._remember(lock, at, state, done))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

        self._put(Entry(reports=reports_of(lock.terminal, told, backfill=backfill), done=positions_stored))

    async def _remember(
        self, lock: Lock, at: datetime, state: LockState, done: Callable[[int], None]
    ) -> None:
        try:
            await self._database.call(locks.lock_remember, lock.terminal, at, state)
        except Exception:
            log.exception("the state of a lock was not written", terminal=lock.terminal)
            done(Result.FAILED)
            return
        lock.stored_at, lock.stored = at, state
        done(Result.OK)

    async def drain(self) -> None:
        """What is being written is written."""
        await asyncio.gather(*self._writing)


def _lock(terminal: str, history: LockHistory) -> Lock:
    return Lock(terminal=terminal, history=history, stored_at=history.at, stored=history.state)


def _with_changes(fix: Fix, history: LockHistory, now: datetime) -> Fix:
    usable = time_checked(fix.time, fix.time_flag, now=now) is None
    at = fix.time if usable and fix.time is not None else now
    events = history.told(at, closed=fix.lock_closed, cover_closed=fix.cover_closed)
    return replace(fix, lock_events=fix.lock_events | events) if events else fix
