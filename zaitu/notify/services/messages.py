"""Writing messages beside the fact they tell."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.notify.channels.installed import usable
from zaitu.notify.domain.delivery import Channel, State
from zaitu.notify.domain.notices import DATA, PARAMS, Kind, Notice, Recipient, tidy, useful_until
from zaitu.notify.domain.ways import URGENCIES, Urgency, Way, ways_of
from zaitu.notify.domain.words import words
from zaitu.notify.models import ClosedWay, Message, WebhookEndpoint
from zaitu.notify.services.retention import blank
from zaitu.notify.services.ways import way_begin, ways_closed
from zaitu.notify.services.wechat import recipients_bound, wechat_unbind


def messages_write(*, notices: Sequence[Notice]) -> None:
    """One row for each person and each endpoint that wants the kind; rows that are there already stay as they are."""
    now = clock.now()
    notices = recipients_bound(notices)
    closed = ways_closed(one.person for notice in notices for one in notice.to)
    codes = {notice.customer_code for notice in notices if notice.customer_code}
    endpoints: dict[str, list[WebhookEndpoint]] = {}
    if codes:
        for endpoint in WebhookEndpoint.objects.filter(
            customer_code__in=codes, removed_at=None, disabled_at=None
        ):
            endpoints.setdefault(endpoint.customer_code, []).append(endpoint)
    rows = [
        row
        for notice in notices
        for row in _rows(notice, endpoints.get(notice.customer_code or "", []), closed, now)
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _rows(
    notice: Notice,
    endpoints: list[WebhookEndpoint],
    closed: Mapping[tuple[str, str], str],
    now: datetime,
) -> Iterator[Message]:
    try:
        kind = Kind(notice.kind)
    except ValueError:
        raise Invalid("没有这种通知", fields={"kind": notice.kind}) from None
    params = {key: str(value) for key, value in tidy(notice.params, PARAMS).items()}
    told = words(kind, waybill=notice.waybill, params=params, at=clock.local(notice.at))
    for recipient in notice.to:
        ways = _ways(recipient, URGENCIES[kind], closed)
        if ways:
            row = _row(notice, kind, ways[0].channel, recipient.person, now)
            way_begin(row, ways)
            row.subject, row.words = told.subject, _json(params)
            yield row
    for endpoint in endpoints:
        if not endpoint.kinds or kind.value in endpoint.kinds:
            row = _row(notice, kind, Channel.WEBHOOK, f"endpoint:{endpoint.pk}", now)
            row.endpoint, row.subject, row.words = endpoint, told.subject, _json(tidy(notice.data, DATA))
            yield row


def _ways(recipient: Recipient, urgency: Urgency, closed: Mapping[tuple[str, str], str]) -> tuple[Way, ...]:
    """Without any way that is open now: e-mail, which waits for a mail server."""
    addresses = recipient.addresses()
    shut = {
        channel
        for channel, address in addresses.items()
        if closed.get((recipient.person, channel)) == address
    }
    return ways_of(addresses, usable=usable(), closed=shut, urgency=urgency) or ways_of(
        addresses, usable={Channel.EMAIL}, closed=shut, urgency=urgency
    )


def _row(notice: Notice, kind: Kind, channel: Channel, person: str, now: datetime) -> Message:
    return Message(
        id=uuid.uuid4(),
        fact=notice.fact,
        person=person,
        purpose=kind,
        channel=channel,
        way_since=now,
        urgency=URGENCIES[kind],
        waybill=notice.waybill,
        customer_code=notice.customer_code or "",
        at=notice.at,
        created_at=now,
        useful_until=useful_until(kind, by_webhook=channel is Channel.WEBHOOK, since=now),
        state=State.QUEUED,
        next_at=now,
    )


def _json(words_or_facts: dict[str, str] | dict[str, str | int | float]) -> str:
    return json.dumps(words_or_facts, ensure_ascii=False)


@transaction.atomic
def person_forget(*, person: str) -> int:
    """Blank where and what this person was told, what was answered, and send nothing more; how many messages there were."""
    theirs = Message.objects.filter(person=person)
    ClosedWay.objects.filter(person=person).delete()
    wechat_unbind(person=person)
    theirs.filter(state=State.QUEUED).update(state=State.FAILED, note="收件人资料已删除")
    return blank(theirs)
