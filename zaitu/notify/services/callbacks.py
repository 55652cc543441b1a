"""What providers tell us at our own door."""

from django.conf import settings

from zaitu.kernel import signing
from zaitu.kernel.errors import NotFound
from zaitu.notify.channels.installed import CALLBACKS, callback_receiver
from zaitu.notify.domain.callbacks import Call, Taken
from zaitu.notify.domain.views import PROVIDER_TEXTS, CallbackView
from zaitu.notify.services.inbound import heard_take
from zaitu.notify.services.ways import receipts_take
from zaitu.notify.services.wechat import SIGNING, wechat_called


def callback_token(provider: str) -> str:
    """The secret part of the address that this provider calls."""
    return signing.fixed(f"callback.{provider}")


def callbacks_list() -> list[CallbackView]:
    """Of the SMS provider in use, if it calls us."""
    provider = settings.ZAITU_SMS_PROVIDER
    if provider not in CALLBACKS:
        return []
    url = f"{settings.ZAITU_PUBLIC_URL}/callbacks/{provider}/{callback_token(provider)}"
    return [CallbackView(provider=provider, provider_text=PROVIDER_TEXTS[provider], url=url)]


def callback_take(*, provider: str, token: str, call: Call) -> Taken:
    """Let what a provider tells work, and what it expects to hear.

    WeChat signs; all others have a secret path. Raises NotFound: no such provider, or another's path.
    """
    if provider in SIGNING and not token:
        return wechat_called(provider=provider, call=call)
    # Always compared, so that a provider that does not exist takes as long as one that does.
    right = signing.is_fixed(token, f"callback.{provider}")
    if provider not in CALLBACKS or not right:
        raise NotFound
    taken: Taken = callback_receiver(provider).take(call)
    if taken.receipts:
        receipts_take(provider=provider, receipts=taken.receipts)
    if taken.heard:
        heard_take(provider=provider, channel=CALLBACKS[provider], heard=taken.heard)
    return taken
