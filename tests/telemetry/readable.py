"""The readable rules put together, row by row: what the walk is compared with."""

from math import cos, isnan, nan, radians

import numpy as np

from zaitu.kernel.geo import Polyline
from zaitu.telemetry.codecs.columns import NONE, PROBES, Columns, Flag
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.domain.watch import Watch
from zaitu.telemetry.rules import alarms, locks
from zaitu.telemetry.rules.bands import Band
from zaitu.telemetry.rules.clock import Clock
from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.fences import Fences, Stop, Trace, advance
from zaitu.telemetry.rules.locks import Lock
from zaitu.telemetry.rules.long_stop import LongStop
from zaitu.telemetry.rules.must_stand import MustStand, Period
from zaitu.telemetry.rules.off_route import OffRoute
from zaitu.telemetry.rules.overspeed import Overspeed
from zaitu.telemetry.rules.power import Power
from zaitu.telemetry.rules.progress import progress
from zaitu.telemetry.rules.shock import Shock
from zaitu.telemetry.rules.signal import Signal
from zaitu.telemetry.rules.standing import Standing

M_PER_DEGREE = 111_195.08


class Terminal:
    def __init__(self, limits: asked.Limits, edges: int) -> None:
        self.seen_s = -np.inf
        self.alarms = Alarms(edges) if limits.device_alarms else None
        self.shock = limits.shock and Shock(over_g=limits.shock.over_g)
        self.clock = limits.clock and Clock(reports=limits.clock.reports)
        self.power = limits.power and Power(low_pct=limits.power.low_pct, after_s=limits.power.after_s)
        self.lock = Lock(left_open_s=limits.lock.left_open_s if limits.lock else np.inf)
        self.bands = [
            Band(number, low=one.low, high=one.high, after_s=one.after_s, back_s=one.back_s)
            for number, one in enumerate(limits.bands)
        ]


def Alarms(edges: int) -> alarms.Alarms:  # noqa: N802
    return alarms.Alarms(edges=edges)


class Readable:
    """One watched vehicle and its terminals."""

    def __init__(self, watch: Watch, *, edges: int = EDGES["2013"]) -> None:
        limits = self.limits = watch.limits or asked.Limits()
        self.watch, self.edges, self.from_s = watch, edges, watch.from_at.timestamp()
        self.route = Polyline(watch.route) if watch.route else None
        self.fences = Fences(
            Stop(seq=s.seq, lat=s.lat, lon=s.lon, radius_m=s.radius_m, along_m=s.along_m, fence=s.fence)
            for s in watch.stops
        )
        self.visits: tuple = ()
        self.at_s, self.lat, self.lon, self.along_m, self.off_m = -np.inf, nan, nan, nan, nan
        off = limits.off_route
        self.off_route = off and OffRoute(
            beyond_m=off.beyond_m, after_s=off.after_s, back_m=off.back_m, back_s=off.back_s
        )
        self.standing = Standing(still_m=limits.still_m)
        self.long_stop = LongStop(
            after_s=limits.long_stop.after_s if limits.long_stop else np.inf, from_s=self.from_s
        )
        self.must_stand = MustStand(
            [Period(one.from_at.timestamp(), one.to_at.timestamp(), one.seq) for one in limits.stands]
        )
        self.speed = limits.speed and Overspeed(over_kmh=limits.speed.over_kmh, after_s=limits.speed.after_s)
        self.signal = Signal(after_s=limits.signal.after_s if limits.signal else np.inf, from_s=self.from_s)
        self.terminals: dict[int, Terminal] = {}

    def row(self, columns: Columns, row: int, terminal: int, received_s: float) -> list[tuple[int, Fact]]:
        """(terminal or 0, fact) …"""
        at_s = columns.at_us[row] / 1e6
        told = [(0, fact) for fact in self.signal.heard(received_s)]
        flags = columns.flags[row]
        if flags & Flag.FIXED and at_s > self.at_s:
            told += [(0, fact) for fact in self._fix(columns, row, at_s, timed=not flags & Flag.CLOCK)]
        one = self.terminals.setdefault(terminal, Terminal(self.limits, self.edges))
        if at_s >= one.seen_s:
            told += [
                (terminal, fact)
                for fact in self._report(one, columns, row, at_s, timed=not flags & Flag.CLOCK)
            ]
        return told

    def _fix(self, columns: Columns, row: int, at_s: float, *, timed: bool) -> list[Fact]:
        lat, lon, speed_kmh = columns.lat[row], columns.lon[row], columns.speed_kmh[row]
        on_trip = at_s >= self.from_s
        facts: list[Fact] = []
        left: list[tuple[int, float]] = []
        if on_trip:
            crossings = self._stops(at_s, lat, lon)
            left = [(one.seq, one.at_s) for one in crossings if not one.entered]
            facts += [
                Fact(Kind.STOP_ENTERED if one.entered else Kind.STOP_LEFT, one.at_s, one.seq)
                for one in crossings
            ]
        self.at_s, self.lat, self.lon = at_s, lat, lon
        if not timed:
            return facts
        if self.speed:
            facts += self.speed.step(at_s, speed_kmh)
        gone = self.standing.step(at_s, lat, lon, speed_kmh)
        if not on_trip:
            return facts
        at_stop = any(visit.left_s is None for visit in self.visits)
        if self.off_route and self.route:
            last = max((stop.seq for stop in self.fences.stops), default=None)
            ended = any(visit.left_s is not None and visit.seq == last for visit in self.visits)
            facts += self.off_route.step(
                at_s, off_m=self.off_m, along_m=self.along_m, excused=at_stop or ended
            )
        facts += self.long_stop.step(
            at_s,
            stands_s=self.standing.since_s,
            gone_s=gone and gone.gone_s,
            at_stop=at_stop,
            along_m=self.along_m,
        )
        return facts + self.must_stand.step(gone=gone, left=left, speed_kmh=speed_kmh)

    def _stops(self, at_s: float, lat: float, lon: float):
        joined = self.at_s >= self.from_s
        before = self.along_m if joined else nan
        if self.route:
            known = not isnan(before)
            times = np.array([self.at_s, at_s] if known else [at_s])
            along, off = progress(
                self.route, before if known else None, times, np.array([lat]), np.array([lon])
            )
            self.along_m, self.off_m = float(along[0]), float(off[0])
        points = [(self.at_s, self.lat, self.lon, before)] if joined else []
        at, lats, lons, alongs = np.array([*points, (at_s, lat, lon, self.along_m)]).T
        trace = Trace(at_s=at, lat=lats, lon=lons, along_m=alongs, joined=joined)
        self.visits, crossings = advance(self.fences, self.visits, trace)
        return crossings

    def _report(self, one: Terminal, columns: Columns, row: int, at_s: float, *, timed: bool) -> list[Fact]:
        facts: list[Fact] = []
        alarm, events = int(columns.alarm[row]), int(columns.lock_events[row])
        on_trip = at_s >= self.from_s
        if timed:
            one.seen_s = at_s
            if one.power:
                facts += one.power.step(
                    at_s,
                    alarm=alarm,
                    battery_pct=columns.battery_pct[row],
                    lock_low=bool(events & locks.LOW_BATTERY),
                )
            if on_trip:
                for band, limit in zip(one.bands, self.limits.bands, strict=True):
                    facts += band.step(at_s, self._values(columns, row, limit))
        if one.alarms:
            facts += one.alarms.step(at_s, alarm)
        if one.shock:
            facts += one.shock.step(at_s, columns.shock_g[row])
        closed = columns.lock_closed[row]
        if events or closed != NONE:
            allowed = not on_trip or self.limits.lock is None or self._allowed(at_s)
            facts += one.lock.step(
                at_s,
                events=events,
                closed=None if closed == NONE else bool(closed),
                allowed=allowed,
                timed=timed,
            )
        return facts + (one.clock.step(at_s, bad=not timed) if one.clock else [])

    def _values(self, columns: Columns, row: int, band: asked.Band) -> list[float]:
        if band.what == "humidity_pct":
            return [columns.humidity_pct[row]]
        probes = range(PROBES) if band.probe is None else [band.probe]
        return [columns.temps_c[row, probe] for probe in probes]

    def _allowed(self, at_s: float) -> bool:
        there = {visit.seq for visit in self.visits if visit.left_s is None}
        for one in self.limits.lock.openings:
            if one.from_at and at_s < one.from_at.timestamp():
                continue
            if one.to_at and at_s >= one.to_at.timestamp():
                continue
            if one.lat is not None:
                north = (self.lat - one.lat) * M_PER_DEGREE
                east = (self.lon - one.lon) * M_PER_DEGREE * cos(radians(self.lat))
                if np.hypot(north, east) <= one.radius_m:
                    return True
            elif (one.seq in there) if one.seq is not None else there:
                return True
        return False
