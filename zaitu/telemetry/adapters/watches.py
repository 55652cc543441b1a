"""Watches as they stand in the table: what changed since the last look, and one compiled for the readable rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Max, Sum

from zaitu.kernel.geo import Polyline
from zaitu.telemetry import models
from zaitu.telemetry.domain.watch import Watch, watch_from
from zaitu.telemetry.rules.fences import Fences, Stop

_BUNCH = 500


class Followed:
    """Belongs to one engine."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, float]] = {}
        self._seen: tuple[object, ...] = ()

    def changed(self) -> Iterator[tuple[int, Watch | None]]:
        """(vehicle id, its watch now; None: it has none any more).

        One query; when something changed another, and one for each 500 that changed.
        """
        # Setting moves the newest time or the versions on, clearing the number and the sum.
        seen = models.Watch.objects.aggregate(Count("pk"), Sum("pk"), Sum("version"), Max("set_at"))
        if tuple(seen.values()) == self._seen:
            return
        # The time tells a watch set anew from the one removed before it, whose version it repeats.
        now: dict[int, tuple[int, float]] = {
            vehicle_id: (version, set_at.timestamp())
            for vehicle_id, version, set_at in models.Watch.objects.values_list(
                "vehicle_id", "version", "set_at"
            )
        }
        for vehicle_id in self._known.keys() - now.keys():
            yield vehicle_id, None
            del self._known[vehicle_id]
        fresh = sorted(one for one, key in now.items() if self._known.get(one) != key)
        for start in range(0, len(fresh), _BUNCH):
            for row in models.Watch.objects.filter(vehicle_id__in=fresh[start : start + _BUNCH]):
                yield row.pk, watch_from(row.document)
                self._known[row.pk] = (row.version, row.set_at.timestamp())
        # What was not taken from us, because something failed, is told again.
        self._seen = tuple(seen.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    trip: str
    from_s: float
    """Seconds since 1970 UTC."""
    fences: Fences
    route: Polyline | None


def watch_of(vehicle_id: int) -> Watch | None:
    """One query."""
    row = models.Watch.objects.filter(vehicle_id=vehicle_id).first()
    return None if row is None else watch_from(row.document)


def compiled_watch(vehicle_id: int) -> Compiled | None:
    """For late fixes, which are few. One query."""
    watch = watch_of(vehicle_id)
    return None if watch is None else compiled(watch)


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
