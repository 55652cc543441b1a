"""When will it be there? Predictions from progress, learned pace, planned dwell and past errors.

A pace belongs to a segment of a line and to the hour of the Chinese day in which the segment was begun; it is learned from
completed runs and starts from the line's schedule. A window holds about 80 % of outcomes: from past errors of the line once there
are enough, before that a share of the time left. What people were told changes only when it matters (`matters`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

WALL_CLOCK: Final = timezone(timedelta(hours=8))
"""Hours of pace are those of a Chinese wall clock (no daylight saving)."""

PACE_WEIGHT: Final = 0.2
"""Weight of the newest run in the exponentially weighted mean."""
PRIOR_RUNS: Final = 3
"""The schedule counts as this many runs beside what was learned."""
PACE_RANGE_S_PER_KM: Final = (3600 / 130, 3600 / 3)
"""Faster than 130 km/h or slower than 3 km/h is a fault of the data, or a breakdown: nothing to learn from."""
PACE_DEFAULT_S_PER_KM: Final = 3600 / 65
"""Where the schedule gives none."""
PASSED_M: Final = 5_000
"""So far beyond a stop a truck has left it, even when no fence or scan told so."""
SILENCE_CREDIT: Final = timedelta(minutes=30)
"""For so long a vehicle that says nothing is taken to drive on (a tunnel, a blind area)."""
OVERDUE_STEP: Final = timedelta(minutes=15)

HORIZONS_H: Final = (0, 1, 3, 6, 12, 24)
"""Lower edges of the horizons for which errors are kept apart."""
ERRORS_KEPT: Final = 200
ERRORS_NEEDED: Final = 20
"""Fewer past errors than this say nothing about a tenth and a nine-tenth quantile."""
QUANTILES: Final = (0.1, 0.9)
EARLY_SHARE: Final = 0.08
LATE_SHARE: Final = 0.15
EARLY_MIN: Final = timedelta(minutes=5)
LATE_MIN: Final = timedelta(minutes=10)

MATTERS_SHARE: Final = 0.1
MATTERS_BETWEEN: Final = (timedelta(minutes=10), timedelta(minutes=60))
"""A change is told when it exceeds a tenth of the time left, within these bounds."""

LAST_MILE: Final = timedelta(minutes=120)
"""From the truck's arrival at a hub or branch to the consignee's door."""
DELIVERY_ROUND: Final = timedelta(minutes=60)
"""From `out_for_delivery` to the door."""
SOON: Final = timedelta(hours=2)
CUTOFF: Final = timedelta(minutes=30)
"""Goods ordered later than this before a departure go with the next one."""


class Reason(StrEnum):
    """Why an ETA is what it is; kept in the history and told with a change."""

    SCHEDULE = "schedule"
    PROMISE = "promise"
    PROGRESS = "progress"
    TRIP_PLANNED = "trip_planned"
    DEPARTED_LATE = "departed_late"
    ARRIVED = "arrived"
    DELIVERING = "delivering"
    OVERDUE = "overdue"
    TRIP_LOST = "trip_lost"
    DELIVERY_HOURS = "delivery_hours"


REASON_TEXTS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.SCHEDULE: ("按班次时刻", "By the timetable"),
    Reason.PROMISE: ("按承诺时效", "By the promised time"),
    Reason.PROGRESS: ("按行驶进度更新", "By progress on the road"),
    Reason.TRIP_PLANNED: ("已安排车次", "A trip was planned"),
    Reason.DEPARTED_LATE: ("发车晚点", "Departed late"),
    Reason.ARRIVED: ("已到目的站", "At the destination station"),
    Reason.DELIVERING: ("已出发派送", "Out for delivery"),
    Reason.OVERDUE: ("晚于预计，已重新估算", "Later than expected, estimated anew"),
    Reason.TRIP_LOST: ("改由后续车次运输", "Goes with a later trip"),
    Reason.DELIVERY_HOURS: ("顺延至送货时间段", "Moved to the next delivery hours"),
}
"""Reason → (Chinese, English)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStop:
    seq: int
    along_m: float
    dwell: timedelta
    planned_arrival: datetime
    planned_departure: datetime
    arrived_at: datetime | None = None
    departed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trip as far as its ETA depends on it."""

    stops: Sequence[RunStop]
    """By seq; at least two."""
    along_m: float | None = None
    """Progress at `fix_at`; None: no position on this route yet."""
    fix_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    eta: datetime
    eta_from: datetime
    eta_to: datetime


CORRECTED_LATER: Final = timedelta(hours=1)
CORRECTED_EARLIER: Final = timedelta(hours=2)
"""A window that people were told holds no more when its end moves on by so much, or the goods come so much before it begins."""


def corrects(told: tuple[datetime, datetime], window: Window) -> bool:
    """Whether people must hear that the window they were told (from, to) holds no more."""
    start, end = told
    return window.eta_to - end >= CORRECTED_LATER or start - window.eta_from >= CORRECTED_EARLIER


Paces = Mapping[tuple[int, int], tuple[float, int]]
"""(seq the segment starts at, hour 0–23) → (seconds per kilometre, runs it was learned from)."""


def hour_of(at: datetime) -> int:
    """Hour of the Chinese day, 0 to 23."""
    return at.astimezone(WALL_CLOCK).hour


def pace_planned(start: RunStop, end: RunStop) -> float:
    """Seconds per kilometre that the schedule allows for a segment."""
    km = (end.along_m - start.along_m) / 1000
    seconds = (end.planned_arrival - start.planned_departure).total_seconds()
    if km <= 0 or seconds <= 0:
        return PACE_DEFAULT_S_PER_KM
    return min(max(seconds / km, PACE_RANGE_S_PER_KM[0]), PACE_RANGE_S_PER_KM[1])


def pace_blended(planned: float, learned: tuple[float, int] | None) -> float:
    """The schedule's pace and the learned one, weighted by how many runs stand behind it."""
    if learned is None:
        return planned
    pace, runs = learned
    return (planned * PRIOR_RUNS + pace * runs) / (PRIOR_RUNS + runs)


def pace_learned(before: tuple[float, int] | None, *, km: float, took: timedelta) -> tuple[float, int] | None:
    """The mean with one more run in it; None when the run teaches nothing."""
    if km <= 0:
        return None
    seen = took.total_seconds() / km
    if not PACE_RANGE_S_PER_KM[0] <= seen <= PACE_RANGE_S_PER_KM[1]:
        return None
    if before is None:
        return seen, 1
    pace, runs = before
    return pace + PACE_WEIGHT * (seen - pace), runs + 1


def arrivals(run: Run, paces: Paces, now: datetime) -> dict[int, datetime]:
    """Predicted arrival at every stop not yet reached, by seq; never before `now`, and in the order of the stops.

    A stop the truck has driven past without a word counts as reached.
    """
    reached = max((i for i, stop in enumerate(run.stops) if _reached(run, stop)), default=None)
    if reached is None:
        index, at, done_m = 0, _leaves_origin(run.stops[0], now), run.stops[0].along_m
        begun = at
    else:
        index = reached
        at, done_m, begun = _underway(run, reached, now)
    predicted: dict[int, datetime] = {}
    for start, end in zip(run.stops[index:], run.stops[index + 1 :], strict=False):
        pace = pace_blended(pace_planned(start, end), paces.get((start.seq, hour_of(begun))))
        left_km = max(0.0, end.along_m - max(start.along_m, done_m)) / 1000
        at = max(at + timedelta(seconds=left_km * pace), now)
        predicted[end.seq] = at
        begun = at = at + end.dwell
    return predicted


def _passed(run: Run, stop: RunStop) -> bool:
    """Its progress says so, whatever the fences saw."""
    return run.along_m is not None and run.along_m > stop.along_m + PASSED_M


def _reached(run: Run, stop: RunStop) -> bool:
    return bool(stop.arrived_at or stop.departed_at) or _passed(run, stop)


def _leaves_origin(origin: RunStop, now: datetime) -> datetime:
    """A departure that is overdue is expected the later, the longer it is overdue."""
    if origin.planned_departure > now:
        return origin.planned_departure
    return now + overdue_step(now - origin.planned_departure)


def _underway(run: Run, reached: int, now: datetime) -> tuple[datetime, float, datetime]:
    """From when and from where it drives on, and when this segment was begun."""
    stop = run.stops[reached]
    following = run.stops[reached + 1] if reached + 1 < len(run.stops) else None
    if stop.departed_at is None and not _passed(run, stop):
        leaves = max(now, (stop.arrived_at or now) + stop.dwell)
        return leaves, stop.along_m, leaves
    begun = stop.departed_at or now
    if run.along_m is None:
        # Nothing was heard on this trip (scans only, or we have just started): it drives as planned, it does not stand still.
        return min(begun, now), stop.along_m, begun
    if run.fix_at is None or following is None or run.along_m < stop.along_m:
        since, along_m = begun, stop.along_m
    else:
        since, along_m = max(run.fix_at, begun), run.along_m
    return min(max(since, now - SILENCE_CREDIT), now), along_m, begun


def overdue_step(overdue: timedelta) -> timedelta:
    """How far ahead the next guess lies when a time has passed without news: a quarter of the delay, 15 min to a day.

    Growing steps keep the history of a forgotten shipment short.
    """
    return min(max(OVERDUE_STEP, overdue / 4), timedelta(days=1))


def horizon_of(ahead: timedelta) -> int:
    """Lower edge, in hours, of the horizon a prediction belongs to."""
    hours = ahead.total_seconds() / 3600
    return max((edge for edge in HORIZONS_H if edge <= hours), default=0)


def window(eta: datetime, now: datetime, errors_s: Sequence[float] = ()) -> Window:
    """The ETA with the span it will hold in four of five cases; nothing in it lies before `now`.

    `errors_s`: past errors (actual minus predicted, seconds) at this horizon.
    """
    eta = _minute(max(eta, now))
    left = eta - now
    early, late = max(EARLY_MIN, left * EARLY_SHARE), max(LATE_MIN, left * LATE_SHARE)
    if len(errors_s) >= ERRORS_NEEDED:
        low, high = (_quantile(errors_s, q) for q in QUANTILES)
        early, late = max(EARLY_MIN, timedelta(seconds=-low)), max(LATE_MIN, timedelta(seconds=high))
    return Window(eta=eta, eta_from=max(_minute(now), _minute(eta - early)), eta_to=_minute(eta + late))


def _quantile(values: Sequence[float], q: float) -> float:
    """Linear between the neighbours."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _minute(at: datetime) -> datetime:
    """Up to the next whole minute: times are told to the minute, and never before now."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(minutes=1)


def matters(told: datetime | None, new: datetime, now: datetime) -> bool:
    """Whether people should hear of the new ETA: it moved by more than a tenth of the time left, or the old one has passed."""
    return told is None or told < now or moved(told, new, now)


def moved(told: datetime | None, new: datetime, now: datetime) -> bool:
    """The same for a stop on the way: one that is a few minutes overdue is no news at each look."""
    if told is None:
        return True
    return abs(new - told) >= min(max((told - now) * MATTERS_SHARE, MATTERS_BETWEEN[0]), MATTERS_BETWEEN[1])


def next_departure(planned: Sequence[datetime], habit: datetime | None, now: datetime) -> datetime | None:
    """The first departure goods ordered now can go with.

    `planned`: departures of planned trips; `habit`: the last departure known, taken to repeat daily. None: nothing is known.
    """
    ahead = [at for at in planned if at >= now + CUTOFF]
    if ahead:
        return min(ahead)
    if habit is None:
        return None
    days = max(0, math.ceil((now + CUTOFF - habit) / timedelta(days=1)))
    return habit + timedelta(days=days)
