"""What a finished segment teaches: its pace, and how wrong the predictions were."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from zaitu.journey.domain import eta as etas
from zaitu.journey.models import EtaErrors, SegmentPace, Trip, TripStop


def learn(trip: Trip, stops: Sequence[TripStop], stop: TripStop) -> None:
    """From the arrival at `stop`; a second telling of the same arrival teaches nothing."""
    if stop.arrived_at is None or stop.eta is None:
        return
    _pace(trip, stops, stop, stop.arrived_at)
    _errors(trip, stop, stop.arrived_at)
    # A stop that was reached is predicted no more, which also marks it as learned from.
    stop.eta, stop.eta_told, stop.predictions = None, None, []
    stop.save(update_fields=["eta", "eta_told", "predictions"])


def _before(stops: Sequence[TripStop], stop: TripStop) -> TripStop | None:
    return next((one for one in stops if one.seq == stop.seq - 1), None)


def _pace(trip: Trip, stops: Sequence[TripStop], stop: TripStop, arrived_at: datetime) -> None:
    before = _before(stops, stop)
    if before is None or before.departed_at is None:
        return
    hour = etas.hour_of(before.departed_at)
    known = (
        SegmentPace.objects.select_for_update()
        .filter(line_code=trip.line_code, from_seq=before.seq, hour=hour)
        .first()
    )
    learned = etas.pace_learned(
        (known.pace_s_per_km, known.runs) if known else None,
        km=(stop.along_m - before.along_m) / 1000,
        took=arrived_at - before.departed_at,
    )
    if learned is None:
        return
    SegmentPace.objects.update_or_create(
        line_code=trip.line_code,
        from_seq=before.seq,
        hour=hour,
        defaults={"pace_s_per_km": learned[0], "runs": learned[1]},
    )


def _errors(trip: Trip, stop: TripStop, arrived_at: datetime) -> None:
    by_horizon: dict[int, list[float]] = {}
    for made, predicted in _predictions(stop):
        horizon = etas.horizon_of(predicted - made)
        by_horizon.setdefault(horizon, []).append((arrived_at - predicted).total_seconds())
    if not by_horizon:
        return
    rows = EtaErrors.objects.select_for_update().filter(line_code=trip.line_code, horizon_h__in=by_horizon)
    known = {row.horizon_h: row.errors_s for row in rows}
    for horizon, errors_s in by_horizon.items():
        kept = [*known.get(horizon, []), *errors_s][-etas.ERRORS_KEPT :]
        EtaErrors.objects.update_or_create(
            line_code=trip.line_code, horizon_h=horizon, defaults={"errors_s": kept}
        )


def _predictions(stop: TripStop) -> Iterable[tuple[datetime, datetime]]:
    for made, predicted in stop.predictions:
        yield datetime.fromisoformat(made), datetime.fromisoformat(predicted)
