"""What journey wants to hear of."""

from django.db import transaction

from zaitu.kernel import clock
from zaitu.telemetry import models
from zaitu.telemetry.domain.watch import Watch, watch_document


@transaction.atomic
def watch_set(*, vehicle_id: int, watch: Watch) -> int:
    """Put down or replace a vehicle's watch; its new version. The same watch again changes nothing."""
    document = watch_document(watch)
    row = models.Watch.objects.select_for_update().filter(vehicle_id=vehicle_id).first()
    if row is None:
        row = models.Watch(vehicle_id=vehicle_id, version=0, document={})
    if row.document == document:
        return row.version
    row.trip, row.document, row.set_at = watch.trip, document, clock.now()
    row.version += 1
    row.save()
    return row.version


def watch_clear(*, vehicle_id: int, trip: str) -> None:
    """Stop watching for this trip; another trip's watch, set meanwhile, stays."""
    models.Watch.objects.filter(vehicle_id=vehicle_id, trip=trip).delete()
