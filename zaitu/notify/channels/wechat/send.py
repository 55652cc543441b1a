"""One try to hand one message to the service account."""

from django.conf import settings

from zaitu.notify.channels.wechat.apps import WECHAT
from zaitu.notify.channels.wechat.client import Client
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class Sender:
    """Template messages to followers, or subscription notices to those who have agreed (ZAITU_WECHAT_MESSAGES)."""

    provider = "wechat"

    def __init__(self) -> None:
        self._client = Client(WECHAT)

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what WeChat may do."""
        if settings.ZAITU_WECHAT_MESSAGES == "subscribe":
            page = {"page": parcel.said.link} if parcel.said.link else {}
            return self._client.send(
                parcel, path="/cgi-bin/message/subscribe/bizsend", more=page, credit=True
            )
        # The same at every try of the message: WeChat drops what it has already sent.
        more = {"client_msg_id": parcel.id} | ({"url": parcel.said.link} if parcel.said.link else {})
        return self._client.send(parcel, path="/cgi-bin/message/template/send", more=more, credit=False)

    def tidy(self) -> None: ...

    def close(self) -> None:
        self._client.close()
