"""Moving while it should stand.

The watch names periods. In one with a stop, the vehicle must not leave this stop (rules/fences.py: out of the fence and its margin,
confirmed; in the yard it may be moved). In one without, it must not leave the place where it stands (rules/standing.py); a vehicle
that still drives when the period begins is told as well. Told once for each period, for the instant it left.

Limits: domain.limits.Stand.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from zaitu.telemetry.rules.facts import NAN, Fact, Kind


class Period(NamedTuple):
    from_s: float
    to_s: float
    seq: int | None


class MustStand:
    def __init__(self, periods: Sequence[Period]) -> None:
        self.periods = periods
        self.told: set[int] = set()

    def step(
        self, *, gone_s: float | None, left: Iterable[tuple[int, float]], speed_kmh: float
    ) -> list[Fact]:
        """`left`: (number, when) of stops that this fix shows as left."""
        went = [(None, gone_s)] if gone_s is not None else []
        facts = []
        for index, period in enumerate(self.periods):
            for seq, at_s in [*went, *left]:
                if index not in self.told and seq == period.seq and period.from_s <= at_s < period.to_s:
                    self.told.add(index)
                    told = NAN if seq is None else float(seq)
                    facts.append(Fact(Kind.MOVED_WHILE_STANDING, at_s, told, speed_kmh))
        return facts
