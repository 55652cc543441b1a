"""What journey asks telemetry to look for. Telemetry knows nothing of shipments: `trip` is an opaque reference."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zaitu.telemetry.domain.limits import Limits, limits_document, limits_from

STOPS_MAX = 200
POINTS_MAX = 20_000
FENCE_POINTS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStop:
    seq: int
    lat: float
    lon: float
    radius_m: float
    """20 to 50,000."""
    along_m: float
    """Where it lies on the route."""
    fence: tuple[tuple[float, float], ...] | None = None
    """(lat, lon) corners; None: the circle."""

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"stop {self.seq} is not on Earth: {self.lat}, {self.lon}")
        if not 20 <= self.radius_m <= 50_000:
            raise ValueError(f"stop {self.seq}: radius {self.radius_m} m is outside 20..50000")
        if self.fence is not None and not 3 <= len(self.fence) <= FENCE_POINTS_MAX:
            raise ValueError(
                f"stop {self.seq}: a fence has 3..{FENCE_POINTS_MAX} corners, not {len(self.fence)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    trip: str
    """At most 40 characters."""
    route: tuple[tuple[float, float], ...]
    """(lat, lon) of the planned road; empty: no progress is computed."""
    stops: tuple[WatchStop, ...]
    from_at: datetime
    """Aware; fixes before it belong to something else."""
    limits: Limits | None = None
    """None: the defaults of each rule."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.trip) <= 40:
            raise ValueError(f"trip reference has {len(self.trip)} characters, 1..40 allowed")
        if len(self.route) == 1 or len(self.route) > POINTS_MAX:
            raise ValueError(f"a route has 0 or 2..{POINTS_MAX} points, not {len(self.route)}")
        if not all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in self.route):
            raise ValueError("a point of the route is not on Earth")
        if len(self.stops) > STOPS_MAX:
            raise ValueError(f"{len(self.stops)} stops, at most {STOPS_MAX}")
        if len({stop.seq for stop in self.stops}) != len(self.stops):
            raise ValueError("two stops have one number")
        if self.from_at.tzinfo is None:
            raise ValueError("from_at has no offset")
        self._limits_check()

    def _limits_check(self) -> None:
        if self.limits is None:
            return
        asked = {stand.seq for stand in self.limits.stands}
        if self.limits.lock is not None:
            asked |= {opening.seq for opening in self.limits.lock.openings}
        unknown = asked - {stop.seq for stop in self.stops} - {None}
        if unknown:
            raise ValueError(f"limits name stops that the watch has not: {sorted(map(str, unknown))}")


def watch_document(watch: Watch) -> dict[str, Any]:
    """As JSON; `watch_from` reads it back."""
    document: dict[str, Any] = {
        "trip": watch.trip,
        "from_at": watch.from_at.isoformat(),
        "route": [list(point) for point in watch.route],
        "stops": [
            {
                "seq": stop.seq,
                "lat": stop.lat,
                "lon": stop.lon,
                "radius_m": stop.radius_m,
                "along_m": stop.along_m,
                "fence": None if stop.fence is None else [list(corner) for corner in stop.fence],
            }
            for stop in watch.stops
        ],
    }
    if watch.limits is not None:
        document["limits"] = limits_document(watch.limits)
    return document


def watch_from(document: dict[str, Any]) -> Watch:
    return Watch(
        trip=document["trip"],
        from_at=datetime.fromisoformat(document["from_at"]),
        route=tuple((lat, lon) for lat, lon in document["route"]),
        stops=tuple(
            WatchStop(
                seq=stop["seq"],
                lat=stop["lat"],
                lon=stop["lon"],
                radius_m=stop["radius_m"],
                along_m=stop["along_m"],
                fence=None if stop["fence"] is None else tuple((lat, lon) for lat, lon in stop["fence"]),
            )
            for stop in document["stops"]
        ),
        limits=limits_from(document["limits"]) if "limits" in document else None,
    )
