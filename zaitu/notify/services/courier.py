"""Couriers: threads that carry due messages out, one pool per channel, so that no slow receiver delays the others.

A message is claimed under a lease, sent without holding a database connection, and recorded. A courier that dies
leaves the lease to run out; another then repeats what was in flight under the same Message-ID or webhook-id.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from zaitu.kernel import clock, metrics
from zaitu.notify.adapters.claims import claim, renew
from zaitu.notify.channels.installed import SENDERS, SLOTS, usable
from zaitu.notify.channels.sender import Listening
from zaitu.notify.domain.delivery import RETRY_AFTER_LONGEST, Answer, Channel, Verdict, after, rest
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.services.bundles import bundles_make
from zaitu.notify.services.delivery import attempt_record, endpoint_rest, hopeless_give_up
from zaitu.notify.services.hearing import hear
from zaitu.notify.services.ways import overdue_go_on

log = logging.getLogger(__name__)
_tries: Final = metrics.counter("message_tries", "Tries to tell a message", ["channel", "verdict"])

LEASE: Final = timedelta(seconds=20)
_RENEW_S: Final = 5.0
_LOOK_S: Final = 0.5
_LATE_S: Final = 30.0
_OVERDUE_S: Final = 5.0
_FOR_ALL: Final[tuple[tuple[Callable[[], object], float], ...]] = (
    (hopeless_give_up, _LATE_S),
    (overdue_go_on, _OVERDUE_S),
    (bundles_make, _OVERDUE_S),
)
_ALIVE_S: Final = 1.0
_LOOKED_S: Final = 5.0
"""A courier that has not asked the database for so long is not at work."""
_RECORD_TRIES: Final = 30
"""Once a second while the database is away; after that the lease runs out and the message is repeated."""


class Courier:
    """All deliveries of one channel in this process."""

    def __init__(self, channel: Channel, stop: threading.Event) -> None:
        self._channel = channel
        self._stop = stop
        self._slots = SLOTS[channel]
        self._sender = SENDERS[channel]()
        if isinstance(self._sender, Listening):
            self._sender.listen(hear)
        self._on_way: dict[str, Parcel] = {}
        self._lock = threading.Lock()
        self._free = threading.Event()
        """A hand became free."""
        self._looked = time.monotonic()
        self._done: dict[Callable[[], object], float] = defaultdict(time.monotonic)
        """When each chore was last done."""
        self._failures = 0
        self._rests_until: datetime | None = None
        """For channels with one way out, as e-mail's mail server; each endpoint keeps its own rest in its row."""

    @property
    def looked_ago_s(self) -> float:
        """Seconds since this courier last asked the database."""
        return time.monotonic() - self._looked

    def run(self) -> None:
        """Carry until `stop` is set, then finish what is on its way."""
        with ThreadPoolExecutor(self._slots, thread_name_prefix=f"courier-{self._channel}") as pool:
            while self._on_way or not self._stop.is_set():
                try:
                    connection.ensure_connection()
                    if not self._stop.is_set():
                        self._take(pool)
                    self._chores()
                except (InterfaceError, OperationalError) as error:
                    log.warning("couriers wait for the database: %s", error)
                except DatabaseError:
                    log.exception("couriers go on")
                else:
                    self._looked = time.monotonic()
                finally:
                    connection.close()
                self._sender.tidy()
                self._free.wait(_LOOK_S)
                self._free.clear()
        self._sender.close()

    def _chores(self) -> None:
        """What is to be done now and then. What is done for all channels is the mail courier's: there always is one."""
        chores = _FOR_ALL if self._channel is Channel.EMAIL else ()
        for chore, every_s in ((self._renew, _RENEW_S), *chores):
            if time.monotonic() - self._done[chore] > every_s:
                self._done[chore] = time.monotonic()
                chore()

    def _take(self, pool: ThreadPoolExecutor) -> None:
        """Claim as many as there are free hands."""
        slots = self._slots - len(self._on_way)
        now = clock.now()
        if slots <= 0 or self._resting(now):
            return
        for parcel in claim(self._channel, slots=slots, now=now, lease_until=now + LEASE):
            with self._lock:
                self._on_way[parcel.id] = parcel
            pool.submit(self._carry, parcel)

    def _resting(self, now: datetime) -> bool:
        if self._channel not in usable():
            return True
        return self._rests_until is not None and now < self._rests_until

    def _renew(self) -> None:
        with self._lock:
            held = list(self._on_way.values())
        renew(held, lease_until=clock.now() + LEASE)

    def _carry(self, parcel: Parcel) -> None:
        started, began = clock.now(), time.monotonic()
        try:
            try:
                answer = self._sender(parcel)
            except Exception:
                log.exception("message %s could not be sent", parcel.id)
                answer = Answer(verdict=Verdict.RETRY, note="内部错误，已记入日志")
            _tries.labels(self._channel, answer.verdict).inc()
            self._record(parcel, answer, started, took_ms=int((time.monotonic() - began) * 1000))
        except DatabaseError:
            log.exception("message %s: its lease will run out", parcel.id)
        finally:
            connection.close()
            with self._lock:
                self._on_way.pop(parcel.id, None)
            self._free.set()

    def _record(self, parcel: Parcel, answer: Answer, started: datetime, took_ms: int) -> None:
        for left in reversed(range(_RECORD_TRIES)):
            try:
                wait = self._rest(parcel, answer, started)
                step = after(
                    answer,
                    attempts=parcel.attempts,
                    now=clock.now(),
                    useful_until=parcel.useful_until,
                    wait=wait,
                    jitter=random.random(),  # noqa: S311  spreads retries; guards nothing
                )
                attempt_record(
                    parcel=parcel,
                    provider=answer.provider or self._sender.provider,
                    answer=answer,
                    step=step,
                    started=started,
                    took_ms=took_ms,
                )
            except DatabaseError:
                connection.close()
                if not left:
                    raise
                time.sleep(1)
            else:
                return

    def _rest(self, parcel: Parcel, answer: Answer, started: datetime) -> timedelta:
        """How long this message waits at least; the way there rests too where the answer says so."""
        asked = min(timedelta(seconds=answer.retry_after_s or 0), RETRY_AFTER_LONGEST)
        if not answer.rests:
            if answer.verdict is Verdict.TAKEN:
                self._failures, self._rests_until = 0, None
            return asked
        if parcel.endpoint_id is not None:
            return endpoint_rest(endpoint_id=parcel.endpoint_id, answer=answer, started=started)
        with self._lock:
            now = clock.now()
            if self._rests_until is None or self._rests_until <= started:
                self._failures += 1
                # With RETRY it is this message that shall wait so long: the next one may go as soon as the way has rested.
                paused = answer.retry_after_s if answer.verdict is Verdict.PAUSE else None
                self._rests_until = now + rest(self._failures, paused)
            return max(self._rests_until - now, asked)


def deliver_until(stop: threading.Event, *, alive: Callable[[], None] = lambda: None) -> None:
    """Carry messages of every channel until `stop` is set; blocks, and ends within one exchange (about 15 s) of it.

    `alive` is called about once a second while the couriers of all channels have asked the database lately. Should one
    of them break, the others finish and RuntimeError says so: a process that only half works must be started anew.
    """
    # Mail waits for its server to be set; what waits on another channel that is gone takes the next way.
    couriers = [
        Courier(channel, stop) for channel in SENDERS if channel is Channel.EMAIL or channel in usable()
    ]
    threads = [threading.Thread(target=courier.run) for courier in couriers]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads) and not stop.wait(_ALIVE_S):
        if all(courier.looked_ago_s < _LOOKED_S for courier in couriers):
            alive()
    broken = not stop.is_set()
    stop.set()
    for thread in threads:
        thread.join()
    if broken:
        raise RuntimeError("a courier has stopped by itself")
