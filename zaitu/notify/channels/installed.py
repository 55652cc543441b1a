"""Which channels this installation has, by its settings, and who carries each."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from django.conf import settings

from zaitu.notify.channels.sender import Sender
from zaitu.notify.domain.callbacks import Call, Taken
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.saying import Template


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


CALLBACKS: Final[Mapping[str, Channel]] = {"aliyun": Channel.SMS, "tencent": Channel.SMS}
"""Providers that call us, also those that are not in use (any more): receipts come late."""
_APPROVED: Final = frozenset({"aliyun", "tencent"})
"""SMS providers that send approved templates only."""


class CallbackReceiver(Protocol):
    """A provider folder's `receipts`."""

    def take(self, call: Call) -> Taken: ...


class TemplateRules(Protocol):
    """A provider folder's `limits`, where templates are approved by the provider."""

    def submitted(self, text: str) -> str: ...

    def template_refused(self, template: Template) -> Mapping[str, str]: ...


def callback_receiver(provider: str) -> CallbackReceiver:
    """Of a provider of `CALLBACKS`."""
    return cast("CallbackReceiver", import_module(f"zaitu.notify.channels.{provider}.receipts"))


def template_rules(channel: Channel) -> TemplateRules | None:
    """What the provider of a channel says of templates; None where it takes whatever is said."""
    provider = settings.ZAITU_SMS_PROVIDER if channel is Channel.SMS else ""
    if provider not in _APPROVED:
        return None
    return cast("TemplateRules", import_module(f"zaitu.notify.channels.{provider}.limits"))


def usable() -> frozenset[Channel]:
    """Channels by which messages leave this installation now."""
    return frozenset(one for one in SENDERS if one not in _SETTINGS or getattr(settings, _SETTINGS[one]))
