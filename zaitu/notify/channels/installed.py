"""Which channels this installation has, by its settings, and who carries each."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from django.conf import settings

from zaitu.notify.channels.sender import Sender
from zaitu.notify.domain.delivery import Channel


def _of(folder: str) -> Sender:
    """A channel folder's sender; its libraries are loaded only where it is used."""
    made: Sender = import_module(f"zaitu.notify.channels.{folder}.send").Sender()
    return made


SENDERS: Final[Mapping[Channel, Callable[[], Sender]]] = {
    Channel.EMAIL: lambda: _of("email"),
    Channel.WEBHOOK: lambda: _of("webhook"),
    Channel.SMS: lambda: _of(settings.ZAITU_SMS_PROVIDER),
    Channel.WECHAT: lambda: _of("wechat"),
    Channel.MINI: lambda: _of("mini"),
    Channel.ROBOT: lambda: _of("robot"),
}
SLOTS: Final[Mapping[Channel, int]] = {
    Channel.EMAIL: 4,
    Channel.WEBHOOK: 32,
    Channel.SMS: 16,
    Channel.WECHAT: 8,
    Channel.MINI: 8,
    Channel.ROBOT: 4,
}
"""Messages of a channel on their way at once, in one process."""
_SETTINGS: Final[Mapping[Channel, str]] = {
    Channel.EMAIL: "ZAITU_SMTP_URL",
    Channel.SMS: "ZAITU_SMS_PROVIDER",
    Channel.WECHAT: "ZAITU_WECHAT_APPID",
    Channel.MINI: "ZAITU_MINI_APPID",
}
"""What must be set for a channel to be there."""


def usable() -> frozenset[Channel]:
    """Channels by which messages leave this installation now."""
    return frozenset(one for one in SENDERS if one not in _SETTINGS or getattr(settings, _SETTINGS[one]))
