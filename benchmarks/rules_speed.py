"""Rows a second through all rules, on roads of 500 points with five stops."""

import time
from typing import Final

import numpy as np

from benchmarks.records import Measured
from benchmarks.rules_truth import DEGREES, START, START_S, Array, Floats, columns_of, road
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.kernels.fleet import Fleet, Tick

TICK_ROWS: Final = 5_000
TICKS: Final = 40
UNMEASURED: Final = 3
"""They compile, and bring the state into the caches."""
LINES: Final = 1_000
"""Different roads; vehicles of a line share theirs."""
POINTS: Final = 500
STOPS: Final = 5
_SPEED_MPS: Final = 20.0


class Traffic:
    """Vehicles on their roads; every one reports in turn, those of a small fleet several times a tick."""

    def __init__(self, vehicles: int) -> None:
        self.rng = np.random.default_rng(1)
        self.fleet = Fleet()
        roads = [road(self.rng, 500_000, POINTS) for _ in range(min(LINES, vehicles))]
        self.points: Floats = np.array([one.points for one in roads])
        self.length_m = np.array([one.length_m for one in roads])
        self.each = max(1, TICK_ROWS // vehicles)
        self.reporting = min(vehicles, TICK_ROWS)
        # A report every so many seconds keeps the fleet at real speeds.
        self.step_s = 5.0
        watches = [
            Watch(trip="T", route=one.points, stops=_stops(one.points, one.length_m), from_at=START)
            for one in roads
        ]
        for vehicle in range(vehicles):
            self.fleet.watch_set(vehicle, watches[vehicle % len(roads)])
            self.fleet.device(vehicle)
        self.along_m = self.rng.uniform(5_000, 300_000, vehicles)
        self.at_s = np.zeros(vehicles)
        self.turn = self.rng.permutation(vehicles)

    def tick(self) -> Tick:
        chosen = np.sort(self.turn[: self.reporting])
        self.turn = np.roll(self.turn, -self.reporting)
        vehicle = np.repeat(chosen, self.each)
        ahead_s = self.step_s * (1 + np.tile(np.arange(self.each), len(chosen)))
        at_s, along_m = self.at_s[vehicle] + ahead_s, self.along_m[vehicle] + ahead_s * _SPEED_MPS
        self.at_s[chosen] += self.step_s * self.each
        self.along_m[chosen] += self.step_s * self.each * _SPEED_MPS
        lat, lon = self._places(vehicle, along_m)
        at_us = ((START_S + at_s) * 1e6).astype(np.int64)
        columns = columns_of(
            [
                {
                    "at_us": at_us,
                    "lat": lat,
                    "lon": lon,
                    "flags": np.ones(len(lat), np.int64),
                    "speed_kmh": np.full(len(lat), 72.0),
                }
            ]
        )
        return Tick(
            columns=columns, received_us=at_us, slots=vehicle, devices=vehicle, order=np.arange(len(vehicle))
        )

    def _places(self, vehicle: Array, along_m: Floats) -> tuple[Floats, Floats]:
        line = vehicle % len(self.points)
        place = np.clip(along_m / self.length_m[line], 0, 0.999) * (POINTS - 1)
        before = place.astype(np.int64)
        share = (place - before)[:, None]
        true = self.points[line, before] * (1 - share) + self.points[line, before + 1] * share
        noisy = true + self.rng.normal(0, 6, true.shape) * DEGREES
        return noisy[:, 0].copy(), noisy[:, 1].copy()


def _stops(points: tuple[tuple[float, float], ...], length_m: float) -> tuple[WatchStop, ...]:
    places = [(number, round(number * (POINTS - 1) / (STOPS - 1))) for number in range(STOPS)]
    return tuple(
        WatchStop(
            seq=number,
            lat=points[place][0],
            lon=points[place][1],
            radius_m=300,
            along_m=place / (POINTS - 1) * length_m,
        )
        for number, place in places
    )


def speed(vehicles: int, before: float) -> Measured:
    """`before`: how much else the machine had to do."""
    traffic = Traffic(vehicles)
    ticks = [traffic.tick() for _ in range(TICKS)]
    rates, cpu_us = [], []
    for number, tick in enumerate(ticks):
        began, cpu_began = time.perf_counter(), time.thread_time()
        traffic.fleet.walk(tick)
        if number >= UNMEASURED:
            rates.append(len(tick.order) / (time.perf_counter() - began))
            cpu_us.append((time.thread_time() - cpu_began) / len(tick.order) * 1e6)
    return Measured(
        bench="telemetry.rules.rows_per_s",
        unit="rows/s",
        runs=rates,
        params={
            "vehicles": vehicles,
            "rows_per_tick": len(ticks[0].order),
            "lines": len(traffic.points),
            "points": POINTS,
            "stops": STOPS,
            "cpu_us_per_row": round(float(np.median(cpu_us)), 3),
            "load_before": before,
        },
    )
