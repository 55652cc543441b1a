"""Taking due messages off the queue: no two couriers get the same one, and none is lost with a dead courier."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from zaitu.network import public as network
from zaitu.notify.adapters.addresses import preferences_address
from zaitu.notify.domain.delivery import SCHEDULE, Channel, State
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.saying import AT_LENGTH, DEFAULTS, LANGUAGE, Said, Template, link_short, said
from zaitu.notify.domain.ways import Urgency
from zaitu.notify.models import Attempt, Message, MessageTemplate, StaffRobot

_DUE_PERSON: Final = """
    SELECT id, state FROM notify_message
    WHERE channel = %(channel)s AND endpoint_id IS NULL AND state IN ('queued', 'sending') AND next_at <= %(now)s
        AND useful_until >= %(now)s AND attempts < %(tries)s
    ORDER BY urgency, next_at LIMIT %(slots)s FOR UPDATE SKIP LOCKED
"""
# Endpoint by endpoint, so that the backlog of a slow one is neither read nor given more than its share.
_DUE_WEBHOOK: Final = """
    SELECT due.id, due.state FROM (
        SELECT e.id, (SELECT count(*) FROM notify_message f
                      WHERE f.endpoint_id = e.id AND f.state = 'sending' AND f.next_at > %(now)s) AS busy
        FROM notify_webhookendpoint e
        WHERE e.disabled_at IS NULL AND e.removed_at IS NULL AND coalesce(e.paused_until, '-infinity') <= %(now)s
    ) way
    CROSS JOIN LATERAL (
        SELECT m.id, m.state, m.next_at FROM notify_message m
        WHERE m.endpoint_id = way.id AND m.state IN ('queued', 'sending')
            AND m.next_at <= %(now)s AND m.useful_until >= %(now)s AND m.attempts < %(tries)s
        ORDER BY m.next_at LIMIT greatest(0, %(share)s - way.busy) FOR UPDATE SKIP LOCKED
    ) due
    ORDER BY way.busy, due.next_at LIMIT %(slots)s
"""
_CLAIM: Final = """
    WITH due AS MATERIALIZED ({due})
    UPDATE notify_message m
    SET state = 'sending', claim = m.claim + 1, attempts = m.attempts + 1, next_at = %(lease_until)s
    FROM due WHERE m.id = due.id RETURNING m.id, due.state
"""
SHARE: Final = 2
"""Messages on the way to one endpoint at a time."""
INTERRUPTED: Final = "上次发送中断，可能已送达，以同一编号重发"


def claim(channel: Channel, *, slots: int, now: datetime, lease_until: datetime) -> list[Parcel]:
    """Up to `slots` due messages, now `sending` under a lease; those another courier left behind are among them."""
    sql = _CLAIM.format(due=_DUE_WEBHOOK if channel is Channel.WEBHOOK else _DUE_PERSON)
    with transaction.atomic():
        with connection.cursor() as cursor:
            given: dict[str, datetime | int | str] = {
                "channel": channel,
                "now": now,
                "slots": slots,
                "share": SHARE,
                "lease_until": lease_until,
                "tries": len(SCHEDULE),
            }
            cursor.execute(sql, given)
            claimed: dict[UUID, str] = dict(cursor.fetchall())
        if not claimed:
            return []
        Attempt.objects.bulk_create(
            Attempt(message_id=pk, at=now, took_ms=0, verdict="interrupted", answer=INTERRUPTED)
            for pk, before in claimed.items()
            if before == State.SENDING
        )
        rows = Message.objects.filter(pk__in=claimed).select_related("endpoint").order_by("created_at")
        company, templates = network.company(), templates_of(channel)
        robots = _robots(rows) if channel is Channel.ROBOT else {}
        return [_parcel(row, company, templates, robots.get(row.person)) for row in rows]


def renew(claims: Iterable[Parcel], *, lease_until: datetime) -> None:
    """Hold on to messages still being sent."""
    held = list(claims)
    if held:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE notify_message m SET next_at = %s FROM unnest(%s::uuid[], %s::int[]) AS held(id, claim)
                   WHERE m.id = held.id AND m.claim = held.claim AND m.state = 'sending'""",
                [lease_until, [parcel.id for parcel in held], [parcel.claim for parcel in held]],
            )


def templates_of(channel: Channel) -> Mapping[tuple[str, str], Template]:
    """The company's own, by kind and language. One query, none where nothing is said by templates."""
    if channel in AT_LENGTH:
        return {}
    return {
        (row.kind, row.language): Template(
            kind=Kind(row.kind), channel=channel, language=row.language, text=row.text, code=row.code
        )
        for row in MessageTemplate.objects.filter(channel=channel)
    }


def _robots(rows: Iterable[Message]) -> Mapping[str, StaffRobot]:
    """By person; those that are off or gone are left out, and their messages have no address."""
    ids = [row.person.removeprefix("robot:") for row in rows]
    found = StaffRobot.objects.filter(pk__in=ids, disabled_at=None, removed_at=None)
    return {f"robot:{robot.pk}": robot for robot in found}


def _said(
    row: Message,
    words: Mapping[str, object],
    company: network.CompanyView,
    templates: Mapping[tuple[str, str], Template],
) -> Said:
    kind = Kind(row.purpose)
    template = templates.get((kind, LANGUAGE)) or Template(
        kind=kind, channel=Channel(row.channel), language=LANGUAGE, text=DEFAULTS[kind]
    )
    values = {name: str(value) for name, value in words.items()}
    short, token = link_short(values.get("link", ""))
    beside = {
        "waybill": row.waybill,
        "company": company.name,
        "hotline": company.hotline,
        "link": short,
        "token": token,
    }
    return said(template, values | beside)


def _parcel(
    row: Message,
    company: network.CompanyView,
    templates: Mapping[tuple[str, str], Template],
    robot: StaffRobot | None,
) -> Parcel:
    endpoint, words = row.endpoint, json.loads(row.words)
    return Parcel(
        id=row.pk.hex,
        claim=row.claim,
        kind=Kind(row.purpose),
        waybill=row.waybill,
        person=row.person,
        address=endpoint.url if endpoint else robot.address if robot else row.address,
        secret=endpoint.secret if endpoint else robot.secret if robot else "",
        words=words,
        said=_said(row, words, company, templates),
        at=row.at,
        useful_until=row.useful_until,
        attempts=row.attempts,
        endpoint_id=endpoint.pk if endpoint else None,
        channel=Channel(row.channel),
        urgency=Urgency(row.urgency),
        ways_left=bool(row.ways),
        preferences=preferences_address(row.person) if endpoint is None else "",
        company=company.name,
        hotline=company.hotline,
        provider=robot.provider if robot else "",
    )
