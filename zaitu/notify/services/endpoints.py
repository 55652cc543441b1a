"""Webhook endpoints: made, changed, given a new secret, taken away, tried."""

import base64
import secrets
import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.notify.domain.delivery import OPEN_STATES, Channel, State
from zaitu.notify.domain.endpoints import ENDPOINTS_PER_CUSTOMER, EndpointDraft, kinds_checked, url_parts
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.views import EndpointView, MessageView
from zaitu.notify.domain.ways import URGENCIES
from zaitu.notify.models import Message, WebhookEndpoint
from zaitu.notify.selectors import endpoint_view, message_view

_SECRET_BYTES: Final = 32
_TEST_USEFUL: Final = timedelta(minutes=10)
SWITCHED_OFF: Final = "已由管理方停用"
NOTE_OFF: Final = "推送地址已停用"
NOTE_REMOVED: Final = "推送地址已删除"
"""Why messages to an endpoint that is off or gone are not sent."""


@transaction.atomic
def endpoint_put(*, actor: Principal, draft: EndpointDraft) -> tuple[EndpointView, str]:
    url_parts(draft.url, private_allowed=settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED)
    kinds = kinds_checked(draft.kinds)
    if draft.id is not None:
        return _changed(actor, draft.id, draft, kinds), ""
    held = WebhookEndpoint.objects.filter(customer_code=draft.customer_code, removed_at=None).count()
    if held >= ENDPOINTS_PER_CUSTOMER:
        raise RuleBroken(f"每个客户最多 {ENDPOINTS_PER_CUSTOMER} 个 Webhook，请先删除不用的")
    secret = _secret()
    endpoint = WebhookEndpoint.objects.create(
        customer_code=draft.customer_code,
        url=draft.url.strip(),
        secret=secret,
        kinds=kinds,
        created_at=clock.now(),
    )
    _audit(actor, "webhook.create", endpoint)
    return endpoint_view(endpoint), secret


def _changed(actor: Principal, endpoint_id: int, draft: EndpointDraft, kinds: list[str]) -> EndpointView:
    endpoint = endpoint_locked(actor, endpoint_id)
    if endpoint.customer_code != draft.customer_code:
        raise NotFound
    endpoint.url, endpoint.kinds = draft.url.strip(), kinds
    endpoint.disabled_at, endpoint.disabled_why = None, ""
    endpoint.failures, endpoint.paused_until = 0, None
    endpoint.save(update_fields=["url", "kinds", "disabled_at", "disabled_why", "failures", "paused_until"])
    _audit(actor, "webhook.change", endpoint)
    return endpoint_view(endpoint)


@transaction.atomic
def endpoint_secret_renew(*, actor: Principal, endpoint_id: int) -> str:
    endpoint = endpoint_locked(actor, endpoint_id)
    endpoint.secret = _secret()
    endpoint.save(update_fields=["secret"])
    _audit(actor, "webhook.secret", endpoint)
    return endpoint.secret


@transaction.atomic
def endpoint_remove(*, actor: Principal, endpoint_id: int) -> None:
    endpoint = endpoint_locked(actor, endpoint_id)
    endpoint.removed_at = clock.now()
    endpoint.save(update_fields=["removed_at"])
    Message.objects.filter(endpoint=endpoint, state=State.QUEUED).update(
        state=State.GIVEN_UP, note=NOTE_REMOVED
    )
    _audit(actor, "webhook.remove", endpoint)


@transaction.atomic
def endpoint_test(*, actor: Principal, endpoint_id: int) -> MessageView:
    endpoint = endpoint_locked(actor, endpoint_id)
    if endpoint.disabled_at is not None:
        raise RuleBroken("推送地址已停用，请先启用")
    waiting = Message.objects.filter(endpoint=endpoint, purpose=Kind.TEST, state__in=OPEN_STATES)
    if waiting.exists():
        raise RuleBroken("上一条测试消息还在发送，请稍后再试")
    now = clock.now()
    made = uuid.uuid4()
    message = Message.objects.create(
        id=made,
        fact=f"test:{made}",
        person=f"endpoint:{endpoint.pk}",
        purpose=Kind.TEST,
        channel=Channel.WEBHOOK,
        way_since=now,
        urgency=URGENCIES[Kind.TEST],
        customer_code=endpoint.customer_code,
        endpoint=endpoint,
        subject="测试消息",
        words="{}",
        at=now,
        created_at=now,
        useful_until=now + _TEST_USEFUL,
        next_at=now,
    )
    _audit(actor, "webhook.test", endpoint)
    return message_view(message, ())


@transaction.atomic
def endpoint_switch(*, actor: Principal, endpoint_id: int, active: bool) -> EndpointView:
    endpoint = endpoint_locked(actor, endpoint_id)
    if active and endpoint.disabled_at is not None:
        endpoint.disabled_at, endpoint.disabled_why = None, ""
        endpoint.failures, endpoint.paused_until = 0, None
        endpoint.save(update_fields=["disabled_at", "disabled_why", "failures", "paused_until"])
        _audit(actor, "webhook.enable", endpoint)
    elif not active and endpoint.disabled_at is None:
        endpoint.disabled_at, endpoint.disabled_why = clock.now(), SWITCHED_OFF
        endpoint.save(update_fields=["disabled_at", "disabled_why"])
        waiting = Message.objects.filter(endpoint=endpoint, state=State.QUEUED)
        waiting.update(state=State.GIVEN_UP, note=NOTE_OFF)
        _audit(actor, "webhook.disable", endpoint)
    return endpoint_view(endpoint)


def endpoint_disable(*, endpoint_id: int, why: str) -> None:
    """The endpoint answered 410 Gone: nothing more goes there until somebody saves it again."""
    with transaction.atomic():
        now = clock.now()
        WebhookEndpoint.objects.filter(pk=endpoint_id, disabled_at=None).update(
            disabled_at=now, disabled_why=why
        )
        Message.objects.filter(endpoint_id=endpoint_id, state__in=OPEN_STATES).update(
            state=State.FAILED, note=NOTE_OFF
        )


def off_note(endpoint_id: int) -> str:
    """Why nothing is sent to an endpoint any more; empty: it is on. Locks it, so that nobody switches it meanwhile."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    if endpoint.removed_at is not None:
        return NOTE_REMOVED
    return "" if endpoint.disabled_at is None else NOTE_OFF


def endpoint_locked(actor: Principal, endpoint_id: int) -> WebhookEndpoint:
    """The endpoint, locked; NotFound when it is not there, removed, or another customer's."""
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id, removed_at=None).first()
    if endpoint is None or (actor.customer_code and endpoint.customer_code != actor.customer_code):
        raise NotFound("没有这个推送地址")
    return endpoint


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _audit(actor: Principal, action: str, endpoint: WebhookEndpoint) -> None:
    audit(
        actor=actor,
        action=action,
        subject=f"webhook:{endpoint.pk}",
        detail={"customer": endpoint.customer_code},
    )
