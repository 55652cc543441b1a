"""Which channels this installation has, by its settings, and who carries each."""

from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings

from zaitu.notify.channels.email.send import Sender as EmailSender
from zaitu.notify.channels.sender import Sender
from zaitu.notify.channels.webhook.send import Sender as WebhookSender
from zaitu.notify.domain.delivery import Channel

SENDERS: Final[Mapping[Channel, Callable[[], Sender]]] = {
    Channel.EMAIL: EmailSender,
    Channel.WEBHOOK: WebhookSender,
}
SLOTS: Final[Mapping[Channel, int]] = {Channel.EMAIL: 4, Channel.WEBHOOK: 32}
"""Messages of a channel on their way at once, in one process."""


def usable() -> frozenset[Channel]:
    """Channels by which messages leave this installation now."""
    return frozenset(
        channel for channel in SENDERS if channel is not Channel.EMAIL or settings.ZAITU_SMTP_URL
    )
