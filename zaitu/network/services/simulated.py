"""Test vehicles for `zaitu simulate`: thousands at once, under plates that no vehicle on a road can have."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import ProtectedError

from zaitu.access import public as access
from zaitu.kernel.errors import Conflict
from zaitu.kernel.principal import Principal
from zaitu.network import selectors
from zaitu.network.domain import checks
from zaitu.network.domain.views import VehicleDraft
from zaitu.network.models import TerminalBinding, Vehicle
from zaitu.network.services import store

_BATCH: Final = 2_000


@transaction.atomic
def simulated_put(*, actor: Principal, plates: Mapping[str, str], from_at: datetime) -> dict[str, int]:
    """Terminal → plate in, terminal → vehicle id out. Raises Invalid for any other plate."""
    wanted = {
        checks.terminal_normal(terminal): checks.simulated_plate(plate) for terminal, plate in plates.items()
    }
    drafts = [VehicleDraft(plate=plate) for plate in wanted.values()]
    for start in range(0, len(drafts), _BATCH):
        store.vehicles_store(drafts[start : start + _BATCH])
    ids = selectors.vehicle_ids(wanted.values())
    bound = set(TerminalBinding.objects.filter(vehicle__in=ids.values()).values_list("terminal", flat=True))
    TerminalBinding.objects.bulk_create(
        [
            TerminalBinding(terminal=terminal, vehicle_id=ids[plate], from_at=from_at)
            for terminal, plate in wanted.items()
            if terminal not in bound
        ],
        batch_size=_BATCH,
    )
    access.audit(actor=actor, action="simulated.put", subject="vehicles", detail={"count": len(wanted)})
    return {terminal: ids[plate] for terminal, plate in wanted.items()}


@transaction.atomic
def simulated_forget(*, actor: Principal) -> int:
    """How many vehicles there were. Raises Conflict when one of them has a trip."""
    mine = Vehicle.objects.filter(plate__startswith=checks.SIMULATED_MARK)
    TerminalBinding.objects.filter(vehicle__in=mine).delete()
    try:
        _rows, by_table = mine.delete()
    except ProtectedError as error:
        raise Conflict("有试验车辆已排了车次，不能删除") from error
    count = by_table.get(Vehicle._meta.label, 0)  # noqa: SLF001  documented by Django
    access.audit(actor=actor, action="simulated.forget", subject="vehicles", detail={"count": count})
    return count
