"""Too fast for too long, and no longer.

Raised: every fix for `after_s` is faster than `over_kmh`. Over: every fix for BACK_S is at least MARGIN_KMH slower than that. A speed
above SENSIBLE_KMH is a receiver's error and not a sample. Fixes more than GAP_S apart are not counted together.

Limits: domain.limits.Speed.
"""

from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.held import Held

MARGIN_KMH: Final = 5.0
BACK_S: Final = 30.0
GAP_S: Final = 300.0
SENSIBLE_KMH: Final = 250.0


class Overspeed:
    def __init__(self, *, over_kmh: float, after_s: float) -> None:
        self.over_kmh = over_kmh
        self.held = Held(after_s=after_s, back_s=BACK_S, gap_s=GAP_S)
        self.top_kmh = 0.0

    def step(self, at_s: float, speed_kmh: float) -> list[Fact]:
        """`speed_kmh` may be NaN."""
        if not speed_kmh <= SENSIBLE_KMH:
            return []
        changed_s = self.held.step(
            at_s, over=speed_kmh > self.over_kmh, under=speed_kmh <= self.over_kmh - MARGIN_KMH
        )
        begins = self.held.begins(at_s, changed_s)
        self.top_kmh = speed_kmh if begins else max(self.top_kmh, speed_kmh)
        if changed_s is None:
            return []
        kind = Kind.OVERSPEED if self.held.raised else Kind.OVERSPEED_OVER
        return [Fact(kind, changed_s, self.top_kmh, self.over_kmh)]
