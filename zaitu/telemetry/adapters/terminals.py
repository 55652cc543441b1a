"""Terminals of a tick: locked first, so that one fix is never stored by two writers at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from zaitu.telemetry.models import Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    id: int
    last_fix_at: datetime | None
    """No fix after it is stored."""


def terminals_lock(names: Collection[str]) -> dict[str, Locked]:
    """Lock these terminals until the transaction ends, in the order of their ids; strangers are absent."""
    rows = (
        Terminal.objects.select_for_update(no_key=True)
        .filter(terminal__in=names)
        .order_by("id")
        .values_list("id", "terminal", "last_fix_at")
    )
    return {name: Locked(id=pk, last_fix_at=last_fix_at) for pk, name, last_fix_at in rows}


def terminals_seen(seen: Mapping[int, datetime | None], at: datetime) -> None:
    """By terminal id, the newest stored fix time, if any. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE telemetry_terminal AS terminal
                  SET last_seen_at = greatest(terminal.last_seen_at, %s),
                      last_fix_at = greatest(terminal.last_fix_at, seen.last_fix_at)
                 FROM unnest(%s::bigint[], %s::timestamptz[]) AS seen (id, last_fix_at)
                WHERE terminal.id = seen.id""",
            [at, list(seen.keys()), list(seen.values())],
        )
