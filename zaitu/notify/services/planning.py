"""How and when a person is told: their ways, their wishes, and what has been told them lately."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count

from zaitu.kernel import clock
from zaitu.notify.channels.installed import usable
from zaitu.notify.domain.delivery import Channel, State
from zaitu.notify.domain.notices import Kind, Notice, Recipient
from zaitu.notify.domain.preferences import STORM_WITHIN, Preference, storms, wants, when
from zaitu.notify.domain.ways import URGENCIES, Urgency, Way, ways_of
from zaitu.notify.models import Message
from zaitu.notify.services.preferences import USUAL, preferences_of
from zaitu.notify.services.ways import ways_closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    ways: tuple[Way, ...]
    """At least one."""
    state: State
    at: datetime
    note: str = ""


class Planner:
    """Knows the people of some notices; counts what is planned, so that a storm is seen while it is being written."""

    def __init__(self, notices: Sequence[Notice], now: datetime) -> None:
        """Three queries, none without people."""
        persons = {one.person for notice in notices for one in notice.to}
        self._now = now
        self._usable = usable()
        self._closed = ways_closed(persons)
        self._preferences = preferences_of(persons)
        self._recent = _recent(persons, {notice.kind for notice in notices}, now)

    def plan(self, recipient: Recipient, kind: Kind, useful_until: datetime) -> Plan | None:
        """None: there is no way to this person, or they want none of it."""
        preference, urgency = self._preferences.get(recipient.person, USUAL), URGENCIES[kind]
        if not wants(preference, kind, urgency):
            return None
        ways = self._ways(recipient, preference, urgency)
        if not ways:
            return None
        there = clock.local(self._now)
        timed = [(way, when(preference, urgency=urgency, channel=way.channel, now=there)) for way in ways]
        storm = storms(self._recent[recipient.person, kind], urgency, self._now)
        self._recent[recipient.person, kind] += 1
        open_ = [(way, told) for way, told in timed if told.at <= useful_until]
        if not open_:
            return Plan(ways=ways, state=State.GIVEN_UP, at=self._now, note=f"{timed[0][1].why}，届时已过时")
        told = open_[0][1]
        if storm is not None and not told.gathered:
            told = replace(storm, at=max(storm.at, told.at))
        return Plan(
            ways=tuple(way for way, _ in open_),
            state=State.HELD if told.gathered else State.QUEUED,
            at=told.at,
            note=told.why,
        )

    def _ways(self, recipient: Recipient, preference: Preference, urgency: Urgency) -> tuple[Way, ...]:
        """Without any way that is open now: e-mail, which waits for a mail server."""
        addresses = recipient.addresses()
        closed = {
            channel
            for channel, address in addresses.items()
            if self._closed.get((recipient.person, channel)) == address
        }
        for installed in (self._usable, {Channel.EMAIL}):
            ways = ways_of(
                addresses, usable=installed, closed=closed, chosen=preference.channels, urgency=urgency
            )
            if ways:
                return ways
        return ()


def _recent(persons: Iterable[str], kinds: Iterable[str], now: datetime) -> Counter[tuple[str, str]]:
    """How many messages of each kind were lately written to each."""
    if not persons:
        return Counter()
    rows = (
        Message.objects.filter(
            person__in=set(persons), purpose__in=set(kinds), created_at__gte=now - STORM_WITHIN
        )
        .values_list("person", "purpose")
        .annotate(Count("pk"))
    )
    counted: Mapping[tuple[str, str], int] = {(person, kind): count for person, kind, count in rows}
    return Counter(counted)
