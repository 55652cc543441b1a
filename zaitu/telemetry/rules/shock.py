"""Shocks.

A report of `over_g` or more. Those within QUIET_S of one that was told belong to it: a bad road is one fact a minute.

Limits: domain.limits.Shock.
"""

from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind

QUIET_S: Final = 60.0


class Shock:
    """One terminal's."""

    def __init__(self, *, over_g: float) -> None:
        self.over_g = over_g
        self.told_s: float | None = None

    def step(self, at_s: float, shock_g: float) -> list[Fact]:
        """`shock_g` may be NaN."""
        if not shock_g >= self.over_g or (self.told_s is not None and at_s - self.told_s < QUIET_S):
            return []
        self.told_s = at_s
        return [Fact(Kind.SHOCK, at_s, shock_g, self.over_g)]
