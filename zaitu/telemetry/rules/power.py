"""A terminal runs out of power, and has it again.

Low: its alarm bits say for `after_s` that the vehicle's power is low or lost; or, at once, its battery is at `low_pct` or less, or a
lock said so within the last LOCK_LOW_S. Back: none of these for BACK_S, and the battery MARGIN_PCT above the limit. A battery keeps its
last known charge in reports that do not tell it.

Limits: domain.limits.Power. Alarm bits 7 and 8: JT/T 808 table 24.
"""

from enum import IntFlag
from typing import Final

from zaitu.telemetry.rules.facts import NAN, Fact, Kind
from zaitu.telemetry.rules.held import Held

MARGIN_PCT: Final = 10.0
BACK_S: Final = 60.0
GAP_S: Final = 21_600.0
LOCK_LOW_S: Final = 3_600.0
MAIN_LOW_BIT: Final = 7
MAIN_LOST_BIT: Final = 8


class Cause(IntFlag):
    MAIN_LOW = 1
    MAIN_LOST = 2
    BATTERY = 4
    LOCK_BATTERY = 8

    @property
    def names(self) -> list[str]:
        return [cause.name.lower() for cause in Cause if cause in self and cause.name]


class Power:
    """One terminal's."""

    def __init__(self, *, low_pct: float, after_s: float) -> None:
        self.low_pct = low_pct
        self.after_s = after_s
        self.held = Held(after_s=after_s, back_s=BACK_S, gap_s=GAP_S)
        self.battery_pct = NAN
        self.lock_low_s: float | None = None
        self.cause = Cause(0)

    def step(self, at_s: float, *, alarm: int, battery_pct: float, lock_low: bool) -> list[Fact]:
        """`battery_pct` may be NaN."""
        if battery_pct >= 0:
            self.battery_pct = battery_pct
        if lock_low:
            self.lock_low_s = at_s
        elif battery_pct >= self.low_pct + MARGIN_PCT:
            self.lock_low_s = None
        cause = self._cause(at_s, alarm)
        if not self.held.raised:
            self.held.after_s = 0.0 if cause & (Cause.BATTERY | Cause.LOCK_BATTERY) else self.after_s
        charged = not self.battery_pct < self.low_pct + MARGIN_PCT
        changed_s = self.held.step(at_s, over=bool(cause), under=not cause and charged)
        if changed_s is None:
            return []
        if self.held.raised:
            self.cause = cause
            return [Fact(Kind.POWER_LOW, changed_s, cause, self.battery_pct)]
        return [Fact(Kind.POWER_BACK, changed_s, self.cause, self.battery_pct)]

    def _cause(self, at_s: float, alarm: int) -> Cause:
        cause = Cause(0)
        if alarm >> MAIN_LOW_BIT & 1:
            cause |= Cause.MAIN_LOW
        if alarm >> MAIN_LOST_BIT & 1:
            cause |= Cause.MAIN_LOST
        if self.battery_pct <= self.low_pct:
            cause |= Cause.BATTERY
        if self.lock_low_s is not None and at_s - self.lock_low_s < LOCK_LOW_S:
            cause |= Cause.LOCK_BATTERY
        return cause
