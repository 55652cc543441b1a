"""Telemetry's contract: what other rooms and doors may call. Every call says who is acting."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house, rows_rewrite
from zaitu.telemetry import selectors
from zaitu.telemetry.adapters import tracks
from zaitu.telemetry.adapters.terminal_link import Refused, TerminalLink
from zaitu.telemetry.codecs.jt808 import Deframer, FrameError, Message, decode
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink
from zaitu.telemetry.codecs.jt808.profiles import PROFILES
from zaitu.telemetry.domain import limits
from zaitu.telemetry.domain.commands import ASKABLE, TELLING, CommandView, kind_checked
from zaitu.telemetry.domain.commands import Kind as CommandKind
from zaitu.telemetry.domain.commands import State as CommandState
from zaitu.telemetry.domain.reports import MediaView, ReportView
from zaitu.telemetry.domain.views import (
    Latest,
    TerminalCounts,
    TerminalView,
    TrackPoint,
    UnknownTerminalView,
)
from zaitu.telemetry.domain.watch import Watch, WatchStop
from zaitu.telemetry.selectors import SILENT_AFTER
from zaitu.telemetry.services import commands, terminals, watches
from zaitu.telemetry.services import media as _media
from zaitu.telemetry.services import uplinks as _uplinks
from zaitu.telemetry.services.osmand import osmand, osmand_close, osmand_open
from zaitu.telemetry.services.terminals import KINDS as TERMINAL_KINDS
from zaitu.telemetry.services.terminals import terminal_normal

__all__ = [
    "ASKABLE",
    "PROFILES",
    "SILENT_AFTER",
    "TELLING",
    "TERMINAL_KINDS",
    "CommandKind",
    "CommandState",
    "CommandView",
    "Deframer",
    "FrameError",
    "Latest",
    "MediaView",
    "Message",
    "Place",
    "Refused",
    "Registration",
    "ReportView",
    "TerminalCounts",
    "TerminalLink",
    "TerminalView",
    "TrackPoint",
    "UnknownTerminalView",
    "Uplink",
    "Watch",
    "WatchStop",
    "command_list",
    "command_send",
    "decode",
    "files_reseal",
    "keys_rewrite",
    "latest",
    "latest_all",
    "limits",
    "media_list",
    "media_read",
    "osmand",
    "osmand_close",
    "osmand_open",
    "report_read",
    "reports_list",
    "temps",
    "terminal_adopt",
    "terminal_counts",
    "terminal_create",
    "terminal_normal",
    "terminal_profile_set",
    "terminal_reset",
    "terminal_view",
    "terminals_list",
    "track",
    "unknown_terminals",
    "watch_clear",
    "watch_set",
]


def _must_move_trips(actor: Principal) -> None:
    # A trip is watched from its planning or from the departure scan, whichever comes first.
    if not any(actor.can(right) for right in (Right.TRIPS_PLAN, Right.SCAN_ROAD, Right.SCAN_WAREHOUSE)):
        raise Forbidden(f"{actor.kind.value} may not watch vehicles")


def watch_set(*, actor: Principal, vehicle_id: int, watch: Watch) -> int:
    """Look for the stops of a trip in this vehicle's fixes from now on; the watch's version. Raises Forbidden."""
    _must_move_trips(actor)
    return watches.watch_set(vehicle_id=vehicle_id, watch=watch)


def watch_clear(*, actor: Principal, vehicle_id: int, trip: str) -> None:
    """The trip is over; a watch of another trip stays. Raises Forbidden."""
    _must_move_trips(actor)
    watches.watch_clear(vehicle_id=vehicle_id, trip=trip)


def latest(*, actor: Principal, vehicle_ids: Iterable[int]) -> dict[int, Latest]:
    """Newest fix by vehicle; vehicles never heard of are absent. Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return selectors.latest(vehicle_ids)


def latest_all(
    *, actor: Principal, bbox: tuple[float, float, float, float] | None = None
) -> dict[int, Latest]:
    """Newest fix of every vehicle, or of those inside (south, west, north, east). Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return selectors.latest_all(bbox)


def track(
    *, actor: Principal, vehicle_id: int, start: datetime, end: datetime, limit: int = 5000
) -> list[TrackPoint]:
    """Fixes with start ≤ at < end, oldest first; at most `limit`, itself at most 50,000. Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return tracks.track(vehicle_id, start, end, limit)


def temps(
    *, actor: Principal, vehicle_id: int, start: datetime, end: datetime, limit: int = 200
) -> list[tuple[datetime, tuple[float | None, ...]]]:
    """°C per probe with start ≤ at < end, oldest first, evenly thinned to `limit`. Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return tracks.temps(vehicle_id, start, end, limit)


def terminals_list(
    *, actor: Principal, text: str = "", page: int = 1, size: int = 50, silent: bool | None = None
) -> Page[TerminalView]:
    """Devices that were let in, by number; `silent`: only those that said nothing for ten minutes, or that did. Raises Forbidden."""
    actor.must(Right.TERMINALS_MANAGE)
    return selectors.terminals(text, page, size, clock.now(), silent=silent)


def unknown_terminals(*, actor: Principal) -> list[UnknownTerminalView]:
    """Devices that spoke to us and are not let in (at most 1,000), the last heard first. Raises Forbidden."""
    actor.must(Right.TERMINALS_MANAGE)
    return selectors.unknown_terminals()


def terminal_create(
    *,
    actor: Principal,
    terminal: str,
    kind: str,
    plate: str,
    from_at: datetime | None = None,
    profile: str = "",
) -> str | None:
    """Let a device of a kind of TERMINAL_KINDS in (terminal, electronic lock, phone, sensor), in this vehicle from `from_at` (aware; default now) on.

    `profile`: what its maker means, by a name of PROFILES; empty: by its model.

    Returns the phone's token, shown this once; None for others: a terminal is given its code when it registers.
    Raises Forbidden, Invalid, NotFound (no such plate), Conflict (already let in).
    """
    actor.must(Right.TERMINALS_MANAGE)
    return terminals.terminal_create(
        actor=actor, terminal=terminal, kind=kind, plate=plate, from_at=from_at, profile=profile
    )


def terminal_adopt(*, actor: Principal, terminal: str, plate: str, profile: str = "") -> None:
    """Let in a device of the kind it spoke as (JT/T 808 if it is not among the unknown ones). Raises as `terminal_create`."""
    actor.must(Right.TERMINALS_MANAGE)
    terminals.terminal_adopt(actor=actor, terminal=terminal, plate=plate, profile=profile)


def terminal_view(*, actor: Principal, terminal: str) -> TerminalView:
    """One device that was let in. Raises Forbidden, NotFound."""
    _must_see(actor)
    return selectors.terminal_view(terminal, clock.now())


def _must_see(actor: Principal) -> None:
    if not actor.can(Right.TERMINALS_MANAGE):
        actor.must(Right.POSITIONS_READ)


def terminal_profile_set(*, actor: Principal, terminal: str, profile: str) -> None:
    """Say what its maker means (a name of PROFILES; empty: by its model), from its next connection on.

    Raises Forbidden, NotFound, Invalid (no such profile).
    """
    actor.must(Right.TERMINALS_MANAGE)
    terminals.terminal_profile_set(actor=actor, terminal=terminal, profile=profile)


def media_list(
    *, actor: Principal, terminal: str = "", vehicle_id: int | None = None, page: int = 1, size: int = 24
) -> Page[MediaView]:
    """Pictures, sounds and films of a terminal, or of a vehicle; the last received first. Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return selectors.media(page, size, terminal=terminal, vehicle_id=vehicle_id)


def media_read(*, actor: Principal, media_id: str) -> tuple[bytes, str]:
    """(content as sent, type); goes on record. Raises Forbidden, NotFound, Unavailable."""
    actor.must(Right.POSITIONS_READ)
    return _media.media_read(actor=actor, media_id=media_id)


def reports_list(*, actor: Principal, terminal: str, limit: int = 50) -> list[ReportView]:
    """What a terminal told beside positions, the last first; names and numbers of people masked. Raises Forbidden."""
    actor.must(Right.POSITIONS_READ)
    return selectors.reports(terminal, limit)


def report_read(*, actor: Principal, report_id: int, reason: str) -> ReportView:
    """One of them unmasked; goes on record with the reason. Raises Forbidden, NotFound, Invalid without a reason."""
    actor.must(Right.POSITIONS_READ)
    actor.must(Right.PERSONAL_READ)
    return _uplinks.report_read(actor=actor, report_id=report_id, reason=reason)


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write rows anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return rows_rewrite("telemetry")


def files_reseal(*, actor: Principal) -> Iterator[Batch]:
    """The same for files of terminals, while no backup runs. Raises Forbidden, OSError (disk full)."""
    must_be_the_house(actor)
    return _media.media_reseal()


def terminal_reset(*, actor: Principal, terminal: str) -> None:
    """Let the next device with this number register anew. Raises Forbidden, NotFound."""
    actor.must(Right.TERMINALS_MANAGE)
    terminals.terminal_reset(actor=actor, terminal=terminal)


def terminal_counts(*, actor: Principal, terminal: str) -> TerminalCounts:
    """How much it sent in the last 24 hours, and of which quality. Raises Forbidden, Invalid, NotFound."""
    _must_see(actor)
    return selectors.terminal_counts(terminal_normal(terminal), clock.now())


def command_send(
    *, actor: Principal, terminal: str, kind: str, parameters: Mapping[str, Any] | None = None
) -> CommandView:
    """Ask a JT/T 808 terminal for something (`CommandKind`; parameters as domain/commands.py checks them).

    It is sent as soon as the terminal is connected and given up after ten minutes; `command_list` tells what became of it.
    Raises Forbidden (text and locate need commands.tell or commands.manage, all others commands.manage), Invalid, NotFound (no such
    terminal, station or line), Conflict (20 are open).
    """
    _must_command(actor)
    wanted = kind_checked(kind)
    if wanted not in TELLING:
        actor.must(Right.COMMANDS_MANAGE)
    number = terminal_normal(terminal)
    return commands.command_send(actor=actor, terminal=number, kind=wanted, parameters=parameters or {})


def command_list(*, actor: Principal, terminal: str, page: int = 1, size: int = 20) -> Page[CommandView]:
    """What a terminal was asked, the newest first; with commands.tell alone only texts and positions. Raises Forbidden, Invalid."""
    _must_command(actor)
    kinds = set(CommandKind) if actor.can(Right.COMMANDS_MANAGE) else TELLING
    return selectors.commands(terminal_normal(terminal), kinds, page, min(max(size, 1), 200), clock.now())


def _must_command(actor: Principal) -> None:
    if not actor.can(Right.COMMANDS_MANAGE):
        actor.must(Right.COMMANDS_TELL)
