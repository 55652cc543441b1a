"""Everything the rules know of the fleet, in memory: found by vehicle, walked by the tick, written to a document per vehicle."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Columns, Ints
from zaitu.telemetry.domain.watch import Watch
from zaitu.telemetry.kernels.layout import FACT, VEHICLE, Kind, Records, blank
from zaitu.telemetry.kernels.walk import walk
from zaitu.telemetry.kernels.watches import Watches
from zaitu.telemetry.rules.fences import VISITS_MAX, Visit

_SLOTS: Final = 1_024
_FACTS: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a tick did."""

    facts: Records
    """layout.FACT, in time order of each vehicle's rows."""
    moved: Ints
    """Row numbers: the newest fix of each vehicle that has moved on."""

    @property
    def told(self) -> Ints:
        """Slots whose documents must be stored together with the facts, lest they be told again."""
        slots: Ints = np.unique(self.facts["slot"])
        return slots


class Fleet:
    """Arrays by vehicle slot. Slots are given in the order vehicles are first asked for and never change."""

    def __init__(self) -> None:
        self.vehicle_ids: list[int] = []
        """By slot."""
        self.trips: list[str] = []
        """By slot; empty: not watched."""
        self.vehicles: Records = blank(VEHICLE, _SLOTS)
        self.watches = Watches(_SLOTS)
        self._slot_of: dict[int, int] = {}
        self._visits: dict[int, list[Visit]] = {}
        self._facts = blank(FACT, _FACTS)

    def slot(self, vehicle_id: int) -> int:
        """Of a vehicle; a new one if it has none yet."""
        slot = self._slot_of.setdefault(vehicle_id, len(self.vehicle_ids))
        if slot == len(self.vehicle_ids):
            self.vehicle_ids.append(vehicle_id)
            self.trips.append("")
            if slot == len(self.vehicles):
                self.vehicles = np.concatenate([self.vehicles, blank(VEHICLE, len(self.vehicles))])
                self.watches.grow(len(self.vehicles))
        return slot

    def watch_set(self, vehicle_id: int, watch: Watch) -> None:
        """Watch for this from now on. Another trip begins with nothing remembered of the one before."""
        slot = self.slot(vehicle_id)
        if self.trips[slot] != watch.trip:
            self.watch_clear(vehicle_id)
        self.trips[slot] = watch.trip
        self.watches.put(slot, watch)
        self._count_open(slot)

    def watch_clear(self, vehicle_id: int) -> None:
        slot = self.slot(vehicle_id)
        self.trips[slot] = ""
        self.watches.take(slot)
        self._visits.pop(slot, None)
        for name in ("along_m", "off_m", "open_stops"):
            self.vehicles[slot][name] = blank(VEHICLE, 1)[0][name]

    def _count_open(self, slot: int) -> None:
        stays = self.watches.stays_of(slot).values()
        self.vehicles[slot]["open_stops"] = sum(int(stay["entered_us"] != NONE) for stay in stays)

    def walk(self, columns: Columns, slots: Ints, order: Ints) -> Walked:
        """Take these rows (`order`: numbers of rows, by vehicle and then fix time) through the rules.

        `slots`: of every row of `columns`. Rows not in `order` are not looked at.
        """
        moved = np.zeros(len(columns), dtype=np.int64)
        found: list[Records] = []
        begin = 0
        while begin < len(order):
            begin, told = self._walk(columns, slots, order, begin, moved)
            found.append(self._facts[:told].copy())
            if not told and begin < len(order):
                self._facts = blank(FACT, 2 * len(self._facts))
        facts = np.concatenate(found) if found else self._facts[:0].copy()
        self._remember(facts)
        return Walked(facts=facts, moved=np.flatnonzero(moved))

    def _walk(self, columns: Columns, slots: Ints, order: Ints, begin: int, moved: Ints) -> tuple[int, int]:
        watches = self.watches
        return walk(
            order, begin, slots, columns.at_us, columns.flags, columns.lat, columns.lon,
            self.vehicles, watches.records, watches.points.rows, watches.boxes.rows, watches.stops.rows,
            watches.stays.rows, watches.corners.rows, self._facts, moved,
        )  # fmt: skip

    def _remember(self, facts: Records) -> None:
        """Stays that ended: the arrays hold only whether there was one."""
        for fact in facts[facts["kind"] == Kind.STOP_LEFT]:
            kept = self._visits.setdefault(int(fact["slot"]), [])
            kept.append(Visit(seq=int(fact["a"]), entered_s=fact["b"] / 1e6, left_s=fact["at_us"] / 1e6))
            del kept[:-VISITS_MAX]

    def visits(self, slot: int) -> tuple[Visit, ...]:
        """Of this trip: those that ended, then those that go on."""
        return (
            *self._visits.get(slot, ()),
            *(
                _visit(seq, stay)
                for seq, stay in self.watches.stays_of(slot).items()
                if stay["entered_us"] != NONE
            ),
        )

    def visits_put(self, slot: int, visits: Iterable[Visit]) -> None:
        """Replace what is remembered of this trip's stops; call it after the watch was set."""
        kept = self._visits[slot] = []
        for visit in visits:
            stay = self.watches.stay(slot, visit.seq)
            if visit.left_s is not None:
                kept.append(visit)
                if stay is not None:
                    stay["left"] = 1
            elif stay is not None:
                # Written down when it was entered; whoever has not left it since was inside with the newest fix.
                inside_us = max(_us(visit.inside_s), int(self.vehicles[slot]["at_us"]))
                stay["entered_us"], stay["inside_us"] = _us(visit.entered_s), inside_us
                stay["out_since_us"], stay["out_fixes"] = _us(visit.out_since_s), visit.out_fixes
        del kept[:-VISITS_MAX]
        self._count_open(slot)


def _us(seconds: float | None) -> int:
    return NONE if seconds is None else round(seconds * 1e6)


def _visit(seq: int, stay: Any) -> Visit:
    out_us = int(stay["out_since_us"])
    return Visit(
        seq=seq,
        entered_s=int(stay["entered_us"]) / 1e6,
        out_since_s=None if out_us == NONE else out_us / 1e6,
        out_fixes=int(stay["out_fixes"]),
        inside_s=int(stay["inside_us"]) / 1e6,
    )
