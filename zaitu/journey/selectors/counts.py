"""How many pieces were scanned onto, off and at a trip's stops."""

from collections.abc import Collection

from django.db.models import Count, Exists, OuterRef, Q, Sum

from zaitu.journey.domain.actions import Kind
from zaitu.journey.models import JourneyEvent


def scanned(
    *,
    kind: Kind,
    station: str,
    trip_id: int | None = None,
    shipment_ids: Collection[int] | None = None,
) -> dict[int, int]:
    """Pieces by shipment, of scans that were not voided; a scan of the waybill alone counts as -1: all of them."""
    voided = JourneyEvent.objects.filter(target=OuterRef("pk"))
    events = JourneyEvent.objects.filter(kind=kind, station_code=station).exclude(Exists(voided))
    if trip_id is not None:
        events = events.filter(trip_id=trip_id)
    if shipment_ids is not None:
        events = events.filter(shipment_id__in=shipment_ids)
    rows = events.values_list("shipment_id").annotate(
        labels=Count("piece", distinct=True),
        counted=Sum("pieces"),
        whole=Count("id", filter=Q(piece=None, pieces=None)),
    )
    return {pk: -1 if whole else labels + (counted or 0) for pk, labels, counted, whole in rows}


def of_total(found: int | None, total: int) -> int:
    """A count of `scanned` in pieces, for a shipment of `total`."""
    return total if found == -1 else found or 0
