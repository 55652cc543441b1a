"""Reads. Authorisation is public.py's business."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, Q, QuerySet

from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page
from zaitu.network import public as network
from zaitu.telemetry.codecs.columns import Flag
from zaitu.telemetry.domain.commands import CommandView, State, Why
from zaitu.telemetry.domain.reports import MediaView, ReportView, masked
from zaitu.telemetry.domain.views import MOVING_KMH, Latest, TerminalCounts, TerminalView, UnknownTerminalView
from zaitu.telemetry.models import (
    NEVER,
    MediaFile,
    Position,
    Quarantine,
    Terminal,
    TerminalCommand,
    TerminalReport,
    UnknownTerminal,
    VehicleState,
)

SILENT_AFTER: Final = timedelta(minutes=10)
"""A device that says nothing for so long is shown as silent."""
COUNTED: Final = timedelta(hours=24)


def _latest(rows: QuerySet[VehicleState]) -> dict[int, Latest]:
    """Without those that are only watched: their row has no place yet, and the map would draw them in the Atlantic."""
    return {
        row.pk: Latest(
            vehicle_id=row.pk,
            at=row.at,
            lat=row.lat,
            lon=row.lon,
            speed_kmh=row.speed_kmh,
            course_deg=row.course_deg,
            along_m=row.along_m,
            off_m=row.off_m,
            trip=row.trip,
            moving=(row.speed_kmh or 0.0) >= MOVING_KMH,
            temps_c=tuple(row.temps_c or ()),
            received_at=row.received_at,
        )
        for row in rows.filter(at__gt=NEVER).defer("rules")
    }


def latest(vehicle_ids: Iterable[int]) -> dict[int, Latest]:
    """By vehicle id; vehicles never heard of are absent. One query."""
    return _latest(VehicleState.objects.filter(vehicle_id__in=list(vehicle_ids)))


def latest_all(bbox: tuple[float, float, float, float] | None) -> dict[int, Latest]:
    """Every vehicle heard of, or those inside (south, west, north, east). One query."""
    rows = VehicleState.objects.all()
    if bbox is not None:
        south, west, north, east = bbox
        rows = rows.filter(lat__range=(south, north), lon__range=(west, east))
    return _latest(rows)


def _terminal_view(row: Terminal, plate: str) -> TerminalView:
    return TerminalView(
        terminal=row.terminal,
        kind=row.kind,
        plate=plate,
        version=row.version,
        maker=row.maker,
        model=row.model,
        profile=row.profile,
        reported_plate=row.reported_plate,
        registered_at=row.registered_at,
        last_seen_at=row.last_seen_at,
        last_fix_at=row.last_fix_at,
    )


def terminals(
    text: str, page: int, size: int, now: datetime, *, silent: bool | None = None
) -> Page[TerminalView]:
    """Terminals let in whose number, or plate at that time, contains `text`, with where they are now. Three queries."""
    rows = Terminal.objects.order_by("terminal")
    heard = Q(last_seen_at__gte=now - SILENT_AFTER)
    if silent is not None:
        rows = rows.exclude(heard) if silent else rows.filter(heard)
    if text:
        rows = rows.filter(Q(terminal__contains=text) | Q(plate__icontains=text))
    first = (max(page, 1) - 1) * size
    shown = list(rows[first : first + size])
    plates = {
        stay.terminal: stay.plate
        for stay in network.bindings_of(row.terminal for row in shown)
        if stay.holds(now)
    }
    found = tuple(_terminal_view(row, plates.get(row.terminal, "")) for row in shown)
    return Page(rows=found, total=rows.count(), page=page, size=size)


def terminal_get(terminal: str) -> Terminal:
    """Raises NotFound."""
    row = Terminal.objects.filter(terminal=terminal).first()
    if row is None:
        raise NotFound(f"没有终端 {terminal}")
    return row


def terminal_view(terminal: str, now: datetime) -> TerminalView:
    """Two queries. Raises NotFound."""
    row = terminal_get(terminal)
    here = [stay.plate for stay in network.bindings_of([terminal]) if stay.holds(now)]
    return _terminal_view(row, here[0] if here else "")


def media(page: int, size: int, *, terminal: str = "", vehicle_id: int | None = None) -> Page[MediaView]:
    """Files of a terminal, or of a vehicle's terminals while they were in it; the last received first. Two queries."""
    rows = MediaFile.objects.order_by("-received_at", "pk")
    rows = rows.filter(terminal=terminal) if terminal else rows.filter(vehicle_id=vehicle_id)
    first = (max(page, 1) - 1) * size
    found = tuple(
        MediaView(
            id=str(row.pk),
            terminal=row.terminal,
            kind=row.kind,
            format=row.format,
            event=row.event,
            channel=row.channel,
            taken_at=row.taken_at,
            received_at=row.received_at,
            lat=row.lat,
            lon=row.lon,
            size_bytes=row.size_bytes,
        )
        for row in rows[first : first + size]
    )
    return Page(rows=found, total=rows.count(), page=page, size=size)


def reports(terminal: str, limit: int) -> list[ReportView]:
    """What a terminal told beside positions, the last first, masked. One query."""
    found = []
    for row in TerminalReport.objects.filter(terminal=terminal).order_by("-received_at", "-pk")[:limit]:
        body, hidden = masked(row.kind, json.loads(row.body))
        found.append(
            ReportView(id=row.pk, terminal=terminal, kind=row.kind, at=row.at, body=body, hidden=hidden)
        )
    return found


def unknown_terminals() -> list[UnknownTerminalView]:
    """Devices that spoke and are not let in, the last heard first. One query."""
    return [
        UnknownTerminalView(
            terminal=row.terminal,
            kind=row.kind,
            version=row.version,
            maker=row.maker,
            model=row.model,
            reported_plate=row.reported_plate,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            attempts=row.attempts,
        )
        for row in UnknownTerminal.objects.order_by("-last_seen_at")
    ]


def command_view(row: TerminalCommand, now: datetime) -> CommandView:
    over = row.state in {State.QUEUED, State.SENT} and row.expires_at <= now
    return CommandView(
        id=row.pk,
        terminal=row.terminal,
        kind=row.kind,
        parameters=row.parameters,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        state=State.EXPIRED if over else row.state,
        why=(Why.UNANSWERED if row.attempts else Why.OFFLINE) if over else row.why,
        attempts=row.attempts,
        sent_at=row.sent_at,
        answered_at=row.answered_at,
        expires_at=row.expires_at,
        answer=row.answer,
    )


def commands(terminal: str, kinds: Iterable[str], page: int, size: int, now: datetime) -> Page[CommandView]:
    """Of these kinds, the newest first. Two queries."""
    rows = TerminalCommand.objects.filter(terminal=terminal, kind__in=list(kinds)).order_by("-id")
    first = (max(page, 1) - 1) * size
    found = tuple(command_view(row, now) for row in rows[first : first + size])
    return Page(rows=found, total=rows.count(), page=page, size=size)


def terminal_counts(number: str, now: datetime) -> TerminalCounts:
    """Three queries. Raises NotFound."""
    row = terminal_get(number)
    lately = Position.objects.filter(terminal_id=row.pk, at__gte=now - COUNTED, at__lte=now)
    counted = lately.annotate(
        late=F("flags").bitand(int(Flag.BACKFILL)), odd=F("flags").bitand(int(Flag.CLOCK))
    ).aggregate(
        positions=Count("*"),
        backfill=Count("at", filter=Q(late__gt=0)),
        no_fix=Count("at", filter=Q(lat__isnull=True)),
        clock=Count("at", filter=Q(odd__gt=0)),
    )
    return TerminalCounts(**counted, quarantined=Quarantine.objects.filter(terminal=number).count())
