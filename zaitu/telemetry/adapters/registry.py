"""Terminals in memory: who is let in, in which vehicle when, and what each sent last. Belongs to one engine."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from django.db import connection

from zaitu.network import public as network
from zaitu.telemetry.adapters.behind import Behind
from zaitu.telemetry.codecs.columns import NONE, Columns, Flag, Ints, microseconds
from zaitu.telemetry.kernels import once
from zaitu.telemetry.kernels.once import FOREVER_US, RING
from zaitu.telemetry.models import Terminal

_SLOTS: Final = 1_024
_ROW: Final = ("id", "terminal", "version", "last_fix_at")
Row = tuple[int, str, str, datetime | None]
Stay = tuple[int, int, int]
"""(from_us, until_us, vehicle id)."""


class Registry:
    """Slots are given in the order terminals are first heard of and never change."""

    def __init__(self) -> None:
        self.memory = once.memory(_SLOTS)
        self.names: list[str] = []
        """By slot."""
        self.versions: list[str] = []
        """Of the standard, by slot; empty: it has not registered."""
        self._slot_of: dict[str, int] = {}
        self._stays: dict[int, list[Stay]] = {}
        self._mark = 0
        self.unwritten = Behind()
        """Slots whose newest fix is not yet written to their row."""

    def load(self) -> None:
        """Everybody who is let in. Three queries."""
        self._mark, _ = network.bindings_changed(0)
        rows = list(Terminal.objects.order_by("id").values_list(*_ROW))
        # Of the right size at once: what is never written to takes no memory, what is copied into a larger one does.
        self.memory = once.memory_grown(self.memory, max(2 * len(rows), len(self.memory.terminal_id)))
        self.admit(rows)
        self._stays_put(self._stays_read(self.names))

    def slots_of(self, names: Sequence[str]) -> Ints:
        """Of these terminals; −1 for strangers. A query when one was not heard of before."""
        known = self._slot_of
        unheard = {name for name in names if name and name not in known}
        if unheard:
            rows = list(Terminal.objects.filter(terminal__in=unheard).order_by("id").values_list(*_ROW))
            stays = self._stays_read([name for _, name, _, _ in rows])
            self.admit(rows)
            self._stays_put(stays)
        return np.array([known.get(name, -1) for name in names], dtype=np.int64)

    def slots_of_ids(self, terminal_id: Ints) -> Ints:
        """Of terminals by their rows' ids; −1: not loaded."""
        slot_of = {one: slot for slot, one in enumerate(self.memory.terminal_id[: len(self.names)].tolist())}
        return np.array([slot_of.get(one, -1) for one in terminal_id.tolist()], dtype=np.int64)

    def refresh(self) -> None:
        """Follow terminals that were put into other vehicles. Two queries, one more when some were."""
        mark, changed = network.bindings_changed(self._mark)
        self._stays_put(self._stays_read([name for name in changed if name in self._slot_of]))
        self._mark = mark  # last: what fails before is repeated

    def registered(self, since: datetime) -> list[int]:
        """Slots of those that registered since, their versions known afterwards. One query."""
        rows = Terminal.objects.filter(registered_at__gte=since).values_list("terminal", "version")
        fresh = [(self._slot_of[name], version) for name, version in rows if name in self._slot_of]
        for slot, version in fresh:
            self.versions[slot] = version
        return [slot for slot, _ in fresh]

    def vehicle_at(self, slot: int, at_us: int) -> int:
        """The vehicle this terminal was in then; NONE: in none. That stay is the cached one afterwards if it is the newest asked for."""
        gap_from, gap_until = -FOREVER_US, FOREVER_US
        for from_us, until_us, vehicle_id in self._stays.get(slot, ()):
            if from_us <= at_us < until_us:
                self._cache(slot, from_us, until_us, vehicle_id, at_us)
                return vehicle_id
            if until_us <= at_us:
                gap_from = max(gap_from, until_us)
            else:
                gap_until = min(gap_until, from_us)
        self._cache(slot, gap_from, gap_until, NONE, at_us)
        return NONE

    def remember(self, terminal_id: Ints, columns: Columns) -> None:
        """Rows of the table, oldest received first: what a restart must not take for new."""
        for row, slot in enumerate(self.slots_of_ids(terminal_id).tolist()):
            if slot < 0:
                continue
            at_us = NONE if columns.flags[row] & Flag.CLOCK else int(columns.at_us[row])
            place = int(self.memory.ring_next[slot]) % RING
            if self.memory.ring_next[slot] >= RING:
                forgotten_us = int(self.memory.ring_at_us[slot, place])
                self.memory.complete_us[slot] = max(int(self.memory.complete_us[slot]), forgotten_us + 1)
            self.memory.ring_at_us[slot, place] = at_us
            self.memory.ring_digest[slot, place] = columns.digest[row]
            self.memory.ring_next[slot] += 1
            self.memory.newest_us[slot] = max(int(self.memory.newest_us[slot]), at_us)

    def seen_write(self, slots: list[int], now: datetime) -> None:
        """Write the newest fix of these, which are `unwritten`. One statement."""
        newest_us = self.memory.newest_us[slots]
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE telemetry_terminal AS terminal
                      SET last_seen_at = greatest(terminal.last_seen_at, %s),
                          last_fix_at = greatest(terminal.last_fix_at, 'epoch'::timestamptz + seen.newest_us * interval '1 microsecond')
                     FROM unnest(%s::bigint[], %s::bigint[]) AS seen (id, newest_us)
                    WHERE terminal.id = seen.id""",
                [
                    now,
                    self.memory.terminal_id[slots].tolist(),
                    [None if newest == NONE else newest for newest in newest_us.tolist()],
                ],
            )
        self.unwritten.done(slots)

    def admit(self, rows: Iterable[Row]) -> None:
        """Terminals (id, number, version, newest fix) that were not heard of before."""
        for terminal_id, name, version, last_fix_at in rows:
            slot = len(self.names)
            if slot == len(self.memory.terminal_id):
                self.memory = once.memory_grown(self.memory, 2 * slot)
            self.names.append(name)
            self.versions.append(version)
            self._slot_of[name] = slot
            self.memory.terminal_id[slot] = terminal_id
            if last_fix_at is not None:
                self.memory.newest_us[slot] = microseconds(last_fix_at)
                self.memory.complete_us[slot] = microseconds(last_fix_at) + 1

    def _stays_read(self, names: Sequence[str]) -> dict[str, list[Stay]]:
        """The stays of each of these terminals. A query when there are some."""
        stays: dict[str, list[Stay]] = {name: [] for name in names}
        for binding in network.bindings_of(stays) if stays else ():
            until_us = microseconds(binding.to_at) if binding.to_at else FOREVER_US
            stays[binding.terminal].append((microseconds(binding.from_at), until_us, binding.vehicle_id))
        return stays

    def _stays_put(self, stays: Mapping[str, list[Stay]]) -> None:
        for name, of_name in stays.items():
            slot = self._slot_of[name]
            self._stays[slot] = of_name
            # An empty stretch: the next fix asks for its stay.
            self.memory.from_us[slot], self.memory.until_us[slot] = 0, 0

    def _cache(self, slot: int, from_us: int, until_us: int, vehicle_id: int, at_us: int) -> None:
        """An old fix must not push out the stay that live ones ask for all the time."""
        if at_us >= int(self.memory.newest_us[slot]):
            self.memory.from_us[slot], self.memory.until_us[slot] = from_us, until_us
            self.memory.vehicle_id[slot] = vehicle_id
