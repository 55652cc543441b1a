"""Off the planned road and back on it.

Off: every fix for `after_s` is more than `beyond_m` beside the route (nearest place anywhere on it). Back: every fix for `back_s` is
within `back_m`. It does not count before the vehicle has been on the road once (it may come from elsewhere), at a planned stop (yards
lie beside the road), nor after the last stop was left. Fixes more than GAP_S apart are not counted together.

Limits: domain.limits.OffRoute. Both distance and time, since one alone is wrong twice an hour: a lay-by is far enough, drift often.
"""

from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.held import Held

GAP_S: Final = 900.0


class OffRoute:
    """One vehicle's."""

    def __init__(self, *, beyond_m: float, after_s: float, back_m: float, back_s: float) -> None:
        self.beyond_m = beyond_m
        self.back_m = back_m
        self.held = Held(after_s=after_s, back_s=back_s, gap_s=GAP_S)
        self.on_route_once = False
        self.farthest_m = 0.0

    def step(self, at_s: float, *, off_m: float, along_m: float, excused: bool) -> list[Fact]:
        """`excused`: at a stop, or after the last one."""
        near = off_m <= self.back_m
        self.on_route_once |= near
        over = self.on_route_once and not excused and off_m > self.beyond_m
        changed_s = self.held.step(at_s, over=over, under=near or excused)
        begins = self.held.begins(at_s, changed_s)
        self.farthest_m = off_m if begins else max(self.farthest_m, off_m)
        if changed_s is None:
            return []
        if self.held.raised:
            return [Fact(Kind.OFF_ROUTE, changed_s, off_m, along_m)]
        return [Fact(Kind.BACK_ON_ROUTE, changed_s, self.farthest_m, along_m)]
