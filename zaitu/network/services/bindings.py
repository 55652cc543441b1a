"""Which terminal is in which vehicle, from when to when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from zaitu.access import public as access
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.network import selectors
from zaitu.network.domain import checks
from zaitu.network.domain.bindings import Stay, stay_added, stay_ended
from zaitu.network.domain.moments import moment_text
from zaitu.network.models import TerminalBinding

Stays = Mapping[str, Sequence[Stay]]
"""Terminal → its stays."""


@transaction.atomic
def terminal_bind(*, actor: Principal, terminal: str, plate: str, from_at: datetime) -> None:
    """Put a terminal into a vehicle; an open stay elsewhere ends at that moment.

    Raises Invalid, NotFound for an unknown plate, Conflict when the stay overlaps another.
    """
    number = checks.terminal_normal(terminal)
    vehicle = selectors.vehicle(plate)
    _aware(from_at)
    stays = stays_locked([number])[number]
    after = stay_added(stays, Stay(plate=vehicle.plate, from_at=from_at))
    if stays_write({number: stays}, {number: after}, {vehicle.plate: vehicle.pk}):
        detail = {"plate": vehicle.plate, "from_at": moment_text(from_at)}
        access.audit(actor=actor, action="terminal.bind", subject=f"terminal:{number}", detail=detail)


@transaction.atomic
def terminal_unbind(*, actor: Principal, terminal: str, at: datetime) -> None:
    """Take a terminal out of its vehicle. Raises Invalid, Conflict when it is in none at that moment."""
    number = checks.terminal_normal(terminal)
    _aware(at)
    stays = stays_locked([number])[number]
    stays_write({number: stays}, {number: stay_ended(stays, at)}, {})
    detail = {"to_at": moment_text(at)}
    access.audit(actor=actor, action="terminal.unbind", subject=f"terminal:{number}", detail=detail)


def stays_locked(terminals: Iterable[str]) -> dict[str, list[Stay]]:
    """Every stay of these terminals, locked until the transaction ends."""
    rows = (
        TerminalBinding.objects.filter(terminal__in=set(terminals))
        .select_related("vehicle")
        .select_for_update(of=("self",))
        .order_by("terminal", "from_at")
    )
    found: dict[str, list[Stay]] = defaultdict(list)
    for row in rows:
        stay = Stay(plate=row.vehicle.plate, from_at=row.from_at, to_at=row.to_at, id=row.pk)
        found[row.terminal].append(stay)
    return found


def stays_write(before: Stays, after: Stays, vehicle_ids: Mapping[str, int]) -> int:
    """Write what changed, ends before beginnings; gives how many stays that were. Raises Conflict on a lost race."""
    ended = [
        TerminalBinding(pk=stay.id, to_at=stay.to_at)
        for terminal, stays in after.items()
        for stay in stays
        if stay.id is not None and stay not in before[terminal]
    ]
    added = [
        TerminalBinding(
            terminal=terminal, vehicle_id=vehicle_ids[stay.plate], from_at=stay.from_at, to_at=stay.to_at
        )
        for terminal, stays in after.items()
        for stay in stays
        if stay.id is None
    ]
    try:
        with transaction.atomic():
            TerminalBinding.objects.bulk_update(ended, ["to_at"])
            TerminalBinding.objects.bulk_create(added)
    except IntegrityError as error:
        raise Conflict("刚刚有人改动了这个终端的绑定，请刷新后再试") from error
    return len(ended) + len(added)


def _aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise Invalid("时间须带时区", fields={"from_at": "时间须带时区"})
