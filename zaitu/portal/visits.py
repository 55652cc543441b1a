"""Who may see what of a shipment, and how often anybody may ask: the rules of docs/rooms/portal.md for the hot path."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connections

from zaitu.access.public import key_rate_per_min, principal_of_key, principal_of_key_known
from zaitu.journey import public as journey
from zaitu.kernel import limits
from zaitu.kernel.errors import Forbidden, NotFound, RateLimited, Unavailable
from zaitu.kernel.principal import Principal
from zaitu.portal import grants, partners, rates
from zaitu.portal.misses import misses
from zaitu.portal.tracker import Entry, Tracker
from zaitu.portal.wire import Question

T = TypeVar("T")

LINK_KNOWN_S: Final = 5.0
"""How long a link that was revoked may still open something."""
_KEPT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Visit:
    entry: Entry
    tracked: journey.Tracked
    exact: bool
    """Whether everything may be shown."""


def _weight(question: Question, tracked: journey.Tracked | None) -> int:
    tried_partners = question.tail and tracked is None and partners.lookup(question.number)
    return partners.MISS_WEIGHT if tried_partners else 1


class Visits:
    """Belongs to one event loop."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._keys: dict[str, limits.Rate] = {}
        self._links: dict[tuple[str, str], float] = {}
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="tracking")

    def stop(self) -> None:
        self._threads.shutdown(wait=False)

    async def visit(self, question: Question) -> "Visit":
        """The shipment asked for and whether everything of it may be shown.

        Raises NotFound (the same for unknown, mistyped, a wrong tail, a dead link and somebody else's shipment), RateLimited,
        NotAuthenticated (not a key), Forbidden (a key without the scope), Unavailable.
        """
        holder = await self._key_let_in(question.key) if question.key else None
        if holder is None:
            misses.refuse(question.address)
        if question.tail:
            await self._count_tail(question.number)
        entry = await self._entry(question, holder)
        tracked = entry.tracked if entry is not None else None
        opened = await self.opens(question, holder, tracked)
        if entry is None or tracked is None or opened is False:
            if holder is None:
                weight = _weight(question, tracked)
                await self.in_thread(lambda: misses.count(question.address, times=weight))
            raise NotFound
        return Visit(entry, tracked, bool(opened))

    async def _entry(self, question: Question, holder: Principal | None) -> Entry | None:
        """By our number; by a partner's, when there is none of ours and something was shown that may open it."""
        lang = question.lang
        entry = await self._tracker.find(question.waybill, lang=lang) if question.waybill else None
        if (entry is not None and entry.tracked is not None) or not (question.tail or holder):
            return entry
        waybill = await self._by_partner(question, holder)
        return await self._tracker.find(waybill, lang=lang) if waybill else None

    async def _by_partner(self, question: Question, holder: Principal | None) -> str:
        plain = partners.lookup(question.number)
        reader = self._tracker.reader
        if not plain:
            return ""
        if holder is not None:
            return partners.opened_by_key(await reader.forwarded(plain), holder)
        key, tries, window_s = partners.block_key(plain), partners.BLOCK_TRIES, partners.BLOCK_WINDOW_S
        partners.must_wait(await limits.attempt_async(reader, key, tries, window_s))
        waybill = partners.opened_by_tail(await reader.forwarded(plain), question.tail)
        if waybill:
            await limits.refund_async(reader, key)
        return waybill

    async def opens(
        self, question: Question, holder: Principal | None, tracked: journey.Tracked | None
    ) -> bool | None:
        """True: everything; False: nothing, for what was shown is wrong; None: nothing was shown."""
        if holder is not None:
            return tracked is not None and grants.key_opens(holder, tracked.customer_code)
        if question.tail:
            opened = grants.tail_opens(question.tail, tracked.tails if tracked else frozenset())
            if opened:
                await limits.refund_async(self._tracker.reader, grants.tail_attempts_key(question.number))
            return opened
        if question.link:
            return tracked is not None and await self._link_opens(question.link, tracked.waybill)
        if question.cookie and tracked is not None:
            good, link = grants.granted(question.cookie, tracked.waybill)
            # An old cookie is not an attempt at anything: without it one is a stranger.
            return (good and (not link or await self._link_opens(link, tracked.waybill))) or None
        return None

    async def _count_tail(self, number: str) -> None:
        """Counted before it is looked at, so that a thousand guesses at once are five; a right one is taken back."""
        allowed, wait_s = await limits.attempt_async(
            self._tracker.reader,
            grants.tail_attempts_key(number),
            grants.TAILS_PER_NUMBER,
            grants.TAILS_WINDOW_S,
        )
        if not allowed:
            raise RateLimited("手机号后四位错误次数过多，请稍后再试", retry_after_s=wait_s)

    async def _key_let_in(self, raw: str) -> Principal:
        holder = await self.key_holder(raw)
        if holder.name not in self._keys:
            per_min = await self.in_thread(lambda: key_rate_per_min(raw))
            self._keys[holder.name] = rates.rate_of(holder.name, per_min)
        rate = self._keys[holder.name]
        wait_s = rate.spend()
        rates.must_wait(await self.in_thread(rate.ask) if wait_s is None else wait_s)
        if "track" not in holder.scopes:
            raise Forbidden("这个密钥没有查询轨迹的权限")
        return holder

    async def key_holder(self, raw: str) -> Principal:
        """Who holds this key; raises NotAuthenticated."""
        known = principal_of_key_known(raw)
        return known if known is not None else await self.in_thread(lambda: principal_of_key(raw))

    async def _link_opens(self, token: str, waybill: str) -> bool:
        """Asked at most every five seconds per link: that long may a revoked one live on."""
        if self._links.get((token, waybill), 0.0) > time.monotonic():
            return True
        opened = await self.in_thread(lambda: grants.link_opens(token, waybill))
        if opened:
            self._links[token, waybill] = time.monotonic() + LINK_KNOWN_S
            if len(self._links) > _KEPT:
                del self._links[next(iter(self._links))]
        return opened

    async def in_thread(self, work: Callable[[], T]) -> T:
        def run() -> T:
            try:
                return work()
            except (OperationalError, InterfaceError):
                raise Unavailable from None
            finally:
                connections.close_all()  # back to the pool: this thread serves many

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)
