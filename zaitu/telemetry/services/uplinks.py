"""What terminals send beside positions and talk about the connection: taken, and answered when it is committed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from zaitu.access import public as access
from zaitu.kernel import logs
from zaitu.kernel.errors import Invalid, NotFound, TooLarge, Unavailable
from zaitu.kernel.principal import Principal
from zaitu.telemetry.codecs.fix import time_checked
from zaitu.telemetry.codecs.jt808 import Message, Result, encode, messages
from zaitu.telemetry.domain.reports import Kind, ReportView
from zaitu.telemetry.models import TerminalReport
from zaitu.telemetry.services.media import Sent, media_store
from zaitu.telemetry.services.owners import vehicle_at

REPEAT: Final = timedelta(minutes=10)
"""The same words again within that are the same report, whose answer was lost."""
PER_DAY: Final = 2_000
"""Reports of one terminal; more are refused."""

log = logs.logger("telemetry.uplinks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    result: Result
    reply: tuple[int, bytes] | None = None
    """(message, body) that is sent as well."""


def uplink_take(message: Message, *, now: datetime) -> Taken:
    """A message of TAKEN from a terminal that is who it says; it is committed when this returns."""
    return TAKEN[message.header.msg_id](message, now)


def _media(message: Message, now: datetime) -> Taken:
    told = message.fields
    sent = Sent(
        terminal=message.header.phone,
        fields=told,
        taken_at=_instant(told.get("time_utc")),
        content=message.content,
    )
    try:
        media_store(sent, now=now)
    except Invalid:
        return Taken(result=Result.MALFORMED)
    except (TooLarge, Unavailable) as error:
        log.warning("a terminal's file was refused", terminal=sent.terminal, why=error.code)
        return Taken(result=Result.FAILED)
    # Without a list of parts: all of them are here, and the terminal may forget it.
    body = encode.body_of(messages.MEDIA_REPLY, {"media_id": told["media_id"]})
    return Taken(result=Result.OK, reply=(messages.MEDIA_REPLY, body))


def _report(kind: Kind) -> Callable[[Message, datetime], Taken]:
    return lambda message, now: Taken(result=report_store(message, kind, now=now))


@transaction.atomic
def report_store(message: Message, kind: Kind, *, now: datetime) -> Result:
    """Keep what a terminal told."""
    terminal, body = message.header.phone, _kept(message.fields)
    mine = TerminalReport.objects.filter(terminal=terminal)
    recent = mine.filter(kind=kind, received_at__gt=now - REPEAT).order_by("-received_at")
    if any(json.loads(row.body) == body for row in recent[:100]):
        return Result.OK
    if mine.filter(received_at__gt=now - timedelta(days=1)).count() >= PER_DAY:
        return Result.FAILED
    told_at = _instant(body.get("time_utc"))
    at = told_at if told_at is not None and time_checked(told_at, None, now=now) is None else now
    TerminalReport.objects.create(
        terminal=terminal,
        vehicle_id=vehicle_at(terminal, at),
        kind=kind,
        at=at,
        received_at=now,
        body=json.dumps(body, ensure_ascii=False),
    )
    return Result.OK


def reports_forget(now: datetime) -> int:
    """Delete what is older than positions are kept; how many. May run twice."""
    old = now - timedelta(days=settings.ZAITU_POSITIONS_KEEP_DAYS)
    gone, _ = TerminalReport.objects.filter(received_at__lt=old).delete()
    return gone


def report_read(*, actor: Principal, report_id: int, reason: str) -> ReportView:
    """Unmasked, which goes on record with the reason. Raises NotFound, Invalid without a reason."""
    reason = reason.strip()[:200]
    if not reason:
        raise Invalid("请写明查看原因", fields={"reason": "请写明查看原因"})
    row = TerminalReport.objects.filter(pk=report_id).first()
    if row is None:
        raise NotFound("没有这条上报")
    access.audit(
        actor=actor,
        action="personal.read",
        subject=f"terminal:{row.terminal}",
        detail={"report": row.pk, "kind": row.kind, "reason": reason},
    )
    return ReportView(
        id=row.pk, terminal=row.terminal, kind=row.kind, at=row.at, body=json.loads(row.body), hidden=False
    )


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, which is what a repetition is compared with; U+0000 has no place in words."""
    kept: dict[str, Any] = json.loads(json.dumps(fields, ensure_ascii=False).replace("\\u0000", "\\ufffd"))
    return kept


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None


TAKEN: Final[dict[int, Callable[[Message, datetime], Taken]]] = {
    messages.WAYBILL: _report(Kind.WAYBILL),
    messages.DRIVER_CARD: _report(Kind.DRIVER_CARD),
    messages.MEDIA_EVENT: _report(Kind.MEDIA),
    messages.MEDIA_DATA: _media,
}
