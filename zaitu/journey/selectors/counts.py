"""What was scanned onto, off and at a trip's stops."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.counts import Seen, of_total, pieces_seen
from zaitu.journey.domain.views import LegState
from zaitu.journey.models import JourneyEvent, Leg


def standing(**filters: object) -> QuerySet[JourneyEvent]:
    """Events that were not voided, in the order they happened."""
    voided = JourneyEvent.objects.filter(target=OuterRef("pk"))
    return JourneyEvent.objects.filter(**filters).exclude(Exists(voided)).order_by("at", "id")


def scanned(
    *,
    kind: Kind,
    station: str,
    trip_id: int | None = None,
    shipment_ids: Collection[int] | None = None,
) -> dict[int, int]:
    """Pieces by shipment (domain/counts.py: -1 is all of them)."""
    events = standing(kind=kind, station_code=station)
    if trip_id is not None:
        events = events.filter(trip_id=trip_id)
    if shipment_ids is not None:
        events = events.filter(shipment_id__in=shipment_ids)
    found: dict[int, list[Seen]] = defaultdict(list)
    for pk, piece, pieces in events.values_list("shipment_id", "piece_id", "pieces"):
        found[pk].append(Seen(piece, pieces))
    return {pk: pieces_seen(scans) for pk, scans in found.items()}


def loaded(trip_ids: Collection[int]) -> dict[int, int]:
    """Pieces scanned onto each trip, wherever they boarded it; a ride that was never scanned counts whole once it is under way."""
    events = standing(kind=Kind.LOADED, trip_id__in=trip_ids)
    scans: dict[tuple[int, int, int], list[Seen]] = defaultdict(list)
    rows = events.values_list("trip_id", "shipment_id", "shipment__pieces_total", "piece_id", "pieces")
    for trip_id, shipment_id, total, piece, pieces in rows:
        scans[trip_id, shipment_id, total].append(Seen(piece, pieces))
    rides = Leg.objects.filter(trip_id__in=trip_ids, state__in=(LegState.ON_BOARD, LegState.DONE))
    for trip_id, shipment_id, total in rides.values_list("trip_id", "shipment_id", "shipment__pieces_total"):
        scans.setdefault((trip_id, shipment_id, total), [Seen(None, None)])
    found: dict[int, int] = defaultdict(int)
    for (trip_id, _, total), one in scans.items():
        found[trip_id] += of_total(pieces_seen(one), total)
    return found
