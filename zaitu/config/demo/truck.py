"""One simulated truck and the terminal in it: the only thing in the product that is not real. It speaks JT/T 808 over TCP."""

import asyncio
import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from zaitu.config.demo.dice import dice
from zaitu.config.demo.drive import Drive, Moment, blind_m, drive
from zaitu.kernel import clock
from zaitu.kernel.geo import Polyline
from zaitu.network.public import Point
from zaitu.telemetry.public import Place, Refused, Registration, TerminalLink, Uplink

log = logging.getLogger(__name__)

DRIVING_S: Final = 10.0
PARKED_S: Final = 60.0
STORED: Final = timedelta(seconds=60)
"""Between two fixes that the terminal keeps while it has no network."""
REMEMBERED: Final = timedelta(hours=40)
"""How far back the terminal's memory reaches."""
AT_YARD: Final = timedelta(minutes=8)
"""So long before departure the terminal is on."""
SETTLE_S: Final = 30.0
RETRY_S: Final = (0.25, 20.0)
REFUSED_S: Final = 60.0
DRIFT_M: Final = 6.0
SPIKE_M: Final = 70.0
SPIKE_SHARE: Final = 0.01
COLD_C: Final = 4.2
_SIGNAL: Final = b"\x30\x01\x18\x31\x01\x0d"
_ENGINE_ON: Final = 0b11
_ENGINE_OFF: Final = 0b10


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a truck has to drive."""

    terminal: str
    version: str
    plate: str
    cold: bool
    late: bool
    key: str
    """`schedule.run_key` of the trip."""
    line: str
    starts_at: datetime
    stops_m: tuple[float, ...]
    points: tuple[Point, ...]

    def dumped(self) -> str:
        return json.dumps({**asdict(self), "starts_at": self.starts_at.isoformat()})

    @classmethod
    def loaded(cls, fields: dict[str, Any]) -> "Task":
        return cls(
            **{
                **fields,
                "starts_at": datetime.fromisoformat(fields["starts_at"]),
                "stops_m": tuple(fields["stops_m"]),
                "points": tuple((lat, lon) for lat, lon in fields["points"]),
            }
        )


class Trip:
    """A task worked out: where the truck is at any instant."""

    def __init__(self, task: Task, speed: float) -> None:
        """`speed`: how many times faster than the clock it drives."""
        self.task = task
        self._speed = speed
        self._road = Polyline(task.points)
        self._drive: Drive = drive(task.key, task.stops_m, late=task.late)
        self._blind = blind_m(task.line, self._road.length_m)

    def moment(self, at: datetime) -> Moment:
        return self._drive.at((at - self.task.starts_at) * self._speed)

    def blind(self, at: datetime) -> bool:
        """In a tunnel or gorge: no network."""
        along_m = self.moment(at).along_m
        return any(start_m < along_m < end_m for start_m, end_m in self._blind)

    def place(self, at: datetime) -> Place:
        """The fix of this instant, with the error a receiver has."""
        moment = self.moment(at)
        chance = dice("fix", self.task.terminal, at.timestamp())
        lat, lon = self._road.at(moment.along_m)
        ahead = self._road.at(min(moment.along_m + 60, self._road.length_m))
        off_m = abs(chance.gauss(0, SPIKE_M if chance.random() < SPIKE_SHARE else DRIFT_M))
        way = chance.uniform(0, 2 * math.pi)
        moving = moment.speed_kmh > 0
        return Place(
            time=at,
            lat=lat + off_m * math.cos(way) / 111_195,
            lon=lon + off_m * math.sin(way) / (111_195 * math.cos(math.radians(lat))),
            speed_kmh=max(0.0, moment.speed_kmh + chance.gauss(0, 1.5)) if moving else 0.0,
            course_deg=_course(lat, lon, *ahead),
            altitude_m=chance.randrange(20, 60),
            status=_ENGINE_ON if moving else _ENGINE_OFF,
            odometer_m=round(82_000_000 + moment.along_m),
            temps_c=self._temps(at, moving=moving) if self.task.cold else (),
            items=_SIGNAL,
        )

    def _temps(self, at: datetime, *, moving: bool) -> tuple[float, float]:
        """Front and door probe: the compressor's slow wave, and warmer air at the door while it stands."""
        wave = 0.9 * math.sin(at.timestamp() / 1_500) + dice(
            "probe", self.task.terminal, at.timestamp()
        ).gauss(0, 0.15)
        return round(COLD_C + wave, 1), round(COLD_C + 0.6 + wave + (0.0 if moving else 1.1), 1)


def _course(lat: float, lon: float, to_lat: float, to_lon: float) -> int:
    east = (to_lon - lon) * math.cos(math.radians(lat))
    return round(math.degrees(math.atan2(east, to_lat - lat))) % 360


class Truck:
    """Drives what it is given and reports it: live, after tunnels in batches, and after any break where it left off."""

    def __init__(
        self, task: Task, *, address: tuple[str, int], speed: float, reported_to: datetime | None
    ) -> None:
        """`reported_to`: the last instant the platform is known to have, from an earlier run."""
        self.trip = Trip(task, speed)
        self.reported_to = reported_to
        self.seen = False
        """The platform has acknowledged where it is, or it is where no network is."""
        self._speed = speed
        self._stored: list[Place] = []
        who = Registration(maker="SCDZ8", model="SC-808T", terminal_id=task.terminal[-7:], plate=task.plate)
        self._link = TerminalLink(*address, Uplink(task.terminal, task.version), who=who)

    def give(self, task: Task) -> None:
        """The next task; the same one again changes nothing."""
        if task != self.trip.task:
            self.trip = Trip(task, self._speed)

    async def run(self) -> None:
        """For ever: connected while there is a platform, and again when it is back."""
        wait_s = RETRY_S[0]
        while True:
            try:
                self._stored = [*(await self._link.open()), *self._stored]
                wait_s = RETRY_S[0]
                self._recall()
                await self._report()
            except Refused as refused:
                log.warning("%s: %s", self.trip.task.plate, refused)
                wait_s = REFUSED_S
            except (OSError, TimeoutError):
                pass
            finally:
                await self._link.close()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, max(RETRY_S[1], wait_s))

    def _recall(self) -> None:
        """Store what the terminal has recorded since the platform last heard of it."""
        now = clock.now()
        began = self.trip.task.starts_at - AT_YARD / self._speed
        at = max(began, now - REMEMBERED, (self.reported_to or began) + STORED / self._speed).replace(
            microsecond=0
        )
        kept = {place.time for place in self._stored}
        while at < now - timedelta(seconds=1):
            if at not in kept:
                self._stored.append(self.trip.place(at))
            at += timedelta(seconds=max(1, round(STORED.total_seconds() / self._speed)))

    async def _report(self) -> None:
        settled_s = 0.0
        while True:
            now = clock.now().replace(microsecond=0)
            pause_s = self._pause_s(now)
            if self.trip.blind(now):
                self.seen = True
                if not self._stored or now - self._stored[-1].time >= STORED / self._speed:
                    self._stored.append(self.trip.place(now))
            else:
                await self._link.report(self.trip.place(now))
                if not self.seen:
                    await self._link.settle()
                    self.seen = True
                await self._link.report_stored(self._stored)
                settled_s += pause_s
            if settled_s >= SETTLE_S / self._speed:
                await self._link.settle()
                self.reported_to, settled_s = now, 0.0
            await asyncio.sleep(pause_s)

    def _pause_s(self, now: datetime) -> float:
        """Parked trucks report once a minute: the terminal sleeps in between."""
        moment = self.trip.moment(now)
        soon = self.trip.task.starts_at - AT_YARD <= now and not moment.over
        return max(1.0, (DRIVING_S if soon else PARKED_S) / self._speed)


Keep = Callable[[dict[str, str]], None]
"""Takes terminal → last reported instant (ISO 8601)."""


class Yard:
    """The trucks of one process."""

    def __init__(
        self, *, address: tuple[str, int], speed: float, remembered: dict[str, str], keep: Keep
    ) -> None:
        self._address, self._speed = address, speed
        self._remembered, self._keep = remembered, keep
        self._trucks: dict[str, Truck] = {}
        self._running: set[asyncio.Task[None]] = set()

    def give(self, task: Task) -> None:
        truck = self._trucks.get(task.terminal)
        if truck is not None:
            truck.give(task)
            return
        told = self._remembered.get(task.terminal)
        truck = Truck(
            task,
            address=self._address,
            speed=self._speed,
            reported_to=datetime.fromisoformat(told) if told else None,
        )
        self._trucks[task.terminal] = truck
        self._running.add(asyncio.create_task(truck.run()))

    @property
    def seen(self) -> bool:
        return bool(self._trucks) and all(truck.seen for truck in self._trucks.values())

    def keep(self) -> None:
        self._remembered |= {
            terminal: truck.reported_to.isoformat()
            for terminal, truck in self._trucks.items()
            if truck.reported_to is not None
        }
        self._keep(self._remembered)

    async def close(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.keep()
