"""Reads of notify."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Min

from zaitu.kernel import clock, metrics
from zaitu.kernel.errors import NotFound
from zaitu.kernel.pages import Page
from zaitu.notify.domain.alerts import ROBOT_TEXTS, RobotProvider, RobotView
from zaitu.notify.domain.delivery import CHANNEL_TEXTS, OPEN_STATES, STATE_TEXTS, Channel, State
from zaitu.notify.domain.notices import KIND_TEXTS, Kind
from zaitu.notify.domain.views import AttemptView, EndpointView, InboundView, MessageView, address_masked
from zaitu.notify.models import Attempt, Inbound, Message, StaffRobot, WebhookEndpoint

NO_SMTP = "未配置发信服务器"
_MESSAGES_MAX = 500
DELIVERIES_PAGE = 50
DELIVERIES_DAYS = 7
"""How far back an endpoint's messages are listed: longer than any of them is tried."""


def messages_of(*, waybill: str, customer_code: str | None) -> list[MessageView]:
    """Newest first, with their tries; at most 500."""
    rows = Message.objects.filter(waybill=waybill).select_related("endpoint").order_by("-created_at", "id")
    if customer_code is not None:
        rows = rows.filter(customer_code=customer_code)
    return _with_tries(list(rows[:_MESSAGES_MAX]))


def deliveries(*, endpoint_id: int, page: int) -> Page[MessageView]:
    """Newest first, with their tries; those of the last `DELIVERIES_DAYS` days."""
    since = clock.now() - timedelta(days=DELIVERIES_DAYS)
    rows = Message.objects.filter(endpoint_id=endpoint_id, created_at__gte=since)
    start = (page - 1) * DELIVERIES_PAGE
    found = rows.select_related("endpoint").order_by("-created_at", "id")[start : start + DELIVERIES_PAGE]
    return Page(rows=tuple(_with_tries(list(found))), total=rows.count(), page=page, size=DELIVERIES_PAGE)


def _with_tries(found: list[Message]) -> list[MessageView]:
    tries: dict[object, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(message__in=[row.pk for row in found]).order_by("id"):
        tries.setdefault(attempt.message_id, []).append(attempt)
    return [message_view(row, tries.get(row.pk, ())) for row in found]


def message_view(row: Message, tries: Iterable[Attempt]) -> MessageView:
    state, channel, kind = State(row.state), Channel(row.channel), Kind(row.purpose)
    note = row.note
    if state is State.QUEUED and channel is Channel.EMAIL and not settings.ZAITU_SMTP_URL:
        note = NO_SMTP
    return MessageView(
        id=str(row.pk),
        waybill=row.waybill,
        kind=kind,
        kind_text=KIND_TEXTS[kind],
        channel=channel,
        channel_text=CHANNEL_TEXTS[channel],
        to=_host(row.endpoint.url) if row.endpoint else address_masked(channel, row.address),
        person=row.person,
        state=state,
        state_text=STATE_TEXTS[state],
        subject=row.subject,
        note=note,
        attempts=row.attempts,
        at=row.at,
        created_at=row.created_at,
        next_at=row.next_at if state is State.QUEUED and note != NO_SMTP else None,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        tries=tuple(
            AttemptView(
                at=one.at,
                took_ms=one.took_ms,
                code=one.code,
                answer=one.answer,
                channel=one.channel or row.channel,
                provider=one.provider,
                reason=one.reason,
                parts=one.parts,
                cost_fen=one.cost_fen,
                receipt=one.receipt,
                receipt_note=one.receipt_note,
            )
            for one in tries
        ),
    )


def endpoints(*, customer_code: str) -> list[EndpointView]:
    rows = WebhookEndpoint.objects.filter(removed_at=None)
    if customer_code:
        rows = rows.filter(customer_code=customer_code)
    return [endpoint_view(row) for row in rows]


def endpoint(*, endpoint_id: int, customer_code: str) -> EndpointView:
    """Raises NotFound: not there, removed, or another customer's (empty: anybody's)."""
    row = WebhookEndpoint.objects.filter(pk=endpoint_id, removed_at=None).first()
    if row is None or (customer_code and row.customer_code != customer_code):
        raise NotFound("没有这个推送地址")
    return endpoint_view(row)


def endpoint_view(row: WebhookEndpoint) -> EndpointView:
    rests = row.disabled_at is None and row.paused_until and row.paused_until > clock.now()
    return EndpointView(
        id=row.pk,
        customer_code=row.customer_code,
        url=row.url,
        kinds=tuple(row.kinds),
        active=row.disabled_at is None,
        note=row.disabled_why,
        paused_until=row.paused_until if rests else None,
        created_at=row.created_at,
        last_ok_at=row.last_ok_at,
    )


def inbound(*, inbound_id: int) -> InboundView:
    """Raises NotFound."""
    row = Inbound.objects.filter(pk=inbound_id).first()
    if row is None:
        raise NotFound("没有这条回复")
    channel = Channel(row.channel)
    return InboundView(
        id=row.pk,
        channel=channel,
        channel_text=CHANNEL_TEXTS[channel],
        person=row.person,
        waybill=row.waybill,
        address=address_masked(channel, row.address),
        text=row.text,
        unsubscribed=row.unsubscribed,
        at=row.at,
    )


def robots() -> list[RobotView]:
    return [robot_view(row) for row in StaffRobot.objects.filter(removed_at=None)]


def robot(*, robot_id: int) -> RobotView:
    """Raises NotFound: not there, or removed."""
    row = StaffRobot.objects.filter(pk=robot_id, removed_at=None).first()
    if row is None:
        raise NotFound("没有这个机器人")
    return robot_view(row)


def robot_messages(*, robot_id: int) -> list[MessageView]:
    """What a robot was told in the last days, newest first, with the tries; at most `DELIVERIES_PAGE`."""
    since = clock.now() - timedelta(days=DELIVERIES_DAYS)
    rows = Message.objects.filter(
        person=f"robot:{robot_id}", channel=Channel.ROBOT, created_at__gte=since
    ).select_related("endpoint")
    return _with_tries(list(rows.order_by("-created_at", "id")[:DELIVERIES_PAGE]))


def robot_view(row: StaffRobot) -> RobotView:
    provider = RobotProvider(row.provider)
    rests = row.disabled_at is None and row.paused_until and row.paused_until > clock.now()
    return RobotView(
        id=row.pk,
        name=row.name,
        provider=provider,
        provider_text=ROBOT_TEXTS[provider],
        kinds=tuple(row.kinds),
        signed=bool(row.secret),
        active=row.disabled_at is None,
        note=row.disabled_why,
        paused_until=row.paused_until if rests else None,
        created_at=row.created_at,
        last_ok_at=row.last_ok_at,
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


@metrics.read_when_asked
def _backlog() -> Iterable[metrics.Metric]:
    """What is still to be sent, by channel and state; one look at the index of open messages."""
    waiting = {
        (row["channel"], row["state"]): (row["number"], row["oldest"])
        for row in Message.objects.filter(state__in=OPEN_STATES)
        .values("channel", "state")
        .annotate(number=Count("pk"), oldest=Min("created_at"))
    }
    now = clock.now()
    count = metrics.family("messages", "Messages not yet told", ["channel", "state"])
    age = metrics.family("messages_oldest_s", "Age of the oldest of them, seconds", ["channel", "state"])
    for channel in Channel:
        for state in OPEN_STATES:
            number, oldest = waiting.get((channel, state), (0, now))
            count.add_metric([channel, state], number)
            age.add_metric([channel, state], (now - oldest).total_seconds())
    return count, age
