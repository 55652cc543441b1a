"""Commands to terminals as rows: asked by people, claimed by the gateway that has the terminal, ended by its answer or by time.

Every change of state names the state it leaves, and the attempt it belongs to: of two gateways that believe to have a terminal
one gets the row, and an answer that comes too late changes nothing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Value, When

from zaitu.access import public as access
from zaitu.kernel import bus, clock
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.telemetry.codecs.jt808.commands import downlink
from zaitu.telemetry.domain import commands as rules
from zaitu.telemetry.domain.commands import CommandView, Kind, State, Why
from zaitu.telemetry.models import Terminal, TerminalCommand
from zaitu.telemetry.selectors import command_view, terminal_get
from zaitu.telemetry.services.retention import rows_trim

KEPT: Final = timedelta(days=90)
_CLAIM_MAX: Final = 500
_ROUTE_WIDTH_M: Final = 200
_NO_COMMANDS: Final = "只有车载终端（JT/T 808）能接收指令，请打电话给司机"
_CLAIM: Final = """
    UPDATE telemetry_terminalcommand AS command
    SET state = 'sent', sent_at = %(now)s, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM telemetry_terminalcommand
        WHERE state IN ('queued', 'sent') AND expires_at > %(now)s
          AND (state = 'queued' AND terminal = ANY(%(here)s)
               OR state = 'sent' AND attempts < %(most)s AND EXISTS (
                   SELECT FROM unnest(%(again)s::text[], %(since)s::timestamptz[]) AS fresh (number, since)
                   WHERE number = terminal AND sent_at < since))
        ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id, terminal, kind, parameters, attempts,
        (SELECT version FROM telemetry_terminal AS device WHERE device.terminal = command.terminal)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A command this gateway is to send; nobody else will under this attempt."""

    id: int
    terminal: str
    kind: str
    parameters: Mapping[str, Any]
    attempt: int
    version: str
    """As the terminal registered; empty: not known."""


@transaction.atomic
def command_send(
    *, actor: Principal, terminal: str, kind: Kind, parameters: Mapping[str, Any]
) -> CommandView:
    """Queue a command; gateways are told after commit. Raises NotFound, Invalid, Conflict (too many are open)."""
    device = Terminal.objects.select_for_update().get(pk=terminal_get(terminal).pk)
    if device.kind != "jt808":
        raise Invalid(_NO_COMMANDS, fields={"kind": _NO_COMMANDS})
    asked = _resolved(actor, device, kind, rules.parameters_checked(kind, parameters, terminal=terminal))
    _must_be_writable(kind, asked, device.version)
    now = clock.now()
    waiting = TerminalCommand.objects.filter(terminal=terminal, state__in=rules.OPEN, expires_at__gt=now)
    if waiting.count() >= rules.OPEN_MAX:
        raise Conflict("这台终端等待中的指令太多；请等它们完成或过期（10 分钟）后再发")
    row = TerminalCommand.objects.create(
        terminal=terminal,
        kind=kind.value,
        parameters=asked,
        asked_by=actor.name[:150],
        asked_at=now,
        expires_at=now + rules.EXPIRES_AFTER,
        state=State.QUEUED.value,
    )
    # What was said to the driver stays in its row, which goes after KEPT; the audit stays longer.
    access.audit(actor=actor, action="terminal.command", subject=terminal, detail={"kind": kind.value})
    transaction.on_commit(lambda: _told(terminal))
    return command_view(row, now)


def _told(terminal: str) -> None:
    bus.tell(settings.ZAITU_BUS_PATH, f"command.{terminal}", {})


def _resolved(actor: Principal, device: Terminal, kind: Kind, asked: dict[str, Any]) -> dict[str, Any]:
    """Names of stations and lines → what the terminal is told of them, as it is now."""
    if kind in {Kind.FENCE_SET, Kind.FENCE_DELETE}:
        station = network.station_get(actor=actor, code=asked["station"])
        area = rules.area_of(
            station.id, station.name, (station.lat, station.lon), station.radius_m, station.fence or ()
        )
        kept = _last(device, Kind.FENCE_SET, station=asked["station"]) if kind is Kind.FENCE_DELETE else None
        # The terminal deletes by shape: a yard drawn anew since is still there in its old one.
        return {**asked, "name": station.name, "area": kept.parameters["area"] if kept else area}
    if kind in {Kind.ROUTE_SET, Kind.ROUTE_DELETE}:
        line = network.line_get(actor=actor, code=asked["line"])
        route = rules.route_of(line.id, line.name, line.points, _ROUTE_WIDTH_M)
        return {**asked, "name": line.name, "route": route}
    return asked


def _last(device: Terminal, kind: Kind, **parameters: str) -> TerminalCommand | None:
    done = TerminalCommand.objects.filter(terminal=device.terminal, kind=kind.value, state=State.DONE.value)
    return done.filter(parameters__contains=parameters).order_by("-id").first()


def _must_be_writable(kind: Kind, asked: Mapping[str, Any], version: str) -> None:
    try:
        downlink(kind.value, asked, version)
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("这条指令这台终端存不下：围栏或线路跨了半球，或者太大") from error


def commands_waiting(*, now: datetime) -> frozenset[str]:
    """Terminals that a command is queued for. One query on a handful of rows."""
    rows = TerminalCommand.objects.filter(state=State.QUEUED.value, expires_at__gt=now)
    return frozenset(rows.values_list("terminal", flat=True).distinct())


def commands_claim(here: Collection[str], again: Mapping[str, datetime], *, now: datetime) -> list[Claimed]:
    """What to send now: queued for terminals `here`, and once more what those in `again` were sent before they connected, at that instant.

    Each goes to one caller only. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "now": now,
                "here": sorted({*here, *again}),
                "again": list(again),
                "since": list(again.values()),
                "most": rules.SENDS_MAX,
                "limit": _CLAIM_MAX,
            },
        )
        rows = cursor.fetchall()
    names = ("id", "terminal", "kind", "parameters", "attempt", "version")
    claimed = [Claimed(**_read(dict(zip(names, row, strict=True)))) for row in rows]
    return sorted(claimed, key=lambda one: one.id)


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "parameters": json.loads(row["parameters"]), "version": row["version"] or ""}


def command_answered(
    claim: int, attempt: int, state: State, *, now: datetime, why: str = "", answer: Mapping[str, Any]
) -> bool:
    """The end of a command that was sent; whether it was still open and of this attempt. One statement."""
    rows = TerminalCommand.objects.filter(pk=claim, attempts=attempt, state=State.SENT.value)
    return bool(rows.update(state=state.value, why=why, answered_at=now, answer=dict(answer)))


def commands_back(claims: Collection[tuple[int, int]], *, sent: bool, now: datetime) -> None:
    """(id, attempt) whose connection is gone before an answer: to be sent on the next, or given up. At most two statements.

    `sent`: it may have reached the terminal; else the attempt does not count.
    """
    for attempt in {attempt for _, attempt in claims}:
        mine = [one for one, of in claims if of == attempt]
        rows = TerminalCommand.objects.filter(pk__in=mine, attempts=attempt, state=State.SENT.value)
        if not sent:
            rows.update(state=State.QUEUED.value, attempts=F("attempts") - 1)
        elif attempt < rules.SENDS_MAX:
            rows.update(state=State.QUEUED.value)
        else:
            rows.update(state=State.EXPIRED.value, why=Why.UNANSWERED.value, answered_at=now)


def commands_expire(*, now: datetime) -> int:
    """Whose time is over; how many. One statement."""
    late = TerminalCommand.objects.filter(state__in=rules.OPEN, expires_at__lte=now)
    why = Case(When(attempts=0, then=Value(Why.OFFLINE.value)), default=Value(Why.UNANSWERED.value))
    return late.update(state=State.EXPIRED.value, why=why, answered_at=now)


def commands_trim(now: datetime) -> int:
    """Forget what is older than KEPT or one too many; how many rows went."""
    return rows_trim(TerminalCommand.objects.all(), "asked_at", now - KEPT)
