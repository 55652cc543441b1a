"""Which devices may report as sensors."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from zaitu.telemetry.models import Terminal
from zaitu.telemetry.services.terminals import Registrant, unknown_seen

KIND: Final = "mqtt"
_LISTED: Final = 20
"""Strangers written down in one tick: a broker full of other people's devices must not fill our time."""


def sensors_known(names: Collection[str], *, now: datetime) -> set[str]:
    """Those of them that are let in as sensors; the others are listed for an administrator. One query, and one each for strangers."""
    kinds = dict(Terminal.objects.filter(terminal__in=names).values_list("terminal", "kind"))
    for stranger in sorted(set(names) - kinds.keys())[:_LISTED]:
        unknown_seen(Registrant(terminal=stranger, kind=KIND), now=now)
    return {name for name, kind in kinds.items() if kind == KIND}
