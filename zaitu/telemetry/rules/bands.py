"""Temperature or humidity outside its band, and back.

Left: every sample for `after_s` is outside [low, high]; a band of any probe is left when one is outside. Back: every sample for
`back_s` is inside (of any probe: all that were sent). A probe that is absent is not a sample. Each terminal's probes are judged by
themselves. Samples more than GAP_S apart are not counted together.

Limits: domain.limits.Band.
"""

from collections.abc import Sequence
from math import inf, isnan
from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.held import Held

GAP_S: Final = 3_600.0


class Band:
    """One terminal's, of one band."""

    def __init__(
        self, number: int, *, low: float | None, high: float | None, after_s: float, back_s: float
    ) -> None:
        self.number = number
        self.low = -inf if low is None else low
        self.high = inf if high is None else high
        self.held = Held(after_s=after_s, back_s=back_s, gap_s=GAP_S)
        self.worst = 0.0

    def outside(self, value: float) -> float:
        """How far; 0 or less inside."""
        return max(value - self.high, self.low - value)

    def step(self, at_s: float, values: Sequence[float]) -> list[Fact]:
        """The probes this band is about; NaN is absent."""
        sent = [value for value in values if not isnan(value)]
        if not sent:
            return []
        value = max(sent, key=self.outside)
        changed_s = self.held.step(at_s, over=self.outside(value) > 0, under=self.outside(value) <= 0)
        if self.held.begins(at_s, changed_s) or self.outside(value) > self.outside(self.worst):
            self.worst = value
        if changed_s is None:
            return []
        if self.held.raised:
            return [Fact(Kind.BAND_LEFT, changed_s, self.number, value)]
        return [Fact(Kind.BAND_BACK, changed_s, self.number, self.worst)]
