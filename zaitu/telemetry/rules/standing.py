"""Whether a vehicle stands, and since when: what the rules about stopping share.

It stands where it was when it came to the place: at the first fix there that does not move (MOVING_KMH). A fix is elsewhere when it is
more than `still_m` away and does not say that the vehicle stands, or FAR times as far whatever it says: under a roof a place wanders,
its speed stays 0. The vehicle has gone when two fixes in turn are elsewhere, or one that moves and comes LEAVE_AFTER_S or more after
the last that was there: a single jump of the receiver is not a departure. It went at the first of them.
"""

from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Final, NamedTuple

MOVING_KMH: Final = 5.0
FAR: Final = 2.0
LEAVE_FIXES: Final = 2
LEAVE_AFTER_S: Final = 60.0
_M_PER_DEGREE: Final = 111_195.08


class Spot(NamedTuple):
    at_s: float
    lat: float
    lon: float
    moves: bool
    """As its fix says."""

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

    def step(self, at_s: float, lat: float, lon: float, speed_kmh: float) -> Departure | None:
        """The departure from the place where it stood, if this fix shows it. `speed_kmh` may be NaN."""
        fix = Spot(at_s, lat, lon, moves=speed_kmh >= MOVING_KMH)
        if self.spot is None or not self._elsewhere(self.spot, fix, speed_kmh):
            self._stays(fix if self.spot is None or self.spot.moves else self.spot, fix)
            return None
        if self.out is None:
            self.out = fix
        self.out_fixes += 1
        if self.out_fixes < LEAVE_FIXES and not (fix.moves and at_s - self.there_s >= LEAVE_AFTER_S):
            return None
        gone, departure = self.out, Departure(self.there_s, self.out.at_s)
        self._stays(gone, gone)
        if self._elsewhere(gone, fix, speed_kmh):
            self.out, self.out_fixes = fix, 1
        elif fix is not gone:
            self._stays(fix if gone.moves else gone, fix)
        return departure

    def _elsewhere(self, spot: Spot, fix: Spot, speed_kmh: float) -> bool:
        stands = speed_kmh < MOVING_KMH
        return spot.distance_m(fix) > self.still_m * (FAR if stands else 1.0)

    @property
    def since_s(self) -> float | None:
        """It stands, as its newest fix shows, since then."""
        return self.spot.at_s if self.spot is not None and self.out is None else None

    def _stays(self, spot: Spot, fix: Spot) -> None:
        self.spot, self.there_s, self.out, self.out_fixes = spot, fix.at_s, None, 0
