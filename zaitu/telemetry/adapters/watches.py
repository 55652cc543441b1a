"""Watches, compiled for the rules and kept in process until they change."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zaitu.kernel.geo import Polyline
from zaitu.telemetry import models
from zaitu.telemetry.domain.watch import Watch, watch_from
from zaitu.telemetry.rules.fences import Fences, Stop

_KEPT: Final = 2_000
"""Compiled watches in memory; a route of 2,000 points takes about 300 kB."""

Key = tuple[int, int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    trip: str
    from_s: float
    """Seconds since 1970 UTC."""
    fences: Fences
    route: Polyline | None


_cache: OrderedDict[Key, Compiled] = OrderedDict()


def watches_of(vehicle_ids: Iterable[int]) -> dict[int, Compiled]:
    """The watches of these vehicles. One query, and one more when some changed since."""
    # The time tells a watch set anew from the one removed before it, whose version it repeats.
    keys: dict[int, Key] = {
        vehicle_id: (vehicle_id, version, set_at.timestamp())
        for vehicle_id, version, set_at in models.Watch.objects.filter(
            vehicle_id__in=list(vehicle_ids)
        ).values_list("vehicle_id", "version", "set_at")
    }
    found = {vehicle_id: _cache[key] for vehicle_id, key in keys.items() if key in _cache}
    missing = keys.keys() - found.keys()
    if missing:
        for row in models.Watch.objects.filter(vehicle_id__in=missing):
            found[row.pk] = compiled(watch_from(row.document))
            _keep((row.pk, row.version, row.set_at.timestamp()), found[row.pk])
    return found


def _keep(key: Key, watch: Compiled) -> None:
    _cache[key] = watch
    if len(_cache) > _KEPT:
        _cache.popitem(last=False)


def compiled(watch: Watch) -> Compiled:
    return Compiled(
        trip=watch.trip,
        from_s=watch.from_at.timestamp(),
        route=Polyline(watch.route) if watch.route else None,
        fences=Fences(
            Stop(
                seq=stop.seq,
                lat=stop.lat,
                lon=stop.lon,
                radius_m=stop.radius_m,
                along_m=stop.along_m,
                fence=stop.fence,
            )
            for stop in watch.stops
        ),
    )
