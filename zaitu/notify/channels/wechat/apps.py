"""The two kinds of WeChat apps: what each is called and where its settings are."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from zaitu.notify.domain.delivery import Channel


@dataclass(frozen=True, slots=True)
class App:
    channel: Channel

    @property
    def appid(self) -> str:
        return self._set("APPID")

    @property
    def secret(self) -> str:
        return self._set("SECRET")

    @property
    def callback_token(self) -> str:
        return self._set("CALLBACK_TOKEN")

    @property
    def aes_key(self) -> str:
        return self._set("AES_KEY")

    @property
    def key(self) -> str:
        """`ProviderToken.app`."""
        return f"{self.channel.value}:{self.appid}"[:60]

    def _set(self, name: str) -> str:
        return str(getattr(settings, f"ZAITU_{self.channel.value.upper()}_{name}"))


WECHAT: Final = App(Channel.WECHAT)
MINI: Final = App(Channel.MINI)
