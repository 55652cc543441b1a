"""A message to a webhook sent once more because its receiver asks for it."""

from django.core.exceptions import ValidationError
from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.notify.domain.delivery import OPEN_STATES, State
from zaitu.notify.domain.notices import Kind, useful_until
from zaitu.notify.domain.views import MessageView
from zaitu.notify.models import Message
from zaitu.notify.selectors import message_view
from zaitu.notify.services.endpoints import endpoint_locked


@transaction.atomic
def redeliver(*, actor: Principal, endpoint_id: int, message_id: str) -> MessageView:
    """Queue it again under its own id, with all its tries before it. See `public.redeliver`."""
    endpoint = endpoint_locked(actor, endpoint_id)
    message = _message(endpoint.pk, message_id)
    if endpoint.disabled_at is not None:
        raise RuleBroken("推送地址已停用，请先启用")
    if message.state in OPEN_STATES:
        raise RuleBroken("这条消息还在发送，无需重发")
    if message.blanked_at is not None:
        raise RuleBroken("这条消息的内容已过保存期，不能重发")
    now = clock.now()
    message.state, message.note, message.sent_at = State.QUEUED, "", None
    message.attempts, message.claim, message.next_at = 0, message.claim + 1, now
    message.useful_until = useful_until(Kind(message.purpose), by_webhook=True, since=now)
    message.save(update_fields=["state", "note", "sent_at", "attempts", "claim", "next_at", "useful_until"])
    audit(
        actor=actor,
        action="webhook.redeliver",
        subject=f"webhook:{endpoint.pk}",
        detail={"customer": endpoint.customer_code, "message": str(message.pk)},
    )
    return message_view(message, ())


def _message(endpoint_id: int, message_id: str) -> Message:
    """Locked. What is no id is a message that is not there."""
    try:
        found = Message.objects.select_for_update(of=("self",)).filter(pk=message_id, endpoint_id=endpoint_id)
        message = found.select_related("endpoint").first()
    except ValidationError:
        message = None
    if message is None:
        raise NotFound("没有这条消息")
    return message
