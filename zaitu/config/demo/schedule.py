"""The company's timetable: which truck leaves when on which line, for ever, and which run an order goes with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import Final

from zaitu.config.demo.drive import planned_min
from zaitu.config.demo.geography import ROADS, Road
from zaitu.config.demo.roads import BY_LINE, stops
from zaitu.kernel.clock import CHINA

EPOCH: Final = datetime(2024, 1, 1, tzinfo=CHINA)
COLLECTED_AFTER: Final = timedelta(minutes=70)
_LAST_ROUND: Final = time(18)
_FIRST_ROUND: Final = time(9)
"""What is ordered in the evening is collected in the morning."""
READY_BEFORE: Final = timedelta(minutes=110)
"""So long before a truck leaves its station goods must have been collected to go with it."""
_STEP: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """One planned drive of a truck over a line."""

    line: str
    plate: str
    driver: str
    departs_at: datetime

    @property
    def key(self) -> str:
        return run_key(self.plate, self.departs_at)


def run_key(plate: str, departs_at: datetime) -> str:
    """One run of a truck, for its dice: known before the trip has a number, and to a fleet that reads trips only."""
    return f"{plate}@{departs_at.timestamp():.0f}"


@dataclass(frozen=True, slots=True)
class Truck:
    plate: str
    driver: str
    terminal: str
    version: str
    """Of JT/T 808: 2013 or 2019."""
    road: Road
    number: int
    """Among the trucks of its road, from 0."""

    @property
    def cold(self) -> bool:
        return self.road.product == "COLD"

    @property
    def late(self) -> bool:
        """The company's one slow truck."""
        return self.road.code == "GZ-BJ" and self.number == 0


_REGISTERED: Final = {
    "SH-CD": "沪A",
    "GZ-BJ": "粤A",
    "SZ-HZ": "粤B",
    "XA-UR": "陕A",
    "SY-NJ": "辽A",
    "QD-SH": "鲁B",
}


@cache
def trucks() -> tuple[Truck, ...]:
    """The trucks that run the lines."""
    found: list[Truck] = []
    for road in ROADS:
        for number in range(road.trucks):
            index = len(found)
            found.append(
                Truck(
                    plate=f"{_REGISTERED[road.code]}{61_200 + index * 137:05d}",
                    driver=f"D{index + 1:03d}",
                    terminal=f"1990018{index + 1:04d}",
                    version="2019" if index % 3 == 0 else "2013",
                    road=road,
                    number=number,
                )
            )
    return tuple(found)


def runs(start: datetime, end: datetime, *, road: Road | None = None) -> list[Run]:
    """Departures with start ≤ departs_at < end, of one road or of all, in time order."""
    found = [run for truck in trucks() if road in (None, truck.road) for run in _of(truck, start, end)]
    return sorted(found, key=lambda run: (run.departs_at, run.plate))


def _of(truck: Truck, start: datetime, end: datetime) -> Iterator[Run]:
    turn = timedelta(days=truck.road.days)
    first = EPOCH + turn * truck.number / truck.road.trucks
    half = int((start - first) / (turn / 2)) - 1
    while True:
        at = first + half * (turn / 2)
        at -= (at - EPOCH) % _STEP
        if at >= end:
            return
        if at >= start:
            line = truck.road.code if half % 2 == 0 else f"{truck.road.code}-R"
            yield Run(line, truck.plate, truck.driver, at)
        half += 1


def collected_at(ordered_at: datetime) -> datetime:
    """When the goods of an order placed at this instant are fetched."""
    local = ordered_at.astimezone(CHINA)
    evening = datetime.combine(local.date(), _LAST_ROUND, CHINA)
    if local < evening:
        return ordered_at + COLLECTED_AFTER
    morning = datetime.combine(local.date() + timedelta(days=1), _FIRST_ROUND, CHINA)
    return morning + (local - evening) / 4


def run_for(line: str, station: str, ordered_at: datetime) -> Run:
    """The first run of a line that an order placed at this instant can still catch at its station."""
    ahead = timedelta(minutes=planned_min(line)[stops(line).index(station)])
    earliest = collected_at(ordered_at) + READY_BEFORE - ahead
    soon = runs(earliest, earliest + timedelta(days=4), road=BY_LINE[line])
    return next(run for run in soon if run.line == line)
