"""Telling the bus where vehicles are: at once while they are few or somebody is looking, else once a second in one message."""

import asyncio
import time
from collections.abc import Iterable
from math import isnan
from typing import Any, Final

import numpy as np

from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.positions import instant
from zaitu.telemetry.codecs.columns import NONE, Ints
from zaitu.telemetry.services.engine import Engine

AT_ONCE: Final = 200
"""Vehicles of one tick told one by one."""
_BUNCH: Final = 250
"""Told in one message: more would hold up the connections of this process."""
_FORGET_S: Final = 15.0
"""A process that has not said for so long what it looks at is gone."""


class LiveFeed:
    """Topics `fix.<vehicle id>` for one, `fix.many` for many: `{"fixes": [{…}, …]}`. Belongs to one event loop."""

    def __init__(self, bus: BusClient, engine: Engine) -> None:
        self._bus = bus
        self._engine = engine
        self._waiting: set[int] = set()
        self._looked_at: dict[str, tuple[float, frozenset[int]]] = {}
        """By process: until when (monotonic), and the vehicles people there look at."""

    async def watching(self) -> None:
        """Follow what the doors say of their readers (topic `watching`), until cancelled."""
        async for _topic, payload in self._bus.subscribe("watching"):
            vehicles = frozenset(int(one) for one in payload.get("vehicles", ()))
            self._looked_at[str(payload.get("process"))] = (time.monotonic() + _FORGET_S, vehicles)

    async def moved(self, slots: Ints) -> None:
        """These vehicles have moved on, and it is stored."""
        if len(slots) <= AT_ONCE:
            await self._each(live_fixes(self._engine, slots))
            return
        self._waiting.update(slots.tolist())
        wanted = self._engine.fleet.slots_known(self._wanted())
        await self._each(live_fixes(self._engine, np.intersect1d(slots, np.array(wanted, dtype=np.int64))))

    async def tell(self) -> None:
        """The others; once a second."""
        slots = np.array(sorted(self._waiting), dtype=np.int64)
        self._waiting.clear()
        for start in range(0, len(slots), _BUNCH):
            bunch = live_fixes(self._engine, slots[start : start + _BUNCH])
            await self._bus.publish("fix.many", {"fixes": bunch})
            await asyncio.sleep(0)

    async def _each(self, fixes: Iterable[dict[str, Any]]) -> None:
        for fix in fixes:
            await self._bus.publish(f"fix.{fix['vehicle_id']}", fix)

    def _wanted(self) -> set[int]:
        now_s = time.monotonic()
        self._looked_at = {who: said for who, said in self._looked_at.items() if said[0] > now_s}
        return {one for _, vehicles in self._looked_at.values() for one in vehicles}


def live_fixes(engine: Engine, slots: Ints) -> list[dict[str, Any]]:
    """The newest stored fix of these vehicles, as the bus tells it; the place on the route may be a tick or two further on."""
    newest, vehicles = engine.newest_of(slots), engine.fleet.vehicles[slots]
    ids, trips = engine.fleet.vehicle_ids, engine.fleet.trips
    return [
        {
            "vehicle_id": ids[slot],
            "at": instant(at_us).isoformat(),
            "lat": lat,
            "lon": lon,
            "speed_kmh": None if isnan(speed_kmh) else speed_kmh,
            "course_deg": None if course_deg == NONE else course_deg,
            "along_m": None if isnan(along_m) else along_m,
            "trip": trips[slot],
        }
        for slot, at_us, lat, lon, speed_kmh, course_deg, along_m in zip(
            slots.tolist(), newest["at_us"].tolist(), newest["lat"].tolist(), newest["lon"].tolist(),
            newest["speed_kmh"].tolist(), newest["course_deg"].tolist(), vehicles["along_m"].tolist(), strict=True,
        )
    ]  # fmt: skip
