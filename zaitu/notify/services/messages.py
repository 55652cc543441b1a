"""Writing messages beside the fact they tell."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.delivery import Channel, State
from zaitu.notify.domain.endpoints import ENDPOINT_KINDS
from zaitu.notify.domain.notices import DATA, PARAMS, Kind, Notice, tidy, useful_until
from zaitu.notify.domain.ways import URGENCIES
from zaitu.notify.domain.words import words
from zaitu.notify.models import ClosedWay, Inbound, Message, PersonPreference, WebhookEndpoint
from zaitu.notify.services.planning import Planner
from zaitu.notify.services.retention import blank, inbound_blank
from zaitu.notify.services.ways import way_begin
from zaitu.notify.services.wechat import recipients_bound, wechat_unbind


def messages_write(*, notices: Sequence[Notice]) -> None:
    """One row for each person and each endpoint that wants the kind; rows that are there already stay as they are."""
    now = clock.now()
    notices = recipients_bound(notices)
    planner = Planner(notices, now)
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
        for row in _rows(notice, endpoints.get(notice.customer_code or "", []), planner, now)
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _rows(
    notice: Notice, endpoints: list[WebhookEndpoint], planner: Planner, now: datetime
) -> Iterator[Message]:
    try:
        kind = Kind(notice.kind)
    except ValueError:
        raise Invalid("没有这种通知", fields={"kind": notice.kind}) from None
    params = {key: str(value) for key, value in tidy(notice.params, PARAMS).items()}
    told = words(kind, waybill=notice.waybill, params=params, at=clock.local(notice.at))
    for recipient in notice.to:
        plan = planner.plan(recipient, kind, useful_until(kind, by_webhook=False, since=now))
        if plan is not None:
            row = _row(notice, kind, plan.ways[0].channel, recipient.person, now)
            way_begin(row, plan.ways, at=plan.at)
            row.state, row.next_at, row.note = plan.state, plan.at, plan.note
            row.subject, row.words = told.subject, _json(params)
            yield row
    for endpoint in endpoints if kind in ENDPOINT_KINDS else ():
        if not endpoint.kinds or kind.value in endpoint.kinds:
            row = _row(notice, kind, Channel.WEBHOOK, f"endpoint:{endpoint.pk}", now)
            row.endpoint, row.subject, row.words = endpoint, told.subject, _json(tidy(notice.data, DATA))
            yield row


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
    PersonPreference.objects.filter(person=person).delete()
    theirs.filter(state__in=[State.QUEUED, State.HELD]).update(state=State.FAILED, note="收件人资料已删除")
    inbound_blank(Inbound.objects.filter(person=person), clock.now())
    wechat_unbind(person=person)
    return blank(theirs)
