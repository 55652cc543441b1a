"""Test vehicles for `zaitu simulate`, whole fleets at once: vehicle, terminal, binding, and if wished a watch on its road."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.telemetry import models
from zaitu.telemetry.domain import simulated
from zaitu.telemetry.domain.watch import Watch, WatchStop, watch_document
from zaitu.telemetry.services.terminals import secret_hash

_BATCH: Final = 2_000
_WATCHES: Final = 250
"""Written at once: each is about 10 kB."""
_POSITIONS_FORGET: Final = """
DELETE FROM telemetry_position WHERE terminal_id IN (SELECT id FROM telemetry_terminal WHERE plate LIKE %s)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    vehicles: int
    watches: int
    codes: dict[int, str]
    """By index: authorisation codes, when they were asked for."""


@transaction.atomic
def simulated_prepare(
    *, actor: Principal, first: int, count: int, from_at: datetime, watched: int = 0, registered: bool = False
) -> Prepared:
    """Let the test vehicles `first` … `first + count - 1` in, the first `watched` of them with a watch from `from_at` on.

    `registered`: their terminals have registered already, with new codes. Those that are there stay; a watch is set anew.
    Raises Forbidden, ValueError for an index out of range.
    """
    indices = range(first, first + count)
    plates = {simulated.number(index): simulated.plate(index) for index in indices}
    vehicle_ids = network.simulated_put(actor=actor, plates=plates, from_at=from_at)
    now = clock.now()
    models.Terminal.objects.bulk_create(
        [
            models.Terminal(terminal=number, kind="jt808", plate=plate, adopted_at=now)
            for number, plate in plates.items()
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
    models.UnknownTerminal.objects.filter(terminal__in=plates).delete()
    codes = _codes(indices, now) if registered else {}
    watches = models.Watch.objects.bulk_create(
        _watches(first, min(watched, count), vehicle_ids, from_at),
        batch_size=_WATCHES,
        update_conflicts=True,
        unique_fields=["vehicle"],
        update_fields=["trip", "version", "document", "set_at"],
    )
    return Prepared(vehicles=count, watches=len(watches), codes=codes)


def _codes(indices: range, now: datetime) -> dict[int, str]:
    """New codes, as if each terminal had registered with the id that it will say."""
    codes = {index: secrets.token_hex(8) for index in indices}
    rows = list(models.Terminal.objects.filter(terminal__in=[simulated.number(index) for index in indices]))
    by_number = {simulated.number(index): code for index, code in codes.items()}
    for row in rows:
        row.auth_code_hash = secret_hash(by_number[row.terminal])
        row.device_id, row.registered_at = row.terminal[-7:], now
    fields = ["auth_code_hash", "device_id", "registered_at"]
    models.Terminal.objects.bulk_update(rows, fields, batch_size=_BATCH)
    return codes


def _watches(
    first: int, count: int, vehicle_ids: dict[str, int], from_at: datetime
) -> Iterator[models.Watch]:
    now = clock.now()
    for start in range(first, first + count, _WATCHES):
        size = min(_WATCHES, first + count - start)
        for index, road in enumerate(simulated.roads(start, size) / 1e6, start):
            watch = _watch(index, [(lat, lon) for lat, lon in road.tolist()], from_at)
            yield models.Watch(
                vehicle_id=vehicle_ids[simulated.number(index)],
                trip=watch.trip,
                version=secrets.randbelow(1_000_000),
                document=watch_document(watch),
                set_at=now,
            )


def _watch(index: int, road: list[tuple[float, float]], from_at: datetime) -> Watch:
    stops = (
        WatchStop(
            seq=seq,
            lat=road[vertex][0],
            lon=road[vertex][1],
            radius_m=simulated.STOP_RADIUS_M,
            along_m=vertex * simulated.SPACING_M,
        )
        for seq, vertex in enumerate(simulated.STOPS)
    )
    return Watch(trip=simulated.trip(index), route=tuple(road), stops=tuple(stops), from_at=from_at)


@transaction.atomic
def simulated_forget(*, actor: Principal) -> int:
    """Remove every test vehicle and all that its terminal has sent; how many vehicles. Raises Forbidden, Conflict.

    What it sent before authentication stays in the quarantine, which forgets by itself.
    """
    mine = f"{simulated.MARK}%"
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS_FORGET, [mine])
    of_vehicle = {"vehicle__plate__startswith": simulated.MARK}
    models.Watch.objects.filter(**of_vehicle).delete()
    models.VehicleState.objects.filter(**of_vehicle).delete()
    models.Terminal.objects.filter(plate__startswith=simulated.MARK).delete()
    return network.simulated_forget(actor=actor)
