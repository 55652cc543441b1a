"""Moving while it should stand.

The watch names periods. In one with a stop, the vehicle must not leave this stop (rules/fences.py: out of the fence and its margin,
confirmed; in the yard it may be moved). In one without, it must not leave a place where it was in the period (rules/standing.py), so
that a vehicle which still drives when the period begins is told as well, and one which arrives is not. Told once for each period, for
the instant it left.

Limits: domain.limits.Stand.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from zaitu.telemetry.rules.facts import NAN, Fact, Kind
from zaitu.telemetry.rules.standing import Departure


class Period(NamedTuple):
    from_s: float
    to_s: float
    seq: int | None


class MustStand:
    def __init__(self, periods: Sequence[Period]) -> None:
        self.periods = periods
        self.told: set[int] = set()

    def step(
        self, *, gone: Departure | None, left: Iterable[tuple[int, float]], speed_kmh: float
    ) -> list[Fact]:
        """`left`: (number, when) of stops that this fix shows as left."""
        facts = []
        for index, period in enumerate(self.periods):
            at_s = None if index in self.told else self._left(period, gone, left)
            if at_s is not None:
                self.told.add(index)
                seq = NAN if period.seq is None else float(period.seq)
                facts.append(Fact(Kind.MOVED_WHILE_STANDING, at_s, seq, speed_kmh))
        return facts

    @staticmethod
    def _left(period: Period, gone: Departure | None, left: Iterable[tuple[int, float]]) -> float | None:
        if period.seq is not None:
            at = (at_s for seq, at_s in left if seq == period.seq and period.from_s <= at_s < period.to_s)
            return next(at, None)
        if gone is not None and period.from_s <= gone.there_s and gone.gone_s < period.to_s:
            return gone.gone_s
        return None
