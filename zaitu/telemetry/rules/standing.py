"""Whether a vehicle stands, and since when: what the rules about stopping share.

It stands where it was when it came to the place: its fixes stay within `still_m` of the first one there. Speed is not asked: receivers
at rest report a few km/h, and phones none. It has gone when two fixes are further away, or one that moves (MOVING_KMH) and comes
LEAVE_AFTER_S or more after the last that was there: a single jump of the receiver is not a departure. It went at the first of them.
"""

from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Final, NamedTuple

MOVING_KMH: Final = 5.0
LEAVE_FIXES: Final = 2
LEAVE_AFTER_S: Final = 60.0
_M_PER_DEGREE: Final = 111_195.08


class Spot(NamedTuple):
    at_s: float
    lat: float
    lon: float

    def distance_m(self, other: "Spot") -> float:
        east = (other.lon - self.lon) * _M_PER_DEGREE * cos(radians(other.lat))
        return hypot((other.lat - self.lat) * _M_PER_DEGREE, east)


class Departure(NamedTuple):
    there_s: float
    """Last fix at the place."""
    gone_s: float
    """First fix elsewhere."""


@dataclass(slots=True, kw_only=True)
class Standing:
    still_m: float
    spot: Spot | None = None
    """Where it stands, since when."""
    there_s: float = 0.0
    """Last fix that was there."""
    out: Spot | None = None
    out_fixes: int = 0

    def step(self, fix: Spot, speed_kmh: float) -> Departure | None:
        """The departure from the place where it stood, if this fix shows it. `speed_kmh` may be NaN."""
        if self.spot is None or self.spot.distance_m(fix) <= self.still_m:
            self._stays(self.spot or fix, fix)
            return None
        if self.out is None:
            self.out = fix
        self.out_fixes += 1
        moves = speed_kmh >= MOVING_KMH and fix.at_s - self.there_s >= LEAVE_AFTER_S
        if self.out_fixes < LEAVE_FIXES and not moves:
            return None
        gone, departure = self.out, Departure(self.there_s, self.out.at_s)
        self._stays(gone, gone)
        if gone.distance_m(fix) <= self.still_m:
            self.there_s = fix.at_s
        else:
            self.out, self.out_fixes = fix, 1
        return departure

    def _stays(self, spot: Spot, fix: Spot) -> None:
        self.spot, self.there_s, self.out, self.out_fixes = spot, fix.at_s, None, 0
