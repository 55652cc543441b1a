"""Everything the rules know of the fleet, in memory: found by vehicle and terminal, walked by the tick.

Whoever runs it gives rows in time order, stores the facts with the documents (kernels/document.py) of the vehicles they are told of in
one transaction, and asks `timer` now and then. All state is here: the same rows give the same facts, however they are cut into ticks and
whenever documents are written and loaded again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import NONE, Columns, Ints
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.domain.limits import Band, Limits, Stand
from zaitu.telemetry.domain.watch import Watch
from zaitu.telemetry.kernels.layout import DEVICE, FACT, OF_TRIP, VEHICLE, Records, blank
from zaitu.telemetry.kernels.walk import walk
from zaitu.telemetry.kernels.watches import Watches
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.fences import VISITS_MAX, Visit

_SLOTS: Final = 1_024
_FACTS: Final = 4_096
OF_TRIP_DEVICE: Final = ("away", "worst", "bands")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Rows for the rules."""

    columns: Columns
    received_us: Ints
    """Of each row."""
    slots: Ints
    """Of each row, the vehicle's (`Fleet.slot`)."""
    devices: Ints
    """Of each row, the terminal's (`Fleet.device`)."""
    order: Ints
    """Numbers of the rows to take, by vehicle and then fix time; others are not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a tick did."""

    facts: Records
    """layout.FACT, by vehicle, and in the order of its rows."""
    moved: Ints
    """Row numbers: the newest fix of each vehicle that has moved on."""

    @property
    def told(self) -> Ints:
        """Slots whose documents must be stored together with the facts, lest these be told again."""
        slots: Ints = np.unique(self.facts["slot"])
        return slots


def order_of(slots: Ints, at_us: Ints, rows: Ints) -> Ints:
    """These rows, by vehicle and then fix time; rows of one time stay in their order."""
    order: Ints = rows[np.lexsort((at_us[rows], slots[rows]))]
    return order


def order_again(slots: Ints, at_us: Ints, received_us: Ints, rows: Ints) -> Ints:
    """Rows of several ticks, as they were taken then: what came late stays late."""
    order: Ints = rows[np.lexsort((at_us[rows], received_us[rows], slots[rows]))]
    return order


class Fleet:
    """Arrays by slot. Slots of vehicles and of terminals are given in the order they are first asked for and never change."""

    def __init__(self) -> None:
        self.vehicle_ids: list[int] = []
        """By slot."""
        self.trips: list[str] = []
        """By slot; empty: not watched."""
        self.terminal_ids: list[int] = []
        """By slot of the terminal."""
        self.vehicles: Records = blank(VEHICLE, _SLOTS)
        self.devices: Records = blank(DEVICE, _SLOTS)
        self.watches = Watches(_SLOTS)
        self._slot_of: dict[int, int] = {}
        self._device_of: dict[int, int] = {}
        self._devices_in: dict[int, set[int]] = {}
        self._visits: dict[int, list[Visit]] = {}
        self._facts = blank(FACT, _FACTS)

    def slot(self, vehicle_id: int) -> int:
        """Of a vehicle; a new one if it has none yet."""
        slot = self._slot_of.setdefault(vehicle_id, len(self.vehicle_ids))
        if slot == len(self.vehicle_ids):
            self.vehicle_ids.append(vehicle_id)
            self.trips.append("")
            if slot == len(self.vehicles):
                self.vehicles = np.concatenate([self.vehicles, blank(VEHICLE, slot)])
                self.watches.grow(len(self.vehicles))
        return slot

    def slots_known(self, vehicle_ids: Iterable[int]) -> list[int]:
        """Of those that have one; from any thread."""
        slots = [self._slot_of.get(one) for one in vehicle_ids]
        return [slot for slot in slots if slot is not None and slot < len(self.vehicle_ids)]

    def device(self, terminal_id: int, *, edges: int | None = None) -> int:
        """Slot of a terminal. `edges`: which alarm bits are edges (codecs.jt808.alarms.EDGES by version); None: as before, or 2013's."""
        device = self._device_of.setdefault(terminal_id, len(self.terminal_ids))
        if device == len(self.terminal_ids):
            self.terminal_ids.append(terminal_id)
            if device == len(self.devices):
                self.devices = np.concatenate([self.devices, blank(DEVICE, device)])
            self.devices[device]["slot"], self.devices[device]["edges"] = -1, EDGES["2013"]
        if edges is not None:
            self.devices[device]["edges"] = edges
        return device

    def devices_in(self, slot: int) -> list[int]:
        """Slots of the terminals whose newest report came from this vehicle."""
        return sorted(self._devices_in.get(slot, ()))

    def watch_set(self, vehicle_id: int, watch: Watch) -> None:
        """Watch for this from now on. Another trip begins with nothing raised; of the same one everything is kept."""
        slot = self.slot(vehicle_id)
        if self.trips[slot] != watch.trip:
            self.watch_clear(vehicle_id)
        before = self.watches.limits(slot)
        self.trips[slot] = watch.trip
        self.watches.put(slot, watch)
        self.vehicles[slot]["clear_m"] = np.nan
        self._count_open(slot)
        self.carry(slot, before.bands, before.stands)

    def watch_clear(self, vehicle_id: int) -> None:
        """Forget a trip."""
        slot = self.slot(vehicle_id)
        self.trips[slot] = ""
        self.watches.take(slot)
        self._visits.pop(slot, None)
        for name in OF_TRIP:
            self.vehicles[name][slot] = _VEHICLE[name][0]
        for device in self._devices_in.get(slot, ()):
            for name in OF_TRIP_DEVICE:
                self.devices[name][device] = _DEVICE[name][0]

    def limits(self, slot: int) -> Limits:
        return self.watches.limits(slot)

    def carry(self, slot: int, bands: Sequence[Band], stands: Sequence[Stand]) -> None:
        """What is remembered by number of these bands and periods: by those the watch has now; of the rest it is forgotten."""
        limits = self.limits(slot)
        if tuple(stands) != limits.stands:
            told = int(self.vehicles[slot]["stands_told"])
            kept = [
                index
                for index, one in enumerate(limits.stands)
                if one in stands and told >> stands.index(one) & 1
            ]
            self.vehicles[slot]["stands_told"] = sum(1 << index for index in kept)
        if tuple(bands) != limits.bands:
            for device in self._devices_in.get(slot, ()):
                for name in ("worst", "bands"):
                    before = self.devices[name][device].copy()
                    self.devices[name][device] = _DEVICE[name][0]
                    for index, one in enumerate(limits.bands):
                        if one in bands:
                            self.devices[name][device, index] = before[bands.index(one)]

    def walk(self, tick: Tick) -> Walked:
        """Take the rows through all rules. Those older than their vehicle's or terminal's newest change and tell nothing."""
        self._bind(tick)
        moved = np.zeros(len(tick.columns), dtype=np.int64)
        found: list[Records] = [self._facts[:0]]
        begin = 0
        while begin < len(tick.order):
            begin, told = self._walk(tick, begin, moved)
            found.append(self._facts[:told].copy())
            if not told and begin < len(tick.order):
                self._facts = blank(FACT, 2 * len(self._facts))
        facts = np.concatenate(found)
        self._remember(facts)
        return Walked(facts=facts, moved=np.flatnonzero(moved))

    def unheard(self, slots: Ints, received_us: Ints) -> npt.NDArray[np.bool_]:
        """Which rows came after what is remembered of their vehicle: those to be walked when a document has been loaded."""
        after: npt.NDArray[np.bool_] = received_us > self.vehicles["heard_us"][slots]
        return after

    def _walk(self, tick: Tick, begin: int, moved: Ints) -> tuple[int, int]:
        watches, columns = self.watches, tick.columns
        return walk(
            tick.order, begin, tick.slots, tick.devices, tick.received_us,
            columns.at_us, columns.flags, columns.lat, columns.lon, columns.speed_kmh, columns.alarm, columns.temps_c,
            columns.probes, columns.humidity_pct, columns.battery_pct, columns.shock_g, columns.lock_events,
            columns.lock_closed,
            self.vehicles, self.devices, watches.records, watches.points.rows, watches.boxes.rows, watches.stops.rows,
            watches.stays.rows, watches.corners.rows, watches.bands.rows, watches.stands.rows, watches.openings.rows,
            self._facts, moved,
        )  # fmt: skip

    def _bind(self, tick: Tick) -> None:
        """A terminal that reports from another vehicle than before begins anew there."""
        devices = tick.devices[tick.order]
        other = self.devices["slot"][devices] != tick.slots[tick.order]
        for row in tick.order[other]:
            device, slot = int(tick.devices[row]), int(tick.slots[row])
            if (
                self.devices[device]["slot"] != slot
                and tick.columns.at_us[row] > self.devices[device]["seen_us"]
            ):
                self.bind(device, slot)

    def bind(self, device: int, slot: int) -> None:
        """Forget what a terminal reported elsewhere."""
        edges = self.devices[device]["edges"]
        self._devices_in.get(int(self.devices[device]["slot"]), set()).discard(device)
        self._devices_in.setdefault(slot, set()).add(device)
        self.devices[device] = _DEVICE[0]
        self.devices[device]["slot"], self.devices[device]["edges"] = slot, edges

    def _remember(self, facts: Records) -> None:
        """Stays that ended: the arrays hold only whether there was one."""
        for fact in facts[facts["kind"] == Kind.STOP_LEFT]:
            kept = self._visits.setdefault(int(fact["slot"]), [])
            kept.append(Visit(seq=int(fact["a"]), entered_s=fact["b"] / 1e6, left_s=fact["at_us"] / 1e6))
            del kept[:-VISITS_MAX]

    def visits(self, slot: int) -> tuple[Visit, ...]:
        """Of this trip: those that ended, then those that go on."""
        stays = self.watches.stays_of(slot).items()
        going_on = [_visit(seq, stay) for seq, stay in stays if stay["entered_us"] != NONE]
        return (*self._visits.get(slot, ()), *going_on)

    def visits_set(self, slot: int, visits: Sequence[Visit]) -> None:
        """Replace what is remembered of the stays of this trip; of stops the watch has not, those that go on are forgotten."""
        self._visits[slot] = [visit for visit in visits if visit.left_s is not None][-VISITS_MAX:]
        going_on = {visit.seq: visit for visit in visits if visit.left_s is None}
        left = {visit.seq for visit in visits if visit.left_s is not None}
        for seq, stay in self.watches.stays_of(slot).items():
            visit = going_on.get(seq)
            stay["entered_us"] = NONE if visit is None else _us(visit.entered_s)
            stay["inside_us"] = NONE if visit is None else _us(visit.inside_s)
            stay["out_since_us"] = (
                NONE if visit is None or visit.out_since_s is None else _us(visit.out_since_s)
            )
            stay["out_fixes"] = 0 if visit is None else visit.out_fixes
            stay["left"] = int(seq in left)
        self._count_open(slot)

    def _count_open(self, slot: int) -> None:
        stays = self.watches.stays_of(slot).values()
        self.vehicles[slot]["open_stops"] = sum(int(stay["entered_us"] != NONE) for stay in stays)

    def timer(self, now_us: int) -> Records:
        """Facts of time that passed without a report: watched vehicles no longer heard of."""
        count = len(self.vehicle_ids)
        vehicles, watches = self.vehicles[:count], self.watches.records[:count]
        since_us = np.maximum(vehicles["heard_us"], watches["from_us"])
        watched = (watches["from_us"] != NONE) & (vehicles["silent"] == 0)
        # A blank instant is so far back that a difference to it would overflow.
        lost = np.flatnonzero(watched & (since_us <= now_us - watches["signal_after_us"]))
        facts = blank(FACT, len(lost))
        facts["kind"], facts["slot"], facts["device"] = Kind.SIGNAL_LOST, lost, -1
        facts["at_us"], facts["fix_us"] = since_us[lost], now_us
        facts["a"] = (now_us - since_us[lost]) / 1e6
        facts["lat"], facts["lon"] = vehicles["lat"][lost], vehicles["lon"][lost]
        self.vehicles["silent"][lost] = 1
        return facts

    def timer_undone(self, facts: Records) -> None:
        """What `timer` told could not be stored: it is to be told again."""
        self.vehicles["silent"][facts["slot"]] = 0


_VEHICLE: Final = blank(VEHICLE, 1)
_DEVICE: Final = blank(DEVICE, 1)


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _visit(seq: int, stay: Any) -> Visit:
    out_us = int(stay["out_since_us"])
    return Visit(
        seq=seq,
        entered_s=int(stay["entered_us"]) / 1e6,
        out_since_s=None if out_us == NONE else out_us / 1e6,
        out_fixes=int(stay["out_fixes"]),
        inside_s=int(stay["inside_us"]) / 1e6,
    )
