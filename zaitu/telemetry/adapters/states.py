"""Vehicles' newest states: locked in order, written back by one statement a tick."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from zaitu.telemetry import models
from zaitu.telemetry.rules.fences import Visit

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class State:
    """A row of telemetry_vehiclestate while a tick works on it."""

    vehicle_id: int
    at: datetime = _NEVER
    received_at: datetime = _NEVER
    lat: float = 0.0
    lon: float = 0.0
    speed_kmh: float | None = None
    course_deg: int | None = None
    acc: bool | None = None
    odometer_m: int | None = None
    temps_c: list[float | None] | None = None
    trip: str = ""
    along_m: float | None = None
    off_m: float | None = None
    visits: tuple[Visit, ...] = field(default=())
    late_from: datetime | None = None
    late_seen_at: datetime | None = None

    @property
    def known(self) -> bool:
        """It has had a fix."""
        return self.at > _NEVER


_FIELDS: Final = (
    "vehicle_id", "at", "received_at", "lat", "lon", "speed_kmh", "course_deg", "acc", "odometer_m", "temps_c",
    "trip", "along_m", "off_m", "visits", "late_from", "late_seen_at",
)  # fmt: skip
_TYPES: Final = (
    "bigint", "timestamptz", "timestamptz", "float8", "float8", "float8", "int2", "boolean", "bigint", "float8[]",
    "text", "float8", "float8", "jsonb", "timestamptz", "timestamptz",
)  # fmt: skip
_UPDATE: Final = f"""
UPDATE telemetry_vehiclestate AS state
   SET {", ".join(f"{name} = fresh.{name}" for name in _FIELDS[1:])}
  FROM jsonb_to_recordset(%s::jsonb)
       AS fresh ({", ".join(f"{name} {kind}" for name, kind in zip(_FIELDS, _TYPES, strict=True))})
 WHERE state.vehicle_id = fresh.vehicle_id"""  # noqa: S608  names of our own columns only


def states_lock(vehicle_ids: Iterable[int]) -> dict[int, State]:
    """Lock these vehicles' states until the transaction ends, in the order of their ids; those without get one."""
    wanted = sorted(set(vehicle_ids))
    found = _locked(wanted)
    missing = [vehicle_id for vehicle_id in wanted if vehicle_id not in found]
    if missing:
        models.VehicleState.objects.bulk_create(
            [
                models.VehicleState(vehicle_id=vehicle_id, at=_NEVER, received_at=_NEVER, lat=0.0, lon=0.0)
                for vehicle_id in missing
            ],
            ignore_conflicts=True,
        )
        found |= _locked(missing)
    return found


def states_lock_late(seen_before: datetime, limit: int) -> list[State]:
    """States with late fixes that have waited long enough; those another process holds are left to it."""
    rows = (
        models.VehicleState.objects.filter(late_from__isnull=False, late_seen_at__lte=seen_before)
        .select_for_update(skip_locked=True)
        .order_by("vehicle_id")[:limit]
    )
    return [_state(row) for row in rows]


def _locked(vehicle_ids: Sequence[int]) -> dict[int, State]:
    rows = (
        models.VehicleState.objects.filter(vehicle_id__in=vehicle_ids)
        .select_for_update(no_key=True)
        .order_by("vehicle_id")
    )
    return {row.pk: _state(row) for row in rows}


def _state(row: models.VehicleState) -> State:
    values = {name: getattr(row, name) for name in _FIELDS}
    values["visits"] = tuple(visit_from(packed) for packed in row.visits)
    return State(**values)


def states_write(states: Iterable[State]) -> None:
    """Write locked states back. One statement."""
    rows = [_row(state) for state in states]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, [json.dumps(rows)])


def _row(state: State) -> dict[str, Any]:
    row = {name: getattr(state, name) for name in _FIELDS}
    row["visits"] = [visit_packed(visit) for visit in state.visits]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def visit_packed(visit: Visit) -> list[float | None]:
    return [
        visit.seq,
        visit.entered_s,
        visit.left_s,
        visit.out_since_s,
        visit.out_fixes,
        visit.inside_s,
    ]


def visit_from(packed: list[Any]) -> Visit:
    seq, entered_s, left_s, out_since_s, out_fixes, inside_s = packed
    return Visit(
        seq=int(seq),
        entered_s=entered_s,
        left_s=left_s,
        out_since_s=out_since_s,
        out_fixes=int(out_fixes),
        inside_s=inside_s,
    )
